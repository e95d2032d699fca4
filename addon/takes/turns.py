"""How a take's file says that its bones are turned, as an attribute of the track's mesh
(docs/blend_storage.md)."""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core.medians import in_parts
from ...lsmpl_core.rotation import exp_map, from_quaternion, log_map, to_quaternion
from .mesh_data import read, write

TURN = "turn"
"""Attribute of a take's mesh, absent where its file says nothing of it."""
_LEAST, _MOST = 0.5, 2.0
"""Lengths of a quaternion that is one, give or take; those of nothing are 0 0 0 0."""


def store(mesh: bpy.types.Mesh, turns: np.ndarray | None) -> None:
    """Keep a track's turns (T,K,3), axis-angles, NaN where the file has none."""
    if turns is None or not np.isfinite(turns).any():
        return
    rows = turns.reshape(-1, 3)
    quaternions = np.zeros((len(rows), 4), dtype=np.float32)
    for some, found in in_parts(rows, quaternions):
        given = np.isfinite(some).all(axis=1)
        found[given] = to_quaternion(exp_map(some[given].astype(np.float64)))
    write(mesh, TURN, "QUATERNION", quaternions)


def load(mesh: bpy.types.Mesh, shape: tuple[int, int]) -> np.ndarray | None:
    """(T,K,3) as `store` takes them, None where there are none. Raises `LsmplError` where they are
    no longer what was stored."""
    if TURN not in mesh.attributes:
        return None
    quaternions = read(mesh, TURN, "QUATERNION").reshape(-1, 4)
    turns = np.full((len(quaternions), 3), np.nan, dtype=np.float32)
    for some, found in in_parts(quaternions, turns):
        with np.errstate(invalid="ignore", over="ignore"):
            length = np.linalg.norm(some.astype(np.float64), axis=1)
        given = (length > _LEAST) & (length < _MOST)
        unit = some[given] / length[given, None]
        found[given] = log_map(from_quaternion(unit))
    return turns.reshape(*shape, 3)

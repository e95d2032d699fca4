"""How far the keypoints of some frames are from the body, and where the body has them: by this they
are coloured, and shown hollow where they were not seen.

While an edit is pending, the values of the side that is not shown are kept beside those that are.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core.by_hand.posing import Poser, poses_of
from ...lsmpl_core.refine_range import measured
from ..takes import layers
from ..takes import take as takes
from ..takes.layers import Layer
from ..takes.mesh_data import change, has_attribute, read, write

_KINDS = {"residual": "FLOAT", "site": "FLOAT_VECTOR"}
"""Attributes of a take's mesh: metres, -1 where nothing was measured; metres, 0 for a keypoint that
is never seen."""
_NOT_SHOWN_KEYS = {"residual": "lsmpl_residual_not_shown", "site": "lsmpl_site_not_shown"}
"""Of a take's mesh: the same of the changed frames on the side that is not shown."""


def measure(take: bpy.types.Object, poser: Poser, low: int, high: int) -> None:
    """Write the values of frames `low` to `high` of the motion as it is now; those that were there
    are kept for `exchange`.

    As in a solve, keypoints that are not believed are not measured.
    """
    motion = layers.load(take, layers.latest(take, before=Layer.CLEANED))
    poses = poses_of(motion, slice(low, high + 1))
    residual = measured(takes.load_track(take), poser, poses, low)
    residual[~takes.believed(take)[low : high + 1]] = np.nan
    sites = np.nan_to_num(poser.sites(poses))
    sites[:, ~takes.ever_seen(take)] = 0.0
    if not has_attribute(take.data, "residual", "FLOAT"):
        write(take.data, "residual", "FLOAT", np.full(len(take.data.vertices), -1.0))
    values = {"residual": np.where(np.isfinite(residual), residual, -1.0), "site": sites}
    for name in _there(take):
        take.data[_NOT_SHOWN_KEYS[name]] = _values(take, name, low, high).ravel().tolist()
        _set_values(take, name, low, values[name])


def exchange(take: bpy.types.Object, low: int, high: int) -> None:
    """Show the values of the other side of a pending edit of frames `low` to `high`."""
    for name in _there(take):
        if _NOT_SHOWN_KEYS[name] in take.data:
            coming = np.array(take.data[_NOT_SHOWN_KEYS[name]])
            take.data[_NOT_SHOWN_KEYS[name]] = _values(take, name, low, high).ravel().tolist()
            _set_values(take, name, low, coming)


def forget_other_side(take: bpy.types.Object) -> None:
    """No edit is pending any more."""
    for key in _NOT_SHOWN_KEYS.values():
        if key in take.data:
            del take.data[key]


def frame_residual(take: bpy.types.Object, low: int, high: int) -> np.ndarray:
    """(N,) metres that frames `low` to `high` are off on average, NaN where nothing was
    measured."""
    residual = _values(take, "residual", low, high).reshape(high + 1 - low, -1)
    seen = residual >= 0.0
    total = np.where(seen, residual, 0.0).sum(axis=1)
    return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), np.nan)


def _there(take: bpy.types.Object) -> list[str]:
    """What a take's mesh has; takes that an earlier version solved have no sites."""
    return [name for name, kind in _KINDS.items() if has_attribute(take.data, name, kind)]


def _values(take: bpy.types.Object, name: str, low: int, high: int) -> np.ndarray:
    """(M,) or (M,3), keypoint after keypoint and frame after frame."""
    _, count = takes.shape_of(take)
    values = read(take.data, name, _KINDS[name]).reshape(len(take.data.vertices), -1)
    return values[low * count : (high + 1) * count]


def _set_values(take: bpy.types.Object, name: str, low: int, values: np.ndarray) -> None:
    """From frame `low` on."""
    _, count = takes.shape_of(take)
    values = values.reshape(-1, 3) if name == "site" else values.ravel()
    change(take.data, name, _KINDS[name], low * count + np.arange(len(values)), values)
    take.data.update_tag()

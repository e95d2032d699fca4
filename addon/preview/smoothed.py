"""A take's joints as they are and as a strength of smoothing would leave them, about a frame."""

from __future__ import annotations

from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.cleaning.smoothing import smooth
from ..characters import bodies
from ..takes import layers
from ..takes.layers import Layer

CHUNK_FRAMES = 600
"""Frames that are smoothed at once, from a multiple of half of it on, so that scrubbing seldom
needs others: a tenth of a second of work."""


class Preview(NamedTuple):
    """Joints (W,24,3) in metres, in the take's space, before and after smoothing; `first` is the
    take's frame of the first of them."""

    before: np.ndarray
    after: np.ndarray
    first: int

    @property
    def moved(self) -> tuple[float, float]:
        """Metres by which joints are moved, on average and at most."""
        off = np.linalg.norm(self.after - self.before, axis=-1)
        return float(off.mean()), float(off.max())


_last: tuple[tuple, Preview] | None = None


def forget() -> None:
    global _last
    _last = None


def of_take(take: bpy.types.Object, strength: float, frame: int) -> Preview | None:
    """What smoothing would do about a frame of a solved take; None where it cannot be told."""
    global _last
    try:
        layer = layers.latest(take, before=Layer.CLEANED)
        facts = layers.describe(take, layer) if layer else None
        if layer is None or facts is None:
            return None
        first = max(0, (2 * frame // CHUNK_FRAMES - 1) * CHUNK_FRAMES // 2)
        key = (take.session_uid, facts.get("version"), round(strength, 3), first)
        if _last is None or _last[0] != key:
            _last = key, _smoothed(take, layer, facts, strength, first)
        return _last[1]
    except LsmplError:
        return None


def _smoothed(
    take: bpy.types.Object, layer: Layer, facts: dict, strength: float, first: int
) -> Preview:
    motion = layers.load(take, layer).frames(slice(first, first + 2 * CHUNK_FRAMES))
    body = bodies.load(facts.get("body_path", ""))
    return Preview(body.joints(motion), body.joints(smooth(motion, strength)), first)

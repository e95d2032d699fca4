"""Names of 0.1 that later ones took the place of; they work for one version more, and warn."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from .progress import Progress
from .refine_estimate import refine_motion
from .refine_range import Init, refine_frames, refine_frames_steps
from .renaming import warn_renamed
from .solver.pinned_joints import PinnedJoints
from .solver.poses import Poses


def refine(
    track,
    body,
    motion,
    device="auto",
    progress=None,
    options=None,
    pins=None,
    calibration=None,
    trials=(),
):
    """`refine_motion`."""
    warn_renamed("lsmpl_core.refine", "lsmpl_core.refine_motion")
    return refine_motion(
        track,
        body,
        motion,
        calibration=calibration,
        trials=trials,
        pins=pins,
        options=options,
        device=device,
        progress=progress,
    )


def touch_up(
    track, body, motion, first, last, begin=Init.CURRENT, part_weights=None, pins=None,
    device="auto", poser=None, progress=None,
) -> Poses:  # fmt: skip
    """`refine_frames`."""
    warn_renamed("lsmpl_core.touch_up", "lsmpl_core.refine_frames")
    given = {
        "part_weights": part_weights,
        "pins": pins,
        "poser": poser,
        "device": device,
        "progress": progress,
    }
    return refine_frames(track, body, motion, first, last, init=_init(begin), **given)


def touch_up_steps(
    track,
    body,
    motion,
    first,
    last,
    begin=Init.CURRENT,
    part_weights=None,
    pins=None,
    device="auto",
    poser=None,
) -> Generator[Progress, None, Poses]:
    """`refine_frames_steps`."""
    warn_renamed("lsmpl_core.touch_up_steps", "lsmpl_core.refine_frames_steps")
    given = {"part_weights": part_weights, "pins": pins, "poser": poser, "device": device}
    return refine_frames_steps(track, body, motion, first, last, init=_init(begin), **given)


class _Begin(type):
    """Of `Begin`: its members, and `Begin("around")`, are those of `Init`."""

    HERE, AROUND, NOTHING = Init.CURRENT, Init.NEIGHBOURS, Init.COLD

    def __call__(cls, value: str) -> Init | Poses:
        warn_renamed("lsmpl_core.Begin", "lsmpl_core.Init")
        return _init(value)


class Begin(metaclass=_Begin):
    """`Init`."""


def Pins(frames, joints, rotations) -> PinnedJoints:
    """`PinnedJoints`."""
    warn_renamed("lsmpl_core.Pins", "lsmpl_core.PinnedJoints")
    return PinnedJoints(frames, joints, rotations)


def _init(begin: Any) -> Init | Poses:
    names: dict[str, Any] = {"here": Init.CURRENT, "around": Init.NEIGHBOURS, "nothing": Init.COLD}
    return names.get(begin, begin) if isinstance(begin, str) else begin

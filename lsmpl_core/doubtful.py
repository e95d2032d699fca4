"""Which frames of a solved motion deserve a look, and why: far from their keypoints, too little
seen, a sudden jump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .doubt_grounds import grounds_of
from .motion import Motion

TOGETHER_SECONDS = 0.1
"""Seconds between doubtful frames within which they are one stretch."""


@dataclass(frozen=True)
class Stretch:
    """Doubtful frames that belong together, counted from the motion's first frame as 0.

    first and last: of them all; worst: the frame to look at first; frames: how many in between are
    doubtful themselves;
    severity: of the worst, 1 being just doubtful; why: the reasons in words, of the worst frame
    first.
    """

    first: int
    last: int
    worst: int
    frames: int
    severity: float
    why: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "first": self.first,
            "last": self.last,
            "worst": self.worst,
            "frames": self.frames,
            "severity": round(self.severity, 3),
            "why": list(self.why),
        }


def doubtful_stretches(motion: Motion) -> list[Stretch]:
    """The doubtful stretches of a solved motion, in order of time; none where nothing was measured
    and nothing jumps.

    Residual and condition of the keypoints count where the motion has them.
    """
    grounds = grounds_of(motion)
    severity = np.stack([ground.severity for ground in grounds])
    doubtful = np.flatnonzero((severity >= 1.0).any(axis=0))
    if not len(doubtful):
        return []
    apart = np.diff(doubtful) > max(1, round(TOGETHER_SECONDS * motion.fps))
    stretches = []
    for frames in np.split(doubtful, np.flatnonzero(apart) + 1):
        inside = severity[:, frames]
        worst = int(frames[np.argmax(inside.max(axis=0))])
        order = sorted(range(len(grounds)), key=lambda g: (-severity[g, worst], -inside[g].max()))
        at = {
            g: worst if severity[g, worst] >= 1.0 else int(frames[np.argmax(inside[g])])
            for g in order
        }
        said = (grounds[g].say(at[g]) for g in order if severity[g, at[g]] >= 1.0)
        why = tuple(dict.fromkeys(said))  # two grounds may say the same of one limb
        stretches.append(
            Stretch(
                int(frames[0]),
                int(frames[-1]),
                worst,
                len(frames),
                float(severity[:, worst].max()),
                why,
            )
        )
    return stretches


def in_words(stretches: Sequence[Stretch]) -> str:
    """For instance "12 doubtful frames in 3 stretches"."""
    frames = sum(stretch.frames for stretch in stretches)
    if not frames:
        return "No doubtful frames"
    where = "" if frames == 1 else f" in {_counted(len(stretches), 'stretch', 'stretches')}"
    return f"{_counted(frames, 'doubtful frame', 'doubtful frames')}{where}"


def describe_doubtful(motion: Motion) -> dict[str, Any]:
    """For a report: frames as the source of the motion counts them."""
    stretches = doubtful_stretches(motion)
    return {
        "doubtful_frames": sum(stretch.frames for stretch in stretches),
        "doubtful_stretches": [
            {
                "first_frame": motion.first_frame + stretch.first,
                "last_frame": motion.first_frame + stretch.last,
                "worst_frame": motion.first_frame + stretch.worst,
                "why": list(stretch.why),
            }
            for stretch in stretches
        ],
    }


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

"""How a file's numbers become metres, Z up and not mirrored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..keypoints.layouts import Layout
from ..keypoints.track import Decision
from ..medians import in_parts
from . import units
from .axes import decide_up
from .handedness import wrong_sides
from .matching import Match
from .raw import RawTrack
from .space import checked_stature, found_origin


@dataclass(frozen=True)
class World:
    """How a file's numbers become metres with Z up, which is the same for everybody in it: p' = R
    (p - origin) metres, and, where it is mirrored, y negated."""

    origin: np.ndarray
    metres: float
    rotation: np.ndarray
    unit: Decision
    up: Decision
    further: tuple[Decision, ...] = ()

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Points (...,3) of the file in metres, Z up, not mirrored."""
        return self.turned(self.measured(np.array(points)))

    def measured(self, points: np.ndarray) -> np.ndarray:
        """The same array in metres from the origin, written into it."""
        points -= self.origin
        points *= self.metres
        return points

    def turned(self, points: np.ndarray) -> np.ndarray:
        """The same array with Z up, written into it: takes may be all of the memory there is."""
        for (part,) in in_parts(points):
            part[...] = part @ self.rotation.T
        return points

    def turns(self, turns: np.ndarray, mirrored: bool) -> np.ndarray:
        """Axis-angles (...,3) of the file's axes in the track's: where the space is mirrored, turns
        go the other way about the axis's image."""
        handed = np.array([-1.0, 1.0, -1.0]) if mirrored else 1.0
        return turns @ self.rotation.T * handed

    def in_file(self, points: np.ndarray, mirrored: bool) -> np.ndarray:
        """Points (...,3) of the track in the file's axes, in metres from the origin."""
        return (points * [1.0, -1.0 if mirrored else 1.0, 1.0]) @ self.rotation

    def matrix(self, mirrored: bool) -> np.ndarray:
        """(4,4) of the whole: what brings a point of the file's numbers to the track."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.metres * self.rotation
        matrix[:3, 3] = self.placed(np.zeros(3))
        return np.diag([1.0, -1.0 if mirrored else 1.0, 1.0, 1.0]) @ matrix


def find_world(
    raw: RawTrack, match: Match, positions: np.ndarray, judged: Layout | None, source: str, unit, up
) -> World:
    """What is settled on the first person of a file, whose positions are then in metres from the
    origin, in the same array."""
    origin, moved = found_origin(positions)
    positions -= origin
    metres, unit_decision = units.decide_unit(positions, judged, unit, raw.unit)
    stature = units.measure_stature(positions, judged) * metres
    checked_stature(stature if unit_decision.value != "body" else np.nan, source, unit_decision)
    positions *= metres
    rotation, up_decision = decide_up(
        positions, judged, up, raw.up, match.layout.keypoints, raw.usual_up
    )
    return World(origin, metres, rotation, unit_decision, up_decision, (moved,) if moved else ())


def not_mirrored(
    positions: np.ndarray, match: Match, judged: Layout | None, mirror: bool | None
) -> tuple[np.ndarray, bool, tuple[Decision, ...]]:
    """Positions (T,K,3) in metres, Z up, mirrored where that was asked for or is sure (the same
    array); whether they were; and what was decided about left and right."""
    found = wrong_sides(positions, match.layout, judged)
    mirrored = found if found is not None and found.what == "mirrored" else None
    exchanged = () if found is None or mirrored else (found,)
    if mirror is not None:
        decision = Decision("mirrored", "yes" if mirror else "no", "given")
    elif mirrored is None:
        return positions, False, exchanged
    elif mirrored.confidence != 1.0 or match.decision.basis != "file":
        return positions, False, (mirrored,)
    else:
        mirror = True
        reason = f"{mirrored.reason}; y was negated (--mirror no leaves it)"
        decision = replace(mirrored, value="mended", reason=reason)
    if mirror:
        np.negative(positions[..., 1], out=positions[..., 1])
    return positions, mirror, (decision, *exchanged)

"""`Calibration`: a subject's shape, and where on the body each keypoint of theirs sits, as a solve
found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..body.body import Body
from ..body.sites import SiteParts, check_site, site_parts
from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..bounds import FEWEST_KEYPOINTS, LARGEST_BETA, LONGEST_NAME, MOST_TURN
from ..concise import concise_repr
from ..errors import CalibrationError, LayoutError, SolveError
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision, KeypointTrack

FORMAT = 1
MOST_PLACED = 2000
"""Keypoints in a calibration that is read."""
POSE = 3 * (NUM_JOINTS - 1)
"""Numbers of a pose: an axis-angle of every joint but the root."""
FARTHEST_OFFSET, LARGEST_NOISE = 2.0, 1.0
"""Metres beyond which what is read is no calibration."""


@dataclass(frozen=True)
class SiteOffset:
    """A site, the joint that a keypoint goes with, and how far (3,) it is off the site in that
    joint's rest frame; carries: so is the joint that the site is at, and all that hangs on it."""

    site: str
    parent_joint: int
    offset: np.ndarray
    carries: bool = False


@dataclass(frozen=True)
class Calibration:
    """A subject's betas (10,) on the body with this key, and where the keypoints are, by name.

    noise: how far keypoints are off in each axis, in metres, one standard deviation. pose (69,):
    the mean axis-angles of joints 1 to 23 in the poses that the keypoints were placed with, None
    where there are none: a site and the pose of what carries it were found together, and only
    together are they right. decisions: what was decided about the keypoints (not saved).
    """

    body: str
    betas: np.ndarray
    keypoints: dict[str, SiteOffset]
    noise: float = 0.001
    decisions: tuple[Decision, ...] = ()
    pose: np.ndarray | None = None
    __repr__ = concise_repr

    @classmethod
    def of_layout(
        cls,
        body: Body,
        layout: Layout,
        betas: np.ndarray,
        parts: SiteParts,
        offsets: np.ndarray | None = None,
        noise: float = 0.001,
    ) -> Calibration:
        """What a solve found out: offsets (K,3) in metres from the sites of a layout, whose parts
        on the body these are; None leaves them at 0."""
        offsets = np.zeros((len(layout), 3)) if offsets is None else offsets
        carries = [False] * len(layout) if parts.carries is None else parts.carries.tolist()
        site_offsets = map(SiteOffset, layout.sites, parts.parent_joint.tolist(), offsets, carries)
        return cls(body.key, betas, dict(zip(layout.keypoints, site_offsets)), noise)

    def parts(self, body: Body, layout: Layout) -> SiteParts:
        """Of a layout all of whose keypoints are calibrated."""
        site_offsets = [self.keypoints[name] for name in layout.keypoints]
        carries = np.array([at.carries for at in site_offsets])
        parts = replace(
            site_parts(body, [at.site for at in site_offsets]),
            parent_joint=np.array([at.parent_joint for at in site_offsets]),
            carries=carries if carries.any() else None,
        )
        return parts.displaced(np.stack([at.offset for at in site_offsets]))

    def usable(self, track: KeypointTrack, body: Body) -> KeypointTrack:
        """The track of the calibrated keypoints alone. Raises `SolveError` for another body, or
        where few are."""
        rows = self.usable_rows(track.layout, body, track.source)
        return track if len(rows) == len(track.layout) else of_keypoints(track, rows)

    def usable_rows(self, layout: Layout, body: Body, source: str = "") -> list[int]:
        """Which of a layout's keypoints are calibrated. Raises `SolveError` for another body, or
        where few are."""
        if self.body != body.key:
            raise SolveError(
                f"the calibration is for the body {self.body}, not for {body.key}; calibrate on "
                "this one"
            )
        rows = [k for k, name in enumerate(layout.keypoints) if name in self.keypoints]
        if len(rows) < FEWEST_KEYPOINTS:
            raise SolveError(
                f"{source or 'the track'}: {len(rows)} of its keypoints are calibrated, and "
                f"{FEWEST_KEYPOINTS} are "
                f"needed. Calibrated are: {', '.join(list(self.keypoints)[:20])}"
            )
        return rows

    def as_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them."""
        pose = {} if self.pose is None else {"pose": np.asarray(self.pose).tolist()}
        return {
            "format": FORMAT,
            "body": self.body,
            "betas": np.asarray(self.betas).tolist(),
            "noise": float(self.noise),
            **pose,
            "keypoints": {
                name: {
                    "site": p.site,
                    "bearer": JOINT_NAMES[p.parent_joint],
                    "offset": np.asarray(p.offset).tolist(),
                    **({"carries": True} if p.carries else {}),
                }
                for name, p in self.keypoints.items()
            },
        }

    @classmethod
    def from_dict(cls, stored: Any) -> Calibration:
        """What `as_dict` gave, from a file of anybody's. Raises `CalibrationError` naming the
        field."""
        if not isinstance(stored, Mapping):
            raise CalibrationError(
                f"a calibration is an object with named fields; found {type(stored).__name__}"
            )
        if stored.get("format") != FORMAT:
            raise CalibrationError(f"format is {stored.get('format')!r}; this LSMPL reads {FORMAT}")
        body, keypoints = stored.get("body"), stored.get("keypoints")
        if not isinstance(body, str) or len(body) > LONGEST_NAME:
            raise CalibrationError("body is not the key of a body")
        if (
            not isinstance(keypoints, Mapping)
            or not FEWEST_KEYPOINTS <= len(keypoints) <= MOST_PLACED
        ):
            raise CalibrationError(f"keypoints are not {FEWEST_KEYPOINTS} to {MOST_PLACED} by name")
        return cls(
            body,
            _numbers("betas", stored.get("betas"), 10, LARGEST_BETA),
            {str(name): _site_offset(str(name), stored) for name, stored in keypoints.items()},
            float(abs(_numbers("noise", [stored.get("noise")], 1, LARGEST_NOISE)[0])),
            pose=_numbers("pose", stored["pose"], POSE, MOST_TURN) if "pose" in stored else None,
        )


def of_keypoints(track: KeypointTrack, rows: Sequence[int] | np.ndarray) -> KeypointTrack:
    """The track with only some of its keypoints."""
    rows = list(rows)
    return replace(
        track,
        positions=track.positions[:, rows],
        confidence=track.confidence[:, rows],
        layout=some_of(track.layout, rows),
        trusted=None if track.trusted is None else track.trusted[:, rows],
        believed=None if track.believed is None else track.believed[:, rows],
        turns=None if track.turns is None else track.turns[:, rows],
    )


def some_of(layout: Layout, rows: Sequence[int] | np.ndarray) -> Layout:
    """The layout with only some of its keypoints."""
    keypoints = tuple(layout.keypoints[k] for k in rows)
    edges = tuple(edge for edge in layout.edges if set(edge) <= set(keypoints))
    return Layout(layout.name, keypoints, edges, tuple(layout.sites[k] for k in rows), layout.label)


def _site_offset(name: str, stored: Any) -> SiteOffset:
    if len(name) > LONGEST_NAME or not isinstance(stored, Mapping):
        raise CalibrationError(
            f"keypoint {name[:LONGEST_NAME]!r} is not a site, a parent joint and an offset"
        )
    site, parent_joint = stored.get("site"), stored.get("bearer")
    try:
        check_site(str(site)[:LONGEST_NAME])
    except LayoutError as error:
        raise CalibrationError(f"keypoint {name!r}: {error}") from None
    if parent_joint not in JOINT_NAMES:
        raise CalibrationError(
            f"keypoint {name!r}: no joint is called {str(parent_joint)[:50]!r}: "
            f"{', '.join(JOINT_NAMES)}"
        )
    offset = _numbers(f"the offset of keypoint {name!r}", stored.get("offset"), 3, FARTHEST_OFFSET)
    return SiteOffset(
        str(site)[:LONGEST_NAME],
        JOINT_NAMES.index(parent_joint),
        offset,
        stored.get("carries") is True,
    )


def _numbers(what: str, stored: Any, count: int, most: float) -> np.ndarray:
    """(count,) floats, each of at most that size."""
    plain = isinstance(stored, list) and len(stored) == count
    if not plain or not all(isinstance(v, (int, float)) and abs(v) <= most for v in stored):
        raise CalibrationError(f"{what}: expected {count} numbers of at most {most:g}")
    return np.array(stored, dtype=np.float64)

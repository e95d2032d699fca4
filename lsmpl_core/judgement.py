"""Whether a solved motion is to be trusted: misses of several centimetres, no person's bones, a
body on its side.

A small residual says nothing of limbs on which there is no keypoint, so those are named. Each doubt
is a `Decision` that says what probably was read wrong.
"""

from __future__ import annotations

import numpy as np

from .body.body import Body
from .body.landmarks import UNPLACED, parse_landmark
from .keypoints.track import Decision, KeypointTrack
from .motion import Motion

NOT_TRUSTED, FEW = "trust", "few keypoints"
"""`Decision.what` of motions that are not to be trusted, and of what too few keypoints leave
open."""
MISSED = 0.06
"""Metres of mean residual in the median frame; of detectors' keypoints it is 5 to 30 mm, lifted
from one video 40."""
UNUSUAL_BETAS = 6.0
"""Standard deviations of the population's shape beyond which nobody is."""
LYING = np.radians(60.0), 0.9
"""Angle of the trunk to the vertical, and share of the frames, from which on the body lies on its
side all the time."""
_LEG = {"hip", "knee", "ankle", "foot", "heel", "toe"}
_ARM = {"shoulder", "elbow", "wrist", "hand", "knuckle", "tip"}
_LIMBS = {
    f"the {side} {limb}": (side, words)
    for limb, words in (("leg", _LEG), ("arm", _ARM))
    for side in ("left", "right")
}
_LEAST_OF_A_LIMB = 2
_MOST_FRAMES = 200


def judged(motion: Motion, body: Body, track: KeypointTrack) -> list[Decision]:
    """The doubts about a motion that was solved from a track; none where all is as it should be."""
    doubts = [_missed(motion), _no_person(motion, body), _on_its_side(motion, body, track)]
    reasons = [doubt for doubt in doubts if doubt]
    found = [Decision(NOT_TRUSTED, "no", "fallback", "; ".join(reasons))] if reasons else []
    open_ = undetermined(track)
    if open_:
        reason = (
            f"fewer than {_LEAST_OF_A_LIMB} keypoints on each: poses there are what people usually "
            "do"
        )
        found.append(Decision(FEW, f"do not determine {', '.join(open_)}", "assumed", reason))
    return found


def not_trusted(motion: Motion) -> str:
    """Why a motion is not to be trusted; "" where it is."""
    return next(
        (decision.reason for decision in motion.decisions if decision.what == NOT_TRUSTED), ""
    )


def undetermined(track: KeypointTrack) -> list[str]:
    """Limbs with fewer than two keypoints that are ever seen, by the sites or the landmarks'
    joints."""
    ever = track.visible.any(axis=0)
    sites = [_joint(site) for site, seen in zip(track.layout.sites, ever) if seen]
    if any(site == "" for site in sites):
        return []  # markers whose bones are found while solving
    on = [(site.split("_")[0], site.split("_")[-1]) for site in sites]
    return [
        limb
        for limb, (side, words) in _LIMBS.items()
        if sum(where == side and part in words for where, part in on) < _LEAST_OF_A_LIMB
    ]


def _joint(site: str) -> str:
    """The joint beyond the place where a site is; "" where nobody knows before it is solved."""
    if site == UNPLACED:
        return ""
    landmark = parse_landmark(site)
    return site if landmark is None else landmark.b or landmark.a


def _missed(motion: Motion) -> str:
    off = motion.frame_residual
    typical = float(np.nanmedian(off)) if np.isfinite(off).any() else 0.0
    if typical <= MISSED:
        return ""
    return (
        f"its keypoints are missed by {1000 * typical:.0f} mm in most frames: another layout, unit "
        "or person was "
        "probably meant (--layout, --unit, --person), or left and right are exchanged (--mirror)"
    )


def _no_person(motion: Motion, body: Body) -> str:
    largest = float(np.abs(motion.betas).max(initial=0.0))
    if largest > UNUSUAL_BETAS:
        return (
            f"its bones are no person's (a shape {largest:.0f} deviations from the mean): is the "
            "layout right?"
        )
    return ""


def _on_its_side(motion: Motion, body: Body, track: KeypointTrack) -> str:
    if any(decision.what == "up" and decision.basis == "given" for decision in track.decisions):
        return ""
    some = np.unique(np.linspace(0, len(motion) - 1, min(len(motion), _MOST_FRAMES)).astype(int))
    joints = body.joints(motion.frames(some))
    names = list(body.joint_names)
    trunk = joints[:, names.index("neck")] - joints[:, names.index("pelvis")]
    tilt = np.arccos(np.clip(trunk[:, 2] / np.maximum(np.linalg.norm(trunk, axis=1), 1e-9), -1, 1))
    if (tilt > LYING[0]).mean() < LYING[1]:
        return ""
    return (
        f"the body lies or hangs in {100 * (tilt > LYING[0]).mean():.0f} % of the frames: is up "
        "right (--up)?"
    )

"""Whether a solved motion is to be trusted: misses of several centimetres, keypoints that are
elsewhere on the body, no person's bones, a body on its side, left and right exchanged.

A small residual says nothing of what keypoints do not determine, so that is named. Each doubt
is a `Decision` that says what probably was read wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from .body.body import Body
from .frames import evenly
from .gravity import rate_by_gravity
from .keypoints.condition import Condition
from .keypoints.frame_order import follows_nothing
from .keypoints.hips_centred import is_hips_centred
from .keypoints.layouts import Layout
from .keypoints.limb_lengths import doubtful_limbs
from .keypoints.plausibility import clearest_exchange
from .keypoints.scaled_space import scaled_way
from .keypoints.track import Decision, KeypointTrack
from .marker_calibration.calibrate_markers import needs_calibration
from .motion import Motion
from .readers.bones import LAYOUT_NAME as BONES
from .readers.handedness import wrong_sides
from .readers.markers import stand_ins

NOT_TRUSTED, FEW, LIMBS, SCALED = "trust", "few keypoints", "limbs", "scale"
ORDER, RATE = "order", "rate"
"""`Decision.what` of motions that are not to be trusted, of what too few keypoints leave open, of
limbs that probably are elsewhere, of a space that is shorter one way, of frames that follow
nothing, and of a take that goes faster or slower than bodies fall."""
NO_BODY = {"the trunk", "the head", "the left leg", "the right leg"}
"""Parts (`determined.PARTS`) without which arms hang in the air."""
MISSED = 0.05
"""Metres of mean residual in the median frame. Of the real files and of others' motions with 12 mm
of noise it is at most 24 mm, of keypoints read in another order 46 to 133."""
MISSED_MEASURED = 0.02
"""The same of markers and of skeletons' joints, which have no detector's noise: of 175 recordings
that strangers published at most 14 mm (BTKData, nimblephysics, opensim-models, pybvh; a sprint 9),
but for a skeleton's rest pose that is no person's, 25."""
UNUSUAL_BETAS = 3.0
"""Standard deviations of the population's shape, as the root of the mean square of all betas,
beyond which nobody is: bodies of all shapes, a child of 1 m among them, come out at 2.6 at most,
of the real files at 2.1; keypoints read in another order, or with two exchanged, at 3.4 to 4."""
EXCHANGED = 0.09
"""What exchanging two keypoints may gain at most (`clearest_exchange`, which says what was
measured) in many frames, and up to four times that in few, which do not even out their noise."""
DISPLACED = 0.08
"""Metres, root mean square, by which keypoints' sites are displaced at most where the layout is the
right one: of real files and other skeletons by 40 mm, of keypoints read in another order by 130."""
DISPLACED_BONES = 0.15
"""The same of a skeleton's joints that keep their distances, as those of another order would not,
and take along what hangs on them: of CMU's recordings as BVH files 0.1."""
LYING = np.radians(60.0), 0.9
"""Angle of the trunk to the vertical, and share of the frames, from which on the body lies on its
side all the time."""
_MOST_FRAMES, _MOST_IN_A_ROW = 200, 5_000


def judged(
    motion: Motion,
    body: Body,
    track: KeypointTrack,
    undetermined: Mapping[str, float] | None = None,
) -> list[Decision]:
    """The doubts about a motion that was solved from a track; none where all is as it should be.

    undetermined: parts of the body that its keypoints do not determine (`solver/determined.py`).
    """
    doubts = [
        _flat(track),
        _missed(motion, track),
        _elsewhere(motion, track),
        _no_person(motion),
        _on_its_side(motion, body, track),
        _sides(track),
        _exchanged(track),
        _arms_alone(undetermined or {}),
    ]
    reasons = [doubt for doubt in doubts if doubt]
    found = [Decision(NOT_TRUSTED, "no", "fallback", "; ".join(reasons))] if reasons else []
    believed = _believed(motion, track)
    if scaled := scaled_way(believed, track.layout):
        way, scale = scaled
        reason = "bones would keep their lengths then: was its depth scaled, or hardly told?"
        value = f"{_named(way)} probably is to be stretched {scale:.2g} times"
        found.append(Decision(SCALED, value, "assumed", reason))
    if limbs := doubtful_limbs(believed, track.layout):
        reason = "bones keep their lengths: a keypoint of them is elsewhere, frozen or another's"
        found.append(Decision(LIMBS, "; ".join(limbs), "assumed", reason))
    if follows_nothing(believed):
        reason = "each frame is as far from the next one as from any: are they in order?"
        found.append(Decision(ORDER, "as in the file", "assumed", reason))
    if not reasons and not is_hips_centred(track) and (rate := _rate(motion, body)):
        found.append(rate)
    if undetermined:
        known = f"within {100 * min(undetermined.values()):.0f} cm at best"
        reason = f"known {known}: poses there are what people usually do"
        found.append(
            Decision(FEW, f"do not determine {', '.join(undetermined)}", "assumed", reason)
        )
    return found


def _rate(motion: Motion, body: Body) -> Decision | None:
    """Gravity is the clock of whoever stands on one foot or is in the air."""
    found = rate_by_gravity(body.joints(motion.frames(slice(0, _MOST_IN_A_ROW))), motion.fps)
    if found is None:
        return None
    times, then, now = found
    reason = (
        f"on one foot and in the air bodies fall as gravity has it: then they do in {then:.0%} of "
        f"such frames, now in {now:.0%} (--fps)"
    )
    rate = f"{motion.fps:g} frames a second, probably rather about {times * motion.fps:.0f}"
    return Decision(RATE, rate, "assumed", reason)


def not_trusted(motion: Motion) -> str:
    """Why a motion is not to be trusted; "" where it is."""
    return next(
        (decision.reason for decision in motion.decisions if decision.what == NOT_TRUSTED), ""
    )


def _flat(track: KeypointTrack) -> str:
    """No depth determines no pose, however well the plane is met."""
    return next(
        (one.reason for one in track.decisions if (one.what, one.value) == ("depth", "none")), ""
    )


def _arms_alone(undetermined: Mapping[str, float]) -> str:
    """Arms alone do not say where the body is that they hang on."""
    if not undetermined.keys() >= NO_BODY:
        return ""
    return "its keypoints show arms alone: trunk, head and legs are made up"


def _named(way: np.ndarray) -> str:
    """A direction in words: an axis where it is near one."""
    axis = int(np.argmax(np.abs(way)))
    if abs(way[axis]) > 0.9:
        return "xyz"[axis]
    return "the direction " + " ".join(f"{value:.1f}" for value in way)


def _missed(motion: Motion, track: KeypointTrack) -> str:
    off = motion.frame_residual
    typical = float(np.nanmedian(off)) if np.isfinite(off).any() else 0.0
    markers, bones = needs_calibration(track.layout), track.layout.name == BONES
    if typical <= (MISSED_MEASURED if markers or bones else MISSED):
        return ""
    if markers or bones:
        why = (
            "names probably stand for other places, or left and right are exchanged"
            if markers
            else "the skeleton's proportions, or its rest pose, are no person's"
        )
        return (
            f"its {'markers' if markers else 'joints'} are missed by {1000 * typical:.0f} mm in "
            f"most frames, where a few are usual: {why}"
        )
    return (
        f"its keypoints are missed by {1000 * typical:.0f} mm in most frames: another layout, unit "
        "or person was "
        "probably meant (--layout, --unit, --person), or left and right are exchanged (--mirror)"
    )


def _elsewhere(motion: Motion, track: KeypointTrack) -> str:
    """Markers may be anywhere; keypoints of a layout are where it says, roughly."""
    if motion.calibration is None or needs_calibration(track.layout):
        return ""
    sites = list(motion.calibration.keypoints.values())
    offsets = [site.offset for site in sites]
    apart = float(np.sqrt(np.mean(np.square(offsets).sum(axis=-1)))) if offsets else 0.0
    if apart <= (DISPLACED_BONES if any(site.carries for site in sites) else DISPLACED):
        return ""
    return (
        f"its keypoints lie {100 * apart:.0f} cm from where {track.layout.label} has them on the "
        "body: is the layout right (--layout)?"
    )


def _no_person(motion: Motion) -> str:
    unusual = float(np.sqrt(np.mean(np.square(motion.betas)))) if motion.betas.size else 0.0
    if unusual <= UNUSUAL_BETAS:
        return ""
    return (
        f"its bones are no person's (a shape {unusual:.1f} standard deviations from the mean): is "
        "the layout right (--layout)?"
    )


def _on_its_side(motion: Motion, body: Body, track: KeypointTrack) -> str:
    if any(one.what == "up" and one.basis in ("given", "file") for one in track.decisions):
        return ""  # somebody who lies down, where the file or its user says what is up
    some = evenly(len(motion), _MOST_FRAMES)
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


def _sides(track: KeypointTrack) -> str:
    """What a residual does not show: legs that are turned about, or a mirrored take, are met. Of
    markers, those near joints tell."""
    judged = stand_ins(track.layout) if needs_calibration(track.layout) else track.layout
    found = wrong_sides(track.positions, track.layout, judged)
    if found is None or (found.what == "mirrored" and found.confidence != 1.0):
        return ""
    given = any(one.what == "mirrored" and one.basis == "given" for one in track.decisions)
    return "" if given and found.what == "mirrored" else found.reason


def _believed(motion: Motion, track: KeypointTrack) -> np.ndarray:
    """The track's keypoints (T,K,3), NaN where they were rejected or made up."""
    if motion.condition is None or motion.condition.shape != track.positions.shape[:2]:
        return track.positions
    return np.where((motion.condition == Condition.SEEN)[..., None], track.positions, np.nan)


def _exchanged(track: KeypointTrack) -> str:
    """Two keypoints with each other's name are met by a body whose limb is bent another way."""
    if needs_calibration(track.layout):
        return ""
    gained, pair = clearest_exchange(track.positions, _by_sites(track.layout))
    limit = EXCHANGED * (1.0 + 3.0 / np.sqrt(max(len(track), 1)))
    if pair is None or gained <= limit:
        return ""
    one, other = (name.replace("_", " ") for name in pair)
    return (
        f"{one} and {other} are likelier the other way round: bones would keep their lengths then, "
        "and be a person's; is the layout right (--layout), or are their names exchanged?"
    )


def _by_sites(layout: Layout) -> Layout:
    """The layout with its keypoints called as the places on the body where they sit, which of
    other skeletons are called otherwise."""
    if layout.name != BONES:
        return layout
    taken = Counter(layout.sites)
    names = [
        site if taken[site] == 1 else name for name, site in zip(layout.keypoints, layout.sites)
    ]
    return Layout(layout.name, tuple(names), sites=layout.sites, label=layout.label)

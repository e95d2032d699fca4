"""Whether a take is mirrored, its sides swapped or its axes left-handed, or only its legs are."""

from __future__ import annotations

import numpy as np

from ..body.landmarks import parse_landmark
from ..keypoints.facing import ahead, forward, looks_forward
from ..keypoints.layouts import Layout
from ..keypoints.proportions import Sites, body_scale, finite_mean, finite_median, normalised
from ..keypoints.track import Decision
from ..keypoints.turned_pairs import in_most_frames
from .marker_handedness import wrong_marker_sides


def wrong_sides(positions: np.ndarray, layout: Layout, judged: Layout | None) -> Decision | None:
    """A decision that warns where left and right of keypoints or markers (T,K,3) are exchanged, of
    a part of the body ("sides") or of the whole take ("mirrored"), up any axis.

    judged: the joints that the keypoints are at or near, or None where those are few; markers tell
    by where on the body they are, too.
    """
    markers = any(map(parse_landmark, layout.sites))
    return (
        (exchanged_legs(positions, judged) if judged is not None else None)
        or (wrong_marker_sides(positions, layout) if markers else None)
        or (mirror_warning(positions, judged) if judged is not None else None)
        or (turned_feet(positions, judged) if judged is not None else None)
    )


def mirror_warning(positions: np.ndarray, layout: Layout) -> Decision | None:
    """A decision that warns where knees, feet and face point backward: sides are swapped, or axes
    mirrored.

    positions (T,K,3), up any axis. In right-handed data forward = left x up of the person.
    """
    sites = Sites(positions, layout)
    lines = [sites[f"left_{part}"] - sites[f"right_{part}"] for part in ("hip", "shoulder")]
    along = np.sum(normalised(lines[0]) * normalised(lines[1]), axis=1)
    if finite_median(along) < _AGAINST:  # so that one of them says nothing of the whole
        return None
    left = finite_mean(np.stack(lines), 0)
    found = ahead(sites, forward(sites, left))
    cues = {name: finite_median(values) for name, values in found.items()}
    size = body_scale(positions, layout)
    back = [name for name, value in cues.items() if value < -0.01 * size]
    if len(back) < 2:
        return None

    # Arms turn as they like, so that elbows have no veto.
    looks = looks_forward(found, CLEARLY * size)
    ahead_of_all = float(np.mean(looks[looks != 0.0])) if looks.any() else 0.0
    if ahead_of_all > -BACKWARD:
        return None
    reason = (
        f"{', '.join(back)} point backward: left and right are swapped in the file, or its axes "
        "are left-handed"
    )
    no_cuts = np.zeros(max(len(positions) - 1, 0), dtype=bool)
    if in_most_frames(positions, layout, no_cuts) is not None:  # but not in all: no axis does that
        return None
    sure = 1.0 if len(back) >= SURE or ahead_of_all < -SURELY_BACKWARD else 0.7
    return Decision("mirrored", "yes", "detected", f"{reason}; --mirror mends it", sure)


def turned_feet(positions: np.ndarray, layout: Layout) -> Decision | None:
    """A decision that warns where feet point backward while knees and face do not: names of toes
    and heels are exchanged. positions (T,K,3), up any axis."""
    sites = Sites(positions, layout)
    left = sites["left_hip"] - sites["right_hip"]
    size = body_scale(positions, layout)
    told = {
        name: finite_median(finite_mean(values, axis=0)) / (CLEARLY * size)
        for name, values in ahead(sites, forward(sites, left)).items()
    }
    if not told["the feet"] < -TURNED or not max(told["the knees"], told["the face"]) > TURNED:
        return None
    reason = "feet point backward, knees or face do not: names of toes and heels are exchanged"
    return Decision("sides", "as named", "assumed", reason)


TURNED = 0.2
"""How far feet are turned about, of what is clear: of 366 recorded motions they point forward by
0.22 at least."""
CLEARLY = 0.1
"""Metres, of an adult, by which what points forward is ahead where it clearly does."""
BACKWARD, SURELY_BACKWARD = 0.3, 0.5
"""How clearly knees, feet and face point backward (`looks_forward`) from which on a take is
mirrored, probably and surely: of 183 recorded motions, gymnastics, dance and jumps among them, in
five layouts with 10 mm of noise, they point forward by 0.36 at least, in Human3.6M's whose jaw says
little of a face, and by 0.64 in the others. Arms alone say the opposite in one of ten."""
SURE = 3
"""Cues that all say so from which on a take is surely mirrored."""


def exchanged_legs(positions: np.ndarray, layout: Layout) -> Decision | None:
    """A decision that warns where the line from the right to the left hip runs against that of the
    shoulders, that of the knees against that of the hips, or that of the ankles against theirs.

    positions (T,K,3), up any axis. Such a take is met to millimetres by a body whose legs are
    turned about: residuals say nothing of it.
    """
    sites = Sites(positions, layout)
    across = {
        part: normalised(sites[f"left_{part}"] - sites[f"right_{part}"])
        for part in ("shoulder", "hip", "knee", "ankle")
    }
    for (upper, lower), most in _MOST_AGAINST.items():
        along = np.sum(across[upper] * across[lower], axis=1)
        along = along[np.isfinite(along)]
        against = (along < _AGAINST).mean() if len(along) else 0.0
        if against > most:
            reason = (
                f"in {against:.0%} of the frames left and right of the {lower}s are the other way "
                f"round than those of the {upper}s: the names of one of them are exchanged"
            )
            return Decision("sides", "as named", "assumed", reason)
    return None


_AGAINST = -0.3
"""Cosine between two lines across the body from which on they run against each other."""
_MOST_AGAINST = {("shoulder", "hip"): 0.5, ("hip", "knee"): 0.35, ("knee", "ankle"): 0.35}
"""Shares of the frames in which they do: of recorded and of estimated motion, dance and gymnastics
among it, in none, in 0.07 and in 0.12 at most; where exchanged, in all and in 0.45 at least."""

"""Whether a take is mirrored: its sides swapped, or its axes left-handed."""

from __future__ import annotations

import numpy as np

from ..keypoints.layouts import Layout
from ..keypoints.proportions import Sites, body_scale, finite_mean, finite_median, normalised
from ..keypoints.track import Decision


def mirror_warning(positions: np.ndarray, layout: Layout) -> Decision | None:
    """A decision that warns where knees, feet and face point backward: sides are swapped, or axes
    mirrored.

    positions (T,K,3), up any axis. In right-handed data forward = left x up of the person.
    """
    sites = Sites(positions, layout)
    hips, shoulders = sites.middle("hip", "mid_hip", "pelvis"), sites.middle("shoulder", "neck")
    left = finite_mean(
        np.stack(
            [
                sites["left_hip"] - sites["right_hip"],
                sites["left_shoulder"] - sites["right_shoulder"],
            ]
        ),
        0,
    )
    forward = normalised(np.cross(left, shoulders - hips))

    cues = {}
    for name, pairs in _FORWARD_CUES.items():
        ahead = [
            np.sum((sites[a] - (sites[b] + sites[c]) / 2) * forward, axis=1) for a, b, c in pairs
        ]
        cues[name] = finite_median(np.concatenate(ahead)) * (-1 if name == "the elbows" else 1)
    size = body_scale(positions, layout)
    clear = {name: value for name, value in cues.items() if abs(value) > 0.01 * size}
    back = [name for name, value in clear.items() if value < 0]
    if len(back) < 2 or len(back) < len(clear):
        return None
    reason = (
        f"{', '.join(back)} point backward: left and right are swapped in the file, or its axes "
        "are left-handed"
    )
    sure = 1.0 if len(back) >= SURE else 0.7
    return Decision("mirrored", "yes", "detected", f"{reason}; --mirror mends it", sure)


SURE = 3
"""Cues that all say so from which on a take is surely mirrored."""
_FORWARD_CUES = {
    "the knees": [(f"{s}_knee", f"{s}_hip", f"{s}_ankle") for s in ("left", "right")],
    "the feet": [
        *(
            (f"{s}_{toe}", f"{s}_ankle", f"{s}_ankle")
            for s in ("left", "right")
            for toe in ("foot", "toe", "big_toe")
        ),
        *((f"{s}_ankle", f"{s}_heel", f"{s}_heel") for s in ("left", "right")),
    ],
    "the elbows": [(f"{s}_elbow", f"{s}_shoulder", f"{s}_wrist") for s in ("left", "right")],
    "the face": [
        ("nose", "left_ear", "right_ear"),
        ("jaw", "head_top", "neck"),
        ("left_eye", "left_ear", "left_ear"),
        ("right_eye", "right_ear", "right_ear"),
    ],
}
"""Points that are in front of the middle of two others (elbows: behind)."""

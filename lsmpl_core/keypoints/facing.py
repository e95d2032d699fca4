"""Which way people look whose sides are called so, and what of their body points there."""

from __future__ import annotations

import numpy as np

from .proportions import Sites, finite_mean, normalised

FORWARD_CUES = {
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


def forward(sites: Sites, left: np.ndarray) -> np.ndarray:
    """(T,3) the unit vectors in which people look whose left is that way (T,3): left x up of the
    person, up any axis; NaN where the trunk is not seen."""
    hips, shoulders = sites.middle("hip", "mid_hip", "pelvis"), sites.middle("shoulder", "neck")
    return normalised(np.cross(left, shoulders - hips))


def ahead(sites: Sites, forward: np.ndarray) -> dict[str, np.ndarray]:
    """By cue how far each of its P points is ahead (P,T) along `forward` (T,3), in the unit of the
    positions; NaN where it is not seen."""
    return {
        name: np.stack(
            [np.sum((sites[a] - (sites[b] + sites[c]) / 2) * forward, axis=1) for a, b, c in pairs]
        )
        * (-1.0 if name == "the elbows" else 1.0)
        for name, pairs in FORWARD_CUES.items()
    }


def looks_forward(cues: dict[str, np.ndarray], clear: float) -> np.ndarray:
    """(T,) from 1, where knees, feet and face of people all point forward by `clear` and more, to
    -1, where all point backward; 0 where nothing tells. cues: how far they are `ahead`.

    Elbows are left out: arms turn as they like.
    """
    told = [
        np.clip(finite_mean(values, axis=0) / clear, -1.0, 1.0)
        for name, values in cues.items()
        if name != "the elbows"
    ]
    return np.nan_to_num(finite_mean(np.stack(told), axis=0))

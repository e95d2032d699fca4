"""What can be measured of markers before it is known where on the body they sit: their extent, and
which are high up.

Robust to a few points that are no markers of the body (a ball, what a laboratory's software
computed): medians over frames, percentiles over points.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..keypoints.proportions import finite_mean, normalised
from .keypoint_names import split_subject

EXTENT_OF_STATURE = 0.89
"""Extent of a full marker set for a stature of 1: markers reach from ankles and toes to the
forehead."""

_MOST_FRAMES = 60
_LEAST_POINTS = 8
_HIGH = (
    "head|[fb]?hd|headtop|tophead|temple|ariel|nose|eye|ear|neck|c7|t10|clav|strn|strnm|sternum|ij|sho|shoulder|acr|"
    "acromion|acromium|[fb]sh"
)
_LOW = (
    "toe|bigtoe|smalltoe|heel|hee|hlx|ank|ankle|calc|mt1|mt2|mt5|meta|5meta|p1m|p5m|d1m|d5m|foot|foo|ft1|ft2|ft3|"
    "toetip|toelat|toemed"
)
_SIDE = "left|right|l|r"
_PLACE = re.compile(rf"(?:{_SIDE})?(?:(?P<high>{_HIGH})|(?P<low>{_LOW}))(?:\d?|{_SIDE})", re.I)
"""What markers of head, shoulders and feet are called in the usual sets: LFHD, RSHO, C7,
r_shoulder, L.Heel, RTOE."""


def extent(positions: np.ndarray) -> float:
    """The longest extent of points (T,N,3), the median over frames, in their own unit; NaN where
    too few are seen.

    Along each frame's first principal axis, between the 2nd and the 98th percentile.
    """
    chosen = positions[
        np.linspace(0, len(positions) - 1, min(len(positions), _MOST_FRAMES)).astype(int)
    ]
    extents = []
    for frame in chosen:
        seen = frame[np.isfinite(frame).all(axis=1)]
        if len(seen) >= _LEAST_POINTS:
            centred = seen - np.median(seen, axis=0)
            axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
            low, high = np.percentile(centred @ axis, (2, 98))
            extents.append(high - low)
    return float(np.median(extents)) if extents else np.nan


def lean(positions: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Mean direction (3,) from the feet to the shoulders and the head, as `names` (N,) tell them
    apart; 0 where not.

    Its length is 1 where the direction never changes.
    """
    places = [_PLACE.fullmatch(re.sub(r"[\s_.\-]+", "", split_subject(name)[1])) for name in names]
    high = [i for i, place in enumerate(places) if place and place["high"]]
    low = [i for i, place in enumerate(places) if place and place["low"]]
    if not high or not low:
        return np.zeros(3)
    along = finite_mean(positions[:, high], axis=1) - finite_mean(positions[:, low], axis=1)
    return np.nan_to_num(finite_mean(normalised(along), axis=0))

"""Takes whose positions are relative to the hips: what lifts a video's person to 3D often knows
nothing of the room.

MediaPipe's world landmarks, VideoPose3D and many since put the middle of the hips at one place in
every frame. Nobody stands so still: the hips of somebody who does sway together, by much more than
their middle does here.
"""

from __future__ import annotations

import numpy as np

from ..points import complete, lengths
from .proportions import Sites
from .track import Decision, KeypointTrack

STILL, SHARE = 0.005, 0.1
"""Metres up to which the middle of the hips may wander, as files round, and share of what the hips
themselves do."""
EXACT = 1e-4
"""Metres of wandering that are none."""
MOVES = 0.02
"""Metres by which keypoints move in the median where there is anything to be told by."""
FEWEST_FRAMES = 5


def is_hips_centred(track: KeypointTrack) -> bool:
    """Whether the middle of the hips, or the pelvis, is at one place in all frames while the body
    moves."""
    sites = Sites(track.positions, track.layout)
    moves = [_wander(track.positions[:, k]) for k in range(len(track.layout))]
    if not np.nanmedian([MOVES / 2.0, *moves]) > MOVES:
        return False
    hips = np.nanmax([_wander(sites["left_hip"]), _wander(sites["right_hip"]), 0.0])
    most = min(STILL, max(SHARE * hips, EXACT))
    return any(
        _wander(middle) < most
        for middle in (sites.middle("hip"), sites["mid_hip"], sites["pelvis"])
    )


def travel_decision(track: KeypointTrack) -> Decision | None:
    """What is to be said of a take without a place in the room; None of any other."""
    if not is_hips_centred(track):
        return None
    reason = (
        "the middle of the hips is at one place in all frames; travel and height come from the "
        "feet that stand"
    )
    return Decision("positions", "relative to the hips", "detected", reason)


def _wander(positions: np.ndarray) -> float:
    """Metres from its mean within which a point (T,3) is in 95 % of the frames; NaN where it is
    hardly seen."""
    seen = complete(positions)
    if seen.sum() < max(FEWEST_FRAMES, 0.2 * len(seen)):
        return float("nan")
    positions = positions[seen]
    away = lengths(positions - positions.mean(axis=0))
    return float(np.percentile(away, 95.0))

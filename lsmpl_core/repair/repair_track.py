"""What captures get wrong, mended in a track before it is solved, and put down keypoint by
keypoint."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..body.body import Body
from ..body.sites import SiteParts
from ..keypoints.condition import Condition
from ..keypoints.track import KeypointTrack
from .cuts import find_cuts
from .excursions import find_excursions
from .gaps import bridge_gaps
from .one_limb_for_two import find_limbs_on_others
from .outliers import bones_of, find_outliers
from .reach import find_out_of_reach, reaches
from .swaps import exchanged, find_swaps

LEAST_LEFT = 0.5
"""Share of the frames that show something in which something must be left."""


@dataclass(frozen=True)
class Repaired:
    """A track to solve, and (T,K) `Condition` of each of its keypoints against the track it was
    made from."""

    track: KeypointTrack
    condition: np.ndarray


def without(track: KeypointTrack, left_out: np.ndarray) -> KeypointTrack:
    """The track with keypoints (T,K) taken as not seen."""
    if not left_out.any():
        return track
    return replace(track, confidence=np.where(left_out, 0.0, track.confidence))


def as_given(track: KeypointTrack) -> Repaired:
    """The track as it is."""
    return Repaired(
        track, np.where(track.visible, Condition.SEEN, Condition.MISSING).astype(np.uint8)
    )


def repair(track: KeypointTrack, body: Body, parts: SiteParts) -> Repaired:
    """Impossible keypoints rejected, swapped sides exchanged, short gaps bridged; a sound track
    stays as it is.

    So does one of which too little would be left, which tells the solver more than nothing does.
    Keypoints that are trusted stay whatever they are.
    """
    condition = as_given(track).condition
    mirror, trusted = np.array(track.layout.mirror), track.undoubted

    # What is far off first: metres of error would hide everything else.
    cuts = find_cuts(track.positions, mirror, track.fps)
    far = find_excursions(track.positions, track.fps, mirror, cuts) & ~trusted
    far |= find_out_of_reach(without(track, far).positions, reaches(body, parts), mirror) & ~trusted
    far |= find_limbs_on_others(without(track, far).positions, track.layout) & ~trusted
    near = without(track, far)

    # Then sides that are exchanged, which bones' lengths then no longer blame.
    swapped = find_swaps(near, cuts)
    positions, confidence = exchanged(near, swapped)
    condition[swapped & (confidence > 0.0)] = Condition.SWAPPED
    condition[swapped & (confidence == 0.0)] = Condition.MISSING
    positions[trusted], confidence[trusted] = track.positions[trusted], track.confidence[trusted]
    condition[trusted] = Condition.SEEN

    # Then what jumps or breaks bones; if hardly anything is left, all stays as it was.
    rejected = find_outliers(positions, track.fps, bones_of(body, parts), cuts) & ~trusted
    rejected |= far & ~(confidence > 0.0)
    if ((confidence > 0.0) & ~rejected).any(axis=1).mean() < LEAST_LEFT * track.visible.any(
        axis=1
    ).mean():
        return as_given(track)

    condition[rejected] = Condition.REJECTED
    confidence[rejected] = 0.0
    used = confidence > 0.0
    positions, confidence = bridge_gaps(positions, confidence, track.fps)
    filled = (confidence > 0.0) & ~used
    condition[filled & ~rejected] = Condition.FILLED
    return Repaired(replace(track, positions=positions, confidence=confidence), condition)

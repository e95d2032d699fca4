"""Keypoints out of reach: farther from the others than the chain of bones between them is long,
whatever the pose.

Of two keypoints that are too far apart one is wrong, and of all that are in a frame the fewest that
explain it are: a wild marker is too far from all others, and each of those only from it. So the
keypoint with most such pairs goes first (a greedy vertex cover). This knows nothing of left and
right, for it comes before swaps are looked for, which a keypoint metres away would hide or make up.
"""

from __future__ import annotations

import numpy as np

from ..body.body import Body
from ..body.sites import SiteParts
from ..body.skeleton import NUM_BETAS, NUM_JOINTS, PARENTS
from ..medians import seen_median
from ..points import complete, lengths

SHARE, SLACK = 1.15, 0.06
"""Of a chain's length, and metres besides, up to which it may be exceeded: for other proportions,
skin and noise."""
USUAL_SHARE = 1.15
"""Of what is usual in the take itself, which is never out of reach: sites may be elsewhere than is
thought."""
SPREADS, MOST_SPREAD = 8.0, 0.15
"""Of its own deviations in the take, and metres at most, that a distance may be above the usual
one: noise."""
MEDIAN_FRAMES = 1000
FRAMES_AT_ONCE, NUMBERS_AT_ONCE = 512, 4_000_000


def reaches(body: Body, parts: SiteParts) -> np.ndarray:
    """(K,K) metres: no pose puts two sites of the mean shape farther apart, by the triangle
    inequality."""
    joints = body.rest_joints(np.zeros(NUM_BETAS))
    sites = parts.rest_positions(np.zeros(NUM_BETAS))
    arm = np.linalg.norm(sites - joints[parts.parent_joint], axis=1)
    chains = (
        arm[:, None]
        + _between_joints(joints)[np.ix_(parts.parent_joint, parts.parent_joint)]
        + arm[None]
    )
    straight = np.linalg.norm(sites[:, None] - sites[None], axis=-1)
    same_bone = parts.parent_joint[:, None] == parts.parent_joint[None]
    return np.where(same_bone, straight, np.maximum(chains, straight))


def find_out_of_reach(
    positions: np.ndarray, reach: np.ndarray, mirror: np.ndarray, slack: np.ndarray | float = 0.0
) -> np.ndarray:
    """(T,K) bool: the fewest seen keypoints of positions (T,K,3), in metres and NaN where missing,
    that explain which pairs are farther apart than reach (K,K) allows.

    mirror (K,): each keypoint's partner, whose reach counts, too. slack (K,): metres by which sites
    are uncertain.
    """
    T, K = positions.shape[:2]
    seen = complete(positions)
    out = np.zeros((T, K), dtype=bool)
    if K < 3 or not T:
        return out
    limits = _limits(positions, reach, mirror, np.broadcast_to(slack, K))
    frames = np.flatnonzero(_any_beyond(positions, limits))

    one, other = np.triu_indices(K, k=1)
    ends = np.zeros((len(one), K), dtype=np.float32)
    ends[np.arange(len(one)), one] = ends[np.arange(len(one)), other] = 1.0
    at_once = max(1, NUMBERS_AT_ONCE // (3 * len(one)))
    for start in range(0, len(frames), at_once):
        some = frames[start : start + at_once]
        apart = lengths(positions[some][:, one] - positions[some][:, other])
        ratio = np.nan_to_num(apart / limits[one, other])
        out[some] = _fewest(ratio.astype(np.float32), ends)
    return out & seen


def _any_beyond(positions: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(T,) bool: the frames of positions (T,K,3) in which some pair is farther apart than limits
    (K,K), for few have any: by squares, with all frames of a coordinate beside each other."""
    T, K = positions.shape[:2]
    beyond = np.zeros(T, dtype=bool)
    for start in range(0, T, FRAMES_AT_ONCE):
        axes = np.ascontiguousarray(positions[start : start + FRAMES_AT_ONCE].T)
        here = beyond[start : start + FRAMES_AT_ONCE]
        for k in range(K - 1):
            apart = axes[:, k + 1 :] - axes[:, k : k + 1]
            apart *= apart
            squares = apart[0] + apart[1] + apart[2]
            here |= (squares > limits[k, k + 1 :, None] ** 2).any(axis=0)
    return beyond


def _fewest(ratio: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(F,K) bool: keypoints to be left out for no pair's ratio (F,P) to be above 1; ends (P,K) says
    whose a pair is.

    Of keypoints with equally many such pairs the one goes that is farther from the others as a
    whole.
    """
    gone = np.zeros((len(ratio), ends.shape[1]), dtype=bool)
    for _ in range(ends.shape[1]):
        left = ratio * (gone @ ends.T == 0)
        wrong = (left > 1.0) @ ends
        frames = np.flatnonzero(wrong.any(axis=1))
        if not len(frames):
            break
        stretched = np.minimum(left[frames], 2.0) @ ends
        blame = wrong[frames] + 0.9 * stretched / np.maximum(
            stretched.max(axis=1, keepdims=True), 1e-9
        )
        blame[wrong[frames] == 0] = 0.0
        gone[frames, blame.argmax(axis=1)] = True
    return gone


def _limits(
    positions: np.ndarray, reach: np.ndarray, mirror: np.ndarray, slack: np.ndarray
) -> np.ndarray:
    """(K,K) metres that are believed in this take."""
    frames = np.unique(
        np.linspace(0, len(positions) - 1, min(len(positions), MEDIAN_FRAMES)).astype(int)
    )
    some, usual, spread = positions[frames], np.empty_like(reach), np.empty_like(reach)
    for k in range(len(reach)):  # with itself, and those after it
        apart = lengths(some[:, k:] - some[:, k : k + 1])
        usual[k, k:] = usual[k:, k] = middle = np.nan_to_num(seen_median(apart))
        off = np.nan_to_num(seen_median(np.abs(apart - middle)))
        spread[k, k:] = spread[k:, k] = 1.48 * off
    either = np.maximum.reduce(
        [reach, reach[mirror], reach[:, mirror], reach[np.ix_(mirror, mirror)]]
    )
    limit = SHARE * _scale(usual, reach) * either + SLACK + slack[:, None] + slack[None]
    noisy = usual + np.minimum(SPREADS * spread, MOST_SPREAD)
    return np.maximum.reduce([limit, USUAL_SHARE * usual, noisy])


def _scale(usual: np.ndarray, reach: np.ndarray) -> float:
    """How much larger the subject is than the mean shape: nobody's joints are usually farther apart
    than they reach.

    The distances come nearest to the reaches along single bones; of all, the upper part is of
    those.
    """
    pairs = (usual > 0.1) & (reach > 0.1)
    if not pairs.any():
        return 1.0
    return float(np.clip(np.percentile(usual[pairs] / reach[pairs], 80.0), 0.8, 1.6))


def _between_joints(joints: np.ndarray) -> np.ndarray:
    """(24,24) metres along the bones between joints (24,3)."""
    apart = np.zeros((NUM_JOINTS, NUM_JOINTS))
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        step = np.linalg.norm(joints[joint] - joints[parent])
        apart[joint, :joint] = apart[parent, :joint] + step
        apart[:joint, joint] = apart[joint, :joint]
    return apart

"""Frames in disorder follow nothing; those of a take follow one another."""

import numpy as np

from lsmpl_core.keypoints.frame_order import follows_nothing


def test_frames_in_disorder_follow_nothing(body, stroll):
    positions = body.keypoints(stroll).positions
    assert not follows_nothing(positions) and not follows_nothing(positions[::2])
    assert follows_nothing(np.random.default_rng(0).permutation(positions))


def test_of_somebody_who_hardly_moves_or_of_few_frames_nothing_is_said(body, stroll):
    positions = body.keypoints(stroll).positions
    still = positions[:1] + np.random.default_rng(0).normal(0.0, 0.02, positions.shape)
    assert not follows_nothing(still)
    assert not follows_nothing(positions[::-7][:8]) and not follows_nothing(np.full((40, 25, 3), np.nan))

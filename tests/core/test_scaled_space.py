"""A depth that is too short is told by bones that turn, noise is not taken for one."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.keypoints.scaled_space import scaled_way

LAYOUT = lsmpl.get_layout("body_25")


@pytest.fixture(scope="module")
def turning(body, stroll):
    """A walk (60,25,3) that turns by half a turn, so that its bones point every way."""
    points = body.keypoints(stroll.frames(slice(0, 60)), LAYOUT).positions
    angles = np.linspace(0.0, np.pi, 60)
    turns = np.zeros((60, 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 0, 1], turns[:, 1, 0] = -np.sin(angles), np.sin(angles)
    turns[:, 2, 2] = 1.0
    return np.einsum("tij,tkj->tki", turns, points)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_that_is_halved_is_told_with_its_scale(turning, axis):
    noisy = turning + np.random.default_rng(0).normal(0.0, 0.003, turning.shape)
    way, scale = scaled_way(noisy * np.where(np.arange(3) == axis, 0.5, 1.0), LAYOUT)
    assert abs(way[axis]) > 0.95 and scale == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("noise", [0.0, (0.003,) * 3, (0.018,) * 3, (0.005, 0.06, 0.005), (0.005, 0.2, 0.005)])
@pytest.mark.parametrize("frames", [1, 10, 60])
def test_noise_is_not_taken_for_it_though_it_is_of_a_depth(turning, noise, frames):
    noisy = turning[:frames] + np.random.default_rng(1).normal(0.0, 1.0, turning[:frames].shape) * noise
    assert scaled_way(noisy, LAYOUT) is None


def test_another_size_and_what_is_not_seen_say_nothing(turning):
    assert scaled_way(0.5 * turning, LAYOUT) is None
    assert scaled_way(np.full_like(turning, np.nan), LAYOUT) is None


def test_of_whoever_faces_one_way_widths_tell_that_they_are_halved(body, stroll):
    """Bones that are bent across the way that is scaled keep their lengths."""
    still = body.keypoints(stroll.frames(np.zeros(40, dtype=int)), LAYOUT).positions
    noisy = still + np.random.default_rng(0).normal(0.0, 0.003, still.shape)
    assert scaled_way(noisy, LAYOUT) is None
    way, scale = scaled_way(noisy * [0.5, 1.0, 1.0], LAYOUT)
    assert abs(way[0]) > 0.95 and scale == pytest.approx(2.0, abs=0.4)
    shoulders = [LAYOUT.index(f"{side}_shoulder") for side in ("left", "right")]
    narrow = noisy.copy()
    narrow[:, shoulders, 0] *= 0.4  # whose hips are as they should be is somebody of narrow shoulders
    assert scaled_way(narrow, LAYOUT) is None

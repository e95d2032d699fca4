"""A change fades into the frames around it, without a jump, a kink at its end or a frame more than was asked for."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.by_hand.blending import blend
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.poses import Poses

FIRST, WIDTH = 30, 8


def turned(poses, first, count, by):
    """Some frames, every joint turned by as much."""
    some = slice(first, first + count)
    return Poses(poses.rotations[some] @ exp_map(np.full((24, 3), by)), poses.trans[some] + 0.1)


def still(frames=60):
    return Poses(np.tile(np.eye(3), (frames, 24, 1, 1)), np.zeros((frames, 3)))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_what_was_changed_is_there_and_what_is_far_stays(stroll, count):
    poses = lsmpl.poses_of(stroll)
    changed = turned(poses, FIRST, count, 0.3)
    first, blended = blend(poses, FIRST, changed, WIDTH)
    assert first == FIRST - WIDTH
    assert len(blended.trans) == count + 2 * WIDTH
    np.testing.assert_allclose(blended.rotations[WIDTH : WIDTH + count], changed.rotations, atol=1e-12)
    np.testing.assert_allclose(blended.trans[WIDTH : WIDTH + count], changed.trans, atol=1e-12)
    edge = angle_between(blended.rotations[0], poses.rotations[first])
    assert 0.0 < edge.max() < 0.05 * angle_between(changed.rotations[0], poses.rotations[FIRST]).max()


def test_it_leaves_and_arrives_with_the_velocity_that_is_there():
    poses, width = still(), 20
    _, blended = blend(poses, FIRST, turned(poses, FIRST, 1, 0.4), width)
    angle = angle_between(blended.rotations[:, 3], np.eye(3))
    whole = np.concatenate([[0.0], angle, [0.0]])
    speed = np.abs(np.diff(whole))
    assert speed[0] < 0.1 * speed.max() and speed[-1] < 0.1 * speed.max()
    assert speed[width] < 0.1 * speed.max(), "a lone frame is a top, not a spike"
    assert np.abs(np.diff(whole, 2)).max() < 0.25 * speed.max()


def test_a_change_that_grows_at_its_edge_goes_on_growing():
    poses, width = still(), 10
    ramp = np.linspace(0.1, 0.2, 5)[:, None, None] * np.ones((5, 24, 3))
    changed = Poses(exp_map(ramp), np.zeros((5, 3)))
    _, blended = blend(poses, FIRST, changed, width)
    after = log_map(blended.rotations[width:, 3])[:, 0]
    assert 0.01 < after[5] - after[4] < 0.026, "0.025 in the frames before"
    assert after.max() < 0.3


@pytest.mark.parametrize(("first", "count"), [(0, 1), (2, 3), (57, 3), (0, 60)])
def test_the_ends_of_a_take_are_ends(stroll, first, count):
    poses = lsmpl.poses_of(stroll)
    begin, blended = blend(poses, first, turned(poses, first, count, 0.2), WIDTH)
    assert begin == max(first - WIDTH, 0)
    assert len(blended.trans) == min(first + count + WIDTH, 60) - begin


def test_no_width_changes_nothing_else(stroll):
    poses = lsmpl.poses_of(stroll)
    first, blended = blend(poses, FIRST, turned(poses, FIRST, 2, 0.2), 0)
    assert (first, len(blended.trans)) == (FIRST, 2)


def test_a_frame_that_is_fixed_stays_and_ends_the_blend(stroll):
    poses = lsmpl.poses_of(stroll)
    first, blended = blend(poses, FIRST, turned(poses, FIRST, 1, 0.2), WIDTH, fixed=(FIRST - 3, FIRST + 1, 59))
    assert first == FIRST - 2
    assert len(blended.trans) == 3


@pytest.mark.parametrize("apart", [3, 5, 8])
def test_a_blend_comes_to_rest_at_a_frame_that_is_fixed(apart):
    poses = still()
    _, blended = blend(poses, FIRST, turned(poses, FIRST, 1, 0.3), WIDTH, fixed=(FIRST - apart,))
    angle = angle_between(blended.rotations[:apart, 3], np.eye(3))
    whole = angle[-1]
    steps = np.diff([0.0, *angle[:apart]])
    assert steps[0] < 3.0 / apart**2 * whole, "Hermite's cubic has no velocity at its end"
    assert np.abs(np.diff([0.0, *steps])).max() < 6.5 / apart**2 * whole

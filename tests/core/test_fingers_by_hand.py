"""Fingers that somebody posed: dragged by a tip, pinned, and blended into the frames around."""

from dataclasses import replace

import numpy as np
import pytest
from test_hands import with_made_up_fingers

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import BONE_NAMES
from lsmpl_core.by_hand.blending import blend
from lsmpl_core.by_hand.posing import poses_of
from lsmpl_core.hands.by_hand import FingerDrag, with_pinned_fingers
from lsmpl_core.keypoints.hand_points import FINGERS
from lsmpl_core.rotation import angle_between, exp_map
from lsmpl_core.solver.pinned_joints import PinnedJoints

FRAMES, FRAME = 40, 15
INDEX = FINGERS.index("index")


@pytest.fixture(scope="module")
def waving(body, stroll):
    return with_made_up_fingers(body, stroll.frames(slice(0, FRAMES)), seed=0)


@pytest.fixture(scope="module")
def pinned():
    """The left index finger, bent otherwise than anywhere in the take, in one frame."""
    joints = [BONE_NAMES.index(f"left_index{number}") for number in (1, 2, 3)]
    return PinnedJoints([FRAME] * 3, joints, exp_map(np.array([[0.2, 0.1, 1.2]] * 3)))


def begin(body, motion):
    drag = FingerDrag(body, motion.betas, motion.hand_size, motion.fingers[FRAME])
    poses = poses_of(motion, slice(FRAME, FRAME + 1))
    return drag, poses, drag.tips(poses, motion.fingers[FRAME])


def test_a_tip_that_stays_changes_nothing(body, waving):
    drag, poses, tips = begin(body, waving)
    assert np.abs(drag.pose(poses, tips, np.ones(10, dtype=bool)) - waving.fingers[FRAME]).max() < 1e-9


def test_a_dragged_tip_is_met_where_a_finger_reaches_and_the_others_stay(body, waving):
    drag, poses, tips = begin(body, waving)
    goal = drag.tips(poses, waving.fingers[FRAME + 10])[INDEX]
    assert np.linalg.norm(goal - tips[INDEX]) > 0.02
    asked, dragged = tips.copy(), np.arange(10) == INDEX
    asked[INDEX] = goal
    found = drag.pose(poses, asked, dragged)
    assert np.linalg.norm(drag.tips(poses, found)[INDEX] - goal) < 0.003
    assert np.array_equal(found[3:], waving.fingers[FRAME, 3:])


def test_what_is_out_of_reach_stretches_a_finger_as_far_as_fingers_go(body, waving):
    drag, poses, tips = begin(body, waving)
    world, _ = body.world(waving)
    back = world[FRAME, 20] @ body.fingers.frames[0, 3, :, 1]
    dragged = np.arange(10) == FINGERS.index("middle")
    found = drag.pose(poses, tips + 3.0 * back, dragged)
    bends = angle_between(exp_map(found), np.eye(3))
    assert np.isfinite(found).all() and np.degrees(bends).max() < 130.0


def test_a_pinned_finger_keeps_its_turn_and_its_neighbours_go_along(waving, pinned):
    held = with_pinned_fingers(waving, pinned)
    assert np.abs(exp_map(held.fingers[FRAME, :3]) - pinned.rotations).max() < 1e-6
    turned = angle_between(exp_map(held.fingers), exp_map(waving.fingers))
    assert (turned[:, 3:] < 1e-6).all(), "no other finger"
    away = np.degrees(turned[:, :3].max(axis=1))
    assert away[FRAME - 1] > 0.5 * away[FRAME] and away[FRAME - 8] < 1e-4 and away[FRAME + 8] < 1e-4


@pytest.mark.parametrize("how", ["solve", "refine_motion", "refine_frames"])
def test_pinned_fingers_are_kept_by_whatever_solves(body, waving, pinned, how):
    track = body.keypoints(waving)
    if how == "solve":
        found = lsmpl.solve(track, body, betas=waving.betas, pins=pinned).fingers[FRAME]
    elif how == "refine_motion":
        found = lsmpl.refine_motion(replace(track, hands=None), body, waving, pins=pinned).fingers[FRAME]
    else:
        solved = lsmpl.solve(track, body, betas=waving.betas)
        found = lsmpl.refine_frames(track, body, solved, FRAME, FRAME, pins=pinned).fingers[0]
    assert np.abs(exp_map(found[:3]) - pinned.rotations).max() < 1e-6


def test_refined_frames_have_the_wrists_and_fingers_that_a_solve_finds(body, waving):
    track = body.keypoints(waving)
    solved = lsmpl.solve(track, body, betas=waving.betas)
    poses, fingers = solved.poses.copy(), solved.fingers.copy()
    poses[FRAME, 18:22] += 0.4
    fingers[FRAME] += 0.5
    spoilt = replace(solved, poses=poses, fingers=fingers)
    mended = lsmpl.refine_frames(track, body, spoilt, FRAME, FRAME)
    off = angle_between(exp_map(mended.fingers[0]), exp_map(solved.fingers[FRAME]))
    assert np.degrees(off).mean() < 1.0
    wrists = angle_between(mended.rotations[0, 20:22], exp_map(solved.poses[FRAME, 20:22]))
    assert np.degrees(wrists).max() < 3.0


def test_fingers_blend_with_the_body(waving):
    poses = poses_of(waving)
    changed = replace(poses[FRAME : FRAME + 1], fingers=waving.fingers[FRAME : FRAME + 1] + 0.3)
    blended = blend(poses, FRAME, changed, 5)
    assert np.allclose(exp_map(blended.poses.fingers[5]), exp_map(changed.fingers[0]))
    away = angle_between(exp_map(blended.poses.fingers), exp_map(waving.fingers[FRAME - 5 : FRAME + 6])).max(axis=1)
    assert (np.diff(away[:6]) > 0).all() and (np.diff(away[5:]) < 0).all()
    body_alone = replace(changed, fingers=None)
    untouched = blend(poses, FRAME, body_alone, 5).poses.fingers
    assert np.array_equal(untouched, waving.fingers[FRAME - 5 : FRAME + 6])

"""Sites that are off: a displacement goes with the bone that carries it."""

from dataclasses import replace

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.kinematics import KeypointModel
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import ANCESTORS
from lsmpl_core.rotation import exp_map

LAYOUT = lsmpl.LAYOUTS["body_25"]


def keypoints(body, offsets, poses):
    parts = site_parts(body, LAYOUT.sites).displaced(offsets)
    model = KeypointModel.build(choose_backend("numpy"), body.rest_joints(), parts, parts.moments(np.zeros(10)))
    return model.state(exp_map(poses), np.zeros((len(poses), 3))).keypoints


def test_a_displaced_site_is_off_by_its_offset_at_rest(body, rng):
    offsets = 0.03 * rng.normal(size=(len(LAYOUT), 3))
    rest = np.zeros((1, 24, 3))
    moved = keypoints(body, offsets, rest) - keypoints(body, 0 * offsets, rest)
    np.testing.assert_allclose(moved[0], offsets, atol=1e-12)


def test_turning_a_joint_leaves_its_own_keypoint_however_displaced(body, rng):
    """What is seen of an ankle is on the shank: it must say nothing about the foot."""
    offsets = 0.03 * rng.normal(size=(len(LAYOUT), 3))
    rest = np.zeros((1, 24, 3))
    for joint in ("left_ankle", "right_wrist", "left_hip", "right_elbow"):
        bent = rest.copy()
        bent[:, body.joint_names.index(joint)] = (0.5, 0.3, -0.4)
        moved = np.linalg.norm(keypoints(body, offsets, bent) - keypoints(body, offsets, rest), axis=2)[0]
        assert moved[LAYOUT.index(joint)] < 1e-12
    assert moved[LAYOUT.index("right_wrist")] > 0.05


def test_a_displaced_joint_takes_along_what_hangs_on_it(body, rng):
    """As on a body whose bones are these."""
    layout = lsmpl.LAYOUTS["smpl_24"]
    parts = site_parts(body, layout.sites)
    parts = replace(parts, carries=parts.at_joint >= 0)
    offsets, poses = 0.03 * rng.normal(size=(24, 3)), 0.5 * rng.normal(size=(3, 24, 3))
    offsets[0] = 0.0
    bones = body.rest_joints() + ANCESTORS @ offsets
    backend, trans = choose_backend("numpy"), np.zeros((3, 3))
    displaced = parts.displaced(offsets)
    moments = displaced.moments(np.zeros(10))
    found = KeypointModel.build(backend, body.rest_joints(), displaced, moments).state(exp_map(poses), trans)
    theirs = KeypointModel.build(backend, bones, parts, bones).state(exp_map(poses), trans)
    np.testing.assert_allclose(found.keypoints, theirs.keypoints, atol=1e-12)


def test_detectors_that_mark_other_spots_do_not_bend_unseen_joints(body, stroll):
    """Keypoints 2 cm off their sites, as detectors' are: wrists and ankles stay near where people keep them."""
    short = stroll.frames(slice(0, 30))
    track = body.keypoints(short, "coco_17")
    rng = np.random.default_rng(0)
    offsets = 0.02 * rng.normal(size=(1, len(track.layout), 3))
    upright = exp_map(short.poses[:, 0])
    shifted = replace(track, positions=track.positions + np.einsum("tij,nkj->tki", upright, offsets))
    solved = lsmpl.solve(shifted, body)
    for joint in ("left_wrist", "right_wrist", "left_ankle", "right_ankle"):
        turns = np.linalg.norm(solved.poses[:, body.joint_names.index(joint)], axis=1)
        assert np.degrees(turns).max() < 45.0

"""Keypoints that are another skeleton's joints: its bones are found, and what its trunk is made of."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.kinematics import posed
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.judgement import not_trusted
from lsmpl_core.rotation import exp_map, log_map
from lsmpl_core.solver.hinges import kind_of_sharing
from lsmpl_core.solver.limb_planes import Kind
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.prior import pose_statistics, welded
from lsmpl_core.solver.problem import Problem

SIDES = "left", "right"
LIMBS = [f"{side}_{name}" for side in SIDES for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")]
LONGER = {"elbow": 1.3, "wrist": 1.1, "knee": 1.15, "ankle": 0.9}
"""Bones, by the joints at their ends, and how much longer than ours they are."""


def joints_of(body, motion, longer, stiff=True):
    """What a skeleton with other limbs, and with one joint for a spine and welded collars if stiff, does with a
    motion's chest, arms and legs: its rotations (T,24,3,3), joints (T,24,3) and the track of those at its limbs."""
    rotations, rest = exp_map(motion.poses), body.rest_joints(motion.betas)
    if stiff:
        rotations[:, 1:] = welded(rotations[:, 1:])
    parents = np.maximum(PARENTS, 0)
    scale = [longer.get(name.split("_")[-1], 1.0) for name in JOINT_NAMES]
    bones, own = np.array(scale)[:, None] * (rest - rest[parents]), rest.copy()
    for joint in range(1, 24):
        own[joint] = own[parents[joint]] + bones[joint]
    _, joints = posed(log_map(rotations), own, motion.trans)
    at = [JOINT_NAMES.index(limb) for limb in LIMBS]
    layout = lsmpl.Layout("joint_centres", tuple(LIMBS))
    return rotations, joints, lsmpl.KeypointTrack(joints[:, at], layout=layout, fps=motion.fps, source="another")


def bends(joints):
    """(T,4) angles in degrees at elbows and knees."""
    found = []
    for side in SIDES:
        for chain in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
            a, b, c = (joints[:, JOINT_NAMES.index(f"{side}_{name}")] for name in chain)
            upper, lower = b - a, c - b
            lengths = np.linalg.norm(upper, axis=1) * np.linalg.norm(lower, axis=1)
            found.append(np.degrees(np.arccos(np.clip((upper * lower).sum(axis=1) / lengths, -1.0, 1.0))))
    return np.stack(found, axis=1)


@pytest.fixture(scope="module")
def another(body, stroll):
    return joints_of(body, stroll, LONGER)


@pytest.fixture(scope="module")
def solved(body, another):
    return lsmpl.solve(another[2], body)


def test_limbs_of_other_lengths_bend_as_the_skeleton_does(body, another, solved):
    """A site that is off by itself leaves what hangs on it where it was: elbows and knees made up for it."""
    _, joints, _ = another
    ours = bends(body.joints(solved))
    assert np.abs(ours - bends(joints)).mean() < 0.5
    assert 1000.0 * np.nanmean(solved.residual) < 1.0


FAR = {"spine1": 0.5, "spine2": 0.5, "spine3": 0.5, "hip": 1.8, "ankle": 1.25, "shoulder": 2.0, "wrist": 0.7}
"""A skeleton of which some bones are no person's, as of CMU's recordings that were made BVH files."""


def test_bones_of_no_person_make_no_body_of_no_person(body, stroll):
    _, joints, track = joints_of(body, stroll, FAR)
    solved = lsmpl.solve(track, body)
    assert np.abs(solved.betas).max() < 3.0
    assert 1000.0 * np.nanmean(solved.residual) < 2.0
    assert np.abs(bends(body.joints(solved)) - bends(joints)).mean() < 1.0
    assert not not_trusted(solved)


def test_a_trunk_of_one_joint_leans_as_it_does(body, another, solved):
    rotations, _, _ = another
    chest = body.world(solved)[0][:, JOINT_NAMES.index("spine3")]
    world, _ = posed(log_map(rotations), body.rest_joints(), np.zeros((len(rotations), 3)))
    theirs = world[:, JOINT_NAMES.index("spine3")]
    turn = np.degrees(np.linalg.norm(log_map(np.swapaxes(theirs, 1, 2) @ chest), axis=1))
    collars = solved.poses[:, [JOINT_NAMES.index(f"{side}_collar") for side in SIDES]]
    assert np.ptp(turn) < 4.0
    assert np.degrees(np.ptp(collars, axis=0)).max() < 4.0


def test_the_bones_serve_other_takes_of_the_skeleton(body, another, solved):
    stored = lsmpl.Calibration.from_dict(solved.calibration.as_dict())
    assert stored.keypoints["left_elbow"].carries
    again = lsmpl.solve(another[2].frames(slice(10, 30)), body, calibration=stored)
    assert np.abs(bends(body.joints(again)) - bends(body.joints(solved))[10:30]).mean() < 0.5


@pytest.mark.parametrize("stiff", [True, False])
def test_shoulders_that_stay_apart_tell_of_welded_collars(body, stroll, stiff):
    shrug = np.zeros((len(stroll), 24, 3))
    shrug[:, JOINT_NAMES.index("left_collar"), 2] = 0.3 * np.sin(np.arange(len(stroll)) / 5.0)
    motion = replace(stroll, poses=log_map(exp_map(stroll.poses) @ exp_map(shrug)))
    rotations, _, track = joints_of(body, motion, {}, stiff)
    parts = site_parts(body, track.layout.sites)
    parts = replace(parts, carries=parts.at_joint >= 0)
    options = lsmpl.SolveOptions(noise=0.001)
    problem = Problem.of(track, body, parts, stroll.betas, choose_backend("numpy"), options)
    kind = kind_of_sharing(problem, Poses(rotations[:5], motion.trans[:5]), np.arange(5)).kind
    assert kind is (Kind.WELDED if stiff else Kind.PERSON)


def test_a_skeleton_with_welded_collars_does_with_its_chest_and_arms_what_people_do(rng):
    """In the mean: the prior is a person's, of whose turns only the sharing is another."""
    mean, covariance = pose_statistics()
    drawn = exp_map(rng.multivariate_normal(mean, 0.01 * covariance, 2000).reshape(-1, 23, 3))
    theirs = log_map(welded(drawn)).reshape(-1, 69)
    found, spread = pose_statistics(Kind.WELDED)
    assert np.abs(theirs.mean(axis=0) - found).max() < 0.02
    seen = [3 * (JOINT_NAMES.index(name) - 1) for name in ("spine1", "left_shoulder", "right_shoulder", "left_hip")]
    assert np.allclose(10.0 * theirs[:, seen].std(axis=0), np.sqrt(np.diag(spread))[seen], rtol=0.1)

"""How limbs share turns: the law's Jacobian, what it leaves alone, and whose constants are found out."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.kinematics import UNKNOWNS, KeypointModel
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.limb_planes import LimbPlanes, Sharing
from lsmpl_core.solver.problem import Problem

LEFT_SHOULDER, LEFT_ELBOW, RIGHT_HIP, RIGHT_KNEE = map(
    JOINT_NAMES.index, ("left_shoulder", "left_elbow", "right_hip", "right_knee")
)


def bones(body, *names):
    rest = body.rest_joints()
    along = [rest[JOINT_NAMES.index(b)] - rest[JOINT_NAMES.index(a)] for a, b in zip(names, names[1:])]
    return [bone / np.linalg.norm(bone) for bone in along]


def shared_anew(rotations, upper, lower, bone, angle):
    """The same limbs with a turn about the upper bone taken from its joint and given to the lower one."""
    rotations = rotations.copy()
    rotations[:, upper] = rotations[:, upper] @ exp_map(-angle * bone)
    rotations[:, lower] = exp_map(angle * bone) @ rotations[:, lower]
    return rotations


def test_the_jacobian_is_the_derivative_of_the_residual(backend, body):
    rng = np.random.default_rng(0)
    rotations = exp_map(0.6 * rng.normal(size=(5, 24, 3)))
    planes = LimbPlanes.build(backend, body.rest_joints(), Sharing.of_anybody(), 1.0)
    parts = site_parts(body, ["nose"])
    model = KeypointModel.build(backend, body.rest_joints(), parts, parts.moments(np.zeros(10)))
    state = model.state(backend.array(rotations), backend.array(np.zeros((5, 3))))
    columns = []
    for i in range(UNKNOWNS):
        step = np.zeros((5, UNKNOWNS))
        step[:, i] = 1e-6
        ahead, behind = (model.moved(state, backend.array(sign * step)).rotations for sign in (1.0, -1.0))
        columns.append(backend.numpy(planes.residual(ahead) - planes.residual(behind)) / 2e-6)
    jacobian = backend.numpy(planes.jacobian(state.rotations))
    np.testing.assert_allclose(jacobian, np.stack(columns, axis=-1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("upper", "lower", "names", "limb", "sign"),
    [
        (LEFT_SHOULDER, LEFT_ELBOW, ("left_shoulder", "left_elbow", "left_wrist"), 0, 1.0),
        (RIGHT_HIP, RIGHT_KNEE, ("right_hip", "right_knee", "right_ankle"), 3, -1.0),
    ],
)
def test_sharing_a_turn_anew_moves_the_azimuth_and_keeps_tau(backend, body, upper, lower, names, limb, sign):
    bone = bones(body, *names)[0]
    rng = np.random.default_rng(1)
    rotations = exp_map(0.4 * rng.normal(size=(6, 24, 3)))
    axis = np.cross(bone, [0.0, 0.0, 1.0])
    rotations[:, lower] = exp_map(1.5 * axis / np.linalg.norm(axis))
    planes = LimbPlanes.build(backend, body.rest_joints(), Sharing.of_anybody(), 1.0)
    before, after = (
        [backend.numpy(values)[:, limb] for values in planes.angles(backend.array(r))]
        for r in (rotations, shared_anew(rotations, upper, lower, bone, 0.2))
    )
    np.testing.assert_allclose(after[0] - before[0], 0.2 * sign, atol=0.03)
    np.testing.assert_allclose(after[1] - before[1], 0.0, atol=0.03)


LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))


def poses_that_share(body, share, offset=0.0, seed=2):
    """(80,24,3,3): bent limbs whose azimuth is offset + share * tau."""
    rng = np.random.default_rng(seed)
    rotations = exp_map(0.2 * rng.normal(size=(80, 24, 3)))
    law = Sharing(np.full(4, offset), np.full(4, share), np.ones(4))
    planes = LimbPlanes.build(choose_backend("numpy"), body.rest_joints(), law, 1.0)
    limbs = [
        (sign, [f"{side}_{name}" for name in limb]) for limb in LIMBS for side, sign in (("left", 1), ("right", -1))
    ]
    for limb, (sign, names) in enumerate(limbs):
        upper, lower, _ = map(JOINT_NAMES.index, names)
        bend = np.array([1.2, 0.0, 0.0]) if "hip" in names[0] else np.array([0.0, -1.2 * sign, 0.0])
        rotations[:, lower] = exp_map(bend)
        for _ in range(8):
            off = sign * planes.residual(rotations)[:, limb, None]
            rotations = shared_anew(rotations, upper, lower, bones(body, *names)[0], -off)
    return rotations


def test_a_persons_constants_are_read_off_their_poses(body):
    found = Sharing.of_poses(body.rest_joints(), poses_that_share(body, 0.7, 0.05), fps=10.0)
    anybody = Sharing.of_anybody()
    assert (np.abs(found.share - 0.7) < np.abs(anybody.share - 0.7)).all()
    assert (found.sigma < anybody.sigma).all()


def test_limbs_with_hinges_are_known_by_a_single_pose(body):
    rotations = poses_that_share(body, 0.0)[:1]
    found = Sharing.of_poses(body.rest_joints(), rotations, fps=30.0)
    assert (found.share == 0.0).all()
    assert (Sharing.of_poses(body.rest_joints(), poses_that_share(body, 0.46)[:1], fps=30.0).share > 0.3).all()


def test_what_is_known_of_anybody_is_the_same_left_and_right():
    anybody = Sharing.of_anybody()
    for values in (anybody.offset, anybody.share, anybody.sigma):
        np.testing.assert_array_equal(values[::2], values[1::2])


def test_what_keypoints_do_not_show_stays_as_the_first_pose_has_it(body, stroll):
    turned = stroll.poses.copy()
    twist = bones(body, "left_elbow", "left_wrist")[0]
    turned[:, LEFT_ELBOW] = log_map(exp_map(turned[:, LEFT_ELBOW]) @ exp_map(0.5 * twist))
    truth = replace(stroll, poses=turned)
    options = lsmpl.SolveOptions(solver="polish")
    known, unknown = (
        lsmpl.solve(body.keypoints(truth), body, betas=truth.betas, start_pose=pose, options=options)
        for pose in (truth.poses[0], None)
    )
    off = [
        angle_between(exp_map(m.poses[:, LEFT_ELBOW]), exp_map(turned[:, LEFT_ELBOW])).mean() for m in (known, unknown)
    ]
    assert off[0] < 0.5 * off[1]


def test_the_trunk_is_held_where_sites_had_to_be_displaced_and_only_there(body, stroll):
    layout = LAYOUTS["body_25"]
    made_of = body.keypoints(stroll), body, site_parts(body, layout.sites), stroll.betas
    options, numpy = lsmpl.SolveOptions(noise=0.0005), choose_backend("numpy")
    fits, misfits = (
        Problem.of(*made_of, numpy, options, offsets).prior for offsets in (None, np.full((len(layout), 3), 0.01))
    )
    trunk = 3 * JOINT_NAMES.index("spine2") - 3
    knee = 3 * JOINT_NAMES.index("left_knee") - 3
    assert misfits.precision[trunk, trunk] > 10.0 * fits.precision[trunk, trunk]
    assert misfits.precision[knee, knee] == fits.precision[knee, knee]

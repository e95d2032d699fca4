"""The polish: its equations against finite differences, its minimum, and both array libraries alike."""

import numpy as np
import pytest

from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.kinematics import UNKNOWNS, KeypointModel
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import HALVINGS, JOINT_NAMES, PARENTS
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.rotation import angle_between, exp_map
from lsmpl_core.solver.polish import Anchor, Targets, evaluate, normal_equations, polish
from lsmpl_core.solver.prior import pose_prior

BATCH = 3


def problem(backend, body, seed=0):
    """A model, a state, targets, an anchor and a prior, all different from each other."""
    rng = np.random.default_rng(seed)
    parts = site_parts(body, LAYOUTS["mediapipe_33"].sites)
    betas = rng.normal(size=10)
    model = KeypointModel.build(backend, body.rest_joints(betas), parts, parts.moments(betas))
    rotations = exp_map(0.5 * rng.normal(size=(BATCH, 24, 3)))
    trans = rng.normal(size=(BATCH, 3))
    truth = model.state(
        backend.array(rotations @ exp_map(0.3 * rng.normal(size=(BATCH, 24, 3)))), backend.array(trans + 0.1)
    )
    weights = rng.random((BATCH, parts.count))
    weights[:, 5] = 0.0
    targets = Targets(truth.keypoints, backend.array(weights))
    anchor = Anchor(backend.array(exp_map(0.5 * rng.normal(size=(BATCH, 24, 3)))), backend.array(rng.random(24) * 0.1))
    state = model.state(backend.array(rotations), backend.array(trans))
    return model, state, targets, anchor, pose_prior(backend, 1e-3)


def test_what_is_handed_down_in_halvings_comes_from_every_joint_above_once_and_in_order():
    chains = [(joint,) for joint in range(len(PARENTS))]
    for first, above in HALVINGS:
        chains = chains[:first] + [chains[up] + chains[joint] for joint, up in enumerate(above, first)]
    for joint, chain in enumerate(chains):
        assert chain[-1] == joint and chain[0] == 0
        assert [PARENTS[below] for below in chain[1:]] == list(chain[:-1])


def numeric_jacobian(backend, model, state):
    """(B,K,3,75) by central differences."""
    columns = []
    for i in range(UNKNOWNS):
        step = np.zeros((BATCH, UNKNOWNS))
        step[:, i] = 1e-6
        ahead = backend.numpy(model.moved(state, backend.array(step)).keypoints)
        behind = backend.numpy(model.moved(state, backend.array(-step)).keypoints)
        columns.append((ahead - behind) / 2e-6)
    return np.stack(columns, axis=-1)


def test_the_jacobian_is_the_derivative_of_the_keypoints(backend, body):
    model, state, *_ = problem(backend, body)
    expected = numeric_jacobian(backend, model, state)
    np.testing.assert_allclose(backend.numpy(model.jacobian(state)), expected, atol=1e-8)


def test_gradient_is_the_derivative_of_the_cost(backend, body):
    model, state, targets, anchor, prior = problem(backend, body)
    here = evaluate(model, state, targets, anchor, prior)
    _, gradient = normal_equations(model, here, targets, anchor, prior, here.cost)
    numeric = np.zeros((BATCH, UNKNOWNS))
    for i in range(UNKNOWNS):
        step = np.zeros((BATCH, UNKNOWNS))
        step[:, i] = 1e-6
        up = evaluate(model, model.moved(state, backend.array(step)), targets, anchor, prior).cost
        down = evaluate(model, model.moved(state, backend.array(-step)), targets, anchor, prior).cost
        numeric[:, i] = backend.numpy(up - down) / 4e-6
    np.testing.assert_allclose(backend.numpy(gradient), numeric, atol=1e-7)


def test_hessian_is_the_gauss_newton_one(backend, body):
    """J^T W J of the keypoints, the anchor's weights, the damping, and the prior's precision, joint by joint."""
    model, state, targets, anchor, prior = problem(backend, body)
    here = evaluate(model, state, targets, anchor, prior)
    damping = backend.array([0.0, 0.5, 2.0])
    hessian, _ = normal_equations(model, here, targets, anchor, prior, damping)
    without, _ = normal_equations(model, here, targets, anchor, None, damping)
    jacobian = numeric_jacobian(backend, model, state)
    expected = np.einsum("bkiu,bk,bkiv->buv", jacobian, backend.numpy(targets.weights), jacobian)
    held = np.concatenate([np.tile(backend.numpy(anchor.weights), 3), np.zeros(3)])
    expected += np.diag(held) + backend.numpy(damping)[:, None, None] * np.eye(UNKNOWNS)
    np.testing.assert_allclose(backend.numpy(without), expected, atol=1e-6)
    share = backend.numpy(hessian - without)[0][: UNKNOWNS - 3, : UNKNOWNS - 3].reshape(3, 24, 3, 24)
    precision = backend.numpy(prior.precision).reshape(23, 3, 23, 3)
    np.testing.assert_allclose(share[:, 1:, :, 1:], precision.transpose(1, 0, 3, 2), atol=1e-9)
    assert np.abs(share[:, 0]).max() == 0.0


def test_exact_keypoints_are_met(backend, body):
    model, state, targets, _, _ = problem(backend, body)
    loose = Anchor(state.rotations, backend.array(np.full(24, 1e-8)))
    done = polish(model, state, targets, loose, steps=200)
    miss = backend.numpy(done.state.keypoints - targets.positions)
    seen = backend.numpy(targets.weights) > 0
    assert np.linalg.norm(miss, axis=-1)[seen].max() < 1e-3
    assert backend.numpy(done.converged).all()


def test_a_step_never_raises_the_cost(backend, body):
    model, state, targets, anchor, prior = problem(backend, body)
    costs = [backend.numpy(polish(model, state, targets, anchor, prior, steps=n).cost) for n in (0, 1, 2, 5, 20)]
    assert (np.diff(costs, axis=0) <= 1e-15).all()
    assert (costs[-1] < 0.5 * costs[0]).all()


def test_unseen_joints_stay_at_their_anchor(backend, body):
    model, state, targets, _, _ = problem(backend, body)
    anchor = Anchor(state.rotations, backend.array(np.full(24, 1e-3)))
    blind = Targets(targets.positions, targets.weights * 0.0)
    still = polish(model, state, blind, anchor, steps=10)
    assert backend.numpy(angle_between(still.state.rotations, state.rotations)).max() < 1e-9
    hands = [JOINT_NAMES.index("left_hand"), JOINT_NAMES.index("right_hand")]
    armless = np.array(["knuckle" not in name for name in LAYOUTS["mediapipe_33"].keypoints], dtype=float)
    seen = Targets(targets.positions, targets.weights * backend.array(armless))
    done = polish(model, state, seen, anchor, steps=10)
    moved = backend.numpy(angle_between(done.state.rotations, state.rotations))
    assert moved[:, hands].max() < 1e-9
    assert moved.max() > 0.1


def test_a_pose_in_a_batch_is_polished_as_if_alone(backend, body):
    model, state, targets, anchor, prior = problem(backend, body)
    together = polish(model, state, targets, anchor, prior, steps=6)
    for i in range(BATCH):
        one = slice(i, i + 1)
        alone = polish(
            model,
            model.state(state.rotations[one], state.trans[one]),
            Targets(targets.positions[one], targets.weights[one]),
            Anchor(anchor.rotations[one], anchor.weights),
            prior,
            steps=6,
        )
        np.testing.assert_allclose(
            backend.numpy(alone.state.keypoints), backend.numpy(together.state.keypoints)[one], atol=1e-7
        )


def test_numpy_and_torch_polish_alike(body):
    pytest.importorskip("torch")
    from lsmpl_core.backends.arrays import choose_backend

    ends = []
    for name in ("numpy", "cpu"):
        backend = choose_backend(name)
        model, state, targets, anchor, prior = problem(backend, body)
        done = polish(model, state, targets, anchor, prior, steps=8)
        ends.append(backend.numpy(done.state.keypoints))
    assert np.abs(ends[0] - ends[1]).max() < 1e-4


def strained(backend, body):
    """A problem whose first step, next to undamped, is refused in at least one pose."""
    model, state, targets, _, _ = problem(backend, body, seed=3)
    loose = Anchor(state.rotations, backend.array(np.full(24, 1e-8)))
    return model, state, targets, loose


def misses(backend, done, targets):
    """(B,) metres, root mean square in each axis of the keypoints that are seen, by their weights."""
    miss = backend.numpy(done.state.keypoints - targets.positions)
    weights = backend.numpy(targets.weights)
    return np.sqrt((weights[..., None] * miss**2).sum(axis=(1, 2)) / (3.0 * weights.sum(axis=1)))


def test_a_refused_step_is_tried_again_with_more_damping(backend, body):
    model, state, targets, loose = strained(backend, body)
    before = backend.numpy(evaluate(model, state, targets, loose, None).cost)
    once = polish(model, state, targets, loose, steps=1, damping=1e-7)
    refused = backend.numpy(once.cost) >= before
    assert refused.any()
    again = polish(model, state, targets, loose, steps=1, more=8, damping=1e-7)
    assert (backend.numpy(again.cost)[refused] < 0.2 * before[refused]).all()


def test_no_pose_is_left_where_a_step_that_was_too_long_put_it(body, rng):
    """Such a step may gain next to nothing, which is no sign that there is nothing more to gain."""
    backend, N = choose_backend(), 100
    parts = site_parts(body, LAYOUTS["body_25"].sites)
    model = KeypointModel.build(backend, body.rest_joints(np.zeros(10)), parts, parts.moments(np.zeros(10)))
    rotations = exp_map(rng.normal(0.0, 0.25, (N, 24, 3)))
    seen = model.state(backend.array(rotations), backend.array(np.zeros((N, 3)))).keypoints
    targets = Targets(seen + 0.02 * rng.normal(size=seen.shape), np.ones((N, parts.count)))
    begun = model.state(rotations @ exp_map(rng.normal(0.0, 0.3, (N, 24, 3))), np.zeros((N, 3)))
    anchor, prior = Anchor(begun.rotations, np.full(24, 1e-6)), pose_prior(backend, 1e-3)
    done = polish(model, begun, targets, anchor, prior, steps=1, more=12, enough=1e-3, damping=1e-7)
    off = np.linalg.norm(done.state.keypoints - targets.positions, axis=-1).mean(axis=1)
    assert off.max() < 0.1, "metres"


def test_the_polish_goes_on_until_keypoints_are_met(backend, body):
    model, state, targets, loose = strained(backend, body)
    done = polish(model, state, targets, loose, steps=1, more=60, enough=0.002, damping=1e-7)
    assert misses(backend, done, targets).max() < 0.002


def test_poses_that_meet_their_keypoints_wait_for_those_that_do_not(backend, body):
    model, state, targets, loose = strained(backend, body)
    first = polish(model, state, targets, loose, steps=1, damping=1e-7)
    enough = float(np.median(misses(backend, first, targets)))
    on = polish(model, state, targets, loose, steps=1, more=4, enough=enough, damping=1e-7)
    met = misses(backend, first, targets) <= enough
    assert met.any() and not met.all()
    ends = [backend.numpy(done.state.rotations) for done in (first, on)]
    np.testing.assert_array_equal(ends[0][met], ends[1][met])
    assert np.abs(ends[0][~met] - ends[1][~met]).max() > 1e-3


def test_a_pose_that_goes_on_in_a_batch_ends_as_if_alone(backend, body):
    model, state, targets, loose = strained(backend, body)
    together = polish(model, state, targets, loose, steps=1, more=6, enough=0.001, damping=1e-7)
    for i in range(BATCH):
        one = slice(i, i + 1)
        alone = polish(
            model,
            model.state(state.rotations[one], state.trans[one]),
            Targets(targets.positions[one], targets.weights[one]),
            Anchor(loose.rotations[one], loose.weights),
            steps=1,
            more=6,
            enough=0.001,
            damping=1e-7,
        )
        np.testing.assert_allclose(
            backend.numpy(alone.state.keypoints), backend.numpy(together.state.keypoints)[one], atol=1e-6
        )
        assert bool(backend.numpy(alone.converged * 1.0)[0]) == bool(backend.numpy(together.converged * 1.0)[i])

"""The residual network: its symmetries, its mask, both array libraries, and files that are not one."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.kinematics import KeypointModel
from lsmpl_core.body.sites import SITE_NAMES, site_parts
from lsmpl_core.body.skeleton import ANCESTORS, PARENTS
from lsmpl_core.errors import NetworkFileError
from lsmpl_core.rotation import angle_between, exp_map
from lsmpl_core.solver.network import (
    CANONICAL,
    INPUTS,
    LEAST_INERTIA,
    SMALL_TURN,
    Network,
    Observation,
    _silu,
    canonical_matrix,
    features,
    load_network,
    rest_bones,
    shapes,
)

BATCH = 4
LAYOUT = lsmpl.LAYOUTS["mediapipe_33"]


def random_weights(width=32, blocks=2, seed=0):
    rng = np.random.default_rng(seed)
    return {name: 0.2 * rng.normal(size=shape) for name, shape in shapes(width, blocks).items()}


def network_of(backend, weights, layout=LAYOUT):
    return Network({k: backend.array(v) for k, v in weights.items()}, backend.array(canonical_matrix(layout.sites)))


IDENTITY = np.eye(3)


def observation(backend, body, turn=IDENTITY, shift=(0.0, 0.0, 0.0), hidden=()):
    """A pose and targets near it, all turned about the origin and shifted; the hidden keypoints hold rubbish."""
    rng = np.random.default_rng(3)
    parts, betas = site_parts(body, LAYOUT.sites), rng.normal(size=10)
    model = KeypointModel.build(backend, body.rest_joints(betas), parts, parts.moments(betas))
    rotations = exp_map(0.4 * rng.normal(size=(BATCH, 24, 3)))
    state = model.state(backend.array(rotations), backend.array(np.zeros((BATCH, 3))))
    state = model.shifted(state, backend.array(rng.normal(size=(BATCH, 3))))
    targets = backend.numpy(state.keypoints) + 0.05 * rng.normal(size=(BATCH, len(LAYOUT), 3))
    mask = np.ones((BATCH, len(LAYOUT)))
    for k in hidden:
        mask[:, k] = 0.0
        targets[:, k] = rng.normal(size=(BATCH, 3)) * 100.0
    rotations = np.concatenate([turn @ rotations[:, :1], rotations[:, 1:]], axis=1)
    turned = model.state(backend.array(rotations), backend.array(np.zeros((BATCH, 3))))
    pelvis = backend.numpy(state.joints)[:, 0] @ turn.T + np.asarray(shift)
    turned = model.shifted(turned, backend.array(pelvis - backend.numpy(turned.joints)[:, 0]))
    return Observation(
        backend.array(targets @ turn.T + np.asarray(shift)),
        backend.array(mask),
        backend.array([0.0, 0.001, 0.02, 0.5]),
        turned,
        backend.array(rest_bones(body.rest_joints(betas))[None]),
    )


def test_turning_and_moving_the_take_turns_the_prediction(backend, body):
    """Any turn, not only about the vertical: the network knows no up."""
    network = network_of(backend, random_weights())
    turn = exp_map(np.array([0.7, -1.9, 0.4]))
    here = backend.numpy(network.predict(observation(backend, body)).rotations)
    there = backend.numpy(network.predict(observation(backend, body, turn, (3.0, -8.0, 1.0))).rotations)
    np.testing.assert_allclose(there[:, 0], turn @ here[:, 0], atol=1e-6)
    np.testing.assert_allclose(there[:, 1:], here[:, 1:], atol=1e-6)


def test_an_untrained_network_changes_nothing(backend, body):
    weights = random_weights()
    weights["out.weight"] *= 0.0
    weights["out.bias"] *= 0.0
    seen = observation(backend, body)
    predicted = network_of(backend, weights).predict(seen).rotations
    np.testing.assert_allclose(backend.numpy(predicted), backend.numpy(seen.state.rotations), atol=1e-12)


def test_predictions_are_rotations_and_spreads_are_positive(backend, body):
    prediction = network_of(backend, random_weights()).predict(observation(backend, body))
    r = backend.numpy(prediction.rotations)
    np.testing.assert_allclose(r @ np.swapaxes(r, -1, -2), np.broadcast_to(np.eye(3), r.shape), atol=1e-9)
    assert (np.linalg.det(r) > 0).all()
    assert (backend.numpy(prediction.sigma) > 0).all()


def test_hidden_keypoints_say_nothing_wherever_they_are(backend, body):
    network, hidden = network_of(backend, random_weights()), (4, 15, 23)
    a = observation(backend, body, hidden=hidden)
    targets = backend.numpy(a.targets)
    targets[:, hidden] = -7.0
    b = replace(a, targets=backend.array(targets))
    np.testing.assert_array_equal(
        backend.numpy(network.predict(a).rotations), backend.numpy(network.predict(b).rotations)
    )


def test_layouts_that_share_keypoints_look_alike(body):
    """BODY_25 in its own order and as the visible part of another layout give the same prediction."""
    backend, weights = choose_backend("numpy"), random_weights()
    seen = observation(backend, body)
    order = np.random.default_rng(1).permutation(len(LAYOUT))
    shuffled = lsmpl.Layout("shuffled", tuple(LAYOUT.keypoints[i] for i in order))
    state = replace(seen.state, keypoints=seen.state.keypoints[:, order])
    other = replace(seen, targets=seen.targets[:, order], mask=seen.mask[:, order], state=state)
    a = network_of(backend, weights).predict(seen).rotations
    b = network_of(backend, weights, shuffled).predict(other).rotations
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_numpy_and_torch_predict_alike(body):
    pytest.importorskip("torch")
    predictions = []
    for name in ("numpy", "cpu"):
        backend = choose_backend(name)
        predicted = network_of(backend, random_weights()).predict(observation(backend, body)).rotations
        predictions.append(backend.numpy(predicted))
    assert angle_between(*predictions).max() < 1e-6


def test_lone_turns_are_torques_over_moments_of_inertia(backend, body):
    layout = lsmpl.LAYOUTS["smpl_24"]
    parts = site_parts(body, layout.sites)
    rest = body.rest_joints(np.zeros(10))
    model = KeypointModel.build(backend, rest, parts, parts.moments(np.zeros(10)))
    rng = np.random.default_rng(5)
    state = model.state(backend.array(exp_map(0.4 * rng.normal(size=(1, 24, 3)))), backend.array(np.zeros((1, 3))))
    joints, world = backend.numpy(state.joints)[0], backend.numpy(state.world)[0]
    miss = 0.05 * rng.normal(size=(24, 3))
    seen = Observation(
        backend.array((joints + miss)[None]),
        backend.array(np.ones((1, 24))),
        backend.array(np.zeros(1)),
        state,
        backend.array(rest_bones(rest)[None]),
    )
    said = backend.numpy(features(seen, backend.array(canonical_matrix(layout.sites))))[0]
    said = said[10 * len(CANONICAL) :][:72].reshape(24, 3)
    said = said * SMALL_TURN / (1.0 - np.linalg.norm(said, axis=1, keepdims=True))
    for joint in range(24):
        moved = [k for k in range(1, 24) if ANCESTORS[PARENTS[k], joint]] + [0] * (joint == 0)
        levers = joints[moved] - joints[joint]
        torque = np.cross(levers, miss[moved]).sum(axis=0)
        expected = world[joint].T @ torque / (np.square(levers).sum() + LEAST_INERTIA)
        np.testing.assert_allclose(said[joint], expected, atol=1e-9)


def test_the_canonical_set_is_known_to_every_body_and_has_each_site_once():
    assert set(CANONICAL) <= set(SITE_NAMES)
    assert len(set(CANONICAL)) == len(CANONICAL)
    assert shapes(8, 1)["in.weight"] == (INPUTS, 8)


@pytest.mark.parametrize("layout", sorted(lsmpl.LAYOUTS))
def test_every_layout_shows_the_network_its_limbs(layout):
    seen = canonical_matrix(lsmpl.get_layout(layout).sites).sum(axis=1) > 0
    shown = {name for name, is_seen in zip(CANONICAL, seen) if is_seen}
    assert {f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "elbow", "hip", "knee")} <= shown


def damaged(path, kind):
    weights = {k: v.astype(np.float16) for k, v in random_weights().items()}
    if kind == "missing":
        return
    if kind == "empty":
        path.write_bytes(b"")
        return
    if kind == "pickled":
        weights["in.bias"] = np.array([{"a": 1}], dtype=object)
    elif kind == "another network":
        weights = {"layer.weight": np.zeros((3, 3))}
    elif kind == "wrong shape":
        weights["block1.up"] = weights["block1.up"][:-1]
    elif kind == "weight gone":
        del weights["block0.down_bias"]
    elif kind == "not finite":
        weights["out.bias"][3] = np.nan
    elif kind == "too large":
        weights["out.bias"] = np.full(len(weights["out.bias"]), 1e300)
    elif kind == "of words":
        weights["out.bias"] = weights["out.bias"].astype("U9")
    elif kind == "complex":
        weights["out.bias"] = weights["out.bias"] + 1j
    np.savez(path, **weights)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-400])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "cannot be read"),
        ("empty", "npz file"),
        ("truncated", "npz file"),
        ("pickled", "Python objects"),
        ("another network", "no weight in.bias"),
        ("wrong shape", "block1.up should have shape"),
        ("weight gone", "block0.down_bias should have shape"),
        ("not finite", "out.bias holds values that are not finite"),
        ("too large", "out.bias holds values that are not finite"),
        ("of words", "weight out.bias holds <U9; expected the weights of a network"),
        ("complex", "out.bias holds complex64 .*; expected the weights of a network"),
    ],
)
def test_a_file_that_is_no_network_is_named(kind, message, tmp_path):
    path = tmp_path / "network.npz"
    damaged(path, kind)
    with pytest.raises(NetworkFileError, match=rf"network\.npz.*{message}"):
        load_network(choose_backend("numpy"), LAYOUT.sites, path)


def test_far_from_any_body_the_network_overflows_without_a_warning():
    far = np.array([-1e4, -100.0, 0.0, 100.0], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(_silu(np, far), [0.0, 0.0, 0.0, 100.0])

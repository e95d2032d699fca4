"""Rotations against SciPy, against finite differences, and at the angles where formulas break."""

import numpy as np
import pytest

from lsmpl_core import rotation

scipy_rotation = pytest.importorskip("scipy.spatial.transform").Rotation

ANGLES = (0.0, 1e-9, 1e-5, 0.1, 1.0, 3.0, np.pi - 1e-6, np.pi)


@pytest.fixture
def vectors(rng) -> np.ndarray:
    """Axis-angles of all sizes, (N,3)."""
    axes = rng.normal(size=(len(ANGLES), 5, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    return (axes * np.array(ANGLES)[:, None, None]).reshape(-1, 3)


def test_exp_map_is_scipys(backend, vectors):
    ours = backend.numpy(rotation.exp_map(backend.array(vectors)))
    np.testing.assert_allclose(ours, scipy_rotation.from_rotvec(vectors).as_matrix(), atol=1e-12)


def test_log_map_undoes_exp_map_up_to_half_a_turn(backend, vectors):
    matrices = rotation.exp_map(backend.array(vectors))
    again = rotation.exp_map(rotation.log_map(matrices))
    np.testing.assert_allclose(backend.numpy(again), backend.numpy(matrices), atol=1e-9)
    short = np.linalg.norm(vectors, axis=1) < 3.1
    np.testing.assert_allclose(backend.numpy(rotation.log_map(matrices))[short], vectors[short], atol=1e-9)


def test_quaternions_round_trip_and_have_positive_w(backend, rng):
    matrices = backend.array(scipy_rotation.random(200, random_state=1).as_matrix())
    quaternions = rotation.to_quaternion(matrices)
    assert (backend.numpy(quaternions)[:, 0] >= 0).all()
    np.testing.assert_allclose(
        backend.numpy(rotation.from_quaternion(quaternions)), backend.numpy(matrices), atol=1e-12
    )


def test_right_jacobian_inverse_is_the_derivative_of_the_log(backend, rng):
    v, d = rng.normal(size=(20, 3)), 1e-6 * rng.normal(size=(20, 3))
    turned = rotation.exp_map(backend.array(v)) @ rotation.exp_map(backend.array(d))
    change = backend.numpy(rotation.log_map(turned)) - v
    predicted = backend.numpy(rotation.right_jacobian_inverse(backend.array(v))) @ d[..., None]
    near = np.linalg.norm(v, axis=1) < 2.5
    np.testing.assert_allclose(change[near], predicted[near][..., 0], atol=1e-9)


def test_right_jacobian_inverse_undoes_the_jacobian_of_the_exponential(backend, vectors):
    """The power series of the right Jacobian: the sum of (-skew v)^n / (n + 1)!."""
    minus_skew = -backend.numpy(rotation.skew(backend.array(vectors)))
    term = jacobian = np.tile(np.eye(3), (len(vectors), 1, 1))
    for n in range(1, 60):
        term = term @ minus_skew / (n + 1)
        jacobian = jacobian + term
    inverse = backend.numpy(rotation.right_jacobian_inverse(backend.array(vectors)))
    np.testing.assert_allclose(jacobian @ inverse, np.tile(np.eye(3), (len(vectors), 1, 1)), atol=1e-9)


def test_angle_between_a_rotation_and_its_turned_self_is_the_turn(backend, vectors):
    base = rotation.exp_map(backend.array(np.tile([0.3, -0.2, 0.9], (len(vectors), 1))))
    angles = backend.numpy(rotation.angle_between(base, base @ rotation.exp_map(backend.array(vectors))))
    np.testing.assert_allclose(angles, np.linalg.norm(vectors, axis=1), atol=1e-7)


def test_orthonormalise_repairs_rounding(backend, rng):
    exact = scipy_rotation.random(50, random_state=2).as_matrix()
    repaired = backend.numpy(rotation.orthonormalise(backend.array(exact + 1e-5 * rng.normal(size=exact.shape))))
    np.testing.assert_allclose(repaired @ np.swapaxes(repaired, 1, 2), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(repaired, exact, atol=1e-4)

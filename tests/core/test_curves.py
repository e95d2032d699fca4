"""Animation curves: they say the same rotation, do not jump, and fitted keys follow what they were fitted to."""

import numpy as np
import pytest

from lsmpl_core.retargeting.curves import axis_angles, euler_angles, fit_keys, key_frames, quaternions
from lsmpl_core.rotation import exp_map, from_quaternion

EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


@pytest.fixture
def turning(rng):
    """(300,5,3,3): smooth turns, several times around."""
    way = np.cumsum(np.cumsum(rng.normal(scale=0.004, size=(300, 5, 3)), axis=0), axis=0)
    return exp_map(way)


def about(axis: int, angle: np.ndarray) -> np.ndarray:
    return exp_map(angle[..., None] * np.eye(3)[axis])


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_euler_angles_say_the_rotation_in_blenders_order(turning, order):
    angles = euler_angles(turning, order)
    first, second, third = (about("XYZ".index(axis), angles[..., "XYZ".index(axis)]) for axis in order)
    np.testing.assert_allclose(third @ second @ first, turning, atol=1e-9)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_euler_angles_go_on_over_full_turns(order):
    for axis in range(3):
        angle = np.linspace(0.0, 20.0, 400)
        angles = euler_angles(about(axis, angle)[:, None], order)[:, 0]
        # About the middle axis the others may flip together at its poles, never the sum of steps by much.
        if order[1] != "XYZ"[axis]:
            np.testing.assert_allclose(angles[:, axis], angle, atol=1e-6)
        else:
            np.testing.assert_allclose(angles[:, axis], angle, atol=1e-6)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_a_quarter_turn_about_the_middle_axis_is_still_the_rotation(order, rng):
    middle = "XYZ".index(order[1])
    other = rng.normal(size=(50, 1))
    turned = about(middle, np.full((50, 1), np.pi / 2)) @ about("XYZ".index(order[0]), other)
    angles = euler_angles(turned, order)
    first, second, third = (about("XYZ".index(axis), angles[..., "XYZ".index(axis)]) for axis in order)
    np.testing.assert_allclose(third @ second @ first, turned, atol=1e-7)


def test_quaternions_and_axis_angles_say_the_rotation_and_do_not_jump(turning):
    q = quaternions(turning)
    np.testing.assert_allclose(from_quaternion(q), turning, atol=1e-9)
    assert np.abs(np.diff(q, axis=0)).max() < 0.3
    a = axis_angles(turning)
    np.testing.assert_allclose(exp_map(a[..., :1] * a[..., 1:]), turning, atol=1e-6)
    assert np.abs(np.diff(a[..., 0], axis=0)).max() < 1.5


def test_keys_are_every_nth_frame_and_the_last():
    assert key_frames(10, 3).tolist() == [0, 3, 6, 9]
    assert key_frames(11, 3).tolist() == [0, 3, 6, 9, 10]
    assert key_frames(1, 5).tolist() == [0]


def hermite(values, slopes, keys, frames):
    out = np.empty((len(frames), values.shape[1]))
    for n, t in enumerate(frames):
        m = min(np.searchsorted(keys, t, side="right") - 1, len(keys) - 2)
        h = keys[m + 1] - keys[m]
        u = (t - keys[m]) / h
        out[n] = (
            (2 * u**3 - 3 * u**2 + 1) * values[m] + (u**3 - 2 * u**2 + u) * h * slopes[m]
            + (3 * u**2 - 2 * u**3) * values[m + 1] + (u**3 - u**2) * h * slopes[m + 1]
        )  # fmt: skip
    return out


def test_a_cubic_is_fitted_exactly_and_a_wave_better_than_by_straight_lines():
    t = np.arange(61)
    cubic = (t / 20.0) ** 3 - (t / 7.0)
    keys = key_frames(61, 10)
    values, slopes = fit_keys(cubic[:, None], keys)
    np.testing.assert_allclose(values[:, 0], cubic[keys], atol=1e-6)
    np.testing.assert_allclose(slopes[:, 0], 3 * keys**2 / 8000.0 - 1 / 7.0, atol=1e-6)
    wave = np.stack([np.sin(t / 5.0), np.cos(t / 4.0)], axis=1)
    keys = key_frames(61, 5)
    fitted = hermite(*fit_keys(wave, keys), keys, t)
    straight = np.stack([np.interp(t, keys, wave[keys, c]) for c in range(2)], axis=1)
    assert np.abs(fitted - wave).max() < 0.05 * np.abs(straight - wave).max()


def test_keys_on_neighbouring_frames_are_kept():
    wave = np.sin(np.arange(22) / 3.0)[:, None]
    for every in (1, 2, 5):
        keys = key_frames(22, every)
        values, slopes = fit_keys(wave, keys)
        assert np.isfinite(values).all()
        assert np.abs(slopes).max() < 1.0
        np.testing.assert_allclose(values, wave[keys], atol=0.05)

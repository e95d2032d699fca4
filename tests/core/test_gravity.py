"""At which rate a take goes, bodies that fall say."""

from dataclasses import replace

import numpy as np
import pytest

from lsmpl_core.cleaning.travel import GRAVITY
from lsmpl_core.gravity import centre_of_mass, rate_by_gravity
from lsmpl_core.judgement import RATE, judged

FPS = 60.0


@pytest.fixture(scope="module")
def standing(body):
    """(24,3) joints, Z up."""
    x, y, z = body.rest_joints(np.zeros(10)).T
    return np.stack([x, -z, y], axis=1)


def hops(standing, times=4):
    """Somebody who jumps up and down, knees and all stiff, at `FPS`."""
    return standing + height_of_hops(times)[:, None, None] * [0.0, 0.0, 1.0]


def height_of_hops(times):
    t = np.arange(0.0, 0.5, 1.0 / FPS)
    return np.concatenate([GRAVITY / 2 * t * (0.5 - t), np.zeros(18)] * times)


def falls(standing, times=5):
    """Somebody who falls aside from one foot, while the other one is brought forward, time and again."""
    t = np.arange(0.0, 0.4, 1.0 / FPS)
    mass = centre_of_mass(standing[None])[0]
    pace = np.sqrt(GRAVITY / (mass[2] - standing[10, 2] + 0.05))
    aside = 0.14 * np.cosh(pace * t)
    step = np.broadcast_to(standing, (len(t), 24, 3)).copy()
    step[:, :, 0] += (aside + standing[7, 0] - mass[0])[:, None]
    step[:, [7, 10]] = standing[[7, 10]]
    step[:, [8, 11], 1] -= 1.5 * t[:, None]
    step[:, [8, 11], 2] += 0.08
    return np.concatenate([step, np.repeat(standing[None], 18, axis=0)] * times)


@pytest.mark.parametrize("moves", [hops, falls])
def test_a_take_at_its_rate_falls_as_gravity_has_it(standing, moves):
    assert rate_by_gravity(moves(standing), FPS) is None


@pytest.mark.parametrize("moves", [hops, falls])
@pytest.mark.parametrize("times", [0.25, 0.5, 2.0, 4.0])
def test_another_rate_is_told_by_the_rate_at_which_it_would(standing, moves, times):
    found, then, now = rate_by_gravity(moves(standing), FPS / times)
    assert found == times and then > 0.6 > 0.2 > now


def test_nothing_is_said_of_whoever_shows_nothing(standing, stroll, body):
    for joints in (np.broadcast_to(standing, (90, 24, 3)), hops(standing, 1), hops(standing)[:3]):
        assert rate_by_gravity(joints, FPS / 2) is None
    sitting = np.broadcast_to(standing, (90, 24, 3)).copy()
    sitting[:, [7, 8, 10, 11], 1] -= 0.5
    assert rate_by_gravity(sitting, FPS) is None
    assert rate_by_gravity(body.joints(stroll), stroll.fps) is None


def test_a_motion_with_another_rate_is_a_doubt(body, stroll):
    height = height_of_hops(4)
    trans = stroll.trans[0] + height[:, None] * [0.0, 0.0, 1.0]
    motion = replace(stroll, poses=np.repeat(stroll.poses[:1], len(trans), axis=0), trans=trans, fps=FPS / 2)
    motion = replace(motion, residual=np.full((len(trans), 25), 0.008))
    track = replace(body.keypoints(motion, "body_25"), decisions=())
    (doubt,) = judged(motion, body, track)
    assert doubt.what == RATE and doubt.doubtful and "30 frames a second" in doubt.value and "60" in doubt.value
    assert judged(replace(motion, fps=FPS), body, track) == []

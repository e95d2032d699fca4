"""Motion shared out among joints as by real SMPL poses: what stays where it is, and the laws that come out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.kinematics import forward
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.rotation import angle_between, exp_map, log_map

pytest.importorskip("torch", reason="training needs PyTorch")

from training.data import at_frame_rate
from training.redistribution import (
    FITTED_LAW,
    MULTI_VIEW_LAW,
    UNTOUCHED,
    Varying,
    drawn_law,
    mirrored_pose,
    redistributed,
    slow_noise,
    twist,
)

CLIPS = sorted((Path(__file__).resolve().parents[1] / "data" / "cmu").glob("*.npz"))
NOTHING = Varying(0.0, 0.0, 0.0)
JOINT = {name: number for number, name in enumerate(JOINT_NAMES)}
HINGE_AZIMUTHS = {"left_elbow": -18.0, "right_elbow": -162.0, "left_knee": 172.0, "right_knee": 8.0}
"""Degrees about the upper bone at which recorded elbows and knees bend."""


@pytest.fixture(scope="module")
def recorded() -> list[np.ndarray]:
    """Rotations (T,24,3,3) of the repository's recorded clips."""
    return [at_frame_rate(lsmpl.Motion.load(path))[0] for path in CLIPS]


@pytest.fixture(scope="module")
def people(recorded, body) -> np.ndarray:
    """(N,24,3,3): each clip as by six persons."""
    rng = np.random.default_rng(0)
    return np.concatenate([redistributed(clip, body.joint_template, rng) for clip in recorded for _ in range(6)])


def joints(rotations, body):
    trans = np.zeros((len(rotations), 3))
    return forward(np.asarray(rotations, dtype=np.float64), body.joint_template[None], trans)[1]


def bones(rotations, body) -> np.ndarray:
    """(T,24,3) of each joint from its parent, in the world."""
    positions = joints(rotations, body)
    return positions - positions[:, np.maximum(PARENTS, 0)]


def test_arms_keep_their_bones_where_they_point(recorded, body):
    for law in (FITTED_LAW, MULTI_VIEW_LAW):
        after = redistributed(recorded[0], body.joint_template, np.random.default_rng(1), law)
        for name in ("elbow", "wrist"):
            some = [JOINT[f"{side}_{name}"] for side in ("left", "right")]
            moved = bones(after, body)[:, some] - bones(recorded[0], body)[:, some]
            assert np.abs(moved).max() < 1e-5
        assert angle_between(after[:, 16], recorded[0][:, 16]).mean() > np.radians(5.0)


def test_legs_stay_where_they_are_but_for_the_hips_bias(recorded, body):
    law = replace(FITTED_LAW, thigh_out=NOTHING, pelvis_tilt=NOTHING)
    after = redistributed(recorded[0], body.joint_template, np.random.default_rng(1), law)
    some = [JOINT[f"{side}_{name}"] for side in ("left", "right") for name in ("hip", "knee", "ankle")]
    assert np.abs(joints(after, body)[:, some] - joints(recorded[0], body)[:, some]).max() < 1e-5

    # Feet, too, where only the knee takes over: toes have a law of their own.
    feet = [JOINT["left_foot"], JOINT["right_foot"]]
    assert np.abs(joints(after, body)[:, feet] - joints(recorded[0], body)[:, feet]).max() < 1e-5


def test_chest_and_head_keep_facing_where_they_face(recorded, body):
    law = replace(FITTED_LAW, chest=Varying((0.0, 0.0, 0.0), (0.0,) * 3, (0.0,) * 3))
    after = redistributed(recorded[0], body.joint_template, np.random.default_rng(1), law)
    still = np.zeros((len(after), 3))
    before, world = (forward(r, body.joint_template[None], still)[0] for r in (recorded[0], after))
    for name in ("spine3", "head"):
        assert angle_between(before[:, JOINT[name]], world[:, JOINT[name]]).max() < 1e-6


def limb_turns(rotations, body, limb: str, side: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) degrees each, of frames in which the limb is bent: tau, what it turns about the upper bone in all, and by
    how much it bends in another direction than a recorded hinge does."""
    chain = {"elbow": ("collar", "shoulder", "elbow", "wrist"), "knee": ("hip", "knee", "ankle")}[limb]
    numbers = [JOINT[f"{side}_{name}"] for name in chain]
    rest = body.joint_template
    upper, lower = rest[numbers[-2]] - rest[numbers[-3]], rest[numbers[-1]] - rest[numbers[-2]]
    upper, lower = upper / np.linalg.norm(upper), lower / np.linalg.norm(lower)

    first = np.cross(upper, (0.0, 1.0, 0.0))
    first /= np.linalg.norm(first)
    direction = rotations[:, numbers[-2]] @ lower
    azimuth = np.degrees(np.arctan2(direction @ np.cross(upper, first), direction @ first))
    bent = np.degrees(np.arccos(np.clip(direction @ upper, -1.0, 1.0))) > 30.0

    whole = rotations[:, numbers[0]]
    for number in numbers[1:-2]:
        whole = whole @ rotations[:, number]
    away = _wrapped(azimuth - HINGE_AZIMUTHS[f"{side}_{limb}"])
    return _wrapped(twist(whole, upper) + away)[bent], away[bent]


def _wrapped(degrees):
    return (degrees + 180.0) % 360.0 - 180.0


def _explained(x, y) -> tuple[float, float, float]:
    """Slope, constant and R² of a line."""
    slope, constant = np.polyfit(x, y, 1)
    return slope, constant, 1.0 - np.var(y - slope * x - constant) / np.var(y)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("limb", "share", "rest"), [("elbow", 0.46, -4.3), ("knee", 0.57, 3.7)])
def test_limbs_bend_where_the_law_says(recorded, people, body, limb, share, rest, side):
    hinge = _explained(*limb_turns(np.concatenate(recorded), body, limb, side))
    assert abs(hinge[0]) < 0.1
    slope, constant, explained = _explained(*limb_turns(people, body, limb, side))
    assert slope == pytest.approx(share, abs=0.15)
    assert constant == pytest.approx(rest if side == "left" else -rest, abs=5.0)
    assert explained > 0.5


def test_tau_itself_follows_from_the_keypoints_and_stays(recorded, body):
    law = replace(FITTED_LAW, thigh_out=NOTHING, pelvis_tilt=NOTHING)
    after = redistributed(recorded[0], body.joint_template, np.random.default_rng(1), law)
    before, now = (limb_turns(r, body, "knee", "left")[0] for r in (recorded[0], after))
    np.testing.assert_allclose(now, before, atol=1e-3)


def test_collars_move_with_the_arms_and_spines_bend_lower_down(recorded, people):
    size = np.degrees(np.linalg.norm(log_map(people[:, JOINT["left_collar"]]), axis=1))
    assert 20.0 < size.mean() < 38.0
    assert np.abs(log_map(np.concatenate(recorded)[:, JOINT["left_collar"]])).max() < 0.02
    flexion = np.degrees(log_map(people[:, [JOINT["spine1"], JOINT["spine2"], JOINT["spine3"]]])[..., 0])
    shares = [_explained(flexion.sum(axis=1), part)[0] for part in flexion.T]
    assert shares[0] > 0.6 and max(shares[1:]) < 0.4


def test_an_arm_that_turns_round_and_round_moves_steadily(body):
    """A twist wraps at half a turn; what is shared of it must not jump there."""
    T = 400
    poses = np.zeros((T, 24, 3))
    poses[:, JOINT["left_elbow"], 1] = -1.2
    rotations = exp_map(poses)
    rotations[:, JOINT["left_shoulder"]] = exp_map(np.linspace(0.0, 5.0 * np.pi, T)[:, None] * np.array([1.0, 0, 0]))
    after = redistributed(rotations, body.joint_template, np.random.default_rng(2))
    turn = np.degrees(angle_between(after[:-1], after[1:]))
    assert turn.max() < 12.0


def test_the_mirror_image_is_shared_out_like_any_other(recorded, body):
    """Both sides follow the same law: shared out by the mirror, tau is the same turn of the other arm."""
    image = mirrored_pose(recorded[0])
    np.testing.assert_allclose(mirrored_pose(image), recorded[0], atol=1e-12)
    left, right = limb_turns(recorded[0], body, "knee", "left")[0], limb_turns(image, body, "knee", "right")[0]
    np.testing.assert_allclose(np.sort(left), np.sort(-right), atol=3.0)


def test_slow_noise_has_its_size_and_lasts():
    noise = slow_noise(60_000, (2,), 0.5, np.random.default_rng(3))
    np.testing.assert_allclose(noise.std(axis=0), 1.0, atol=0.05)
    later = [np.mean(noise[:-lag] * noise[lag:]) for lag in (1, 15, 90)]
    assert later[0] > 0.95 and 0.2 < later[1] < 0.6 and abs(later[2]) < 0.1


def test_some_sequences_stay_as_recorded():
    rng = np.random.default_rng(4)
    laws = [drawn_law(rng) for _ in range(2000)]
    assert np.mean([law is None for law in laws]) == pytest.approx(UNTOUCHED, abs=0.04)
    assert {FITTED_LAW, MULTI_VIEW_LAW} <= set(laws)

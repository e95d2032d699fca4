"""Hands that go through each other are moved apart until they touch; hands that do not meet stay as they are."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import HAND_JOINTS, WRISTS
from lsmpl_core.cleaning.hands_apart import part_hands_steps
from lsmpl_core.cleaning.way_apart import FARTHEST
from lsmpl_core.progress import run_to_end
from lsmpl_core.rotation import exp_map, log_map

FRAMES, CLAP = 61, 30
ARMS = ("left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist")


def meeting(body, degrees: np.ndarray) -> lsmpl.Motion:
    """A body that holds its flat hands before it, palms parallel, its arms turned inwards by degrees (T,)."""
    poses = np.zeros((len(degrees), 24, 3))
    poses[:, 0] = (np.pi / 2, 0.0, 0.0)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow, wrist = (body.joint_names.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist"))
        inwards = exp_map(np.radians(-sign * degrees)[:, None] * (0.0, 1.0, 0.0))
        down, bent = (exp_map(np.array(turn)) for turn in ((0.0, 0.0, -1.4 * sign), (0.0, -np.pi / 2 * sign, 0.0)))
        poses[:, shoulder], poses[:, elbow] = log_map(inwards @ down), log_map(bent)
        poses[:, wrist] = log_map((down @ bent).T @ np.swapaxes(inwards, -1, -2) @ down @ bent)
    fingers = np.zeros((len(degrees), 30, 3))
    return lsmpl.Motion(poses, np.tile((0.0, 0.0, 1.3), (len(degrees), 1)), body=body.key, fingers=fingers)


def clap(body, deepest: float = 48.0) -> lsmpl.Motion:
    t = np.abs(np.arange(FRAMES) - CLAP) / 6.0
    return meeting(body, deepest - 35.0 * (1.0 - np.exp(-0.5 * t**2)))


def parted(motion, body) -> lsmpl.Motion:
    return run_to_end(part_hands_steps(motion, body))


def hand_skin(body, hand: int) -> np.ndarray:
    return np.flatnonzero(body.skinning_weights[:, [WRISTS[hand], HAND_JOINTS[hand]]].sum(axis=1) > 0.5)


def depth_and_gap(body, motion, frame: int) -> tuple[float, float]:
    """Metres that the skin of one hand is inside the other's, by winding numbers, and between both hands' skins."""
    vertices = body.vertices(motion.frames(slice(frame, frame + 1)), correctives=False)[0].astype(float)
    one, other = hand_skin(body, 0), hand_skin(body, 1)
    away = np.linalg.norm(vertices[one, None] - vertices[other], axis=2)
    faces = body.faces[np.isin(body.faces, other).all(axis=1)]
    gap, near = float(away.min()), np.flatnonzero(away.min(axis=1) < 0.02)[::2]
    one, away = one[near], away[near]
    inside = _winding(vertices[one], vertices[faces]) > 0.5
    return float(away[inside].min(axis=1).max()) if inside.any() else 0.0, gap


def _winding(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """How often a surface goes round points (N,3): its solid angles (van Oosterom and Strackee, 1983)."""
    a, b, c = (triangles[:, k] - points[:, None] for k in range(3))
    x, y, z = (np.linalg.norm(side, axis=2) for side in (a, b, c))
    volume = (a * np.cross(b, c)).sum(axis=2)
    rest = x * y * z + (a * b).sum(axis=2) * z + (b * c).sum(axis=2) * x + (c * a).sum(axis=2) * y
    return np.arctan2(volume, rest).sum(axis=1) / (2.0 * np.pi)


def test_clapping_hands_touch(body):
    motion = clap(body)
    before, after = (depth_and_gap(body, m, CLAP) for m in (motion, parted(motion, body)))
    assert before[0] > 0.006
    assert after[0] < 0.004
    assert after[1] < 0.006  # and do not float


def test_hands_that_do_not_meet_stay_as_they_are_to_the_bit(body):
    motion = clap(body, deepest=34.0)
    assert 0.0 < depth_and_gap(body, motion, CLAP)[1] < 0.06
    np.testing.assert_array_equal(parted(motion, body).poses, motion.poses)


def test_only_arms_move_and_only_about_the_clap_and_hands_stay_turned_as_they_are(body):
    motion = clap(body)
    done = parted(motion, body)
    others = [j for j, name in enumerate(body.joint_names) if name not in ARMS]
    np.testing.assert_array_equal(done.poses[:, others], motion.poses[:, others])
    np.testing.assert_array_equal(done.trans, motion.trans)
    apart = np.abs(np.arange(FRAMES) - CLAP) > 25
    np.testing.assert_array_equal(done.poses[apart], motion.poses[apart])
    wrists = list(WRISTS)
    np.testing.assert_allclose(body.world(done)[0][:, wrists], body.world(motion)[0][:, wrists], atol=1e-9)


def test_hands_come_and_go_without_a_jerk(body):
    def acceleration(motion):
        return np.linalg.norm(np.diff(body.joints(motion)[:, list(WRISTS)], 2, axis=0), axis=-1).max()

    motion = clap(body)
    assert acceleration(parted(motion, body)) < 1.5 * acceleration(motion)


def test_hands_come_out_at_the_side_at_which_they_came_in(body):
    motion = clap(body, deepest=60.0)
    at = [body.joints(m)[:, list(HAND_JOINTS), 0] for m in (motion, parted(motion, body))]
    assert at[0][CLAP, 0] < at[0][CLAP, 1]  # the left hand is right of the right one
    assert (at[1][:, 0] > at[1][:, 1] + 0.02).all()


def test_hands_move_no_farther_than_their_thickness_may_be_off(body):
    motion = meeting(body, np.full(FRAMES, 66.0))
    moved = np.linalg.norm(body.joints(parted(motion, body)) - body.joints(motion), axis=-1)[:, list(WRISTS)]
    assert moved.max() < 1.1 * FARTHEST


def test_relaxed_fingers_are_kept_apart_where_nobody_knows_them(body):
    motion = replace(clap(body), fingers=None)
    assert np.abs(parted(motion, body).poses - motion.poses).max() > 0.01


def test_a_body_without_fingers_stays_as_it_is(body):
    motion = clap(body)
    assert parted(motion, replace(body, fingers=None)) is motion


@pytest.mark.parametrize("part_hands", [True, False])
def test_clean_up_parts_hands_if_asked_to_and_says_in_how_many_frames(body, part_hands):
    motion = clap(body)
    done, report = lsmpl.clean_up_with_report(
        motion, body, limits=False, smooth=0.0, lock_feet=False, part_hands=part_hands
    )
    assert (report.parted > 0) == part_hands
    assert report.as_dict()["parted_frames"] == (done.poses != motion.poses).any(axis=(1, 2)).sum()

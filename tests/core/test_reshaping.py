"""A motion on another shape of its body: the feet go where they went."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.cleaning.contacts import contact_mask, find_contacts, sliding
from lsmpl_core.cleaning.floor import estimate_floor, foot_points
from lsmpl_core.retargeting.reshaping import keep_feet
from lsmpl_core.rotation import angle_between, exp_map

LONG, SHORT = np.eye(10)[0] * 2.0, np.array([-2.0, 1.0, 0.5, *np.zeros(7)])


@pytest.fixture(scope="module")
def walked(body, stroll):
    """The stroll, after which somebody crouches and sways with feet that are locked."""
    t = np.linspace(0.0, 3.0 * np.pi, 60)
    bend = 0.35 * (1.0 - np.cos(t))
    poses = np.zeros((60, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    for side in ("left", "right"):
        for part, by in (("hip", -1.0), ("knee", 2.0), ("ankle", -1.0)):
            poses[:, body.joint_names.index(f"{side}_{part}"), 0] = by * bend
    leg = np.linalg.norm(np.diff(body.rest_joints()[[1, 4, 7]], axis=0), axis=1).sum()
    trans = np.stack([0.04 * np.sin(t), 0 * t, 1.1 - leg * (1.0 - np.cos(bend))], axis=1)
    crouched = lsmpl.clean_up(lsmpl.Motion(poses, trans, fps=30.0, body=body.key), body, smooth=0.0, floor="zero")
    return replace(
        crouched,
        poses=np.concatenate([stroll.poses, crouched.poses]),
        trans=np.concatenate([stroll.trans, crouched.trans]),
    )


@pytest.fixture(scope="module")
def clips(body, mocap):
    """Recorded clips, cleaned."""
    motions = [replace(lsmpl.Motion.load(mocap / f"{name}.npz"), body=body.key) for name in ("07_01", "16_01", "35_01")]
    return [lsmpl.clean_up(motion, body, floor="zero") for motion in motions]


def middles(motion, body):
    return foot_points(motion, body).positions.reshape(-1, 2, 2, 3).mean(axis=2)


@pytest.mark.parametrize("betas", [LONG, SHORT], ids=["long", "short"])
def test_feet_go_where_they_went(body, walked, betas):
    made = keep_feet(walked, body, betas)
    points = foot_points(walked, body)
    standing = contact_mask(find_contacts(points, estimate_floor(points), walked.fps), len(walked))
    assert standing.any()
    off = np.linalg.norm((middles(made, body) - middles(walked, body))[..., :2], axis=-1)
    own = foot_points(made, body)
    now, before = own.positions[..., 2] - own.clearance, points.positions[..., 2] - points.clearance
    heights = now.reshape(-1, 2, 2).min(axis=2) - before.reshape(-1, 2, 2).min(axis=2)
    slid, slides = (sliding(m.positions, standing, walked.fps) for m in (points, own))
    print(f"{1000 * off.mean():.2f} mm off, at most {1000 * off.max():.2f}; sliding {slid:.4f}, {slides:.4f} m/s")
    assert off.max() < 0.003
    assert np.abs(heights).max() < 0.003
    assert slides < slid + 0.005


@pytest.mark.parametrize("betas", [LONG, SHORT], ids=["long", "short"])
def test_standing_feet_of_recorded_motion_stay(body, clips, betas):
    for clip in clips:
        points, own = foot_points(clip, body), foot_points(keep_feet(clip, body, betas), body)
        standing = contact_mask(find_contacts(points, estimate_floor(points), clip.fps), len(clip))
        off = np.linalg.norm((own.positions - points.positions), axis=-1)[standing]
        slid, slides = (sliding(m.positions, standing, clip.fps) for m in (points, own))
        print(f"{1000 * off.mean():.1f} mm, at most {1000 * off.max():.1f}; sliding {slid:.4f}, {slides:.4f} m/s")
        assert off.max() < 0.025  # feet are longer or shorter, too
        assert slides < slid + 0.01


@pytest.mark.parametrize("betas", [LONG, SHORT], ids=["long", "short"])
def test_only_legs_turn_and_feet_stay_as_turned(body, walked, betas):
    made = keep_feet(walked, body, betas)
    np.testing.assert_array_equal(made.betas, betas)
    legs = [j for j, name in enumerate(body.joint_names) if name.split("_")[-1] in ("hip", "knee", "ankle")]
    others = np.setdiff1d(np.arange(24), legs)
    np.testing.assert_array_equal(made.poses[:, others], walked.poses[:, others])
    feet = [body.joint_names.index(f"{side}_foot") for side in ("left", "right")]
    turned = angle_between(body.world(made)[0][:, feet], body.world(walked)[0][:, feet])
    assert np.degrees(turned.max()) < 0.01
    bent = angle_between(exp_map(made.poses[:, legs]), exp_map(walked.poses[:, legs]))
    assert np.degrees(bent.max()) < 45.0


def test_the_same_shape_is_the_same_motion(body, walked):
    assert keep_feet(walked, body, walked.betas) is walked


def test_and_back_again_the_feet_are_still_there(body, walked):
    back = keep_feet(keep_feet(walked, body, LONG), body, walked.betas)
    assert np.abs(middles(back, body) - middles(walked, body)).max() < 0.003


@pytest.mark.parametrize("betas", [LONG, SHORT], ids=["long", "short"])
def test_nothing_jumps(body, walked, betas):
    """The joints of the legs accelerate hardly more than they did."""
    made = keep_feet(walked, body, betas)

    def worst(motion):
        parts = np.split(body.joints(motion)[:, 1:9], [60])  # there one motion ends and another begins
        return max(np.linalg.norm(np.diff(p, 2, axis=0), axis=-1).max() for p in parts) * motion.fps**2

    print(f"{worst(walked):.1f} -> {worst(made):.1f} m/s2")
    assert worst(made) < 1.5 * worst(walked) + 5.0


def test_a_single_frame_is_placed_as_well(body, walked):
    one = walked.frames(slice(20, 21))
    made = keep_feet(one, body, LONG)
    assert np.abs(middles(made, body) - middles(one, body))[..., :2].max() < 0.003

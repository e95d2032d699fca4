"""Keypoints dragged by hand: they are met, locked ones stay, the rest comes along as a body would."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.sites import site_parts
from lsmpl_core.by_hand.dragging import Drag
from lsmpl_core.rotation import angle_between

FRAME = np.array([12])
FEET = ("ankle", "heel", "toe")


def poser_of(body, motion, device="numpy", layout="body_25", noise=0.005, without=()):
    layout = lsmpl.get_layout(layout)
    parts = site_parts(body, layout.sites)
    calibration = lsmpl.Calibration.of_layout(body, layout, motion.betas, parts, noise=noise)
    for name in without:
        del calibration.keypoints[name]
    return lsmpl.Poser(layout, body, calibration, device)


@pytest.fixture(params=["numpy", "cpu"])
def drag(request, body, stroll):
    if request.param == "cpu":
        pytest.importorskip("torch")
    return Drag(poser_of(body, stroll, request.param), lsmpl.poses_of(stroll, FRAME))


def moved(drag, by, lock=()):
    """With keypoints moved by metres and others locked: sites (K,3) before, the pose, sites after, names."""
    names = drag.poser.layout.keypoints
    positions, dragged = drag.sites.copy(), np.zeros(len(names), dtype=bool)
    for name, offset in by.items():
        positions[names.index(name)] += offset
        dragged[names.index(name)] = True
    locked = np.array([any(part in name for part in lock) for name in names])
    return drag.sites, *drag.pose(positions, dragged, locked), names


def test_nothing_moved_is_nothing_changed(drag):
    _, posed, sites, _ = moved(drag, {"right_wrist": (0, 0, 0)})
    assert np.degrees(angle_between(posed.rotations, drag.base.rotations)).max() < 0.2
    np.testing.assert_allclose(sites, drag.sites, atol=5e-4)


@pytest.mark.parametrize("name", ["right_wrist", "left_elbow", "nose", "left_knee", "right_ankle", "mid_hip"])
def test_what_is_dragged_gets_there(drag, name):
    by = np.array([0.05, -0.1, 0.08])
    before, _, after, names = moved(drag, {name: by})
    k = names.index(name)
    np.testing.assert_allclose(after[k], before[k] + by, atol=0.002)


def test_several_are_dragged_at_once(drag):
    by = {"right_wrist": (0, -0.1, 0.2), "left_wrist": (0, -0.1, 0.2), "nose": (0, -0.05, -0.05)}
    before, _, after, names = moved(drag, by)
    for name, offset in by.items():
        np.testing.assert_allclose(after[names.index(name)], before[names.index(name)] + offset, atol=0.003)


def test_an_arm_moves_before_the_body_does(drag):
    before, _, after, names = moved(drag, {"right_wrist": (0, -0.05, 0.15)})
    went = np.linalg.norm(after - before, axis=1)
    assert went[names.index("right_elbow")] > 0.01
    others = [k for k, name in enumerate(names) if name not in ("right_wrist", "right_elbow", "right_shoulder")]
    assert went[others].max() < 0.02


@pytest.mark.parametrize("layout", ["human36m_17", "body_25"])
def test_a_hand_that_is_raised_does_not_lift_the_feet(body, stroll, layout):
    drag = Drag(poser_of(body, stroll, layout=layout), lsmpl.poses_of(stroll, FRAME))
    before, _, after, names = moved(drag, {"left_wrist": (0, -0.3, 0.6)})
    for name in ("left_ankle", "right_ankle"):
        k = names.index(name)
        assert np.linalg.norm(after[k] - before[k]) < 0.01


def test_the_foot_goes_with_its_ankle(drag):
    by = np.array([0.0, -0.1, 0.15])
    before, _, after, names = moved(drag, {"left_ankle": by})
    for name in ("left_heel", "left_big_toe"):
        k = names.index(name)
        np.testing.assert_allclose(after[k], before[k] + by, atol=0.03)


def test_the_middle_of_the_hips_carries_the_whole_body(drag):
    by = np.array([0.2, -0.3, 0.1])
    before, posed, after, _ = moved(drag, {"mid_hip": by})
    np.testing.assert_allclose(after, before + by, atol=0.003)
    assert np.degrees(angle_between(posed.rotations, drag.base.rotations)).max() < 2.0


def test_locked_feet_stay_while_the_hips_go_down(drag):
    before, _, after, names = moved(drag, {"mid_hip": (0, 0, -0.15)}, lock=FEET)
    feet = [k for k, name in enumerate(names) if any(part in name for part in FEET)]
    np.testing.assert_allclose(after[feet], before[feet], atol=0.002)
    assert after[names.index("mid_hip"), 2] == pytest.approx(before[names.index("mid_hip"), 2] - 0.15, abs=0.003)
    assert after[names.index("nose"), 2] < before[names.index("nose"), 2] - 0.1


def test_the_body_follows_a_hand_out_of_reach_and_locked_feet_stay(drag):
    before, _, after, names = moved(drag, {"right_wrist": (0.3, -2.5, 0.3)}, lock=FEET)
    feet = [k for k, name in enumerate(names) if any(part in name for part in FEET)]
    assert np.linalg.norm(after[feet] - before[feet], axis=1).max() < 0.02
    assert after[names.index("neck"), 1] < before[names.index("neck"), 1] - 0.1


def test_the_way_that_a_drag_took_does_not_matter(drag):
    _, direct, _, _ = moved(drag, {"right_wrist": (0.1, -0.2, 0.2)})
    moved(drag, {"right_wrist": (-0.5, 0.4, 0.6)})
    _, again, _, _ = moved(drag, {"right_wrist": (0.1, -0.2, 0.2)})
    np.testing.assert_array_equal(direct.rotations, again.rotations)


def test_a_drag_goes_without_jumps(drag):
    last = None
    for share in np.linspace(0.0, 1.0, 41):
        _, _, sites, _ = moved(drag, {"right_wrist": share * np.array([0.1, -0.3, 0.5])})
        if last is not None:
            assert np.linalg.norm(sites - last, axis=1).max() < 0.06
        last = sites


def test_pinned_joints_keep_their_rotations(body, stroll):
    base = lsmpl.poses_of(stroll, FRAME)
    elbow = body.joint_names.index("right_elbow")
    pins = lsmpl.PinnedJoints([0], [elbow], base.rotations[:, elbow])
    drag = Drag(poser_of(body, stroll), base, pins)
    _, posed, _, _ = moved(drag, {"right_wrist": (0.0, -0.1, 0.15)})
    np.testing.assert_allclose(posed.rotations[0, elbow], base.rotations[0, elbow], atol=1e-9)


def test_keypoints_of_unknown_place_neither_pull_nor_follow(body, stroll):
    base = lsmpl.poses_of(stroll, FRAME)
    drag = Drag(poser_of(body, stroll, without=["nose"]), base)
    names = drag.poser.layout.keypoints
    positions, dragged = drag.sites.copy(), np.zeros(len(names), dtype=bool)
    positions[names.index("nose")], dragged[names.index("nose")] = (5.0, 5.0, 5.0), True
    posed, sites = drag.pose(positions, dragged, np.zeros(len(names), dtype=bool))
    assert np.isnan(sites[names.index("nose")]).all()
    assert np.degrees(angle_between(posed.rotations, base.rotations)).max() < 0.2
    assert np.isfinite(posed.rotations).all()


@pytest.mark.parametrize("layout", ["human36m_17", "coco_17", "mediapipe_33", "smpl_24"])
def test_every_layout_can_be_dragged(body, stroll, layout):
    drag = Drag(poser_of(body, stroll, layout=layout), lsmpl.poses_of(stroll, FRAME))
    by = np.array([0.0, -0.1, 0.15])
    before, _, after, names = moved(drag, {"right_wrist": by})
    k = names.index("right_wrist")
    np.testing.assert_allclose(after[k], before[k] + by, atol=0.003)


def test_both_libraries_give_the_same_pose(body, stroll):
    pytest.importorskip("torch")
    base = lsmpl.poses_of(stroll, FRAME)
    both = [
        moved(Drag(poser_of(body, stroll, device), base), {"right_wrist": (0, -0.1, 0.15)})[2]
        for device in ("numpy", "cpu")
    ]
    np.testing.assert_allclose(*both, atol=1e-4)

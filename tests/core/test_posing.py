"""Single frames posed by hand-moved keypoints: met where they weigh, close to where the body was elsewhere."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.errors import SolveError
from lsmpl_core.rotation import angle_between, exp_map

FRAMES = np.array([3, 20, 41])


@pytest.fixture(params=["numpy", "cpu"])
def poser(request, body, stroll):
    if request.param == "cpu":
        pytest.importorskip("torch")
    return poser_of(body, stroll, request.param)


def poser_of(body, motion, device="numpy", layout="body_25", noise=0.005):
    track = body.keypoints(motion.frames(slice(0, 1)), layout)
    from lsmpl_core.body.sites import site_parts

    parts = site_parts(body, track.layout.sites)
    calibration = lsmpl.Calibration.of_layout(body, track.layout, motion.betas, parts, noise=noise)
    return lsmpl.Poser(track.layout, body, calibration, device)


def seen(body, motion, layout="body_25"):
    track = body.keypoints(motion, layout).frames(FRAMES)
    return track.positions.copy(), track.confidence.copy()


def test_frames_that_meet_their_keypoints_stay(poser, body, stroll):
    positions, weights = seen(body, stroll)
    start = lsmpl.poses_of(stroll, FRAMES)
    posed = poser.pose(positions, weights, start)
    assert np.nanmax(poser.residual(posed, positions)) < 0.006
    kept = poser.pose(positions, weights, start, predict=False)
    assert np.degrees(angle_between(kept.rotations, start.rotations)).max() < 0.01


def test_nothing_dragged_is_nothing_changed(poser, body, stroll):
    start = lsmpl.poses_of(stroll, FRAMES)
    posed = poser.drag(np.full((3, len(poser.layout), 3), np.nan), start)
    assert np.degrees(angle_between(posed.rotations, start.rotations)).max() < 0.01
    np.testing.assert_allclose(posed.trans, start.trans, atol=1e-5)


def test_a_dragged_keypoint_is_met_and_only_what_has_to_follows(poser, body, stroll):
    start = lsmpl.poses_of(stroll, FRAMES)
    k, own = poser.layout.index("left_wrist"), poser.sites(start)
    moved = np.full_like(own, np.nan)
    moved[:, k] = own[:, k] + (0.05, -0.05, 0.12)
    posed = poser.drag(moved, start)
    residual = poser.residual(posed, np.where(np.isfinite(moved), moved, own))
    assert residual[:, k].max() < 0.01
    assert residual.mean() < 0.01
    turned = np.degrees(angle_between(posed.rotations, start.rotations))
    legs = [JOINT_NAMES.index(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "knee")]
    assert turned[:, legs].max() < 2.5
    assert turned[:, JOINT_NAMES.index("left_shoulder")].min() > 3.0


def test_locked_keypoints_stay_while_another_is_dragged(poser, body, stroll):
    start = lsmpl.poses_of(stroll, FRAMES)
    own, layout = poser.sites(start), poser.layout
    moved = np.full_like(own, np.nan)
    moved[:, layout.index("mid_hip")] = own[:, layout.index("mid_hip")] + (0.0, 0.0, -0.08)
    feet = [layout.index(f"{side}_ankle") for side in ("left", "right")]
    free = poser.drag(moved, start)
    moved[:, feet] = own[:, feet]
    locked = poser.drag(moved, start)
    slid = [np.linalg.norm(poser.sites(p)[:, feet] - own[:, feet], axis=-1).max() for p in (free, locked)]
    assert slid[1] < min(0.01, 0.3 * slid[0])


@pytest.mark.parametrize("weight", [1.0, 1e3, 1e6])
def test_no_weight_and_no_distance_is_too_much(poser, body, stroll, weight):
    positions, weights = seen(body, stroll)
    k = poser.layout.index("right_wrist")
    positions[:, k] += (0.0, 0.0, 3.0)
    weights[:, k] = weight
    posed = poser.pose(positions, weights, lsmpl.poses_of(stroll, FRAMES))
    assert np.isfinite(posed.trans).all()
    np.testing.assert_allclose(
        posed.rotations @ np.swapaxes(posed.rotations, -1, -2), np.eye(3) + 0 * posed.rotations, atol=1e-6
    )


def test_pinned_joints_stay_in_their_frames(poser, body, stroll):
    positions, weights = seen(body, stroll)
    k, elbow = poser.layout.index("left_wrist"), JOINT_NAMES.index("left_elbow")
    positions[:, k] += (0.0, 0.0, 0.1)
    weights[:, k] = 50.0
    start = lsmpl.poses_of(stroll, FRAMES)
    free = poser.pose(positions, weights, start)
    pinned = poser.pose(positions, weights, start, lsmpl.PinnedJoints([1], [elbow], start.rotations[[1], elbow]))
    assert angle_between(pinned.rotations[1, elbow], start.rotations[1, elbow]) < 1e-3
    assert np.degrees(angle_between(free.rotations[1, elbow], start.rotations[1, elbow])) > 2.0
    np.testing.assert_allclose(pinned.rotations[0, elbow], free.rotations[0, elbow], atol=0.05)


def test_ignored_and_missing_keypoints_say_nothing(poser, body, stroll):
    positions, weights = seen(body, stroll)
    k = poser.layout.index("nose")
    start = lsmpl.poses_of(stroll, FRAMES)
    away, none = positions.copy(), weights.copy()
    away[:, k] += 5.0
    none[:, k] = 0.0
    missing = positions.copy()
    missing[:, k] = np.nan
    ignored = poser.pose(away, none, start)
    np.testing.assert_array_equal(ignored.rotations, poser.pose(missing, weights, start).rotations)
    np.testing.assert_allclose(poser.sites(ignored)[:, k], positions[:, k], atol=0.02)


def test_a_frame_without_keypoints_keeps_its_pose(poser, body, stroll):
    positions, weights = seen(body, stroll)
    weights[1] = 0.0
    start = lsmpl.poses_of(stroll, FRAMES)
    posed = poser.pose(positions, weights, start)
    np.testing.assert_array_equal(posed.rotations[1], start.rotations[1])
    np.testing.assert_array_equal(posed.trans[1], start.trans[1])


@pytest.mark.parametrize("predict", [True, False])
def test_a_pose_that_is_off_finds_its_keypoints(poser, body, stroll, rng, predict):
    positions, weights = seen(body, stroll)
    start = lsmpl.poses_of(stroll, FRAMES)
    shaken = type(start)(start.rotations @ exp_map(rng.normal(scale=0.15, size=(3, 24, 3))), start.trans + 0.1)
    before = np.nanmean(poser.residual(shaken, positions))
    after = np.nanmean(poser.residual(poser.pose(positions, weights, shaken, predict=predict), positions))
    assert after < 0.1 * before


def test_without_a_prediction_what_no_keypoint_shows_stays_as_posed(poser, body, stroll):
    """An animator's wrists, which BODY_25 does not see."""
    positions, weights = seen(body, stroll)
    start = lsmpl.poses_of(stroll, FRAMES)
    wrist = JOINT_NAMES.index("left_wrist")
    start.rotations[:, wrist] = exp_map(np.array([0.5, 0.0, 0.0]))
    kept = poser.pose(positions, weights, start, predict=False)
    assert np.degrees(angle_between(kept.rotations[:, wrist], start.rotations[:, wrist])).max() < 0.5


def test_numpy_and_torch_pose_alike(body, stroll):
    pytest.importorskip("torch")
    positions, weights = seen(body, stroll)
    positions[:, 4] += 0.1
    weights[:, 4] = 30.0
    pins = lsmpl.PinnedJoints([0], [18], [np.eye(3)])
    start = lsmpl.poses_of(stroll, FRAMES)
    sites = [
        poser_of(body, stroll, device).sites(poser_of(body, stroll, device).pose(positions, weights, start, pins))
        for device in ("numpy", "cpu")
    ]
    assert np.abs(sites[0] - sites[1]).max() < 1e-4


def test_marker_sets_are_posed_without_the_network(body, stroll):
    calibration = poser_of(body, stroll).calibration
    names = ("LWRA", "nose", "left_hip", "right_hip", "left_knee")
    layout = lsmpl.Layout("mine", names, sites=("left_wrist left", *names[1:]))
    poser = lsmpl.Poser(layout, body, calibration)
    track = body.keypoints(stroll, layout).frames(FRAMES)
    sites = poser.sites(poser.pose(track.positions, track.confidence, lsmpl.poses_of(stroll, FRAMES)))
    assert np.isnan(sites[:, 0]).all(), "LWRA is not calibrated"
    assert np.abs(sites[:, 1:] - track.positions[:, 1:]).max() < 0.005


def test_arrays_that_do_not_fit_are_refused(body, stroll):
    poser, start = poser_of(body, stroll), lsmpl.poses_of(stroll, FRAMES)
    positions, weights = seen(body, stroll)
    with pytest.raises(SolveError, match="expected"):
        poser.pose(positions[:2], weights[:2], start)
    with pytest.raises(SolveError, match="weights"):
        poser.pose(positions, weights - 2.0, start)
    with pytest.raises(SolveError, match="frames 3"):
        poser.pose(positions, weights, start, lsmpl.PinnedJoints([3], [0], [np.eye(3)]))


def test_many_frames_are_posed_as_one(body, stroll, count_calls):
    """As one batch, in a fixed number of steps: a drag must not wait for as many calls as it has frames."""
    poser = poser_of(body, stroll)
    track = body.keypoints(stroll)
    track.positions[:, 4] += 0.1
    weights = track.confidence.copy()
    weights[:, 4] = 30.0

    def calls(count: int) -> int:
        start = lsmpl.poses_of(stroll, np.arange(count))
        return count_calls(lambda: poser.pose(track.positions[:count], weights[:count], start))

    calls(1)  # what is imported and cached by the first
    # Some of fifty frames need more steps of the polish than the one.
    assert calls(50) < 1.5 * calls(1) < 11_000

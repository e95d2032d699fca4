"""Joints that an animator pinned stay as they are, and keypoints that one placed are met; all around follows."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.errors import KeypointFileError, SolveError
from lsmpl_core.rotation import angle_between, exp_map, log_map

ELBOW, SHOULDER = JOINT_NAMES.index("left_elbow"), JOINT_NAMES.index("left_shoulder")


def bent(motion, frame, joint, by=(0.0, -0.6, 0.0)):
    """A joint of one frame turned by about 35 degrees."""
    return exp_map(motion.poses[frame, joint]) @ exp_map(np.array(by))


def noisy(body, motion, noise):
    track = body.keypoints(motion)
    shake = noise * np.random.default_rng(0).normal(size=track.positions.shape)
    return replace(track, positions=track.positions + shake)


@pytest.mark.parametrize("solver", ["network", "polish"])
@pytest.mark.parametrize("frame", [0, 30, 59])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_pinned_joint_keeps_its_rotation_in_its_frame(body, stroll, solver, frame, noise):
    track, wanted = noisy(body, stroll, noise), bent(stroll, frame, ELBOW)
    options = lsmpl.SolveOptions(solver=solver)
    solved = lsmpl.solve(
        track, body, betas=stroll.betas, options=options, pins=lsmpl.PinnedJoints([frame], [ELBOW], [wanted])
    )
    assert np.degrees(angle_between(exp_map(solved.poses[frame, ELBOW]), wanted)) < 0.01
    free = lsmpl.solve(track, body, betas=stroll.betas, options=options)
    away = np.linalg.norm(body.joints(solved) - body.joints(free), axis=-1)
    far = np.abs(np.arange(60) - frame) > 12
    assert away[far, :22].max() < 0.01, "frames well away from the pin hardly change"


@pytest.mark.parametrize("how", ["solved", "refined", "frames refined", "posed"])
def test_a_limb_goes_where_its_pin_says_and_the_trunk_stays(body, stroll, how):
    """The keypoints of the arm say that it hangs; it was lifted by 40 degrees."""
    track, frame = noisy(body, stroll, 0.005), 30
    wanted = bent(stroll, frame, SHOULDER, (0.0, 0.0, 0.7))
    pins = lsmpl.PinnedJoints([frame], [SHOULDER], [wanted])
    if how == "refined":
        found = lsmpl.refine_motion(track, body, stroll, pins=pins)
    else:
        found = lsmpl.solve(track, body, betas=stroll.betas, pins=pins if how == "solved" else None)
    if how in ("frames refined", "posed"):
        begin = lsmpl.Init.CURRENT
        if how == "posed":
            begin = lsmpl.poses_of(found, slice(frame - 2, frame + 3))
            begin.rotations[2, SHOULDER] = wanted
        options = {"init": begin, "part_weights": {"left_arm": 5.0}, "pins": pins}
        touched = lsmpl.refine_frames(track, body, found, frame - 2, frame + 2, **options)
        found.poses[frame], found.trans[frame] = log_map(touched.rotations[2]), touched.trans[2]
    turned = stroll.poses.copy()
    turned[frame, SHOULDER] = found.poses[frame, SHOULDER]
    as_posed = body.joints(replace(stroll, poses=turned))[frame]
    off = np.linalg.norm(body.joints(found)[frame] - as_posed, axis=-1)
    trunk = [JOINT_NAMES.index(name) for name in ("spine3", "neck", "head", "right_elbow", "left_knee")]
    assert off[trunk].max() < 0.03
    elbow = JOINT_NAMES.index("left_elbow")
    assert np.linalg.norm(as_posed[elbow] - body.joints(stroll)[frame, elbow]) > 0.15
    assert off[elbow] < 0.03


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_all_but_a_pinned_limb_and_its_neighbours_is_as_it_was_solved(body, stroll, noise):
    track, frame = noisy(body, stroll, noise), 30
    free = lsmpl.solve(track, body, betas=stroll.betas)
    wanted = bent(free, frame, SHOULDER, (0.0, 0.0, 0.7))
    solved = lsmpl.solve(track, body, betas=stroll.betas, pins=lsmpl.PinnedJoints([frame], [SHOULDER], [wanted]))
    others = np.delete(np.arange(24), SHOULDER)
    np.testing.assert_allclose(solved.poses[:, others], free.poses[:, others], atol=2.5e-3)
    np.testing.assert_allclose(solved.trans, free.trans, atol=1e-4)
    away = np.degrees(angle_between(exp_map(solved.poses[:, SHOULDER]), exp_map(free.poses[:, SHOULDER])))
    fade = 5
    assert np.flatnonzero(away > 0.1).tolist() == list(range(frame - fade, frame + fade + 1))
    assert (np.diff(away[frame - fade - 1 : frame + 1]) > 0).all() and np.diff(away).max() < 0.3 * away[frame]


def test_limbs_make_up_for_a_pinned_trunk(body, stroll):
    track, frame, spine = body.keypoints(stroll), 30, JOINT_NAMES.index("spine2")
    wanted = bent(stroll, frame, spine, (0.25, 0.0, 0.0))
    solved = lsmpl.solve(track, body, betas=stroll.betas, pins=lsmpl.PinnedJoints([frame], [spine], [wanted]))
    turned = replace(stroll, poses=stroll.poses.copy())
    turned.poses[frame, spine] = solved.poses[frame, spine]
    k = [track.layout.index(name) for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle")]
    off = [np.linalg.norm(body.keypoints(m).positions - track.positions, axis=-1)[frame, k] for m in (solved, turned)]
    assert off[1].max() > 0.04
    assert off[0].max() < 0.01


def test_frames_between_two_pins_keep_the_turn(body, stroll):
    track, pinned = body.keypoints(stroll), [28, 32]
    free = lsmpl.solve(track, body, betas=stroll.betas)
    wanted = [bent(free, frame, SHOULDER, (0.0, 0.0, 0.5)) for frame in pinned]
    solved = lsmpl.solve(track, body, betas=stroll.betas, pins=lsmpl.PinnedJoints(pinned, [SHOULDER] * 2, wanted))
    away = angle_between(exp_map(solved.poses[:, SHOULDER]), exp_map(free.poses[:, SHOULDER]))
    np.testing.assert_allclose(away[28:33], 0.5, atol=0.01)


def test_where_no_keypoint_shows_a_limb_a_pin_reaches_further(body, stroll):
    track = body.keypoints(stroll)
    confidence = track.confidence.copy()
    hidden = [track.layout.index(f"left_{name}") for name in ("elbow", "wrist")]
    confidence[20:45, hidden] = 0.0
    track = replace(track, confidence=confidence)
    free = lsmpl.solve(track, body, betas=stroll.betas)
    wanted = bent(free, 30, SHOULDER, (0.0, 0.0, 0.7))
    solved = lsmpl.solve(track, body, betas=stroll.betas, pins=lsmpl.PinnedJoints([30], [SHOULDER], [wanted]))
    away = np.degrees(angle_between(exp_map(solved.poses[:, SHOULDER]), exp_map(free.poses[:, SHOULDER])))
    assert away[30] == pytest.approx(np.degrees(0.7), abs=0.1)
    assert np.flatnonzero(away > 0.01).tolist() == list(range(20, 45))


def test_a_keypoint_that_was_placed_counts_beyond_a_pin(body, stroll):
    track = body.keypoints(stroll)
    parent_joints = lsmpl.Poser("body_25", body, lsmpl.solve(track, body, betas=stroll.betas).calibration).parent_joints
    weights = np.ones((60, 25))
    elbow, wrist, knee = (track.layout.index(f"left_{name}") for name in ("elbow", "wrist", "knee"))
    weights[30, wrist] = 25.0
    heeded = lsmpl.PinnedJoints([30], [SHOULDER], [np.eye(3)]).heeded(weights, parent_joints)
    assert heeded[30, [elbow, wrist, knee]].tolist() == [0.0, 25.0, 1.0]
    assert (np.delete(heeded, 30, axis=0) == 1.0).all() and (heeded[30] == 0.0).sum() == 1
    spine = lsmpl.PinnedJoints([30], [JOINT_NAMES.index("spine2")], [np.eye(3)])
    np.testing.assert_array_equal(spine.heeded(weights, parent_joints), weights)


def test_another_estimators_motion_is_refined_around_pins(body, stroll):
    track, wanted = noisy(body, stroll, 0.01), bent(stroll, 30, ELBOW)
    refined = lsmpl.refine_motion(track, body, stroll, pins=lsmpl.PinnedJoints([30], [ELBOW], [wanted]))
    assert np.degrees(angle_between(exp_map(refined.poses[30, ELBOW]), wanted)) < 0.01
    assert np.degrees(angle_between(exp_map(refined.poses[20, ELBOW]), exp_map(stroll.poses[20, ELBOW]))) < 12.0


def test_pins_hold_in_lanes_and_where_nobody_is_seen(body, stroll):
    many = np.concatenate([np.arange(60)] * 6)
    track = body.keypoints(stroll).frames(many)
    confidence = track.confidence.copy()
    confidence[350:] = 0.0
    track = replace(track, confidence=confidence)
    frames, joints = np.array([5, 100, 355]), np.array([ELBOW, SHOULDER, ELBOW])
    wanted = np.stack([bent(stroll, 5, ELBOW), bent(stroll, 40, SHOULDER), bent(stroll, 55, ELBOW)])
    solved = lsmpl.solve(track, body, betas=stroll.betas, pins=lsmpl.PinnedJoints(frames, joints, wanted))
    assert np.degrees(angle_between(exp_map(solved.poses[frames, joints]), wanted)).max() < 0.01


def test_neighbours_go_along_with_a_pin(body, stroll):
    """A pin of a few degrees in a noisy take is not a jump of as much in a single frame."""
    track, frame = noisy(body, stroll, 0.01), 30
    free = lsmpl.solve(track, body, betas=stroll.betas)
    wanted = exp_map(free.poses[frame, SHOULDER]) @ exp_map(np.array([0.0, 0.0, 0.2]))
    solved = lsmpl.solve(track, body, betas=stroll.betas, pins=lsmpl.PinnedJoints([frame], [SHOULDER], [wanted]))
    away = np.degrees(angle_between(exp_map(solved.poses[:, SHOULDER]), exp_map(free.poses[:, SHOULDER])))
    assert away[frame] == pytest.approx(np.degrees(0.2), abs=0.1)
    assert away[[frame - 1, frame + 1]].min() > 2.0


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        (([60], [0], [np.eye(3)]), "frames 60"),
        (([-1], [0], [np.eye(3)]), "frames -1"),
        (([0], [54], [np.eye(3)]), "joints 54"),
        (([0, 1], [1], [np.eye(3)]), "expected"),
        (([0], [1], [2 * np.eye(3)]), "no rotations"),
        (([0], [1], [-np.eye(3)]), "no rotations"),
        (([0], [1], [np.full((3, 3), np.nan)]), "no rotations"),
    ],
)
def test_pins_that_cannot_be_are_refused(body, stroll, pins, said):
    with pytest.raises(SolveError, match=said):
        lsmpl.solve(body.keypoints(stroll), body, betas=stroll.betas, pins=lsmpl.PinnedJoints(*pins))


def test_no_pins_change_nothing(body, stroll):
    track = body.keypoints(stroll.frames(slice(0, 10)))
    none = lsmpl.PinnedJoints(np.zeros(0), np.zeros(0), np.zeros((0, 3, 3)))
    with_none, without = (lsmpl.solve(track, body, betas=stroll.betas, pins=pins) for pins in (none, None))
    np.testing.assert_array_equal(with_none.poses, without.poses)


def test_a_keypoint_placed_by_hand_is_met_where_a_stray_one_is_not(body, stroll):
    track, frame = body.keypoints(stroll), 30
    k = track.layout.index("left_wrist")
    positions = track.positions.copy()
    positions[frame, k] += (0.0, 0.0, 0.15)
    trusted = np.zeros(track.visible.shape, dtype=bool)
    trusted[frame, k] = True
    stray = lsmpl.solve(replace(track, positions=positions), body, betas=stroll.betas)
    placed = lsmpl.solve(replace(track, positions=positions, trusted=trusted), body, betas=stroll.betas)
    off = [np.linalg.norm(_site(body, m, k)[frame] - positions[frame, k]) for m in (stray, placed)]
    assert off[0] > 0.08
    assert off[1] < 0.01
    assert placed.condition[frame, k] == lsmpl.Condition.SEEN
    assert placed.residual[frame, k] == pytest.approx(off[1], abs=0.002)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_keypoint_placed_by_hand_changes_nothing_far_away_and_its_neighbours_go_along(body, stroll, noise):
    track, frame = noisy(body, stroll, noise), 30
    free = lsmpl.solve(track, body, betas=stroll.betas)
    k, wrist = track.layout.index("left_wrist"), JOINT_NAMES.index("left_wrist")
    placed = track_with_placed(track, frame, k, (0.06, -0.05, 0.06))
    solved = lsmpl.solve(placed, body, betas=stroll.betas)
    again = lsmpl.refine_frames(placed, body, free, frame, frame)
    assert np.linalg.norm(_site(body, solved, k)[frame] - placed.positions[frame, k]) < 0.01
    touched = replace(solved, poses=solved.poses.copy())
    touched.poses[frame] = log_map(again.rotations[0])
    assert np.linalg.norm(body.joints(touched) - body.joints(solved), axis=-1)[frame, :22].max() < 0.02
    away = np.linalg.norm(body.joints(solved) - body.joints(free), axis=-1)
    assert away[np.abs(np.arange(60) - frame) > 5, :22].max() < 0.003
    path = body.joints(solved)[:, wrist] - body.joints(free)[:, wrist]
    assert np.linalg.norm(np.diff(path, n=2, axis=0), axis=-1).max() < 0.03


def track_with_placed(track, frames, k, by):
    """A keypoint moved by hand, in metres."""
    positions, trusted = track.positions.copy(), np.zeros(track.visible.shape, dtype=bool)
    positions[frames, k] += by
    trusted[frames, k] = True
    return replace(track, positions=positions, trusted=trusted)


def test_a_placed_keypoint_and_a_pin_hold_together(body, stroll):
    track, frame = noisy(body, stroll, 0.005), 30
    k, wanted = track.layout.index("right_ankle"), bent(stroll, 30, SHOULDER, (0.0, 0.0, 0.7))
    placed = track_with_placed(track, frame, k, (0.0, 0.06, 0.06))
    solved = lsmpl.solve(placed, body, betas=stroll.betas, pins=lsmpl.PinnedJoints([frame], [SHOULDER], [wanted]))
    assert np.linalg.norm(_site(body, solved, k)[frame] - placed.positions[frame, k]) < 0.01
    assert angle_between(exp_map(solved.poses[frame, SHOULDER]), wanted) < 1e-4


def test_keypoints_placed_in_all_frames_are_the_data(body, stroll):
    track = body.keypoints(stroll)
    everywhere = replace(track, trusted=np.ones(track.visible.shape, dtype=bool))
    solved = lsmpl.solve(everywhere, body, betas=stroll.betas)
    assert np.linalg.norm(body.joints(solved) - body.joints(stroll), axis=-1)[:, :22].max() < 0.01


def _site(body, motion, k):
    return body.keypoints(motion).positions[:, k]


def test_trust_has_the_tracks_shape_and_goes_with_its_frames(body, stroll):
    track = body.keypoints(stroll)
    trusted = np.zeros(track.visible.shape, dtype=bool)
    trusted[7] = True
    some = replace(track, trusted=trusted).frames(slice(5, 10))
    assert some.trusted[2].all() and some.trusted.sum() == len(track.layout)
    with pytest.raises(KeypointFileError, match="trusted has shape"):
        replace(track, trusted=trusted[:, :3])

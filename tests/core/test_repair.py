"""What captures get wrong is mended, and put down; what is right is left alone."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from benchmarks.faults import Faults, with_faults
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.sites import site_parts
from lsmpl_core.keypoints.condition import Condition
from lsmpl_core.metrics import MILLIMETRES, mpjpe
from lsmpl_core.readers.handedness import mirror_warning
from lsmpl_core.repair.cuts import find_cuts
from lsmpl_core.repair.gaps import bridge_errors
from lsmpl_core.repair.reach import find_out_of_reach, reaches
from lsmpl_core.repair.repair_track import repair
from lsmpl_core.rotation import exp_map, log_map
from lsmpl_core.solver.disbelief import disbelieve
from lsmpl_core.solver.options import SolveOptions
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.settling import settle


@pytest.fixture
def track(body, stroll) -> lsmpl.KeypointTrack:
    return body.keypoints(stroll)


def mended(track, body):
    return repair(track, body, site_parts(body, track.layout.sites))


def moved(track, frames, names, by):
    positions = track.positions.copy()
    positions[frames, [track.layout.index(name) for name in names]] += by
    return replace(track, positions=positions)


@pytest.mark.parametrize("layout", sorted(lsmpl.LAYOUTS))
def test_exact_keypoints_are_all_seen(body, stroll, layout):
    track = body.keypoints(stroll, layout)
    found = mended(track, body)
    assert (found.condition == Condition.SEEN).all()
    np.testing.assert_array_equal(found.track.positions, track.positions)


@pytest.mark.parametrize("name", ["02_08", "135_03", "10_02"])
@pytest.mark.parametrize("step", [1, 3])
def test_recorded_motion_is_all_seen_at_30_and_at_10_hz(mocap, body, name, step):
    motion = lsmpl.Motion.load(mocap / f"{name}.npz").frames(slice(2, None))
    motion = lsmpl.Motion(motion.poses[::step], motion.trans[::step], fps=motion.fps / step, body=body.key)
    assert (mended(body.keypoints(motion), body).condition == Condition.SEEN).all()


@pytest.mark.parametrize("limb", [("",), ("shoulder", "elbow", "wrist"), ("knee", "ankle", "toe", "heel")])
@pytest.mark.parametrize("frames", [slice(20, 21), slice(20, 32), slice(24, 52), slice(52, 60)])
def test_swapped_sides_are_exchanged_again(body, track, limb, frames):
    mirror = np.array(track.layout.mirror)
    paired = [k for k in np.flatnonzero(mirror != np.arange(25)) if any(p in track.layout.keypoints[k] for p in limb)]
    positions = track.positions.copy()
    positions[frames, paired] = track.positions[frames][:, mirror[paired]]
    found = mended(replace(track, positions=positions), body)
    np.testing.assert_array_equal(found.track.positions, track.positions)
    swapped = np.zeros((60, 25), dtype=bool)
    swapped[frames, paired] = True
    np.testing.assert_array_equal(found.condition == Condition.SWAPPED, swapped)


@pytest.mark.parametrize("parts", [("",), ("hip", "knee", "ankle", "toe", "heel")])
@pytest.mark.parametrize("frames", [slice(10, 46), slice(15, 60), np.flatnonzero(np.arange(60) // 4 % 3)])
def test_what_is_exchanged_in_most_frames_is_put_right_where_knees_feet_and_face_say_so(body, track, parts, frames):
    mirror = np.array(track.layout.mirror)
    names = track.layout.keypoints
    paired = [k for k in np.flatnonzero(mirror != np.arange(25)) if any(p in names[k] for p in parts)]
    positions = track.positions.copy()
    positions[frames] = positions[frames][:, [mirror[k] if k in paired else k for k in range(25)]]
    wrong = replace(track, positions=positions)
    np.testing.assert_array_equal(mended(wrong, body).track.positions, track.positions)
    assert mirror_warning(positions, track.layout) is None


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("parts", [("knee", "ankle", "toe", "heel"), ("elbow", "wrist")])
@pytest.mark.parametrize("frames", [slice(20, 34), slice(0, 12), slice(46, 60)])
def test_a_limb_that_is_seen_where_the_other_one_is_is_not_believed(body, track, side, parts, frames):
    rng, mirror = np.random.default_rng(0), np.array(track.layout.mirror)
    names = track.layout.keypoints
    limb = [k for k, name in enumerate(names) if name.startswith(side) and any(part in name for part in parts)]
    positions = track.positions + rng.normal(0.0, 0.002, track.positions.shape)
    positions[frames, limb] = positions[frames][:, mirror[limb]] + rng.normal(0.0, 0.005, (len(limb), 3))
    condition = mended(replace(track, positions=positions), body).condition
    expected = np.full(track.visible.shape, Condition.SEEN)
    expected[frames, limb] = Condition.REJECTED
    np.testing.assert_array_equal(condition, expected)


def test_hands_are_exchanged_with_their_arms(body, stroll):
    track = body.keypoints(stroll, "smpl_24")
    arms = [k for k, name in enumerate(track.layout.keypoints) if name.split("_")[-1] in ("elbow", "wrist", "hand")]
    positions = track.positions.copy()
    positions[20:40, arms] = track.positions[20:40][:, np.array(track.layout.mirror)[arms]]
    found = mended(replace(track, positions=positions), body)
    np.testing.assert_array_equal(found.track.positions, track.positions)


@pytest.mark.parametrize("away", [2.0, 4.0])
def test_one_hip_that_jumps_past_the_other_is_not_a_swap(body, track, away):
    """The vector between the hips is turned round by it, and then frozen so for a while."""
    left, right = (track.layout.index(f"{side}_hip") for side in ("left", "right"))
    positions = track.positions.copy()
    across = positions[:, right] - positions[:, left]
    positions[20:28, left] += away * across[20:28]
    found = mended(replace(track, positions=positions), body)
    assert not (found.condition == Condition.SWAPPED).any()
    assert (found.condition[20:28, left] == Condition.REJECTED).all()


def test_a_cut_to_somebody_who_faces_the_other_way_is_not_a_swap(body, stroll):
    turn = np.diag([-1.0, -1.0, 1.0])
    positions = body.keypoints(stroll).positions.copy()
    positions[30:] = positions[:30][::-1] @ turn + [3.0, 0.0, 0.0]
    cut = lsmpl.KeypointTrack(positions)
    positions[40:] += [0.0, 0.0, 0.02]
    cuts = find_cuts(cut.positions, np.array(cut.layout.mirror), cut.fps)
    np.testing.assert_array_equal(np.flatnonzero(cuts), [29])
    assert (mended(cut, body).condition == Condition.SEEN).all()


def test_a_spike_is_rejected_and_hardly_moves_the_pose(body, stroll, track):
    spiked = moved(track, 30, ["left_wrist"], [0.2, 0.1, 0.1])
    found = mended(spiked, body)
    assert found.condition[30, track.layout.index("left_wrist")] != Condition.SEEN
    assert (np.delete(found.condition, 30, axis=0) == Condition.SEEN).all()
    solved = lsmpl.solve(spiked, body, betas=stroll.betas)
    clean = lsmpl.solve(track, body, betas=stroll.betas)
    assert np.linalg.norm(body.joints(solved)[30] - body.joints(clean)[30], axis=-1).max() < 0.015
    assert np.isnan(solved.residual[30, track.layout.index("left_wrist")])


@pytest.mark.parametrize("name", ["nose", "mid_hip", "left_wrist", "right_big_toe", "left_shoulder"])
def test_a_keypoint_metres_away_is_the_only_one_that_is_rejected(body, track, name):
    """A wrist that is far off is neither taken for its partner's nor let to have its arms exchanged."""
    frames = slice(20, 30)
    found = mended(moved(track, frames, [name], [2.0, 1.0, 2.0]), body)
    expected = np.full(track.visible.shape, Condition.SEEN)
    expected[frames, track.layout.index(name)] = Condition.REJECTED
    np.testing.assert_array_equal(found.condition, expected)


def test_noise_alone_puts_nothing_out_of_reach(body, track, rng):
    noisy = replace(track, positions=track.positions + 0.02 * rng.normal(size=track.positions.shape))
    parts = site_parts(body, track.layout.sites)
    assert not find_out_of_reach(noisy.positions, reaches(body, parts), np.array(track.layout.mirror)).any()


def test_an_arm_metres_away_is_rejected_and_nothing_else(body, track):
    arm = ["left_shoulder", "left_elbow", "left_wrist"]
    found = mended(moved(track, slice(20, 45), arm, [3.0, 0.0, 0.0]), body)
    rows = [track.layout.index(name) for name in arm]
    rejected = found.condition == Condition.REJECTED
    assert rejected[20:45, rows].all() and rejected.sum() == 75


def test_what_somebody_said_is_right_is_not_doubted(body, track):
    wild = moved(track, slice(20, 30), ["nose"], [2.0, 1.0, 2.0])
    believed = np.zeros(track.visible.shape, dtype=bool)
    believed[:, track.layout.index("nose")] = True
    found = mended(replace(wild, believed=believed), body)
    assert (found.condition[20:30, track.layout.index("nose")] == Condition.SEEN).all()
    assert believed.shape == replace(wild, believed=believed).frames(slice(0, 60)).undoubted.shape


@pytest.mark.parametrize("frames", [slice(30, 40), slice(0, 60, 7)])
def test_a_wild_keypoint_changes_no_more_than_a_missing_one(body, track, frames):
    row = track.layout.index("right_wrist")
    missing = track.confidence.copy()
    missing[frames, row] = 0.0
    wild = lsmpl.solve(moved(track, frames, ["right_wrist"], [2.0, 1.0, 2.0]), body)
    gone = lsmpl.solve(replace(track, confidence=missing), body)
    np.testing.assert_allclose(wild.poses, gone.poses, atol=1e-6)


def test_a_frozen_wrist_is_rejected(body, stroll, track):
    wrist = track.layout.index("right_wrist")
    positions = track.positions.copy()
    positions[20:35, wrist] = positions[20, wrist]
    found = mended(replace(track, positions=positions), body)
    assert (found.condition[21:35, wrist] != Condition.SEEN).all()
    solved = lsmpl.solve(replace(track, positions=positions), body, betas=stroll.betas)
    assert mpjpe(body.joints(stroll)[:, :22], body.joints(solved)[:, :22]) < 15.0


def test_somebody_who_stands_perfectly_still_is_not_frozen(body, stroll):
    poses, trans = stroll.poses.copy(), stroll.trans.copy()
    poses[20:40], trans[20:40] = poses[20], trans[20]
    still = replace(stroll, poses=poses, trans=trans)
    part = np.concatenate([np.arange(40), np.arange(20, 60)])
    positions = body.keypoints(still).positions[:40]
    positions = np.concatenate([positions, body.keypoints(stroll).positions[20:]])
    assert len(positions) == len(part)
    assert (mended(lsmpl.KeypointTrack(positions), body).condition == Condition.SEEN).all()


def test_a_frame_whose_limbs_have_collapsed_is_rejected_as_a_whole(body, stroll, track):
    positions = track.positions.copy()
    middle = positions[25].mean(axis=0)
    positions[25] = middle + 0.3 * (positions[25] - middle)
    found = mended(replace(track, positions=positions), body)
    assert np.isin(found.condition[25], [Condition.REJECTED]).all()
    solved = lsmpl.solve(replace(track, positions=positions), body, betas=stroll.betas)
    assert MILLIMETRES * np.linalg.norm(body.joints(solved)[25] - body.joints(stroll)[25], axis=-1).mean() < 25.0


def test_short_gaps_are_bridged_and_long_ones_are_left_to_the_solver(body, track):
    confidence = track.confidence.copy()
    wrist, knee = track.layout.index("left_wrist"), track.layout.index("right_knee")
    confidence[20:22, wrist] = 0.0
    confidence[15:45, knee] = 0.0
    found = mended(replace(track, confidence=confidence), body)
    assert (found.condition[20:22, wrist] == Condition.FILLED).all()
    assert np.linalg.norm(found.track.positions[20:22, wrist] - track.positions[20:22, wrist], axis=-1).max() < 0.01
    assert (found.track.confidence[20:22, wrist] < 0.6).all()
    assert (found.condition[15:45, knee] == Condition.MISSING).all()
    assert (found.track.confidence[15:45, knee] == 0.0).all()


def test_longer_bridges_are_known_to_be_worse(track):
    off = bridge_errors(track.positions, track.fps)
    assert len(off) == 9
    assert off[-1] > 5.0 * off[0]


def test_faults_of_all_kinds_are_undone(body, stroll, track):
    """Swapped, spiked and frozen keypoints leave the motion about as it would be without them."""
    faulty = with_faults(track, Faults(noise=0.003, swapped=0.1, spikes=0.01, frozen=0.02), seed=3)
    truth = body.joints(stroll)[:, :22]
    error = {}
    for mends in (True, False):
        options = lsmpl.SolveOptions(repair=mends)
        solved = lsmpl.solve(faulty.track, body, betas=stroll.betas, options=options)
        error[mends] = mpjpe(truth, body.joints(solved)[:, :22])
    assert error[True] < 10.0
    assert error[True] < 0.5 * error[False]


def test_simulated_faults_cover_what_they_say(body, stroll):
    long = body.keypoints(replace(stroll, poses=np.tile(stroll.poses, (5, 1, 1)), trans=np.tile(stroll.trans, (5, 1))))
    faulty = with_faults(long, Faults(missing=0.2, swapped=0.1, spikes=0.01, frozen=0.02), seed=0)
    assert faulty.track.missing_fraction == pytest.approx(0.2, abs=0.01)
    assert faulty.swapped.any(axis=1).mean() == pytest.approx(0.1, abs=0.05)
    assert faulty.spiked.mean() == pytest.approx(0.008, abs=0.002)
    untouched = faulty.track.visible & ~(faulty.swapped | faulty.spiked | faulty.frozen)
    np.testing.assert_array_equal(faulty.track.positions[untouched], long.positions[untouched])


def test_a_missing_keypoint_does_not_let_sides_look_exchanged(body, stroll):
    """Thighs that measure longer on the other side for a while say little, as long as no knee comes over."""
    track = body.keypoints(stroll)
    positions, confidence = track.positions.copy(), track.confidence.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hip, knee = (track.layout.index(f"{side}_{name}") for name in ("hip", "knee"))
        longer = np.where(np.arange(len(track)) < 25, -0.06, 0.06) * sign
        down = positions[:, knee] - positions[:, hip]
        positions[:, knee] += longer[:, None] * down / np.linalg.norm(down, axis=-1, keepdims=True)
    knee = track.layout.index("right_knee")
    positions[25, knee], confidence[25, knee] = np.nan, 0.0
    found = mended(replace(track, positions=positions, confidence=confidence), body)
    assert not (found.condition == Condition.SWAPPED).any()


@pytest.mark.parametrize("name", ["left_wrist", "right_heel", "left_big_toe"])
@pytest.mark.parametrize("size", [0.2, 0.4, 0.8])
def test_a_keypoint_that_goes_away_and_comes_back_is_rejected_all_the_while(body, stroll, rng, name, size):
    """Also where it comes out at a bone's length by chance, and where it comes near its partner."""
    track = body.keypoints(stroll)
    track = replace(track, positions=track.positions + 0.003 * rng.normal(size=track.positions.shape))
    away = rng.normal(size=3)
    found = mended(moved(track, slice(30, 40), [name], size * away / np.linalg.norm(away)), body)
    expected = np.zeros(track.visible.shape, dtype=bool)
    expected[30:40, track.layout.index(name)] = True
    np.testing.assert_array_equal(found.condition == Condition.REJECTED, expected)


def test_the_fewest_keypoints_that_explain_the_rest_are_disbelieved(body, stroll):
    """A toe on its way to the other foot takes no shank with it."""
    names = ("left_big_toe", "right_ankle", "left_elbow")
    track = body.keypoints(stroll)
    wild = track.positions.copy()
    rows = [track.layout.index(name) for name in names]
    for frame, row in zip((10, 25, 40), rows):
        wild[frame, row] += [0.2, -0.25, 0.1]
    problem = Problem.of(
        replace(track, positions=wild),
        body,
        site_parts(body, track.layout.sites),
        stroll.betas,
        choose_backend("numpy"),
        SolveOptions(),
    )
    solved = settle(problem, Poses(exp_map(stroll.poses), stroll.trans), range(60))
    doubted, poses = disbelieve(problem, solved)
    expected = np.zeros(doubted.shape, dtype=bool)
    expected[[10, 25, 40], rows] = True
    np.testing.assert_array_equal(doubted, expected)
    joints = body.joints(replace(stroll, trans=poses.trans, poses=log_map(poses.rotations)))
    assert np.linalg.norm(joints - body.joints(stroll), axis=-1)[:, :18].max() < 0.02


@pytest.mark.parametrize("away", [0.3, 3.0])
def test_an_arm_that_is_hardly_trusted_spoils_neither_shape_nor_other_frames(body, stroll, away):
    track = body.keypoints(stroll)
    arm = [track.layout.index(f"left_{part}") for part in ("shoulder", "elbow", "wrist")]
    positions, confidence = track.positions.copy(), track.confidence.copy()
    positions[20:40, arm] += [away, 0.0, 0.0]
    confidence[20:40, arm] = 0.02
    weak = lsmpl.solve(replace(track, positions=positions, confidence=confidence), body)
    confidence[20:40, arm] = 0.0
    gone = lsmpl.solve(replace(track, confidence=confidence), body)
    np.testing.assert_allclose(weak.betas, gone.betas, atol=0.15)
    elsewhere = np.r_[0:15, 45:60]
    apart = np.linalg.norm(body.joints(weak) - body.joints(gone), axis=-1)[elsewhere]
    assert apart.mean() < 0.002

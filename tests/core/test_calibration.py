"""Calibration: markers are found where they are, whatever their names say, and the body under them with them."""

from dataclasses import replace

import numpy as np
import pytest
from test_markers import PLUG_IN_GAIT

import lsmpl_core as lsmpl
from lsmpl_core.body.landmarks import on_skin, parse_landmark
from lsmpl_core.errors import SolveError
from lsmpl_core.keypoints.layouts import Layout
from lsmpl_core.marker_calibration.calibrate_markers import calibrate, chosen_frames
from lsmpl_core.marker_calibration.marker_fit import MarkerFit
from lsmpl_core.readers.markers import recognise
from lsmpl_core.rotation import exp_map, log_map
from lsmpl_core.solver.limb_planes import Sharing

MILLIMETRES = 1000.0


@pytest.fixture(scope="module")
def recorded(body, stroll):
    """The stroll as a marker system would have it: on the mesh, 1 to 3 cm from where the names say, a few missing."""
    rng = np.random.default_rng(3)
    layout = recognise(PLUG_IN_GAIT, "stroll").layout
    vertices = []
    for site in layout.sites:
        skin = on_skin(body, parse_landmark(site))
        apart = np.linalg.norm(body.v_template - skin.shares @ body.v_template[skin.vertices], axis=1)
        vertices.append(rng.choice(np.flatnonzero((apart > 0.005) & (apart < 0.03))))
    mesh = body.vertices(stroll).astype(float)
    seen = rng.random((len(stroll), len(layout))) > 0.05
    return lsmpl.KeypointTrack(mesh[:, vertices], seen.astype(float), layout, stroll.fps)


@pytest.fixture(scope="module")
def solved(body, recorded):
    return lsmpl.solve(recorded, body)


def apart(body, truth, motion) -> float:
    """Mean distance in mm of the joints, hands apart."""
    return MILLIMETRES * np.linalg.norm(body.joints(truth)[:, :22] - body.joints(motion)[:, :22], axis=2).mean()


def test_a_take_is_solved_from_its_markers_alone(body, stroll, recorded, solved):
    assert MILLIMETRES * np.nanmean(solved.residual) < 4.0
    assert apart(body, stroll, solved) < 20.0
    assert np.isfinite(solved.poses).all()
    assert solved.keypoint_names == recorded.layout.keypoints
    assert any(d.what == "calibrated" and d.value == "39 of 39 markers" for d in solved.decisions)


def test_a_static_trial_is_calibrated_on_as_well(body, recorded, solved):
    trial = replace(recorded, positions=recorded.positions[:5], confidence=recorded.confidence[:5])
    motion = lsmpl.solve(recorded, body, trials=[trial])
    together = calibrate([trial, recorded], body)
    np.testing.assert_allclose(motion.betas, together.betas)
    assert motion.decisions == together.decisions
    assert MILLIMETRES * np.nanmean(motion.residual) < 4.0


def test_a_head_band_that_was_labelled_the_other_way_round_has_no_say(body, stroll, recorded, solved):
    rows = [recorded.layout.index(name) for name in ("LFHD", "RFHD", "RBHD", "LBHD")]
    positions, confidence = recorded.positions.copy(), recorded.confidence.copy()
    positions[:, rows], confidence[:, rows] = positions[:, rows[2:] + rows[:2]], confidence[:, rows[2:] + rows[:2]]
    trial = replace(recorded, positions=positions[:20], confidence=confidence[:20], source="static.c3d")
    motion = lsmpl.solve(recorded, body, trials=[trial])
    moved = {decision.what: decision.reason for decision in motion.decisions}["moved"]
    assert "static.c3d" in moved and all(name in moved for name in ("LFHD", "RFHD", "LBHD", "RBHD"))
    assert apart(body, stroll, motion) < apart(body, stroll, solved) + 2.0
    assert MILLIMETRES * np.nanmean(motion.residual) < 4.0


def test_refining_by_markers_says_what_was_calibrated(body, stroll, recorded, solved):
    refined = lsmpl.refine_motion(recorded, body, replace(stroll, body="somebody else's"))
    assert refined.decisions == solved.decisions
    assert MILLIMETRES * np.nanmean(refined.residual) < 4.0


@pytest.mark.parametrize("odd", ["take", "trial"])
def test_trials_that_are_no_marker_sets_are_refused(body, stroll, recorded, odd):
    detected = replace(body.keypoints(stroll), source="detected.npy")
    pair = (detected, recorded) if odd == "take" else (recorded, detected)
    with pytest.raises(SolveError, match="is no marker set"):
        lsmpl.solve(pair[0], body, trials=[pair[1]])


def test_markers_are_not_moved_far_to_explain_a_pose(body, recorded):
    calibration = calibrate([recorded], body)
    landmarks = [m for m in calibration.keypoints.values() if parse_landmark(m.site).sigma < 0.03]
    assert np.mean([np.linalg.norm(m.offset) for m in landmarks]) < 0.03
    assert max(np.linalg.norm(m.offset) for m in landmarks) < 0.07


def test_names_that_are_unknown_or_swapped_are_seen_through(body, stroll, recorded):
    names = list(PLUG_IN_GAIT)
    for a, b in (("LKNE", "RTOE"), ("RELB", "C7")):
        i, j = names.index(a), names.index(b)
        names[i], names[j] = names[j], names[i]
    for i, name in enumerate(("LTHI", "RWRA", "LASI", "STRN")):
        names[names.index(name)] = f"Ball{'ABCD'[i]}x"
    strange = replace(recorded, layout=recognise(names, "stroll").layout)
    motion = lsmpl.solve(strange, body)
    assert apart(body, stroll, motion) < 30.0
    said = {decision.what: decision.reason for decision in motion.decisions}
    assert "BallAx" in said["found"]
    assert "RTOE" in said["misnamed"] and "C7" in said["misnamed"]


def test_a_prop_is_left_aside(body, recorded):
    rng = np.random.default_rng(0)
    far = rng.normal(scale=1.0, size=(len(recorded), 1, 3))
    layout = recognise([*PLUG_IN_GAIT, "Banana"], "stroll").layout
    track = lsmpl.KeypointTrack(np.concatenate([recorded.positions, far], axis=1), layout=layout, fps=30.0)
    calibration = calibrate([track], body)
    assert "Banana" not in calibration.keypoints
    assert any(d.what == "left aside" and "Banana" in d.reason for d in calibration.decisions)
    assert len(calibration.usable(track, body).layout) == 39


def test_a_thing_that_stays_behind_is_on_no_bone(body, recorded):
    """Starting blocks, say: with a foot until that leaves them."""
    names = [*PLUG_IN_GAIT, "BlockOne"]
    block = recorded.positions[:, recorded.layout.index("LTOE")] + [0.0, 0.02, 0.08]
    block[-len(block) // 5 :] -= [4.0, 0.0, 0.0]
    positions = np.concatenate([recorded.positions, block[:, None]], axis=1)
    confidence = np.pad(recorded.confidence, ((0, 0), (0, 1)), constant_values=1.0)
    track = replace(recorded, positions=positions, confidence=confidence, layout=recognise(names, "stroll").layout)
    calibration = calibrate([track], body)
    assert "BlockOne" not in calibration.keypoints
    assert any(d.what == "left aside" and "BlockOne" in d.reason for d in calibration.decisions)


def test_a_calibration_serves_other_takes_of_the_subject(body, stroll, recorded):
    first, second = recorded.frames(slice(0, 40)), recorded.frames(slice(40, 60))
    motion = lsmpl.solve(second, body, calibration=calibrate([first], body))
    assert apart(body, stroll.frames(slice(40, 60)), motion) < 25.0


def test_what_no_marker_shows_is_held_as_it_was_when_they_were_placed(body, stroll, recorded):
    first, second = recorded.frames(slice(0, 40)), recorded.frames(slice(40, 60))
    calibration = calibrate([first], body)
    hidden = [
        k for k, name in enumerate(second.layout.keypoints) if name[1:] in ("UPA", "ELB", "FRM", "WRA", "WRB", "FIN")
    ]
    confidence = second.confidence.copy()
    confidence[:, hidden] = 0.0
    without_arms = replace(second, confidence=confidence)
    known, unknown = (
        lsmpl.solve(without_arms, body, calibration=one) for one in (calibration, replace(calibration, pose=None))
    )
    truth = stroll.frames(slice(40, 60))
    assert apart(body, truth, known) < 0.9 * apart(body, truth, unknown)


def test_given_betas_stay(body, stroll, recorded):
    motion = lsmpl.solve(recorded.frames(slice(0, 30)), body, betas=stroll.betas)
    assert np.array_equal(motion.betas, stroll.betas)


def test_a_calibration_for_another_body_or_other_markers_is_refused(body, recorded):
    calibration = calibrate([recorded.frames(slice(0, 10))], body)
    with pytest.raises(SolveError, match="calibrate on this one"):
        lsmpl.solve(recorded, replace(body, name="other", v_template=body.v_template * 1.1), calibration=calibration)
    other = replace(recorded, layout=Layout("markers", tuple(f"x{i}" for i in range(39)), sites=recorded.layout.sites))
    with pytest.raises(SolveError, match="0 of its keypoints"):
        lsmpl.solve(other, body, calibration=calibration)


def test_frames_are_chosen_well_seen_and_unlike_each_other(recorded):
    still = np.repeat(recorded.positions[:1], 500, axis=0)
    track = replace(recorded, positions=np.concatenate([still, recorded.positions]), confidence=None)
    chosen = chosen_frames(track, 24)
    assert len(chosen) <= 24 and (chosen >= 500).sum() >= 10


def test_a_take_that_shows_too_few_markers_is_an_error(body, recorded):
    track = replace(recorded, confidence=recorded.confidence * (np.arange(39) < 3))
    with pytest.raises(SolveError, match="markers"):
        calibrate([track], body)


@pytest.mark.parametrize(("marker", "to"), [("LFHD", None), ("LTOE", "C7")], ids=["a wild head", "a mislabelled toe"])
def test_one_bad_marker_in_ten_frames_leaves_the_other_joints(body, recorded, solved, marker, to):
    """Three metres away it folded the head into the chest; on another marker it took a shank along. The other joints
    are as if the marker were missing there, and near what they are where it is right.
    """
    row, frames = recorded.layout.index(marker), slice(25, 35)
    positions = recorded.positions.copy()
    target = positions[frames, row] + [3.2, 0.0, 0.0] if to is None else positions[frames, recorded.layout.index(to)]
    positions[frames, row] = target
    motion = lsmpl.solve(replace(recorded, positions=positions), body)
    confidence = recorded.confidence.copy()
    confidence[frames, row] = 0.0
    without = lsmpl.solve(replace(recorded, confidence=confidence), body)

    def turned(other: lsmpl.Motion) -> np.ndarray:
        """(T,22) degrees between the joints of the motion and of another."""
        turn = np.swapaxes(exp_map(other.poses), -1, -2) @ exp_map(motion.poses)
        return np.degrees(np.linalg.norm(log_map(turn), axis=-1))[:, :22]

    assert turned(without).max() < 1.0
    assert turned(solved).max() < 12.0
    rejected = motion.condition[frames] == lsmpl.Condition.REJECTED
    assert np.delete(rejected, row, axis=1).sum() <= 2


def test_a_marker_that_is_metres_away_is_as_good_as_missing(body, recorded):
    row, frames = recorded.layout.index("LFHD"), slice(20, 30)
    wild, confidence = recorded.positions.copy(), recorded.confidence.copy()
    wild[frames, row] += [3.0, 0.0, 0.0]
    confidence[frames, row] = 0.0
    found = [calibrate([replace(recorded, **of)], body) for of in ({"positions": wild}, {"confidence": confidence})]
    np.testing.assert_allclose(found[0].betas, found[1].betas, atol=1e-6)
    for name in found[0].keypoints:
        np.testing.assert_allclose(*(one.keypoints[name].offset for one in found), atol=1e-6)


def test_once_markers_are_about_right_none_goes_far_in_a_round(body, recorded):
    """What turns a cluster about its bone is tried in straight steps, which tear it apart where they are long."""
    arm = [recorded.layout.index(name) for name in ("LUPA", "LELB", "LFRM", "LWRA", "LWRB")]
    fit = MarkerFit(recorded.frames(slice(0, 12)), body, None, Sharing.of_anybody())
    fit.begin()
    fit.improve(settled=False)
    fit.offsets[arm] += [0.0, 0.06, 0.06]
    for _ in range(3):
        before, betas = fit.offsets.copy(), fit.betas.copy()
        fit.improve(settled=True)
        moved = np.linalg.norm(fit.offsets - before, axis=1)
        assert moved.max() < 0.0101 and np.abs(fit.betas - betas).max() < 1.0
    assert moved[arm].max() > 0.002  # still on its way back

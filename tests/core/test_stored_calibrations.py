"""Every solve leaves a calibration, which survives files and serves other takes of the subject."""

import json
from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.calibration.calibration import Calibration
from lsmpl_core.errors import CalibrationError, MotionFileError, SolveError


def off_site(body, motion, layout="body_25", by=0.05):
    """A track whose hips and shoulders are off their sites by the same in every frame, in each bone's own frame."""
    track = body.keypoints(motion, layout)
    calibration = lsmpl.Calibration.of_layout(body, track.layout, motion.betas, _parts(body, track.layout))
    moved = {}
    for name, placed in calibration.keypoints.items():
        offset = np.array([0.0, -by, by]) if name.endswith(("hip", "shoulder")) else np.zeros(3)
        moved[name] = replace(placed, offset=offset)
    poser = lsmpl.Poser(track.layout, body, replace(calibration, keypoints=moved))
    return replace(track, positions=poser.sites(lsmpl.poses_of(motion)))


def _parts(body, layout):
    from lsmpl_core.body.sites import site_parts

    return site_parts(body, layout.sites)


@pytest.fixture(scope="module")
def solved(body, stroll):
    return lsmpl.solve(off_site(body, stroll), body)


def test_a_solve_keeps_the_shape_and_the_offsets_it_found(body, stroll, solved):
    calibration = solved.calibration
    np.testing.assert_array_equal(calibration.betas, solved.betas)
    assert calibration.body == body.key
    assert set(calibration.keypoints) == set(solved.keypoint_names)
    offsets = {name: np.linalg.norm(placed.offset) for name, placed in calibration.keypoints.items()}
    assert offsets["left_shoulder"] > 0.005
    assert 0.0 < calibration.noise < 0.01


def test_what_it_says_is_what_the_residual_was_measured_with(body, stroll, solved):
    track = off_site(body, stroll)
    poser = lsmpl.Poser(track.layout, body, solved.calibration)
    measured = poser.residual(lsmpl.poses_of(solved), track.positions)
    np.testing.assert_allclose(measured, solved.residual, atol=1e-6)


def test_given_betas_are_in_it(body, stroll):
    solved = lsmpl.solve(body.keypoints(stroll.frames(slice(0, 5))), body, betas=stroll.betas)
    np.testing.assert_array_equal(solved.calibration.betas, stroll.betas)
    assert not any(placed.offset.any() for placed in solved.calibration.keypoints.values())


def test_another_estimators_motion_gets_one_when_refined(body, stroll):
    few = stroll.frames(slice(0, 8))
    refined = lsmpl.refine_motion(body.keypoints(few), body, few)
    np.testing.assert_array_equal(refined.calibration.betas, stroll.betas)


def test_a_calibration_of_one_take_serves_another(body, stroll, solved):
    """The second take alone is too short to show the shape."""
    track = off_site(body, stroll)
    few = track.frames(slice(0, 3))
    again = lsmpl.solve(few, body, calibration=solved.calibration)
    np.testing.assert_array_equal(again.betas, solved.betas)
    for name, placed in again.calibration.keypoints.items():
        np.testing.assert_array_equal(placed.offset, solved.calibration.keypoints[name].offset)
    alone = lsmpl.solve(few, body)
    truth = body.joints(stroll.frames(slice(0, 3)))
    error = [np.linalg.norm(body.joints(m) - truth, axis=-1)[:, :22].mean() for m in (again, alone)]
    assert error[0] < error[1]


def test_it_survives_a_motion_file(solved, tmp_path):
    solved.save(tmp_path / "walk.npz")
    same(lsmpl.Motion.load(tmp_path / "walk.npz").calibration, solved.calibration)


def test_it_survives_json_and_clean_up(body, solved):
    same(Calibration.from_dict(json.loads(json.dumps(solved.calibration.as_dict()))), solved.calibration)
    posed = replace(solved.calibration, pose=np.linspace(-1, 1, 69))
    same(Calibration.from_dict(json.loads(json.dumps(posed.as_dict()))), posed)
    same(lsmpl.clean_up(solved, body).calibration, solved.calibration)
    same(solved.frames(slice(3, 9)).calibration, solved.calibration)


def same(a: Calibration, b: Calibration):
    assert a.as_dict() == b.as_dict()
    assert list(a.keypoints) == list(b.keypoints)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format"),
        ({"body": 7}, "body"),
        ({"betas": [0.0] * 9}, "betas"),
        ({"betas": [float("nan")] * 10}, "betas"),
        ({"betas": [1e9] * 10}, "betas"),
        ({"noise": None}, "noise"),
        ({"noise": "0.01"}, "noise"),
        ({"pose": [0.0] * 68}, "pose"),
        ({"keypoints": []}, "keypoints"),
        ({"keypoints": {}}, "keypoints"),
        ({"keypoints": {"a": 1, "b": 2, "c": 3, "d": 4}}, "keypoint 'a'"),
        ({"keypoints": {str(i): {} for i in range(3000)}}, "keypoints"),
    ],
)
def test_what_is_no_calibration_is_refused(solved, change, said):
    with pytest.raises(CalibrationError, match=said):
        Calibration.from_dict({**solved.calibration.as_dict(), **change})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"site": "left_elbow_of_somebody"}, "left_elbow"),
        ({"site": 5}, "no site"),
        ({"bearer": "tail"}, "joint"),
        ({"bearer": 3}, "joint"),
        ({"offset": [0.0, 1.0]}, "offset"),
        ({"offset": [0.0, 1.0, 100.0]}, "offset"),
        ({"offset": [[0.0], [1.0], [1.0]]}, "offset"),
    ],
)
def test_a_keypoint_that_is_none_is_refused(solved, change, said):
    stored = solved.calibration.as_dict()
    stored["keypoints"]["nose"] = {**stored["keypoints"]["nose"], **change}
    with pytest.raises(CalibrationError, match=said):
        Calibration.from_dict(stored)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", '{"format": 1}', "x" * (2 << 20)])
def test_a_motion_file_with_a_damaged_one_is_refused_by_name(solved, tmp_path, text):
    path = tmp_path / "walk.npz"
    np.savez_compressed(path, poses=solved.poses, trans=solved.trans, calibration=np.array(text))
    with pytest.raises(MotionFileError, match=r"walk.npz: .*calibration"):
        lsmpl.Motion.load(path)


def test_it_has_files_of_its_own(solved, tmp_path):
    lsmpl.save_calibration(solved.calibration, tmp_path / "subject.json")
    same(lsmpl.read_calibration(tmp_path / "subject.json"), solved.calibration)
    solved.save(tmp_path / "walk.npz")
    same(lsmpl.read_calibration(tmp_path / "walk.npz"), solved.calibration)
    replace(solved, calibration=None).save(tmp_path / "other.npz")
    (tmp_path / "other.json").write_text('{"format": 1, "body": []}')
    for name in ("other.npz", "other.json", "missing.json"):
        with pytest.raises(CalibrationError, match=name):
            lsmpl.read_calibration(tmp_path / name)
    with pytest.raises(CalibrationError, match="nowhere"):
        lsmpl.save_calibration(solved.calibration, tmp_path / "nowhere" / "subject.json")


def test_the_command_line_takes_the_calibration_of_another_take(body, stroll, solved, tmp_path):
    from lsmpl_core.cli.main import main

    solved.save(tmp_path / "subject.npz")
    positions = off_site(body, stroll).positions[:4]
    np.save(tmp_path / "walk.npy", positions.astype(np.float32))
    said = ["--layout", "body_25", "--unit", "m", "--up", "z", "--fps", "30", "--smooth", "0"]
    walk, out = str(tmp_path / "walk.npy"), tmp_path / "walk.npz"
    assert main(["convert", walk, *said, "--calibration", str(tmp_path / "subject.npz"), "-o", str(out)]) == 0
    np.testing.assert_allclose(lsmpl.Motion.load(out).betas, solved.betas, atol=1e-6)
    assert main(["convert", walk, *said, "--calibration", str(tmp_path / "none.npz"), "-o", str(out)]) == 1
    assert main(["convert", walk, "--calibration", "a", "--calibrate", "b", "-o", str(out)]) == 2


def test_too_few_of_a_takes_keypoints_or_another_body_is_said(body, stroll, solved):
    track = body.keypoints(stroll.frames(slice(0, 3)), "body_25")
    few = replace(solved.calibration, keypoints=dict(list(solved.calibration.keypoints.items())[:2]))
    with pytest.raises(SolveError, match="2 of its keypoints are calibrated"):
        lsmpl.solve(track, body, calibration=few)
    with pytest.raises(SolveError, match="another-body"):
        lsmpl.solve(track, body, calibration=replace(solved.calibration, body="another-body"))

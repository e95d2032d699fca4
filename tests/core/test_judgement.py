"""Whether a solved motion is to be trusted is said, with what was probably read wrong."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.errors import MotionFileError
from lsmpl_core.judgement import FEW, NOT_TRUSTED, judged, not_trusted, undetermined
from lsmpl_core.keypoints.track import KeypointTrack

BODY_25 = lsmpl.get_layout("body_25")


@pytest.fixture(scope="module")
def taken(body, stroll):
    """A track and a motion that meets it."""
    motion = stroll.frames(slice(0, 20))
    track = body.keypoints(motion, BODY_25)
    return replace(track, decisions=()), replace(motion, residual=np.full((20, 25), 0.008), body=body.key)


def whats(doubts):
    return [doubt.what for doubt in doubts]


def test_a_good_solve_is_trusted(body, taken):
    track, motion = taken
    assert judged(motion, body, track) == []


def test_misses_of_several_centimetres_are_not(body, taken):
    track, motion = taken
    doubt = judged(replace(motion, residual=np.full((20, 25), 0.09)), body, track)[0]
    assert doubt.what == NOT_TRUSTED and "90 mm" in doubt.reason and "--layout" in doubt.reason and doubt.doubtful


def test_bones_that_are_no_persons_are_not(body, taken):
    track, motion = taken
    assert "no person's" in judged(replace(motion, betas=np.full(10, 20.0)), body, track)[0].reason


def test_a_body_on_its_side_is_not_unless_up_was_given(body, taken):
    track, motion = taken
    lying = motion.poses.copy()
    lying[:, 0] = [0.0, 0.0, np.pi / 2]
    lying = replace(motion, poses=lying)
    assert "--up" in judged(lying, body, track)[0].reason
    given = replace(track, decisions=(lsmpl.Decision("up", "z", "given"),))
    assert judged(lying, body, given) == []


def test_what_few_keypoints_leave_open_is_said(body):
    three = lsmpl.Layout("three", ("left_shoulder", "left_hip", "right_hip"))
    track = KeypointTrack(np.zeros((4, 3, 3)), layout=three)
    assert undetermined(track) == ["the left leg", "the right leg", "the left arm", "the right arm"]


def test_doubts_come_with_the_motion_and_give_the_exit_code(tmp_path, body, taken, capsys):
    from lsmpl_core.cli.main import main

    track, _ = taken
    three = [BODY_25.index(name) for name in ("left_shoulder", "left_hip", "right_hip")]
    np.save(tmp_path / "three.npy", track.positions[:, three])
    (tmp_path / "map.json").write_text('{"keypoints": ["left_shoulder", "left_hip", "right_hip"]}')
    arguments = ["convert", str(tmp_path / "three.npy"), "-o", str(tmp_path / "three.npz")]
    main([*arguments, "--layout", str(tmp_path / "map.json"), "--unit", "m", "--up", "z"])
    assert f"{FEW}: do not determine the left leg" in capsys.readouterr().err
    rng = np.random.default_rng(0)
    np.save(tmp_path / "noise.npy", track.positions + rng.normal(scale=0.08, size=track.positions.shape))
    arguments = ["convert", str(tmp_path / "noise.npy"), "-o", str(tmp_path / "noise.npz"), "--layout", "body_25"]
    assert main([*arguments, "--unit", "m", "--up", "z"]) == 3
    out, err = capsys.readouterr()
    assert "NOT TO BE TRUSTED" in out and f"{NOT_TRUSTED}: no" in err
    assert lsmpl.Motion.load(tmp_path / "noise.npz") is not None
    assert not_trusted(lsmpl.Motion.load(tmp_path / "noise.npz")) == ""


@pytest.mark.parametrize("change", [{"trans": np.full((20, 3), 1e300)}, {"first_frame": 2**70}, {"fps": 1e-320}])
def test_what_could_not_be_read_again_is_not_written(tmp_path, taken, change):
    _, motion = taken
    (tmp_path / "old.npz").write_text("as it was")
    try:
        replace(motion, **change).save(tmp_path / "old.npz")
    except MotionFileError as error:
        assert "not written" in str(error)
        assert (tmp_path / "old.npz").read_text() == "as it was"
    else:
        assert lsmpl.Motion.load(tmp_path / "old.npz") is not None

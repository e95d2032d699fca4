"""Whoever tries the package out in a console: data show themselves in a line, slips are told with what was meant."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.suggestions import suggestion


@pytest.fixture(scope="module")
def motion(body) -> lsmpl.Motion:
    return lsmpl.Motion(np.zeros((24, 24, 3)), np.zeros((24, 3)), body=body.key, fps=60.0)


def test_a_motion_is_shown_by_its_shapes(motion):
    assert "poses=<24,24,3>" in repr(motion) and "fps=60.0" in repr(motion)
    assert "residual" not in repr(motion), "what there is not is not listed"


def test_whatever_holds_arrays_is_short(motion, body):
    track = body.keypoints(motion, "body_25")
    calibration = lsmpl.solve(track, body).calibration
    for data in (body, motion, track, calibration, lsmpl.poses_of(motion, slice(0, 5))):
        assert type(data).__name__ in repr(data) and len(repr(data)) < 1200, type(data)


@pytest.mark.parametrize(
    ("meant", "word"),
    [
        ("coco_17", "coco"),
        ("body_25", "boddy_25"),
        ("human36m_17", "human3.6m"),
        ("mediapipe_33", "MediaPipe"),
        ("kinect_25", "kinnect25"),
    ],
)
def test_a_layout_that_is_misspelled_is_suggested(meant, word):
    with pytest.raises(lsmpl.LsmplError, match=rf"did you mean .*\b{meant}\b"):
        lsmpl.get_layout(word)


def test_spellings_of_a_layouts_name_are_one():
    assert lsmpl.get_layout("BODY25") is lsmpl.get_layout("body_25") is lsmpl.get_layout("Body-25")


def test_what_is_like_nothing_gets_the_whole_list():
    assert suggestion("xyzzy", ["left_hip", "left_knee"]) == "valid: left_hip, left_knee"
    assert suggestion("", ["left_hip"]) == "valid: left_hip"
    assert suggestion("knee", ["left_hip", "left_knee"]) == "did you mean left_knee?"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda motion, body: lsmpl.solve("walk.trc", body), r"track is of type str.*read_keypoints"),
        (lambda motion, body: lsmpl.solve(np.zeros((9, 25, 3)), body), r"track is of type ndarray.*KeypointTrack"),
        (lambda motion, body: lsmpl.solve(body.keypoints(motion), "SMPL.pkl"), r"body is of type str.*load_body"),
        (lambda motion, body: lsmpl.clean_up(body, motion), "motion is of type Body"),
        (lambda motion, body: lsmpl.refine_motion(body.keypoints(motion), body, "a.npz"), "read_motion"),
        (lambda motion, body: lsmpl.refine_frames(motion, body, motion, 0, 1), "track is of type Motion"),
    ],
)
def test_what_is_of_another_kind_is_told_with_what_makes_one(motion, body, call, said):
    with pytest.raises(TypeError, match=said):
        call(motion, body)

"""Layouts name their keypoints once, pair left with right, and a track obeys its layout."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.errors import KeypointFileError, LayoutError

COUNTS = {
    "body_25": 25, "coco_17": 17, "halpe_26": 26, "human36m_17": 17, "panoptic_19": 19, "mediapipe_33": 33,
    "smpl_24": 24, "smpl_22": 22, "whole_body": 32,
}  # fmt: skip


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_layouts_have_their_published_number_of_keypoints(name, count):
    assert len(lsmpl.get_layout(name)) == count


@pytest.mark.parametrize("name", COUNTS)
def test_mirroring_twice_is_nothing_and_pairs_left_with_right(name):
    layout = lsmpl.get_layout(name)
    assert [layout.mirror[layout.mirror[i]] for i in range(len(layout))] == list(range(len(layout)))
    for i, keypoint in enumerate(layout.keypoints):
        if "left" in keypoint.split("_"):
            assert "right" in layout.keypoints[layout.mirror[i]]


@pytest.mark.parametrize("name", COUNTS)
def test_edges_connect_every_body_layout_into_few_pieces(name):
    layout = lsmpl.get_layout(name)
    piece = list(range(len(layout)))
    for a, b in layout.edge_indices():
        piece = [piece[a] if p == piece[b] else p for p in piece]
    assert len(set(piece)) <= 3


def test_openpose_order_is_body_25s():
    layout = lsmpl.get_layout("BODY-25")
    assert [layout.index(k) for k in ("nose", "right_wrist", "mid_hip", "left_ear", "left_big_toe")] == [
        0,
        4,
        8,
        18,
        19,
    ]


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(LayoutError, match="body_25"):
        lsmpl.get_layout("body_26")
    with pytest.raises(LayoutError, match="left_wrist"):
        lsmpl.get_layout("coco_17").index("tail")
    with pytest.raises(LayoutError, match="twice: a"):
        lsmpl.Layout("odd", ("a", "b", "a"))


def test_missing_is_missing_however_it_is_said():
    positions = np.zeros((2, 17, 3))
    positions[0, 0] = np.nan
    positions[0, 1, 2] = np.inf
    confidence = np.ones((2, 17))
    confidence[1, 2] = 0.0
    confidence[1, 3] = np.nan
    track = lsmpl.KeypointTrack(positions, confidence, "coco_17")
    gone = {(0, 0), (0, 1), (1, 2), (1, 3)}
    assert {tuple(map(int, i)) for i in np.argwhere(~track.visible)} == gone
    assert {tuple(map(int, i)) for i in np.argwhere(np.isnan(track.positions).all(axis=2))} == gone
    assert track.missing_fraction == pytest.approx(4 / 34)


def test_a_track_does_not_touch_the_arrays_it_was_given():
    positions, confidence = np.zeros((1, 17, 3)), np.zeros((1, 17))
    lsmpl.KeypointTrack(positions, confidence, "coco_17")
    assert not np.isnan(positions).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.zeros((2, 16, 3))}, r"expected \(T, 17, 3\)"),
        ({"confidence": np.zeros((2, 16))}, "confidence has shape"),
        ({"fps": -1.0}, "frame rate is -1"),
    ],
)
def test_a_track_that_makes_no_sense_is_refused(change, message):
    good = {"positions": np.zeros((2, 17, 3)), "layout": "coco_17", "source": "a.npy"}
    with pytest.raises(KeypointFileError, match=rf"a\.npy.*{message}"):
        lsmpl.KeypointTrack(**{**good, **change})


def test_a_slice_keeps_count_of_frames():
    track = lsmpl.KeypointTrack(np.zeros((10, 17, 3)), layout="coco_17", first_frame=5)
    assert (len(track.frames(slice(3, 8))), track.frames(slice(3, 8)).first_frame) == (5, 8)

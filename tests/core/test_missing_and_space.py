"""What stands for nothing is missing, what is 2D is refused, and what is far away, too large or mirrored is told."""

from pathlib import Path

import numpy as np
import pytest
from field_inputs import Y_DOWN, Take
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS, Layout
from lsmpl_core.readers import read_keypoints
from lsmpl_core.readers.raw import RawTrack
from lsmpl_core.readers.space import check_dimension, check_space

COCO, BODY_25 = LAYOUTS["coco_17"], LAYOUTS["body_25"]
PERSON = walking(BODY_25)


def read(tmp_path, positions, **options):
    np.save(tmp_path / "take.npy", positions)
    return read_keypoints(tmp_path / "take.npy", **options)


def named(tmp_path, positions, layout=BODY_25):
    """As a table, whose names tell which keypoint is which."""
    labels = ",".join(f"{name}_{axis}" for name in layout.keypoints for axis in "xyz")
    np.savetxt(tmp_path / "take.csv", positions.reshape(len(positions), -1), delimiter=",", header=labels, comments="")
    return read_keypoints(tmp_path / "take.csv")


def decision(track, what):
    return next((d for d in track.decisions if d.what == what), None)


# Missing


@pytest.mark.parametrize(
    "filler",
    [(9999999, 9999999, 9999999), (-9999, -9999, -9999), (0, 0, 0), (-1, -1, -1), (99999, 3, 4), (7e4, 7e4, 7e4)],
)
def test_what_is_written_for_missing_keypoints_is_missing(tmp_path, rng, filler):
    positions = 1000 * PERSON
    gaps = rng.random(positions.shape[:2]) < 0.1
    gaps[:, 0] = False
    positions[gaps] = filler
    track = read(tmp_path, positions, unit="mm", up="z")
    assert (track.visible == ~gaps).all()
    assert np.allclose(track.positions[~gaps], PERSON[~gaps])
    assert "points" in decision(track, "missing").value


def test_a_keypoint_that_keeps_its_place_is_not_missing(tmp_path):
    positions = PERSON.copy()
    positions[:, 24] = positions[0, 24]
    assert read(tmp_path, positions).visible.all()


def test_frames_that_repeat_the_one_before_are_missing_and_told(tmp_path):
    positions = PERSON.copy()
    positions[20:26] = positions[19]
    track = read(tmp_path, positions)
    assert not track.visible[20:26].any() and track.visible[19].all() and track.visible[26].all()
    assert decision(track, "frozen").value == "6 frames" and "frame 20" in decision(track, "frozen").reason


def test_a_take_that_stands_still_is_left_as_it_is(tmp_path):
    track = read(tmp_path, np.repeat(PERSON[:1], 40, axis=0))
    assert track.visible.all() and decision(track, "frozen") is None


# Space


@pytest.mark.parametrize("layout", [COCO, BODY_25], ids=lambda layout: layout.name)
def test_pixels_with_scores_are_refused_as_2d(tmp_path, layout):
    pixels = walking(layout)[..., [1, 2, 0]] * [300, -300, 0] + [640, 600, 0]
    pixels[..., 2] = 0.8
    with pytest.raises(KeypointFileError, match=r"2D: x and y in pixels.*score"):
        read(tmp_path, pixels)


def test_a_plane_is_told(tmp_path):
    track = read(tmp_path, PERSON * [1, 0.001, 1])
    assert decision(track, "depth").doubtful and "one plane" in decision(track, "depth").reason


def test_a_plane_that_is_not_along_an_axis_is_told_and_a_person_is_none(tmp_path):
    about_z = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    assert "some plane" in decision(read(tmp_path, PERSON * [1, 0, 1] @ about_z.T), "depth").reason
    assert decision(read(tmp_path, PERSON @ about_z.T), "depth") is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-300, 1e200, 1e307])
def test_no_plane_is_looked_for_beyond_what_numbers_hold(size):
    raw = RawTrack(PERSON / np.abs(PERSON).max() * size)
    assert check_dimension(raw, Path("take.npy")).decisions == []


def test_what_is_kilometres_from_the_origin_is_moved_there_and_told(tmp_path):
    survey = np.array([447214.0, 5412345.0, 312.0])
    track = read(tmp_path, PERSON + survey, up="z")
    assert np.abs(track.positions).max() < 1000
    offset = track.positions - PERSON
    assert np.allclose(offset, offset[0, 0], atol=1e-6)
    assert "44721" in decision(track, "origin").reason


def test_what_is_near_the_origin_stays_where_it_is(tmp_path):
    assert np.allclose(read(tmp_path, PERSON + [40, 60, 0], up="z").positions, PERSON + [40, 60, 0])


@pytest.mark.parametrize(("unit", "size"), [("mm", 1), ("m", 1000), ("cm", 1000), ("ft", 0.05)])
def test_a_person_of_no_persons_size_is_refused_with_the_unit_that_fits(tmp_path, unit, size):
    with pytest.raises(KeypointFileError, match=r"m tall; people are 0\.3 to 3 m"):
        read(tmp_path, PERSON * size, unit=unit)


def test_the_unit_that_fits_is_named(tmp_path):
    with pytest.raises(KeypointFileError, match="In mm it would be a person"):
        read(tmp_path, PERSON * 1000, unit="m")


@pytest.mark.parametrize("fps", [1e300, 1e-300, 0.01, 1e30, -5, float("nan")])
def test_rates_that_no_take_has_are_refused(tmp_path, fps):
    with pytest.raises(KeypointFileError, match="frames a second"):
        read(tmp_path, PERSON, fps=fps)
    np.savez(tmp_path / "take.npz", keypoints3d=PERSON, fps=fps)
    if fps > 0:
        with pytest.raises(KeypointFileError, match=r"frames a second.*--fps"):
            read_keypoints(tmp_path / "take.npz")


# Left and right


def test_mirrored_takes_with_names_are_mended_and_told(tmp_path):
    track = named(tmp_path, PERSON * [1, -1, 1])
    assert np.allclose(track.positions, PERSON, atol=1e-6)
    assert decision(track, "mirrored").value == "mended"


def test_mirroring_can_be_asked_for_and_declined(tmp_path):
    left_handed = PERSON * [1, -1, 1]
    assert np.allclose(read(tmp_path, left_handed, mirror=True).positions, PERSON)
    assert np.allclose(read(tmp_path, left_handed, mirror=False).positions, left_handed)
    assert "--mirror" in decision(read(tmp_path, left_handed), "mirrored").reason


def test_markers_may_rest_while_others_move_and_joints_may_not(rng):
    names = tuple(f"P{k}" for k in range(12))
    positions = np.repeat(rng.normal(size=(1, 12, 3)), 20, axis=0)
    positions[:, :4] += rng.normal(size=(20, 1, 3))
    raw, columns = RawTrack(positions, names), list(range(12))
    check_space(raw, columns, Layout("markers", names), Path("trial.c3d"))
    with pytest.raises(KeypointFileError, match="relative to their parents"):
        check_space(raw, columns, Layout("bones", names, edges=(("P0", "P1"),)), Path("local.csv"))


def in_pixels(positions, metres, focal=600.0):
    """Keypoints (T,K,3), Z up, in a camera's pixels, with a depth of which `metres` make a unit."""
    x, depth, up = np.moveaxis(positions - positions.mean(axis=(0, 1)) + [0, 3, 0], -1, 0)
    return np.stack([960 + focal * x / depth, 540 - focal * up / depth, depth / metres], axis=-1)


@pytest.mark.parametrize("metres", [1.0, 0.001])
def test_pixels_beside_a_depth_are_refused(body, tmp_path, metres):
    places = Take(body, "02_06", slice(0, 120, 4)).order("coco_17")
    with pytest.raises(KeypointFileError, match="pixels of an image and z is a depth"):
        named(tmp_path, in_pixels(places, metres), COCO)
    assert len(named(tmp_path, 1000 * places + 5000, COCO)) == len(places)


def test_a_pixel_without_a_depth_is_missing(body, tmp_path):
    places = Take(body, "02_06", slice(0, 120, 4)).order("coco_17", Y_DOWN) + [0, 1, 3]
    places[3:6, 9, 2] = 0
    track = read(tmp_path, places)
    assert np.argwhere(np.isnan(track.positions[..., 0])).tolist() == [[3, 9], [4, 9], [5, 9]]
    assert any("exactly 0" in d.reason for d in track.decisions if d.what == "missing")

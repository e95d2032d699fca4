"""What a stranger's file, an absurd number or a long name can do: nothing but end in an error of ours, soon.

Each is made from scratch in the form of a file that once did harm.
"""

import contextlib
import errno
import gc
import gzip
import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fuzzing import no_hang
from stick_figure import walking
from test_readers import csv_text, trc_text
from test_readers_c3d import INTEL, c3d_bytes
from this_code import with_this_code
from tqdm import tqdm

import lsmpl_core as lsmpl
from lsmpl_core.calibration_files import read_calibration
from lsmpl_core.cameras import plain_yaml
from lsmpl_core.cameras.camera_files import read_cameras
from lsmpl_core.cli.bars import TakeBar
from lsmpl_core.cli.front_end import FrontEnd
from lsmpl_core.cli.inputs import plan_outputs
from lsmpl_core.cli.main import main
from lsmpl_core.doubtful import describe_doubtful
from lsmpl_core.errors import LONGEST_MESSAGE, KeypointFileError, LayoutError, LsmplError, MotionFileError, SolveError
from lsmpl_core.files import safe_pickle
from lsmpl_core.files.opening import open_file, read_file
from lsmpl_core.files.pickle_budget import Budget
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.motion_fields import write_arrays
from lsmpl_core.progress import Progress
from lsmpl_core.readers import READERS, read_keypoints, read_people
from lsmpl_core.readers.bvh import _hierarchy
from lsmpl_core.readers.mapping import MOST_KEYPOINTS, load_mapping
from lsmpl_core.resampling import resample, resample_track
from lsmpl_core.shown import shown
from lsmpl_core.solver.network import read_weights

COCO = LAYOUTS["coco_17"]
PERSON = walking(COCO)
MARKERS = [f"{side}{name}" for side in "LR" for name in ("ASI", "PSI", "KNE", "ANK", "TOE", "SHO", "ELB", "WRA")]


def read_csv(tmp_path, names, positions=None, **options):
    positions = np.zeros((3, len(names), 3)) + np.arange(3) if positions is None else positions
    (tmp_path / "take.csv").write_text(csv_text(names, positions))
    return read_keypoints(tmp_path / "take.csv", **options)


# Names and counts


@pytest.mark.parametrize("pattern", ["l_", "_", "*", " ", "left", "a", "1", "Hip.", "L-R-"])
@pytest.mark.parametrize("ending", ["trc", "csv"])
def test_a_name_of_80000_letters_is_refused_with_its_length(tmp_path, pattern, ending):
    name = "K" + pattern * (80_000 // len(pattern)) + "K"
    names = [*COCO.keypoints[:-1], name]
    text = trc_text(names, PERSON) if ending == "trc" else csv_text(names, PERSON)
    (tmp_path / f"take.{ending}").write_text(text)
    with pytest.raises(KeypointFileError, match=r"has \d+ letters .*at most 256|no keypoint has|match no known"):
        track = read_keypoints(tmp_path / f"take.{ending}")
        if "left_ankle" in track.layout.keypoints:  # a column that is of no keypoint may be called anything
            raise KeypointFileError("no keypoint has that name")


def test_ten_thousand_columns_are_refused_with_their_number(tmp_path):
    with pytest.raises(KeypointFileError, match=r"10000 keypoints; at most 5000|10000 keypoints"):
        read_csv(tmp_path, [f"k{i}_{'ab'[i % 2]}" for i in range(10_000)])


def test_a_line_of_a_million_cells_is_refused_before_they_are_looked_at(tmp_path, count_calls):
    def read(count):
        (tmp_path / "take.csv").write_text("frame," + "k_x," * count + "\n" + "1," * count)
        with pytest.raises(KeypointFileError, match=r"take\.csv: line 1 has more than the 80,000 cells that are read"):
            read_keypoints(tmp_path / "take.csv")

    assert count_calls(partial(read, 1_000_000)) < 10 * count_calls(partial(read, 100_000))


def test_joints_that_take_no_room_in_a_bvh_are_refused_before_they_take_memory(tmp_path):
    """Sixty kilobytes were asked for three hundred times as much, six hundred for gigabytes."""
    joints = "".join(f"ROOT j{i}\n{{\nOFFSET 0 0 1\n}}\n" for i in range(1900))
    (tmp_path / "take.bvh").write_text(f"HIERARCHY\n{joints}MOTION\n" + "0\n" * 3000)
    with at_most(20), pytest.raises(KeypointFileError, match=r"take\.bvh: 3000 x 1900 x 3 numbers would have to be"):
        read_keypoints(tmp_path / "take.bvh")


def test_hundred_thousand_lines_of_yaml_are_gone_through_once():
    with no_hang():  # once all that were left were copied at each
        assert len(plain_yaml.parse("- a: 1\n" * 100_000)) == 100_000


def test_structures_of_no_fields_in_a_mat_file_are_counted(tmp_path):
    """Two hundred bytes claimed two and a half billion of them."""
    flags = struct.pack("<IIII", 6, 8, 2, 0)
    shape = struct.pack("<IIii", 5, 8, 50_000, 50_000)
    name, length, fields = struct.pack("<II", 1, 0), struct.pack("<II", 5 | 4 << 16, 32), struct.pack("<II", 1, 0)
    content = flags + shape + name + length + fields
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "take.mat").write_bytes(header + struct.pack("<II", 14, len(content)) + content)
    with at_most(20), pytest.raises(KeypointFileError, match=r"take\.mat has more than 200,000 cells and fields"):
        read_keypoints(tmp_path / "take.mat")


@pytest.mark.parametrize("element", ["<a/>", "<a><position/></a>", "<segment/>"])
def test_elements_of_mvnx_that_say_nothing_take_no_memory(tmp_path, element):
    """They took thirty times their text."""
    (tmp_path / "take.mvnx").write_text(f"<mvnx><subject>{element * 100_000}</subject></mvnx>")
    with at_most(15), pytest.raises(KeypointFileError, match=r"take\.mvnx: (no frame has|has more subjects)"):
        read_keypoints(tmp_path / "take.mvnx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037"])
def test_mvnx_that_declares_entities_is_refused_in_any_encoding(tmp_path, encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = '<!DOCTYPE mvnx [<!ENTITY a "position">]><mvnx>&a;</mvnx>'
    data = (head + text).encode(encoding) if encoding == "utf-16" else head.encode() + text.encode(encoding)
    (tmp_path / "take.mvnx").write_bytes(data)
    with pytest.raises(KeypointFileError, match=r"take\.mvnx: (declares entities|is no MVNX file)"):
        read_keypoints(tmp_path / "take.mvnx")


@pytest.mark.parametrize("numbers", ["1 2 word", "1 2", "1 " * 100_000])
def test_frames_of_mvnx_have_as_many_numbers_as_segments(tmp_path, numbers):
    frame = f'<frame type="normal" index="\u00b2"><position>{numbers}</position></frame>'
    text = f'<mvnx><subject label="a"><segments><segment label="Pelvis"/></segments>{frame}</subject></mvnx>'
    (tmp_path / "take.mvnx").write_text(text, encoding="utf-8")
    with at_most(20), pytest.raises(KeypointFileError, match=r"take\.mvnx: a frame has (words|2 numbers)"):
        read_keypoints(tmp_path / "take.mvnx")


def test_fields_of_a_structured_array_with_no_valid_text_are_refused(tmp_path):
    table = np.zeros(3, [("name", "<U4"), ("x", "f8"), ("y", "f8"), ("z", "f8")])
    table["name"] = "nose"
    np.save(tmp_path / "take.npy", table)
    data = (tmp_path / "take.npy").read_bytes()
    (tmp_path / "take.npy").write_bytes(data.replace("nose".encode("utf-32-le"), b"\xff" * 16))
    with pytest.raises(KeypointFileError, match=r"take\.npy holds no valid text"):
        read_keypoints(tmp_path / "take.npy")


def test_parameters_of_a_c3d_that_lie_in_one_another_are_not_copied(tmp_path):
    """Each says that it has the 65,025 bytes that follow it: four megabytes were copied to 26 GB."""
    good = c3d_bytes(COCO.keypoints, PERSON[:4].astype(np.float32), INTEL, -1, [])
    at = 512 * (good[0] - 1) + 4
    overlapping = (b"\x01\x01A" + struct.pack("<h", 6) + b"\xff\x02\xff\xff") * 20_000
    (tmp_path / "take.c3d").write_bytes(good[:at] + overlapping + bytes(70_000))
    with at_most(20), contextlib.suppress(KeypointFileError):
        read_keypoints(tmp_path / "take.c3d")


def test_end_sites_in_end_sites_are_looked_through_once():
    joints = [line for i in range(1500) for line in (f"JOINT j{i}", "{", "OFFSET 0 0 1", "}")]
    with no_hang():  # once each joint went through all braces that are open
        found = _hierarchy(["ROOT a", "{", *["End Site", "{"] * 100_000, *joints], "take.bvh")
    assert {joint.parent for joint in found[1:]} == {0}


def test_a_thousand_columns_of_one_name_are_one_keypoint(tmp_path):
    with pytest.raises(LayoutError):
        read_csv(tmp_path, ["LeftHand"] * 1000)


def test_thousands_of_unknown_points_among_markers_are_set_aside(tmp_path):
    names = [*MARKERS, *(f"Q{i}a" for i in range(400))]
    positions = np.random.default_rng(0).normal(scale=0.3, size=(4, len(names), 3)) + [0, 0, 1]
    track = read_csv(tmp_path, names, positions, unit=0.5)
    assert set(track.layout.keypoints) == set(MARKERS)
    assert "400 points" in [decision.value for decision in track.decisions]


def test_thousands_of_columns_that_are_called_like_markers_are_refused(tmp_path):
    """Half a megabyte was solved in 800 MB."""
    names = [f"{COCO.keypoints[i % 17]}.{i // 17}" for i in range(4000)]
    with pytest.raises(LayoutError, match=r"take\.csv: 2,\d+ columns have names of markers; at most 1,000"):
        read_csv(tmp_path, names, np.random.default_rng(0).normal(size=(3, 4000, 3)))


def test_a_mapping_of_a_thousand_keypoints_is_refused(tmp_path):
    (tmp_path / "map.json").write_text(json.dumps({"keypoints": ["left_hip"] + ["nose"] * 1000}))
    with pytest.raises(LayoutError, match=rf"1001 keypoints; a mapping has at most {MOST_KEYPOINTS}"):
        load_mapping(tmp_path / "map.json")


# Numbers


def test_coordinates_of_1e300_are_missing(tmp_path, body):
    positions = PERSON.copy()
    positions[5:9] *= 1e300
    np.save(tmp_path / "take.npy", positions)
    track = read_keypoints(tmp_path / "take.npy")
    assert not track.visible[5:9].any() and track.visible[10:].all()


def test_a_column_of_1e300_leaves_too_little_and_says_so(tmp_path, body):
    positions = PERSON.copy()
    positions[:, 2:] = 1e300
    np.save(tmp_path / "take.npy", positions)
    with pytest.raises(LsmplError, match=r"take\.npy"):
        lsmpl.solve(read_keypoints(tmp_path / "take.npy", layout="coco_17"), body)


def test_one_confidence_of_1e300_makes_nothing_of_no_other(tmp_path):
    confidence = np.full((*PERSON.shape[:2], 1), 0.9)
    confidence[3, 5] = 1e300
    np.save(tmp_path / "take.npy", np.concatenate([PERSON, confidence], axis=2))
    track = read_keypoints(tmp_path / "take.npy", layout="coco_17")
    assert not track.visible[3, 5] and track.visible.sum() == PERSON[..., 0].size - 1
    assert track.confidence[track.visible].min() == pytest.approx(0.9)
    assert "1 left out" in [decision.value for decision in track.decisions]


def test_numbers_that_are_read_one_byte_off_are_no_person_without_a_word(tmp_path, capsys):
    """A header cut short: every number is made of halves of two."""
    np.save(tmp_path / "take.npy", PERSON[:8].astype("<f4"))
    data = (tmp_path / "take.npy").read_bytes()
    (tmp_path / "take.npy").write_bytes(data[:128] + data[129:] + b"\0")
    code = main(["convert", str(tmp_path / "take.npy"), "-o", str(tmp_path / "out.npz"), "--layout", "coco_17"])
    told = capsys.readouterr()
    assert code in (1, 3) and ("take.npy" in told.err or "NOT TO BE TRUSTED" in told.out)
    assert "unexpected" not in told.err


@pytest.mark.parametrize(
    ("unit", "found", "advice"), [("m", "people are 0.3 to 3 m", "In mm"), ("ft", "people are", "In mm")]
)
def test_millimetres_that_are_taken_for_something_larger_are_refused_with_the_unit_that_fits(
    tmp_path, unit, found, advice
):
    np.savez(tmp_path / "take.npz", keypoints3d=(1000 * PERSON).astype("f4"), names=np.array(COCO.keypoints))
    with pytest.raises(KeypointFileError, match=rf"take\.npz: with unit {unit} .*{found}.*{advice}"):
        read_keypoints(tmp_path / "take.npz", unit=unit)


def test_a_track_in_another_unit_is_refused_before_it_is_solved(body):
    """Of who gives arrays, or objects of a scene."""
    for factor in (1000.0, 1e-4):
        track = lsmpl.KeypointTrack(factor * PERSON, layout=COCO, source="take")
        with pytest.raises(SolveError, match=r"take: half of its keypoints .* Is the unit right\?"):
            lsmpl.solve(track, body)


def test_single_keypoints_on_the_moon_are_missing(body):
    positions = PERSON[:6].copy()
    positions[2, 3] = 3.8e8
    assert not lsmpl.KeypointTrack(positions, layout=COCO).visible[2, 3]


@pytest.mark.parametrize("fps", [0.0, -1.0, 0.5, 1e30, 1e-300, float("nan"), float("inf")])
def test_tracks_and_motions_of_absurd_rates_are_refused(fps):
    with pytest.raises(KeypointFileError, match="frames a second"):
        lsmpl.KeypointTrack(PERSON, layout=COCO, fps=fps)
    with pytest.raises(MotionFileError, match="frames a second"):
        lsmpl.Motion(np.zeros((3, 24, 3)), np.zeros((3, 3)), fps=fps)


@pytest.mark.parametrize(("name", "value"), [("betas", np.full(10, 1e6)), ("start_pose", np.full((24, 3), 1e300))])
def test_absurd_shapes_and_poses_are_refused(body, name, value):
    with pytest.raises(SolveError, match=f"{name} .*at most"):
        lsmpl.solve(lsmpl.KeypointTrack(PERSON[:3], layout=COCO), body, **{name: value})


def test_numbers_that_cannot_be_solved_with_end_in_an_error_of_ours(body):
    from lsmpl_core.solver.nonsense import refusing_nonsense

    @refusing_nonsense
    def steps(track):
        yield
        np.linalg.solve(np.zeros((2, 2)), np.zeros(2))

    with pytest.raises(SolveError, match=r"take: its numbers make no sense as a moving person"):
        list(steps(lsmpl.KeypointTrack(PERSON, layout=COCO, source="take")))


@pytest.mark.parametrize("kind", ["c3d", "csv"])
def test_known_markers_that_are_never_seen_are_said_to_be(tmp_path, body, kind):
    """Names of markers over numbers of nothing: once "not enough values to unpack"."""
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(12, len(MARKERS), 3)) * 1e-4
    if kind == "c3d":
        (tmp_path / "take.c3d").write_bytes(c3d_bytes(MARKERS, positions.astype(np.float32), INTEL, -1, []))
    else:
        (tmp_path / "take.csv").write_text(csv_text(MARKERS, positions))
    with pytest.raises(LsmplError, match=r"take\."):
        track = read_keypoints(tmp_path / f"take.{kind}", unit=1.0)
        lsmpl.solve(track, body)


@pytest.mark.parametrize("rate", ["1e300", "1e-300", "1e308", "1e30", "0.01"])
@pytest.mark.parametrize("option", ["--fps", "--resample"])
def test_absurd_rates_are_refused_on_the_command_line(capsys, rate, option):
    assert main(["convert", "x.npy", "-o", "x.npz", option, rate]) == 2
    assert "10,000 frames a second" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--threads", "-1", "-1 is no number of threads; expected one from 1 to"),
        ("--threads", "0", "0 is no number of threads"),
        ("--threads", "9" * 5000, "is no number of threads"),
        ("--threads", "\u0663", "is no number of threads"),
        ("--threads", "two", "two is no number of threads"),
        ("--jobs", "-3", "-3 is neither auto nor a number of processes"),
        ("--jobs", "9" * 5000, "is neither auto nor a number of processes"),
        ("--polish", "-1", "-1 is no number of steps; expected one from 0 to 10"),
        ("--polish", "1e9", "1e9 is no number of steps"),
        ("--fps", "fast", "fast is no number"),
        ("--smooth", "a lot", "a lot is no number"),
        ("--smooth", "-0.5", "-0.5 is not between 0 and 1"),
        ("--smooth", "nan", "nan is not between 0 and 1"),
        ("--fps", "--", "argument --fps: -- is no "),
        ("--resample", "--", "argument --resample: -- is no "),
        ("--part", "--", "argument --part: -- is no "),
        ("--floor", "1e300", "1e300 m is farther than anything on Earth is"),
        ("--floor", "1e400", "1e400 is neither auto, nor keep, nor zero, nor a height in metres"),
        ("--timeout", "-1", "-1 is not above 0"),
        ("--part", "0/3", "0/3 is no share"),
    ],
)
def test_absurd_options_are_refused_in_our_words(capsys, option, value, told):
    assert main(["convert", "x.npy", "-o", "out/", f"{option}={value}"]) == 2
    err = capsys.readouterr().err
    assert told in err and "invalid" not in err and len(err) < 5000


@pytest.mark.parametrize("option", ["--body", "--device", "--layout", "--markers", "--report", "--trust"])
def test_words_without_end_are_shown_shortened(tmp_path, capsys, option):
    np.save(tmp_path / "take.npy", PERSON)
    words = ["convert", str(tmp_path / "take.npy"), "-o", str(tmp_path / "o.npz"), option, "x" * 100_000]
    assert main(words) in (1, 2)
    lines = capsys.readouterr().err.splitlines()
    assert "xxx" in lines[0] and max(map(len, lines)) < 4100


def test_a_timeout_of_centuries_is_refused(capsys):
    assert main(["convert", "x.npy", "-o", "out/", "--timeout", "1e10"]) == 2
    assert "a year" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_frame", 1e38),
        ("first_frame", np.zeros(3)),
        ("mocap_framerate", np.array([])),
        ("mocap_framerate", 1e400),
    ],
)
def test_motions_with_absurd_fields_are_refused_with_their_names(tmp_path, field, value):
    fields = {"poses": np.zeros((3, 72)), "trans": np.zeros((3, 3)), "mocap_framerate": 30.0}
    np.savez(tmp_path / "m.npz", **(fields | {field: value}))
    with pytest.raises(MotionFileError, match=r"m\.npz.*(first_frame|frame rate)"):
        lsmpl.Motion.load(tmp_path / "m.npz")


def test_names_of_keypoints_that_are_tables_of_numbers_are_refused(tmp_path):
    """A million numbers were written out as a name once, which took half a minute."""
    fields = {"poses": np.zeros((3, 72)), "trans": np.zeros((3, 3)), "mocap_framerate": 30.0}
    np.savez_compressed(tmp_path / "m.npz", **fields, keypoint_names=np.zeros((2, 700, 700), np.int8))
    with pytest.raises(MotionFileError, match=r"m\.npz: keypoint_names hold int8 of shape \(2, 700, 700\)"):
        lsmpl.Motion.load(tmp_path / "m.npz")


@pytest.mark.parametrize("each", [1, 30])
def test_work_grows_with_the_number_of_people_alone(tmp_path, count_calls, each):
    """Thousands of people, or frames, in one file: once each was compared with all others."""
    calls = []
    for people in (20, 200):
        person = {"pose": np.zeros((each, 72)), "trans": np.zeros((each, 3)), "frame_ids": np.arange(each)}
        (tmp_path / "m.pkl").write_bytes(pickle.dumps(dict.fromkeys(range(people), person)))
        calls.append(count_calls(partial(lsmpl.read_motion, tmp_path / "m.pkl")))
    assert calls[1] < 15 * calls[0]


@pytest.mark.parametrize("numbered", ["ids", "keys"])
def test_crowds_that_are_numbered_are_not_compared_with_one_another(tmp_path, count_calls, numbered):
    """Two megabytes took minutes."""
    calls = []
    for count in (100, 1000):
        poses = [[[i, 0.1 * k, 1.0] for k in range(5)] for i in range(count)]
        people = [{"id": i, "keypoints3d": pose} for i, pose in enumerate(poses)]
        frame = {"people": people if numbered == "ids" else {str(one["id"]): one for one in people}}
        (tmp_path / "t.json").write_text(json.dumps({"frames": [frame] * 3}))

        def read():
            with contextlib.suppress(LayoutError):
                read_keypoints(tmp_path / "t.json")

        calls.append(count_calls(read))
    assert calls[1] < 15 * calls[0]


def test_arrays_that_a_pickle_calls_again_and_again_are_not_all_looked_through(tmp_path):
    """Two hundred kilobytes were millions of poses."""
    takes = [np.ones((100, 17, 3))] * 1000
    (tmp_path / "t.pkl").write_bytes(pickle.dumps(takes))
    with pytest.raises(KeypointFileError, match=r"t\.pkl: holds the same array of shape \(100, 17, 3\) again"):
        read_keypoints(tmp_path / "t.pkl")


def test_people_who_are_the_same_arrays_are_read_once(tmp_path):
    person = {"poses": np.full((5000, 72), 0.1, np.float32), "trans": np.zeros((5000, 3), np.float32)}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([dict(person) for _ in range(200)]))
    with at_most(200):  # once 12 MB for each of them
        assert len(lsmpl.read_motion(tmp_path / "m.pkl")) == 5000


@pytest.mark.parametrize("item", ['{"nose": [1, 2, 3]}', '{"keypoints": [[1, 2, 3], [4, 5, 6]]}'])
def test_objects_without_end_that_hold_no_pose_are_not_all_looked_through(tmp_path, item):
    (tmp_path / "t.jsonl").write_text(f"{item}\n" * 21_000)
    with pytest.raises(KeypointFileError, match=r"t\.jsonl: its first 20,000 lists and objects hold no keypoints"):
        read_keypoints(tmp_path / "t.jsonl")


def test_rows_of_thousands_of_people_are_told_apart_at_once(tmp_path):
    who = np.arange(30_000) % 10_000
    fields = {"pose": np.zeros((30_000, 72), np.float32), "trans": np.zeros((30_000, 3), np.float32), "id": who}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(fields))
    with no_hang():
        assert len(lsmpl.read_motion(tmp_path / "m.pkl")) > 0


def test_more_people_than_a_file_is_read_for_are_refused_with_their_number(tmp_path):
    frame = [{"id": i, "keypoints3d": (PERSON[0] + [3 * i, 0, 0]).round(2).tolist()} for i in range(101)]
    (tmp_path / "crowd.json").write_text(json.dumps([{"people": frame}] * 2))
    assert len(read_keypoints(tmp_path / "crowd.json", person="7")) == 2
    with no_hang(), pytest.raises(KeypointFileError, match=r"crowd\.json: 101 people are in it; at most 100"):
        read_people(tmp_path / "crowd.json")


def test_a_marker_without_a_name_is_left_aside(tmp_path):
    names = ["", "LASI", "RASI", "LPSI", "RPSI", "LKNE", "RKNE", "LANK", "RANK", "C7", "CLAV", "STRN"]
    positions = np.random.default_rng(0).normal(size=(4, len(names), 3))
    np.savez(tmp_path / "take.npz", keypoints3d=positions, names=np.array(names))
    with contextlib.suppress(LsmplError):
        read_keypoints(tmp_path / "take.npz")


def test_a_motion_of_torn_letters_is_told_in_our_words(tmp_path):
    (tmp_path / "m.json").write_bytes(b'{"poses": "\xc3')
    with pytest.raises(MotionFileError, match="is no JSON: its text at byte 11 is in no encoding"):
        lsmpl.read_motion(tmp_path / "m.json")


def test_four_estimates_do_not_fill_a_day_of_frames(tmp_path):
    person = {"pose": np.zeros((4, 72)), "trans": np.zeros((4, 3)), "betas": np.zeros((4, 10))}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({0: person | {"frame_ids": np.array([0, 1, 2, 200_000])}}))
    with pytest.raises(MotionFileError, match=r"m\.pkl: numbers its frames 0 to 200000, but holds only 4 est"):
        lsmpl.read_motion(tmp_path / "m.pkl")


def test_letters_beyond_unicode_in_an_npz_are_no_text(tmp_path):
    names = np.array(COCO.keypoints, dtype="<U20")
    names.view("<u4")[3] = 0x7FFFFFFF
    np.savez(tmp_path / "take.npz", keypoints3d=PERSON, names=names)
    with pytest.raises(KeypointFileError, match="names holds no valid text"):
        read_keypoints(tmp_path / "take.npz")


def test_texts_of_gigabytes_that_an_npz_claims_are_refused_and_crash_nothing(tmp_path):
    """NumPy 1 counts their bytes in 32 bits: less than none, over which whatever looks at the array crashes."""
    stream = io.BytesIO()
    np.save(stream, np.array("abcdefghij"))
    claimed = stream.getvalue().replace(
        b"'<U10', 'fortran_order': False, ", b"'<U1000000000', 'fortran_order': False, "
    )
    claimed = claimed.replace(b" " * 8 + b"\n", b"\n")
    lsmpl.Motion(np.zeros((3, 24, 3)), np.zeros((3, 3))).save(tmp_path / "m.npz")
    with zipfile.ZipFile(tmp_path / "m.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        for name, data in (members | {"first_frame.npy": claimed}).items():
            archive.writestr(name, data)
    with pytest.raises(MotionFileError, match=r"first_frame (claims texts of gigabytes|is no NumPy array)"):
        lsmpl.Motion.load(tmp_path / "m.npz")


def test_an_npz_whose_listing_points_before_its_beginning_is_damaged(tmp_path):
    np.savez(tmp_path / "take.npz", keypoints3d=PERSON)
    data = bytearray((tmp_path / "take.npz").read_bytes())
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = b"\xff\xff\xff\x7f"
    (tmp_path / "take.npz").write_bytes(data)
    for read in (read_keypoints, lsmpl.Motion.load, lsmpl.load_body):
        with pytest.raises(LsmplError, match=r"take\.npz.*damaged"):
            read(tmp_path / "take.npz")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "cp037"])
def test_json_in_no_encoding_of_ours_is_said_to_be(tmp_path, encoding):
    (tmp_path / "map.json").write_bytes('{"keypoints": {"é": "nosé"}}'.encode(encoding))
    with pytest.raises(
        LayoutError, match=r"map\.json: not a JSON mapping: (its text is not in UTF-8|Expecting)|no site"
    ):
        load_mapping(tmp_path / "map.json")


@pytest.mark.parametrize("content", [{"keypoints": {"n" * 80_000: "nose"}}, {"keypoints": ["x" * 80_000]},
                                     {"keypoints": ["nose"], "edges": [["y" * 80_000, "nose"]]},
                                     {"z" * 80_000: 1, "keypoints": ["nose"]}])  # fmt: skip
def test_messages_about_endless_words_have_an_end(tmp_path, content):
    (tmp_path / "map.json").write_text(json.dumps(content))
    with pytest.raises(LayoutError, match=r"map\.json") as caught:
        load_mapping(tmp_path / "map.json")
    assert len(str(caught.value)) < 3000


def test_a_frame_without_names_among_frames_with_them_is_missing(tmp_path):
    frames = [dict(zip(COCO.keypoints, frame)) for frame in PERSON[:8].tolist()]
    frames[3] = PERSON[3].tolist()
    (tmp_path / "take.json").write_text(json.dumps(frames))
    seen = read_keypoints(tmp_path / "take.json").visible.sum(axis=1)
    assert seen[3] == 0 and (np.delete(seen, 3) == 17).all()


@pytest.mark.parametrize("form", [(24, 3, 3), (24, 4), (24, 6), (72,)])
def test_rotations_of_1e200_are_told_by_their_size(tmp_path, form):
    with pytest.raises(MotionFileError, match=r"1e\+200, which no rotation has"):
        (tmp_path / "m.pkl").write_bytes(
            pickle.dumps({"smpl_poses": np.full((5, *form), 1e200), "trans": np.ones((5, 3))})
        )
        lsmpl.read_motion(tmp_path / "m.pkl")


def test_two_people_one_of_whom_is_at_1e200_are_read_without_a_warning(tmp_path):
    both = np.stack([PERSON[:8], 1e200 * PERSON[:8]])
    np.save(tmp_path / "two.npy", both)
    assert len(read_keypoints(tmp_path / "two.npy", layout="coco_17")) == 8


def test_frames_whose_numbers_are_beyond_counting_are_counted(tmp_path):
    fields = {"smpl_poses": np.zeros((4, 72)), "trans": np.ones((4, 3))}
    for number in (1e30, np.inf):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps(fields | {"frame_ids": np.full(4, number)}))
        assert len(lsmpl.read_motion(tmp_path / "m.pkl")) == 4


def test_rows_at_1e200_that_are_out_of_order_are_refused_without_a_warning(tmp_path):
    rows = np.column_stack([np.array([0, 1, 3, 2, 4, 5, 6, 7]) / 30, 1e200 * PERSON[:8].reshape(8, -1)])
    names = ["time", *(f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz")]
    np.savetxt(tmp_path / "take.csv", rows, delimiter=",", header=",".join(names), comments="")
    with pytest.raises(KeypointFileError, match=r"take\.csv"):
        read_keypoints(tmp_path / "take.csv")


def test_rows_as_of_places_and_turns_at_1e200_are_told_by_their_size(tmp_path):
    np.savetxt(tmp_path / "take.txt", 1e200 * np.ones((8, 7 * 17)))
    with pytest.raises(LsmplError, match=r"take\.txt"):
        read_keypoints(tmp_path / "take.txt")


@pytest.mark.parametrize("key", ["timestamp", "frame", "dt", "fps"])
def test_integers_beyond_all_numbers_are_no_times(tmp_path, key):
    frames = [{key: 10**400 + t, "keypoints3d": frame} for t, frame in enumerate(PERSON[:8].tolist())]
    (tmp_path / "take.json").write_text(json.dumps(frames))
    assert len(read_keypoints(tmp_path / "take.json", layout="coco_17")) == 8


@pytest.mark.parametrize("rotation", [[10**400, 0, 0, 0], {"w": 10**400, "x": 0, "y": 0, "z": 0}, [1e200] * 4])
def test_rotations_beyond_all_numbers_are_none(tmp_path, rotation):
    frames = [
        {"joints": [{"name": n, "position": p, "orientation": rotation} for n, p in zip(COCO.keypoints, frame)]}
        for frame in PERSON[:8].tolist()
    ]
    (tmp_path / "take.json").write_text(json.dumps(frames))
    assert read_keypoints(tmp_path / "take.json").turns is None


def test_rotations_of_no_joints_are_none(tmp_path):
    none = {"pred_global_rots": np.zeros((8, 0, 4)), "pred_joint_coords": np.zeros((8, 0, 3))}
    (tmp_path / "take.pkl").write_bytes(pickle.dumps({"pred_keypoints_3d": PERSON[:8], **none}))
    assert read_keypoints(tmp_path / "take.pkl", layout="coco_17").turns is None


@pytest.mark.parametrize("other", ["1.5", "-1e200"])
def test_two_rows_a_frame_at_1e200_are_of_nobody(tmp_path, other):
    rows = [",".join([str(t // 2), *[("1e200", other)[t % 2]] * 51]) for t in range(16)]
    labels = [f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz"]
    (tmp_path / "take.csv").write_text("\n".join([",".join(["frame", *labels]), *rows]))
    with pytest.raises(KeypointFileError, match=r"take\.csv"):
        read_keypoints(tmp_path / "take.csv")


def test_names_over_seven_columns_of_1e200_are_of_no_places(tmp_path):
    names = ",".join(",".join([name] * 7) for name in COCO.keypoints)
    row = ",".join(["1e200"] * 7 * 17)
    (tmp_path / "take.csv").write_text(f"frame,{names}\n" + "".join(f"{t},{row}\n" for t in range(8)))
    with pytest.raises(KeypointFileError, match=r"take\.csv"):
        read_keypoints(tmp_path / "take.csv")


def test_a_melted_table_that_is_blank_but_for_its_diagonal_is_refused(tmp_path):
    """A hundred kilobytes would be a table of hundreds of megabytes."""
    rows = "".join(f"{i},v{i}_{'xyz'[i % 3]},1\n" for i in range(6000))
    (tmp_path / "take.csv").write_text("frame,variable,value\n" + rows)
    with at_most(20), pytest.raises(KeypointFileError, match=r"take\.csv: 6000 x 6000 numbers would have to be"):
        read_keypoints(tmp_path / "take.csv")


def test_labels_of_nothing_but_axes_are_not_looked_at_letter_by_letter(tmp_path):
    labels = ",".join(f"{i:x}" + "xyz" * 80 for i in range(1500))
    (tmp_path / "take.csv").write_text(f"frame,{labels}\n" + ("0," + "1," * 1500 + "\n") * 3)
    with at_most(30), pytest.raises(KeypointFileError, match=r"take\.csv"):
        read_keypoints(tmp_path / "take.csv")


def test_a_long_table_whose_groups_have_no_place_is_refused(tmp_path):
    rows = [",".join([str(t), *(f"joint{k},0.5" for k in range(6)), "1", "2", "3"]) for t in range(8)]
    (tmp_path / "take.csv").write_text("\n".join(["frame," + "joint,w," * 6 + "x,y,z", *rows]))
    with pytest.raises(LsmplError, match=r"take\.csv"):
        read_keypoints(tmp_path / "take.csv")


@pytest.mark.parametrize("field", ["poses", "trans", "mocap_framerate"])
def test_complex_numbers_are_no_motion(tmp_path, field):
    fields = {"poses": np.zeros((3, 72)), "trans": np.zeros((3, 3)), "mocap_framerate": np.array(30.0)}
    np.savez(tmp_path / "m.npz", **(fields | {field: fields[field] + 1j}))
    for read in (lsmpl.Motion.load, lsmpl.read_motion):
        with pytest.raises(MotionFileError, match="holds complex128"):
            read(tmp_path / "m.npz")


# Pickles


def test_sets_that_a_small_file_builds_again_and_again_are_refused():
    """MARK 500 items FROZENSET, again and again, in ten kilobytes of gzip."""
    one = b"(" + b"".join(b"K" + bytes([i % 256]) for i in range(500)) + b"\x91"
    data = b"\x80\x04]" + (one + b"a") * 12_000 + b"."
    packed = gzip.compress(data)
    assert len(packed) < len(data) / 50
    with pytest.raises(LsmplError, match="nothing in it was run"):
        safe_pickle.loads(packed, name="sets.pkl")


def test_ten_kilobytes_have_a_tenth_of_a_second_of_steps_whatever_they_unpack_to():
    assert Budget.of(10_000, 16 << 20).steps < 200_000  # of a microsecond or two each


def test_lists_that_are_the_same_again_and_again_are_refused():
    """Ten lists of ten lists of ..., in 300 bytes: whoever walks through them takes years."""
    levels = b"".join(b"0](" + (b"h" + bytes([i])) * 10 + b"eq" + bytes([i + 1]) for i in range(12))
    data = b"\x80\x04](" + b"K\x00" * 10 + b"eq\x00" + levels + b"."
    with pytest.raises(LsmplError, match="repeats its lists"):
        safe_pickle.loads(data, name="lists.pkl")
    with pytest.raises(LsmplError, match="in itself"):
        safe_pickle.loads(b"\x80\x04]q\x00h\x00a.", name="itself.pkl")


@pytest.mark.parametrize("kind", ["tuples", "strings"])
def test_keys_that_take_long_to_compare_are_few_and_short(kind):
    """Tuples' hashes can be made to collide; long strings are compared letter by letter."""
    tuples = [b"(J" + i.to_bytes(4, "little") + b"K\x01tN" for i in range(5_000)]
    strings = [b"X\xd0\x07\0\0" + b"%04d" % i + b"a" * 1996 + b"N" for i in range(3)]
    pairs = {"tuples": tuples, "strings": strings}[kind]
    with pytest.raises(LsmplError, match=r"keys that are tuples|short string"):
        safe_pickle.loads(b"\x80\x04}(" + b"".join(pairs) + b"u.", name="keys.pkl")


def test_keys_that_share_one_hash_are_refused():
    """Multiples of Python's hash modulus: each new one is compared with all before."""
    keys = {i * ((1 << 61) - 1): None for i in range(1, 50)}
    with pytest.raises(LsmplError, match="key"):
        safe_pickle.loads(pickle.dumps(keys), name="keys.pkl")


# Memory


@contextmanager
def at_most(megabytes: float):
    """What is allocated meanwhile, by Python and NumPy."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert peak < megabytes, f"{peak:.0f} MB"


def test_absurd_rates_and_mappings_are_refused_before_memory_is_spent(tmp_path, capsys):
    (tmp_path / "map.json").write_text(json.dumps({"keypoints": ["left_hip"] + ["nose"] * 3000}))
    np.save(tmp_path / "take.npy", PERSON)
    words = ["convert", str(tmp_path / "take.npy"), "-o", str(tmp_path / "out.npz")]
    with at_most(20):  # the open body is some of it
        assert main([*words, "--resample", "1e6"]) == 2
        assert main([*words, "--layout", str(tmp_path / "map.json")]) == 1
    assert "at most 256" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "piece", "pieces"), [("t.csv", "1,2,3\n", "rows"), ("t.json", "[],", "lists"), ("t.trc", "1\t2\n", "rows")]
)
def test_texts_of_millions_of_small_pieces_are_refused_before_they_are_taken_apart(tmp_path, name, piece, pieces):
    text = ("[" if name == "t.json" else "") + piece * (18_000_000 // len(piece))
    (tmp_path / name).write_text(text)
    with at_most(60), pytest.raises(KeypointFileError, match=rf"{pieces} would take \d+ GB of memory"):
        read_keypoints(tmp_path / name)


@pytest.mark.parametrize("kind", ["i1", "f4", "f8"])
def test_a_few_kilobytes_of_zeros_are_read_in_half_a_gigabyte_or_refused(tmp_path, kind):
    np.savez_compressed(tmp_path / "take.npz", keypoints3d=np.zeros((300_000, 17, 3), kind))
    with at_most(500), pytest.raises(KeypointFileError, match=r"take\.npz"):
        read_keypoints(tmp_path / "take.npz")


def test_frames_that_are_too_many_are_not_made():
    motion = lsmpl.Motion(np.zeros((200, 24, 3)), np.zeros((200, 3)), fps=1.0)
    track = lsmpl.KeypointTrack(np.ones((200, 17, 3)), layout=COCO, fps=1.0)
    for make, one in ((resample, motion), (resample_track, track)):
        with at_most(2), pytest.raises(LsmplError, match=r"would become 1,990,001 at 10000; at most 100,000"):
            make(one, 10_000.0)


def test_a_frame_that_is_made_takes_three_kilobytes_at_most():
    motion = lsmpl.Motion(np.zeros((200, 24, 3)), np.zeros((200, 3)), fps=1.0)
    with at_most(0.003 * 20_000 + 20):  # those that are turned into matrices at once besides
        resample(motion, 100.0)
        describe_doubtful(motion)


def test_who_stands_still_for_an_hour_is_saved(tmp_path):
    """Nothing shrinks like it but files that are made to fill the memory, which are refused."""
    lsmpl.Motion(np.zeros((70_000, 24, 3)), np.zeros((70_000, 3))).save(tmp_path / "still.npz")
    assert len(lsmpl.Motion.load(tmp_path / "still.npz")) == 70_000


# What is no file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_nothing_takes_the_place_of_a_device_or_a_pipe(tmp_path, capsys):
    """`--report /dev/null`, by root, would leave the machine without it."""
    np.save(tmp_path / "take.npy", PERSON)
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "link.json").symlink_to(os.devnull)
    words = ["convert", str(tmp_path / "take.npy"), "-o"]
    assert main([*words, str(tmp_path / "o.npz"), "--report", str(tmp_path / "link.json")]) == 2
    assert "--report is" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "pipe.npz")]) == 2
    assert "which is no file" in capsys.readouterr().err
    for name in ("pipe.npz", "link.json"):
        with pytest.raises(MotionFileError, match="is no file, and nothing is written in its place"):
            lsmpl.Motion(np.zeros((3, 24, 3)), np.zeros((3, 3))).save(tmp_path / name)
    assert (tmp_path / "pipe.npz").is_fifo() and (tmp_path / "link.json").is_symlink()


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="Windows' devices have no paths")
@pytest.mark.parametrize("ending", [*READERS, ".pkl"])
def test_devices_and_pipes_are_not_read(tmp_path, ending):
    """Of which some never end: once this waited for what nobody sent."""
    (tmp_path / f"take{ending}").symlink_to(os.devnull)
    with pytest.raises(KeypointFileError, match=rf"take{ending}.* cannot be read: is neither a file nor a folder"):
        read_keypoints(tmp_path / f"take{ending}")


def test_no_model_motion_mapping_or_calibration_is_read_from_a_device(tmp_path):
    for ending in ("npz", "pkl", "json", "toml", "npy"):
        (tmp_path / f"link.{ending}").symlink_to(os.devnull)
    link = str(tmp_path / "link.{}").format
    for read, ending in (
        (lsmpl.load_body, "npz"), (lsmpl.load_body, "pkl"), (lsmpl.Motion.load, "npz"), (lsmpl.read_motion, "npz"),
        (lsmpl.read_motion, "pkl"), (lsmpl.read_motion, "json"), (lsmpl.read_motion, "npy"), (load_mapping, "json"),
        (read_cameras, "toml"), (read_cameras, "json"), (read_calibration, "json"), (read_weights, "npz"),
    ):  # fmt: skip
        with pytest.raises(LsmplError, match=rf"link\.{ending}.* is neither a file nor a folder"):
            read(Path(link(ending)))


@pytest.mark.skipif(not os.path.exists("/proc/version"), reason="no system with /proc")
def test_what_says_that_it_is_empty_is_not_read():
    """As all in /proc says, where /proc/kmsg waits for the kernel's next message."""
    with open("/proc/version", "rb") as file:
        assert file.read()
    assert read_file("/proc/version") == b""
    with pytest.raises(OSError, match="the file is empty"):
        open_file("/proc/version")


def test_no_more_of_a_file_is_read_than_it_had_when_it_was_opened(tmp_path, monkeypatch):
    (tmp_path / "grows.csv").write_bytes(b"x" * 10)
    monkeypatch.setattr("lsmpl_core.files.opening.file_size", lambda path: 4)
    assert read_file(tmp_path / "grows.csv") == b"xxxx"


def test_a_locked_folder_among_takes_fails_alone(tmp_path, capsys, monkeypatch):
    """Once it stopped all others."""
    for name in ("a.npy", "locked/b.npy", "open/c.npy"):
        (tmp_path / "takes" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "takes" / name, PERSON[:2])
    list_all = Path.iterdir

    def listed(folder):
        if folder.name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return list_all(folder)

    monkeypatch.setattr(Path, "iterdir", listed)
    assert main(["convert", str(tmp_path / "takes"), "-o", str(tmp_path / "out"), "--solver", "polish"]) == 1
    told = capsys.readouterr()
    assert "2 ok, 1 failed" in told.out and "locked: cannot be read: Permission denied" in told.err
    assert {path.name for path in (tmp_path / "out").rglob("*.npz")} == {"a.npz", "c.npz"}


def test_an_input_in_a_locked_folder_stops_no_other(tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "a.npy", PERSON[:2])
    look = os.stat

    def looked(path, *args, **options):
        if not isinstance(path, int) and "shut" in os.fspath(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, *args, **options)

    monkeypatch.setattr(os, "stat", looked)
    words = ["convert", str(tmp_path / "shut" / "b.npy"), str(tmp_path / "a.npy"), "-o", str(tmp_path / "out")]
    assert main([*words, "--solver", "polish"]) == 1
    assert "1 ok, 1 failed" in capsys.readouterr().out


def test_the_time_of_day_may_be_set_back_during_a_run(tmp_path, monkeypatch):
    np.save(tmp_path / "take.npy", PERSON[:2])
    times = iter(range(2_000_000_000, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: next(times))
    words = ["convert", str(tmp_path / "take.npy"), "-o", str(tmp_path / "o.npz"), "--solver", "polish"]
    assert main([*words, "--report", str(tmp_path / "r.json")]) == 0
    assert 0 <= json.loads((tmp_path / "r.json").read_text())["seconds"] < 600


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no system with a disk that is always full")
def test_a_full_disk_is_said_once(monkeypatch):
    """Python's archives said it again, with a traceback, when they were done away with."""
    again = []
    monkeypatch.setattr(sys, "unraisablehook", again.append)
    with pytest.raises(OSError, match="No space left"):
        write_arrays({"poses": np.random.default_rng(0).normal(size=(200, 72))}, Path("/dev/full"))
    gc.collect()
    assert not again


def test_empty_names_are_not_the_folder_one_is_in(tmp_path, capsys, monkeypatch):
    """As of a variable of a shell that is not set."""
    monkeypatch.chdir(tmp_path)
    np.save("take.npy", PERSON)
    for words in (["", "-o", "out.npz"], ["take.npy", "-o", ""]):
        assert main(["convert", *words]) == 2
        assert "is an empty name" in capsys.readouterr().err
    assert os.listdir() == ["take.npy"]


def test_outputs_are_in_as_many_folders_as_a_path_has_room_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("take.npy", PERSON[:2])
    deep = "a/" * 1200
    assert main(["convert", "take.npy", "-o", deep + "take.npz", "--solver", "polish"]) == 0
    assert len(lsmpl.Motion.load(deep + "take.npz")) == 2
    os.remove(deep + "take.npz")
    os.removedirs(deep)  # for whoever clears up later by calling itself for each
    assert main(["convert", "take.npy", "-o", "take.npy/a/b.npz"]) == 1
    assert "take.npy: is a file, so no folder can be there" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="another shell")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_silent(tmp_path, closed):
    np.save(tmp_path / "take.npy", PERSON[:2])
    words = f'"{sys.executable}" -m lsmpl_core convert take.npy -o out.npz {closed}'
    done = subprocess.run(words, shell=True, cwd=tmp_path, env=with_this_code(), capture_output=True, check=False)
    assert done.returncode == 0 and b"Traceback" not in done.stderr
    assert len(lsmpl.Motion.load(tmp_path / "out.npz")) == 2


# Names in outputs and on screens


@pytest.mark.parametrize(("one", "other"), [("Ann", "ann"), ("Bob", "Bob "), ("Bob", "Bob.")])
def test_people_whose_names_differ_by_little_are_two(tmp_path, one, other):
    def people(t):
        return [
            {"id": name, "keypoints3d": (PERSON[t] + [0, place, 0]).tolist()} for name, place in ((one, 0), (other, 3))
        ]

    (tmp_path / "two.json").write_text(json.dumps([{"people": people(t)} for t in range(6)]))
    assert {track.person for track in read_people(tmp_path / "two.json")} == {one, other}
    middles = [
        float(np.median(read_keypoints(tmp_path / "two.json", person=name, up="z").positions[..., 1]))
        for name in (one, other)
    ]
    assert middles[1] - middles[0] == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("other", ["ann", "Ann ", "Ann."])
def test_people_whose_names_differ_by_little_get_outputs_of_their_own(tmp_path, other):
    """On every system: file names that differ in case, or by a blank or a dot at the end, are one on some."""
    both = np.concatenate([PERSON[:4], PERSON[:4] + [0, 3, 0]], axis=1)
    people = [
        {"people": [{"id": "Ann", "keypoints3d": f[:17].tolist()}, {"id": other, "keypoints3d": f[17:].tolist()}]}
        for f in both
    ]
    (tmp_path / "two.json").write_text(json.dumps(people))
    jobs = plan_outputs(
        [str(tmp_path / "two.json")], str(tmp_path / "out"), None, FrontEnd(), [],
        lambda path: [track.person for track in read_people(path)],
    )  # fmt: skip
    names = [job.output.name for job in jobs]
    assert [job.person for job in jobs] == ["Ann", other]
    assert len({name.casefold() for name in names}) == 2 and not any(n[:-4].endswith((" ", ".")) for n in names), names


def test_what_moves_cursors_and_turns_lines_is_shown_escaped():
    assert shown("a\x1b[31mb\n\u202ec\u200b") == r"a\x1b[31mb\n\u202ec\u200b"
    assert shown("straße 走る ½") == "straße 走る ½"
    assert shown("x" * 500, 40) == "x" * 18 + "..." + "x" * 19


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_paths_turn_no_line_in_messages_reports_and_bars(tmp_path, capsys, monkeypatch):
    name = "a\nb\x1b[2J\u202e.csv"
    (tmp_path / name).write_text("nothing\n")
    assert (
        main(["convert", str(tmp_path / name), "-o", str(tmp_path / "o.npz"), "--report", str(tmp_path / "r.json")])
        == 1
    )
    told = capsys.readouterr().err
    assert r"a\nb\x1b[2J\u202e.csv" in told and told.count("\n") == 1
    assert r"a\nb\x1b[2J\u202e.csv" in json.loads((tmp_path / "r.json").read_text())["files"][0]["error"]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("tqdm.tqdm", partial(tqdm, mininterval=0))
    with TakeBar(name + "x" * 300, 1, 1) as bar:
        bar.show(Progress("frames", 1, 2))
    drawn = capsys.readouterr().err
    assert r"a\nb\x1b[2J\u202e.csv" in drawn and "x" * 60 not in drawn and "\u202e" not in drawn


def test_several_lines_of_an_error_are_lines_and_what_is_in_them_is_not():
    assert str(LsmplError("a\nb", "c")) == "a\\nb\nc"
    assert len(str(LsmplError("x" * 10_000))) == LONGEST_MESSAGE


def test_the_command_shows_names_escaped(tmp_path, capsys):
    names = [*COCO.keypoints[:4], "\u202eleft\x1b[2J", *COCO.keypoints[5:]]
    (tmp_path / "take.csv").write_text(csv_text(names, PERSON))
    main(["convert", str(tmp_path / "take.csv"), "-o", str(tmp_path / "out.npz"), "--layout", "missing"])
    err = capsys.readouterr().err
    assert not re.search("[\u202e\x1b]", err)

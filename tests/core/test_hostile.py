"""What a stranger's file, an absurd number or a long name can do: nothing but end in an error of ours, soon.

Each is made from scratch in the form of a file that once did harm.
"""

import gzip
import json
import pickle
import re

import numpy as np
import pytest
from stick_figure import walking
from test_readers import csv_text, trc_text
from test_readers_c3d import INTEL, c3d_bytes

import lsmpl_core as lsmpl
from lsmpl_core.cli.main import main
from lsmpl_core.errors import KeypointFileError, LayoutError, LsmplError, MotionFileError, SolveError
from lsmpl_core.files import safe_pickle
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import read_keypoints, read_people
from lsmpl_core.readers.mapping import MOST_KEYPOINTS, load_mapping
from lsmpl_core.shown import shown

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


def test_a_thousand_columns_of_one_name_are_one_keypoint(tmp_path):
    with pytest.raises(LayoutError):
        read_csv(tmp_path, ["LeftHand"] * 1000)


def test_thousands_of_unknown_points_among_markers_are_set_aside(tmp_path):
    names = [*MARKERS, *(f"Q{i}a" for i in range(400))]
    positions = np.random.default_rng(0).normal(scale=0.3, size=(4, len(names), 3)) + [0, 0, 1]
    track = read_csv(tmp_path, names, positions, unit=0.5)
    assert set(track.layout.keypoints) == set(MARKERS)
    assert "400 points" in [decision.value for decision in track.decisions]


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


def test_letters_beyond_unicode_in_an_npz_are_no_text(tmp_path):
    names = np.array(COCO.keypoints, dtype="<U20")
    names.view("<u4")[3] = 0x7FFFFFFF
    np.savez(tmp_path / "take.npz", keypoints3d=PERSON, names=names)
    with pytest.raises(KeypointFileError, match="names is no valid text"):
        read_keypoints(tmp_path / "take.npz")


# Pickles


def test_sets_that_a_small_file_builds_again_and_again_are_refused():
    """MARK 500 items FROZENSET, again and again, in ten kilobytes of gzip."""
    one = b"(" + b"".join(b"K" + bytes([i % 256]) for i in range(500)) + b"\x91"
    data = b"\x80\x04]" + (one + b"a") * 12_000 + b"."
    packed = gzip.compress(data)
    assert len(packed) < len(data) / 50
    with pytest.raises(LsmplError, match="nothing in it was run"):
        safe_pickle.loads(packed, name="sets.pkl")


def test_keys_that_share_one_hash_are_refused():
    """Multiples of Python's hash modulus: each new one is compared with all before."""
    keys = {i * ((1 << 61) - 1): None for i in range(1, 50)}
    with pytest.raises(LsmplError, match="key"):
        safe_pickle.loads(pickle.dumps(keys), name="keys.pkl")


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


def test_what_moves_cursors_and_turns_lines_is_shown_escaped():
    assert shown("a\x1b[31mb\n\u202ec\u200b") == r"a\x1b[31mb\n\u202ec\u200b"
    assert shown("straße 走る ½") == "straße 走る ½"
    assert shown("x" * 500, 40) == "x" * 18 + "..." + "x" * 19


def test_the_command_shows_names_escaped(tmp_path, capsys):
    names = [*COCO.keypoints[:4], "\u202eleft\x1b[2J", *COCO.keypoints[5:]]
    (tmp_path / "take.csv").write_text(csv_text(names, PERSON))
    main(["convert", str(tmp_path / "take.csv"), "-o", str(tmp_path / "out.npz"), "--layout", "missing"])
    err = capsys.readouterr().err
    assert not re.search("[\u202e\x1b]", err)

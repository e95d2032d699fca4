"""Every file that once did harm, with the words in which it ends now; `test_hostile.py` makes the same anew."""

import json

import pytest

import lsmpl_core as lsmpl
from lsmpl_core.cli.main import EXIT_NOT_TRUSTED, main

REFUSED = {
    "bad_c3d_344.c3d": r"half of its keypoints are 6.38e-37 m or more from the middle of the body",
    "bad_csv_2981.csv": r"no known marker is seen well enough to find the body",
    "bad_npz_151.npz": r"names holds no valid text",
    "bad_motion_1216.npz": r"no array of keypoints; it has poses",
    "map3.npz": r"no layout has 3 keypoints without names",
    "map3.json": r"no keypoints; it holds an object with keypoints \(3 items\)",
    "pickle_sets_10kB_gz.pkl": r"nothing in it was run: the file has too many parts for a file of its size",
}
"""What ends in an error, as a take."""
SOLVED = {
    "bad_npy_193.npy": "doubtful frames",
    "bad_npy_800.npy": "doubtful frames",
    "bad_rows_809.txt": "",
    "bad_trc_2716.trc": "",
    "mm_read_as_m.npz": "",
}
"""What is read, and what its one line says besides."""


@pytest.fixture(scope="module")
def hostile(keypoint_files):
    if not (keypoint_files / "hostile").is_dir():
        pytest.skip("needs the folder of hostile files")
    return keypoint_files / "hostile"


def test_each_file_has_a_test(hostile):
    tested = {*REFUSED, *SOLVED, "people_case.json", "people_trailing_space.json"}
    assert {path.name for path in hostile.iterdir()} == tested


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_the_reason(hostile, tmp_path, capsys, name):
    assert main(["convert", str(hostile / name), "-o", str(tmp_path / "out.npz")]) == 1
    told = capsys.readouterr().err
    assert "unexpected" not in told and not (tmp_path / "out.npz").exists()
    with pytest.raises(lsmpl.LsmplError, match=REFUSED[name]):
        lsmpl.solve(lsmpl.read_keypoints(hostile / name), lsmpl.load_body())


@pytest.mark.parametrize("name", SOLVED)
def test_is_solved_and_loaded_again(hostile, tmp_path, capsys, name):
    code = main(["convert", str(hostile / name), "-o", str(tmp_path / "out.npz")])
    told = capsys.readouterr()
    assert code in (0, EXIT_NOT_TRUSTED), told.err
    assert SOLVED[name] in told.out and "unexpected" not in told.err
    assert len(lsmpl.Motion.load(tmp_path / "out.npz"))


def test_a_motion_of_absurd_rates_is_refused(hostile):
    with pytest.raises(lsmpl.LsmplError, match=r"bad_motion_1216\.npz: (first_frame|the frame rate) is"):
        lsmpl.Motion.load(hostile / "bad_motion_1216.npz")


def test_millimetres_as_metres_are_refused(hostile):
    with pytest.raises(lsmpl.LsmplError, match=r"with unit m the person would be 1.*In mm it would be a person"):
        lsmpl.read_keypoints(hostile / "mm_read_as_m.npz", unit="m")


def test_three_keypoints_name_what_they_leave_open(hostile, tmp_path, capsys):
    words = [
        "convert",
        str(hostile / "map3.npz"),
        "-o",
        str(tmp_path / "out.npz"),
        "--report",
        str(tmp_path / "r.json"),
    ]
    assert main([*words, "--layout", str(hostile / "map3.json")]) == 0
    open_ = "do not determine the head, the left arm, the right arm, the left leg, the right leg"
    assert open_ in capsys.readouterr().err
    assert open_ in json.loads((tmp_path / "r.json").read_text())["files"][0]["doubts"][0]["value"]


@pytest.mark.parametrize(
    ("name", "people"), [("people_case", {"Ann", "ann"}), ("people_trailing_space", {"Ann", "Bob "})]
)
def test_people_whose_names_differ_by_little_are_two(hostile, tmp_path, name, people):
    assert {track.person for track in lsmpl.read_people(hostile / f"{name}.json")} == people
    assert main(
        ["convert", str(hostile / f"{name}.json"), "-o", str(tmp_path), "--all-people", "--solver", "polish"]
    ) in (0, 3)
    made = [path.name.casefold() for path in tmp_path.glob("*.npz")]
    assert len(set(made)) == 2 and not any(one[:-4].endswith(" ") for one in made)

"""A made-up twin of each small file in `../shared/keypoints/hostile`, and what both end in.

The words are asked for here alone: of the twins by `test_hostile_twins.py`, of the files themselves, where they are, by
`tests/shared/test_hostile_files.py`. Whoever changes an error's words finds out without those files.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from stick_figure import walking
from test_readers import trc_text
from test_readers_c3d import INTEL, c3d_bytes

import lsmpl_core as lsmpl
from lsmpl_core.cli.main import EXIT_NOT_TRUSTED, main
from lsmpl_core.keypoints.layouts import LAYOUTS

COCO, BODY = LAYOUTS["coco_17"], LAYOUTS["body_25"]
JOINTS = {
    "leftfemur": "left_hip", "rightfemur": "right_hip", "waist": "mid_hip", "upperspine": "neck",
    "rightshoulder": "right_shoulder", "rightelbow": "right_elbow", "rightwrist": "right_wrist",
    "leftshoulder": "left_shoulder", "leftelbow": "left_elbow", "leftwrist": "left_wrist", "neck": "neck",
    "headbase": "nose", "sphnosetip": "nose", "sphheadtop": "left_eye",
}  # fmt: skip
"""Names of a spreadsheet's columns, and which keypoint each is about."""
PERSON = walking(BODY, 30)


@dataclass(frozen=True)
class Twin:
    """write(path) makes it. As a take it is `refused` with these words (a pattern), or else solved, and its one line
    has the words `said`."""

    write: Callable[[Path], object]
    refused: str = ""
    said: str = ""


def _bytes_too_many(path: Path, at: int, count: int) -> None:
    """From there on numbers are made of pieces of two."""
    np.save(path, walking(COCO, 40).astype("<f4"))
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"\0" * count + data[at:])


def _tiny_c3d(path: Path) -> None:
    points = (walking(COCO, 8) * 1e-37).astype(np.float32)
    path.write_bytes(c3d_bytes(COCO.keypoints, points, INTEL, -1, [("POINT:UNITS", ["m   "])]))


def _torn_names(path: Path) -> None:
    """A comma of the header became an escape sequence: two points are lost, and those after them are others'."""
    points = 100 * PERSON[:, [BODY.index(name) for name in JOINTS.values()]] + [0, 0, -1200]
    text = "".join(f"{name}{axis}," for name in JOINTS for axis in "XYZ").replace(
        "leftshoulderZ,leftelbow", "leftshoulderZ\x1b[31mXleftelbow"
    )
    rows = [",".join(f"{value:.6f}" for value in frame.ravel()) for frame in points]
    path.write_text("\n".join([text.rstrip(","), *rows]))


def _text_beyond_unicode(path: Path) -> None:
    names = np.array(BODY.keypoints, dtype="<U15")
    names.view("<u4")[3] = 0x7FFFFFFF
    np.savez(path, kpts3d=PERSON, names=names, frame_rate=60)


def _motion_of_absurd_rates(path: Path) -> None:
    np.savez(path, poses=np.zeros((30, 72)), trans=np.zeros((30, 3)), betas=np.zeros(10), mocap_framerate=3.4e38,
             first_frame=1e38)  # fmt: skip


def _rows_of_1e300(path: Path) -> None:
    rows = np.concatenate([PERSON, np.ones((*PERSON.shape[:2], 1))], axis=2).reshape(len(PERSON), -1)
    rows[6] *= 1e300
    path.write_text("\n".join("\t".join(f"{value:.4g}" for value in row) for row in rows))


def _nines_and_words(path: Path) -> None:
    points = PERSON.copy()
    points[7:20, 0, 2] = 9_999_999
    points[12, 1] = np.nan
    path.write_text(trc_text(BODY.keypoints, points))


def _sets_again_and_again(path: Path) -> None:
    """MARK 500 items FROZENSET, in ten kilobytes of gzip."""
    one = b"(" + b"".join(b"K" + bytes([i % 256]) for i in range(500)) + b"\x91"
    path.write_bytes(gzip.compress(b"\x80\x04]" + (one + b"a") * 12_000 + b"."))


def _people(path: Path, one: str, other: str) -> None:
    places = {one: [0, 0, 0], other: [0, 3, 0]}
    frames = [
        {"people": [{"id": name, "keypoints3d": (PERSON[t] + place).tolist()} for name, place in places.items()]}
        for t in range(6)
    ]
    path.write_text(json.dumps(frames))


TWINS = {
    "bad_c3d_344.c3d": Twin(_tiny_c3d, r"half of its keypoints are \S+ m or more from the middle of the body"),
    "bad_csv_2981.csv": Twin(_torn_names, r"no known marker is seen well enough to find the body"),
    "bad_npz_151.npz": Twin(_text_beyond_unicode, r"names holds no valid text"),
    "bad_motion_1216.npz": Twin(_motion_of_absurd_rates, r"no array of keypoints; it has poses"),
    "map3.npz": Twin(
        lambda path: np.savez(path, keypoints3d=PERSON[:, [5, 12, 9]]), r"no layout has 3 keypoints without names"
    ),
    "map3.json": Twin(
        lambda path: path.write_text(json.dumps({"keypoints": ["left_shoulder", "left_hip", "right_hip"]})),
        r"no keypoints; it holds an object with keypoints \(3 items\)",
    ),
    "pickle_sets_10kB_gz.pkl": Twin(
        _sets_again_and_again, r"nothing in it was run: the file has too many parts for a file of its size"
    ),
    "bad_npy_193.npy": Twin(lambda path: _bytes_too_many(path, 6000, 1), said="doubtful frames"),
    "bad_npy_800.npy": Twin(lambda path: _bytes_too_many(path, 4000, 2), said="doubtful frames"),
    "bad_rows_809.txt": Twin(_rows_of_1e300),
    "bad_trc_2716.trc": Twin(_nines_and_words),
    "mm_read_as_m.npz": Twin(lambda path: np.savez(path, keypoints3d=PERSON * 1000, names=np.array(BODY.keypoints))),
    "people_case.json": Twin(lambda path: _people(path, "Ann", "ann")),
    "people_trailing_space.json": Twin(lambda path: _people(path, "Ann", "Bob ")),
}
PEOPLE = {"people_case.json": {"Ann", "ann"}, "people_trailing_space.json": {"Ann", "Bob "}}
REFUSED = [name for name, twin in TWINS.items() if twin.refused]
SOLVED = [name for name in TWINS if name not in REFUSED and name not in PEOPLE]


def is_refused(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """By the command and by the library, in the twin's words."""
    assert main(["convert", str(path), "-o", str(tmp_path / "out.npz")]) == 1
    told = capsys.readouterr().err
    assert "unexpected" not in told and not (tmp_path / "out.npz").exists()
    with pytest.raises(lsmpl.LsmplError, match=TWINS[path.name].refused):
        lsmpl.solve(lsmpl.read_keypoints(path), lsmpl.load_body())


def is_solved(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """And what is saved is loaded again."""
    code = main(["convert", str(path), "-o", str(tmp_path / "out.npz")])
    told = capsys.readouterr()
    assert code in (0, EXIT_NOT_TRUSTED), told.err
    assert TWINS[path.name].said in told.out and "unexpected" not in told.err
    assert len(lsmpl.Motion.load(tmp_path / "out.npz"))


def has_absurd_rates(path: Path) -> None:
    """As a motion."""
    with pytest.raises(lsmpl.LsmplError, match=rf"{path.name}: (first_frame|the frame rate) is"):
        lsmpl.Motion.load(path)


def is_no_person_in_metres(path: Path) -> None:
    with pytest.raises(lsmpl.LsmplError, match=r"with unit m the person would be 1.*In mm it would be a person"):
        lsmpl.read_keypoints(path, unit="m")


def leaves_limbs_open(path: Path, mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Three keypoints, whose mapping names them: what they do not determine is said and reported."""
    words = ["convert", str(path), "-o", str(tmp_path / "out.npz"), "--report", str(tmp_path / "r.json")]
    assert main([*words, "--layout", str(mapping)]) == 0
    open_ = "do not determine the head, the left arm, the right arm, the left leg, the right leg"
    assert open_ in capsys.readouterr().err
    assert open_ in json.loads((tmp_path / "r.json").read_text())["files"][0]["doubts"][0]["value"]


def are_two_people(path: Path, tmp_path: Path) -> None:
    """With outputs whose names differ on every system."""
    assert {track.person for track in lsmpl.read_people(path)} == PEOPLE[path.name]
    words = ["convert", str(path), "-o", str(tmp_path / "out"), "--all-people", "--solver", "polish"]
    assert main(words) in (0, EXIT_NOT_TRUSTED)
    made = [one.name.casefold() for one in (tmp_path / "out").glob("*.npz")]
    assert len(set(made)) == 2 and not any(one[:-4].endswith((" ", ".")) for one in made)

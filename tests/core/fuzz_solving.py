"""The solver with arrays that no person ever made, and the whole command with damaged files and absurd options.

What comes out is a motion of finite numbers that is saved and loaded again, or an error of ours, in bounded time and
memory; the command's exit code, messages, report and outputs agree with one another.
"""

import contextlib
import io
import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from damage import damaged
from fuzz_files import good_calibrations, good_files, good_mappings, good_marker_tables, good_motions
from fuzzing import SOLVING_BYTES, Fuzzer, bounded, in_our_words, is_traced, kept
from stick_figure import walking

import lsmpl_core as lsmpl
from lsmpl_core.bounds import FASTEST, SLOWEST
from lsmpl_core.cli.main import EXIT_NOT_TRUSTED, main
from lsmpl_core.doubtful import describe_doubtful
from lsmpl_core.errors import LsmplError
from lsmpl_core.judgement import not_trusted
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.resampling import resample

ABSURD = (0.0, 1.0, -1.0, 1e-300, 1e-30, 1e-9, 1e-3, 39.37, 1e3, 1e6, 1e15, 1e38, 1e154, 1e300, np.inf, np.nan)
FARTHEST_TRUSTED = 0.2
"""Metres that the median keypoint is missed by in a motion that nothing was said against."""
SMALLEST, LARGEST = 0.2, 4.0
"""Metres of a body from its lowest to its highest joint, lying down at the least."""


@cache
def _body() -> lsmpl.Body:
    return lsmpl.load_body()


# The solver


def _scaled(positions, rng):
    return positions * rng.choice(ABSURD)


def _moved(positions, rng):
    return positions + rng.choice(ABSURD)


def _one_column(positions, rng):
    positions[:, rng.integers(positions.shape[1])] = rng.choice(ABSURD)
    return positions


def _one_number(positions, rng):
    if positions.size:
        positions[tuple(rng.integers(n) for n in positions.shape)] = rng.choice(ABSURD)
    return positions


def _some_missing(positions, rng):
    positions[rng.random(positions.shape[:2]) < rng.choice([0.1, 0.5, 0.9, 0.99])] = np.nan
    return positions


def _some_columns_missing(positions, rng):
    positions[:, rng.random(positions.shape[1]) < rng.choice([0.3, 0.8, 0.9])] = np.nan
    return positions


def _noisy(positions, rng):
    return positions + rng.normal(scale=rng.choice([0.01, 0.1, 1.0, 100.0, 1e30]), size=positions.shape)


def _nothing_but_noise(positions, rng):
    return rng.normal(size=positions.shape) * rng.choice(ABSURD[1:-2])


def _flat(positions, rng):
    positions[..., rng.integers(3)] = 0.0
    return positions


def _on_a_line(positions, rng):
    return positions[..., :1] * rng.normal(size=3)


def _still(positions, rng):
    return np.repeat(positions[:1], len(positions), axis=0)


def _shuffled(positions, rng):
    return positions[:, rng.permutation(positions.shape[1])]


def _frames_shuffled(positions, rng):
    return positions[rng.permutation(len(positions))]


def _fewer(positions, rng):
    return positions[: rng.integers(0, 3)]


def _single(positions, rng):
    return positions.astype(np.float32).astype(np.float64)


_NONSENSE: tuple[Callable, ...] = (
    _scaled, _moved, _one_column, _one_number, _some_missing, _some_columns_missing, _noisy, _nothing_but_noise, _flat,
    _on_a_line, _still, _shuffled, _frames_shuffled, _fewer, _single,
)  # fmt: skip


def _absurd_track(rng: np.random.Generator) -> lsmpl.KeypointTrack:
    layout = LAYOUTS[str(rng.choice(list(LAYOUTS)))]
    positions = walking(layout, int(rng.choice([1, 2, 6])))
    with np.errstate(all="ignore"):
        for _ in range(rng.integers(1, 4)):
            positions = _NONSENSE[rng.integers(len(_NONSENSE))](positions, rng)
    confidence = None
    if rng.random() < 0.2:
        confidence = np.abs(rng.normal(size=positions.shape[:2])) * rng.choice(ABSURD)
    fps = float(rng.choice([30.0, 30.0, SLOWEST, FASTEST, *ABSURD]))
    return lsmpl.KeypointTrack(positions, confidence, layout, fps, source="absurd.npy")


def attempt_solve(folder: Path, seed: int) -> str:
    """A track of nonsense, solved, judged, cleaned up, resampled, saved and loaded."""
    rng = np.random.default_rng(seed)
    what = "solved"
    try:
        with bounded(0, SOLVING_BYTES, is_traced(seed)):
            try:
                _solve(rng, folder)
            except LsmplError as error:
                in_our_words(str(error))
                what = "refused"
    except Exception as error:
        raise AssertionError(f"seed {seed}: {_place(error)}{type(error).__name__}: {error}") from error
    return what


def _solve(rng: np.random.Generator, folder: Path) -> None:
    track = _absurd_track(rng)
    body, options = _body(), {}
    if rng.random() < 0.2:
        options["betas"] = rng.normal(size=10) * rng.choice(ABSURD)
    if rng.random() < 0.6:
        if rng.random() < 0.2:
            options["start_pose"] = rng.normal(size=(24, 3)) * rng.choice(ABSURD)
        solved = lsmpl.solve(track, body, **options)
    else:
        with np.errstate(all="ignore"):
            poses = rng.normal(size=(len(track), 24, 3)) * rng.choice(ABSURD)
        trans = rng.normal(size=(len(track), 3)) * rng.choice(ABSURD[:-2])
        motion = lsmpl.Motion(poses, trans, betas=options.get("betas"), body=body.key)
        solved = lsmpl.refine_motion(track, body, motion)
    smooth, floor = float(rng.choice([0.0, 0.5, 1.0])), rng.choice(["auto", "keep", "zero"])
    fps = float(rng.choice([solved.fps, SLOWEST, 25.0, 240.0]))
    motion = lsmpl.clean_up(solved, body, smooth=smooth, lock_feet=rng.random() < 0.5, floor=str(floor))
    motion = resample(motion, fps)
    for one in (solved, motion):
        in_our_words(json.dumps(describe_doubtful(one))[:2000])
        one.save(folder / "solved.npz")
        _is_a_person(folder / "solved.npz", not_trusted(one))


def _is_a_person(path: Path, doubt: str) -> None:
    """What was saved is loaded, is finite and of a person's size, and near its keypoints unless that is said."""
    motion = lsmpl.Motion.load(path)
    joints = _body().joints(motion)
    assert np.isfinite(joints).all(), "joints that are nowhere"
    size = np.ptp(joints, axis=1).max(axis=-1)
    off = motion.frame_residual
    off = float(np.median(off[np.isfinite(off)])) if np.isfinite(off).any() else 0.0
    assert doubt or (size.min() > SMALLEST and size.max() < LARGEST), f"a body of {size.min()} to {size.max()} m"
    assert doubt or off < FARTHEST_TRUSTED, f"trusted, but {off:.3g} m off"


def _place(error: BaseException) -> str:
    place, step = "", error.__traceback__
    while step is not None:
        if "lsmpl_core" in step.tb_frame.f_code.co_filename:
            place = f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}: "
        step = step.tb_next
    return place


# The command

WORDS = (
    "nan", "inf", "-inf", "1e300", "1e-300", "-1", "0", "1", "30", "1e6", "10000", "0.5", "9" * 400, "", " ", "m", "mm",
    "body", "x", "-y", "z", "auto", "keep", "yes", "no", "all", "nose@3-99", "left_wrist,nose", "\u202ename", "a\nb",
    "\x1b[31m", "coco_17", "body_25", "markers", "l_" * 40_000, "../../x", "é", "1,5", "0x10", "None", "1/3", "٣",
    "off", "published",
)  # fmt: skip
VALUED = (
    "--fps", "--unit", "--up", "--layout", "--mirror", "--smooth", "--floor", "--travel", "--trust", "--resample",
    "--person", "--polish", "--markers", "--calibration", "--calibrate", "--solver", "--device", "--format", "--body",
    "--timeout", "--jobs", "--part", "--hands", "--rotations", "--threads", "--checkpoint",
)  # fmt: skip
OF_FILES = ("--layout", "--markers", "--calibration", "--calibrate", "--body", "--checkpoint")
PLAIN = ("--part-hands", "--lock-feet", "--all-people", "--resume", "--overwrite", "--failed-ok", "-v")
_SLOW = {"--timeout", "--jobs"}
"""They start processes, which would be out of sight here."""


@cache
def _good(folder: Path) -> dict[str, dict[str, bytes]]:
    made = folder / "good"
    made.mkdir(exist_ok=True)
    makers = {
        "take": good_files, "map": good_mappings, "markers": good_marker_tables, "calibration": good_calibrations,
        "motion": good_motions,
    }  # fmt: skip
    return {kind: make(made) for kind, make in makers.items()}


def _file(folder: Path, kind: str, rng: np.random.Generator, whole: float) -> Path:
    """A file of a kind, damaged but for `whole` of the cases."""
    contents = _good(folder)[kind]
    name = str(rng.choice(sorted(contents)))
    content = contents[name]
    if rng.random() > whole:
        content = damaged(content, rng, list(contents.values()))
    path = folder / "work" / name
    path.write_bytes(content)
    return path


def _options(folder: Path, rng: np.random.Generator) -> list[str]:
    words: list[str] = []
    for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
        option = str(rng.choice([*VALUED, *PLAIN]))
        if option in PLAIN:
            words.append(option)
        elif option not in _SLOW or rng.random() < 0.2:
            value = str(rng.choice(WORDS))
            if option in OF_FILES and rng.random() < 0.8:
                kind = {"--layout": "map", "--markers": "markers", "--calibration": "calibration"}.get(option, "take")
                value = str(_file(folder, kind, rng, 0.4))
            words.append(
                f"{option}={value}" if option not in _SLOW else f"{option}={rng.choice(['nan', '1e10', '-1'])}"
            )
    return words


def attempt_command(folder: Path, seed: int) -> str:
    """`lsmpl convert` or `refine-motion`, in this process: exit code, messages, report and outputs agree."""
    rng = np.random.default_rng(seed)
    work, out, report = folder / "work", folder / "out", folder / "report.json"
    for one in (work, out):
        shutil.rmtree(one, ignore_errors=True)
        one.mkdir()
    report.unlink(missing_ok=True)
    take = _file(folder, "take", rng, 0.4)
    inputs = [str(take)] if rng.random() < 0.8 else [str(work)]
    argv = ["convert", *inputs]
    if rng.random() < 0.2:
        motion = _file(folder, "motion", rng, 0.5)
        argv = ["refine-motion", str(motion), str(take)]
    argv += ["-o", str(out / "made.npz" if inputs == [str(take)] else out), "--report", str(report)]
    argv += _options(folder, rng)
    said, heard = io.StringIO(), io.StringIO()
    size = sum(path.stat().st_size for path in work.iterdir())
    try:
        with (
            bounded(size, SOLVING_BYTES, is_traced(seed)),
            contextlib.redirect_stderr(heard),
            contextlib.redirect_stdout(said),
        ):
            code = main(argv)
        _agree(code, heard.getvalue(), said.getvalue(), report, out)
    except Exception as error:
        words = " ".join(word[:60] for word in argv[1:])
        where = f"seed {seed}, {kept(take, seed)}, {words!r}"
        raise AssertionError(
            f"{where}: {_place(error)}{type(error).__name__}: {error}; {heard.getvalue()[-400:]}"
        ) from error
    return f"exit {code}"


def _agree(code: int, heard: str, said: str, report: Path, out: Path) -> None:
    assert code in (0, 1, 2, EXIT_NOT_TRUSTED), f"exit code {code}"
    if code != 2:
        in_our_words(heard[-2900:])
    assert not re.search("[\u202e\x1b\x00-\x08]", heard + said), "marks that move a cursor"
    if code == 2:
        assert not list(out.rglob("*.npz")), "written in spite of wrong usage"
        return
    record = json.loads(report.read_text(encoding="utf-8"), parse_constant=_no_constant)
    takes = record["files"]
    assert takes or code == 0, "failed at nothing"
    for take in takes:
        made = Path(take["output"])
        assert (take["status"] == "ok") == made.is_file(), f"{take['status']}, but its file is another matter"
        if take["status"] == "ok":
            _is_a_person(made, "" if take.get("trusted", True) else "said")
        else:
            assert take["error"], "failed without a word"
            in_our_words(take["error"])


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} in JSON")


SOLVING = (Fuzzer("solver", attempt_solve), Fuzzer("command", attempt_command))

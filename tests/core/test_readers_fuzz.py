"""Damaged files of every kind end in an `LsmplError` that names them or in a result, in bounded time and memory.

A few hundred damages are tried each time. `LSMPL_FUZZ_SECONDS=600 pytest tests/core/test_readers_fuzz.py -k long` tries
new ones for so long; each failure is kept as a file, and its message says where.
"""

import io
import json
import os
import pickle
import shutil
import signal
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from damage import damaged, npy_of_zeros
from stick_figure import walking
from test_body_files import smpl_like
from test_object_files import as_object, bvh
from test_readers import csv_text, json_people, trc_text
from test_readers_c3d import DEC, INTEL, MIPS, c3d_bytes
from test_tables import BONES, SKELETON, motive, vicon

from lsmpl_core import Motion, read_motion
from lsmpl_core.body.body_files import read_body_file
from lsmpl_core.errors import LsmplError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import READERS, read_keypoints
from lsmpl_core.readers.mapping import load_mapping

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

COCO, SMPL = LAYOUTS["coco_17"], LAYOUTS["smpl_22"]
MOST_GROWTH, MOST_BASE = 64, 64 << 20  # memory in bytes: so many times the file's size, and so much besides
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def sdk_export(positions: np.ndarray) -> dict:
    """As sensors' kits write: bodies in frames with times."""
    return {
        str(10**18 + t * 33_333_333): {
            "body_list": [{"id": 0, "keypoint": frame.tolist(), "keypoint_confidence": [80] * 17}]
        }
        for t, frame in enumerate(positions)
    }


def skeleton_text(positions: np.ndarray) -> str:
    lines = [str(len(positions))]
    for frame in positions:
        lines += ["1", "72057 0 1", str(len(frame)), *(" ".join(map(str, point)) + " 0 0" for point in frame)]
    return "\n".join(lines)


def good_files(folder: Path) -> dict[str, bytes]:
    """A file of each kind, and of each way to write it, by name."""
    positions = walking(COCO, 8)
    names = COCO.keypoints
    np.save(folder / "good.npy", positions)
    np.savez(folder / "good.npz", keypoints3d=positions, names=np.array(names), fps=30, unit="m")
    np.savez_compressed(folder / "packed.npz", joints=positions.astype("f4"), confidence=np.ones((8, 17)))
    people = [json_people(frame) + json_people(frame + 1, 1) for frame in positions]
    named = [dict(zip(names, frame)) for frame in positions.tolist()]
    long_rows = [f"{t},{t / 25},{k},{x},{y},{z},0.5" for t in range(8) for k, (x, y, z) in zip(names, positions[t])]
    headed = [
        "Trajectories", "100", "," + ",".join(f"Ann:{name},," for name in names), "Frame,Time" + ",X,Y,Z" * 17,
        "," + ",mm" * 51, *(",".join([str(t), str(t / 50), *map(str, f.ravel())]) for t, f in enumerate(positions)),
    ]  # fmt: skip
    two = [f"{who}:{name}" for who in ("Ann", "Bob") for name in names]
    both = np.concatenate([positions, positions + 1], axis=1)
    files = {
        "t.trc": trc_text(names, positions),
        "two.trc": trc_text(two, both, "mm"),
        "t.csv": csv_text(names, positions),
        "t.tsv": csv_text(names, positions, "{name}.{axis}", "\t", [("frame", np.arange(8) + 3)]),
        "semicolon.csv": csv_text(names, positions, delimiter=";").replace(".", ","),
        "long.csv": "\n".join(["frame,time,keypoint,x,y,z,visibility", *long_rows]),
        "headed.csv": "\n".join(headed),
        "t.txt": "\n".join(" ".join(map(str, row)) for row in positions.reshape(8, -1)),
        "t.dat": "\n".join(";".join(map(str, [t, *row])) for t, row in enumerate(positions.reshape(8, -1))),
        "t.json": json.dumps({"frames": people, "fps": 30, "unit": "m", "up": "z"}),
        "named.json": json.dumps(named),
        "array.json": json.dumps({"names": names, "keypoints": positions.tolist()}),
        "sdk.json": json.dumps(sdk_export(positions)),
        "motive.csv": motive(dict.fromkeys(BONES), "Bone", SKELETON[:8], True),
        "vicon.csv": vicon("Trajectories", 100, names, ["mm"] * 3, positions),
        "take.bvh": bvh()[0],
        "take.skeleton": skeleton_text(positions),
    }
    screens = [("POINT:UNITS", ["mm  "]), ("POINT:X_SCREEN", ["+X"]), ("POINT:Y_SCREEN", ["+Z"])]
    c3d = {
        f"{processor}.c3d": c3d_bytes(two, both, processor, scale, screens)
        for processor, scale in ((INTEL, -1), (DEC, 0.001), (MIPS, -1))
    }
    np.save(folder / "objects.npy", as_object({"motion": np.moveaxis(walking(SMPL, 8), 0, 2)[None]}))
    arrays = {"t.npy": "good.npy", "objects.npy": "objects.npy", "t.npz": "good.npz", "packed.npz": "packed.npz"}
    return (
        {name: text.encode() for name, text in files.items()}
        | {name: (folder / source).read_bytes() for name, source in arrays.items()}
        | c3d
    )


def good_motions(folder: Path) -> dict[str, bytes]:
    Motion(np.zeros((5, 24, 3)), np.zeros((5, 3)), residual=np.ones((5, 2)), keypoint_names=("a", "b")).save(
        folder / "good.npz"
    )
    person = {"pose": np.zeros((4, 72)), "trans": np.zeros((4, 3)), "betas": np.zeros((4, 10))}
    wham = {0: person | {"frame_ids": np.arange(4)}, 1: person | {"frame_ids": np.arange(4) + 2}}
    plain = {"root_orient": np.zeros((2, 4, 3)), "pose_body": np.zeros((2, 4, 63)), "trans": np.zeros((2, 4, 3))}
    np.savez(folder / "slahmr.npz", **plain)
    np.save(folder / "objects.npy", as_object({"smpl_poses": np.zeros((4, 72)), "smpl_trans": np.zeros((4, 3))}))
    frames = [[{"rotvec": np.zeros((53, 3)), "transl": np.zeros(3), "shape": np.zeros(10)}] for _ in range(4)]
    return {
        "m.npz": (folder / "good.npz").read_bytes(),
        "m.pkl": pickle.dumps(wham),
        "plain.npz": (folder / "slahmr.npz").read_bytes(),
        "objects.npy": (folder / "objects.npy").read_bytes(),
        "frames.pkl": pickle.dumps(frames),
        "plain.json": json.dumps({key: value.tolist() for key, value in plain.items()}).encode(),
    }


def good_bodies(folder: Path) -> dict[str, bytes]:
    fields = smpl_like()
    np.savez(folder / "good.npz", **fields)
    return {"b.npz": (folder / "good.npz").read_bytes(), "b.pkl": pickle.dumps(fields)}


MAPPING = {"keypoints": {"R.Knee": "right_knee", "R.Ankle": "right_ankle"}, "unit": "cm", "up": "y", "fps": 30}
LIST_MAPPING = {"keypoints": ["left_hip", None, {"name": "a", "site": "nose"}], "edges": [["left_hip", "a"]]}


def good_mappings(folder: Path) -> dict[str, bytes]:
    return {"names.json": json.dumps(MAPPING).encode(), "list.json": json.dumps(LIST_MAPPING).encode()}


def read_track(path: Path) -> None:
    track = read_keypoints(path)
    assert np.isfinite(track.positions[track.visible]).all() and np.isfinite(track.confidence).all()


def load_motion(path: Path) -> None:
    amass = path.name == "m.npz"
    for read in (Motion.load, read_motion) if amass else (read_motion,):
        motion = read(path)
        assert np.isfinite(motion.poses).all() and np.isfinite(motion.trans).all()


SUBJECTS: dict[str, tuple[Callable[[Path], dict[str, bytes]], Callable[[Path], object]]] = {
    "keypoints": (good_files, read_track),
    "motions": (good_motions, load_motion),
    "bodies": (good_bodies, read_body_file),
    "mappings": (good_mappings, load_mapping),
}


@contextmanager
def no_hang(seconds: float = 5.0):
    """Interrupt what takes longer, in time of this process, which others do not lengthen; on Windows it may hang."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number, frame):
        raise AssertionError(f"still reading after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def judge(path: Path, read: Callable[[Path], object]) -> str:
    """Read a file: there must be a result or an `LsmplError` that names it, no warning, and bounded time and memory.

    Gives the error's message, "" where there is a result.
    """
    size = path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.iterdir())
    tracemalloc.start()
    message = ""
    try:
        with no_hang(), warnings.catch_warnings():
            warnings.simplefilter("error")
            read(path)
    except LsmplError as error:
        message = str(error)
        assert path.name in message, f"does not name the file: {message}"
        assert len(message) < 3000, f"a message of {len(message)} characters"
        assert "unexpected" not in message.lower(), f"foreign words: {message}"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= MOST_GROWTH * size + MOST_BASE, f"{peak >> 20} MiB for a file of {size >> 10} KiB"
    return message


def fuzz(folder: Path, name: str, contents: dict[str, bytes], read: Callable, seed: int) -> None:
    """One damaged copy of one file, judged; kept where it fails."""
    rng = np.random.default_rng(seed)
    path = folder / name
    path.write_bytes(damaged(contents[name], rng, list(contents.values())))
    try:
        judge(path, read)
    except Exception as error:
        kept = Path(os.environ.get("LSMPL_FUZZ_KEEP", folder)) / f"{seed}_{name}"
        if kept.parent.is_dir():
            shutil.copy(path, kept)
        raise AssertionError(f"{name}, seed {seed}, kept as {kept}: {type(error).__name__}: {error}") from error
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", SUBJECTS)
def test_good_files_are_within_the_bounds(tmp_path, kind):
    make, read = SUBJECTS[kind]
    for name, content in make(tmp_path).items():
        (tmp_path / name).write_bytes(content)
        read(tmp_path / name)
        judge(tmp_path / name, read)


@pytest.mark.parametrize("kind", SUBJECTS)
def test_damaged_files(tmp_path, kind):
    make, read = SUBJECTS[kind]
    contents = make(tmp_path)
    for seed in range(25):
        for name in contents:
            fuzz(tmp_path, name, contents, read, seed)


@pytest.mark.skipif("LSMPL_FUZZ_SECONDS" not in os.environ, reason="LSMPL_FUZZ_SECONDS does not ask for it")
def test_damaged_files_for_long(tmp_path):
    fuzz_for_long(tmp_path, [(make(tmp_path), read) for make, read in SUBJECTS.values()])


def fuzz_for_long(folder: Path, subjects: list[tuple[dict[str, bytes], Callable]]) -> None:
    """Damages that were not tried before, for LSMPL_FUZZ_SECONDS; each kind of failure is told once."""
    end = time.monotonic() + float(os.environ["LSMPL_FUZZ_SECONDS"])
    seed = int(os.environ.get("LSMPL_FUZZ_SEED", time.time()))
    failures, cases = {}, 0
    while time.monotonic() < end:
        seed += 1
        for contents, read in subjects:
            for name in contents:
                cases += 1
                try:
                    fuzz(folder, name, contents, read, seed)
                except AssertionError as error:
                    failures.setdefault(str(error)[-60:], str(error))
    print(f"{cases} damaged files, {len(failures)} kinds of failure")
    assert not failures, "\n".join(failures.values())


@QUICK
@given(content=st.binary(max_size=1500), ending=st.sampled_from(sorted(READERS)))
def test_random_bytes(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("fuzz") / f"take{ending}"
    path.write_bytes(content)
    judge(path, read_track)


@QUICK
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.dictionaries(
                st.sampled_from(["frames", "people", "keypoints3d", "id", "x", "y", "z", "0", "nose"]), inner
            )
        ),
        max_leaves=30,
    )
)
def test_random_json(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("fuzz") / "take.json"
    path.write_text(json.dumps(value))
    judge(path, read_track)


def test_headers_that_claim_too_much_allocate_nothing(tmp_path):
    """A C3D of 65,535 points and frames, an NPY of 10^12 numbers, a TRC of 10^9 markers."""
    positions = walking(COCO, 8)
    c3d = bytearray(c3d_bytes(COCO.keypoints, positions, claimed=65_535))
    c3d[2:4] = b"\xff\xff"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000, 3), }"
    files = {
        "t.c3d": bytes(c3d),
        "t.npy": b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header,
        "t.trc": trc_text(COCO.keypoints, positions, count=1_000_000_000).encode(),
    }
    tracemalloc.start()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        judge(tmp_path / name, read_track)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def hostile_files() -> dict[str, bytes]:
    """Small files that would need much memory or time if what they claim were believed."""
    names = ",".join(f"n{i}_{axis}" for i in range(5_000) for axis in "xyz")
    trc = "DataRate\tUnits\n60\tm\nFrame#\tTime\t" + "\t".join(f"n{i}" for i in range(20_000)) + "\n1\n"
    point = [[1.0, 2.0, 3.0]]
    zeros = io.BytesIO(npy_of_zeros(100_000))
    bomb, listing, headers = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("joints.npy", zeros.getvalue())
    with zipfile.ZipFile(listing, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(12):
            archive.writestr(f"a{i}.npy", npy_of_zeros(20_000))
    with zipfile.ZipFile(headers, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("poses.npy", b"\x93NUMPY\x02\x00" + (50 << 20).to_bytes(4, "little") + bytes(50 << 20))
    return {
        "header.trc": (trc + "2\n" * 50_000).encode(),
        "header.csv": (f"frame,{names}\n" + "1,2,3,4\n" * 20_000).encode(),
        "long.csv": ("frame,keypoint,x,y,z\n" + "\n".join(f"{i},n{i},1,2,3" for i in range(20_000))).encode(),
        "width.txt": (" ".join(["1"] * 100_000) + "\n" + "1\n").encode(),
        "frames.json": json.dumps([point * 20_000] + [None] * 50_000).encode(),
        "names.json": json.dumps([{f"n{i}": [1, 2, 3]} for i in range(9_000)]).encode(),
        "nested.json": b'{"frames":' + b"[" * 100_000,
        "objects.json": b'{"frames":' + b'{"people":[' * 20_000,
        "digits.json": b"[[[" + b"9" * 300_000 + b",1,2]]]",
        "digits.trc": (trc_text(COCO.keypoints, walking(COCO, 8)) + "9" * 300_000).encode(),
        "bomb.npz": bomb.getvalue(),
        "listing.npz": listing.getvalue(),
        "headers.npz": headers.getvalue(),
        "spaces.csv": b"a_x,a_y,a_z\n" + b" " * 200_000 + b"\n1,2,3",
        "quote.csv": b'frame,a_x,a_y,a_z\n1,2,3,"' + b"4\n" * 100_000,
        "names.csv": ("frame," + "_" * 200_000 + "x,b_y,c_z\n1,2,3,4\n").encode(),
    }


def test_hostile_files(tmp_path):
    for name, content in hostile_files().items():
        path = tmp_path / name
        path.write_bytes(content)
        reads = [read_keypoints] + [Motion.load, read_motion, read_body_file] * (path.suffix == ".npz")
        for read in reads:
            assert judge(path, read) or name == "digits.trc", f"{name} was read by {read.__name__}"

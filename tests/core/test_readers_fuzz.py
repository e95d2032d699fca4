"""Damaged files of every kind end in an `LsmplError` that names them or in a result, in bounded time and memory.

A few hundred damages are tried each time; `python tests/fuzz.py` goes on for as long as it is told to.
"""

import io
import json
import tracemalloc
import zipfile

import pytest
from damage import npy_of_zeros
from fuzz_files import COCO, SUBJECTS, read_track
from fuzz_forms import FORMS
from fuzzing import fuzz, judge
from stick_figure import walking
from test_readers import trc_text
from test_readers_c3d import c3d_bytes

from lsmpl_core import Motion, read_motion
from lsmpl_core.body.body_files import read_body_file
from lsmpl_core.readers import READERS, read_keypoints

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


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
    for seed in range(10):
        for name in contents:
            fuzz(tmp_path, name, contents, read, seed)


@pytest.mark.parametrize("fuzzer", FORMS, ids=lambda fuzzer: fuzzer.name)
def test_damaged_forms_and_folders(tmp_path, fuzzer):
    for seed in range(1, 60, 5):  # of which a quarter has its memory looked at
        fuzzer.attempt(tmp_path, seed)


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

"""Damaged files of every format end in an `LsmplError` or a track, never in another exception, or huge memory."""

import json
import tracemalloc

import numpy as np
import pytest
from stick_figure import walking
from test_readers import csv_text, json_people, trc_text
from test_readers_c3d import DEC, INTEL, MIPS, c3d_bytes

from lsmpl_core.errors import LsmplError
from lsmpl_core.layouts import LAYOUTS
from lsmpl_core.readers import READERS, read_keypoints

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

COCO = LAYOUTS["coco_17"]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def good_files(folder) -> dict[str, bytes]:
    positions = walking(COCO, 8)
    np.save(folder / "good.npy", positions)
    np.savez(folder / "good.npz", keypoints3d=positions, names=np.array(COCO.keypoints), fps=30)
    c3d = {f"{p}.c3d": c3d_bytes(COCO.keypoints, positions, p, s) for p, s in ((INTEL, -1), (DEC, 0.001), (MIPS, -1))}
    return {
        "t.trc": trc_text(COCO.keypoints, positions).encode(),
        "t.csv": csv_text(COCO.keypoints, positions).encode(),
        "t.txt": "\n".join(" ".join(map(str, row)) for row in positions.reshape(8, -1)).encode(),
        "t.json": json.dumps({"frames": [json_people(frame) for frame in positions]}).encode(),
        "t.npy": (folder / "good.npy").read_bytes(),
        "t.npz": (folder / "good.npz").read_bytes(),
        **c3d,
    }


def read_or_refuse(path) -> None:
    try:
        track = read_keypoints(path)
    except LsmplError as error:
        assert path.name in str(error)
    else:
        assert np.isfinite(track.positions[track.visible]).all()


@QUICK
@given(data=st.data())
@pytest.mark.parametrize("name", ["t.trc", "t.csv", "t.txt", "t.json", "t.npy", "t.npz", "84.c3d", "85.c3d", "86.c3d"])
def test_mutated_files(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("fuzz")
    content = bytearray(good_files(folder)[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        change = data.draw(st.sampled_from(["byte", "cut", "drop", "insert", "number"]))
        if change == "byte" and at < len(content):
            content[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del content[at:]
        elif change == "drop":
            del content[at : at + data.draw(st.integers(1, 40))]
        elif change == "insert":
            content[at:at] = data.draw(st.binary(max_size=20))
        else:
            content[at:at] = data.draw(
                st.sampled_from([b"1e999", b"-", b"99999999999999999999", b"nan", b"\n", b"\t,;"])
            )
    path = folder / name
    path.write_bytes(content)
    read_or_refuse(path)


@QUICK
@given(content=st.binary(max_size=1500), ending=st.sampled_from(sorted(READERS)))
def test_random_bytes(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("fuzz") / f"take{ending}"
    path.write_bytes(content)
    read_or_refuse(path)


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
    read_or_refuse(path)


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
        read_or_refuse(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_real_files_cut_and_flipped(keypoint_files, tmp_path, rng):
    for source in sorted(path for path in keypoint_files.rglob("*.*") if path.suffix in READERS):
        content = source.read_bytes()[:200_000]
        for _ in range(4):
            damaged = bytearray(content[: rng.integers(0, len(content) + 1)])
            for at in rng.integers(0, max(1, len(damaged)), 5 if damaged else 0):
                damaged[at] = rng.integers(0, 256)
            path = tmp_path / source.name
            path.write_bytes(damaged)
            read_or_refuse(path)

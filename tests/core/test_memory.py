"""What reading a good file takes: memory of a few times its size, whatever its format."""

import io
import json
import pickle
import tracemalloc

import numpy as np
import pytest
from fuzz_files import read_track
from stick_figure import walking
from test_object_files import bvh
from test_readers import csv_text, trc_text
from test_readers_c3d import INTEL, c3d_bytes

from lsmpl_core.keypoints.layouts import LAYOUTS

COCO = LAYOUTS["coco_17"]
FRAMES = 4000
MOST, BESIDES = 10, 3 << 20
"""Times the file's size, and what is looked at of every take, however short."""


def array_bytes(positions: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, positions)
    return stream.getvalue()


def long_table(positions: np.ndarray) -> str:
    rows = [
        f"{t},{k},{x:.2f},{y:.2f},{z:.2f}"
        for t, frame in enumerate(positions)
        for k, (x, y, z) in zip(COCO.keypoints, frame)
    ]
    return "\n".join(["frame,keypoint,x,y,z", *rows[:20_000]])


def long_bvh() -> str:
    head, _, motion = bvh()[0].partition("MOTION")
    rows = motion.splitlines()[3:]
    return f"{head}MOTION\nFrames: {FRAMES}\nFrame Time: 0.0333333\n" + "\n".join((rows * FRAMES)[:FRAMES])


def rows_of_numbers(positions: np.ndarray) -> str:
    return "\n".join(" ".join(f"{value:.3f}" for value in frame.ravel()) for frame in positions)


@pytest.fixture(scope="module")
def positions():
    return np.round(walking(COCO, FRAMES), 4)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("take.trc", lambda p: trc_text(COCO.keypoints, p)),
        ("take.csv", lambda p: csv_text(COCO.keypoints, p)),
        ("long.csv", long_table),
        ("rows.txt", rows_of_numbers),
        ("take.bvh", lambda p: long_bvh()),
        ("take.json", lambda p: json.dumps({"names": COCO.keypoints, "keypoints": p[:1000].tolist()})),
        ("single.npy", lambda p: array_bytes(p.astype(np.float32))),
        ("lists.pkl", lambda p: pickle.dumps({"keypoints3d": p[:1000].tolist()})),
        ("take.c3d", lambda p: c3d_bytes(COCO.keypoints, p, INTEL, -1, [("POINT:UNITS", ["m   "])])),
    ],
)
def test_a_good_file_takes_a_few_times_its_size(tmp_path, positions, name, content):
    made, path = content(positions), tmp_path / name
    path.write_bytes(made.encode() if isinstance(made, str) else made)
    read_track(path)  # loads tables of names
    tracemalloc.start()
    read_track(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = path.stat().st_size
    assert peak < MOST * size + BESIDES, f"{peak / size:.1f} times its {size} bytes"

"""Good files of any size in every form that is read: what reading them takes is measured on them."""

import io
import json
import pickle
from collections.abc import Callable, Iterator

import numpy as np
from fuzz_files import SUBJECTS, read_track
from stick_figure import walking
from test_object_files import bvh
from test_readers import csv_text, trc_text
from test_readers_c3d import INTEL, c3d_bytes

from lsmpl_core.keypoints.layouts import LAYOUTS

COCO = LAYOUTS["coco_17"]
NAMES = COCO.keypoints


def _array(positions: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, positions)
    return stream.getvalue()


def _archive(save: Callable, **arrays) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


def _long_table(p: np.ndarray) -> str:
    rows = [f"{t},{k},{x:.2f},{y:.2f},{z:.2f}" for t, frame in enumerate(p) for k, (x, y, z) in zip(NAMES, frame)]
    return "\n".join(["frame,keypoint,x,y,z", *rows])


def _rows(p: np.ndarray, decimals: int) -> str:
    return "\n".join(" ".join(f"{value:.{decimals}f}" for value in frame.ravel()) for frame in p)


def _bvh(p: np.ndarray) -> str:
    head, _, motion = bvh()[0].partition("MOTION")
    rows = motion.splitlines()[3:]
    return f"{head}MOTION\nFrames: {len(p)}\nFrame Time: 0.0333333\n" + "\n".join((rows * len(p))[: len(p)])


def _skeleton(p: np.ndarray) -> str:
    p = walking(LAYOUTS["kinect_25"], 400)[np.arange(len(p)) % 400]
    more = "264.5 230.7 1006.4 480.1 -0.21 0.03 0.97 0.11 2"  # as Kinect's have them: depth, colour, rotation, state
    lines = [str(len(p))]
    for frame in p:
        lines += ["1", "72057594037931101 0 1 1 1 1 0 -0.07 -0.32 2", "25"]
        lines += [f"{x:.7f} {y:.7f} {z:.7f} {more}" for x, y, z in frame]
    return "\n".join(lines)


def _short_skeleton(p: np.ndarray) -> str:
    lines = [str(len(p))]
    for frame in p:
        lines += ["1", "72057 0 1", "17", *(f"{x:.2f} {y:.2f} {z:.2f}" for x, y, z in frame)]
    return "\n".join(lines)


def _points(p: np.ndarray) -> list:
    return [[{"name": n, "x": x, "y": y, "z": z} for n, (x, y, z) in zip(NAMES, frame)] for frame in p.tolist()]


def _people(p: np.ndarray) -> dict:
    flat = np.concatenate([p, np.full((*p.shape[:2], 1), 0.5)], axis=2).reshape(len(p), -1).tolist()
    return {"frames": [{"people": [{"person_id": [1], "pose_keypoints_3d": one}]} for one in flat], "fps": 30}


def _millimetres(p: np.ndarray) -> np.ndarray:
    return np.round(p * 1000).astype(int)


def _person(p: np.ndarray) -> dict:
    return {"pose": np.zeros((len(p), 72)), "trans": p[:, 0], "betas": np.zeros((len(p), 10))}


FILES: dict[str, Callable[[np.ndarray], str | bytes]] = {
    "tabs.trc": lambda p: trc_text(NAMES, p),
    "table.csv": lambda p: csv_text(NAMES, p),
    "long.csv": _long_table,
    "rows.txt": lambda p: _rows(p, 3),
    "short_rows.txt": lambda p: _rows(p, 1),
    "angles.bvh": _bvh,
    "kinect.skeleton": _skeleton,
    "short.skeleton": _short_skeleton,
    "names_and_array.json": lambda p: json.dumps({"names": NAMES, "keypoints": p.tolist()}),
    "short.json": lambda p: json.dumps(np.round(p, 1).tolist(), separators=(",", ":")),
    "millimetres.json": lambda p: json.dumps({"keypoints": _millimetres(p).tolist()}),
    "flat.json": lambda p: json.dumps(np.round(p, 2).reshape(len(p), -1).tolist()),
    "people.json": lambda p: json.dumps(_people(p)),
    "points.json": lambda p: json.dumps(_points(p)),
    "by_name.json": lambda p: json.dumps([dict(zip(NAMES, frame)) for frame in np.round(p, 3).tolist()]),
    "lines.jsonl": lambda p: "\n".join(json.dumps({"t": t, "joints": f}) for t, f in enumerate(p.tolist())),
    "doubles.npy": lambda p: _array(p),
    "singles.npy": lambda p: _array(p.astype(np.float32)),
    "millimetres.npy": lambda p: _array(_millimetres(p).astype(np.int16)),
    "stored.npz": lambda p: _archive(np.savez, keypoints3d=p, confidence=np.ones(p.shape[:2])),
    "packed.npz": lambda p: _archive(np.savez_compressed, keypoints3d=p, confidence=np.ones(p.shape[:2])),
    "lists.pkl": lambda p: pickle.dumps({"keypoints3d": p.tolist()}),
    "arrays.pkl": lambda p: pickle.dumps([{"keypoints3d": frame} for frame in p]),
    "reals.c3d": lambda p: c3d_bytes(NAMES, p, INTEL, -1, [("POINT:UNITS", ["m   "])]),
    "integers.c3d": lambda p: c3d_bytes(NAMES, p, INTEL, 0.001, [("POINT:UNITS", ["m   "])]),
}
"""A file of so many frames (T,17,3), by its name."""

MOTIONS: dict[str, Callable[[np.ndarray], str | bytes]] = {
    "wham.pkl": lambda p: pickle.dumps({0: _person(p) | {"frame_ids": np.arange(len(p))}}),
    "amass.npz": lambda p: _archive(
        np.savez, poses=np.zeros((len(p), 156)), trans=p[:, 0], betas=np.zeros(16), mocap_framerate=60.0
    ),
    "packed_amass.npz": lambda p: _archive(
        np.savez_compressed, poses=np.round(np.random.default_rng(0).normal(size=(len(p), 156)), 4) * 0.1,
        trans=p[:, 0], betas=np.zeros(16), mocap_framerate=60.0,
    ),
    "plain.json": lambda p: json.dumps(
        {"root_orient": np.zeros((len(p), 3)).tolist(), "pose_body": np.zeros((len(p), 63)).tolist(),
         "trans": p[:, 0].tolist()}
    ),
}  # fmt: skip
"""A motion of so many frames, by its name."""


def frames(count: int) -> np.ndarray:
    """(T,17,3) of somebody who walks 12 m again and again, in metres to a tenth of a millimetre."""
    walk = np.round(walking(COCO, 400), 4)
    return np.resize(walk, (count, *walk.shape[1:]))


def large_file(name: str, size: int) -> bytes:
    """A file of at least 90 % of `size` bytes."""
    make = FILES.get(name) or MOTIONS[name]
    counts: Iterator[int] = iter((400, 4000))
    first, second = (len(_bytes(make(frames(count)))) for count in counts)
    each = (second - first) / 3600
    return _bytes(make(frames(max(10, int((size - first) / each) + 400))))


def _bytes(made: str | bytes) -> bytes:
    return made.encode() if isinstance(made, str) else made


def reader_of(name: str) -> Callable:
    return read_track if name in FILES else SUBJECTS["motions"][1]

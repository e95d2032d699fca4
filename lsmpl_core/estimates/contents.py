"""What is in the files of SMPL estimators, whatever wrote them: nests of dicts, lists and arrays.

npz, pickles, joblib, PyTorch files, pickled npy, JSON, and folders of one such file a frame. Which
poses there are in it, `formats.py` and `aliases.py` tell.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MotionFileError
from ..files import safe_pickle
from ..files.json_arrays import load_json
from ..files.npz import most_unpacked, open_npz, read_array
from ..files.object_npy import is_object_npy, read_object_npy
from ..files.opening import file_size, read_file
from ..files.torch_files import read_torch_file
from .aliases import DEEPEST, is_parameter
from .bare_poses import are_poses
from .smpl_parameters import MAX_FRAMES, MAX_NUMBERS

MAX_JSON = 256 << 20
MOTION_X = 322
"""Numbers a frame of Motion-X: root 3, body 63, hands 90, jaw 3, expression 50, face shape 100,
translation 3, betas 10 (IDEA-Research/Motion-X, README.md)."""
FEWEST_FILES = 64
"""Files that are looked at in the folder of one frame."""
PICKLE_STARTS = (b"\x80", b"\x78", b"\x1f\x8b")  # a pickle of protocol 2 or later, zlib, gzip
EXPECTED = (
    "expected a motion in the AMASS layout or SMPL parameters of an estimator, such as "
    "global_orient and body_pose"
)


class Archive(dict):
    """The arrays of an npz."""


def content_of(path: Path) -> Any:
    """The dicts, lists and arrays in a file, or in a folder of one file a frame; None of a file in
    the AMASS layout. Raises as `read_estimates` does."""
    if path.is_dir():
        return _frame_files(path)
    if path.suffix.lower() == ".json":
        return _json(path)
    if path.suffix.lower() == ".npy":
        return _npy(path)
    names = archived(path)
    if any(name.endswith("/data.pkl") for name in names):
        return _torch(path)
    if names >= {"poses.npy", "trans.npy"}:
        return None
    return Archive(_npz_content(path)) if names else _pickled(path)


def archived(path: Path) -> set[str]:
    """The names in a zip archive, npz or PyTorch, of bearable size once unpacked; none for any
    other file."""
    if read_file(path, 2) != b"PK":
        return set()
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"is a damaged npz or PyTorch file ({error})") from error
    if any(
        member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members
    ):
        raise ValueError("is compressed in a way that neither NumPy nor PyTorch uses")
    most = min(safe_pickle.MAX_BYTES, most_unpacked(file_size(path)))
    if sum(member.file_size for member in members) > most:
        raise ValueError(f"holds more than {most >> 20} MB, too much for a motion file of its size")
    return {member.filename for member in members}


def _npz_content(path: Path) -> dict:
    """The arrays of an npz, those of objects read as pickles are."""
    with open_npz(path, file_size(path)) as archive:
        content: dict[str, object] = {}
        for name in archive.names:
            try:
                content[name] = archive[name]
            except ValueError as error:
                if "Python objects" in str(error):
                    content[name] = read_object_npy(archive.raw(name), f"{path}: {name}")
                elif is_parameter(name):
                    raise ValueError(f"{name} {error}") from error
        return content


def _json(path: Path) -> object:
    if (size := file_size(path)) > MAX_JSON:
        raise ValueError(f"has {size >> 20} MB; at most {MAX_JSON >> 20} MB of JSON are read")
    try:
        data = read_file(path)
        return load_json(data.decode(json.detect_encoding(data), "surrogatepass"))
    except UnicodeDecodeError as error:
        raise ValueError(f"is no JSON: its text at byte {error.start} is in no encoding") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from error


def _npy(path: Path) -> object:
    """Objects, Motion-X's array of all parameters side by side, or one of nothing but poses."""
    data = read_file(path)
    if is_object_npy(data):
        return read_object_npy(data, str(path))
    array = read_array(io.BytesIO(data), len(data))
    if are_poses(array):
        return {"poses": array}
    if array.ndim != 2 or array.shape[1] != MOTION_X or array.dtype.kind != "f":
        raise ValueError(
            f"holds {array.dtype} of shape {array.shape}; expected objects, such as a dict of SMPL "
            f"parameters, Motion-X's (T,{MOTION_X}), or rotations of SMPL's joints, such as (T,72)"
        )
    return {
        "poses": array[:, :66],
        "left_hand_pose": array[:, 66:111],
        "right_hand_pose": array[:, 111:156],
        "trans": array[:, 309:312],
        "betas": array[:, 312:],
    }


def _frame_files(folder: Path) -> dict:
    """What each numbered file of a folder, or of a folder in it for each frame, holds: {number:
    content}."""
    places = sorted(path for path in folder.iterdir() if not path.name.startswith("."))[
        : MAX_FRAMES + 1
    ]
    content = {}
    for place in places:
        inner = sorted(place.iterdir())[:FEWEST_FILES] if place.is_dir() else [place]
        files = [path for path in inner if path.suffix.lower() in FRAME_READERS and path.is_file()]
        numbers = re.findall(r"\d+", place.stem)
        if files and numbers:
            read = [FRAME_READERS[path.suffix.lower()](path) for path in files]
            content[int(numbers[-1][-9:])] = read[0] if len(read) == 1 else read
    if not content:
        raise ValueError(
            "is a folder without files such as 00001_0.npz (frame and person), as SMPLer-X writes "
            "them, or one pickle, npz or JSON a frame"
        )
    return content


def _pickled(path: Path) -> Mapping | list | tuple | np.ndarray:
    start = read_file(path, 2)
    if start and not start.startswith(PICKLE_STARTS):
        raise ValueError(f"is neither an npz nor a PyTorch file nor a pickle; {EXPECTED}")
    content = safe_pickle.load(path, what="motion file", error=MotionFileError)
    return content if isinstance(content, (list, tuple, np.ndarray)) else as_mapping(content)


def _torch(path: Path) -> Mapping:
    """What a PyTorch file holds, its plain tensors as arrays."""
    content = as_mapping(read_torch_file(path))
    import torch

    return _as_arrays(content, torch, "")


def _as_arrays(value: Any, torch: Any, name: str, depth: int = 0) -> Any:
    """A nest with plain tensors as arrays; others, if they are a parameter's, are an error."""
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return {key: _as_arrays(one, torch, str(key), depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_arrays(one, torch, name, depth + 1) for one in value]
    if not isinstance(value, torch.Tensor):
        return value
    plain = value.layout == torch.strided and value.device.type == "cpu"
    if plain and value.numel() <= MAX_NUMBERS:
        return value.detach().double().numpy() if value.is_floating_point() else value.numpy()
    if is_parameter(name):
        raise ValueError(f"{name} is no plain tensor of at most {MAX_NUMBERS} numbers")
    return None


def as_mapping(content: object) -> Mapping:
    if not isinstance(content, dict):
        raise ValueError(f"holds a {type(content).__name__}; {EXPECTED}")
    return content


def _frame_pickle(path: Path) -> object:
    return safe_pickle.load(path, what="motion file", error=MotionFileError)


def _object_npy(path: Path) -> object:
    return read_object_npy(read_file(path), str(path))


FRAME_READERS: dict[str, Callable[[Path], object]] = {
    ".json": _json,
    ".npz": _npz_content,
    ".pkl": _frame_pickle,
    ".pickle": _frame_pickle,
    ".npy": _object_npy,
}
"""What reads one frame of a folder."""

"""C3D, the binary format of marker systems, in every byte order: Intel, DEC and MIPS, real and
integer points.

Format: the C3D User Guide of c3d.org. Nothing in a file is believed before it is checked against
the file's size.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .raw import RawTrack, read_bytes
from .rotations import turns_of

_BLOCK = 512
_INTEL, _DEC, _MIPS = 84, 85, 86
_MOST_PARAMETER_BYTES, _MOST_PARAMETERS = 4 << 20, 127 * 127
"""Of the section of parameters; files that are known have some hundred."""


@dataclass
class _Numbers:
    """How this file's processor writes numbers."""

    processor: int

    @property
    def order(self) -> str:
        return ">" if self.processor == _MIPS else "<"

    def integers(self, data: bytes | memoryview | np.ndarray, kind: str = "i2") -> np.ndarray:
        return np.frombuffer(data, self.order + kind)

    def floats(self, data: bytes | memoryview | np.ndarray) -> np.ndarray:
        if self.processor != _DEC:
            return np.frombuffer(data, self.order + "f4")
        words = np.frombuffer(data, "<u2").astype(np.uint32).reshape(-1, 2)
        return ((words[:, 0] << 16) | words[:, 1]).view(
            np.float32
        ) / 4  # VAX F: words swapped, exponent 2 higher


@dataclass
class _Parameter:
    kind: int
    dims: tuple[int, ...]
    data: memoryview


@dataclass
class _C3d:
    """Header fields, parameters by "GROUP:NAME", and the way this file writes numbers."""

    numbers: _Numbers
    points: int
    analog: int
    first: int
    last: int
    scale: float
    data_block: int
    rate: float
    parameters: dict[str, _Parameter] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """A numeric parameter's first value where it is above 0."""
        values = self.values(name)
        return (
            float(values[0]) if len(values) and np.isfinite(values[0]) and values[0] > 0 else None
        )

    def values(self, name: str) -> np.ndarray:
        """A numeric parameter; integers unsigned, as counts beyond 32767 are stored so."""
        parameter = self.parameters.get(name)
        if parameter is None:
            return np.empty(0)
        if parameter.kind == 4:
            return self.numbers.floats(parameter.data)
        return self.numbers.integers(parameter.data, {1: "u1", 2: "u2"}.get(parameter.kind, "u1"))

    def strings(self, name: str) -> list[str]:
        parameter = self.parameters.get(name)
        if parameter is None or parameter.kind != -1 or not parameter.dims:
            return []
        width = parameter.dims[0]
        data = parameter.data
        return [_text(data[i : i + width]) for i in range(0, len(data), width)] if width else []


@np.errstate(invalid="ignore", over="ignore")  # damaged floats may be signalling NaN
def read_c3d(path: Path, counts: Collection[int] = ()) -> RawTrack:
    """Read the 3D points of a C3D file; points with a negative residual are missing."""
    data = read_bytes(path)
    file = _read_header(data, path)
    if not file.points:
        return _segments(file, data, path)

    # How many whole frames there are: headers promise more than files hold that were cut short.
    real = file.scale < 0
    word = 4 if real else 2
    points_bytes, analog_bytes = 4 * word * file.points, word * file.analog
    start = _BLOCK * (file.data_block - 1)
    stored = max(0, len(data) - start) // (points_bytes + analog_bytes)
    claimed = _frame_count(file)
    length = min(claimed, stored)
    if start < _BLOCK or length < 1:
        raise KeypointFileError(
            f"{path}: {claimed} frames of {file.points} points should start at byte {start}, but "
            f"the file has {len(data)} bytes, which leaves {stored} whole frames"
        )
    decisions = []
    if stored < claimed:
        decisions.append(
            Decision(
                "frames", str(length), "file", f"cut short: the header promises {claimed} frames"
            )
        )

    frames = np.frombuffer(data, np.uint8, length * (points_bytes + analog_bytes), start)
    block = np.ascontiguousarray(frames.reshape(length, -1)[:, :points_bytes])
    words = file.numbers.floats(block) if real else file.numbers.integers(block)
    words = words.reshape(length, file.points, 4)
    positions = words[..., :3].astype(np.float64) * (1.0 if real else file.scale)
    missing = ~(words[..., 3] >= 0)  # the residual is negative where a point was not seen
    if missing.all():
        decisions.append(
            Decision(
                "missing", "none", "assumed", "every residual is negative, so they tell nothing"
            )
        )
    else:
        positions[missing] = np.nan

    labels = _labels(file)
    columns = _places(file, labels or [])
    if labels and 0 < len(columns) < file.points:
        reason = "the file lists them as angles, forces, moments, powers or scalars"
        said = f"{file.points - len(columns)} model outputs"
        decisions.append(Decision("set aside", said, "file", reason))
        positions, labels = positions[:, columns], [labels[i] for i in columns]

    up = next(iter(file.strings("POINT:Y_SCREEN")), "").lower().replace("+", "")
    return RawTrack(
        positions,
        labels,
        fps=file.value("POINT:RATE") or file.rate,
        unit=next(iter(file.strings("POINT:UNITS")), None),
        up=up if up in ("x", "y", "z", "-x", "-y", "-z") else None,
        first_frame=file.first,
        decisions=decisions,
    )


def _segments(file: _C3d, data: bytes, path: Path) -> RawTrack:
    """Where segments begin, of a file that has 4x4 matrices of them and no points, as Theia3D
    writes it.

    Each is 16 numbers, column by column, and a reliability, below 0 where it was not seen; they
    begin at the block of ROTATION:DATA_START (C3D User Guide, *Rotation data*). Raises
    `KeypointFileError` where there are none.
    """
    count = int(file.value("ROTATION:USED") or 0)
    block = int(file.value("ROTATION:DATA_START") or 0)
    start, size = _BLOCK * (block - 1), 17 * 4 * count
    claimed = _frame_count(file) * int(file.value("ROTATION:RATIO") or 1)
    length = min(max(0, len(data) - start) // size, claimed) if size else 0
    if start < _BLOCK or length < 1:
        raise KeypointFileError(
            f"{path}: the file holds no 3D points, and no segments with a place either"
        )
    numbers = (
        file.numbers.floats(data[start : start + length * size])
        .reshape(length, count, 17)
        .astype(np.float64)
    )
    matrices = numbers[..., :16].reshape(length, count, 4, 4)
    columns, rows = matrices[..., 3, :3], matrices[..., :3, 3]
    by_columns = np.nan_to_num(np.abs(rows)).max() <= np.nan_to_num(np.abs(columns)).max()
    positions = columns if by_columns else rows
    axes = np.swapaxes(matrices[..., :3, :3], 2, 3) if by_columns else matrices[..., :3, :3]
    positions = np.where(numbers[..., 16:] < 0, np.nan, positions)
    names = [label.removesuffix("_4X4") for label in file.strings("ROTATION:LABELS")[:count]]
    reason = (
        "the file holds no 3D points; its segments' matrices say where they begin and how they are "
        "turned"
    )
    return RawTrack(
        positions,
        names if len(names) == count else None,
        fps=file.value("ROTATION:RATE") or file.value("POINT:RATE") or file.rate,
        unit=next(iter(file.strings("POINT:UNITS")), None),
        first_frame=file.first,
        decisions=[Decision("segments", str(count), "file", reason)],
        turns=turns_of(axes),
    )


def _read_header(data: bytes, path: Path) -> _C3d:
    if len(data) < _BLOCK:
        problem = (
            "the file is empty" if not data else f"{len(data)} bytes are too few for a C3D header"
        )
        raise KeypointFileError(f"{path}: {problem}")
    if data[1] != 0x50:
        raise KeypointFileError(f"{path}: not a C3D file (byte 1 is {data[1]:#04x}, expected 0x50)")
    section = _BLOCK * (data[0] - 1)
    # A wrong parameter block leaves only the header, whose frame rate is sane in just one byte
    # order.
    processor = data[section + 3] if 0 < section < len(data) - 4 else 0
    if processor not in (_INTEL, _DEC, _MIPS):
        processor = _guess_processor(data)
    numbers = _Numbers(processor)
    points, analog, first, last, _gap = (int(v) for v in numbers.integers(data[2:12], "u2"))
    data_block, _rate = (int(v) for v in numbers.integers(data[16:20], "u2"))
    scale, rate = (float(numbers.floats(data[i : i + 4])[0]) for i in (12, 20))
    file = _C3d(numbers, points, analog, first, last, scale, data_block, rate)
    if 0 < section < len(data):
        file.parameters = _read_parameters(data, section + 4, numbers.order)
    file.points = int(file.value("POINT:USED") or points)
    file.data_block = data_block or int(file.value("POINT:DATA_START") or 0)
    if file.points and (not math.isfinite(scale) or scale == 0):
        raise KeypointFileError(f"{path}: the header's scale factor (byte 12) is {scale}")
    return file


def _guess_processor(data: bytes) -> int:
    def sane(processor: int) -> bool:
        rate = float(_Numbers(processor).floats(data[20:24])[0])
        return 1 <= rate <= 10_000

    return next((p for p in (_INTEL, _DEC, _MIPS) if sane(p)), _INTEL)


def _read_parameters(data: bytes, at: int, order: str) -> dict[str, _Parameter]:
    """Parameters by "GROUP:NAME"; what comes after a damaged record is left out."""
    groups: dict[int, str] = {}
    found: list[tuple[int, str, _Parameter]] = []
    end = min(len(data), at + _MOST_PARAMETER_BYTES)
    while at + 4 < end and len(found) < _MOST_PARAMETERS:
        name_length, group = struct.unpack_from("bb", data, at)
        name_length = abs(name_length)  # negative: locked
        offset_at = at + 2 + name_length
        if not name_length or not group or offset_at + 2 > len(data):
            break
        name = _text(data[at + 2 : offset_at]).upper()
        (offset,) = struct.unpack_from(order + "h", data, offset_at)
        body = offset_at + 2
        if group < 0:
            groups[-group] = name
        elif (parameter := _parse_parameter(data, body)) is not None:
            found.append((group, name, parameter))
        if offset <= 0:
            break
        at = offset_at + offset
    return {
        f"{groups[group]}:{name}": parameter for group, name, parameter in found if group in groups
    }


def _parse_parameter(data: bytes, at: int) -> _Parameter | None:
    if at + 2 > len(data):
        return None
    kind, n_dims = struct.unpack_from("bB", data, at)
    dims = tuple(data[at + 2 : at + 2 + n_dims])
    size = abs(kind) * math.prod(dims)
    start = at + 2 + n_dims
    if kind not in (-1, 1, 2, 4) or len(dims) < n_dims or start + size > len(data):
        return None
    return _Parameter(kind, dims, memoryview(data)[start : start + size])  # they may overlap


def _frame_count(file: _C3d) -> int:
    """Frames the file claims: 16-bit fields stop at 65535, TRIAL holds 32-bit first and last
    frames, in two words."""
    fields = [file.values(f"TRIAL:ACTUAL_{end}_FIELD") for end in ("START", "END")]
    if all(len(f) >= 2 and np.isfinite(f).all() for f in fields):
        first, last = (int(f[0]) + 65536 * int(f[1]) for f in fields)
        if last >= first:
            return last - first + 1
    frames = file.value("POINT:LONG_FRAMES") or file.value("POINT:FRAMES")
    return int(frames) if frames else max(0, file.last - file.first + 1)


def _labels(file: _C3d) -> list[str] | None:
    """Names of the points; those beyond 255 stand in POINT:LABELS2, LABELS3 and so on; None where
    there are none."""
    labels = file.strings("POINT:LABELS")
    page = 2
    while len(labels) < file.points and (more := file.strings(f"POINT:LABELS{page}")):
        labels += more
        page += 1
    if not any(labels):
        return None
    return [
        label or f"unnamed_{i}"
        for i, label in enumerate((labels + [""] * file.points)[: file.points])
    ]


_NO_PLACES = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS")
"""Groups of points that stand for no places: lists of labels in POINT (Vicon's type groups, C3D
User Guide)."""


def _places(file: _C3d, labels: Sequence[str]) -> list[int]:
    """The points that the file does not list as what a model computed beside places."""
    outputs = {label for group in _NO_PLACES for label in file.strings(f"POINT:{group}") if label}
    return [i for i, label in enumerate(labels) if label not in outputs]


def _text(data: bytes | memoryview) -> str:
    return str(data, "latin-1").strip(" \0")

"""C3D in every byte order, on files made here and by ezc3d, checked against two other readers."""

import struct
import warnings

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS, Layout
from lsmpl_core.readers import read_keypoints
from lsmpl_core.readers.c3d import read_c3d

COCO = LAYOUTS["coco_17"]
INTEL, DEC, MIPS = 84, 85, 86


def c3d_bytes(names, positions, processor=INTEL, scale=-1.0, strings=(), integers=(), claimed=None, rate=50.0) -> bytes:
    """A C3D file: NaN points get residual -1; `strings` and `integers` are further (group:name, values) parameters."""
    order = ">" if processor == MIPS else "<"

    def real(values) -> bytes:
        values = np.asarray(values, np.float32)
        if processor != DEC:
            return values.astype(order + "f4").tobytes()
        words = (values * 4).view(np.uint32)
        return np.stack([words >> 16, words & 0xFFFF], axis=-1).astype("<u2").tobytes()

    def short(*values) -> bytes:
        return np.array(values, np.int64).astype(np.uint16).astype(order + "u2").tobytes()

    groups = {"POINT": 1, "TRIAL": 2}
    records = b"".join(struct.pack("bb", len(g), -i) + g.encode() + short(3) + b"\0" for g, i in groups.items())

    def add(name: str, kind: int, dims: tuple[int, ...], data: bytes):
        nonlocal records
        group, name = name.split(":")
        body = struct.pack("bB", kind, len(dims)) + bytes(dims) + data + b"\0"
        records += struct.pack("bb", len(name), groups[group]) + name.encode() + short(len(body) + 2) + body

    def add_strings(name: str, values):
        width = max(map(len, values))
        add(name, -1, (width, len(values)), b"".join(v.ljust(width).encode() for v in values))

    frames, points = positions.shape[:2]
    add("POINT:USED", 2, (), short(points))
    add("POINT:RATE", 4, (), real([rate]))
    add("POINT:SCALE", 4, (), real([scale]))
    for page, start in enumerate(range(0, len(names), 255)):
        add_strings(f"POINT:LABELS{page + 1 if page else ''}", names[start : start + 255])
    for name, values in strings:
        add_strings(name, values)
    for name, values in integers:
        add(name, 2, (len(values),), short(*values))

    blocks = -(-(len(records) + 6) // 512)
    section = (bytes([1, 80, blocks % 256, processor]) + records).ljust(512 * blocks, b"\0")
    last = (claimed or frames) & 0xFFFF
    header = bytes([2, 80]) + short(points, 0, 1, last, 0) + real([scale]) + short(2 + blocks, 0) + real([rate])
    missing = np.isnan(positions).any(axis=2, keepdims=True)
    words = np.concatenate([np.nan_to_num(positions) / (1 if scale < 0 else scale), np.where(missing, -1, 0)], axis=2)
    data = real(words.ravel()) if scale < 0 else short(*np.round(words).astype(int).ravel())
    return header.ljust(512, b"\0") + section + data


@pytest.mark.parametrize("processor", [INTEL, DEC, MIPS])
@pytest.mark.parametrize("scale", [-1.0, 0.0625])
def test_every_byte_order_and_number_format(tmp_path, processor, scale):
    positions = walking(COCO) * 1000
    positions[4, 5] = np.nan
    strings = [("POINT:UNITS", ["mm  "]), ("POINT:X_SCREEN", ["+X"]), ("POINT:Y_SCREEN", ["+Z"])]
    names = [f"Ann:{name}" for name in COCO.keypoints]
    (tmp_path / "take.c3d").write_bytes(c3d_bytes(names, positions, processor, scale, strings))
    track = read_keypoints(tmp_path / "take.c3d")
    assert np.allclose(track.positions, positions / 1000, atol=5e-5, equal_nan=True)
    assert (track.fps, track.first_frame, track.layout) == (50, 1, COCO)
    assert {d.what: d.basis for d in track.decisions} == dict.fromkeys(("layout", "unit", "up", "fps"), "file")


def test_more_points_than_one_list_of_labels_holds(tmp_path):
    names = [f"extra{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(300)] + list(COCO.keypoints)
    positions = np.concatenate([np.full((40, 300, 3), 5.0), walking(COCO)], axis=1)
    (tmp_path / "take.c3d").write_bytes(c3d_bytes(names, positions))
    assert np.allclose(read_keypoints(tmp_path / "take.c3d").positions, walking(COCO), atol=1e-6)


def test_points_that_the_file_lists_as_angles_or_forces_are_no_places(tmp_path):
    names = [*COCO.keypoints, "LHPA", "RGRF", "LASIAxis"]
    positions = np.concatenate([walking(COCO), np.full((40, 3, 3), 45.0)], axis=1)
    groups = [("POINT:ANGLES", ["LHPA"]), ("POINT:FORCES", ["RGRF", "no such label"])]
    (tmp_path / "take.c3d").write_bytes(c3d_bytes(names, positions, strings=groups))
    raw = read_c3d(tmp_path / "take.c3d")
    assert list(raw.names) == [*COCO.keypoints, "LASIAxis"]
    assert np.array_equal(raw.positions, np.delete(positions, [17, 18], axis=1).astype(np.float32))
    assert [(d.what, d.value) for d in raw.decisions] == [("set aside", "2 model outputs")]


def test_more_frames_than_16_bits_count(tmp_path):
    positions = np.zeros((70_000, 1, 3)) + np.arange(70_000)[:, None, None]
    long = [("TRIAL:ACTUAL_START_FIELD", (1, 0)), ("TRIAL:ACTUAL_END_FIELD", (70_000 & 0xFFFF, 70_000 >> 16))]
    (tmp_path / "take.c3d").write_bytes(c3d_bytes(["a"], positions, integers=long))
    assert np.array_equal(read_c3d(tmp_path / "take.c3d").positions, positions)


def test_files_cut_short_give_what_they_have(tmp_path):
    data = c3d_bytes(COCO.keypoints, walking(COCO))
    (tmp_path / "take.c3d").write_bytes(data[: -17 * 16 * 10 - 5])
    track = read_keypoints(tmp_path / "take.c3d")
    assert len(track) == 29 and "promises 40" in next(d.reason for d in track.decisions if d.what == "frames")
    for end in (3, 511, 512, 514, 600, 1100):
        (tmp_path / "take.c3d").write_bytes(data[:end])
        with pytest.raises(KeypointFileError, match=r"take\.c3d"):
            read_keypoints(tmp_path / "take.c3d")


def test_residuals_that_are_all_negative_tell_nothing(tmp_path):
    data = bytearray(c3d_bytes(COCO.keypoints, walking(COCO)))
    words = np.frombuffer(data, "<f4", offset=len(data) - 40 * 17 * 16).reshape(-1, 4)
    words[:, 3] = -1
    (tmp_path / "take.c3d").write_bytes(bytes(data))
    assert np.allclose(read_keypoints(tmp_path / "take.c3d").positions, walking(COCO), atol=1e-6)


@pytest.mark.parametrize("processor", [INTEL, DEC], ids=["Intel", "DEC"])
@pytest.mark.parametrize("scale", [-1.0, 0.1], ids=["reals", "integers"])
def test_agrees_with_other_readers(tmp_path, processor, scale):
    """Those refuse SGI's files, and `c3d` is content with whatever ezc3d is."""
    positions = walking(COCO) * 1000
    positions[4, 5] = np.nan
    path = tmp_path / "take.c3d"
    path.write_bytes(c3d_bytes(COCO.keypoints, positions, processor, scale))
    ours = read_c3d(path)
    for read in (read_with_ezc3d, read_with_c3d):
        theirs = read(path)
        np.testing.assert_allclose(ours.positions, theirs, atol=1e-3)
        assert np.isnan(theirs[4, 5]).all() and np.isfinite(theirs).sum() == 3 * (40 * 17 - 1)


def test_reads_what_ezc3d_writes(tmp_path):
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed")
    positions, written = walking(COCO) * 1000, ezc3d.c3d()
    written["parameters"]["POINT"]["RATE"]["value"] = [120.0]
    written["parameters"]["POINT"]["LABELS"]["value"] = list(COCO.keypoints)
    written["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    written["data"]["points"] = np.concatenate([positions, np.ones((40, 17, 1))], axis=2).transpose(2, 1, 0)
    written.write(str(tmp_path / "take.c3d"))
    track = read_keypoints(tmp_path / "take.c3d")
    np.testing.assert_allclose(track.positions, positions / 1000, atol=1e-6)
    assert (track.fps, track.layout) == (120, COCO)


def read_with_ezc3d(path) -> np.ndarray:
    """(T,K,3) as ezc3d has them, which refuses SGI's and damaged files."""
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed")
    return ezc3d.c3d(str(path))["data"]["points"][:3].transpose(2, 1, 0)


def read_with_c3d(path) -> np.ndarray:
    """(T,K,3) as c3d has them, NaN where it says that a point is missing."""
    c3d = pytest.importorskip("c3d", reason="c3d is not installed")
    with warnings.catch_warnings(), open(path, "rb") as stream:
        warnings.simplefilter("ignore")
        points = np.stack([points for _, points, _ in c3d.Reader(stream).read_frames()])
    return np.where(points[..., 3:4] >= 0, points[..., :3], np.nan)


THEIA = {
    "pelvis": "pelvis", "head": "head", **{
        f"{side}_{name}": f"{word}_{joint}"
        for side, word in (("l", "left"), ("r", "right"))
        for name, joint in (("thigh", "hip"), ("shank", "knee"), ("foot", "ankle"), ("toes", "foot"),
                            ("uarm", "shoulder"), ("larm", "elbow"), ("hand", "wrist"))
    },
}  # fmt: skip


def segments_bytes(positions, rotations=None) -> bytes:
    """As Theia3D writes: no points, and of each segment a 4x4 matrix, column by column, and its reliability."""
    frames, count = positions.shape[:2]
    labels = [f"{name}_4X4" for name in THEIA]
    width = max(map(len, labels))
    parameters = [
        ("USED", 2, (), np.int16(count).tobytes()), ("RATE", 4, (), np.float32(100).tobytes()),
        ("LABELS", -1, (width, count), b"".join(label.ljust(width).encode() for label in labels)),
    ]  # fmt: skip
    records = struct.pack("bb", 5, -1) + b"POINT" + struct.pack("<h", 3) + b"\0"
    records += struct.pack("bb", 8, -3) + b"ROTATION" + struct.pack("<h", 3) + b"\0"
    blocks = 4
    parameters.append(("DATA_START", 2, (), np.int16(2 + blocks).tobytes()))
    parameters.append(("USED", 2, (), np.int16(0).tobytes()))
    for i, (name, kind, dims, data) in enumerate(parameters):
        group = 1 if i == len(parameters) - 1 else 3
        body = struct.pack("bB", kind, len(dims)) + bytes(dims) + data + b"\0"
        records += struct.pack("bb", len(name), group) + name.encode() + struct.pack("<h", len(body) + 2) + body
    matrices = np.tile(np.eye(4, dtype=np.float32), (frames, count, 1, 1))
    matrices[..., 3, :3] = positions
    if rotations is not None:
        matrices[..., :3, :3] = np.swapaxes(rotations, -1, -2)
    numbers = np.concatenate([matrices.reshape(frames, count, 16), np.ones((frames, count, 1), np.float32)], axis=2)
    header = bytes([2, 80]) + struct.pack("<HHHHHfHHf", 0, 0, 1, frames, 0, -1.0, 0, 0, 100.0)
    section = (bytes([1, 80, blocks, INTEL]) + records).ljust(512 * blocks, b"\0")
    return header.ljust(512, b"\0") + section + numbers.astype("<f4").tobytes()


def test_segments_without_points_are_read_as_where_bones_begin(tmp_path):
    positions = walking(Layout("segments", tuple(THEIA.values())))
    (tmp_path / "theia.c3d").write_bytes(segments_bytes(1000 * positions))
    track = read_keypoints(tmp_path / "theia.c3d", up="z")
    assert (track.layout.name, len(track), track.fps) == ("bones", 40, 100)
    order = [list(track.layout.keypoints).index(joint) for joint in THEIA.values()]
    assert np.allclose(track.positions[:, order], positions, atol=1e-4)
    assert "how they are turned" in next(d for d in track.decisions if d.what == "segments").reason

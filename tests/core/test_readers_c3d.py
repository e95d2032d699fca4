"""C3D in every byte order, checked against two other readers on real files and against files made here."""

import struct

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS
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


def test_agrees_with_ezc3d_on_real_files(keypoint_files):
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed")
    agreed = 0
    for path in sorted(keypoint_files.rglob("*.c3d")):
        if path.name == "bad_parameter_section.c3d":
            continue  # it takes half a minute to refuse this one
        try:
            other = ezc3d.c3d(str(path))
        except Exception:
            continue  # it refuses damaged and MIPS files
        ours = read_c3d(path)
        expected = other["data"]["points"][:3].transpose(2, 1, 0)
        if np.isfinite(expected).any():
            assert np.array_equal(np.isnan(ours.positions), np.isnan(expected)), path.name
            assert np.allclose(ours.positions, expected, atol=1e-6, equal_nan=True), path.name
        labels = [
            label
            for key in ("LABELS", "LABELS2")
            for label in other["parameters"]["POINT"].get(key, {}).get("value", [])
        ]
        assert ours.names == labels[: len(ours.names)], path.name
        assert ours.fps == pytest.approx(other["header"]["points"]["frame_rate"])
        agreed += 1
    assert agreed >= 8


@pytest.mark.filterwarnings("ignore")
def test_agrees_with_c3d_on_real_files(keypoint_files):
    c3d = pytest.importorskip("c3d", reason="c3d is not installed")
    agreed = 0
    for path in sorted(keypoint_files.rglob("*.c3d")):
        try:
            with path.open("rb") as stream:
                points = np.stack([points for _, points, _ in c3d.Reader(stream).read_frames()])
        except Exception:
            continue
        ours = read_c3d(path).positions
        seen = points[..., 3] >= 0
        if seen.any():
            assert np.array_equal(np.isfinite(ours).all(axis=2), seen), path.name
            assert np.allclose(ours[seen], points[seen, :3], atol=1e-3), path.name
        agreed += 1
    assert agreed >= 8


def test_one_recording_in_two_byte_orders_is_the_same(keypoint_files):
    dec, sgi = (read_c3d(keypoint_files / "c3d" / name) for name in ("dec_int.c3d", "sgi_real.c3d"))
    assert dec.names == sgi.names and np.allclose(dec.positions, sgi.positions, atol=0.2, equal_nan=True)


def test_reads_past_a_damaged_parameter_section(keypoint_files):
    for name, points in (("badParameterOffset.c3d", 41), ("bad_parameter_section.c3d", 45)):
        assert read_c3d(keypoint_files / "c3d" / name).positions.shape[1] == points


@pytest.mark.parametrize("name", ["Empty.c3d", "simple.c3d"])
def test_files_without_points_are_refused(keypoint_files, name):
    with pytest.raises(KeypointFileError, match=name):
        read_c3d(keypoint_files / "c3d" / name)

"""Keypoint files of every format become tracks in metres, Z up; what had to be settled is stated."""

import json

import numpy as np
import pytest
from stick_figure import walking

import lsmpl_core as lsmpl
from lsmpl_core.errors import KeypointFileError, LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS, ORDERS
from lsmpl_core.readers import READERS, read_keypoints
from lsmpl_core.readers.hand_columns import hand_columns

COCO, BODY_25, H36M = LAYOUTS["coco_17"], LAYOUTS["body_25"], LAYOUTS["human36m_17"]


def decided(track: lsmpl.KeypointTrack) -> dict[str, lsmpl.Decision]:
    return {decision.what: decision for decision in track.decisions}


def trc_text(names, positions, units="m", rate="60.00", first=1, newline="\n", count=None) -> str:
    """A TRC file as the usual tools write it; NaN is blank."""
    lines = [
        "PathFileType\t4\t(X/Y/Z)\tt.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t60\t{count or len(positions)}\t{count or len(names)}\t{units}\t60\t1\t{len(positions)}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{i + 1}" for i in range(len(names)) for axis in "XYZ"),
        "",
    ]
    for t, frame in enumerate(positions):
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in frame.ravel()]
        lines.append(f"{first + t}\t{t / (float(rate) or 60):.6f}\t" + "\t".join(cells))
    return newline.join(lines) + newline


def csv_text(names, positions, header="{name}_{axis}", delimiter=",", extra=()) -> str:
    """A wide table; `extra` are (label, values) columns put in front."""
    labels = [label for label, _ in extra] + [header.format(name=name, axis=axis) for name in names for axis in "xyz"]
    lead = (
        np.array([values for _, values in extra]).reshape(len(extra), -1).T if extra else np.empty((len(positions), 0))
    )
    rows = np.hstack([lead, positions.reshape(len(positions), -1)])
    return "\n".join([delimiter.join(labels), *(delimiter.join(f"{v:.6f}" for v in row) for row in rows)]) + "\n"


def y_up(positions: np.ndarray) -> np.ndarray:
    """Z up to Y up."""
    return positions[..., [0, 2, 1]] * [1, 1, -1]


# What all formats share


def test_a_take_in_millimetres_and_y_up_comes_out_in_metres_and_z_up(tmp_path):
    expected = walking(COCO)
    np.save(tmp_path / "take.npy", y_up(expected) * 1000)
    track = read_keypoints(tmp_path / "take.npy")
    assert np.allclose(track.positions, expected)
    assert track.layout is COCO and track.fps == 30
    assert {what: d.value for what, d in decided(track).items()} == {
        "layout": "coco_17", "unit": "mm", "up": "y", "fps": "30",
    }  # fmt: skip
    assert decided(track)["fps"].basis == "assumed" and decided(track)["unit"].basis == "detected"


def test_everything_can_be_overridden(tmp_path):
    np.save(tmp_path / "take.npy", walking(COCO) * 50)
    track = read_keypoints(tmp_path / "take.npy", layout="human36m-17", unit="cm", up="y", fps=50)
    assert (track.layout, track.fps) == (H36M, 50)
    x, y, z = np.moveaxis(walking(COCO) * 0.5, -1, 0)
    assert np.allclose(track.positions, np.stack([x, -z, y], axis=-1))
    assert {d.basis for d in track.decisions[:4]} == {"given"}
    np.save(tmp_path / "take.npy", walking(COCO))
    assert np.allclose(read_keypoints(tmp_path / "take.npy", unit=1.5).positions, walking(COCO) * 1.5)
    assert np.allclose(read_keypoints(tmp_path / "take.npy", unit="1.5").positions, walking(COCO) * 1.5)
    assert decided(read_keypoints(tmp_path / "take.npy", unit="body", up="body"))["up"].value == "body"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("unit", "furlong", "unit 'furlong'.*mm"), ("unit", 0, "unit"), ("unit", -1.0, "unit"), ("up", "w", "up axis.*-y"),
     ("fps", 0, "frame rate"), ("fps", float("nan"), "frame rate"), ("layout", "coco", "no layout.*coco_17")],
)  # fmt: skip
def test_wrong_options_name_the_valid_ones(tmp_path, option, value, message):
    np.save(tmp_path / "take.npy", walking(COCO))
    with pytest.raises(lsmpl.LsmplError, match=message):
        read_keypoints(tmp_path / "take.npy", **{option: value})


def test_a_mapping_orders_and_states(tmp_path):
    mapping = {"keypoints": [None, *COCO.keypoints[5:]], "unit": "cm", "up": "z", "fps": 25}
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    positions = np.concatenate([np.full((40, 1, 3), 7.0), walking(COCO)[:, 5:] * 100], axis=1)
    np.savetxt(tmp_path / "take.txt", positions.reshape(40, -1))
    track = read_keypoints(tmp_path / "take.txt", layout=tmp_path / "mapping.json")
    assert track.layout.keypoints == COCO.keypoints[5:]
    assert np.allclose(track.positions, walking(COCO)[:, 5:])
    assert track.fps == 25 and read_keypoints(tmp_path / "take.txt", str(tmp_path / "mapping.json"), fps=10).fps == 10

    np.save(tmp_path / "take.npy", walking(COCO))
    with pytest.raises(LayoutError, match="13 keypoints, the file has 17"):
        read_keypoints(tmp_path / "take.npy", layout=tmp_path / "mapping.json")


def test_a_mapping_finds_a_files_own_names(tmp_path):
    sites = {f"my {k}": k for k in COCO.keypoints[5:]}
    (tmp_path / "m.json").write_text(json.dumps({"keypoints": {**sites, "absent": "nose"}}))
    (tmp_path / "take.trc").write_text(trc_text([f"S1:{name}" for name in sites], walking(COCO)[:, 5:]))
    track = read_keypoints(tmp_path / "take.trc", layout=tmp_path / "m.json")
    assert np.allclose(track.positions[:, :12], walking(COCO)[:, 5:], atol=1e-6)
    assert not track.visible[:, 12].any() and "absent" in decided(track)["layout"].reason
    (tmp_path / "n.json").write_text(json.dumps({"keypoints": {"other": "nose"}}))
    with pytest.raises(LayoutError, match=r"none of the names.*my left_shoulder"):
        read_keypoints(tmp_path / "take.trc", layout=tmp_path / "n.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mapping_encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_names_are_read_in_the_encodings_that_windows_programs_write(tmp_path, encoding, mapping_encoding):
    """Notepad and Excel mark UTF-8 or write the system's own encoding, Windows' PowerShell writes UTF-16."""
    sites = {f"Hüftë {k}": k for k in COCO.keypoints[5:]}
    mapping = json.dumps({"keypoints": sites}, ensure_ascii=False)
    (tmp_path / "m.json").write_text(mapping, encoding=mapping_encoding)
    text = trc_text(sites, walking(COCO)[:, 5:], newline="\r\n")
    (tmp_path / "take.trc").write_bytes(text.encode(encoding))
    track = read_keypoints(tmp_path / "take.trc", layout=tmp_path / "m.json")
    assert np.allclose(track.positions, walking(COCO)[:, 5:], atol=1e-6)


@pytest.mark.parametrize("filler", [0.0, -1.0])
def test_filler_triples_are_missing(tmp_path, filler):
    positions = walking(COCO)
    positions[3:9, 4] = filler
    np.save(tmp_path / "take.npy", positions)
    track = read_keypoints(tmp_path / "take.npy", unit="m")
    assert np.isnan(track.positions[3:9, 4]).all() and track.visible.sum() == 40 * 17 - 6
    assert decided(track)["missing"].value == "6 points"


def test_the_root_of_a_root_relative_take_is_no_filler(tmp_path):
    positions = walking(H36M)
    np.save(tmp_path / "take.npy", positions - positions[:, :1])
    track = read_keypoints(tmp_path / "take.npy")
    assert track.visible.all() and decided(track)["root"].value == "mid_hip"


def test_a_keypoint_that_is_zero_throughout_was_never_seen(tmp_path):
    positions = walking(COCO)
    positions[:, 3] = 0
    np.save(tmp_path / "take.npy", positions)
    track = read_keypoints(tmp_path / "take.npy")
    assert not track.visible[:, 3].any() and "left_ear" in decided(track)["missing"].value


@pytest.mark.parametrize(("scale", "full"), [(1.0, 1.0), (1.2, 1.0), (100.0, 100.0)])
def test_confidence_is_brought_to_one(tmp_path, scale, full):
    confidence = np.full((40, 17, 1), scale)
    np.save(tmp_path / "take.npy", np.concatenate([walking(COCO), confidence], axis=2))
    assert np.allclose(read_keypoints(tmp_path / "take.npy").confidence, min(1.0, scale / full))


def test_confidence_of_all_zeros_is_not_used(tmp_path):
    np.save(tmp_path / "take.npy", np.concatenate([walking(COCO), np.zeros((40, 17, 1))], axis=2))
    track = read_keypoints(tmp_path / "take.npy")
    assert track.visible.all() and "confidence" in decided(track)


WIDE = [order for order in ORDERS if order.layout.name != order.name]


@pytest.mark.parametrize("order", WIDE, ids=lambda order: order.name)
def test_whole_body_arrays_give_their_body(tmp_path, order):
    """Knuckles, too, but those of thumbs, which say nothing of it; hands have no more points here."""
    positions = np.full((40, len(order), 3), 9.0)
    for block in hand_columns(len(order), None, order.layout, order.columns):
        positions[:, block] = np.nan
    for k, name in enumerate(order.names):
        if name:
            positions[:, k] = walking(lsmpl.Layout("one", (order.layout.sites[order.layout.index(name)],)))[:, 0]
    np.save(tmp_path / "take.npy", positions)
    track = read_keypoints(tmp_path / "take.npy")
    assert np.nanmax(np.abs(track.positions - walking(track.layout))) < 1e-9
    unseen = [name for name, seen in zip(track.layout.keypoints, track.visible.any(axis=0)) if not seen]
    assert set(unseen) - set(order.layout.keypoints).difference(order.names) <= {
        "left_thumb_knuckle",
        "right_thumb_knuckle",
    }
    if "nose" in order.names and len(order) not in (17, 75):  # 17 are COCO's own where that is said
        assert np.allclose(read_keypoints(tmp_path / "take.npy", layout="coco_17").positions, walking(COCO))


def test_of_several_subjects_the_one_with_most_keypoints_is_read(tmp_path):
    positions = np.concatenate([walking(COCO), walking(COCO)[:, :14] + 1], axis=1)
    names = [f"Ann:{k}" for k in COCO.keypoints] + [f"Bob:{k}" for k in COCO.keypoints[:14]]
    (tmp_path / "take.trc").write_text(trc_text(names, positions))
    track = read_keypoints(tmp_path / "take.trc")
    assert np.allclose(track.positions, walking(COCO), atol=1e-6)
    assert decided(track)["person"].value == "Ann" and "Bob" in decided(track)["person"].reason


def test_mirrored_takes_are_left_alone_and_told(tmp_path):
    np.save(tmp_path / "take.npy", walking(BODY_25) * [1, -1, 1])
    track = read_keypoints(tmp_path / "take.npy")
    assert "mirrored" in decided(track)
    assert np.allclose(track.positions, walking(BODY_25) * [1, -1, 1])


@pytest.mark.parametrize("ending", READERS)
def test_damaged_files_are_named(tmp_path, ending):
    path = tmp_path / f"take{ending}"
    with pytest.raises(KeypointFileError, match="no such file"):
        read_keypoints(path)
    for content in (b"", b"\n\n", b"\0" * 600, b"\xff" * 600, b"hello", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{"):
        path.write_bytes(content)
        with pytest.raises(KeypointFileError, match=f"take{ending}"):
            read_keypoints(path)


def test_unknown_formats_and_empty_folders_are_named(tmp_path):
    (tmp_path / "take.xyz").write_text("x")
    with pytest.raises(KeypointFileError, match=r"unknown format '\.xyz'.*\.trc"):
        read_keypoints(tmp_path / "take.xyz")
    (tmp_path / "take.trc").mkdir()
    with pytest.raises(KeypointFileError, match="a file a frame"):
        read_keypoints(tmp_path / "take.trc")


@pytest.mark.parametrize(
    ("ending", "instead"),
    {"FBX": "as BVH", "mvn": "MVN", "asf": "C3D", "tak": "Motive", "mp4": "pose estimator"}.items(),
)
def test_files_of_other_forms_say_what_to_export_instead(tmp_path, ending, instead):
    path = tmp_path / f"take.{ending}"
    path.write_text("x")
    with pytest.raises(KeypointFileError, match=f"is .*{instead}"):
        read_keypoints(path)


@pytest.mark.parametrize("value", [np.nan, 0.0, np.inf, 1e300])
def test_takes_without_a_single_point_are_refused(tmp_path, value):
    np.save(tmp_path / "take.npy", np.full((5, 17, 3), value))
    with pytest.raises(KeypointFileError, match=r"missing|not one keypoint"):
        read_keypoints(tmp_path / "take.npy", layout="coco_17")


# TRC


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_trc_by_names_units_rate_and_first_frame(tmp_path, newline):
    positions = walking(BODY_25)
    positions[5, 2] = np.nan
    text = trc_text(BODY_25.keypoints, y_up(positions) * 1000, "mm", "119.88", first=7, newline=newline)
    (tmp_path / "take.trc").write_bytes(text.encode())
    track = read_keypoints(tmp_path / "take.trc")
    assert np.allclose(track.positions, positions, atol=1e-6, equal_nan=True)
    assert (track.fps, track.first_frame, track.layout) == (119.88, 7, BODY_25)
    assert decided(track)["unit"].basis == "file"


def test_trc_headers_that_lie_are_not_believed(tmp_path):
    (tmp_path / "take.trc").write_text(trc_text(COCO.keypoints, walking(COCO) * 100, "m", "0", count=3))
    track = read_keypoints(tmp_path / "take.trc")
    assert np.allclose(track.positions, walking(COCO), atol=1e-6)
    assert track.fps == pytest.approx(60)
    assert "the file says m" in decided(track)["unit"].reason


def test_trc_variations(tmp_path):
    path, expected = tmp_path / "take.trc", walking(COCO)
    text = trc_text(COCO.keypoints, expected)
    for variant in (
        text.replace("\t", "  ").replace("Frame#", "Frame#  "),
        text.replace("\tTime\t", "\tTimes\t\t"),
        text.replace("\n", "\t\t\n"),
        "\ufeff" + text,
        "\ufeff\ufeff" + text,
        text.replace("Frame#", "frame#"),
    ):
        path.write_text(variant, encoding="utf-8")
        assert np.allclose(read_keypoints(path).positions, expected, atol=1e-6)


def test_trc_cut_short_in_a_row_loses_that_row(tmp_path):
    text = trc_text(COCO.keypoints, walking(COCO))
    (tmp_path / "take.trc").write_text(text[:-30])
    track = read_keypoints(tmp_path / "take.trc")
    assert len(track) == 39 and np.allclose(track.positions, walking(COCO)[:39], atol=1e-6)
    assert "cut short" in decided(track)["frames"].reason


def test_trc_short_rows_and_skipped_frames_are_missing(tmp_path):
    lines = trc_text(COCO.keypoints, walking(COCO)).splitlines()
    lines[10] = "\t".join(lines[10].split("\t")[:-3])
    del lines[20:22]
    (tmp_path / "take.trc").write_text("\n".join(lines))
    track = read_keypoints(tmp_path / "take.trc")
    assert len(track) == 40 and not track.visible[4, -1] and not track.visible[14:16].any()
    assert track.visible.sum() == 40 * 17 - 1 - 2 * 17


def test_trc_bad_numbers_are_located(tmp_path):
    lines = trc_text(COCO.keypoints, walking(COCO)).splitlines()
    lines[9] = lines[9].replace("\t", "\tabc", 3)
    (tmp_path / "take.trc").write_text("\n".join(lines))
    with pytest.raises(KeypointFileError, match=r"line 10, column 2: 'abc"):
        read_keypoints(tmp_path / "take.trc")


def test_long_takes_take_as_much_longer_as_they_are_long(tmp_path, count_calls):
    def calls(times: int) -> int:
        positions = np.tile(walking(BODY_25), (times, 1, 1))
        positions[::3, 4] = np.nan
        (tmp_path / "take.trc").write_text(trc_text(BODY_25.keypoints, positions))
        return count_calls(lambda: np.testing.assert_equal(len(read_keypoints(tmp_path / "take.trc")), 40 * times))

    calls(1)  # what is imported and cached by the first
    few, many = calls(10), calls(100)
    assert many < 11 * few


# Arrays


def test_npy_shapes(tmp_path):
    expected, path = walking(COCO), tmp_path / "take.npy"
    for array in (
        expected,
        expected.reshape(40, -1),
        np.concatenate([expected, np.ones((40, 17, 1))], axis=2),
        np.concatenate([expected, np.ones((40, 17, 1))], axis=2).reshape(40, -1),
        expected[None],
        expected[:, None],
        np.asfortranarray(expected),
        expected.astype(">f8"),
    ):
        np.save(path, array)
        assert np.allclose(read_keypoints(path).positions, expected), array.shape
    np.save(path, expected[0])
    assert np.allclose(read_keypoints(path).positions, expected[:1])


@pytest.mark.parametrize("shape", [(2, 5, 17, 3), (5, 17, 2), (5,), (), (0, 17, 3), (5, 0, 3), (5, 50), (5, 16, 3)])
def test_npy_shapes_that_are_no_take_are_refused(tmp_path, shape):
    np.save(tmp_path / "take.npy", np.ones(shape))
    with pytest.raises(lsmpl.LsmplError, match=r"take\.npy"):
        read_keypoints(tmp_path / "take.npy")


def test_npy_files_execute_nothing_and_allocate_nothing(tmp_path):
    path = tmp_path / "take.npy"
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(KeypointFileError, match="expected keypoints"):
        read_keypoints(path)
    for shape in ("(1000000, 1000000, 3)", "(-1, 17, 3)", "(1" + "0" * 40 + ",)", "(True, 3)", "(" * 50):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 100)
        with pytest.raises(lsmpl.LsmplError, match=r"take\.npy"):
            read_keypoints(path)


def test_npz_keys(tmp_path):
    path, expected = tmp_path / "take.npz", walking(COCO)
    confidence = np.full((40, 17), 0.5)
    order = np.arange(17)[::-1]
    np.savez(
        path, joints3d=expected[:, order] * 100, names=np.array(COCO.keypoints)[order], fps=np.float32(50), unit="cm",
        confidence=confidence, other=np.zeros(3),
    )  # fmt: skip
    track = read_keypoints(path)
    assert np.allclose(track.positions, expected) and track.fps == 50 and (track.confidence == 0.5).all()
    np.savez_compressed(path, whatever=expected, other=np.zeros(3))
    assert np.allclose(read_keypoints(path).positions, expected)
    np.savez(path, poses=np.zeros((4, 72)), betas=np.zeros(10))
    with pytest.raises(KeypointFileError, match=r"poses \(4, 72\)"):
        read_keypoints(path)


# Tables


@pytest.mark.parametrize(
    "header", ["{name}_{axis}", "{name}.{axis}", "{name} {axis}", "{axis}_{name}", "{name}_{axis}_m"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_wide_headers(tmp_path, header, delimiter):
    times = ("Time", np.arange(40) / 50)
    text = csv_text(COCO.keypoints, walking(COCO), header, delimiter, [("frame", np.arange(40) + 3), times])
    (tmp_path / "take.csv").write_text(text)
    track = read_keypoints(tmp_path / "take.csv")
    assert np.allclose(track.positions, walking(COCO), atol=1e-6)
    assert track.fps == pytest.approx(50) and track.first_frame == 3


def test_csv_with_decimal_commas(tmp_path):
    text = csv_text(COCO.keypoints, walking(COCO), delimiter=";").replace(".", ",")
    (tmp_path / "take.csv").write_text(text)
    assert np.allclose(read_keypoints(tmp_path / "take.csv").positions, walking(COCO), atol=1e-6)


@pytest.mark.parametrize("scale", [1, 1e3, 1e6, 1e9])
def test_csv_times_in_any_unit_give_the_rate(tmp_path, scale):
    times = ("timestamp", np.round(np.arange(40) / 30, 3) * scale)
    (tmp_path / "take.csv").write_text(csv_text(COCO.keypoints, walking(COCO), extra=[times]))
    assert read_keypoints(tmp_path / "take.csv").fps == 30


def test_csv_with_scores_as_triangulation_writes_them(tmp_path):
    columns, labels = [], []
    for k, name in enumerate(COCO.keypoints):
        columns += [*walking(COCO)[:, k].T, np.full(40, 3.0), np.full(40, 2), np.full(40, 0.25 if k else 0.0)]
        labels += [f"{name}_{what}" for what in ("x", "y", "z", "error", "ncams", "score")]
    rows = np.column_stack([*columns, np.arange(40)])
    np.savetxt(tmp_path / "take.csv", rows, delimiter=",", header=",".join([*labels, "fnum"]), comments="")
    track = read_keypoints(tmp_path / "take.csv")
    assert np.allclose(track.positions[:, 1:], walking(COCO)[:, 1:])
    assert not track.visible[:, 0].any() and (track.confidence[:, 1:] == 0.25).all()


def test_csv_with_several_header_rows(tmp_path):
    rows = "\n".join(",".join([str(t), *map(str, frame.ravel())]) for t, frame in enumerate(walking(COCO)))
    triple = [name for name in COCO.keypoints for _ in range(3)]
    sparse = [cell for name in COCO.keypoints for cell in (f"Ann:{name}", "", "")]
    axes = ["x", "y", "z"] * 17
    for text in (
        "\n".join([",".join(["scorer"] + ["net"] * 51), ",".join(["bodyparts", *triple]), ",".join(["coords", *axes])]),
        "\n".join(
            ["Trajectories", "100", ",".join(["", *sparse]), ",".join(["Frame", *axes]), ",".join(["", *["m"] * 51])]
        ),
    ):
        (tmp_path / "take.csv").write_text(text + "\n" + rows + "\n")
        assert np.allclose(read_keypoints(tmp_path / "take.csv").positions, walking(COCO))


def test_csv_with_a_row_for_each_keypoint(tmp_path):
    rows = [
        f"{t},{t / 25},{name},{x},{y},{z},0.5"
        for t, frame in enumerate(walking(COCO))
        for name, (x, y, z) in zip(COCO.keypoints, frame)
        if not (t == 3 and name == "nose")
    ]
    (tmp_path / "take.csv").write_text("\n".join(["frame,time,keypoint,x,y,z,visibility", *rows]))
    track = read_keypoints(tmp_path / "take.csv")
    expected = walking(COCO)
    expected[3, 0] = np.nan
    assert np.allclose(track.positions, expected, equal_nan=True) and track.fps == pytest.approx(25)


def test_csv_without_keypoint_columns_shows_its_header(tmp_path):
    (tmp_path / "take.csv").write_text("time,speed,height\n" + "1,2,3\n" * 5)
    with pytest.raises(KeypointFileError, match="time, speed, height"):
        read_keypoints(tmp_path / "take.csv")


def test_rows_of_numbers(tmp_path):
    expected = walking(COCO)
    flat = expected.reshape(40, -1)
    path = tmp_path / "take.txt"
    for text in (
        "\n".join(" ".join(map(str, row)) for row in flat),
        "# made by\n% someone\n" + "\n".join(",".join(map(str, row)) for row in flat) + "\n",
        "\n".join("\t".join(map(str, [t, *row])) for t, row in enumerate(flat)),
        "\n".join(
            " ".join(map(str, row))
            for row in np.concatenate([expected, expected[..., :1] * 0 + 0.5], 2).reshape(40, -1)
        ),
    ):
        path.write_text(text)
        assert np.allclose(read_keypoints(path).positions, expected)
    path.write_text("1 2 3\n4 5 6 7\n8 9 10\n")
    with pytest.raises(KeypointFileError, match="line 2 has 4 numbers, line 1 has 3"):
        read_keypoints(path)


# JSON


def json_people(frame: np.ndarray, identity: int = 0) -> list[dict]:
    return [{"id": identity, "keypoints3d": [[*point, 1.0] for point in frame.tolist()]}]


def test_a_folder_of_one_file_a_frame(tmp_path):
    expected = walking(BODY_25)
    for t, frame in enumerate(expected):
        people = json_people(frame + 1, 3) * (t % 2) + json_people(frame, 0)
        (tmp_path / f"{t:06d}.json").write_text(json.dumps(people))
    (tmp_path / "000005.json").unlink()
    (tmp_path / "000007.json").write_text("[]")
    (tmp_path / "._000008.json").write_bytes(b"\x00\x05\x16\x07")  # macOS leaves such on other disks
    track = read_keypoints(tmp_path)
    assert len(track) == 40 and np.allclose(track.positions[10:], expected[10:])
    assert not track.visible[[5, 7]].any()
    assert decided(track)["person"].value == "0" and "3 (18 frames)" in decided(track)["person"].reason


def test_detector_output_with_flat_lists(tmp_path):
    hands = np.full((21, 4), 5.0).ravel().tolist()
    for t, frame in enumerate(walking(BODY_25)):
        flat = np.column_stack([frame, np.ones(25)]).ravel().tolist()
        person = {"person_id": [-1], "pose_keypoints_3d": flat, "hand_left_keypoints_3d": hands if t % 2 else []}
        (tmp_path / f"take_{t:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": [person]}))
    track = read_keypoints(tmp_path)
    assert track.layout is BODY_25 and np.allclose(track.positions, walking(BODY_25))


@pytest.mark.parametrize("form", ["frames", "list", "numbered", "array", "names", "points", "landmarks"])
def test_one_file_of_all_frames(tmp_path, form):
    expected = walking(COCO)
    named = [dict(zip(COCO.keypoints, frame)) for frame in expected.tolist()]
    data = {
        "frames": {"fps": 25, "unit": "m", "frames": [{"people": json_people(frame)} for frame in expected]},
        "list": [json_people(frame) for frame in expected],
        "numbered": {str(t): json_people(frame) for t, frame in enumerate(expected)},
        "array": expected.tolist(),
        "names": named,
        "points": {"fps": 25, "names": COCO.keypoints, "keypoints": expected.tolist()},
        "landmarks": [
            [{"name": k, "x": p[0], "y": p[1], "z": p[2], "visibility": 0.5} for k, p in frame.items()]
            for frame in named
        ],
    }[form]
    (tmp_path / "take.json").write_text(json.dumps(data))
    track = read_keypoints(tmp_path / "take.json")
    assert np.allclose(track.positions, expected)
    assert track.fps == (25 if form in ("frames", "points") else 30)
    assert (track.confidence == (0.5 if form == "landmarks" else 1)).all()


@pytest.mark.parametrize(
    "text",
    ["null", "3", "[]", "{}", "[[]]", "[[[]]]", '[[["a", 1, 2]]]', "[[[1, 2]]]", '{"people": []}', '{"frames": 3}',
     '{"a": [1]}', "[" * 5000, '[{"people": 1}]', '[{"keypoints3d": {"nose": "x"}}]', "[[[1,2,3]],[[1,2,3],[1,2,3]]]",
     "[1, null, true]", '{"0": {"0": {}}}', '{"a": {"x": ' + "9" * 400 + "}}"],
)  # fmt: skip
def test_json_that_is_no_take_is_refused(tmp_path, text):
    (tmp_path / "take.json").write_text(text)
    with pytest.raises(lsmpl.LsmplError, match=r"take\.json"):
        read_keypoints(tmp_path / "take.json")


def test_a_signalling_nan_is_a_missing_value_like_any_other(tmp_path, recwarn):
    """Damaged files have them; the processor warns where it converts them."""
    positions = walking(COCO).astype(np.float32)
    positions.view(np.uint32)[3, 4] = 0x7F800001
    np.save(tmp_path / "take.npy", positions)
    assert np.isnan(read_keypoints(tmp_path / "take.npy").positions[3, 4]).all()
    assert not recwarn.list


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_declares_entities_is_not_parsed(tmp_path, encoding):
    path = tmp_path / "take.mvnx"
    path.write_text('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><mvnx>&b;</mvnx>', encoding=encoding)
    with pytest.raises(KeypointFileError, match="declares entities"):
        read_keypoints(path)

"""Tables as motion capture and pose tools write them: names are found by what stands there, the rest is set aside."""

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS, Layout
from lsmpl_core.readers import read_keypoints

COCO = LAYOUTS["coco_17"]
BONES = {
    "Hips": "pelvis", "LeftUpLeg": "left_hip", "LeftLeg": "left_knee", "LeftFoot": "left_ankle",
    "RightUpLeg": "right_hip", "RightLeg": "right_knee", "RightFoot": "right_ankle", "LeftArm": "left_shoulder",
    "LeftForeArm": "left_elbow", "LeftHand": "left_wrist", "RightArm": "right_shoulder",
    "RightForeArm": "right_elbow", "RightHand": "right_wrist",
}  # fmt: skip
PERSON, SKELETON = walking(COCO), walking(Layout("bones", tuple(BONES.values())))


def read(tmp_path, text, name="take.csv", **options):
    (tmp_path / name).write_text(text)
    return read_keypoints(tmp_path / name, unit="m", up="z", **options)


def lines(*rows, delimiter=",") -> str:
    return "\n".join(delimiter.join(str(cell) for cell in row) for row in rows) + "\n"


def numbers(positions, lead=lambda t: []) -> list[list]:
    """A row a frame, what `lead` says before its numbers."""
    return [[*lead(t), *(f"{v:.5f}" for v in frame.ravel())] for t, frame in enumerate(positions)]


def assert_reads(track, positions, layout="coco_17", atol=1e-4):
    assert track.layout.name == layout
    order = [list(track.layout.keypoints).index(k) for k in (COCO.keypoints if layout == "coco_17" else BONES.values())]
    assert np.allclose(track.positions[:, order], positions, atol=atol, equal_nan=True)


def decision(track, what):
    return next(d for d in track.decisions if d.what == what)


def each(cells, times) -> list:
    return [cell for cell in cells for _ in range(times)]


# Motion capture


def motive(names, kind, positions, rotations: bool) -> str:
    sizes = ("Rotation",) * 4 + ("Position",) * 3 if rotations else ("Position",) * 3
    axes = ["X", "Y", "Z", "W", "X", "Y", "Z"] if rotations else ["X", "Y", "Z"]
    meta = ["Format Version", "1.23", "Capture Frame Rate", "120.0", "Export Frame Rate", "60.0",
            "Capture Start Time", "2024-01-05 02.11.33.000 PM", "Length Units", "Meters"]  # fmt: skip
    if rotations:
        turned = np.concatenate([np.full((*positions.shape[:2], 4), 0.5), positions], axis=2)
    return lines(
        meta, [],
        ["", "Type", *each([kind] * len(names), len(axes))],
        ["", "Name", *each([f"Ann:{name}" for name in names], len(axes))],
        ["", "ID", *each([f"{i:032X}" for i in range(len(names))], len(axes))],
        ["", "", *sizes * len(names)],
        ["Frame", "Time (Seconds)", *axes * len(names)],
        *numbers(turned if rotations else positions, lambda t: [t, t / 60]),
    )  # fmt: skip


@pytest.mark.parametrize("rotations", [False, True])
def test_motives_bones_with_and_without_quaternions(tmp_path, rotations):
    track = read(tmp_path, motive(BONES, "Bone", SKELETON, rotations))
    assert_reads(track, SKELETON, "bones")
    assert (track.fps, decision(track, "fps").basis) == (60, "file")


def test_motives_markers_beside_bones_are_set_aside(tmp_path):
    """Of a file with both, the bones are read, which are known to be joints."""
    text = motive([*BONES, "M1", "M2"], "Bone", np.concatenate([SKELETON, SKELETON[:, :2]], axis=1), False)
    rows = [line.split(",") for line in text.splitlines()]
    rows[2][-6:] = ["Marker"] * 6
    track = read(tmp_path, "\n".join(",".join(row) for row in rows))
    assert_reads(track, SKELETON, "bones")
    assert "13 of its 13 points" in decision(track, "layout").reason


VICON_HEAD = ["Frame", "Sub Frame"]


def vicon(title, rate, names, units, positions, first=1) -> str:
    return lines(
        [title], [rate],
        ["", "", *(cell for name in names for cell in (f"Ann:{name}", "", ""))],
        [*VICON_HEAD, *["X", "Y", "Z"] * len(names)],
        ["", "", *units * len(names)],
        *numbers(positions, lambda t: [t + first, 0]),
    )  # fmt: skip


def test_vicons_sections_are_told_apart_and_its_second_line_is_the_rate(tmp_path):
    angles = np.full((40, 2, 3), 30.0)
    parts = [
        vicon("Model Outputs", 250, ["LKneeAngles", "RKneeAngles"], ["deg", "deg", "deg"], angles),
        vicon("Trajectories", 250, COCO.keypoints, ["mm", "mm", "mm"], PERSON, first=7),
        "Devices\n1000\n,,Force,,\nFrame,Sub Frame,Fx,Fy,Fz\n,,N,N,N\n1,0,1,2,3\n1,1,1,2,3\n",
    ]
    track = read(tmp_path, "\n".join(parts))
    assert_reads(track, PERSON)
    assert (track.fps, track.first_frame) == (250, 7)


def test_qualisys_names_stand_in_a_row_of_the_header(tmp_path):
    head = [["NO_OF_FRAMES", 40], ["NO_OF_MARKERS", 17], ["FREQUENCY", 200], ["TIME_STAMP", "2023-05-02, 10:11", "1.5"],
            ["MARKER_NAMES", *COCO.keypoints], ["TRAJECTORY_TYPES", *["Measured"] * 17]]  # fmt: skip
    track = read(tmp_path, lines(*head, *numbers(PERSON), delimiter="\t"), "take.tsv")
    assert_reads(track, PERSON)
    assert track.fps == 200
    with_lead = lines(*head, *numbers(PERSON, lambda t: [t + 1, t / 200]), delimiter="\t")
    assert_reads(read(tmp_path, with_lead, "take.tsv"), PERSON)


def test_totalcaptures_cells_hold_three_numbers(tmp_path):
    rows = [[" ".join(f"{v:.4f}" for v in point) for point in frame] + [""] for frame in SKELETON]
    assert_reads(read(tmp_path, lines([*BONES, ""], *rows, delimiter="\t"), "gt_skel_gbl_pos.txt"), SKELETON, "bones")


def test_rokokos_suffixes_and_rotations(tmp_path):
    labels = ["frame", "timestamp"]
    labels += [f"{bone}_position_{axis}" for bone in BONES for axis in "xyz"]
    labels += [f"{bone}_rotation_{axis}" for bone in BONES for axis in "xyzw"]
    turned = np.concatenate([SKELETON.reshape(40, -1), np.full((40, 4 * len(BONES)), 0.5)], axis=1)
    track = read(tmp_path, lines(labels, *numbers(turned, lambda t: [t, t / 25])))
    assert_reads(track, SKELETON, "bones")
    assert track.fps == 25 and track.turns is None  # which never change


def test_a_spreadsheets_trc(tmp_path):
    text = lines(
        ["PathFileType", 4, "(X/Y/Z)", "take.trc"], ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"],
        [100, 100, 40, 17, "m"], ["Frame#", "Time", *(c for name in COCO.keypoints for c in (name, "", ""))],
        ["", "", *(f"{axis}{k + 1}" for k in range(17) for axis in "XYZ")], [],
        *numbers(PERSON, lambda t: [t + 1, t / 100]),
    )  # fmt: skip
    track = read(tmp_path, text, "take.trc")
    assert_reads(track, PERSON)
    assert (track.fps, track.first_frame, decision(track, "unit").value) == (100, 1, "m")


# Pose tools


def labelled(names, scored=False) -> list[str]:
    return [*each(names, 4 if scored else 3)]


def test_deeplabcuts_individuals_are_people(tmp_path):
    two = np.concatenate([PERSON, PERSON + [0, 2, 0]], axis=1)
    head = [["scorer", *["DLC"] * 102], ["individuals", *each(["ann", "bob"], 51)],
            ["bodyparts", *labelled(COCO.keypoints) * 2], ["coords", *["x", "y", "z"] * 34]]  # fmt: skip
    text = lines(*head, *numbers(two, lambda t: [t]))
    assert_reads(read(tmp_path, text, person="bob"), PERSON + [0, 2, 0])
    track = read(tmp_path, text)
    assert track.person == "ann" and "bob" in decision(track, "person").reason


def test_sleaps_three_rows(tmp_path):
    scored = np.concatenate([PERSON, np.full((40, 17, 1), 0.9)], axis=2)
    head = [["", *["t1"] * 68], ["node", *labelled(COCO.keypoints, True)], ["", *["x", "y", "z", "score"] * 17]]
    track = read(tmp_path, lines(*head, *numbers(scored, lambda t: [t])))
    assert_reads(track, PERSON)
    assert np.allclose(track.confidence, 0.9)


def test_columns_may_be_numbered_in_brackets(tmp_path):
    four = np.concatenate([PERSON, np.ones((40, 17, 1))], axis=2)
    labels = ["Time", *(f"{name}[{i}]" for name in COCO.keypoints for i in range(4))]
    track = read(tmp_path, lines(labels, *numbers(four, lambda t: [t / 50])))
    assert_reads(track, PERSON)
    assert track.fps == 50


@pytest.mark.parametrize("cell", ["S01", "walking", "12:03:04.5", "left foot down"])
def test_columns_of_no_keypoint_may_hold_anything(tmp_path, cell):
    labels = ["frame", "note", *(f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz")]
    track = read(tmp_path, lines(labels, *numbers(PERSON, lambda t: [t, cell])))
    assert_reads(track, PERSON)
    assert "note" in decision(track, "columns").reason


def test_a_word_among_a_keypoints_numbers_is_an_error_with_its_place(tmp_path):
    labels = [f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz"]
    rows = numbers(PERSON)
    rows[3][5] = "oops"
    with pytest.raises(KeypointFileError, match=r"line 5, column 6: 'oops' is not a number"):
        read(tmp_path, lines(labels, *rows))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas(tmp_path, delimiter):
    labels = ["frame", *(f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz")]
    text = lines(labels, *numbers(PERSON, lambda t: [t]), delimiter=delimiter).replace(".", ",")
    assert_reads(read(tmp_path, text, "take.tsv"), PERSON)


def test_what_stands_below_the_numbers_is_another_section(tmp_path):
    labels = [f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz"]
    text = lines(labels, *numbers(PERSON)) + "\nEvents\nname,frame\nstrike,12\n"
    assert_reads(read(tmp_path, text), PERSON)


def test_a_line_of_words_among_the_numbers_does_not_end_the_take_unsaid(tmp_path):
    labels = [f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz"]
    rows = numbers(PERSON)
    with pytest.raises(KeypointFileError, match="line 12: 'garbage' stands where there should be numbers"):
        read(tmp_path, lines(labels, *rows[:10], ["garbage"] * 51, *rows[10:]))


# Time


def timed(positions, times) -> str:
    labels = ["time", *(f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz")]
    return lines(labels, *numbers(positions, lambda t: [f"{times[t]:.4f}"]))


def test_frames_that_the_times_skip_stay_missing(tmp_path):
    there = np.r_[0:20, 30:40]
    track = read(tmp_path, timed(PERSON[there], there / 30))
    assert (len(track), track.fps, track.first_frame) == (40, 30, 0)
    assert not track.visible[20:30].any() and np.allclose(track.positions[30:], PERSON[30:], atol=1e-4)
    assert "skip 10 of 40" in decision(track, "frames").reason


def test_times_that_are_on_no_grid_are_left_as_they_are(tmp_path, rng):
    times = np.cumsum(rng.uniform(0.02, 0.06, size=40))
    assert len(read(tmp_path, timed(PERSON, times))) == 40


def test_a_row_that_is_there_twice_counts_once_and_is_told(tmp_path):
    labels = ["frame", *(f"{name}_{axis}" for name in COCO.keypoints for axis in "xyz")]
    rows = numbers(PERSON, lambda t: [t + 1])
    track = read(tmp_path, lines(labels, *rows[:6], rows[5], *rows[6:]))
    assert (len(track), track.first_frame) == (40, 1)
    assert_reads(track, PERSON)
    assert "1 rows" in decision(track, "doubled").reason


def test_a_comment_may_state_the_rate(tmp_path):
    text = "# frame rate: 48 Hz\n" + timed(PERSON, np.zeros(40)).replace("time,", "n,", 1)
    assert read(tmp_path, text).fps == 48

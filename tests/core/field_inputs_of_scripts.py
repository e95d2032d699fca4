"""Inputs as people's own scripts write them: labels of their own making, rows in another shape, several people without
a word of who is who, clocks and rates of any kind. `field_inputs.py` says how each is written and what is right of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from field_inputs import FRAMES, Y_UP, bvh_text, digits, each, made, numbered, table

from lsmpl_core.keypoints.layouts import LAYOUTS

COCO, COCO_SITES = LAYOUTS["coco_17"].keypoints, LAYOUTS["coco_17"].sites
LABELS = each(COCO, "{name}_{axis}")


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def named(write: Callable, name: str) -> Callable:
    write.__name__ = name
    return write


# 6. Labels

FORMS: dict[str, Callable[[str, str], str]] = {
    "place_and_axis_before_a_name": lambda name, axis: f"Pos{axis.upper()}_{camel(name)}",
    "place_and_axis_behind_a_name": lambda name, axis: f"{camel(name)}Pos{axis.upper()}",
    "translation_before_a_name": lambda name, axis: f"T{axis}_{name}",
    "an_axis_before_a_capital": lambda name, axis: axis + camel(name),
    "capitals_without_anything_between": lambda name, axis: (name + axis).upper(),
    "small_letters_without_anything_between": lambda name, axis: name.replace("_", "") + axis,
    "channels_of_a_bvh": lambda name, axis: f"{camel(name)}.{axis.upper()}position",
    "another_sign_between": lambda name, axis: f"{name}>{axis}",
    "a_unit_as_a_word_behind": lambda name, axis: f"{name.replace('_', ' ').title()} {axis.upper()} (meters)",
    "a_word_behind_the_axis": lambda name, axis: f"{name}_{axis}_mean",
    "an_axis_that_is_no_turn": lambda name, axis: f"{name}_{axis.upper()}3D",
}


def _of_labels(label: Callable[[str, str], str]) -> Callable:
    def write(people, path):
        labels = [label(name, axis) for name in COCO for axis in "xyz"]
        table(path, [["frame", *labels], *numbered(people[0].points(COCO_SITES))])

    return write


for _name, _label in FORMS.items():
    made(6, "labels.csv", layout="coco_17", fps=None)(named(_of_labels(_label), _name))


@made(6, "axes.csv", layout="coco_17", fps=None)
def letters_of_axes_above_the_names(people, path):
    head = [["", *"xyz" * 17], ["frame", *(name for name in COCO for _ in range(3))]]
    table(path, [*head, *numbered(people[0].points(COCO_SITES))])


@made(6, "pandas.csv", layout="coco_17", fps=None)
def names_that_pandas_numbered_above_axes(people, path):
    head = [["bodyparts", *(name + again for name in COCO for again in ("", ".1", ".2"))], ["coords", *"xyz" * 17]]
    table(path, [*head, *numbered(people[0].points(COCO_SITES))])


@made(6, "names.csv", layout="coco_17", fps=None)
def each_name_three_times_and_no_axes(people, path):
    table(path, [["frame", *(name for name in COCO for _ in range(3))], *numbered(people[0].points(COCO_SITES))])


# 6. Rows of another shape


@made(6, "melted.csv", layout="coco_17", fps=None)
def a_number_a_row_by_variable(people, path):
    ways = people[0].points(COCO_SITES).reshape(FRAMES, -1).T
    cells = [[t, label, f"{v:.5f}"] for label, way in zip(LABELS, ways) for t, v in enumerate(way)]
    table(path, [["frame", "variable", "value"], *cells])


@made(6, "tidy.csv", layout="coco_17", fps=50)
def a_number_a_row_by_joint_and_axis(people, path):
    points = people[0].points(COCO_SITES)
    cells = [[f"{t / 50:.2f}", name, axis, f"{points[t, k, i]:.5f}"]
             for t in range(FRAMES) for k, name in enumerate(COCO) for i, axis in enumerate("XYZ")]  # fmt: skip
    table(path, [["time", "joint", "axis", "value"], *cells])


@made(6, "kinect.txt", layout="kinect_25", fps=30)
def rows_of_places_with_quaternions_some_of_which_are_zero(people, path):
    turns = np.tile([0.5, 0.5, 0.5, 0.5], (FRAMES, 25, 1))
    turns[:, [3, 15, 19, 21, 23]] = 0
    places = np.concatenate([people[0].order("kinect_25", Y_UP), turns], axis=2).reshape(FRAMES, -1)
    t = np.arange(FRAMES)[:, None]
    np.savetxt(path, np.concatenate([t, t / 30, places], axis=1), fmt="%.5f")


@made(6, "dump.csv", layout="kinect_25", fps=30)
def a_row_a_joint_by_number_without_labels(people, path):
    points = people[0].order("kinect_25", Y_UP)
    table(path, [[f"{t * 33.333:.3f}", k, *row, 0, 0, 0, 1, 2] for t in range(FRAMES)
                 for k, row in enumerate(np.round(points[t], 5))])  # fmt: skip


@made(6, "sections.csv", layout="coco_17", fps=None)
def a_section_of_velocities_before_that_of_places(people, path):
    points = people[0].points(COCO_SITES)
    table(path, [["Segment Velocity"], ["Frame", *LABELS], *numbered(np.gradient(points, axis=0) * 30), [],
                 ["Segment Position"], ["Frame", *LABELS], *numbered(points)])  # fmt: skip


@made(6, "sections.csv", refused="Segment Velocity")
def a_section_of_velocities_alone(people, path):
    points = np.gradient(people[0].points(COCO_SITES), axis=0) * 30
    table(path, [["Segment Velocity"], ["Frame", *LABELS], *numbered(points)])


THEIA = {"pelvis": "pelvis", "torso": "neck", "head": "head"} | {
    f"{side[0]}_{segment}": f"{side}_{joint}"
    for side in ("left", "right")
    for segment, joint in (("thigh", "hip"), ("shank", "knee"), ("foot", "ankle"), ("uarm", "shoulder"),
                           ("larm", "elbow"), ("hand", "wrist"))
}  # fmt: skip


def matrices(take) -> np.ndarray:
    cells = np.zeros((FRAMES, len(THEIA), 16))
    cells[..., [0, 5, 10, 15]] = 1
    cells[..., [3, 7, 11]] = take.points(list(THEIA.values()))
    return cells


@made(6, "theia.txt", layout="bones", fps=None, first=1)
def theias_matrices_below_names_and_numbers_of_elements(people, path):
    names = [f"{name}_4X4" for name in THEIA for _ in range(16)]
    count = len(names)
    head = [["", *["walk.c3d"] * count], ["", *names], ["", *["ROTATION"] * count], ["", *["ORIGINAL"] * count],
            ["ITEM", *list(range(16)) * len(THEIA)]]  # fmt: skip
    table(path, [*head, *numbered(matrices(people[0]), lambda t: [t + 1])], "\t")


@made(6, "theia.csv", layout="bones", fps=None)
def theias_matrices_column_by_column_with_an_element_in_each_label(people, path):
    cells = matrices(people[0]).reshape(FRAMES, -1, 4, 4).swapaxes(2, 3)
    labels = [f"{name}_4X4_{column}{row}" for name in THEIA for row in range(4) for column in range(4)]
    table(path, [["frame", *labels], *numbered(cells)])


@made(6, "thousands.csv", layout="coco_17", fps=None)
def points_of_thousands_and_decimal_commas(people, path):
    signs = str.maketrans(",.", ".,")
    points = people[0].points(COCO_SITES, None, 1000) + [2500, 3500, 0]
    rows = [[t, *(f"{v:,.2f}".translate(signs) for v in frame.ravel())] for t, frame in enumerate(points)]
    table(path, [["Bild", *LABELS], *rows], ";")


@made(6, "quoted.csv", layout="coco_17", fps=None)
def everything_in_quotes_with_decimal_commas(people, path):
    rows = [["frame", *LABELS], *numbered(people[0].points(COCO_SITES))]
    lines = (",".join(f'"{cell}"'.replace(".", ",") for cell in row) for row in rows)
    path.write_text("\n".join(lines))


@made(6, "pipes.txt", layout="coco_17", fps=None)
def pipes_between_the_cells(people, path):
    table(path, [["frame", *LABELS], *numbered(people[0].points(COCO_SITES))], "|")


@made(6, "again.csv", layout="coco_17", fps=None)
def a_header_that_is_there_again(people, path):
    head, rows = ["frame", *LABELS], numbered(people[0].points(COCO_SITES))
    table(path, [head, *rows[:14], head, *rows[14:]])


# 1. Names


@made(1, "joints.csv", fps=None)
def xsens_joints(people, path):
    parts = {"T4Shoulder": "collar", "Shoulder": "shoulder", "Elbow": "elbow", "Wrist": "wrist", "Hip": "hip",
             "Knee": "knee", "Ankle": "ankle", "BallFoot": "foot"}  # fmt: skip
    names = {f"j{side.title()}{part}": f"{side}_{site}" for side in ("left", "right") for part, site in parts.items()}
    names |= {"jL5S1": "spine1", "jT1C7": "neck", "jC1Head": "head"}
    points = people[0].points(list(names.values()))
    table(path, [["Frame", *each(list(names), "{name} {axis}")], *numbered(points)])


MIDDLE = {"首": "neck", "頭": "head", "上半身": "spine1", "左腕捩": "left_elbow", "右腕捩": "right_elbow"}
MMD = MIDDLE | {
    f"{sign}{bone}": f"{side}_{joint}"
    for side, sign in (("left", "左"), ("right", "右"))
    for bone, joint in (("足", "hip"), ("ひざ", "knee"), ("足首", "ankle"), ("つま先", "foot"), ("肩", "collar"),
                        ("腕", "shoulder"), ("ひじ", "elbow"), ("手首", "wrist"))
}  # fmt: skip


@made(1, "mmd.csv", layout="bones", fps=None)
def mikumikudances_bones_as_a_japanese_windows_writes_them(people, path):
    points = people[0].points(list(MMD.values()), Y_UP, 12.5)
    table(path, [["frame", *each(list(MMD), "{name}_{axis}")], *numbered(points)], encoding="cp932")


@made(1, "mmd_tools.bvh", layout="bones", fps=30)
def mikumikudances_bones_with_sides_behind_as_bvh(people, path):
    names = {"spine1": "上半身", "neck": "首", "head": "頭", "left_hand": "中指１.L", "right_hand": "中指１.R"}
    sided = {site: bone for bone, site in MMD.items() if bone not in MIDDLE}
    names |= {site: f"{bone[1:]}.{'L' if bone[0] == '左' else 'R'}" for site, bone in sided.items()}
    path.write_text(bvh_text(people[0], names, 12.5), encoding="utf-8")


# 6. Several people, several takes


def rows_of(people) -> list[list[list[str]]]:
    return [digits(one.points(COCO_SITES)) for one in people]


@made(6, "nobody.csv", layout="coco_17", fps=None, people=2)
def rows_of_two_people_who_are_not_named(people, path):
    one, other = rows_of(people)
    pairs = ([one[t], other[t]] if t % 3 else [other[t], one[t]] for t in range(FRAMES))
    table(path, [["frame", *LABELS], *([t, *row] for t, rows in enumerate(pairs) for row in rows)])


@made(6, "nobody_long.csv", layout="coco_17", fps=None, people=2)
def joints_of_two_people_who_are_not_named(people, path):
    points = [one.points(COCO_SITES) for one in people]
    rows = [[t, name, *row] for t in range(FRAMES) for one in points for name, row in zip(COCO, digits(one[t]))]
    table(path, [["frame", "keypoint", "x", "y", "z"], *rows])


@made(6, "suffixes.csv", layout="coco_17", fps=None, people=2)
def two_people_by_a_number_behind_the_name(people, path):
    points = np.concatenate([one.points(COCO_SITES) for one in people], axis=1)
    labels = [f"{name}_{who}_{axis}" for who in (1, 2) for name in COCO for axis in "xyz"]
    table(path, [["frame", *labels], *numbered(points)])


@made(5, "takes.csv", layout="coco_17", fps=None, said=("take",))
def takes_below_each_other_of_which_the_longest_is_read(people, path):
    short, whole = rows_of(people[::-1])
    rows = [
        *(["jump", t, *row] for t, row in enumerate(short[:20])),
        *(["turn", t, *row] for t, row in enumerate(whole)),
    ]
    table(path, [["video", "frame", *LABELS], *rows])


@made(5, "overflow.csv", layout="coco_17", fps=None)
def a_counter_that_begins_anew_while_the_body_goes_on(people, path):
    table(path, [["frame", *LABELS], *numbered(people[0].points(COCO_SITES), lambda t: [(t + 240) % 256])])


# 5. Clocks and rates

BEGIN = datetime(2024, 6, 10, 11, 59, 59, 500_000)
CLOCKS: dict[str, tuple[float, Callable[[float], str]]] = {
    "a_clock_of_twelve_hours": (25, lambda s: f"{BEGIN + timedelta(seconds=s):%I:%M:%S.%f %p}"),
    "the_day_before_the_month": (25, lambda s: f"{BEGIN + timedelta(seconds=s):%d/%m/%Y %H:%M:%S.%f}"),
    "the_month_first_and_twelve_hours": (25, lambda s: f"{BEGIN + timedelta(seconds=s):%m/%d/%Y %I:%M:%S.%f %p}"),
    "days_and_hours_of_a_data_frame": (25, lambda s: f"0 days 00:00:0{s:.6f}"),
    "minutes_and_seconds": (25, lambda s: f"00:0{s:.3f}"),
    "seconds_with_their_unit": (60, lambda s: f"{s:.4f}s"),
    "ticks_of_windows": (30, lambda s: f"{133_600_000_000_000_000 + round(s * 1e7)}"),
}


def _by_clock(fps: float, clock: Callable[[float], str]) -> Callable:
    def write(people, path):
        table(path, [["timestamp", *LABELS], *numbered(people[0].points(COCO_SITES), lambda t: [clock(t / fps)])])

    return write


for _name, (_fps, _clock) in CLOCKS.items():
    made(5, "clock.csv", layout="coco_17", fps=_fps)(named(_by_clock(_fps, _clock), _name))


PREAMBLES = {
    "a_rate_in_its_words_cell": "fps: 60",
    "a_rate_with_its_unit": "Capture rate,60 Hz",
    "a_rate_behind_an_equals_sign": "FrameRate=60",
    "the_time_of_a_frame": "Frame Time: 0.0166667",
    "a_unit_behind_the_word_of_a_rate": "Framerate [fps],60",
}


def _below(preamble: str) -> Callable:
    def write(people, path):
        table(path, [["frame", *LABELS], *numbered(people[0].points(COCO_SITES))])
        path.write_text(f"{preamble}\n{path.read_text()}")

    return write


for _name, _preamble in PREAMBLES.items():
    made(5, "rate.csv", layout="coco_17", fps=60)(named(_below(_preamble), _name))


# 4. What stands for missing


def _filled(word: str) -> Callable:
    def write(people, path):
        rows = numbered(people[0].points(COCO_SITES, Y_UP, 1000), count=2)
        for t in range(5, 9):
            rows[t][28:31] = [word] * 3
        table(path, [["frame", *LABELS], *rows])

    return write


for _name, _word in {
    "minus_a_thousand": "-1000", "the_most_of_16_bits": "32767", "a_million": "1000000", "nines_with_a_fraction":
    "-9999.99", "no_data": "No data",
}.items():  # fmt: skip
    made(4, "missing.csv", layout="coco_17", fps=None)(named(_filled(_word), f"missing_as_{_name}"))

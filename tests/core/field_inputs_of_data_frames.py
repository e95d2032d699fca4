"""More inputs in the forms that scripts write: what means JSON without being it, data frames in every orientation,
nests in cells, structured arrays, and folders of a table a frame."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
from field_inputs import FRAMES, LAYOUTS, UNREAL, Y_DOWN, Y_UP, digits, each, made, rounded, saved_json, sided, table

NAMES, SITES = LAYOUTS["coco_17"].keypoints, LAYOUTS["coco_17"].sites
COLUMNS = each(NAMES, "{name}_{axis}")


def form(name: str, write: Callable, file: str = "take.json", **right) -> None:
    def written(people, path):
        content = write(people, path)
        if isinstance(content, str):
            path.write_text(content)
        elif content is not None:
            saved_json(path, content)

    written.__name__ = name
    made(7, file, **{"layout": "coco_17", "fps": None, **right})(written)


def points(people, axes=None, scale=1.0, who=0) -> list:
    return rounded(people[who].points(SITES, axes, scale))


def named(frame) -> dict:
    return {name: dict(zip("xyz", point)) for name, point in zip(NAMES, frame)}


def frames(people) -> list[dict]:
    return [{"frame": t, "joints": named(frame)} for t, frame in enumerate(points(people))]


def lines(people, form: str) -> str:
    return "".join(form.format(json.dumps(frame), t=t / 30) for t, frame in enumerate(frames(people)))


# What means JSON

form("commas_behind_the_last", lambda p, _: "[" + lines(p, "{},\n").replace("}}", "},}") + "]")
form(
    "comments", lambda p, _: f'// by an app\n{{/* Hz */ "fps": 25, # of it\n"frames": {json.dumps(frames(p))}}}', fps=25
)
form("what_python_prints", lambda p, _: repr([{**one, "seen": True, "by": None} for one in frames(p)]))
form("a_script_of_javascript", lambda p, _: f"export default {json.dumps(frames(p))};\n")
form("fields_without_quotes", lambda p, _: re.sub(r'"(\w+)":', r"\1:", json.dumps(frames(p))))
form("a_line_an_object_with_commas", lambda p, _: lines(p, "{},\n"))
form("a_recorder_stopped_between_frames", lambda p, _: "[" + lines(p, "{},\n"))
form("words_for_no_number", lambda p, _: lines(p, '{{"depth": -inf, "score": nan, "data": {}}}\n'))
form("what_a_logger_wrote", lambda p, _: lines(p, "INFO:root:{}\n"), "log.txt")
form("times_before_objects", lambda p, _: lines(p, "{t:.4f}\t{}\n"), "log.txt", fps=30)


def printed_landmarks(people, _) -> str:
    form = "Landmark(x={:f}, y={:f}, z={:f}, visibility=0.99)"
    return "\n".join(f"[{', '.join(form.format(*point) for point in frame)}]" for frame in landmarks(people))


def landmarks(people) -> np.ndarray:
    places = people[0].order("mediapipe_33", Y_DOWN)
    return places - places[:, 23:25].mean(axis=1, keepdims=True)


form("landmarks_as_python_prints_them", printed_landmarks, "log.txt", layout="mediapipe_33", travels=False)


# Text in JSON

form("points_as_text", lambda p, _: [{n: "({:f}, {:f}, {:f})".format(*q) for n, q in zip(NAMES, f)} for f in points(p)])
form(
    "unreals_vectors_as_text",
    lambda p, _: [{n: "X={:.3f} Y={:.3f} Z={:.3f}".format(*q) for n, q in zip(NAMES, f)}
                  for f in points(p, UNREAL, 100)],
    said=("mirrored",),
)  # fmt: skip
form("json_in_json", lambda p, _: [{"time": t / 30, "data": json.dumps(one["joints"])}
                                   for t, one in enumerate(frames(p))], fps=30)  # fmt: skip
form("rows_of_numbers_as_text", lambda p, _: {"names": list(NAMES), "frames": [" ".join(row) for row in rows(p)]})


def rows(people) -> list[list[str]]:
    return digits(people[0].points(SITES))


# Data frames

LONG = ("frame", "joint", "x", "y", "z")


def long(people) -> list[list]:
    return [[t, n, *q] for t, frame in enumerate(points(people)) for n, q in zip(NAMES, frame)]


form("a_row_a_point_by_columns", lambda p, _: {
    name: {str(i): row[k] for i, row in enumerate(long(p))} for k, name in enumerate(LONG)})  # fmt: skip
form("a_row_a_point_split", lambda p, _: {"columns": LONG, "index": list(range(FRAMES * 17)), "data": long(p)})
form("a_point_in_each_cell", lambda p, _: {
    n: {str(t): frame[k] for t, frame in enumerate(points(p))} for k, n in enumerate(NAMES)})  # fmt: skip
form("columns_with_times_and_a_gap", lambda p, _: {
    "time": {str(i): t / 50 for i, t in enumerate(KEPT)},
    **{name: {str(i): float(rows(p)[t][k]) for i, t in enumerate(KEPT)} for k, name in enumerate(COLUMNS)},
}, fps=50, missing=(7, 8))  # fmt: skip
KEPT = [t for t in range(FRAMES) if t not in (7, 8)]


def cells(name: str, row: Callable, header=("frame", "pose"), **right) -> None:
    form(name, lambda p, path: table(path, [header, *(row(p, t) for t in range(FRAMES))]), "take.csv", **right)


cells("objects_in_cells", lambda p, t: [t, *(json.dumps(q) for q in named(points(p)[t]).values())], ("frame", *NAMES))
cells("a_frame_by_names_in_a_cell", lambda p, t: [t / 30, repr(named(points(p)[t]))], ("time", "pose"), fps=30)
cells("a_frame_in_a_cell", lambda p, t: [t, json.dumps(points(p)[t])])
cells("a_printed_array_in_a_cell", lambda p, t: [t, str(np.array(points(p)[t]))])
form(
    "two_people_in_cells",
    lambda p, path: table(path, [["frame", "id", "pose"], *(
        [t, who, json.dumps(points(p, who=who)[t])] for t in range(FRAMES) for who in (0, 1))]),
    "take.csv",
    people=2,
)  # fmt: skip
form("columns_that_are_only_numbered", lambda p, path: table(path, [
    [f"col{i}" for i in range(51)], *rows(p)]), "take.csv")  # fmt: skip
form("numbered_landmarks_with_a_word", lambda p, path: table(path, [
    each([f"lm{i}" for i in range(33)], "{name}_{axis}"), *digits(landmarks(p))]), "take.csv",
    layout="mediapipe_33", travels=False)  # fmt: skip


form("a_place_in_a_cell_of_each_point", lambda p, path: table(path, [
    ("frame", "bone", "position"), *([t, n, f"({x}, {y}, {z})"] for t, n, x, y, z in long(p))]),
    "take.csv")  # fmt: skip
form("all_numbers_in_a_cell", lambda p, path: table(path, [
    ("frame", "pose"), *([t, " ".join(row)] for t, row in enumerate(rows(p)))]), "take.csv")  # fmt: skip
form("a_row_of_names_and_then_rows", lambda p, _: [list(NAMES), *np.array(rows(p), float).tolist()])
form("an_object_a_column", lambda p, _: {"columns": [
    {"name": name, "values": list(map(float, column))} for name, column in zip(COLUMNS, zip(*rows(p)))]})  # fmt: skip
form("blocks_between_empty_lines", lambda p, _: "\n\n".join(
    "\n".join("{:f} {:f} {:f}".format(*q) for q in frame) for frame in points(p)), "take.txt")  # fmt: skip
form("a_nest_of_numbers_a_line", lambda p, _: "\n".join(map(str, points(p))), "take.txt")
form("messages_with_times", lambda p, _: "\n".join(
    f"pose {json.dumps({'ts': 1000 + 20 * t, 'pose': one['joints']})}" for t, one in enumerate(frames(p))),
    "log.txt", fps=50)  # fmt: skip


# Structured arrays, archives and rows


def columns(people) -> np.ndarray:
    array = np.zeros(FRAMES, dtype=[("time", "f8"), *((name, "f4") for name in COLUMNS)])
    array["time"] = np.arange(FRAMES) / 30
    for name, column in zip(COLUMNS, np.array(rows(people), float).T):
        array[name] = column
    return array


def vectors(people) -> np.ndarray:
    array = np.zeros(FRAMES, dtype=[(name, "f4", (3,)) for name in NAMES])
    for k, name in enumerate(NAMES):
        array[name] = people[0].points(SITES)[:, k]
    return array


def named_rows(people) -> np.ndarray:
    return np.array(list(map(tuple, long(people))), dtype=[("frame", "i4"), ("joint", "U20"), *zip("xyz", ["f4"] * 3)])


def by_axes(people) -> np.ndarray:
    array = np.zeros((FRAMES, 17), dtype=[*zip("xyz", ["f4"] * 3), ("score", "f4")])
    for k, axis in enumerate("xyz"):
        array[axis] = people[0].points(SITES)[..., k]
    array["score"] = 0.9
    return array


form("a_structured_array_of_columns", lambda p, path: np.save(path, columns(p)), "take.npy", fps=30)
form("a_structured_array_of_vectors", lambda p, path: np.savez(path, data=vectors(p)), "take.npz")
form("a_structured_array_of_rows", lambda p, path: np.save(path, named_rows(p)), "take.npy")
form("a_structured_array_of_axes", lambda p, path: np.save(path, by_axes(p)), "take.npy")
form("times_beside_points", lambda p, path: np.savez(path, xyz=p[0].points(SITES), t=np.arange(FRAMES) / 60),
     "take.npz", fps=60)  # fmt: skip
form("an_archive_of_a_frame_each", lambda p, path: np.savez(path, *p[0].points(SITES)), "take.npz")


def scored(places: np.ndarray) -> np.ndarray:
    return np.concatenate([places, np.full((*places.shape[:2], 1), 0.9)], axis=2)


form("landmarks_with_a_visibility_in_rows", lambda p, path: np.save(path, scored(landmarks(p)).reshape(FRAMES, -1)),
     "take.npy", layout="mediapipe_33", travels=False)  # fmt: skip
form("scores_before_keypoints", lambda p, path: np.save(
    path, scored(p[0].order("panoptic_19", Y_DOWN, 100)).transpose(0, 2, 1)), "take.npy",
    layout="panoptic_19")  # fmt: skip
form("totalcaptures_in_inches", lambda p, path: np.save(path, p[0].order("totalcapture_21", Y_UP, 39.37)), "take.npy",
     layout="smpl_24")  # fmt: skip


def jta(people, _) -> list:
    """Rows of frame, person, joint, the place in the image, the place, and two flags."""
    places = [one.order("jta_22", Y_DOWN) + (0, 1, 6) for one in people]
    return [
        [t + 1, 17 + who, k, *np.round(1158 * q[:2] / q[2] + (960, 540), 2), *np.round(q, 6), k % 2, 0]
        for t in range(FRAMES)
        for who, one in enumerate(places)
        for k, q in enumerate(one[t])
    ]


form("jtas_rows_of_two_people", jta, layout="mpi_inf_3dhp_28", first=1, people=2)


# Matrices, and names of engines

ARKIT = sided(
    {"left_upLeg_joint": "left_hip", "left_leg_joint": "left_knee", "left_foot_joint": "left_ankle",
     "left_toes_joint": "left_foot", "left_shoulder_1_joint": "left_collar", "left_arm_joint": "left_shoulder",
     "left_forearm_joint": "left_elbow", "left_hand_joint": "left_wrist"},
    {"hips_joint": "pelvis", "spine_7_joint": "spine3", "neck_1_joint": "neck", "head_joint": "head"},
    lambda name: name.replace("left", "right"),
)  # fmt: skip


def bodies(people) -> list:
    return rounded(people[0].points(list(ARKIT.values()), Y_UP))


form("transforms_beside_the_joints_names", lambda p, _: {
    "jointNames": list(ARKIT),
    "frames": [{"timestamp": 100 + t / 60, "transforms": [[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, *q, 1] for q in frame]}
               for t, frame in enumerate(bodies(p))],
}, layout="bones", fps=60)  # fmt: skip
form("columns_of_each_joints_matrix", lambda p, _: {"frames": [
    {name: {"columns": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [*q, 1]]} for name, q in zip(ARKIT, frame)}
    for frame in bodies(p)]}, layout="bones")  # fmt: skip
form("bones_by_their_own_word_for_a_name", lambda p, _: {"frames": [
    {"bones": [{"boneName": name, "pos": dict(zip("xyz", q)), "rot": {"x": 0, "y": 0, "z": 0, "w": 1}}
               for name, q in zip(ARKIT, frame)]} for frame in bodies(p)]}, layout="bones")  # fmt: skip
form("each_segments_way_as_its_position", lambda p, _: {"frameRate": 60, "segments": {
    name: {"position": way} for name, way in zip(ARKIT, np.swapaxes(bodies(p), 0, 1).tolist())}},
    layout="bones", fps=60)  # fmt: skip


# Folders of a table a frame


def folder(name: str, file: str, write: Callable, **right) -> None:
    def written(people, path):
        path.mkdir()
        for t in range(FRAMES):
            write(path / file.format(t), people[0].points(SITES)[t])

    form(name, written, "take", **right)


folder("a_table_of_names_a_frame", "frame_{:04d}.csv", lambda path, frame: table(
    path, [["joint", *"xyz"], *([n, *q] for n, q in zip(NAMES, rounded(frame)))]))  # fmt: skip
folder("what_python_prints_a_frame", "{:d}.txt", lambda path, frame: path.write_text(repr(named(rounded(frame)))))
folder("bare_rows_a_frame", "{:d}.txt", np.savetxt)
folder("a_row_a_frame_in_files", "pose_{:d}.csv", lambda path, frame: table(path, [COLUMNS, rounded(frame.ravel())]))


def beside_its_picture(path, frame) -> None:
    np.save(path, frame)
    path.with_suffix(".jpg").write_bytes(b"a picture")


folder("an_array_beside_its_picture", "{:05d}.npy", beside_its_picture)


# XML

XSENS = sided(
    {"LeftShoulder": "left_collar", "LeftUpperArm": "left_shoulder", "LeftForeArm": "left_elbow",
     "LeftHand": "left_wrist", "LeftUpperLeg": "left_hip", "LeftLowerLeg": "left_knee", "LeftFoot": "left_ankle",
     "LeftToe": "left_foot"},
    {"Pelvis": "pelvis", "L5": "spine1", "L3": "spine2", "T12": "spine2", "T8": "spine3", "Neck": "neck",
     "Head": "head"},
    lambda name: name.replace("Left", "Right"),
)  # fmt: skip


def xsens(people, _) -> str:
    """A calibration's pose and the frames, with places, turns, and what a file has beside them."""

    def frame(kind: str, index: str, places: np.ndarray) -> str:
        numbers = " ".join(f"{v:.6f}" for v in places.ravel())
        turns = " ".join(["1 0 0 0"] * len(XSENS))
        return (f'<frame time="0" index="{index}" type="{kind}"><orientation>{turns}</orientation>'
                f"<position>{numbers}</position><velocity>{numbers}</velocity></frame>")  # fmt: skip

    places = people[0].points(list(XSENS.values()))
    segments = "".join(f'<segment label="{name}" id="{i + 1}"/>' for i, name in enumerate(XSENS))
    all_frames = frame("tpose", "", 0 * places[0]) + "".join(frame("normal", str(t), p) for t, p in enumerate(places))
    return (f'<?xml version="1.0"?><mvnx version="4" xmlns="http://www.xsens.com/mvn/mvnx">'
            f'<subject label="Suit 1" frameRate="240"><segments>{segments}</segments>'
            f'<frames>{all_frames}</frames></subject></mvnx>')  # fmt: skip


form("xsens_xml", xsens, "take.mvnx", layout="bones", fps=240)

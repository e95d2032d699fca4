"""Inputs in JSON and NumPy as people's own scripts write them: axes apart, a keypoint's way for each name, a point a
record, times and rates within the frames, keys at random. `field_inputs.py` says how each is written and what is right.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from field_inputs import FRAMES, Y_DOWN, Y_UP, made, rounded, saved_json
from field_inputs_of_scripts import named

from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.keypoints.layouts import LAYOUTS, ORDERS

COCO, COCO_SITES = LAYOUTS["coco_17"].keypoints, LAYOUTS["coco_17"].sites


def xyz(place) -> dict:
    return dict(zip("xyz", place))


def frames_of(take) -> list:
    return rounded(take.points(COCO_SITES))


def way(take, k: int, axis: int) -> list[float]:
    return take.points(COCO_SITES)[:, k, axis].round(5).tolist()


def lines(*objects) -> str:
    return "\n".join(map(json.dumps, objects))


# 7. Shapes: what is written of one take (JSON, or text as it is), and what is right of it besides.

SHAPES: dict[str, tuple[Callable, dict]] = {
    "a_table_of_frames_for_each_axis": (
        lambda take: {a: take.points(COCO_SITES)[..., i].round(5).tolist() for i, a in enumerate("xyz")}, {}),
    "a_table_of_keypoints_for_each_axis_and_their_names": (
        lambda take: {"fps": 60, "names": COCO} | {
            a: take.points(COCO_SITES)[..., i].T.round(5).tolist() for i, a in enumerate("xyz")}, {"fps": 60}),
    "a_list_of_names_with_a_series_for_each_axis": (
        lambda take: {"keypoints": [
            {"name": name} | {a: way(take, k, i) for i, a in enumerate("xyz")} for k, name in enumerate(COCO)]}, {}),
    "a_list_of_names_with_their_ways": (
        lambda take: {"fps": 50, "markers": [
            {"label": name, "data": [xyz(frame[k]) for frame in frames_of(take)]} for k, name in enumerate(COCO)]},
        {"fps": 50}),
    "a_way_of_objects_for_each_name": (
        lambda take: {name: [xyz(frame[k]) for frame in frames_of(take)] for k, name in enumerate(COCO)}, {}),
    "a_point_a_record": (
        lambda take: [{"frame": t, "joint": name, **xyz(p)} for t, frame in enumerate(frames_of(take))
                      for name, p in zip(COCO, frame)], {}),
    "a_point_a_line_by_its_number_and_time": (
        lambda take: lines(*({"time": t / 50, "index": k, **xyz(frame[k])} for t, frame in enumerate(frames_of(take))
                             for k in reversed(range(17)))), {"fps": 50}),
    "letters_for_fields": (
        lambda take: [{"t": t / 60, "p": [v for place in frame for v in place]}
                      for t, frame in enumerate(frames_of(take))], {"fps": 60}),
    "frames_under_keys_at_random": (
        lambda take: {"frames": {
            f"-N{t * 7919 % 997:03d}{'xQzb'[t % 4]}": {"time": t / 60, "joints": dict(zip(COCO, p))}
            for t, p in enumerate(frames_of(take))}}, {"fps": 60}),
    "predictions_in_lists_of_their_own": (
        lambda take: {"predictions": [[{"keypoints_3d": p, "keypoint_scores": [0.9] * 17, "bbox": [[1, 2, 3, 4]]}]
                                      for p in frames_of(take)]}, {}),
    "lines_below_one_about_them": (
        lambda take: lines({"fps": 60, "keypoint_names": COCO, "unit": "m"},
                           *({"frame": t, "keypoints": p} for t, p in enumerate(frames_of(take)))), {"fps": 60}),
    "points_that_are_empty_or_words": (
        lambda take: [{"frame": t, "keypoints": [[] if k == 9 else ["NaN"] * 3 if k == 10 else p
                                                 for k, p in enumerate(frame)] if t == 4 else frame}
                      for t, frame in enumerate(frames_of(take))], {}),
    "images_of_which_some_have_nobody": (
        lambda take: [{"image_id": f"{t + 1}.jpg", "keypoints": p} for t, p in enumerate(frames_of(take))
                      if t not in (7, 8)], {"first": 1, "missing": (7, 8)}),
    "frames_by_the_files_of_their_images": (
        lambda take: [{"image": f"cam1/img_{t + 3:05d}.png", "people": [{"keypoints": p}]}
                      for t, p in enumerate(frames_of(take)) if t != 9], {"first": 3, "missing": (9,)}),
    "translations_and_quaternions_as_t_and_q": (
        lambda take: {"frames": [{"bones": [{"name": name, "t": p, "q": [0, 0, 0, 1]} for name, p in zip(COCO, frame)]}
                                 for frame in frames_of(take)]}, {}),
    "keys_with_numbers_of_which_some_are_left_out": (
        lambda take: {f"frame_{t:04d}": {"keypoints": p} for t, p in enumerate(frames_of(take)) if t not in (7, 8)},
        {"missing": (7, 8)}),
    "a_frames_time_in_a_header_as_ros_has_it": (
        lambda take: [{"header": {"stamp": {"sec": 1_700_000_000 + t // 25, "nanosec": t % 25 * 40_000_000}},
                       "keypoints": p} for t, p in enumerate(frames_of(take))], {"fps": 25}),
    "the_time_of_a_frame_for_a_rate": (
        lambda take: {"meta": {"frameTime": 0.02}, "frames": frames_of(take)}, {"fps": 50}),
    "a_rate_in_quotes": (lambda take: {"fps": "50", "frames": frames_of(take)}, {"fps": 50}),
    "a_rate_as_a_fraction": (
        lambda take: {"frame_rate": {"num": 30000, "den": 1001}, "frames": frames_of(take)}, {"fps": 29.97}),
}  # fmt: skip


def _shaped(shape: Callable) -> Callable:
    def write(people, path):
        content = shape(people[0])
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    return write


for _name, (_shape, _right) in SHAPES.items():
    made(7, "shape.json", **{"layout": "coco_17", "fps": None, **_right})(named(_shaped(_shape), _name))


ASTRA = ["mid_ear", "spine3", "left_shoulder", "left_elbow", "left_hand", "right_shoulder", "right_elbow", "right_hand",
         "spine2", "pelvis", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle",
         "left_wrist", "right_wrist", "neck"]  # fmt: skip


@made(7, "astra.json", layout="kinect_25", fps=None)
def orbbecs_joints_by_the_numbers_of_their_types(people, path):
    frames = rounded(people[0].points(ASTRA, Y_UP, 1000))
    saved_json(path, {"frames": [{"frameIndex": t, "bodies": [{"id": 1, "joints": [
        {"type": k, "status": 2, "worldPosition": xyz(frame[k]), "depthPosition": {"x": 1, "y": 2}}
        for k in reversed(range(19))]}]} for t, frame in enumerate(frames)]})  # fmt: skip


@made(7, "take.txt", layout="coco_17", fps=None)
def json_that_is_called_a_text(people, path):
    saved_json(path, [{"frame": t, "keypoints": p} for t, p in enumerate(frames_of(people[0]))])


@made(7, "cut.json", refused="is cut off")
def a_recording_that_was_cut_off(people, path):
    path.write_text(json.dumps([{"frame": t, "keypoints": p} for t, p in enumerate(frames_of(people[0]))])[:-900])


# 7. NumPy


@made(7, "results.npy", layout="smpl_22", frames=FRAMES, fps=20)
def text_to_motions_samples_longer_than_their_motions(people, path):
    points = people[0].order("smpl_22", Y_UP)
    points = np.concatenate([points, np.repeat(points[-1:], 12, axis=0)])
    np.save(path, {"motion": points.transpose(1, 2, 0)[None], "text": ["walks"], "lengths": np.array([FRAMES])},
            allow_pickle=True)  # fmt: skip


@made(7, "frames", layout="coco_17", fps=None)
def a_folder_of_an_array_a_frame(people, path):
    path.mkdir()
    for t, frame in enumerate(people[0].points(COCO_SITES)):
        np.save(path / f"{t:05d}.npy", frame)


@made(7, "axes.npz", layout="coco_17", fps=60)
def an_archive_of_an_array_for_each_axis(people, path):
    points = people[0].points(COCO_SITES)
    np.savez(path, **{axis: points[..., i] for i, axis in enumerate("xyz")}, fps=60)


@made(7, "joints.npz", layout="coco_17", fps=None)
def an_archive_of_an_array_for_each_joint(people, path):
    np.savez(path, **{name: people[0].points(COCO_SITES)[:, k] for k, name in enumerate(COCO)})


@made(7, "flat.npy", layout="coco_17", fps=50)
def times_before_flat_points(people, path):
    times = np.arange(FRAMES)[:, None] / 50
    np.save(path, np.concatenate([times, people[0].points(COCO_SITES).reshape(FRAMES, -1)], axis=1))


@made(7, "more.npy", layout="coco_17", fps=None, said=("columns",))
def places_with_more_beside_them(people, path):
    more = np.full((FRAMES, 17, 2), 0.9)
    np.save(path, np.concatenate([people[0].points(COCO_SITES), more], axis=2))


# 2. Orders

LEGS, ARMS = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")


def both(*parts: str) -> list[str]:
    return [f"{side}_{part}" for part in parts for side in ("left", "right")]


def one(side: str, *parts: str) -> list[str]:
    return [f"{side}_{part}" for part in parts]


BY_COUNT: dict[str, list[str]] = {
    "openni_15": ["mid_ear", "neck", "spine2", *one("left", *ARMS), *one("right", *ARMS), *one("left", *LEGS),
                  *one("right", *LEGS)],
    "crowdpose_14": [*both(*ARMS), *both(*LEGS), "head_top", "neck"],
    "ai_challenger_14": [*one("right", *ARMS), *one("left", *ARMS), *one("right", *LEGS), *one("left", *LEGS),
                         "head_top", "neck"],
    "human36m_16": ["pelvis", *one("right", *LEGS), *one("left", *LEGS), "spine2", "neck", "head_top",
                    *one("left", *ARMS), *one("right", *ARMS)],
    "xsens_23": ["pelvis", "spine1", "spine2", "spine2", "spine3", "neck", "head", *one("right", "collar", *ARMS),
                 *one("left", "collar", *ARMS), *one("right", *LEGS, "foot"), *one("left", *LEGS, "foot")],
    "coco_12": [*both(*ARMS), *both(*LEGS)],
}  # fmt: skip


LAYOUT_OF = {order.name: order.layout.name for order in ORDERS}


def _ordered(sites: list[str]) -> Callable:
    def write(people, path):
        np.save(path, people[0].points(sites, Y_DOWN, 1000))

    return write


for _name, _sites in BY_COUNT.items():
    made(2, "order.npy", layout=LAYOUT_OF[_name], fps=None)(named(_ordered(_sites), f"the_order_of_{_name}"))


@made(2, "order.npy", layout="human36m_17", fps=None)
def an_order_like_that_of_another_tool_turned_about(people, path):
    """HumanEva's: OpenPose's 15 of MPI have the same limbs with sides exchanged, and the head at the other end."""
    sites = ["pelvis", "neck", *one("left", *ARMS), *one("right", *ARMS), *one("left", *LEGS), *one("right", *LEGS),
             "head_top"]  # fmt: skip
    np.save(path, people[0].points(sites))


@made(2, "robot.npz", layout="smpl_24", fps=50)
def places_of_bodies_beside_rotations_and_velocities(people, path):
    """IsaacLab's motions."""
    places = people[0].points(JOINT_NAMES)
    turned = np.tile([1.0, 0, 0, 0], (*places.shape[:2], 1))
    np.savez(path, fps=50, body_names=np.array(JOINT_NAMES), body_positions=places, body_rotations=turned,
             body_linear_velocities=50 * np.gradient(places, axis=0), body_angular_velocities=0 * places,
             dof_positions=np.zeros((len(places), 28)), dof_velocities=np.zeros((len(places), 28)))  # fmt: skip


FINGERS = {
    f"{finger}_{at}": f"{called}_{'mcp' if at == 'knuckle' else at}"
    for finger, called in zip(
        ("thumb", "index", "middle", "ring", "little"), ("thumb", "index", "middle", "ring", "pinky")
    )
    for at in ("knuckle", "tip")
}
"""What sites of a hand are called there."""


def in_parts(take) -> list[dict]:
    """Of each frame the points of parts, those of limbs without their side."""
    frames = []
    for frame in frames_of(take):
        by_name = dict(zip(COCO, frame))
        parts = {"torso": {name: by_name[name] for name in COCO if name.endswith(("nose", "shoulder", "hip"))}}
        for side in ("left", "right"):
            for limb, joints in (("arm", ARMS[1:]), ("leg", LEGS[1:])):
                parts[f"{side}_{limb}"] = {joint: by_name[f"{side}_{joint}"] for joint in joints}
        frames.append(parts)
    return frames


@made(7, "parts.json", layout="panoptic_15", fps=30)
def bodies_in_named_parts(people, path):
    saved_json(path, {"fps": 30, "frames": [{"frame": t, **parts} for t, parts in enumerate(in_parts(people[0]))]})


@made(7, "parts_as_lists.json", layout="panoptic_15", fps=30, people=2)
def bodies_of_people_in_lists_of_named_points(people, path):
    def listed(parts):
        return {part: [{"name": name, **xyz(at)} for name, at in points.items()] for part, points in parts.items()}

    both = zip(*(in_parts(one) for one in people))
    saved_json(path, {"fps": 30, "frames": [
        {"frame": t, "people": [{"id": i, **listed(parts)} for i, parts in enumerate(frame)]}
        for t, frame in enumerate(both)]})  # fmt: skip


@made(7, "parts_and_hands.json", layout="whole_body", fps=30, said=("hands",))
def a_body_with_hands_and_a_face_beside_it(people, path):
    take = people[0]
    hands = {side: rounded(take.points([f"{side}_{part}" for part in FINGERS])) for side in ("left", "right")}
    frames = [
        {"body": dict(zip(COCO, body)), "face": {"left_eye": body[1], "mouth": body[0]},
         **{f"{side}_hand": {"wrist": body[COCO.index(f"{side}_wrist")], **dict(zip(FINGERS.values(), hand[t]))}
            for side, hand in hands.items()}}
        for t, body in enumerate(frames_of(take))]  # fmt: skip
    saved_json(path, {"fps": 30, "frames": frames})

"""Inputs in the forms that other tools write, made of recorded motion whose truth is known.

Each is written by a function of a `Take`, in the variations that exports have: prefixes, units, axes, header rows,
rates, what stands for missing points. What is right of it stands beside it (`Right`). No file of others is in here.
"""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import PARENTS
from lsmpl_core.keypoints.layouts import LAYOUTS, ORDERS
from lsmpl_core.rotation import exp_map

RECORDED = Path(__file__).resolve().parents[1] / "data" / "cmu"
FRAMES = 30
Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
"""Of Z up: y' = z."""
Y_DOWN = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)
"""A camera's: y down, z away."""
LEFT_HANDED = np.array([[0, -1, 0], [0, 0, 1], [1, 0, 0]], float) @ np.diag([1.0, 1, 1])
"""Unity's: x right, y up, z ahead of somebody who faces +x with left at +y."""
UNREAL = np.diag([1.0, -1, 1])
"""Unreal's: x ahead, y right, z up."""


class Take:
    """Where the sites of a body are (T,3), metres, Z up, in a recorded clip; and the clip itself."""

    def __init__(
        self, body: lsmpl.Body, clip: str = "07_01", frames: slice = slice(10, 10 + FRAMES), shift=(0, 0, 0), betas=None
    ):
        self.body = body
        motion = lsmpl.Motion.load(RECORDED / f"{clip}.npz").frames(frames)
        self.motion = lsmpl.Motion(
            motion.poses,
            motion.trans + np.array(shift),
            np.zeros(10) if betas is None else betas,
            fps=30.0,
            body=body.key,
        )
        self._known: dict[str, np.ndarray] = {}

    def __getitem__(self, site: str) -> np.ndarray:
        if site not in self._known:
            self._known[site] = self.body.site_positions(self.motion, site_parts(self.body, [site]))[:, 0]
        return self._known[site]

    def __len__(self) -> int:
        return len(self.motion)

    def points(self, sites: Sequence[str], axes=None, scale: float = 1.0) -> np.ndarray:
        """(T,K,3) of some sites, in other axes, in units of which `scale` make a metre."""
        places = np.stack([self[site] for site in sites], axis=1)
        return places @ (np.eye(3) if axes is None else axes).T * scale

    def order(self, name: str, axes=None, scale: float = 1.0, aside=np.nan) -> np.ndarray:
        """(T,N,3) in the order of a layout, columns that are set aside somewhere on the head."""
        order = next(order for order in ORDERS if order.name == name)
        site = dict(zip(order.layout.keypoints, order.layout.sites))
        rng = np.random.default_rng(0)
        sites = [site[name] if name is not None else "nose" for name in order.names]
        points = self.points(sites, axes, scale)
        loose = [k for k, name in enumerate(order.names) if name is None]
        points[:, loose] += 0.05 * scale * rng.normal(size=(len(loose), 3))
        return points


@dataclass(frozen=True)
class Right:
    """What is right of an input: its layout (or words of the refusal), frames, rate, first frame, and what is said.

    points: of the shoulders, elbows, wrists, hips, knees and ankles how many come in; truth: the take whose they are
    (0, 1: the first or second of several people); missing: frames without anything; scaled: the size may be any.
    """

    layout: str = ""
    frames: int = FRAMES
    fps: float | None = 30.0
    first: int = 0
    points: int = 12
    refused: str = ""
    said: tuple[str, ...] = ()
    options: dict = field(default_factory=dict)
    people: int = 1
    tolerance_mm: float = 1.0
    travels: bool = True
    missing: tuple[int, ...] = ()
    scaled: bool = False


@dataclass(frozen=True)
class Input:
    name: str
    kind: int
    file: str
    write: Callable[[list[Take], Path], None]
    right: Right


INPUTS: list[Input] = []


def made(kind: int, file: str, **right) -> Callable:
    """Registers a writer: it gets the takes of two people and the path to write."""

    def register(write: Callable) -> Callable:
        INPUTS.append(Input(write.__name__, kind, file, write, Right(**right)))
        return write

    return register


def table(path: Path, rows, delimiter=",", **options) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), **options)


def digits(points: np.ndarray, count: int = 5) -> list[list[str]]:
    """A row of text a frame, blank where NaN."""
    return [["" if np.isnan(v) else f"{v:.{count}f}" for v in frame.ravel()] for frame in points]


def numbered(points: np.ndarray, lead: Callable[[int], list] = lambda t: [t], count: int = 5) -> list[list]:
    """`digits` with what stands before them in each row."""
    return [[*lead(t), *row] for t, row in enumerate(digits(points, count))]


def each(names: Sequence[str], form: str, axes="xyz") -> list[str]:
    return [form.format(name=name, axis=axis) for name in names for axis in axes]


def saved_json(path: Path, content) -> None:
    path.write_text(json.dumps(content))


def rounded(points: np.ndarray) -> list:
    return np.round(points, 6).tolist()


# 1. Bones

CORE = {
    "pelvis": "pelvis", "left_hip": "left_hip", "left_knee": "left_knee", "left_ankle": "left_ankle",
    "left_foot": "left_foot", "right_hip": "right_hip", "right_knee": "right_knee", "right_ankle": "right_ankle",
    "right_foot": "right_foot", "neck": "neck", "head": "head", "left_collar": "left_collar",
    "left_shoulder": "left_shoulder", "left_elbow": "left_elbow", "left_wrist": "left_wrist",
    "right_collar": "right_collar", "right_shoulder": "right_shoulder", "right_elbow": "right_elbow",
    "right_wrist": "right_wrist",
}  # fmt: skip
MIXAMO = {
    "Hips": "pelvis", "Spine": "spine1", "Spine1": "spine2", "Spine2": "spine3", "Neck": "neck", "Head": "head",
    "HeadTop_End": "head_top", "LeftShoulder": "left_collar", "LeftArm": "left_shoulder", "LeftForeArm": "left_elbow",
    "LeftHand": "left_wrist", "LeftHandThumb1": "left_thumb_knuckle", "LeftHandIndex1": "left_index_knuckle",
    "RightShoulder": "right_collar", "RightArm": "right_shoulder", "RightForeArm": "right_elbow",
    "RightHand": "right_wrist", "LeftUpLeg": "left_hip", "LeftLeg": "left_knee", "LeftFoot": "left_ankle",
    "LeftToeBase": "left_foot", "LeftToe_End": "left_toe", "RightUpLeg": "right_hip", "RightLeg": "right_knee",
    "RightFoot": "right_ankle", "RightToeBase": "right_foot",
}  # fmt: skip


def sided(left: dict[str, str], middle: dict[str, str], swap: Callable[[str], str]) -> dict[str, str]:
    """Names of the left side, and of the right one by `swap`."""
    right = {swap(name): site.replace("left_", "right_") for name, site in left.items()}
    return {**middle, **left, **right}


@made(1, "mixamo.csv", layout="bones")
def mixamo_with_a_numbered_namespace(people, path):
    names, points = list(MIXAMO), people[0].points(list(MIXAMO.values()), Y_UP, 100)
    head = ["frame", "time", *each(names, "mixamorig1:{name}.{axis}")]
    table(path, [head, *numbered(points, lambda t: [t, f"{t / 30:.4f}"])])


@made(1, "unreal.csv", layout="bones", fps=60, said=("mirrored",))
def unreals_bones_one_a_row_left_handed(people, path):
    left = {"thigh_l": "left_hip", "calf_l": "left_knee", "foot_l": "left_ankle", "ball_l": "left_foot",
            "clavicle_l": "left_collar", "upperarm_l": "left_shoulder", "lowerarm_l": "left_elbow",
            "hand_l": "left_wrist", "thigh_twist_01_l": "left_hip", "lowerarm_twist_01_l": "left_wrist"}  # fmt: skip
    middle = {"pelvis": "pelvis", "spine_01": "spine1", "spine_02": "spine2", "neck_01": "neck", "head": "head"}
    bones = sided(left, middle, lambda name: name[:-1] + "r")
    points = people[0].points(list(bones.values()), UNREAL, 100)
    rows = [[t, f"{t / 60:.5f}", bone, *row] for t in range(len(points)) for bone, row in zip(bones, digits(points[t]))]
    table(path, [["Frame", "Time", "Bone", "X", "Y", "Z"], *rows])


@made(1, "segment_position.csv", layout="bones", fps=60)
def xsens_segment_positions(people, path):
    left = {"Left Shoulder": "left_collar", "Left Upper Arm": "left_shoulder", "Left Forearm": "left_elbow",
            "Left Hand": "left_wrist", "Left Upper Leg": "left_hip", "Left Lower Leg": "left_knee",
            "Left Foot": "left_ankle", "Left Toe": "left_foot"}  # fmt: skip
    middle = {"Pelvis": "pelvis", "L5": "spine1", "L3": "spine2", "T12": "spine2", "T8": "spine3", "Neck": "neck",
              "Head": "head"}  # fmt: skip
    bones = sided(left, middle, lambda name: name.replace("Left", "Right"))
    points = people[0].points(list(bones.values()))
    head = ["Frame", "Time", *each(list(bones), "{name} {axis}")]
    table(path, [head, *numbered(points, lambda t: [t, t * 1000 // 60])], ";")


@made(1, "poser.csv", layout="bones", fps=30)
def posers_and_daz_names(people, path):
    left = {"lThigh": "left_hip", "lShin": "left_knee", "lFoot": "left_ankle", "lToe": "left_foot",
            "lCollar": "left_collar", "lShldr": "left_shoulder", "lForeArm": "left_elbow",
            "lHand": "left_wrist"}  # fmt: skip
    middle = {"hip": "pelvis", "abdomen": "spine1", "chest": "spine3", "neck": "neck", "head": "head"}
    bones = sided(left, middle, lambda name: "r" + name[1:])
    points = people[0].points(list(bones.values()), Y_UP, 100)
    table(path, [each(list(bones), "{name}_{axis}"), *digits(points)])


@made(1, "bandai.bvh.csv", layout="bones")
def upper_and_lower_limbs_with_sides_behind(people, path):
    left = {"UpperLeg_L": "left_hip", "LowerLeg_L": "left_knee", "Foot_L": "left_ankle", "Toes_L": "left_foot",
            "Shoulder_L": "left_collar", "UpperArm_L": "left_shoulder", "LowerArm_L": "left_elbow",
            "Hand_L": "left_wrist"}  # fmt: skip
    middle = {"joint_Root": "pelvis", "Hips": "pelvis", "Spine": "spine1", "Chest": "spine3", "Neck": "neck",
              "Head": "head"}  # fmt: skip
    bones = sided(left, middle, lambda name: name[:-1] + "R")
    points = people[0].points(list(bones.values()), Y_UP, 100)
    table(path, [["time", *each(list(bones), "{name}.{axis}", "XYZ")],
                 *numbered(points, lambda t: [f"{t / 30:.6f}"])])  # fmt: skip


@made(1, "character_creator.json", layout="bones", fps=60)
def character_creators_bones_by_name_with_twists(people, path):
    left = {"CC_Base_L_Thigh": "left_hip", "CC_Base_L_ThighTwist01": "left_hip", "CC_Base_L_Calf": "left_knee",
            "CC_Base_L_Foot": "left_ankle", "CC_Base_L_ToeBase": "left_foot", "CC_Base_L_Clavicle": "left_collar",
            "CC_Base_L_Upperarm": "left_shoulder", "CC_Base_L_Forearm": "left_elbow",
            "CC_Base_L_Hand": "left_wrist"}  # fmt: skip
    middle = {"CC_Base_Hip": "pelvis", "CC_Base_Waist": "spine1", "CC_Base_NeckTwist01": "neck", "CC_Base_Head": "head"}
    bones = sided(left, middle, lambda name: name.replace("_L_", "_R_"))
    points = rounded(people[0].points(list(bones.values()), None, 100))
    frames = [{"bones": {bone: {"position": p, "rotation": [0, 0, 0, 1]} for bone, p in zip(bones, frame)}}
              for frame in points]  # fmt: skip
    saved_json(path, {"fps": 60, "frames": frames})


@made(1, "deepmotion.csv", layout="bones", first=1)
def deepmotions_suffix(people, path):
    left = {"l_upleg_JNT": "left_hip", "l_leg_JNT": "left_knee", "l_foot_JNT": "left_ankle",
            "l_toebase_JNT": "left_foot", "l_shoulder_JNT": "left_collar", "l_arm_JNT": "left_shoulder",
            "l_forearm_JNT": "left_elbow", "l_hand_JNT": "left_wrist"}  # fmt: skip
    middle = {"hips_JNT": "pelvis", "spine_JNT": "spine1", "neck_JNT": "neck", "head_JNT": "head"}
    bones = sided(left, middle, lambda name: "r" + name[1:])
    points = people[0].points(list(bones.values()), Y_UP)
    table(path, [["frame", *each(list(bones), "{name}_{axis}")],
                 *numbered(points, lambda t: [t + 1])])  # fmt: skip


@made(1, "rigify.csv", layout="bones", fps=24)
def rigifys_deformation_bones_with_segments(people, path):
    left = {"DEF-thigh.L": "left_hip", "DEF-thigh.L.001": "left_knee", "DEF-shin.L": "left_knee",
            "DEF-shin.L.001": "left_ankle", "DEF-foot.L": "left_ankle", "DEF-toe.L": "left_foot",
            "DEF-shoulder.L": "left_collar", "DEF-upper_arm.L": "left_shoulder", "DEF-upper_arm.L.001": "left_elbow",
            "DEF-forearm.L": "left_elbow", "DEF-forearm.L.001": "left_wrist", "DEF-hand.L": "left_wrist"}  # fmt: skip
    middle = {"DEF-spine": "pelvis", "DEF-spine.001": "spine1", "DEF-spine.004": "neck", "DEF-spine.006": "head"}
    bones = sided(left, middle, lambda name: name.replace(".L", ".R"))
    points = people[0].points(list(bones.values()))
    table(path, [["# fps: 24"], ["frame", *each(list(bones), "{name}_{axis}")],
                 *numbered(points)])  # fmt: skip


@made(1, "smpl_rig.csv", layout="smpl_24|bones")
def smpls_own_bone_names(people, path):
    left = {f"m_avg_L_{part}": f"left_{site}" for part, site in (
        ("Hip", "hip"), ("Knee", "knee"), ("Ankle", "ankle"), ("Foot", "foot"), ("Collar", "collar"),
        ("Shoulder", "shoulder"), ("Elbow", "elbow"), ("Wrist", "wrist"), ("Hand", "hand"))}  # fmt: skip
    middle = {"m_avg_Pelvis": "pelvis", "m_avg_Spine1": "spine1", "m_avg_Spine2": "spine2", "m_avg_Spine3": "spine3",
              "m_avg_Neck": "neck", "m_avg_Head": "head"}  # fmt: skip
    bones = sided(left, middle, lambda name: name.replace("_L_", "_R_"))
    points = people[0].points(list(bones.values()), Y_UP)
    table(path, [each(list(bones), "{name}_{axis}"), *digits(points)])


@made(1, "hundred_styles.csv", layout="bones|smpl_24|smpl_22")
def skeletons_that_call_bones_by_their_joints(people, path):
    left = {"LeftHip": "left_hip", "LeftKnee": "left_knee", "LeftAnkle": "left_ankle", "LeftToe": "left_foot",
            "LeftCollar": "left_collar", "LeftShoulder": "left_shoulder", "LeftElbow": "left_elbow",
            "LeftWrist": "left_wrist"}  # fmt: skip
    middle = {"Hips": "pelvis", "Chest": "spine1", "Chest2": "spine2", "Chest3": "spine3", "Neck": "neck",
              "Head": "head"}  # fmt: skip
    bones = sided(left, middle, lambda name: name.replace("Left", "Right"))
    points = people[0].points(list(bones.values()), Y_UP, 100)
    table(path, [["Time", *each(list(bones), "{name}.{axis}")],
                 *numbered(points, lambda t: [f"{t / 30:.6f}"])])  # fmt: skip


# 2. Counts


@made(2, "kinect.npz", layout="kinect_25", fps=30)
def kinect_2_in_millimetres_y_down(people, path):
    np.savez(path, joints=people[0].order("kinect_25", Y_DOWN, 1000).astype(np.float32), fps=30)


@made(2, "smpl_45.npy", layout="smpl_24")
def joints_of_the_smplx_library_45(people, path):
    """SMPL's 24 joints and 21 picked vertices: nose, eyes, ears, feet, fingertips."""
    picked = ["nose", "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel",
              "right_big_toe", "right_small_toe", "right_heel"]  # fmt: skip
    fingers = [f"{side}_hand" for side in ("left", "right") for _ in range(5)]
    np.save(path, people[0].points([*LAYOUTS["smpl_24"].sites, *picked, *fingers], Y_UP).astype(np.float32))


@made(2, "smplx_127.npy", layout="smplx_55|smpl_22|smpl_24")
def joints_of_the_smplx_library_127(people, path):
    points = people[0].order("smplx_55", Y_UP)
    rest = people[0].points(["nose"] * 72, Y_UP) + 0.03 * np.random.default_rng(1).normal(size=(72, 3))
    np.save(path, np.concatenate([points, rest], axis=1))


@made(2, "spin_49.npy", layout="body_25", fps=30)
def spins_49_joints(people, path):
    """OpenPose's 25 and 24 of several data sets after them (nkolot/SPIN, constants.py)."""
    more = ["right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist",
            "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck", "head_top", "mid_hip",
            "neck", "spine2", "head", "head", "nose", "left_eye", "right_eye", "left_ear", "right_ear"]  # fmt: skip
    np.save(path, people[0].points([*LAYOUTS["body_25"].sites, *more], Y_DOWN))


@made(2, "shuffled.npy", refused="coco_17")
def an_order_that_nobody_has(people, path):
    order = [13, 2, 7, 0, 16, 9, 4, 11, 1, 15, 6, 3, 12, 8, 14, 5, 10]
    np.save(path, people[0].order("coco_17")[:, order])


@made(2, "h36m.npz", layout="human36m_17", fps=50)
def human36m_in_a_cameras_millimetres(people, path):
    np.savez(path, keypoints_3d=people[0].order("human36m_17", Y_DOWN, 1000) + [0, 0, 4000.0], fps=50)


@made(2, "mediapipe.csv", layout="mediapipe_33", travels=False)
def mediapipes_33_flat_with_a_class(people, path):
    """Tutorials' columns: class, x1, y1, z1, v1, ..."""
    points = people[0].order("mediapipe_33", Y_DOWN)
    points -= points[:, 23:25].mean(axis=1, keepdims=True)
    rows = np.concatenate([points, np.full((*points.shape[:2], 1), 0.97)], axis=2)
    head = ["class", *(f"{axis}{i}" for i in range(1, 34) for axis in "xyzv")]
    table(path, [head, *(["walk", *row] for row in digits(rows))])


@made(2, "landmarks.csv", layout="mediapipe_33", fps=30)
def landmarks_by_number(people, path):
    points = people[0].order("mediapipe_33", Y_DOWN)
    head = ["Label", *(f"Landmark_{i}_{axis}" for i in range(33) for axis in "xyz")]
    table(path, [head, *(["3", *row] for row in digits(points))])


@made(2, "whole.npz", layout="whole_body", fps=30)
def coco_wholebody_with_scores(people, path):
    points = people[0].order("coco_wholebody_133")
    np.savez(path, keypoints=points, scores=np.full(points.shape[:2], 0.8), fps=30.0)


@made(2, "kit_21.npy", layout="", points=12)
def kits_21_joints(people, path):
    """Of text to motion on KIT-ML (EricGuo5513/HumanML3D, paramUtil.py): root, back, arms, legs."""
    sites = ["pelvis", "spine1", "spine3", "neck", "head", "right_shoulder", "right_elbow", "right_wrist",
             "left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle", "right_heel",
             "right_foot", "left_hip", "left_knee", "left_ankle", "left_heel", "left_foot"]  # fmt: skip
    np.save(path, people[0].points(sites, Y_UP, 1000))


# 3. and 4. Dimension, sentinels, hands


@made(4, "pixels.csv", refused="2D")
def pixels_with_scores_by_name(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_DOWN, 300)[..., :2] + [960, 540]
    rows = np.concatenate([points, np.full((*points.shape[:2], 1), 0.9)], axis=2)
    table(path, [["frame", *each(names, "{name}_{axis}", ("x", "y", "score"))],
                 *numbered(rows, count=2)])  # fmt: skip


@made(4, "dlc_2d.csv", refused="2D")
def deeplabcuts_2d(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_DOWN, 300)[..., :2] + [960, 540]
    rows = np.concatenate([points, np.full((*points.shape[:2], 1), 0.9)], axis=2)
    head = [["scorer", *["DLC_resnet50"] * 51], ["bodyparts", *(n for n in names for _ in range(3))],
            ["coords", *["x", "y", "likelihood"] * 17]]  # fmt: skip
    table(path, [*head, *numbered(rows, count=2)])


@made(4, "coco_annotations.json", refused="2D")
def cocos_annotations_of_images(people, path):
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_DOWN, 300)[..., :2] + [960, 540]
    annotations = [
        {"id": t, "image_id": t, "category_id": 1, "num_keypoints": 17,
         "keypoints": [v for x, y in frame for v in (round(x), round(y), 2)]}
        for t, frame in enumerate(points.tolist())
    ]  # fmt: skip
    saved_json(path, {"info": {}, "images": [{"id": t, "file_name": f"{t}.jpg"} for t in range(len(points))],
                      "annotations": annotations})  # fmt: skip


@made(4, "yolo.json", refused="2D")
def ultralytics_xy_lists(people, path):
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_DOWN, 300)[..., :2] + [960, 540]
    frames = [[{"name": "person", "class": 0, "confidence": 0.9, "box": {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0},
                "keypoints": {"x": frame[:, 0].tolist(), "y": frame[:, 1].tolist(), "visible": [0.9] * 17}}]
              for frame in points]  # fmt: skip
    saved_json(path, frames)


@made(4, "unity.json", layout="bones", fps=30, said=("mirrored",))
def unitys_left_handed_humanoid(people, path):
    left = {"LeftUpperLeg": "left_hip", "LeftLowerLeg": "left_knee", "LeftFoot": "left_ankle", "LeftToes": "left_foot",
            "LeftShoulder": "left_collar", "LeftUpperArm": "left_shoulder", "LeftLowerArm": "left_elbow",
            "LeftHand": "left_wrist"}  # fmt: skip
    middle = {"Hips": "pelvis", "Spine": "spine1", "Chest": "spine3", "Neck": "neck", "Head": "head"}
    bones = sided(left, middle, lambda name: name.replace("Left", "Right"))
    points = rounded(people[0].points(list(bones.values()), LEFT_HANDED))
    frames = [
        {"frameIndex": t, "time": t / 30,
         "joints": [{"name": bone, "position": dict(zip("xyz", p)), "rotation": {"x": 0, "y": 0, "z": 0, "w": 1}}
                    for bone, p in zip(bones, frame)]}
        for t, frame in enumerate(points)
    ]  # fmt: skip
    saved_json(path, {"frames": frames})


@made(4, "missing.csv", layout="halpe_26", fps=100, missing=(5, 6), said=("missing",))
def missing_as_minus_9999_and_blank(people, path):
    points = people[0].order("halpe_26", None, 1000)
    points[5], points[6] = -9999, np.nan
    points[10:15, 9] = -9999
    names = LAYOUTS["halpe_26"].keypoints
    head = ["Frame", "Time (s)", *each(names, "{name}_{axis} (mm)")]
    table(path, [head, *numbered(points, lambda t: [t, f"{t / 100:.2f}"], count=2)])


@made(4, "normalised.csv", layout="mediapipe_33", refused="image")
def mediapipes_landmarks_of_the_image(people, path):
    """x and y are shares of the image's width and height, which differ: no coordinates of space."""
    points = people[0].order("mediapipe_33", Y_DOWN) * 0.25
    points -= points[0, 23:25].mean(axis=0)
    points[..., 2] -= points[:, 23:25, 2].mean(axis=1, keepdims=True)
    points = points * [9 / 16, 1, 9 / 16] + [0.5, 0.55, 0]
    rows = np.concatenate([points, np.full((*points.shape[:2], 1), 0.97)], axis=2)
    table(path, [["frame", *each(LAYOUTS["mediapipe_33"].keypoints, "{name}_{axis}", ("x", "y", "z", "visibility"))],
                 *numbered(rows)])  # fmt: skip


# 5. Time


@made(5, "sensor.json", layout="kinect_25", fps=30, frames=FRAMES, missing=(7, 8, 9), said=("frames",))
def milliseconds_with_a_gap(people, path):
    points = rounded(people[0].order("kinect_25", Y_UP))
    frames = [{"timestamp_ms": 1700000000000 + round(t * 1000 / 30), "bodies": [{"id": 1, "joints": points[t]}]}
              for t in range(FRAMES) if t not in (7, 8, 9)]  # fmt: skip
    saved_json(path, frames)


@made(5, "clock.csv", layout="coco_17", fps=25)
def clock_times_of_a_recorder(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites)
    stamp = [f"2024-03-01T12:30:{10 + t // 25:02d}.{t % 25 * 40:03d}" for t in range(FRAMES)]
    table(path, [["timestamp", *each(names, "{name}_{axis}")],
                 *numbered(points, lambda t: [stamp[t]])])  # fmt: skip


@made(5, "numbers.csv", layout="coco_17", fps=59.94, first=1001)
def frame_numbers_from_1001_and_a_broadcast_rate(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, None, 100)
    head = [["# exported by a tracker"], ["# FPS = 59.94"], ["frame_number", *each(names, "{axis}_{name}")]]
    table(path, [*head, *numbered(points, lambda t: [1001 + t])])


@made(5, "nuitrack.csv", layout="", fps=30)
def nuitracks_recorder_in_microseconds(people, path):
    """Joint_Name.{x, y, z}, Timestamp in microseconds, the sensor's serial number."""
    left = {"LeftCollar": "left_collar", "LeftShoulder": "left_shoulder", "LeftElbow": "left_elbow",
            "LeftWrist": "left_wrist", "LeftHand": "left_hand", "LeftHip": "left_hip", "LeftKnee": "left_knee",
            "LeftAnkle": "left_ankle"}  # fmt: skip
    middle = {"Head": "head", "Neck": "neck", "Torso": "spine2", "Waist": "pelvis"}
    joints = sided(left, middle, lambda name: name.replace("Left", "Right"))
    points = people[0].points(list(joints.values()), Y_UP, 1000)
    head = ["Timestamp", "Serial", "UserID", *each(list(joints), "{name}.{axis}")]
    table(path, [head, *numbered(points, lambda t: [10**9 + round(t * 1e6 / 30), "VVB3-0021", 1])])


# 6. Tables


@made(6, "anipose.csv", layout="body_25", fps=30)
def aniposes_triangulation(people, path):
    """Errors, cameras and scores beside each point; the rotation and centre of the space after them; fnum last."""
    names = LAYOUTS["body_25"].keypoints
    points = people[0].points(LAYOUTS["body_25"].sites, Y_DOWN, 1000)
    extra = np.stack([np.full(points.shape[:2], v) for v in (0.8, 4.0, 0.93)], axis=2)
    rows = np.concatenate([points, extra], axis=2)
    head = each(names, "{name}_{axis}", ("x", "y", "z", "error", "ncams", "score"))
    head += [f"M_{i}{j}" for i in range(3) for j in range(3)] + ["center_0", "center_1", "center_2", "fnum"]
    more = ["1.0", "0.0", "0.0", "0.0", "1.0", "0.0", "0.0", "0.0", "1.0", "0.0", "0.0", "0.0"]
    table(path, [head, *([*row, *more, t] for t, row in enumerate(digits(rows)))])


@made(6, "visual3d.txt", layout="markers", fps=30, points=0, first=1)
def visual3ds_ascii_export(people, path):
    """The file, the name, the type, the folder and the axis of each column, one below the other."""
    markers, points = plug_in_gait(people[0], scale=1)
    columns = [name for name in markers for _ in "XYZ"]
    head = [["", *[r"C:\data\walk.c3d"] * len(columns)], ["", *columns], ["", *["TARGET"] * len(columns)],
            ["", *["ORIGINAL"] * len(columns)], ["ITEM", *["X", "Y", "Z"] * len(markers)]]  # fmt: skip
    table(path, [*head, *numbered(points, lambda t: [t + 1])], "\t")


def plug_in_gait(take: Take, axes=None, scale: float = 1000.0) -> tuple[list[str], np.ndarray]:
    """Markers' names and places (T,K,3) on the skin near where Plug-in Gait puts them."""
    vertices = take.body.vertices(take.motion)
    rest = take.body.rest_vertices()
    joints = dict(zip(take.body.joint_names, take.body.rest_joints()))
    near = {
        "LFHD": joints["head"] + [0.06, 0.1, 0.1], "RFHD": joints["head"] + [-0.06, 0.1, 0.1],
        "LBHD": joints["head"] + [0.06, 0.1, -0.1], "RBHD": joints["head"] + [-0.06, 0.1, -0.1],
        "C7": joints["neck"] + [0, 0, -0.08], "T10": joints["spine2"] + [0, 0.05, -0.12],
        "CLAV": joints["neck"] + [0, -0.05, 0.1], "STRN": joints["spine3"] + [0, -0.05, 0.12],
        "LASI": joints["left_hip"] + [0.04, 0.07, 0.12], "RASI": joints["right_hip"] + [-0.04, 0.07, 0.12],
        "LPSI": joints["pelvis"] + [0.05, 0.05, -0.14], "RPSI": joints["pelvis"] + [-0.05, 0.05, -0.14],
    }  # fmt: skip
    for side, sign in (("left", 1.0), ("right", -1.0)):
        s = side[0].upper()
        near |= {
            f"{s}SHO": joints[f"{side}_shoulder"] + [0, 0.08, 0], f"{s}ELB": joints[f"{side}_elbow"] + [0, 0.04, 0],
            f"{s}UPA": (joints[f"{side}_shoulder"] + joints[f"{side}_elbow"]) / 2 + [0, 0.05, 0],
            f"{s}FRM": (joints[f"{side}_elbow"] + joints[f"{side}_wrist"]) / 2 + [0, 0.04, 0],
            f"{s}WRA": joints[f"{side}_wrist"] + [0, 0, 0.04], f"{s}WRB": joints[f"{side}_wrist"] + [0, 0, -0.04],
            f"{s}FIN": joints[f"{side}_hand"] + [0.02 * sign, 0.02, 0],
            f"{s}THI": (joints[f"{side}_hip"] + joints[f"{side}_knee"]) / 2 + [0.08 * sign, 0, 0],
            f"{s}KNE": joints[f"{side}_knee"] + [0.06 * sign, 0, 0],
            f"{s}TIB": (joints[f"{side}_knee"] + joints[f"{side}_ankle"]) / 2 + [0.06 * sign, 0, 0],
            f"{s}ANK": joints[f"{side}_ankle"] + [0.05 * sign, 0, 0],
            f"{s}HEE": joints[f"{side}_ankle"] + [0, -0.04, -0.07],
            f"{s}TOE": joints[f"{side}_foot"] + [0, 0.03, 0.02],
        }  # fmt: skip
    at = [int(np.argmin(np.linalg.norm(rest - place, axis=1))) for place in near.values()]
    return list(near), vertices[:, at] @ (np.eye(3) if axes is None else axes).T * scale


@made(6, "german_excel.csv", layout="coco_17", fps=None)
def names_over_the_first_of_three_columns_with_decimal_commas(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, None, 100)
    head = [["", "", *(cell for name in names for cell in (name, "", ""))], ["Frame", "Zeit", *["X", "Y", "Z"] * 17]]
    rows = [[str(t), f"{t / 50:.2f}".replace(".", ","), *(cell.replace(".", ",") for cell in row)]
            for t, row in enumerate(digits(points))]  # fmt: skip
    table(path, [*head, *rows], ";", encoding="utf-8-sig")


@made(6, "vicon_joint_names.csv", layout="markers", fps=120, points=0, first=1)
def viconss_subject_before_every_marker_in_a_spreadsheet(people, path):
    markers, points = plug_in_gait(people[0])
    head = [["Trajectories"], ["120"],
            ["", "", *(cell for name in markers for cell in (f"Subject1:{name}", "", ""))],
            ["Frame", "Sub Frame", *["X", "Y", "Z"] * len(markers)],
            ["", "", *["mm"] * (3 * len(markers))]]  # fmt: skip
    table(path, [*head, *numbered(points, lambda t: [t + 1, 0], count=2)])


@made(6, "qtm_with_frame_and_time.tsv", layout="markers", fps=100, points=0, first=1)
def qualisys_with_a_row_of_columns(people, path):
    markers, points = plug_in_gait(people[0])
    head = [["NO_OF_FRAMES", FRAMES], ["NO_OF_CAMERAS", 12], ["NO_OF_MARKERS", len(markers)], ["FREQUENCY", 100],
            ["NO_OF_ANALOG", 0], ["ANALOG_FREQUENCY", 0], ["DESCRIPTION", "--"],
            ["TIME_STAMP", "2024-03-01, 12:30:10.250", "83.25161000"], ["DATA_INCLUDED", "3D"],
            ["MARKER_NAMES", *markers], ["TRAJECTORY_TYPES", *["Measured"] * len(markers)],
            ["Frame", "Time", *each(markers, "{name} {axis}", "XYZ")]]  # fmt: skip
    rows = [[t + 1, f"{t / 100:.5f}", *row] for t, row in enumerate(digits(points, 3))]
    table(path, [*head, *rows], "\t")


@made(6, "two_actors.csv", layout="coco_17", people=2, fps=30)
def two_people_by_a_number_before_the_name(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = np.concatenate([one.points(LAYOUTS["coco_17"].sites) for one in people], axis=1)
    head = ["frame", *each([f"{who}_{name}" for who in ("p1", "p2") for name in names], "{name}_{axis}")]
    table(path, [head, *numbered(points)])


@made(6, "long_people.csv", layout="coco_17", people=2, fps=30)
def one_row_a_person_and_frame(people, path):
    names = LAYOUTS["coco_17"].keypoints
    rows = [[t, f"{t / 30:.4f}", 11 + who, *row] for t in range(FRAMES) for who, one in enumerate(people)
            for row in digits(one.points(LAYOUTS["coco_17"].sites)[t : t + 1])]  # fmt: skip
    table(path, [["frame", "time", "person_id", *each(names, "{name}_{axis}")], *rows])


@made(6, "optitrack_unlabeled.csv", layout="markers", fps=120, points=0)
def motives_markers_beside_unlabelled_ones(people, path):
    markers, points = plug_in_gait(people[0], Y_UP, 1000)
    names = [f"Walker:{name}" for name in markers] + ["Unlabeled 1021", "Unlabeled 1022"]
    points = np.concatenate([points, np.full((FRAMES, 2, 3), np.nan)], axis=1)
    points[3:6, -1] = 1500
    columns = [name for name in names for _ in "XYZ"]
    head = [["Format Version", "1.25", "Take Name", "walk", "Capture Frame Rate", "120.000000", "Export Frame Rate",
             "120.000000", "Length Units", "Millimeters", "Coordinate Space", "Global"], [],
            ["", "Type", *["Marker"] * len(columns)], ["", "Name", *columns],
            ["", "ID", *[f"{i // 3:032X}" for i in range(len(columns))]], ["", "Parent", *["Walker"] * len(columns)],
            ["", "", *["Position"] * len(columns)],
            ["Frame", "Time (Seconds)", *["X", "Y", "Z"] * len(names)]]  # fmt: skip
    table(path, [*head, *numbered(points, lambda t: [t, f"{t / 120:.6f}"], count=3)])


# 7. JSON


@made(7, "mediapipe.json", layout="mediapipe_33", travels=False)
def mediapipes_world_landmarks_as_objects(people, path):
    points = people[0].order("mediapipe_33", Y_DOWN)
    points -= points[:, 23:25].mean(axis=1, keepdims=True)
    frames = [
        {"frame": t, "pose_landmarks": [{"x": 0.5, "y": 0.5, "z": 0.0, "visibility": 0.9}] * 33,
         "pose_world_landmarks": [{**dict(zip("xyz", p)), "visibility": 0.9} for p in frame]}
        for t, frame in enumerate(rounded(points))
    ]  # fmt: skip
    saved_json(path, {"video": "walk.mp4", "fps": 30, "frames": frames})


@made(7, "tasks.json", layout="mediapipe_33", fps=None)
def mediapipes_tasks_with_camel_case(people, path):
    points = rounded(people[0].order("mediapipe_33", Y_DOWN))
    frames = [
        {"timestampMs": round(t * 1000 / 30),
         "landmarks": [[{"x": 0.5, "y": 0.5, "z": 0.0, "visibility": 0.9}] * 33],
         "worldLandmarks": [[{**dict(zip("xyz", p)), "visibility": 0.9} for p in frame]]}
        for t, frame in enumerate(points)
    ]  # fmt: skip
    saved_json(path, frames)


@made(7, "qtm.json", layout="markers", fps=120, points=0, first=1, missing=())
def qualisys_markers_in_parts(people, path):
    markers, points = plug_in_gait(people[0])
    listed = []
    for k, name in enumerate(markers):
        values = np.concatenate([points[:, k], np.full((FRAMES, 1), 0.4)], axis=1).round(3).tolist()
        parts = [{"Range": {"Start": 1, "End": 12}, "Type": "Measured", "Values": values[:12]},
                 {"Range": {"Start": 16, "End": FRAMES}, "Type": "Measured", "Values": values[15:]}]  # fmt: skip
        if k % 3:
            parts = [{"Range": {"Start": 1, "End": FRAMES}, "Type": "Measured", "Values": values}]
        listed.append({"Name": name, "Color": {"R": 0, "G": 255, "B": 0}, "Parts": parts})
    time = {"Type": "SMPTE", "Frequency": 120, "Range": {"Start": 1, "End": FRAMES}}
    saved_json(path, {"File": {"Name": "walk.qtm"}, "Timebase": time, "Bones": [], "Markers": listed})


@made(7, "kinect2.json", layout="kinect_25", fps=30)
def kinect_2_bodies_with_capital_keys(people, path):
    names = ["SpineBase", "SpineMid", "Neck", "Head", "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft",
             "ShoulderRight", "ElbowRight", "WristRight", "HandRight", "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft",
             "HipRight", "KneeRight", "AnkleRight", "FootRight", "SpineShoulder", "HandTipLeft", "ThumbLeft",
             "HandTipRight", "ThumbRight"]  # fmt: skip
    points = rounded(people[0].order("kinect_25", Y_UP))
    frames = [
        {"RelativeTime": f"00:00:0{t // 30}.{round(t % 30 * 1e7 / 30):07d}",
         "Bodies": [{"TrackingId": 72057594037929100, "IsTracked": True,
                     "Joints": {name: {"JointType": name, "Position": dict(zip("XYZ", p)), "TrackingState": 2}
                                for name, p in zip(names, frame)}}]}
        for frame in [None] for t, frame in enumerate(points)
    ]  # fmt: skip
    saved_json(path, frames)


@made(7, "panoptic", layout="panoptic_19", fps=30, people=2, first=140)
def panoptics_folder_of_bodies(people, path):
    path.mkdir()
    points = [one.order("panoptic_19", Y_DOWN, 100) for one in people]
    for t in range(FRAMES):
        rows = [np.concatenate([p[t], np.full((19, 1), 0.8)], axis=1).ravel().round(4).tolist() for p in points]
        bodies = [{"id": who, "joints19": row} for who, row in enumerate(rows)]
        saved_json(path / f"body3DScene_{140 + t:08d}.json", {"version": 0.7, "univTime": 53541.5 + 33.3 * t,
                   "fpsType": "hd_29_97", "bodies": bodies[:: 1 if t % 2 else -1]})  # fmt: skip


@made(7, "by_column.json", layout="coco_17", fps=60)
def a_list_of_numbers_for_each_axis_of_a_name(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP)
    keypoints = {name: {axis: points[:, k, a].round(5).tolist() for a, axis in enumerate("xyz")}
                 for k, name in enumerate(names)}  # fmt: skip
    saved_json(path, {"fps": 60, "keypoints": keypoints})


@made(7, "by_name.json", layout="coco_17", fps=60)
def a_trajectory_for_each_name(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP)
    saved_json(path, {"frameRate": 60, **{name: points[:, k].round(5).tolist() for k, name in enumerate(names)}})


@made(7, "pandas.json", layout="coco_17", fps=30)
def a_data_frame_by_columns(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP)
    columns = {f"{name}_{axis}": {str(t): round(float(points[t, k, a]), 5) for t in range(FRAMES)}
               for k, name in enumerate(names) for a, axis in enumerate("xyz")}  # fmt: skip
    saved_json(path, columns)


@made(7, "records.json", layout="coco_17", fps=30)
def a_data_frame_by_records(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP)
    columns = {
        f"{name}_{axis}": points[:, k, a].round(5) for k, name in enumerate(names) for a, axis in enumerate("xyz")
    }
    saved_json(path, [{"frame": t, **{key: values[t] for key, values in columns.items()}} for t in range(FRAMES)])


@made(7, "alphapose_3d.json", layout="smpl_24", fps=30, people=2)
def alphapose_with_hybriks_joints(people, path):
    results = []
    for t in range(FRAMES):
        for who, one in enumerate(people):
            joints = one.points(LAYOUTS["smpl_24"].sites, Y_DOWN)[t]
            results.append({"image_id": f"{t}.jpg", "category_id": 1, "score": 2.9, "box": [1, 2, 3, 4], "idx": who,
                            "keypoints": [1.0, 2.0, 0.9] * 17, "pred_xyz_jts": rounded(joints)})  # fmt: skip
    saved_json(path, results)


@made(7, "people_by_id.json", layout="coco_17", fps=30, people=2)
def frames_of_people_by_their_ids(people, path):
    points = [rounded(one.points(LAYOUTS["coco_17"].sites)) for one in people]
    saved_json(path, {str(t): {"3": points[0][t], "8": points[1][t]} for t in range(FRAMES)})


@made(7, "people_outside.json", layout="coco_17", fps=30, people=2)
def people_with_frames_of_their_own(people, path):
    points = [rounded(one.points(LAYOUTS["coco_17"].sites)) for one in people]
    saved_json(path, {"fps": 30, "people": [
        {"id": name, "frames": [{"frame": t, "keypoints3d": p[t]} for t in range(FRAMES)]}
        for name, p in zip(("ann", "bob"), points)]})  # fmt: skip


@made(7, "azure_nested.json", layout="azure_kinect_32", fps=30)
def azure_kinects_joints_by_name_with_confidence_words(people, path):
    layout = LAYOUTS["azure_kinect_32"]
    names = ["PELVIS", "SPINE_NAVEL", "SPINE_CHEST", "NECK",
             *(f"{part}_{side}" for side in ("LEFT", "RIGHT")
               for part in ("CLAVICLE", "SHOULDER", "ELBOW", "WRIST", "HAND", "HANDTIP", "THUMB")),
             *(f"{part}_{side}" for side in ("LEFT", "RIGHT") for part in ("HIP", "KNEE", "ANKLE", "FOOT")),
             "HEAD", "NOSE", "EYE_LEFT", "EAR_LEFT", "EYE_RIGHT", "EAR_RIGHT"]  # fmt: skip
    points = rounded(people[0].order("azure_kinect_32", Y_DOWN, 1000))
    assert len(names) == len(layout)
    frames = [
        {"timestamp_usec": 33333 * t, "num_bodies": 1,
         "bodies": [{"body_id": 1, "joints": {
             f"K4ABT_JOINT_{name}": {"position": {"v": p, "xyz": dict(zip("xyz", p))},
                                     "orientation": {"v": [1, 0, 0, 0]}, "confidence_level": "MEDIUM"}
             for name, p in zip(names, frame)}}]}
        for t, frame in enumerate(points)
    ]  # fmt: skip
    saved_json(path, {"frames": frames})


@made(7, "lines.jsonl", layout="coco_17", fps=30)
def one_object_a_line(people, path):
    points = rounded(people[0].points(LAYOUTS["coco_17"].sites))
    path.write_text("\n".join(json.dumps({"frame_id": t, "keypoints_3d": frame}) for t, frame in enumerate(points)))


@made(7, "rtmw.json", layout="whole_body", fps=30)
def mmposes_whole_body_with_scores(people, path):
    points = rounded(people[0].order("coco_wholebody_133", Y_UP))
    scores = [0.9] * 133
    frames = [{"frame_id": t, "instances": [{"keypoints": frame, "keypoint_scores": scores, "bbox": [[1, 2, 3, 4]]}]}
              for t, frame in enumerate(points)]  # fmt: skip
    saved_json(path, {"meta_info": {"dataset_name": "h3wb", "num_keypoints": 133}, "instance_info": frames})


# 8. Estimators: see the other table


# 9. SAM 3D Body


def sam(take: Take, t: int) -> dict:
    """One person's output: keypoints relative to the body, y down, and where the body is."""
    points = take.order("mhr_70", Y_DOWN)[t] + [0, 0, 4.0]
    middle = points[9:11].mean(axis=0)
    return {
        "pred_keypoints_3d": (points - middle).astype(np.float32), "pred_cam_t": middle.astype(np.float32),
        "pred_keypoints_2d": np.zeros((70, 2), np.float32), "focal_length": np.float32(1400.0),
        "bbox": np.array([1.0, 2, 3, 4], np.float32), "global_rot": np.zeros(3, np.float32),
        "body_pose_params": np.zeros(133, np.float32), "shape_params": np.zeros(45, np.float32),
        "pred_joint_coords": np.zeros((127, 3), np.float32), "pred_vertices": np.zeros((200, 3), np.float32),
    }  # fmt: skip


@made(9, "outputs", layout="mhr_70", people=2, fps=30, first=1)
def a_file_for_each_image_with_a_list_of_people(people, path):
    path.mkdir()
    for t in range(FRAMES):
        both = [sam(one, t) for one in people]
        with (path / f"frame_{t + 1:06d}.pkl").open("wb") as stream:
            pickle.dump(both[:: 1 if t % 3 else -1], stream)


@made(9, "sam3d.json", layout="mhr_70", people=2, fps=24)
def persons_with_a_skeleton_and_a_camera(people, path):
    frames = []
    for t in range(FRAMES):
        persons = []
        for who, one in enumerate(people[:: 1 if t % 2 else -1]):
            out = sam(one, t)
            persons.append({
                "person_id": who,
                "skeleton": {"keypoints_3d": out["pred_keypoints_3d"].tolist(), "keypoints_2d": [[1.0, 2.0]] * 70,
                             "joint_coords_3d": [[0.0, 0.0, 0.0]] * 127},
                "mesh": {"vertices": [[0.0, 0.0, 0.0]] * 200, "num_vertices": 200},
                "pose": {"global_rotation": [0, 0, 0], "body_pose": [0.0] * 130},
                "camera": {"translation": out["pred_cam_t"].tolist(), "focal_length": 1400.0},
                "bbox": {"body": [1, 2, 3, 4]},
            })  # fmt: skip
        frames.append({"frame_number": t, "timestamp": t / 24, "num_persons": 2, "persons": persons})
    saved_json(path, {"video_info": {"fps": 24.0, "total_frames": FRAMES, "frame_skip": 1}, "frames": frames})


@made(9, "stacked.npz", layout="mhr_70", fps=30)
def all_frames_in_arrays(people, path):
    outs = [sam(people[0], t) for t in range(FRAMES)]
    keys = ("pred_keypoints_3d", "pred_cam_t", "pred_keypoints_2d", "pred_joint_coords")
    np.savez(path, **{key: np.stack([out[key] for out in outs]) for key in keys})


@made(9, "by_frame.pkl", layout="mhr_70", people=2, fps=30)
def a_pickled_dict_of_frames_by_image(people, path):
    content = {f"images/{t:05d}.jpg": [sam(one, t) for one in people] for t in range(FRAMES)}
    path.write_bytes(pickle.dumps(content))


@made(9, "by_person.json", layout="mhr_70", fps=30)
def one_person_a_frame_in_json(people, path):
    frames = []
    for t in range(FRAMES):
        out = sam(people[0], t)
        frames.append(
            {key: out[key].tolist() for key in ("pred_keypoints_3d", "pred_cam_t", "pred_keypoints_2d", "bbox")}
        )
    saved_json(path, frames)


# More of the same kinds, other tools


def bvh_text(take: Take, names: dict[str, str], scale: float = 100.0, order: str = "ZXY", rate: float = 30.0) -> str:
    """A BVH of a body's joints: offsets of the rest pose, rotations in the parents' axes, Y up; names by joint."""
    body, motion = take.body, take.motion
    rest, turns = body.rest_joints(motion.betas) * scale, exp_map(motion.poses.astype(float))
    joints = list(body.joint_names)
    children = [[j for j in range(24) if PARENTS[j] == i] for i in range(24)]
    lines, columns = ["HIERARCHY"], []
    roots = body.joints(motion)[:, 0] @ Y_UP.T * scale
    turns[:, 0] = Y_UP @ turns[:, 0]

    def write(joint: int, indent: str) -> None:
        name = names.get(joints[joint], joints[joint])
        offset = rest[joint] - (rest[PARENTS[joint]] if joint else rest[0])
        lines.append(f"{indent}{'JOINT' if joint else 'ROOT'} {name}")
        lines.extend([indent + "{", f"{indent}\tOFFSET " + " ".join(f"{v:.6f}" for v in offset)])
        places = "" if joint else "Xposition Yposition Zposition "
        rotations = " ".join(f"{axis}rotation" for axis in order)
        lines.append(f"{indent}\tCHANNELS {3 if joint else 6} {places}{rotations}")
        if not joint:
            columns.append(roots)
        columns.append(np.degrees(euler(turns[:, joint], order)))
        for child in children[joint]:
            write(child, indent + "\t")
        if not children[joint]:
            lines.extend([f"{indent}\tEnd Site", indent + "\t{", f"{indent}\t\tOFFSET 0 0 0", indent + "\t}"])
        lines.append(indent + "}")

    write(0, "")
    rows = np.concatenate(columns, axis=1)
    lines += ["MOTION", f"Frames:\t{len(rows)}", f"Frame Time:\t{1 / rate:.6f}"]
    return "\n".join([*lines, *(" ".join(f"{v:.5f}" for v in row) for row in rows)]) + "\n"


def euler(turns: np.ndarray, order: str) -> np.ndarray:
    """(T,3) angles about the axes in the order in which they are written, of R = R1 R2 R3."""
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    second = np.arcsin(np.clip(sign * turns[:, i, k], -1, 1))
    first = np.arctan2(-sign * turns[:, j, k], turns[:, k, k])
    third = np.arctan2(-sign * turns[:, i, j], turns[:, i, i])
    return np.stack([first, second, third], axis=1)


@made(1, "neuron.bvh", layout="bones", fps=60, points=12)
def perception_neurons_bvh_with_a_prefix(people, path):
    left = {"left_hip": "Robot_LeftUpLeg", "left_knee": "Robot_LeftLeg", "left_ankle": "Robot_LeftFoot",
            "left_foot": "Robot_LeftToe", "left_collar": "Robot_LeftShoulder", "left_shoulder": "Robot_LeftArm",
            "left_elbow": "Robot_LeftForeArm", "left_wrist": "Robot_LeftHand",
            "left_hand": "Robot_LeftHandMiddle1"}  # fmt: skip
    right = {key.replace("left", "right"): name.replace("Left", "Right") for key, name in left.items()}
    middle = {"pelvis": "Robot_Hips", "spine1": "Robot_Spine", "spine2": "Robot_Spine1", "spine3": "Robot_Spine2",
              "neck": "Robot_Neck", "head": "Robot_Head"}  # fmt: skip
    path.write_text(bvh_text(people[0], left | right | middle, 100, "YXZ", 60))


@made(1, "blender.bvh", layout="bones", fps=24)
def blenders_bvh_of_a_human_rig_in_metres(people, path):
    left = {"left_hip": "thigh.L", "left_knee": "shin.L", "left_ankle": "foot.L", "left_foot": "toe.L",
            "left_collar": "shoulder.L", "left_shoulder": "upper_arm.L", "left_elbow": "forearm.L",
            "left_wrist": "hand.L", "left_hand": "f_middle.01.L"}  # fmt: skip
    right = {key.replace("left", "right"): name.replace(".L", ".R") for key, name in left.items()}
    middle = {"pelvis": "spine", "spine1": "spine.001", "spine2": "spine.002", "spine3": "spine.003",
              "neck": "spine.004", "head": "spine.006"}  # fmt: skip
    path.write_text(bvh_text(people[0], left | right | middle, 1, "XYZ", 24))


@made(1, "smpl.bvh", layout="bones|smpl_24|smpl_22", fps=30)
def a_bvh_of_smpls_joints(people, path):
    names = {name: name.title().replace("Left_", "L_").replace("Right_", "R_") for name in people[0].body.joint_names}
    path.write_text(bvh_text(people[0], names, 1, "ZYX"))


@made(2, "kinect_flat.txt", layout="kinect_25", fps=30)
def rows_of_numbers_with_blanks_between(people, path):
    points = people[0].order("kinect_25", Y_UP)
    path.write_text("\n".join(" ".join(row) for row in digits(points)) + "\n")


@made(2, "panda.csv", layout="coco_17", fps=30)
def columns_by_number_with_an_index(people, path):
    points = people[0].order("coco_17", Y_DOWN, 1000)
    head = ["", *(f"kpt_{i}_{axis}" for i in range(17) for axis in "xyz")]
    table(path, [head, *numbered(points)])


@made(2, "two_in_an_array.npy", layout="body_25", people=2, fps=30)
def people_along_the_second_axis(people, path):
    np.save(path, np.stack([one.order("body_25") for one in people], axis=1))


@made(4, "triples.csv", layout="coco_17", fps=30)
def axes_by_blocks(people, path):
    """All x, then all y, then all z."""
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP)
    head = [f"{axis}_{name}" for axis in "xyz" for name in names]
    table(path, [head, *digits(points.transpose(0, 2, 1))])


@made(5, "dropped.csv", layout="coco_17", fps=30, missing=(11, 12, 20), said=("frames",))
def seconds_with_jitter_and_gaps(people, path):
    names, rng = LAYOUTS["coco_17"].keypoints, np.random.default_rng(2)
    points = digits(people[0].points(LAYOUTS["coco_17"].sites))
    rows = [[f"{t / 30 + rng.uniform(-0.003, 0.003):.4f}", *points[t]] for t in range(FRAMES) if t not in (11, 12, 20)]
    table(path, [["time_s", *each(names, "{name}_{axis}")], *rows])


@made(5, "doubled.json", layout="coco_17", fps=30, said=("doubled",))
def a_frame_that_is_there_twice(people, path):
    points = rounded(people[0].points(LAYOUTS["coco_17"].sites))
    frames = [{"frame": t, "joints": points[t]} for t in range(FRAMES)]
    frames.insert(9, dict(frames[8]))
    saved_json(path, {"fps": 30, "frames": frames})


@made(6, "brackets.csv", layout="coco_17", fps=30)
def units_in_brackets_and_blanks(people, path):
    names = [name.replace("_", " ").title() for name in LAYOUTS["coco_17"].keypoints]
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP, 1000)
    table(path, [["Frame #", "Time [s]", *each(names, "{name} {axis} [mm]", "XYZ")],
                 *numbered(points, lambda t: [t, f"{t / 30:.3f}"], count=2)])  # fmt: skip


@made(6, "position_dot.csv", layout="bones", fps=60, first=1)
def rotations_beside_positions_of_bones(people, path):
    left = {"LeftThigh": "left_hip", "LeftShin": "left_knee", "LeftFoot": "left_ankle", "LeftToe": "left_foot",
            "LeftShoulder": "left_collar", "LeftArm": "left_shoulder", "LeftForeArm": "left_elbow",
            "LeftHand": "left_wrist"}  # fmt: skip
    bones = sided(left, {"Hip": "pelvis", "Neck": "neck", "Head": "head"}, lambda name: name.replace("Left", "Right"))
    points = people[0].points(list(bones.values()), Y_UP)
    head = ["Frame", "Timestamp", *(f"{bone}.{kind}.{axis}" for bone in bones
            for kind, axes in (("Position", "xyz"), ("Rotation", "xyzw")) for axis in axes)]  # fmt: skip
    rows = np.concatenate([points, np.full((*points.shape[:2], 4), 0.5)], axis=2)
    table(path, [head, *numbered(rows, lambda t: [t + 1, f"{t / 60:.5f}"])])


@made(6, "wide_z.tsv", layout="halpe_26", fps=50)
def a_comment_with_the_rate_and_tabs(people, path):
    names = LAYOUTS["halpe_26"].keypoints
    points = people[0].points(LAYOUTS["halpe_26"].sites)
    table(path, [["# sampling rate: 50 Hz, unit: m"], [f"{name}.{axis}" for name in names for axis in "XYZ"],
                 *digits(points)], "\t")  # fmt: skip


@made(7, "nuitrack.json", layout="", fps=30, points=12)
def nuitracks_skeletons_of_typed_joints(people, path):
    left = {"LEFT_COLLAR": "left_collar", "LEFT_SHOULDER": "left_shoulder", "LEFT_ELBOW": "left_elbow",
            "LEFT_WRIST": "left_wrist", "LEFT_HAND": "left_hand", "LEFT_HIP": "left_hip", "LEFT_KNEE": "left_knee",
            "LEFT_ANKLE": "left_ankle"}  # fmt: skip
    joints = sided(left, {"HEAD": "head", "NECK": "neck", "TORSO": "spine2", "WAIST": "pelvis"},
                   lambda name: name.replace("LEFT", "RIGHT"))  # fmt: skip
    points = rounded(people[0].points(list(joints.values()), Y_UP, 1000))
    frames = [{"Timestamp": round(1e9 + t * 1e6 / 30), "skeletons": [{"user_id": 1, "joints": [
        {"type": f"JOINT_{name}", "confidence": 0.75, "real": p, "proj": [0.5, 0.5, 900.0]}
        for name, p in zip(joints, frame)]}]} for t, frame in enumerate(points)]  # fmt: skip
    saved_json(path, {"frames": frames})


@made(7, "easymocap", layout="body_25", people=2, fps=30)
def easymocaps_folder_of_people_with_confidence(people, path):
    path.mkdir()
    points = [one.order("body_25") for one in people]
    for t in range(FRAMES):
        rows = [np.concatenate([p[t], np.full((25, 1), 0.9)], axis=1).round(5).tolist() for p in points]
        saved_json(path / f"{t:06d}.json", [{"id": who, "keypoints3d": row} for who, row in enumerate(rows)])


@made(7, "zed_fused.json", layout="zed_34", people=2, fps=15)
def zeds_fused_bodies_by_time(people, path):
    points = [rounded(one.order("zed_34", Y_UP)) for one in people]
    frames = {}
    for t in range(FRAMES):
        bodies = [{"id": 3 + who, "tracking_state": "OK", "confidence": 88.0, "position": p[t][0],
                   "keypoint": p[t], "local_orientation_per_joint": [[0, 0, 0, 1]] * 34,
                   "keypoint_confidence": [80.0] * 34} for who, p in enumerate(points)]  # fmt: skip
        frames[str(1_700_000_000_000_000_000 + round(t * 1e9 / 15))] = {"body_list": bodies, "is_new": True}
    saved_json(path, frames)


@made(7, "rtm.json", layout="human36m_17", fps=30)
def a_list_of_frames_of_lists_of_predictions(people, path):
    points = rounded(people[0].order("human36m_17", None))
    saved_json(path, [[{"keypoints": frame, "keypoint_scores": [1.0] * 17}] for frame in points])


@made(9, "frames_of_dicts.npz", layout="mhr_70", people=2, fps=30)
def an_archive_of_objects(people, path):
    outputs = np.empty(FRAMES, dtype=object)
    for t in range(FRAMES):
        outputs[t] = [sam(one, t) for one in people]
    np.savez(path, outputs=outputs)


@made(9, "sparse", layout="mhr_70", fps=30, first=3, missing=(4, 5))
def a_folder_that_lacks_images_without_anybody(people, path):
    path.mkdir()
    for t in range(FRAMES):
        if t not in (4, 5):
            np.savez(path / f"{3 + t:08d}_person0.npz", **sam(people[0], t))


def limbs_named(left: dict[str, str], middle: dict[str, str], swap) -> dict[str, str]:
    return sided({name: f"left_{part}" for part, name in left.items()}, middle, swap)


PARTS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")


@made(1, "mocopi.csv", layout="bones", fps=50)
def mocopis_up_and_low_limbs(people, path):
    left = dict(
        zip(PARTS, ("l_up_leg", "l_low_leg", "l_foot", "l_toes", "l_shoulder", "l_up_arm", "l_low_arm", "l_hand"))
    )
    bones = limbs_named(left, {"root": "pelvis", "torso_1": "spine1", "neck_1": "neck", "head": "head"},
                        lambda name: "r" + name[1:])  # fmt: skip
    points = people[0].points(list(bones.values()), Y_UP)
    table(path, [["time", *each(list(bones), "{name}_{axis}")],
                 *numbered(points, lambda t: [f"{t / 50:.4f}"])])  # fmt: skip


@made(1, "genesis8.csv", layout="bones", fps=30)
def dazs_bends_and_twists(people, path):
    left = dict(zip(PARTS, ("lThighBend", "lShin", "lFoot", "lToe", "lCollar", "lShldrBend", "lForearmBend", "lHand")))
    bones = limbs_named(left, {"hip": "pelvis", "abdomenLower": "spine1", "neckLower": "neck", "head": "head"},
                        lambda name: "r" + name[1:])  # fmt: skip
    for side, letter in (("left", "l"), ("right", "r")):
        bones |= {f"{letter}ThighTwist": f"{side}_hip", f"{letter}ForearmTwist": f"{side}_wrist"}
    points = people[0].points(list(bones.values()), Y_UP, 100)
    table(path, [each(list(bones), "{name}.{axis}"), *digits(points)])


@made(1, "makehuman.csv", layout="bones", fps=30)
def makehumans_numbered_limbs(people, path):
    left = dict(zip(PARTS, ("upperleg01.L", "lowerleg01.L", "foot.L", "toe1-1.L", "clavicle.L", "upperarm01.L",
                            "lowerarm01.L", "wrist.L")))  # fmt: skip
    bones = limbs_named(left, {"root": "pelvis", "spine05": "spine1", "neck01": "neck", "head": "head"},
                        lambda name: name[:-1] + "R")  # fmt: skip
    for side, letter in (("left", "L"), ("right", "R")):
        bones |= {f"upperleg02.{letter}": f"{side}_knee", f"lowerarm02.{letter}": f"{side}_wrist"}
    points = people[0].points(list(bones.values()))
    table(path, [each(list(bones), "{name} {axis}"), *digits(points)])


@made(1, "arkit.json", layout="bones", fps=60)
def arkits_joints(people, path):
    left = dict(zip(PARTS, ("left_upLeg_joint", "left_leg_joint", "left_foot_joint", "left_toes_joint",
                            "left_shoulder_1_joint", "left_arm_joint", "left_forearm_joint",
                            "left_hand_joint")))  # fmt: skip
    bones = limbs_named(left, {"hips_joint": "pelvis", "spine_1_joint": "spine1", "neck_1_joint": "neck",
                               "head_joint": "head"}, lambda name: name.replace("left", "right"))  # fmt: skip
    points = rounded(people[0].points(list(bones.values()), Y_UP))
    saved_json(
        path, [{"timestamp": 1200.0 + t / 60, "joints": dict(zip(bones, frame))} for t, frame in enumerate(points)]
    )


@made(6, "dlc_3d.csv", layout="coco_17", fps=30)
def deeplabcuts_3d(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_DOWN, 10)
    head = [["scorer", *["DLC_3D"] * 51], ["bodyparts", *(n for n in names for _ in range(3))],
            ["coords", *["x", "y", "z"] * 17]]  # fmt: skip
    table(path, [*head, *numbered(points)])


@made(4, "sleap.csv", refused="2D")
def sleaps_2d_analysis(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_DOWN, 300)[..., :2] + [960, 540]
    rows = np.concatenate([points, np.full((*points.shape[:2], 1), 0.9)], axis=2)
    table(path, [["track", "frame_idx", "instance.score", *each(names, "{name}.{axis}", ("x", "y", "score"))],
                 *numbered(rows, lambda t: ["", t, 0.95], count=2)])  # fmt: skip


@made(6, "opensim.sto", layout="markers", fps=100, points=0)
def opensims_storage_of_markers(people, path):
    markers, points = plug_in_gait(people[0], Y_UP, 1)
    head = [["model marker locations from IK"], ["version=1"], [f"nRows={FRAMES}"],
            [f"nColumns={1 + 3 * len(markers)}"], ["inDegrees=no"], ["endheader"],
            ["time", *each(markers, "{name}_{axis}", ("tx", "ty", "tz"))]]  # fmt: skip
    table(path, [*head, *numbered(points, lambda t: [f"{t / 100:.6f}"], count=6)], "\t")


@made(7, "recording_by_frame.json", layout="mediapipe_33", fps=30)
def freemocaps_points_by_name_with_hands(people, path):
    layout = LAYOUTS["mediapipe_33"]
    names = ["nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
             "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
             "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
             "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
             "right_ankle", "left_heel", "right_heel", "left_foot_index", "right_foot_index"]  # fmt: skip
    points = rounded(people[0].points(layout.sites, None, 1000))
    frames = {}
    for t, frame in enumerate(points):
        tracked = {
            f"right_hand_{part}": dict(zip("xyz", [0.0, 0.0, 9.0])) for part in ("wrist", "thumb_cmc", "index_tip")
        }
        tracked |= {f"body_{name}": dict(zip("xyz", p)) for name, p in zip(names, frame)}
        frames[str(t)] = {"timestamps": {"mean": t / 30}, "tracked_points": tracked}
    saved_json(path, {"info": {"schemas": []}, "data_by_frame": frames})


@made(7, "keypoints3d.pkl", layout="coco_17", fps=30)
def aists_keypoints(people, path):
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP, 100)
    path.write_bytes(pickle.dumps({"keypoints3d": points + 3.0, "keypoints3d_optim": points}))


@made(7, "by_person.json", layout="coco_17", fps=30, people=2)
def objects_of_people_with_lists_of_frames(people, path):
    points = [rounded(one.points(LAYOUTS["coco_17"].sites)) for one in people]
    saved_json(path, {f"person_{who}": {"frames": [{"frame": t, "keypoints": p[t]} for t in range(FRAMES)]}
                      for who, p in enumerate(points)})  # fmt: skip


@made(7, "strings.json", layout="coco_17", fps=30)
def numbers_in_quotes(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites)
    saved_json(path, [{"frame": str(t), "joints": {name: {axis: f"{v:.5f}" for axis, v in zip("xyz", p)}
                       for name, p in zip(names, frame)}} for t, frame in enumerate(points)])  # fmt: skip


@made(7, "flat.json", layout="coco_17", fps=30)
def frames_of_flat_numbers(people, path):
    points = people[0].points(LAYOUTS["coco_17"].sites)
    saved_json(path, points.reshape(FRAMES, -1).round(5).tolist())


@made(7, "columns_a_frame.json", layout="coco_17", fps=30)
def lists_of_x_y_and_z_in_each_frame(people, path):
    points = people[0].points(LAYOUTS["coco_17"].sites)
    saved_json(path, [{"frame": t, "keypoints": {axis: p[:, a].round(5).tolist() for a, axis in enumerate("xyz")}}
                      for t, p in enumerate(points)])  # fmt: skip


@made(7, "kinects.json", layout="kinect_25", fps=30, people=2)
def frames_with_capital_keys_and_positions_in_order(people, path):
    points = [one.order("kinect_25", Y_UP) for one in people]
    frames = [{"FrameNumber": t, "Skeletons": [
        {"TrackingId": 100 + who, "JointPositions": [dict(zip("XYZ", row)) for row in rounded(p[t])]}
        for who, p in enumerate(points)]} for t in range(FRAMES)]  # fmt: skip
    saved_json(path, {"Frames": frames})


@made(1, "unknown_rig.csv", refused="a skeleton's joints do")
def a_skeleton_whose_bones_nobody_knows(people, path):
    """Some of its names are markers' (LFoot, LHand), and must not make a marker set of it."""
    left = dict(zip(PARTS, ("LCoxa", "LCrus", "LFoot", "LBallen", "LScap", "LBrachium", "LAntebrachium", "LHand")))
    bones = limbs_named(left, {"Core": "pelvis", "Core2": "spine1", "Head": "head", "Sternum": "spine3"},
                        lambda name: "R" + name[1:])  # fmt: skip
    points = people[0].points(list(bones.values()))
    table(path, [each(list(bones), "{name}_{axis}"), *digits(points)])


@made(5, "hertz.csv", layout="coco_17", fps=120, first=1)
def a_rate_beside_its_name_in_a_preamble(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites, Y_UP, 1000)
    head = [["Subject", "P03"], ["Sampling Rate (Hz)", "120"], ["Units", "mm"], [],
            ["Frame", *each(names, "{name} {axis}", "XYZ")]]  # fmt: skip
    table(path, [*head, *numbered(points, lambda t: [t + 1], count=2)])


@made(5, "ticks.csv", layout="kinect_25", fps=30)
def a_kinects_ticks_of_a_tenth_of_a_microsecond(people, path):
    names = ["SpineBase", "SpineMid", "Neck", "Head", "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft",
             "ShoulderRight", "ElbowRight", "WristRight", "HandRight", "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft",
             "HipRight", "KneeRight", "AnkleRight", "FootRight", "SpineShoulder", "HandTipLeft", "ThumbLeft",
             "HandTipRight", "ThumbRight"]  # fmt: skip
    points = people[0].order("kinect_25", Y_UP)
    state = np.concatenate([points, np.full((FRAMES, 25, 1), 2.0)], axis=2)
    table(
        path,
        [
            ["Time", *each(names, "{name}_{axis}", ("X", "Y", "Z", "State"))],
            *numbered(state, lambda t: [f"00:00:0{t // 30}.{round(t % 30 * 1e7 / 30):07d}"]),
        ],
    )


@made(6, "captury.csv", layout="bones", fps=50, first=1)
def names_with_units_below_and_rotations_between(people, path):
    left = dict(zip(PARTS, ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase", "LeftShoulder", "LeftArm",
                            "LeftForeArm", "LeftHand")))  # fmt: skip
    bones = limbs_named(left, {"Hips": "pelvis", "Neck": "neck", "Head": "head"},
                        lambda name: name.replace("Left", "Right"))  # fmt: skip
    points = people[0].points(list(bones.values()), Y_UP, 1000)
    rows = np.concatenate([points, np.full(points.shape, 12.0)], axis=2)
    head = [["Frame Rate:", "50"], ["", *(cell for bone in bones for cell in (bone, *[""] * 5))],
            ["Frame", *["tx", "ty", "tz", "rx", "ry", "rz"] * len(bones)],
            ["", *["mm", "mm", "mm", "deg", "deg", "deg"] * len(bones)]]  # fmt: skip
    table(path, [*head, *numbered(rows, lambda t: [t + 1], count=3)])


@made(6, "theia_like.tsv", layout="coco_17", fps=60)
def joints_behind_the_axis(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites)
    table(path, [["time", *each(names, "{axis}({name})", "XYZ")],
                 *numbered(points, lambda t: [f"{t / 60:.5f}"])], "\t")  # fmt: skip


@made(6, "three_rows_a_keypoint.csv", layout="coco_17", fps=30)
def a_row_a_keypoint_by_number_and_person(people, path):
    points = digits(people[0].points(LAYOUTS["coco_17"].sites).reshape(-1, 1, 3))
    rows = [[i // 17, i % 17, *row, 0.9] for i, row in enumerate(points)]
    table(path, [["frame_id", "keypoint_id", "x", "y", "z", "score"], *rows])


@made(7, "panda_split.json", layout="coco_17", fps=30)
def a_data_frame_split(people, path):
    names = LAYOUTS["coco_17"].keypoints
    points = people[0].points(LAYOUTS["coco_17"].sites)
    saved_json(path, {"columns": each(names, "{name}_{axis}"), "index": list(range(FRAMES)),
                      "data": points.reshape(FRAMES, -1).round(5).tolist()})  # fmt: skip


@made(7, "names_beside.json", layout="smpl_24", fps=20)
def positions_of_all_frames_beside_joint_names(people, path):
    layout = LAYOUTS["smpl_24"]
    saved_json(path, {"fps": 20, "joint_names": list(layout.keypoints), "parents": [0] * 24,
                      "positions": rounded(people[0].points(layout.sites, Y_UP)),
                      "rotations": [[[0.0, 0.0, 0.0, 1.0]] * 24] * FRAMES})  # fmt: skip


@made(7, "meta.json", layout="coco_17", fps=25)
def frames_under_a_take_with_a_persons_key(people, path):
    points = rounded(people[0].points(LAYOUTS["coco_17"].sites))
    frames = [{"index": t, "persons": {"ann": {"keypoints": p, "bbox": [1, 2, 3, 4]}}} for t, p in enumerate(points)]
    saved_json(path, {"meta": {"frame_rate": 25}, "take": {"frames": frames}})


@made(9, "outputs.json", layout="mhr_70", fps=30, people=2)
def images_with_outputs_by_their_path(people, path):
    content = [{"image_path": f"f/{t:05d}.jpg", "outputs": [
        {key: value.tolist() for key, value in sam(one, t).items() if key != "pred_vertices"} for one in people]}
        for t in range(FRAMES)]  # fmt: skip
    saved_json(path, content)

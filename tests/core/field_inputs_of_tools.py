"""More inputs in the forms that tools write: suits, sensors, laboratories, estimators and scripts, from their public
descriptions. `field_inputs.py` says how each is written and what is right of it.
"""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
from field_inputs import (
    FRAMES,
    LEFT_HANDED,
    MIXAMO,
    PARTS,
    Y_DOWN,
    Y_UP,
    bvh_text,
    digits,
    each,
    limbs_named,
    made,
    numbered,
    plug_in_gait,
    rounded,
    sam,
    saved_json,
    sided,
    table,
)  # fmt: skip

from lsmpl_core.keypoints.layouts import LAYOUTS

COCO, COCO_SITES = LAYOUTS["coco_17"].keypoints, LAYOUTS["coco_17"].sites
HALPE, HALPE_SITES = LAYOUTS["halpe_26"].keypoints, LAYOUTS["halpe_26"].sites


# 1. Bones


@made(1, "maya.csv", layout="bones", fps=None)
def mayas_translate_channels(people, path):
    names, points = list(MIXAMO), people[0].points(list(MIXAMO.values()), Y_UP, 100)
    table(path, [["frame", *each(names, "{name}.translate{axis}", "XYZ")], *numbered(points)])


@made(1, "bones_in_blender.csv", layout="bones", fps=30)
def heads_and_tails_of_a_blender_rig(people, path):
    """A script's: a row a bone, where it begins and where it ends."""
    left = dict(zip(PARTS, ("thigh.L", "shin.L", "foot.L", "toe.L", "shoulder.L", "upper_arm.L", "forearm.L",
                            "hand.L")))  # fmt: skip
    ends = {"hip": "knee", "knee": "ankle", "ankle": "foot", "foot": "toe", "collar": "shoulder",
            "shoulder": "elbow", "elbow": "wrist", "wrist": "hand"}  # fmt: skip
    bones = limbs_named(left, {"spine": "pelvis", "neck": "neck", "head": "head"}, lambda name: name[:-1] + "R")
    tails = [f"{side}_{ends[part]}" for side in ("left", "right") for part in PARTS]
    tails = ["spine1", "head", "head_top", *tails]
    starts, stops = people[0].points(list(bones.values())), people[0].points(tails)
    rows = [[t, bone, *a, *b] for t in range(FRAMES)
            for bone, a, b in zip(bones, digits(starts[t]), digits(stops[t]))]  # fmt: skip
    table(path, [["frame", "bone", *each(["head", "tail"], "{name}_{axis}")], *rows])


@made(1, "touchdesigner.csv", layout="kit_21", fps=None)
def touchdesigners_kinect_channels(people, path):
    """A column a channel: p1/hip_l:tx."""
    left = {"shoulder_l": "left_shoulder", "elbow_l": "left_elbow", "wrist_l": "left_wrist", "hip_l": "left_hip",
            "knee_l": "left_knee", "ankle_l": "left_ankle"}  # fmt: skip
    joints = sided(left, {"hips": "pelvis", "neck": "neck", "head": "head"}, lambda name: name[:-1] + "r")
    points = people[0].points(list(joints.values()), Y_UP)
    table(path, [each(list(joints), "p1/{name}:t{axis}"), *digits(points)], "\t")


@made(1, "vrm_bones.json", layout="bones", fps=60)
def vrms_humanoid_bones(people, path):
    left = dict(zip(PARTS, ("leftUpperLeg", "leftLowerLeg", "leftFoot", "leftToes", "leftShoulder", "leftUpperArm",
                            "leftLowerArm", "leftHand")))  # fmt: skip
    bones = limbs_named(left, {"hips": "pelvis", "spine": "spine1", "neck": "neck", "head": "head"},
                        lambda name: name.replace("left", "right"))  # fmt: skip
    points = people[0].points(list(bones.values()), Y_UP)
    frames = [{"time": t / 60, "bones": {bone: dict(zip("xyz", p)) for bone, p in zip(bones, frame)}}
              for t, frame in enumerate(rounded(points))]  # fmt: skip
    saved_json(path, {"frames": frames})


@made(1, "cgspeed.bvh", layout="bones", fps=120)
def cmus_bvh_with_hip_joints(people, path):
    left = dict(zip(PARTS, ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase", "LeftShoulder", "LeftArm", "LeftForeArm",
                            "LeftHand")))  # fmt: skip
    names = {f"left_{part}": name for part, name in left.items()}
    names |= {key.replace("left", "right"): name.replace("Left", "Right") for key, name in names.items()}
    names |= {"pelvis": "hip", "spine1": "abdomen", "spine2": "chest", "spine3": "Spine1", "neck": "Neck1",
              "left_hand": "LeftFingerBase", "right_hand": "RightFingerBase"}  # fmt: skip
    path.write_text(bvh_text(people[0], names, 17.7, "ZYX", 120))


@made(1, "bandai.bvh", layout="bones", fps=30)
def namcos_bvh_with_sides_behind(people, path):
    left = dict(zip(PARTS, ("UpperLeg_L", "LowerLeg_L", "Foot_L", "Toes_L", "Shoulder_L", "UpperArm_L", "LowerArm_L",
                            "Hand_L")))  # fmt: skip
    names = {f"left_{part}": name for part, name in left.items()}
    names |= {key.replace("left", "right"): name[:-1] + "R" for key, name in names.items()}
    names |= {"pelvis": "Hips", "spine1": "Spine", "spine2": "Chest", "neck": "Neck", "head": "Head"}
    path.write_text(bvh_text(people[0], names, 100, "YXZ", 30))


@made(1, "joint_centres.trc", layout="bones|markers", fps=100, first=1, points=0)
def joint_centres_of_a_gait_laboratory(people, path):
    parts = {"HJC": "hip", "KJC": "knee", "AJC": "ankle", "SJC": "shoulder", "EJC": "elbow", "WJC": "wrist"}
    names = {f"{s[0].upper()}{name}": f"{s}_{part}" for s in ("left", "right") for name, part in parts.items()}
    points = people[0].points(list(names.values()), Y_UP, 1000)
    table(path, trc_rows(list(names), points, 100, "mm"), "\t")


@made(1, "opensim_bodies.sto", refused="centre")
def opensims_centres_of_mass(people, path):
    """BodyKinematics: places of the bodies' centres of mass and their Euler angles, which are no joints."""
    bodies = ("pelvis", "femur_r", "tibia_r", "talus_r", "calcn_r", "femur_l", "tibia_l", "talus_l", "calcn_l",
              "torso", "humerus_r", "ulna_r", "radius_r", "hand_r", "humerus_l", "ulna_l", "radius_l",
              "hand_l", "center_of_mass")  # fmt: skip
    middles = {"pelvis": ("pelvis", "spine1"), "torso": ("spine2", "neck"), "center_of_mass": ("pelvis", "pelvis")}
    for side in ("left", "right"):
        s = side[0]
        middles |= {f"femur_{s}": (f"{side}_hip", f"{side}_knee"), f"tibia_{s}": (f"{side}_knee", f"{side}_ankle"),
                    f"talus_{s}": (f"{side}_ankle",) * 2, f"calcn_{s}": (f"{side}_heel", f"{side}_foot"),
                    f"humerus_{s}": (f"{side}_shoulder", f"{side}_elbow"),
                    f"ulna_{s}": (f"{side}_elbow", f"{side}_wrist"),
                    f"radius_{s}": (f"{side}_elbow", f"{side}_wrist"),
                    f"hand_{s}": (f"{side}_wrist", f"{side}_hand")}  # fmt: skip
    points = np.stack([(people[0][middles[b][0]] + people[0][middles[b][1]]) / 2 for b in bodies], axis=1) @ Y_UP.T
    columns = ["time", *(f"{body}_{axis}" for body in bodies for axis in ("X", "Y", "Z", "Ox", "Oy", "Oz"))]
    rows = [[f"{t / 100:.4f}", *(v for p in digits(points[t]) for v in (*p, "1.5", "-20.3", "11.0"))]
            for t in range(FRAMES)]  # fmt: skip
    head = [["Positions"], ["version=1"], [f"nRows={FRAMES}"], [f"nColumns={len(columns)}"], ["inDegrees=yes"], [],
            ["Units are S.I. units (second, meters, Newtons, ...)"], ["endheader"], columns]  # fmt: skip
    table(path, [*head, *rows], "\t")


# 2. Orders by count


@made(2, "movenet.npy", layout="coco_17", fps=None)
def frames_of_one_person_with_a_leading_axis(people, path):
    np.save(path, people[0].order("coco_17", Y_UP)[None])


@made(2, "motionbert.npy", layout="human36m_17", fps=None, travels=False, said=("unit",), scaled=True)
def motionberts_normalised_camera_space(people, path):
    """X3D.npy: y down, about the pelvis, in half a picture's widths."""
    points = people[0].order("human36m_17", Y_DOWN)
    np.save(path, ((points - points[:, :1]) * 0.63).astype(np.float32))


@made(2, "output_keypoints_3d.npz", layout="human36m_17", fps=None, travels=False)
def a_lifters_reconstruction(people, path):
    points = people[0].order("human36m_17")
    points = points - points[:, :1]
    points[..., 2] -= points[..., 2].min()
    np.savez(path, reconstruction=points)


@made(2, "joints3d_25.json", layout="human36m_17", fps=None)
def imars_25_joints(people, path):
    """Fit3D, HumanSC3D: Human3.6M's 17 and two points of each foot and hand."""
    ends = ["right_big_toe", "right_small_toe", "left_big_toe", "left_small_toe", "left_index_knuckle",
            "left_thumb_tip", "right_index_knuckle", "right_thumb_tip"]  # fmt: skip
    points = np.concatenate([people[0].order("human36m_17"), people[0].points(ends)], axis=1)
    saved_json(path, {"joints3d_25": rounded(points)})


@made(2, "kinect_v1.csv", layout="kinect_20", fps=None)
def kinect_1_without_names(people, path):
    np.savetxt(path, people[0].order("kinect_20", Y_UP).reshape(FRAMES, -1), delimiter=",", fmt="%.5f")


@made(2, "eleven.npy", refused="no layout has 11")
def a_count_that_nobody_has(people, path):
    np.save(path, people[0].order("coco_17")[:, :11])


@made(2, "humanml3d_263.npy", layout="smpl_22", fps=20, tolerance_mm=5)
def text_to_motions_features(people, path):
    np.save(path, humanml_features(people[0].points(LAYOUTS["smpl_22"].sites, Y_UP)))


@made(2, "normalised_263.npy", refused="263")
def text_to_motions_normalised_features(people, path):
    features = humanml_features(people[0].points(LAYOUTS["smpl_22"].sites, Y_UP))
    np.save(path, ((features - features.mean(axis=0)) / (features.std(axis=0) + 1e-3)).astype(np.float32))


def humanml_features(joints: np.ndarray) -> np.ndarray:
    """(T,263) of HumanML3D (`motion_process.py`): the root's turn, velocity and height, joints about the root in its
    heading, rotations (0 here), velocities (0 here), contacts. joints (T,22,3), Y up."""
    joints = np.concatenate([joints, joints[-1:]])
    across = joints[:, 2] - joints[:, 1] + joints[:, 17] - joints[:, 16]  # right hip, left hip, shoulders
    across[:, 1] = 0
    forward = np.cross(np.array([0.0, 1, 0]), across / np.linalg.norm(across, axis=1, keepdims=True))
    heading = np.arctan2(forward[:, 0], forward[:, 2])
    heading = np.unwrap(heading) - heading[0]

    def turned(v, angle):  # about y
        c, s = np.cos(angle), np.sin(angle)
        return np.stack([c * v[..., 0] + s * v[..., 2], v[..., 1], -s * v[..., 0] + c * v[..., 2]], axis=-1)

    start = np.arctan2(forward[0, 0], forward[0, 2])
    joints = turned(joints, -start)
    joints = joints - joints[0, 0] * [1, 0, 1] - [0, joints[..., 1].min(), 0]
    root = joints[:, 0]
    velocity = turned(np.diff(root, axis=0), -heading[1:])
    about = turned(joints - root[:, None] * [1, 0, 1], -heading[:, None])
    turn = np.arcsin(np.clip(np.sin(-np.diff(heading) / 2), -1, 1))
    parts = [turn[:, None], velocity[:, [0, 2]], root[:-1, 1:2], about[:-1, 1:].reshape(len(joints) - 1, 63),
             np.zeros((len(joints) - 1, 126)), np.zeros((len(joints) - 1, 66)),
             np.zeros((len(joints) - 1, 4))]  # fmt: skip
    return np.concatenate(parts, axis=1).astype(np.float32)


# 4. Dimension and sentinels


@made(4, "sports2d.trc", layout="halpe_26", first=0, fps=60, said=("depth",), travels=False, tolerance_mm=1000)
def sports2ds_plane(people, path):
    points = people[0].points(HALPE_SITES, Y_UP)
    points[..., 2] = 0
    table(path, trc_rows(HALPE, points, 60, "m", 0), "\t")


@made(4, "yolo.json", refused="2D")
def yolo_poses_in_pixels_with_confidence(people, path):
    points = people[0].points(COCO_SITES)
    pixels = [[[600 + 200 * p[0], 500 - 200 * p[2], 0.9] for p in frame] for frame in points]
    frames = [{"frame": t, "detections": [{"bbox": [0, 0, 9, 9], "conf": 0.9, "keypoints": pixels[t]}]}
              for t in range(FRAMES)]  # fmt: skip
    saved_json(path, frames)


@made(4, "movenet.json", refused="2D")
def movenets_y_x_score(people, path):
    points = people[0].points(COCO_SITES)
    saved_json(
        path,
        [
            [
                [round(0.5 - p[2] / 4, 4), round(0.5 + p[0] / 4, 4), round(0.6 + 0.3 * np.sin(9 * t + k), 3)]
                for k, p in enumerate(frame)
            ]
            for t, frame in enumerate(points)
        ],
    )


@made(4, "blazepose.json", layout="mediapipe_33", fps=None, travels=False)
def tensorflows_keypoints_in_3d_beside_2d(people, path):
    names = LAYOUTS["mediapipe_33"].keypoints
    points = people[0].order("mediapipe_33", Y_DOWN)
    points = points - points[:, 23:25].mean(axis=1, keepdims=True)
    frames = [[{"score": 0.99,
                "keypoints": [{"x": 300.0, "y": 200.0, "z": -0.1, "score": 0.9, "name": n} for n in names],
                "keypoints3D": [{**dict(zip("xyz", p)), "score": 0.9, "name": n} for p, n in zip(frame, names)]}]
              for frame in rounded(points)]  # fmt: skip
    saved_json(path, frames)


@made(4, "zeros.json", layout="coco_17", missing=(3, 4), fps=None)
def frames_of_zeros_where_nobody_was_seen(people, path):
    points = people[0].points(COCO_SITES, Y_UP)
    points[3:5] = 0
    saved_json(path, {"keypoints_3d": rounded(points)})


@made(4, "minus_one.csv", layout="coco_17", fps=None)
def missing_as_minus_one_with_a_confidence(people, path):
    points = people[0].points(COCO_SITES, Y_UP, 1000)
    points[5:9, 9] = -1
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *numbered(points)])


@made(4, "unity_vr.csv", layout="bones", fps=None, said=("mirrored",))
def unitys_humanoid_bones_left_handed(people, path):
    left = dict(zip(PARTS, ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToes", "LeftShoulder", "LeftUpperArm",
                            "LeftLowerArm", "LeftHand")))  # fmt: skip
    bones = limbs_named(left, {"Hips": "pelvis", "Neck": "neck", "Head": "head"},
                        lambda name: name.replace("Left", "Right"))  # fmt: skip
    points = people[0].points(list(bones.values()), LEFT_HANDED)
    table(path, [["Time", *each(list(bones), "{name}.position.{axis}")],
                 *numbered(points, lambda t: [f"{t * 0.0111:.4f}"])], ";")  # fmt: skip


# 5. Time


@made(5, "left_and_back.csv", layout="coco_17", fps=30, missing=(10, 11, 12, 13, 14))
def somebody_who_leaves_and_comes_back(people, path):
    points = people[0].points(COCO_SITES)
    rows = numbered(points, lambda t: [t, f"{t / 30:.4f}"])
    table(path, [["frame", "time", *each(COCO, "{name}_{axis}")], *rows[:10], *rows[15:]])


@made(5, "doubled_times.csv", layout="coco_17", fps=30, said=("doubled",))
def a_recorder_that_wrote_every_fifth_row_twice(people, path):
    points = people[0].points(COCO_SITES)
    rows = numbered(points, lambda t: [f"{t / 30:.4f}"])
    rows = [row for t, row in enumerate(rows) for row in ([row, row] if t % 5 == 2 else [row])]
    table(path, [["time", *each(COCO, "{name}_{axis}")], *rows])


@made(5, "unix_times.csv", layout="coco_17", fps=25)
def seconds_since_1970(people, path):
    points = people[0].points(COCO_SITES)
    rows = numbered(points, lambda t: [f"{1718000000 + t / 25:.3f}"])
    table(path, [["timestamp", *each(COCO, "{name}_{axis}")], *rows])


@made(5, "iso_times.csv", layout="coco_17", fps=25)
def dates_and_times_of_iso_8601(people, path):
    points = people[0].points(COCO_SITES)
    rows = numbered(points, lambda t: [f"2024-06-10T12:00:{t / 25:06.3f}Z"])
    table(path, [["timestamp", *each(COCO, "{name}_{axis}")], *rows])


@made(5, "timecode.csv", layout="coco_17", fps=24)
def timecodes_of_a_film(people, path):
    points = people[0].points(COCO_SITES)
    rows = numbered(points, lambda t: [f"01:00:{t // 24:02d}:{t % 24:02d}"])
    table(path, [["timecode", *each(COCO, "{name}_{axis}")], *rows], encoding="utf-8")


@made(5, "rates_disagree.trc", layout="coco_17", fps=60, first=1, said=("rate",))
def a_header_whose_rate_is_not_that_of_its_times(people, path):
    rows = trc_rows(COCO, people[0].points(COCO_SITES, Y_UP), 30, "m")
    for t, row in enumerate(rows[5:]):
        row[1] = f"{t / 60:.5f}"
    table(path, rows, "\t")


# 6. Tables


def trc_rows(names, points: np.ndarray, rate: float, unit: str, first: int = 1) -> list[list]:
    """A TRC's rows."""
    head = [["PathFileType", "4", "(X/Y/Z)", "take.trc"],
            ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame",
             "OrigNumFrames"],
            [rate, rate, len(points), len(names), unit, rate, first, len(points)],
            ["Frame#", "Time", *(cell for name in names for cell in (name, "", ""))],
            ["", "", *(f"{axis}{k + 1}" for k in range(len(names)) for axis in "XYZ")]]  # fmt: skip
    return [*head, *numbered(points, lambda t: [t + first, f"{t / rate:.5f}"])]


@made(6, "opencap.trc", layout="halpe_26", fps=60, first=1)
def pose2sims_with_blanks_after_each_row(people, path):
    rows = trc_rows(HALPE, people[0].points(HALPE_SITES, Y_UP), 60, "m")
    rows.insert(5, [])
    table(path, [[*row, ""] for row in rows], "\t")


@made(6, "angles.mot", refused="of joint angles")
def opensims_coordinates(people, path):
    columns = ["time", "pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz",
               "hip_flexion_r", "hip_adduction_r", "hip_rotation_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l",
               "knee_angle_l", "lumbar_extension", "arm_flex_r", "elbow_flex_r"]  # fmt: skip
    head = [["Coordinates"], ["version=1"], [f"nRows={FRAMES}"], [f"nColumns={len(columns)}"], ["inDegrees=yes"],
            ["endheader"], columns]  # fmt: skip
    rows = [[f"{t / 60:.4f}", *(f"{np.sin(t / 9 + i):.5f}" for i in range(len(columns) - 1))] for t in range(FRAMES)]
    table(path, [*head, *rows], "\t")


@made(6, "mvn_joint_angles.csv", refused="of joint angles")
def joint_angles_of_a_suit(people, path):
    joints = ("Left Hip", "Left Knee", "Left Ankle", "Right Hip", "Right Knee", "Right Ankle")
    names = [f"{joint} {what}" for joint in joints
             for what in ("Abduction/Adduction", "Internal/External Rotation", "Flexion/Extension")]  # fmt: skip
    table(path, [["Frame", *names], *[[t, *(f"{np.sin(t / 5 + i):.4f}" for i in range(18))] for t in range(FRAMES)]])


@made(6, "forces.sto", refused="of forces")
def ground_reaction_forces(people, path):
    names = [f"{n}ground_force_{what}{axis}" for n in ("", "1_") for what in ("v", "p") for axis in "xyz"]
    head = [["forces"], ["version=1"], [f"nRows={FRAMES}"], ["nColumns=13"], ["inDegrees=yes"], ["endheader"],
            ["time", *names]]  # fmt: skip
    table(path, [*head, *[[f"{t / 1000:.4f}", *(f"{t * i:.3f}" for i in range(12))] for t in range(FRAMES)]], "\t")


@made(6, "vicon_sections.csv", layout="markers", fps=100, points=0, first=1)
def vicons_joints_segments_devices_and_trajectories(people, path):
    markers, points = plug_in_gait(people[0])
    bones = ["Walker:Pelvis", "Walker:LFemur", "Walker:LTibia", "Walker:RFemur", "Walker:RTibia"]
    places = people[0].points(["pelvis", "left_hip", "left_knee", "right_hip", "right_knee"], None, 1000)
    segments = [["Segments"], ["100"], ["", "", *(cell for bone in bones for cell in (bone, *[""] * 5))],
                ["Frame", "Sub Frame", *["RX", "RY", "RZ", "TX", "TY", "TZ"] * 5],
                ["", "", *["deg", "deg", "deg", "mm", "mm", "mm"] * 5],
                *[[t + 1, 0, *(v for p in digits(places[t], 2) for v in ("1", "2", "3", *p))] for t in range(FRAMES)],
                []]  # fmt: skip
    devices = [["Devices"], ["1000"], ["", "", "Plate - Force", "", ""], ["Frame", "Sub Frame", "Fx", "Fy", "Fz"],
               ["", "", "N", "N", "N"], *[[t // 10 + 1, t % 10, "0.1", "0.2", "700.3"] for t in range(10 * FRAMES)],
               []]  # fmt: skip
    trajectories = [["Trajectories"], ["100"], ["", "", *(c for n in markers for c in (f"Walker:{n}", "", ""))],
                    ["Frame", "Sub Frame", *["X", "Y", "Z"] * len(markers)], ["", "", *["mm"] * 3 * len(markers)],
                    *numbered(points, lambda t: [t + 1, 0], 2)]  # fmt: skip
    table(path, [*segments, *devices, *trajectories])


@made(6, "vicon_segments.csv", layout="bones", fps=120, first=1)
def vicons_segments_alone(people, path):
    left = dict(zip(PARTS, ("LFemur", "LTibia", "LFoot", "LToes", "LClavicle", "LHumerus", "LRadius", "LHand")))
    bones = limbs_named(left, {"Pelvis": "pelvis", "Head": "head"}, lambda name: "R" + name[1:])
    places = people[0].points(list(bones.values()), None, 1000)
    head = [["Segments"], ["120"], ["", "", *(c for bone in bones for c in (f"Walker:{bone}", *[""] * 5))],
            ["Frame", "Sub Frame", *["RX", "RY", "RZ", "TX", "TY", "TZ"] * len(bones)],
            ["", "", *["deg", "deg", "deg", "mm", "mm", "mm"] * len(bones)]]  # fmt: skip
    rows = [[t + 1, 0, *(v for p in digits(places[t], 2) for v in ("10.0", "20.0", "30.0", *p))]
            for t in range(FRAMES)]  # fmt: skip
    table(path, [*head, *rows])


@made(6, "motive_123.csv", layout="bones", fps=240)
def motives_bones_of_1_23(people, path):
    names = ["Hip", "Ab", "Chest", "Neck", "Head"]
    sites = ["pelvis", "spine1", "spine3", "neck", "head"]
    for side in ("Left", "Right"):
        s, low = side[0], side.lower()
        names += [f"{s}Shoulder", f"{s}UArm", f"{s}FArm", f"{s}Hand", f"{s}Thigh", f"{s}Shin", f"{s}Foot", f"{s}Toe"]
        sites += [f"{low}_{part}" for part in
                  ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")]  # fmt: skip
    names = [f"Ann:{name}" for name in names]
    points = people[0].points(sites, Y_UP, 1000)
    columns = [name for name in names for _ in range(7)]
    head = [["Format Version", "1.23", "Take Name", "Take 2024", "Capture Frame Rate", "240.000000",
             "Export Frame Rate", "240.000000", "Capture Start Time", "2024-03-01 12.30.10.250 PM",
             "Total Frames in Take", FRAMES, "Total Exported Frames", FRAMES, "Rotation Type", "Quaternion",
             "Length Units", "Millimeters", "Coordinate Space", "Global"], [],
            ["", "", *["Bone"] * len(columns)], ["", "", *columns],
            ["", "", *[f"F0E5{i // 7:028X}" for i in range(len(columns))]],
            ["", "", *[w for _ in names for w in (*["Rotation"] * 4, *["Position"] * 3)]],
            ["Frame", "Time (Seconds)", *["X", "Y", "Z", "W", "X", "Y", "Z"] * len(names)]]  # fmt: skip
    rows = [[t, f"{t / 240:.6f}", *(v for p in digits(points[t], 3) for v in ("0.1", "0.2", "0.3", "0.9", *p))]
            for t in range(FRAMES)]  # fmt: skip
    table(path, [*head, *rows])


@made(6, "qtm_6d.tsv", refused="of rigid bodies")
def qualisys_6dof_bodies(people, path):
    """Two props with places, angles and matrices: nobody's body."""
    columns = ["X", "Y", "Z", "Roll", "Pitch", "Yaw", "Residual", *(f"Rot[{i}]" for i in range(9))]
    head = [["NO_OF_FRAMES", FRAMES], ["NO_OF_CAMERAS", 12], ["NO_OF_BODIES", 2], ["FREQUENCY", 100],
            ["DATA_INCLUDED", "6D"], ["BODY_NAMES", "Racket", "Ball"],
            ["Racket " + columns[0], *columns[1:], "Ball " + columns[0], *columns[1:]]]  # fmt: skip
    rows = [[f"{np.sin(t / 7 + i):.3f}" for i in range(32)] for t in range(FRAMES)]
    table(path, [*head, *rows], "\t")


@made(6, "notes_below.csv", layout="coco_17", fps=None)
def a_line_of_notes_below_the_numbers(people, path):
    points = people[0].points(COCO_SITES)
    table(path, [each(COCO, "{name} {axis}"), *digits(points), [], ["Exported by Tool 3.1", "no warranty"]])


@made(6, "mean_rows.csv", layout="coco_17", fps=30)
def rows_of_mean_and_deviation_below(people, path):
    points = people[0].points(COCO_SITES)
    rows = numbered(points)
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *rows,
                 ["mean", *digits(points.mean(axis=0, keepdims=True))[0]],
                 ["std", *digits(points.std(axis=0, keepdims=True))[0]]])  # fmt: skip


@made(6, "mediapipe_enum.csv", layout="mediapipe_33", fps=None)
def mediapipes_enumeration_before_each_name(people, path):
    names = [f"PoseLandmark.{name.upper()}" for name in LAYOUTS["mediapipe_33"].keypoints]
    points = people[0].order("mediapipe_33", Y_DOWN)
    table(path, [[*each(names, "{name}_{axis}")], *digits(points)])


@made(6, "units_in_rows.csv", layout="coco_17", fps=100)
def theias_like_rows_of_units(people, path):
    points = people[0].points(COCO_SITES, None, 1000)
    head = [["", *(name for name in COCO for _ in "xyz")], ["Frame", *["x", "y", "z"] * 17], ["#", *["mm"] * 51]]
    table(path, [["rate", "100"], *head, *numbered(points)])


@made(6, "ragged.csv", layout="coco_17", fps=30)
def rows_that_end_where_the_last_keypoints_are_missing(people, path):
    rows = numbered(people[0].points(COCO_SITES))
    rows[7], rows[8] = rows[7][:-3], rows[8][:-6]
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *rows])


@made(6, "utf16.csv", layout="coco_17", fps=30)
def a_spreadsheet_in_utf_16(people, path):
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *numbered(people[0].points(COCO_SITES))], "\t",
          encoding="utf-16")  # fmt: skip


# 7. JSON and other forms


@made(7, "vision.json", layout="human36m_17|smpl_22|bones|coco_17|halpe_26", fps=None)
def apples_vision_in_3d(people, path):
    middle = {"human_root_3D": "pelvis", "human_spine_3D": "spine2", "human_center_shoulder_3D": "neck",
              "human_center_head_3D": "head", "human_top_head_3D": "head_top"}  # fmt: skip
    left = {f"human_left_{part}_3D": f"left_{part}" for part in
            ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")}  # fmt: skip
    joints = sided(left, middle, lambda name: name.replace("left", "right"))
    points = people[0].points(list(joints.values()), Y_UP)
    saved_json(path, [{"frame": t, "joints": dict(zip(joints, frame))} for t, frame in enumerate(rounded(points))])


@made(7, "rtmpose3d.json", layout="whole_body", fps=None, first=1)
def rtmposes_whole_body_in_frames_of_instances(people, path):
    points = people[0].order("coco_wholebody_133", Y_DOWN)
    frames = [{"frame_id": t + 1, "instances": [{"keypoints": frame, "keypoint_scores": [0.9] * 133}]}
              for t, frame in enumerate(rounded(points))]  # fmt: skip
    saved_json(path, frames)


@made(7, "metrabs.json", layout="smpl_24", fps=None, people=2)
def metrabs_poses_of_people(people, path):
    points = [one.points(LAYOUTS["smpl_24"].sites, Y_DOWN, 1000) for one in people]
    frames = [{"boxes": [[0, 0, 9, 9, 0.9]] * 2, "poses3d": [rounded(one[t]) for one in points],
               "poses2d": [rounded(one[t, :, :2]) for one in points]} for t in range(FRAMES)]  # fmt: skip
    saved_json(path, frames)


@made(7, "nobody.json", refused="no keypoints")
def frames_without_anybody(people, path):
    saved_json(path, {"frames": [{"frame": t, "people": []} for t in range(FRAMES)]})


@made(7, "labels.json", refused="no keypoints")
def babels_labels_of_actions(people, path):
    saved_json(path, {"13189": {"babel_sid": 13189, "url": "u", "dur": 6.1, "feat_p": "KIT/3/walk_poses.npz",
                                "seq_ann": {"labels": [{"raw_label": "walk", "act_cat": ["walk"]}]}}})  # fmt: skip


@made(7, "empty_people.json", layout="coco_17", fps=30, missing=(0, 1, 12))
def frames_some_of_which_have_nobody(people, path):
    points = rounded(people[0].points(COCO_SITES, Y_UP))
    frames = [{"frame": t, "people": [] if t in (0, 1, 12) else [{"id": 4, "keypoints3d": points[t]}]}
              for t in range(FRAMES)]  # fmt: skip
    saved_json(path, {"fps": 30, "frames": frames})


@made(7, "nan_words.json", layout="coco_17", fps=None)
def numbers_that_are_nan_in_json(people, path):
    points = people[0].points(COCO_SITES, Y_UP)
    points[4:6, 9] = np.nan
    path.write_text(json.dumps({"keypoints": points.tolist()}))


@made(7, "freemocap_by_frame.json", layout="mediapipe_33|whole_body", fps=None)
def freemocaps_frames_by_name(people, path):
    layout = LAYOUTS["mediapipe_33"]
    points = rounded(people[0].order("mediapipe_33", None, 1000))
    frames = {str(t): {"body": {"keypoints": dict(zip(layout.keypoints, frame))}} for t, frame in enumerate(points)}
    saved_json(path, {"info": {"units": "mm"}, "data_by_frame": frames})


@made(7, "take.skeleton", layout="kinect_25", fps=30, people=2)
def ntus_skeletons_of_two(people, path):
    lines = [str(FRAMES)]
    for t in range(FRAMES):
        lines.append("2")
        for who, one in enumerate(people):
            lines += [f"7205759403793{who} 0 1 1 1 1 0 0.1 0.2 2", "25"]
            points = one.order("kinect_25", Y_UP)[t] + [0, 0, 3]
            lines += [" ".join(f"{v:.6f}" for v in (*p, 100, 200, 300, 400, 0, 0, 0, 1)) + " 2" for p in points]
    path.write_text("\n".join(lines))


@made(7, "theia.c3d", layout="bones", fps=60, first=1)
def theias_matrices_with_a_point_of_none(people, path):
    """No points; 4 x 4 matrices a segment, as Theia3D writes them."""
    left = dict(zip(PARTS, ("l_thigh_4X4", "l_shank_4X4", "l_foot_4X4", "l_toes_4X4", "l_clavicle_4X4", "l_uarm_4X4",
                            "l_larm_4X4", "l_hand_4X4")))  # fmt: skip
    bones = limbs_named(left, {"worldbody_4X4": "origin", "pelvis_4X4": "pelvis", "torso_4X4": "spine1",
                               "head_4X4": "head"}, lambda name: "r" + name[1:])  # fmt: skip
    places = people[0].points(["pelvis" if s == "origin" else s for s in bones.values()], None, 1000)
    places[:, list(bones).index("worldbody_4X4")] = 0
    path.write_bytes(c3d_of_rotations(list(bones), places, 60))


def c3d_of_rotations(names: list[str], places: np.ndarray, rate: float) -> bytes:
    """A C3D without points whose ROTATION group has a 4 x 4 matrix a segment (C3D.org, C-Motion's wiki)."""

    def parameter(group: int, name: str, kind: int, dims: tuple, data: bytes) -> bytes:
        body = struct.pack("bB", kind, len(dims)) + bytes(dims) + data + b"\0"
        return struct.pack("bb", len(name), group) + name.encode() + struct.pack("<h", 2 + len(body)) + body

    def group(number: int, name: str) -> bytes:
        return struct.pack("bb", len(name), -number) + name.encode() + struct.pack("<h", 3) + b"\0"

    width = max(map(len, names))
    labels = "".join(name.ljust(width) for name in names).encode()
    records = group(1, "POINT") + parameter(1, "USED", 2, (), struct.pack("<h", 0))
    records += parameter(1, "UNITS", -1, (2,), b"mm") + parameter(1, "RATE", 4, (), struct.pack("<f", rate))
    records += group(2, "ROTATION") + parameter(2, "USED", 2, (), struct.pack("<h", len(names)))
    records += parameter(2, "RATE", 4, (), struct.pack("<f", rate)) + parameter(2, "RATIO", 2, (), struct.pack("<h", 1))
    records += parameter(2, "LABELS", -1, (width, len(names)), labels)
    blocks = -(-(4 + len(records) + 2) // 512)
    start = 2 + blocks
    records += parameter(2, "DATA_START", 2, (), struct.pack("<h", start))
    blocks = -(-(4 + len(records) + 2) // 512)
    start = 2 + blocks
    section = (bytes([1, 80, blocks, 84]) + records).ljust(512 * blocks, b"\0")
    header = struct.pack("<BBhhhhhfhhf", 2, 80, 0, 0, 1, len(places), 0, -1.0, start, 0, rate)
    matrices = np.zeros((*places.shape[:2], 17), "<f4")
    matrices[..., [0, 5, 10, 15]] = 1
    matrices[..., 12:15] = places
    return header.ljust(512, b"\0") + section + matrices.tobytes()


@made(7, "take.trc.json", layout="markers", fps=100, points=0, first=0)
def markers_by_name_in_json(people, path):
    markers, points = plug_in_gait(people[0])
    frames = [{"frame": t, "markers": dict(zip(markers, frame))} for t, frame in enumerate(rounded(points))]
    saved_json(path, {"frequency": 100, "units": "mm", "frames": frames})


@made(7, "nested.npz", layout="coco_17", fps=25)
def an_archive_with_a_rate_and_scores(people, path):
    np.savez(path, keypoints_3d=people[0].points(COCO_SITES, Y_UP), scores=np.full((FRAMES, 17), 0.9), fps=25.0,
             bboxes=np.zeros((FRAMES, 4)))  # fmt: skip


@made(7, "per_person", layout="coco_17", fps=None, people=2)
def a_folder_of_frames_with_lists_of_people(people, path):
    path.mkdir()
    points = [rounded(one.points(COCO_SITES, Y_UP)) for one in people]
    for t in range(FRAMES):
        content = [{"id": who, "keypoints3d": [[*p, 1.0] for p in one[t]]} for who, one in enumerate(points)]
        (path / f"{t:06d}.json").write_text(json.dumps(content))


@made(7, "results.pkl", layout="smpl_24|smpl_22|smpl_45", fps=None)
def a_pickle_of_joints_alone(people, path):
    points = people[0].points(LAYOUTS["smpl_24"].sites).astype(np.float32)
    path.write_bytes(pickle.dumps({"joints3d": points, "frame_ids": np.arange(FRAMES)}))


# 9. SAM 3D Body


@made(9, "sam_list.json", layout="mhr_70", fps=None, tolerance_mm=25)
def a_list_of_images_without_anybody_in_some(people, path):
    def plain(one: dict) -> dict:
        return {key: np.asarray(value).tolist() for key, value in one.items()}

    saved_json(path, [{"image": f"{t:05d}.jpg", "people": [plain(sam(people[0], t))]} for t in range(FRAMES)])

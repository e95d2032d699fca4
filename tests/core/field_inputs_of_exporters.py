"""Inputs in the forms of further exporters and of scripts: several spaces side by side, axes in another order, cells of
three numbers. `field_inputs.py` says how each is written and what is right of it.
"""

from __future__ import annotations

import numpy as np
from field_inputs import (
    FRAMES,
    LEFT_HANDED,
    MIXAMO,
    PARTS,
    UNREAL,
    Y_DOWN,
    Y_UP,
    bvh_text,
    digits,
    each,
    limbs_named,
    made,
    numbered,
    rounded,
    saved_json,
    table,
)

from lsmpl_core.keypoints.layouts import LAYOUTS

COCO, COCO_SITES = LAYOUTS["coco_17"].keypoints, LAYOUTS["coco_17"].sites
BODY_33, BODY_33_SITES = LAYOUTS["mediapipe_33"].keypoints, LAYOUTS["mediapipe_33"].sites
TURN = ("0.1", "0.2", "0.3", "0.9274")


# 1. Bones


@made(1, "qtm_s_animation.tsv", layout="bones", fps=100, first=1)
def qualisys_skeletons_with_a_name_before_its_axes(people, path):
    points = people[0].points(list(MIXAMO.values()), None, 1000)
    head = [["NO_OF_FRAMES", FRAMES], ["FREQUENCY", 100], ["REFERENCE", "GLOBAL"], ["SOLVER", "Animation"]]
    names = [cell for name in MIXAMO for cell in (f"S1_{name}", "X", "Y", "Z", "QX", "QY", "QZ", "QW")]
    rows = [
        [t + 1, f"{t / 100:.5f}", *(cell for p in points[t] for cell in ("", *np.round(p, 3), *TURN))]
        for t in range(FRAMES)
    ]
    table(path, [*head, ["Frame", "Time", *names], *rows], "\t")


@made(1, "qtm_segments.tsv", layout="bones", fps=100)
def segments_whose_names_stand_with_their_first_axis(people, path):
    points = people[0].points(list(MIXAMO.values()), None, 1000)
    names = [cell for name in MIXAMO for cell in (f"{name} X", "Y", "Z", "QX", "QY", "QZ", "QW")]
    rows = [[cell for p in frame for cell in (*np.round(p, 3), *TURN)] for frame in points]
    table(path, [["FREQUENCY", 100], names, *rows], "\t")


@made(1, "skeletons.json", layout="bones", fps=100)
def qualisys_segments_in_parts_with_quaternions(people, path):
    points = np.round(people[0].points(list(MIXAMO.values()), None, 1000), 3)
    span = {"Start": 0, "End": FRAMES - 1}
    ways = [[[*map(float, p), 0.0, 0.0, 0.0, 1.0] for p in points[:, k]] for k in range(len(MIXAMO))]
    segments = [{"Name": name, "Parts": [{"Range": span, "Values": way}]} for name, way in zip(MIXAMO, ways)]
    saved_json(
        path, {"Timebase": {"Range": span, "Frequency": 100}, "Skeletons": [{"Name": "A", "Segments": segments}]}
    )


@made(1, "take.calc.txt", layout="bones", fps=None)
def axis_neurons_places_velocities_and_turns(people, path):
    bones = {name: site for name, site in MIXAMO.items() if "Toe" not in name and "Spine" not in name}
    points = people[0].points(list(bones.values()), Y_UP)
    kinds = (("X", "xyz"), ("V", "xyz"), ("Q", "sxyz"), ("A", "xyz"), ("W", "xyz"))
    labels = [
        f"{i:02d}-{name}-{kind}-{axis}" for i, name in enumerate(bones, 1) for kind, axes in kinds for axis in axes
    ]
    others = np.random.default_rng(0).normal(size=(FRAMES, len(bones), 13))
    table(path, [labels, *digits(np.concatenate([points, others], axis=2))], "\t")


@made(1, "local.csv", refused="relative to their parents")
def places_of_bones_within_their_parents(people, path):
    """Motive's local space, and the localPosition of Unity's scripts."""
    points = np.repeat(people[0].points(list(MIXAMO.values()), Y_UP)[:1], FRAMES, axis=0)
    points[:, 1:] -= points[:, :1]
    points[:, 0] = people[0]["pelvis"] @ Y_UP.T
    table(path, [["frame", *each(list(MIXAMO), "{name}_{axis}")], *numbered(points)])


@made(1, "openxr.csv", layout="bones", fps=72)
def openxrs_body_joints(people, path):
    left = dict(zip(PARTS, ("LeftUpperLeg", "LeftLowerLeg", "LeftFootAnkle", "LeftFootBall", "LeftShoulder",
                            "LeftArmUpper", "LeftArmLower", "LeftHandWrist")))  # fmt: skip
    bones = limbs_named(left, {"Hips": "pelvis", "Neck": "neck", "Head": "head"},
                        lambda name: name.replace("Left", "Right"))  # fmt: skip
    points = people[0].points(list(bones.values()), Y_UP)
    labels = ["time", *each(list(bones), "FullBody_{name}_{axis}")]
    table(path, [labels, *numbered(points, lambda t: [f"{t / 72:.5f}"])])


@made(1, "mvn.bvh", layout="bones", fps=60)
def xsens_bvh_of_joints_with_wrists_and_hands(people, path):
    left = dict(zip(PARTS, ("LeftHip", "LeftKnee", "LeftAnkle", "LeftToe", "LeftCollar", "LeftShoulder", "LeftElbow",
                            "LeftWrist")))  # fmt: skip
    names = {f"left_{part}": name for part, name in left.items()}
    names |= {joint.replace("left", "right"): name.replace("Left", "Right") for joint, name in names.items()}
    names |= {
        "pelvis": "Hips",
        "spine1": "Chest",
        "spine2": "Chest2",
        "spine3": "Chest4",
        "neck": "Neck",
        "head": "Head",
    }
    path.write_text(bvh_text(people[0], names, 100, "YXZ", 60))


# 2. Axes of arrays, by count


@made(2, "ntu_sample.npy", layout="kinect_25", fps=None)
def a_graph_networks_padded_sample(people, path):
    """ST-GCN's (N,3,T,V,M): one person of two, zeros to the end."""
    sample = np.zeros((1, 3, 100, 25, 2), np.float32)
    sample[0, :, :FRAMES, :, 0] = people[0].order("kinect_25", Y_UP).transpose(2, 0, 1)
    np.save(path, sample)


@made(2, "axes_second.npy", layout="coco_17", fps=None)
def x_y_and_z_along_the_second_axis(people, path):
    np.save(path, people[0].points(COCO_SITES).transpose(0, 2, 1))


@made(2, "keypoints_first.npy", layout="coco_17", fps=None)
def keypoints_before_frames(people, path):
    np.save(path, people[0].points(COCO_SITES).transpose(1, 0, 2))


@made(2, "windows.npy", layout="human36m_17", fps=None)
def windows_of_a_lifter_one_after_the_other(people, path):
    np.save(path, people[0].order("human36m_17", Y_DOWN).reshape(6, 5, 17, 3))


@made(2, "transforms.npy", layout="smpl_24", fps=None)
def places_with_quaternions_beside_them(people, path):
    points = people[0].points(LAYOUTS["smpl_24"].sites)
    np.save(path, np.concatenate([points, np.tile([1.0, 0, 0, 0], (*points.shape[:2], 1))], axis=2))


@made(2, "data_3d_h36m.npz", layout="human36m_32", fps=None)
def videopose3ds_data_set_of_one_subject(people, path):
    positions = people[0].order("human36m_32").astype(np.float32)
    np.savez(path, positions_3d=np.array({"S1": {"Walking": positions}}, dtype=object))


# 4. What stands for missing


@made(4, "excel_errors.csv", layout="coco_17", fps=None, missing=(4,))
def errors_of_a_spreadsheet(people, path):
    rows = numbered(people[0].points(COCO_SITES))
    rows[4][1:] = ["#N/A"] * (len(rows[4]) - 1)
    for t, word in enumerate(("-1.#IND00", "Not tracked", "(null)", "--")):
        rows[7 + t][28:31] = [word] * 3
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *rows])


# 5. Time


@made(5, "frame_and_time.txt", layout="coco_17", fps=100, first=40)
def numbers_alone_with_frame_and_time_before_them(people, path):
    points = people[0].points(COCO_SITES).reshape(FRAMES, -1)
    t = np.arange(FRAMES)[:, None]
    np.savetxt(path, np.concatenate([t + 40, t / 100, points], axis=1), fmt="%.5f")


# 6. Tables


@made(6, "two_spaces.csv", layout="coco_17", fps=None, said=("space",))
def a_cameras_space_and_the_worlds_side_by_side(people, path):
    world = people[0].points(COCO_SITES)
    both = np.stack([world @ Y_DOWN.T * 0.7 + [0, 0, 3], world], axis=2)
    labels = [f"{name}_{space}_{axis}" for name in COCO for space in ("cam", "world") for axis in "xyz"]
    table(path, [["frame", *labels], *numbered(both)])


@made(6, "filtered.csv", layout="coco_17", fps=None, said=("space",))
def raw_and_filtered_behind_the_axis(people, path):
    points = people[0].points(COCO_SITES)
    both = np.stack([points + np.random.default_rng(0).normal(size=points.shape) / 5, points], axis=2)
    labels = [f"{name}_{axis}_{kind}" for name in COCO for kind in ("raw", "filtered") for axis in "xyz"]
    table(path, [["frame", *labels], *numbered(both)])


@made(6, "image_and_world.csv", layout="mediapipe_33", fps=None, travels=False, said=("space",))
def landmarks_of_the_image_and_of_the_world(people, path):
    world = people[0].points(BODY_33_SITES, Y_DOWN)
    world = world - world[:, 23:25].mean(axis=1, keepdims=True)
    both = np.concatenate([world * [0.2, 0.35, 0.2] + [0.5, 0.5, 0], world], axis=1)
    labels = [*each(BODY_33, "{name}_{axis}"), *each(BODY_33, "{name}_world_{axis}")]
    table(path, [["frame", *labels], *numbered(both)])


@made(6, "unreal_cells.csv", layout="bones", fps=None, said=("mirrored",))
def unreals_vectors_in_cells(people, path):
    points = people[0].points(list(MIXAMO.values()), UNREAL, 100)
    rows = [[t, *("X={:.3f} Y={:.3f} Z={:.3f}".format(*p) for p in frame)] for t, frame in enumerate(points)]
    table(path, [["Frame", *MIXAMO], *rows])


@made(6, "blender_cells.csv", layout="bones", fps=None)
def blenders_vectors_in_cells(people, path):
    points = people[0].points(list(MIXAMO.values()))
    rows = [[t, *("<Vector ({:.4f}, {:.4f}, {:.4f})>".format(*p) for p in frame)] for t, frame in enumerate(points)]
    table(path, [["Frame", *MIXAMO], *rows])


@made(6, "unity_cells.csv", layout="bones", fps=60, said=("mirrored",))
def unitys_vectors_in_cells(people, path):
    points = people[0].points(list(MIXAMO.values()), LEFT_HANDED)
    rows = [
        [f"{t / 60:.4f}", *("({:.4f}, {:.4f}, {:.4f})".format(*p) for p in frame)] for t, frame in enumerate(points)
    ]
    table(path, [["Time", *MIXAMO], *rows])


@made(6, "on_its_side.csv", layout="coco_17", fps=None)
def a_column_a_frame(people, path):
    rows = people[0].points(COCO_SITES).reshape(FRAMES, -1).T
    table(path, [["", *range(FRAMES)], *([name, *row] for name, row in zip(each(COCO, "{name}_{axis}"), rows))])


@made(6, "thousands.csv", layout="coco_17", fps=None)
def marks_of_thousands(people, path):
    points = people[0].points(COCO_SITES, None, 1000) + [2500, 3500, 0]
    rows = [[t, *(f"{v:,.2f}" for v in frame.ravel())] for t, frame in enumerate(points)]
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *rows])


# 7. JSON


@made(7, "matrices.json", layout="bones", fps=None)
def bones_as_matrices(people, path):
    def matrix(place):
        return [[1, 0, 0, place[0]], [0, 1, 0, place[1]], [0, 0, 1, place[2]], [0, 0, 0, 1]]

    points = rounded(people[0].points(list(MIXAMO.values()), Y_UP))
    saved_json(path, [{bone: matrix(p) for bone, p in zip(MIXAMO, frame)} for frame in points])


@made(7, "body_anchor.json", layout="bones", fps=60)
def arkits_transforms_column_by_column(people, path):
    left = dict(zip(PARTS, ("left_upLeg_joint", "left_leg_joint", "left_foot_joint", "left_toes_joint",
                            "left_shoulder_1_joint", "left_arm_joint", "left_forearm_joint",
                            "left_hand_joint")))  # fmt: skip
    bones = limbs_named(left, {"hips_joint": "pelvis", "neck_1_joint": "neck", "head_joint": "head"},
                        lambda name: name.replace("left", "right"))  # fmt: skip
    points = rounded(people[0].points(list(bones.values()), Y_UP))
    frames = [{"timestamp": t / 60, "joints": {bone: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, *p, 1]
                                               for bone, p in zip(bones, frame)}}
              for t, frame in enumerate(points)]  # fmt: skip
    saved_json(path, {"frames": frames})


@made(7, "sequences.json", layout="coco_17", fps=None, said=("points",))
def several_sequences_of_which_one_is_read(people, path):
    saved_json(path, {name: rounded(one.points(COCO_SITES)) for name, one in zip(("jump", "turn"), people)})


# Once more names and rows, as they were found to come out wrong


@made(1, "two_habits.csv", layout="bones", fps=None)
def legs_called_by_bones_and_arms_by_joints(people, path):
    left = dict(zip(PARTS, ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToe", "LeftCollar", "LeftShoulder", "LeftElbow",
                            "LeftWrist")))  # fmt: skip
    two_habits(people, path, left)


@made(1, "two_habits_2.csv", layout="bones", fps=None)
def legs_called_by_joints_and_arms_by_bones(people, path):
    left = dict(zip(PARTS, ("LeftHip", "LeftKnee", "LeftAnkle", "LeftToe", "LeftShoulder", "LeftArm", "LeftForeArm",
                            "LeftHand")))  # fmt: skip
    two_habits(people, path, left)


def two_habits(people, path, left: dict[str, str]) -> None:
    bones = limbs_named(left, {"Hips": "pelvis", "Neck": "neck", "Head": "head"},
                        lambda name: name.replace("Left", "Right"))  # fmt: skip
    points = people[0].points(list(bones.values()), Y_UP, 100)
    table(path, [["frame", *each(list(bones), "{name}_{axis}")], *numbered(points)])


@made(1, "unknown_rig.csv", refused="names of its bones are not known")
def a_skeleton_whose_middle_bones_are_left_out(people, path):
    """Two rigid parts, for what is between them is not exported; some names are markers' as well."""
    left = dict(zip(PARTS, ("LeftLeg", "LeftJoint", "LeftFoot", "LeftToe", "LeftShoulder", "LeftArm", "LeftForearm",
                            "LeftHand")))  # fmt: skip
    two_habits(people, path, left)


@made(5, "shuffled.csv", layout="coco_17", fps=None, said=("rows",))
def rows_out_of_order(people, path):
    rows = numbered(people[0].points(COCO_SITES))
    np.random.default_rng(1).shuffle(rows)
    table(path, [["frame", *each(COCO, "{name}_{axis}")], *rows])


@made(5, "images.csv", layout="coco_17", fps=None, first=7, missing=(12, 13))
def images_names_with_some_left_out(people, path):
    rows = numbered(people[0].points(COCO_SITES), lambda t: [f"cam1/frame_{t + 7:05d}.png"])
    table(path, [["filename", *each(COCO, "{name}_{axis}")], *rows[:12], *rows[14:]])


@made(5, "milliseconds.csv", layout="coco_17", fps=50)
def whole_milliseconds_under_a_label_of_their_own(people, path):
    rows = numbered(people[0].points(COCO_SITES), lambda t: [20 * t])
    table(path, [["elapsed_time_ms", *each(COCO, "{name}_{axis}")], *rows])


@made(6, "no_labels.csv", layout="coco_17", fps=None)
def a_row_a_keypoint_without_labels(people, path):
    points = people[0].points(COCO_SITES)
    table(path, [[t, name, *row] for t in range(FRAMES) for name, row in zip(COCO, digits(points[t]))])


@made(6, "tuples.csv", layout="coco_17", fps=None)
def labels_that_are_tuples(people, path):
    points = people[0].points(COCO_SITES)
    table(path, [["frame", *(str((name, axis)) for name in COCO for axis in "xyz")], *numbered(points)])


@made(6, "stacked.csv", refused="where a frame ends")
def points_below_each_other_without_frames(people, path):
    np.savetxt(path, people[0].points(COCO_SITES).reshape(-1, 3), delimiter=",", fmt="%.4f")

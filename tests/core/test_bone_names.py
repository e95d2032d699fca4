"""Names of skeletons' bones are joints, whatever tool writes them; markers that are called alike are none."""

import numpy as np
import pytest
from field_inputs import Take
from stick_figure import walking

from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import Layout
from lsmpl_core.readers import matching
from lsmpl_core.readers.bones import as_bones, joint_of
from lsmpl_core.readers.raw import RawTrack
from lsmpl_core.rotation import exp_map

JOINTS = (
    "pelvis", "left_hip", "left_knee", "left_ankle", "left_foot", "right_hip", "right_knee", "right_ankle",
    "right_foot", "neck", "head", "left_collar", "left_shoulder", "left_elbow", "left_wrist", "right_collar",
    "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
SKELETONS = {
    "LAFAN1, MotionBuilder": "Hips LeftUpLeg LeftLeg LeftFoot LeftToe RightUpLeg RightLeg RightFoot RightToe Neck Head "
    "LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand",
    "Mixamo": "mixamorig:Hips mixamorig:LeftUpLeg mixamorig:LeftLeg mixamorig:LeftFoot mixamorig:LeftToeBase "
    "mixamorig:RightUpLeg mixamorig:RightLeg mixamorig:RightFoot mixamorig:RightToeBase mixamorig:Neck mixamorig:Head "
    "mixamorig:LeftShoulder mixamorig:LeftArm mixamorig:LeftForeArm mixamorig:LeftHand mixamorig:RightShoulder "
    "mixamorig:RightArm mixamorig:RightForeArm mixamorig:RightHand",
    "Motive": "Hip LThigh LShin LFoot LToe RThigh RShin RFoot RToe Neck Head LShoulder LUArm LFArm LHand RShoulder "
    "RUArm RFArm RHand",
    "Rokoko": "Hips LeftThigh LeftShin LeftFoot LeftToe RightThigh RightShin RightFoot RightToe Neck Head LeftShoulder "
    "LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand",
    "Xsens": "Pelvis;Left Upper Leg;Left Lower Leg;Left Foot;Left Toe;Right Upper Leg;Right Lower Leg;Right Foot;"
    "Right Toe;Neck;Head;Left Shoulder;Left Upper Arm;Left Forearm;Left Hand;Right Shoulder;Right Upper Arm;"
    "Right Forearm;Right Hand",
    "Unreal": "pelvis thigh_l calf_l foot_l ball_l thigh_r calf_r foot_r ball_r neck_01 head clavicle_l upperarm_l "
    "lowerarm_l hand_l clavicle_r upperarm_r lowerarm_r hand_r",
    "Biped": "Bip01 Pelvis;Bip01 L Thigh;Bip01 L Calf;Bip01 L Foot;Bip01 L Toe0;Bip01 R Thigh;Bip01 R Calf;"
    "Bip01 R Foot;Bip01 R Toe0;Bip01 Neck;Bip01 Head;Bip01 L Clavicle;Bip01 L UpperArm;Bip01 L Forearm;Bip01 L Hand;"
    "Bip01 R Clavicle;Bip01 R UpperArm;Bip01 R Forearm;Bip01 R Hand",
    "VRM": "hips leftUpperLeg leftLowerLeg leftFoot leftToes rightUpperLeg rightLowerLeg rightFoot rightToes neck head "
    "leftShoulder leftUpperArm leftLowerArm leftHand rightShoulder rightUpperArm rightLowerArm rightHand",
}


def named(text: str) -> list[str]:
    return text.split(";") if ";" in text else text.split()


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_every_tools_bones_are_joints(skeleton):
    names = named(SKELETONS[skeleton])
    layout, columns = as_bones(names, walking(Layout("all", JOINTS)))
    assert [JOINTS[column] for column in columns] == list(layout.keypoints)
    assert len(layout) == len(JOINTS)


def test_theia_and_opensim_bodies_are_joints():
    expected = {"l_thigh": "left_hip", "l_shank": "left_knee", "r_uarm": "right_shoulder", "r_larm": "right_elbow"}
    expected |= {"femur_r": "right_hip", "tibia_l": "left_knee", "talus_r": "right_ankle", "ulna_r": "right_elbow"}
    assert {name: joint_of(name)[0] for name in expected} == expected


def test_spine_bones_and_props_are_set_aside_and_told():
    joints = (*JOINTS, "spine1", "nose")
    names = [*named(SKELETONS["Mixamo"]), "mixamorig:Spine", "mixamorig:Sword"]
    match = matching.match_bones(RawTrack(walking(Layout("all", joints)), names), "walk.csv")
    assert "set aside: 2 (Spine, Sword)" in match.decision.reason and match.decision.basis == "file"


def test_markers_that_are_called_as_bones_are_no_joints():
    """Markers in the middle of segments, among those that only marker sets have."""
    joints = tuple(joint for joint in JOINTS if not joint.endswith(("pelvis", "neck", "head")))
    names = [name for name, joint in zip(named(SKELETONS["Motive"]), JOINTS) if joint in joints]
    markers = [f"{side}{part}" for side in "LR" for part in ("ASI", "PSI", "KNE")]
    sites = (*joints, "pelvis", "mid_hip", "spine1", "spine2", "left_heel", "right_heel")
    assert as_bones([*names, *markers], walking(Layout("all", sites))) is None
    assert as_bones([*names, *markers[:3]], walking(Layout("all", sites[:-3]))) is not None


def test_detectors_names_are_not_taken_for_bones():
    parts = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    names = [f"{side}_{part}" for side in ("left", "right") for part in parts]
    assert as_bones(names, walking(Layout("all", tuple(names)))) is None


def test_skeletons_of_bvh_may_call_joints_by_their_own_names():
    """`RightShoulder` is the joint where `RightCollar` is a bone; a detector's keypoints stay what they are."""
    called = {"collar": "Collar", "shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist", "hip": "Hip",
              "knee": "Knee", "ankle": "Ankle", "foot": "Toe"}  # fmt: skip
    names = [
        side.title() + called[part] if part else {"pelvis": "Hips"}.get(joint, joint.title())
        for joint in JOINTS
        for side, _, part in [joint.partition("_")]
    ]
    names += ["Chest", "Chest2"]
    positions = walking(Layout("all", (*JOINTS, "spine1", "spine2")))
    skeleton = matching.match_layout(RawTrack(positions, names, skeleton=True), None, None, "take")
    assert skeleton.layout.name == "bones"
    assert [JOINTS[column] for column in skeleton.columns] == list(skeleton.layout.keypoints)
    assert matching.match_layout(RawTrack(positions, names), None, None, "take").layout.name != "bones"


def test_a_skeletons_toes_and_face_do_not_make_it_a_marker_set():
    """As MakeHuman's: `toe2-1.l` and `toe2-2.l` are of one foot, and `jaw` and `chest` are markers, too."""
    called = {"wrist": "hand", "ankle": "foot"}
    joints = [joint for joint in JOINTS if not joint.endswith("_foot")]
    names = [
        {"pelvis": "hip"}.get(j, j[0] + called.get(j.split("_")[1], j.split("_")[1]) if "_" in j else j) for j in joints
    ]
    others = [f"toe{toe}-{part}.{side}" for side in "lr" for toe in range(1, 6) for part in (1, 2)]
    others += ["chest", "jaw", "eye.l", "eye.r"]
    sites = (*joints, *(f"{'left' if n[-1] == 'l' else 'right'}_big_toe" for n in others[:20]), "spine2", *["nose"] * 3)
    layout = Layout("all", tuple(f"{i}" for i in range(len(sites))), sites=sites)
    match = matching.match_layout(RawTrack(walking(layout), [*names, *others], skeleton=True), None, None, "take")
    assert match.layout.name == "bones"
    assert {"left_shoulder", "left_elbow", "right_knee", "left_ankle"} <= set(match.layout.keypoints)


@pytest.mark.parametrize("clip", ["07_01", "127_31", "135_03", "01_01"])
def test_rotations_under_bones_names_are_no_places(body, clip):
    matrices = exp_map(Take(body, clip, slice(10, 60)).motion.poses[:, [JOINT_NAMES.index(joint) for joint in JOINTS]])
    angles = np.degrees([
        np.arctan2(matrices[..., 1, 0], matrices[..., 1, 1]),
        np.arcsin(np.clip(-matrices[..., 1, 2], -1.0, 1.0)),
        np.arctan2(matrices[..., 0, 2], matrices[..., 2, 2]),
    ])  # fmt: skip
    raw = RawTrack(np.moveaxis(angles, 0, -1), named(SKELETONS["Mixamo"]))
    with pytest.raises(LayoutError, match="rotations"):
        matching.match_layout(raw, None, None, "walk_rot.csv")

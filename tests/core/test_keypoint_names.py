"""Names as tools write them find the layouts' keypoints."""

import pytest

from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers.keypoint_names import canonical_names, is_generic, match_names, split_subject, subjects
from lsmpl_core.readers.matching import match_by_name

OPENPOSE = """
    Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee LAnkle REye LEye
    REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel
"""
VIDEO_LIFTING = """
    Hip RHip RKnee RFoot LHip LKnee LFoot Spine Thorax Neck/Nose Head LShoulder LElbow LWrist RShoulder RElbow
    RWrist
"""
SMPL = """
    Pelvis L_Hip R_Hip Spine1 L_Knee R_Knee Spine2 L_Ankle R_Ankle Spine3 L_Foot R_Foot Neck L_Collar R_Collar Head
    L_Shoulder R_Shoulder L_Elbow R_Elbow L_Wrist R_Wrist L_Hand R_Hand
"""
MEDIAPIPE = """
    NOSE LEFT_EYE_INNER LEFT_EYE LEFT_EYE_OUTER RIGHT_EYE_INNER RIGHT_EYE RIGHT_EYE_OUTER LEFT_EAR RIGHT_EAR
    MOUTH_LEFT MOUTH_RIGHT LEFT_SHOULDER RIGHT_SHOULDER LEFT_ELBOW RIGHT_ELBOW LEFT_WRIST RIGHT_WRIST LEFT_PINKY
    RIGHT_PINKY LEFT_INDEX RIGHT_INDEX LEFT_THUMB RIGHT_THUMB LEFT_HIP RIGHT_HIP LEFT_KNEE RIGHT_KNEE LEFT_ANKLE
    RIGHT_ANKLE LEFT_HEEL RIGHT_HEEL LEFT_FOOT_INDEX RIGHT_FOOT_INDEX
"""


@pytest.mark.parametrize(
    "spelling",
    ["left_hip", "LeftHip", "leftHip", "LHip", "L_Hip", "lHip", "L.Hip", "Hip.L", "hip_l", "HipLeft", "LEFT HIP",
     "left-hip", "lhip", "LHIP", "lefthip", "Subject:LHip", "A:B:L_HIP", "body_left_hip", "left_hip_joint"],
)  # fmt: skip
def test_knows_the_usual_spellings(spelling):
    assert "left_hip" in canonical_names(spelling)


@pytest.mark.parametrize(
    ("spelling", "meaning"),
    [("Hips", "mid_hip"), ("CHip", "mid_hip"), ("pelvis", "pelvis"), ("MidHip", "mid_hip"), ("Head", "head_top"),
     ("left_hand_index_finger_mcp", "left_index_knuckle"), ("right_pinky_finger1", "right_little_knuckle"),
     ("LThumb2", "left_thumb_knuckle"), ("mouth_left", "mouth_left"), ("earL", "left_ear"), ("R_Toe", "right_big_toe")],
)  # fmt: skip
def test_knows_what_parts_are_called(spelling, meaning):
    assert meaning in canonical_names(spelling)


@pytest.mark.parametrize("name", ["LSHO", "RKNE", "LASI", "C7", "L_elbow_lat", "r_shank_antsup", "LFWT", "", "::", "ß"])
def test_markers_are_no_joints(name):
    known = {k for layout in LAYOUTS.values() for k in layout.keypoints}
    assert known.isdisjoint(canonical_names(name))


@pytest.mark.parametrize(
    ("layout", "names"),
    [("body_25", OPENPOSE), ("human36m_17", VIDEO_LIFTING), ("smpl_24", SMPL),
     ("smpl_22", SMPL[: SMPL.index("L_Hand")]),
     ("mediapipe_33", MEDIAPIPE)],
)  # fmt: skip
def test_matches_each_tools_names_in_full_and_in_order(layout, names):
    match = match_by_name(names.split(), "take")
    assert match.layout is LAYOUTS[layout]
    assert match.columns == tuple(range(len(names.split())))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_a_layouts_own_names_match_it_in_any_order(layout):
    match = match_by_name(layout.keypoints[::-1], "take")
    assert set(match.layout.keypoints) == set(layout.keypoints)  # some are one set in several orders
    assert [layout.keypoints[::-1][column] for column in match.columns] == list(match.layout.keypoints)


def test_of_neck_and_thorax_each_finds_its_own():
    columns = match_names(["Thorax", "Neck"], LAYOUTS["human36m_17"])
    assert columns[LAYOUTS["human36m_17"].index("thorax")] == 0
    assert match_names(["Neck"], LAYOUTS["human36m_17"])[LAYOUTS["human36m_17"].index("thorax")] == 0


def test_states_what_is_missing_and_what_is_set_aside():
    names = [*OPENPOSE.split()[:-1], "Sword", "Hat"]
    reason = match_by_name(names, "take").decision.reason
    assert "24 of its" in reason and "Sword" in reason and "not in the file: right_heel" in reason


def test_refuses_marker_sets_and_shows_what_it_found():
    with pytest.raises(LayoutError, match=r"take.*LASI, RASI.*mapping\.json"):
        match_by_name(["LASI", "RASI", "LKNE", "RKNE"] + [f"M{i}" for i in range(40)], "take")
    with pytest.raises(LayoutError):  # no hips
        match_by_name([name for name in OPENPOSE.split() if "Hip" not in name], "take")


def test_separates_subjects():
    assert split_subject("Ann:LHip") == ("Ann", "LHip")
    assert subjects(["Ann:LHip", "Ann:RHip", "Bob:LHip"]) == {"Ann": [0, 1], "Bob": [2]}
    assert subjects(["Ann:LHip", "RHip"]) == {"Ann": [0, 1]}
    assert subjects(["LHip", "RHip"]) == {}


@pytest.mark.parametrize("prefix", ["{}:{}", "{}_{}", "{}.{}", "Skeleton_{}_{}", "Skeleton.{}.{}", "Actors:{}:{}"])
def test_separates_subjects_by_the_prefixes_of_tools(prefix):
    names = [prefix.format(who, name) for who in ("001", "002") for name in OPENPOSE.split()]
    groups = subjects([*names, "Ball_1", "Ball_2"])
    first, second = [at for at in groups.values() if len(at) > 2]
    assert first == list(range(25)) and second == list(range(25, 50))


@pytest.mark.parametrize("names", [OPENPOSE, VIDEO_LIFTING, SMPL, MEDIAPIPE], ids=["op", "h36m", "smpl", "mp"])
@pytest.mark.parametrize("prefix", ["", "left_", "pose_"])
def test_sides_and_parts_are_no_subjects(names, prefix):
    assert subjects([prefix + name for name in names.split()]) == {}
    assert subjects([f"left_{i}" for i in range(9)] + [f"right_{i}" for i in range(9)]) == {}


def test_knows_names_that_say_nothing():
    assert all(map(is_generic, ["2000", "Point    1", "P12", "kp_3", "marker-4", "unnamed_7"]))
    assert not any(map(is_generic, ["Nose", "P12a", "pelvis"]))

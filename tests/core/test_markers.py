"""Marker names: the common sets are known, in any spelling, and what is no marker is left aside."""

import json

import numpy as np
import pytest
from test_readers import trc_text

from lsmpl_core.body.landmarks import UNPLACED, parse_landmark
from lsmpl_core.body.sites import site_parts
from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import read_keypoints
from lsmpl_core.readers.markers import LAYOUT_NAME, fold, known_markers, load_markers, mirrored, recognise
from lsmpl_core.readers.matching import match_layout
from lsmpl_core.readers.raw import RawTrack

PLUG_IN_GAIT = [
    "LFHD",
    "RFHD",
    "LBHD",
    "RBHD",
    "C7",
    "T10",
    "CLAV",
    "STRN",
    "RBAK",
    "LSHO",
    "LUPA",
    "LELB",
    "LFRM",
    "LWRA",
    "LWRB",
    "LFIN",
    "RSHO",
    "RUPA",
    "RELB",
    "RFRM",
    "RWRA",
    "RWRB",
    "RFIN",
    "LASI",
    "RASI",
    "LPSI",
    "RPSI",
    "LTHI",
    "LKNE",
    "LTIB",
    "LANK",
    "LHEE",
    "LTOE",
    "RTHI",
    "RKNE",
    "RTIB",
    "RANK",
    "RHEE",
    "RTOE",
]
CMU = [name for name in PLUG_IN_GAIT if name[1:] not in ("BAK", "ASI", "PSI", "TIB")] + [
    *("RBAC", "LFWT", "RFWT", "LBWT", "RBWT", "LSHN", "RSHN", "LMT5", "RMT5")
]
OPENCAP = [
    "C7",
    "L.ASIS",
    "L.PSIS",
    "L_5meta",
    "L_Shoulder",
    "L_Sternum",
    "L_ankle",
    "L_calc",
    "L_elbow_lat",
    "L_elbow_med",
    "L_forearm",
    "L_humerus",
    "L_knee",
    "L_sh2",
    "L_sh3",
    "L_shank_antsup",
    "L_thigh1",
    "L_thigh2",
    "L_thigh3",
    "L_thigh4",
    "L_toe",
    "L_wrist_radius",
    "L_wrist_ulna",
    "R_Shoulder",
    "R_Sternum",
    "R_elbow_lat",
    "R_elbow_med",
    "R_forearm",
    "R_humerus",
    "R_wrist_radius",
    "R_wrist_ulna",
    "r.ASIS",
    "r.PSIS",
    "r_5meta",
    "r_ankle",
    "r_calc",
    "r_knee",
    "r_sh2",
    "r_sh3",
    "r_sh4",
    "r_shank_antsup",
    "r_thigh1",
    "r_thigh2",
    "r_thigh3",
    "r_thigh4",
    "r_thigh5",
    "r_toe",
]
XSENS = [
    "pSacrum",
    "pRightASI",
    "pLeftASI",
    "pC7SpinalProcess",
    "pT8SpinalProcess",
    "pIJ",
    "pPX",
    "pTopOfHead",
    "pRightAcromion",
    "pLeftAcromion",
    "pRightArmLatEpicondyle",
    "pLeftUlnarStyloid",
    "pLeftKneeLatEpicondyle",
    "pRightKneeMedEpicondyle",
    "pRightLatMalleolus",
    "pLeftMedMalleolus",
    "pRightHeelFoot",
    "pLeftFifthMetatarsal",
]


@pytest.mark.parametrize("names", [PLUG_IN_GAIT, CMU, OPENCAP, XSENS], ids=["plug-in gait", "cmu", "opencap", "xsens"])
def test_the_common_marker_sets_are_known_throughout(names):
    found = recognise(names, "take")
    assert found.placed == len(names) and UNPLACED not in found.layout.sites


@pytest.mark.parametrize(
    "name", ["LKNE", "L.Knee", "left_knee", "Subject:LKNE", "L_knee_lat", "Knee_L", "LeftKnee", "lkne"]
)
def test_a_name_is_known_in_any_spelling(name):
    assert known_markers().site_of(name) == "left_knee left"


def test_the_right_side_is_the_mirror_image():
    table = known_markers()
    for name in table.sided:
        left, right = table.site_of(f"L_{name}"), table.site_of(f"R_{name}")
        assert right == mirrored(left) and mirrored(right) == left
        if place := parse_landmark(left):
            assert np.allclose(np.array(parse_landmark(right).direction), np.array(place.direction) * [-1, 1, 1])


def test_markers_below_the_knee_are_on_the_shank(body):
    """The tuberosity and the fibula's head, which the skin of a thigh would take along."""
    layout = recognise([*PLUG_IN_GAIT, "LTUB", "L.TTA", "RHFB"], "take").layout
    parts = site_parts(body, layout.sites)
    on = {name: body.joint_names[parts.parent_joint[k]] for k, name in enumerate(layout.keypoints)}
    assert (on["LTUB"], on["L.TTA"], on["RHFB"]) == ("left_knee", "left_knee", "right_knee")


@pytest.mark.parametrize(
    ("name", "like"),
    [("L.EIAS", "LASI"), ("REIPS", "RPSI"), ("R.Calca", "RHEE"), ("Tete.D", "HEADR"), ("TeteG", "HEADL")],
)
def test_the_french_names_are_known(name, like):
    assert known_markers().site_of(name) == known_markers().site_of(like)


def test_more_markers_on_a_segment_are_looked_for_further_off():
    table = known_markers()
    assert parse_landmark(table.site_of("LUA2")).a == "left_shoulder"
    assert parse_landmark(table.site_of("RKNE3")).sigma > parse_landmark(table.site_of("RKNE")).sigma


def test_model_outputs_and_unlabelled_points_are_left_aside():
    outputs = ["LHipAngles", "RKneeMoment", "LAnklePower", "CentreOfMass", "LHJC", "PELO", "PELA", "PELL", "PELP"]
    nobody = ["*12", "Unlabeled 3", "U7", "unnamed_4", "Point 5"]
    found = recognise([*PLUG_IN_GAIT, *outputs, *nobody], "take")
    assert list(found.layout.keypoints) == PLUG_IN_GAIT
    (aside,) = (decision for decision in found.decisions if decision.what == "set aside")
    assert aside.value == f"{len(outputs) + len(nobody)} points" and "LHJC" in aside.reason


def test_markers_of_opensims_sets_are_known_and_lettered_points_are_kept():
    table = known_markers()
    for name in ("R.Acromium", "LFAradius", "RFAulna", "L.Thigh.Rear", "R.Shank.Upper", "L.Midfoot.Sup", "LTB1", "S2"):
        assert table.site_of(name), name
    found = recognise([*PLUG_IN_GAIT, "P1", "P2", "P3", "L.HeelGround", "37"], "file")
    assert {"P1", "P2", "P3"} <= set(found.layout.keypoints)
    assert not {"L.HeelGround", "37"} & set(found.layout.keypoints)


def test_unknown_names_are_kept_to_be_found_and_said():
    found = recognise([*PLUG_IN_GAIT, "Banana"], "take")
    assert found.layout.sites[-1] == UNPLACED
    assert any("Banana" in decision.reason for decision in found.decisions)


def test_too_few_known_names_are_an_error_that_says_what_to_do():
    with pytest.raises(LayoutError, match=r"take\.c3d.*Banana.*LKNE.*--markers"):
        recognise(["LKNE", "C7", "Banana", "Apple", "Pear", "Fig", "Plum", "*3"], "take.c3d")


def test_a_users_table_adds_to_the_known_one_and_wins(tmp_path):
    path = tmp_path / "mine.json"
    mine = {
        "sided": [{"place": "hip..knee 40% front", "names": ["THX"]}],
        "single": [{"place": "nose", "names": ["P_12"]}],
    }
    path.write_text(json.dumps(mine))
    table = known_markers().extended(load_markers(path))
    assert table.site_of("RTHX") == "right_hip..right_knee 40% front"
    assert table.site_of("p12") == "nose" and table.site_of("C7") == "neck back"
    names = [*PLUG_IN_GAIT, "P_12"]
    take = tmp_path / "take.trc"
    take.write_text(trc_text(names, 0.2 * np.random.default_rng(0).normal(size=(5, len(names), 3))))
    assert "nose" in read_keypoints(take, unit="m", up="y", markers=path).layout.sites


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", '"sided" and "single"'),
        ("{", "not a JSON table"),
        ('{"single": [{"names": ["A"], "place": "left_kne left"}]}', r"single entry 1.*left_knee"),
        ('{"single": [{"place": "nose"}]}', "names"),
        ('{"sided": {"A": "nose"}}', "no list"),
    ],
)
def test_a_damaged_table_is_an_error_that_names_the_entry(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(LayoutError, match=message) as error:
        load_markers(path)
    assert str(path) in str(error.value)


def test_known_layouts_are_not_taken_for_marker_sets(tmp_path):
    layout = LAYOUTS["halpe_26"]
    path = tmp_path / "take.trc"
    path.write_text(trc_text(layout.keypoints, 0.2 * np.random.default_rng(0).normal(size=(5, 26, 3))))
    assert read_keypoints(path, unit="m", up="y").layout.name == "halpe_26"


def test_markers_that_are_called_as_joints_are_a_marker_set_beside_others():
    """Helen Hayes sets: half of their names are those of keypoints, too."""
    layout = LAYOUTS["body_25"]
    sided = ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Toe", "Heel", "ASIS", "Thigh", "MidShank")
    names = [f"{side}.{name}" for name in sided for side in "LR"]
    positions = np.random.default_rng(0).normal(size=(3, len(names) + 2, 3))
    plain = RawTrack(positions[:, :-2], names)
    assert match_layout(plain, None, None, "take").layout.name != LAYOUT_NAME  # a detector may have toes and heels
    marked = RawTrack(positions, [*names, "Sacrum", "Sternum"])
    match = match_layout(marked, None, None, "take")
    assert match.layout.name == LAYOUT_NAME and match.layout.sites[match.layout.index("L.Knee")] == "left_knee left"
    detected = RawTrack(positions[:, : len(layout)], layout.keypoints[: len(positions[0])])
    assert match_layout(detected, None, None, "take").layout is layout


def test_folding_leaves_letters_and_digits():
    assert fold("r.Knee_Lat-2") == "RKNEELAT2"


MADE_OF_KEYPOINTS = (
    "r.ASIS L.ASIS r.PSIS L.PSIS r_knee r_mknee r_ankle r_mankle r_toe r_calc L_knee L_mknee L_ankle L_mankle L_toe "
    "L_calc C7 r_thigh1 L_thigh1 r_lwrist r_mwrist L_lwrist L_mwrist RHJC LHJC"
)


def test_markers_beside_keypoints_count_as_much_as_those_all_together():
    """As OpenCap writes them: the points of a video, and `*_study` markers that were made of them."""
    keypoints = [n for n in LAYOUTS["body_25"].keypoints if not n.endswith(("eye", "ear")) and n != "nose"]
    names = [*keypoints, *(f"{name}_study" for name in MADE_OF_KEYPOINTS.split())]
    match = match_layout(RawTrack(np.zeros((2, len(names), 3)), names), None, None, "take")
    sites = dict(zip(match.layout.keypoints, match.layout.sites))
    assert sites["left_knee"] == "left_knee" and sites["r_mknee_study"] == known_markers().site_of("r_mknee")
    assert sites["L_lwrist_study"] == "left_wrist front" and sites["L_mwrist_study"] == "left_wrist back"
    assert [names[column] for column in match.columns] == list(sites) and "RHJC_study" not in sites
    markers = [weight for name, weight in zip(sites, match.weights) if name.endswith("_study")]
    assert sum(markers) == pytest.approx(len(keypoints)) and sum(match.weights) == pytest.approx(2 * len(keypoints))


def test_metatarsals_are_metacarpals_where_no_leg_has_markers():
    upper = [
        "C7",
        "IJ",
        "PX",
        "T8",
        "R.Acromion",
        "R.Epi.Lat",
        "R.Epi.Med",
        "R.Wrist.Rad",
        "R.D5M1",
        "L.D2M1",
        "L.Acromion",
    ]
    sites = dict(zip(upper, known_markers().sites_of(upper)))
    assert sites["R.D5M1"].startswith("right_little_knuckle") and sites["L.D2M1"].startswith("left_index_knuckle")
    with_legs = [*upper, "R.Knee.Lat"]
    sites = dict(zip(with_legs, known_markers().sites_of(with_legs)))
    assert sites["R.D5M1"].startswith("right_foot") and sites["L.D2M1"].startswith("left_foot")

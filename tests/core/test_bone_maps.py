"""Bones are told by the names that common rigs have, by words otherwise, and by the user's own file."""

import json

import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.retargeting.bone_maps import (
    BoneMap,
    apply_preset,
    guess_bones,
    load_bone_map,
    match_bones,
    parse_bone_map,
    presets,
    save_bone_map,
)


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.key)
def test_every_preset_is_found_by_its_own_names_and_maps_to_joints(preset):
    found = match_bones(list(preset.bones))
    assert found.bones == preset.bones
    assert set(preset.bones.values()) <= set(JOINT_NAMES)
    assert not found.missing


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("mixamorig:", "mixamo"), ("mixamorig1:", "mixamo"), ("mixamorig", "mixamo"), ("Guy_", "mixamo"),
     ("m_avg_", "smpl"), ("f_avg_", "smpl"), ("SMPLX-", "smplx"), ("DEF-", "rigify_metarig"), ("Bip01 ", "biped"),
     ("Armature|", "unreal")],
)  # fmt: skip
def test_what_all_names_begin_with_does_not_matter(prefix, key):
    names = next(preset for preset in presets() if preset.key == key).bones
    found = match_bones([f"{prefix}root", *(prefix + name for name in names)])
    assert found.key == key
    assert found.bones == {prefix + name: joint for name, joint in names.items()}


def test_case_does_not_matter_and_fingers_are_left_alone():
    names = [name.upper() for name in presets()[5].bones] + ["LEFTHANDINDEX1", "LEFTHANDTHUMB2", "HEADTOP_END"]
    found = match_bones(names)
    assert found.key == "mixamo"
    assert "LEFTHANDINDEX1" not in found.bones


def test_a_generated_rigify_rig_is_driven_by_its_controls():
    metarig = next(preset for preset in presets() if preset.key == "rigify_metarig").bones
    rigify = next(preset for preset in presets() if preset.key == "rigify").bones
    names = [*(f"{prefix}-{name}" for prefix in ("ORG", "DEF") for name in metarig), *rigify]
    found = match_bones(names)
    assert found.key == "rigify"
    assert {switch.bone for switch in found.switches if switch.property == "IK_FK"} == {
        "thigh_parent.L", "thigh_parent.R", "upper_arm_parent.L", "upper_arm_parent.R"
    }  # fmt: skip


def test_mannequins_with_five_spine_bones_use_them_all():
    names = list(next(preset for preset in presets() if preset.key == "unreal5").bones)
    assert match_bones(names).key == "unreal5"
    assert match_bones([name for name in names if name not in ("spine_04", "spine_05", "neck_02")]).key == "unreal"


def test_unknown_rigs_are_guessed_by_words():
    names = [
        "Root", "MyHips", "spine.1", "spine.2", "chest", "the_neck", "Head", "clavicle_left", "upper_arm_left",
        "UpperArmTwist_left", "fore-arm left", "left hand", "Thigh.Left", "calf.left", "FootLeft", "Toe_Left",
    ]  # fmt: skip
    names += [name.replace("left", "right").replace("Left", "Right") for name in names if "left" in name.lower()]
    guessed = guess_bones(["Hips" if name == "MyHips" else name.replace("the_", "") for name in names])
    assert guessed["Hips"] == "pelvis"
    assert guessed["upper_arm_left"] == "left_shoulder"
    assert guessed["fore-arm right"] == "right_elbow"
    assert guessed["clavicle_left"] == "left_collar"
    assert [guessed[name] for name in ("spine.1", "spine.2", "chest")] == ["spine1", "spine2", "spine3"]
    assert "UpperArmTwist_left" not in guessed
    assert len(set(guessed.values())) == 22


def test_a_shoulder_without_an_upper_arm_is_not_taken_for_a_hip():
    guessed = guess_bones(["hips", "hip_l", "knee_l", "shoulder_l", "elbow_l"])
    assert guessed["hips"] == "pelvis"
    assert guessed["hip_l"] == "left_hip"


@pytest.mark.parametrize("names", [[], ["Bone"], ["Bone.001", "Bone.002"], ["wheel_l", "wheel_r", "chassis"], [""]])
def test_what_is_no_humanoid_is_refused(names):
    with pytest.raises(lsmpl.LsmplError, match="by hand"):
        match_bones(names)


def test_a_preset_can_be_asked_for():
    assert apply_preset("mixamo", ["Hips", "Spine", "x"]).bones == {"Hips": "pelvis", "Spine": "spine1"}
    with pytest.raises(lsmpl.LsmplError, match="Mixamo"):
        apply_preset("mixamo", ["wheel"])
    with pytest.raises(lsmpl.LsmplError, match="mixamo"):
        apply_preset("maximo", ["Hips"])


def test_a_bone_map_is_read_as_it_was_saved(tmp_path):
    bones = {"Hüfte": "pelvis", "Bein L": "left_hip", "Rücken 1": "spine1", "Rücken 2": "spine1"}
    save_bone_map(BoneMap(bones, label="Mein Rig"), tmp_path / "rig.json")
    read = load_bone_map(tmp_path / "rig.json")
    assert read.bones == bones
    assert list(read.bones) == list(bones)
    assert read.label == "Mein Rig"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "object"), ({}, "bones"), ({"bones": {}}, "bones"), ({"bones": ["Hips"]}, "bones"),
        ({"bones": {"Hips": "pelvic"}}, "pelvis"), ({"bones": {"Hips": 3}}, "no SMPL joint"),
        ({"bones": {"Hips": ["pelvis"]}}, "no SMPL joint"), ({"bones": {"Hips": "pelvis"}, "joints": 1}, "joints"),
    ],
)  # fmt: skip
def test_wrong_entries_are_named(data, says):
    with pytest.raises(lsmpl.LsmplError, match=says) as error:
        parse_bone_map(data, "rig.json")
    assert str(error.value).startswith("rig.json")


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(lsmpl.LsmplError, match="cannot be read"):
        load_bone_map(tmp_path / "nothing.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(lsmpl.LsmplError, match="not a JSON bone map"):
        load_bone_map(tmp_path / "broken.json")
    (tmp_path / "huge.json").write_text(json.dumps({"bones": {"x" * 100 + str(i): "pelvis" for i in range(20_000)}}))
    with pytest.raises(lsmpl.LsmplError, match="too large"):
        load_bone_map(tmp_path / "huge.json")
    with pytest.raises(lsmpl.LsmplError, match="cannot be written"):
        save_bone_map(BoneMap({"a": "pelvis"}), tmp_path / "missing" / "rig.json")

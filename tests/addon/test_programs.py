"""FBX files for programs: their unit and names as those want them, deform bones alone, the motion what is seen."""

import io
from contextlib import redirect_stdout

import addon_utils
import anny_rigs
import bpy
import numpy as np
import pytest
from exchange import brought_back, frame_range
from test_rigging import recorded, world

KNOWN = {
    "ANY": ("pelvis", "left_hip", "right_wrist", "head"),
    "UNREAL": ("pelvis", "thigh_l", "hand_r", "head"),
    "UNITY": ("Hips", "LeftUpLeg", "RightHand", "Head"),
    "MIXAMO": ("mixamorig:Hips", "mixamorig:LeftUpLeg", "mixamorig:RightHand", "mixamorig:Head"),
}
OURS = "pelvis", "left_hip", "right_wrist", "head"


def numbers_of(path):
    """What an FBX file says itself: the unit in centimetres, and of each object its kind, place and scale."""
    addon_utils.enable("io_scene_fbx")
    from io_scene_fbx import parse_fbx

    with redirect_stdout(io.StringIO()):
        root, _ = parse_fbx.parse(str(path))
    settings = next(e for e in root.elems if e.id == b"GlobalSettings").elems[-1].elems
    unit = next(p.props[4] for p in settings if p.props[0] == b"UnitScaleFactor")
    objects = {}
    for model in (e for e in next(e for e in root.elems if e.id == b"Objects").elems if e.id == b"Model"):
        found = {p.props[0]: p.props[4:7] for p in model.elems[1].elems}
        name = model.props[1].split(b"\x00")[0].decode()
        place, scale = found.get(b"Lcl Translation", (0, 0, 0)), found.get(b"Lcl Scaling", (1, 1, 1))
        objects[name] = model.props[2].decode(), np.array(place), np.array(scale)
    return unit, objects


@pytest.mark.parametrize("program", KNOWN)
def test_a_file_has_the_unit_and_the_names_of_its_program(addon, baked_take, core, body, tmp_path, program):
    motion = recorded(core, body, every=20)
    _, baked = baked_take(motion)
    rig, frames = baked.armature, range(len(motion))
    rig.location, rig.rotation_euler, rig.scale = (1.0, 0.5, 0.2), (0.0, 0.0, 0.5), (1.1, 1.1, 1.1)
    bpy.context.scene.frame_set(3)
    before = world(rig, OURS, frames)[:, :, :3, 3]
    kept = set(bpy.data.objects.keys()), set(bpy.data.actions.keys()), set(bpy.data.armatures.keys())
    path = tmp_path / "a.fbx"
    addon("exporting.files").export_character(rig, bpy.context.scene, path, 0, len(motion) - 1, program=program)
    assert kept == (set(bpy.data.objects.keys()), set(bpy.data.actions.keys()), set(bpy.data.armatures.keys()))

    unit, objects = numbers_of(path)
    in_cm = addon("staging.programs").PROGRAMS[program].centimetres
    assert unit == pytest.approx(1.0 if in_cm else 100.0)
    if in_cm:
        for name, (_, _, scale) in objects.items():
            np.testing.assert_allclose(scale, 1.0, atol=1e-4, err_msg=name)
    knee = objects[{"UNREAL": "calf_l", "MIXAMO": "mixamorig:LeftLeg", "UNITY": "LeftLeg", "ANY": "left_knee"}[program]]
    thigh = np.linalg.norm(knee[1]) * unit
    assert 30.0 < thigh < 55.0, "centimetres"
    assert ("root" in objects) == (program == "UNREAL")

    came, mesh = brought_back(path, fps=30)
    assert set(KNOWN[program]) <= set(came.data.bones.keys()) and len(came.data.bones) == 24
    assert {group.name for group in mesh.vertex_groups} >= set(KNOWN[program])
    found = world(came, KNOWN[program], np.array(frames) + frame_range(came)[0])[:, :, :3, 3]
    np.testing.assert_allclose(found, before, atol=1e-3)
    bpy.context.scene.frame_set(round(frame_range(came)[0]) + 3)
    seen = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    low = min((seen.matrix_world @ vertex.co).z for vertex in seen.data.vertices)
    assert low < before[3, :, 2].min(), "the skin comes along"


@pytest.mark.parametrize("switch", [1.0, 0.0], ids=["FK", "IK that stretches"])
def test_of_a_rig_with_controls_the_deform_bones_alone_are_exported(addon, tmp_path, switch):
    rig, scene = anny_rigs.rigify(True), bpy.context.scene
    cube = bpy.data.objects.new("Skin", bpy.data.meshes.new("Skin"))
    cube.data.from_pydata([(0, 0, 1), (0, 1, 1), (1, 0, 1)], [], [(0, 1, 2)])
    scene.collection.objects.link(cube)
    cube.vertex_groups.new(name="DEF-spine").add([0, 1, 2], 1.0, "REPLACE")
    cube.modifiers.new("Armature", "ARMATURE").object = rig
    cube.parent = rig
    for bone in rig.pose.bones:  # in IK, hands and feet stay where they are when the torso leaves
        if "IK_FK" in bone:
            bone["IK_FK"] = switch
    for frame, turn in ((1, 0.0), (10, 0.8)):
        for name in ("torso", "upper_arm_fk.L", "thigh_fk.R"):
            bone = rig.pose.bones[name]
            bone.location = (0.0, 0.1 * turn, 0.2 * turn) if name == "torso" else (0.0, 0.0, 0.0)
            bone.rotation_mode = "XYZ"
            bone.rotation_euler = (turn, 0.2 * turn, 0.0)
            bone.keyframe_insert("location", frame=frame)
            bone.keyframe_insert("rotation_euler", frame=frame)
    deform = [bone.name for bone in rig.data.bones if bone.use_deform]
    before = world(rig, deform, (1, 6, 10))[:, :, :3, 3]
    export = addon("exporting.files").export_character
    export(rig, scene, tmp_path / "a.fbx", 1, 10)
    export(rig, scene, tmp_path / "u.fbx", 1, 10, program="UNREAL", keep=["root"])
    export(rig, scene, tmp_path / "all.fbx", 1, 10, deform_only=False)
    sizes = {name: (tmp_path / f"{name}.fbx").stat().st_size for name in ("a", "u", "all")}
    print(sizes, len(deform), len(rig.data.bones))
    assert sizes["a"] < 0.4 * sizes["all"]
    for name, more in (("a", 0), ("u", 1)):
        came, _ = brought_back(tmp_path / f"{name}.fbx", fps=24)
        assert len(came.data.bones) == len(deform) + more
        spine = came.data.bones["DEF-thigh.L"].parent_recursive
        assert spine[0].name.startswith("DEF-"), "on the trunk, as they are"
        frames = np.array((1, 6, 10)) - 1 + frame_range(came)[0]
        off = np.linalg.norm(world(came, deform, frames)[:, :, :3, 3] - before, axis=-1).max(axis=0)
        print({bone: round(float(by), 4) for bone, by in zip(deform, off) if by > 1e-3})
        assert off.max() < 1e-3


@pytest.mark.parametrize("program", ["UNREAL", "UNITY", "MIXAMO"])
def test_a_rig_whose_bones_all_deform_goes_to_a_program_too(addon, tmp_path, program):
    """Nothing of it has to be left out, so nobody has looked at the copy before it is enlarged."""
    scene = bpy.context.scene
    rig = bpy.data.objects.new("Quinn", bpy.data.armatures.new("Quinn"))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, low, high in (("pelvis", 0.9, 1.1), ("spine_01", 1.1, 1.4)):
        bone = rig.data.edit_bones.new(name)
        bone.head, bone.tail = (0.0, 0.0, low), (0.0, 0.0, high)
    rig.data.edit_bones["spine_01"].parent = rig.data.edit_bones["pelvis"]
    bpy.ops.object.mode_set(mode="OBJECT")
    hips = rig.pose.bones["pelvis"]
    for frame, ahead in ((1, 0.0), (5, 0.4)):
        hips.location.x = ahead
        hips.keyframe_insert("location", frame=frame)
    bones, frames = ("pelvis", "spine_01"), np.array((1, 3, 5))
    before = world(rig, bones, frames)[:, :, :3, 3]
    path = tmp_path / "a.fbx"
    addon("exporting.files").export_character(rig, scene, path, 1, 5, program=program)
    came = next(obj for obj in brought_back(path, fps=24) if obj is not None)
    found = world(came, bones, frames - 1 + frame_range(came)[0])[:, :, :3, 3]
    np.testing.assert_allclose(found, before, atol=1e-4)

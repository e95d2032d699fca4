"""Other characters: SMPL, Mixamo, Unreal, CMU and Rigify rigs move as the solved motion does."""

import importlib
import json
from dataclasses import replace

import anny_rigs
import bpy
import numpy as np
import pytest
from conftest import MOCAP

LIMBS = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
]
DEFORM = {
    "hip": "DEF-thigh", "knee": "DEF-shin", "ankle": "DEF-foot", "foot": "DEF-toe", "shoulder": "DEF-upper_arm",
    "elbow": "DEF-forearm", "wrist": "DEF-hand",
}  # fmt: skip


@pytest.fixture
def stroll(core, body):
    """79 frames of somebody walking, recorded, on the mean body."""
    motion = replace(core.Motion.load(MOCAP / "07_01.npz"), body=body.key)
    return core.clean_up(motion, body, floor="zero")


@pytest.fixture
def solved(addon, body):
    """`solved(motion)`: a take with that motion, no character of ours baked."""

    def make(motion):
        scene = bpy.context.scene
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Walk")
        addon("importing.adding").match_scene(scene, [take])
        addon("solving.solve").keep(take, scene, motion, body, bake=False)
        return take

    return make


def world_heads(target, names) -> dict[str, np.ndarray]:
    return {name: np.array(target.matrix_world @ target.pose.bones[name].head) for name in names}


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def limb_errors(take, target, body, motion, of_joint=None, every=7) -> np.ndarray:
    """(N,8) degrees between the limbs of a character, as Blender evaluates it, and those of the motion."""
    of_joint = of_joint or {item.joint: item.bone for item in reversed(take.lsmpl.other.bones)}
    joints, rows = body.joints(motion), []
    for t in range(0, len(motion), every):
        bpy.context.scene.frame_set(round(take.lsmpl.start + t))
        heads = world_heads(target, {of_joint[joint] for limb in LIMBS for joint in limb})
        row = []
        for a, b in LIMBS:
            theirs = joints[t, body.joint_names.index(b)] - joints[t, body.joint_names.index(a)]
            row.append(angle(heads[of_joint[b]] - heads[of_joint[a]], theirs))
        rows.append(row)
    return np.array(rows)


def choose(take, target):
    take.lsmpl.other.target = target
    assert take.lsmpl.other.bones, "the bones were not known"


def smpl_character(body, prefix="m_avg_", betas=None):
    """SMPL's skeleton as its FBX files have it: bones named so, lying anyhow, Y up, in centimetres."""
    names = {
        name: prefix + "_".join(
            {"left": "L", "right": "R"}.get(word, word.capitalize()) for word in name.split("_")
        )
        for name in body.joint_names
    }  # fmt: skip
    armature = bpy.data.objects.new("SMPL", bpy.data.armatures.new("SMPL"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    root = armature.data.edit_bones.new(prefix + "root")
    root.tail = (0, 0.1, 0)
    joints = 100 * body.rest_joints(betas)
    for joint, name in enumerate(body.joint_names):
        bone = armature.data.edit_bones.new(names[name])
        bone.head, bone.tail = joints[joint], joints[joint] + (0, 8, 0)
        parent = body.parents[joint]
        bone.parent = root if parent < 0 else armature.data.edit_bones[names[body.joint_names[parent]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.rotation_euler = (np.pi / 2, 0, 0)
    armature.scale = (0.01,) * 3
    bpy.context.view_layer.update()
    return armature, names


@pytest.mark.parametrize("whose", ["SMPL", "Group"])
def test_a_scale_that_cannot_be_followed_is_said_with_whose_it_is(solved, addon, core, body, stroll, whose):
    target, _ = smpl_character(body)
    take = solved(stroll)
    choose(take, target)
    if whose == "Group":
        group = bpy.data.objects.new("Group", None)
        bpy.context.scene.collection.objects.link(group)
        target.parent, group.scale, said = group, (2, 1, 1), r"its scale by Group is .* select Group and"
    else:
        target.scale, said = (-0.01, 0.01, 0.01), r"its scale is -0\.01, 0\.01, 0\.01; .* select SMPL and"
    bpy.context.view_layer.update()
    with pytest.raises(core.LsmplError, match=said):
        addon("retargeting.bake_to_other").bake(take)


@pytest.mark.parametrize("prefix", ["m_avg_", "f_avg_", ""])
def test_an_smpl_character_of_another_file_does_exactly_the_same(solved, addon, body, stroll, prefix):
    target, names = smpl_character(body, prefix)
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.feet = False
    baked = addon("retargeting.bake_to_other").bake(take)
    assert len(baked.bones.bones) == 24
    joints = body.joints(stroll)
    worst = 0.0
    for t in range(0, len(stroll), 9):
        bpy.context.scene.frame_set(round(take.lsmpl.start + t))
        heads = world_heads(target, names.values())
        worst = max(worst, max(np.linalg.norm(heads[names[n]] - joints[t, j]) for j, n in enumerate(body.joint_names)))
    print(f"{1000 * worst:.3f} mm")
    assert worst < 0.002


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("mixamo", "QUATERNION"),
        ("mixamo", "XYZ"),
        ("mixamo", "ZXY"),
        ("mixamo", "AXIS_ANGLE"),
        ("unreal", "XYZ"),
        ("cmu", "QUATERNION"),
    ],
)
def test_limbs_of_common_rigs_point_where_they_should(solved, addon, body, stroll, kind, mode):
    target, _ = anny_rigs.build(kind, mode)
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.feet = False
    addon("retargeting.bake_to_other").bake(take)
    errors = limb_errors(take, target, body, stroll)
    print(f"{kind}: limbs {errors.mean():.3f} degrees, worst {errors.max():.3f}")
    assert errors.max() < 0.05


@pytest.mark.parametrize("kind", ["mixamo", "unreal"])
def test_fingers_of_common_rigs_bend_as_the_bodys_do(solved, addon, body, stroll, kind):
    """Each finger bone points where the body's does, both seen from their palms."""
    target, _ = anny_rigs.build(kind)
    motion = stroll.frames(slice(0, 20))
    bends = np.linspace(0.0, 1.1, 20)[:, None, None, None]
    fingers = (bends * body.fingers.frames[None, ..., 0]).reshape(20, 30, 3)
    motion = replace(motion, fingers=fingers)
    take = solved(motion)
    choose(take, target)
    addon("retargeting.bake_to_other").bake(take)
    core = importlib.import_module(f"{body.__module__.rpartition('.body.')[0]}.retargeting.fingers")
    joints, _, _ = body.finger_positions(motion)
    wrists = body.joints(motion)[:, [20, 21]]
    found = core.find_finger_bones([bone.name for bone in target.data.bones])
    assert len(found) == 30
    hands = {name for bone, name in bone_map(take) if name.endswith("_wrist")}
    assert len(hands) == 2
    bones = {joint: bone for bone, joint in bone_map(take)}
    for t in (0, 10, 19):
        bpy.context.scene.frame_set(round(take.lsmpl.start + t))
        heads = world_heads(target, [*found.values(), *bones.values()])
        for hand, side in enumerate(("left", "right")):
            rows = [15 * hand + first for first in (0, 3, 9, 6)]  # index, middle, ring, little
            theirs = core._palm(wrists[t, hand], joints[t].reshape(30, 3)[rows])
            ours = core._palm(heads[bones[f"{side}_wrist"]], np.array([heads[found[row]] for row in rows]))
            for first in range(15 * hand, 15 * hand + 12, 3):
                for joint in (first, first + 1):
                    a = theirs.T @ (joints[t].reshape(30, 3)[joint + 1] - joints[t].reshape(30, 3)[joint])
                    b = ours.T @ (heads[found[joint + 1]] - heads[found[joint]])
                    angle = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))
                    assert angle < 0.5, (t, core.FINGER_JOINT_NAMES[joint], angle)


def bone_map(take):
    return [(item.bone, item.joint) for item in take.lsmpl.other.bones if item.bone]


@pytest.mark.parametrize("feet", [False, True])
@pytest.mark.parametrize("kind", ["mixamo", "unreal", "cmu"])
def test_feet_of_common_rigs_stand_on_the_floor(solved, addon, body, stroll, kind, feet):
    """By the skin of the soles, as Blender deforms it."""
    target, mesh = anny_rigs.build(kind)
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.feet = feet
    baked = addon("retargeting.bake_to_other").bake(take)
    core = importlib.import_module(body.__module__.rpartition(".body.")[0])
    contacts = importlib.import_module(f"{core.__name__}.cleaning.contacts")
    floors = importlib.import_module(f"{core.__name__}.cleaning.floor")
    points = floors.foot_points(stroll, body)
    floor = floors.estimate_floor(points)
    standing = contacts.contact_mask(contacts.find_contacts(points, floor, stroll.fps), len(stroll))
    rest = np.array([v.co for v in mesh.data.vertices])
    soles = {
        side: np.flatnonzero((rest[:, 2] < 0.015) & (sign * rest[:, 0] > 0)) for side, sign in (("l", 1), ("r", -1))
    }
    lowest, slides = [], []
    before = None
    for t in range(len(stroll)):
        bpy.context.scene.frame_set(round(take.lsmpl.start + t))
        evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
        vertices = np.empty(3 * len(rest), dtype=np.float32)
        evaluated.data.vertices.foreach_get("co", vertices)
        vertices = vertices.reshape(-1, 3) @ np.array(mesh.matrix_world)[:3, :3].T + np.array(mesh.matrix_world)[:3, 3]
        for number, side in enumerate("lr"):
            if standing[t, 2 * number : 2 * number + 2].any():
                lowest.append(vertices[soles[side], 2].min() - floor.height)
            if before is not None and standing[t - 1 : t + 1, 2 * number : 2 * number + 2].all():
                moved = (vertices - before)[soles[side], :2].mean(axis=0)
                slides.append(np.linalg.norm(moved) * stroll.fps)
        before = vertices
    print(
        f"{kind}, feet {feet}: size {baked.done.scale:.3f}, soles {100 * np.mean(lowest):.1f} cm over the floor "
        f"on average ({100 * min(lowest):.1f} to {100 * max(lowest):.1f}), sliding {100 * np.mean(slides):.1f} cm/s"
    )
    if feet:
        assert abs(np.mean(lowest)) < 0.02
        assert np.mean(slides) < 0.04


@pytest.mark.parametrize("generated", [False, True], ids=["metarig", "generated"])
def test_rigify_follows_by_its_controls(solved, addon, body, stroll, generated):
    target = anny_rigs.rigify(generated)
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.feet = False
    baked = addon("retargeting.bake_to_other").bake(take)
    assert baked.bones.key == ("rigify" if generated else "rigify_metarig")
    of_joint = None
    if generated:
        assert target.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0
        of_joint = {
            f"{side}_{part}": f"{bone}.{side[0].upper()}" for part, bone in DEFORM.items() for side in ("left", "right")
        }
    errors = limb_errors(take, target, body, stroll, of_joint)
    print(f"rigify: limbs {errors.mean():.3f} degrees, worst {errors.max():.3f}")
    assert errors.max() < 0.5


def test_rigifys_feet_stand_still(solved, addon, core, body, stroll):
    target = anny_rigs.rigify(True)
    take = solved(stroll)
    choose(take, target)
    contacts = importlib.import_module(f"{core.__name__}.cleaning.contacts")
    floors = importlib.import_module(f"{core.__name__}.cleaning.floor")
    points = floors.foot_points(stroll, body)
    found = contacts.find_contacts(points, floors.estimate_floor(points), stroll.fps)
    standing = contacts.contact_mask(found, len(stroll)).reshape(-1, 2, 2).all(axis=2)  # flat on the floor
    slides = {}
    for take.lsmpl.other.feet in (False, True):
        addon("retargeting.bake_to_other").bake(take)
        balls = []
        for t in range(len(stroll)):
            bpy.context.scene.frame_set(round(take.lsmpl.start + t))
            heads = world_heads(target, ["DEF-toe.L", "DEF-toe.R"])
            balls.append([heads["DEF-toe.L"], heads["DEF-toe.R"]])
        slides[take.lsmpl.other.feet] = 100 * contacts.sliding(np.array(balls), standing, stroll.fps)
    print(f"rigify: sliding {slides[False]:.1f} -> {slides[True]:.1f} cm/s")
    assert slides[True] < 4.0 < slides[False]


@pytest.mark.parametrize("travel", ["HIPS", "ROOT"])
def test_rigifys_ik_controls_have_the_limbs_where_fk_has_them(solved, addon, stroll, travel):
    target = anny_rigs.rigify(True)
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.travel = travel
    joints = [f"ORG-{bone}.{side}" for side in "LR" for bone in DEFORM_CHAINS]
    seen = {}
    for side, value in (("FK", 1.0), ("IK", 0.0)):
        take.lsmpl.other.limbs = side
        addon("retargeting.bake_to_other").bake(take)
        seen[side] = []
        for t in range(0, len(stroll), 7):
            bpy.context.scene.frame_set(round(take.lsmpl.start + t))
            assert all(target.pose.bones[f"{limb}_parent.L"]["IK_FK"] == value for limb in ("thigh", "upper_arm"))
            seen[side].append([np.array(target.matrix_world @ target.pose.bones[joint].matrix) for joint in joints])
    fk, ik = np.array(seen["FK"]), np.array(seen["IK"])
    off = 1000 * np.linalg.norm(fk[..., :3, 3] - ik[..., :3, 3], axis=-1)
    between = np.swapaxes(fk[..., :3, :3], -1, -2) @ ik[..., :3, :3]
    turned = np.degrees(np.arccos(np.clip((np.trace(between, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))
    print(f"rigify's IK: {np.percentile(off, (50, 90, 99, 100))} mm, {np.percentile(turned, (50, 90, 100))} degrees")
    assert np.percentile(off, 90) < 0.5  # elbows and knees that are stretched through keep their side
    ends = [number for number, joint in enumerate(joints) if joint[4:8] in ("hand", "foot", "toe.")]
    assert turned[:, ends].max() < 0.1 and off[:, ends].max() < 0.5


DEFORM_CHAINS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
"""Rigify's limbs' bones."""


def curves_of(addon, action) -> dict[tuple[str, int], np.ndarray]:
    """(M,2) keys of each F-curve."""
    found = {}
    for curve in addon("characters.actions").fcurves(action):
        keys = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", keys)
        found[curve.data_path, curve.array_index] = keys.reshape(-1, 2)
    return found


def to_fbx(objects, path):
    if "io_scene_fbx" not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    for obj in bpy.context.scene.objects:
        obj.select_set(obj in objects)
    bpy.ops.export_scene.fbx(
        filepath=str(path), use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
        bake_anim_use_nla_strips=False, bake_anim_use_all_actions=False, bake_anim_simplify_factor=0.0,
    )  # fmt: skip


def from_fbx(path):
    before = set(bpy.data.objects)
    bpy.ops.import_scene.fbx(filepath=str(path))
    return next(obj for obj in bpy.data.objects if obj not in before and obj.type == "ARMATURE")


def test_a_rig_from_an_fbx_file_in_centimetres_works_as_well(solved, addon, body, stroll, tmp_path):
    rig, mesh = anny_rigs.build("mixamo")
    for obj in (rig, mesh):
        obj.data.transform(addon("retargeting.skeletons").Matrix.Scale(100, 4))
    rig.scale = (0.01,) * 3
    bpy.context.view_layer.update()
    to_fbx([rig, mesh], tmp_path / "rig.fbx")
    for obj in (mesh, rig):
        bpy.data.objects.remove(obj)
    target = from_fbx(tmp_path / "rig.fbx")
    assert target.scale.x == pytest.approx(0.01)
    target.location = (5, 6, 0)
    target.rotation_euler.z += 0.6
    bpy.context.view_layer.update()
    # The scene has the rate of the file that came in, and keeps it.
    bpy.context.scene.render.fps = 30
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.feet = False
    baked = addon("retargeting.bake_to_other").bake(take)
    assert baked.done.scale == pytest.approx(1.02, abs=0.03)
    assert limb_errors(take, target, body, stroll).max() < 0.05
    hips = np.mean([*world_heads(target, ["mixamorig:LeftUpLeg", "mixamorig:RightUpLeg"]).values()], axis=0)
    assert (
        np.linalg.norm(hips[:2] - body.joints(stroll)[77, [1, 2]].mean(axis=0)[:2]) < 0.1
    )  # a little larger, so it goes further


def test_what_is_baked_comes_back_from_an_fbx_file(solved, addon, body, stroll, tmp_path):
    target, mesh = anny_rigs.build("mixamo")
    take = solved(stroll)
    choose(take, target)
    addon("retargeting.bake_to_other").bake(take)
    names = [item.bone for item in take.lsmpl.other.bones]
    frames = [round(take.lsmpl.start) + t for t in (0, 30, 61, 78)]
    expected = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        expected.append(world_heads(target, names))
    to_fbx([target, mesh], tmp_path / "walk.fbx")
    back = from_fbx(tmp_path / "walk.fbx")
    first = back.animation_data.action.frame_range[0]
    for frame, heads in zip(frames, expected):
        bpy.context.scene.frame_set(round(first + frame - bpy.context.scene.frame_start))
        found = world_heads(back, names)
        assert max(np.linalg.norm(found[name] - heads[name]) for name in names) < 1e-3


def test_the_export_section_writes_the_other_character(solved, addon, body, stroll, tmp_path):
    target, _ = anny_rigs.build("mixamo")
    take, scene = solved(stroll), bpy.context.scene
    choose(take, target)
    bpy.context.view_layer.objects.active = take
    assert scene.lsmpl_export.character == "OWN"
    bpy.ops.lsmpl.bake_to_other()
    assert scene.lsmpl_export.character == "OTHER"
    names = [item.bone for item in take.lsmpl.other.bones]
    frames = [round(take.lsmpl.start) + t for t in (0, 30, 61, 78)]
    expected = []
    for frame in frames:
        scene.frame_set(frame)
        expected.append(world_heads(target, names))
    others = {obj.name for obj in bpy.data.objects}
    assert bpy.ops.lsmpl.export(filepath=str(tmp_path / "walk.fbx")) == {"FINISHED"}
    assert {obj.name for obj in bpy.data.objects} == others
    back = from_fbx(tmp_path / "walk.fbx")
    assert {bone.name for bone in back.data.bones} == {bone.name for bone in target.data.bones}
    first = back.animation_data.action.frame_range[0]
    for frame, heads in zip(frames, expected):
        scene.frame_set(round(first + frame - frames[0]))
        found = world_heads(back, names)
        assert max(np.linalg.norm(found[name] - heads[name]) for name in names) < 1e-3


def test_several_takes_on_one_rig_are_each_exported_with_their_own_motion(solved, addon, body, stroll, tmp_path):
    target, _ = anny_rigs.build("mixamo")
    takes = [solved(stroll), solved(stroll.frames(slice(50, 100)))]
    for take in takes:
        choose(take, target)
        addon("retargeting.bake_to_other").bake(take)
    bpy.context.scene.lsmpl_export.character = "OTHER"
    assert bpy.ops.lsmpl.export_all(directory=str(tmp_path), format="fbx") == {"FINISHED"}
    scene, frame_range = bpy.context.scene, addon("exporting.takes_to_files").frame_range
    expected = {}
    for take in takes:
        first, last = frame_range(take, scene, scene.lsmpl_export)
        expected[take.name] = last - first + 1
    assert len(set(expected.values())) == 2
    lengths = {}
    for path in tmp_path.glob("*.fbx"):
        first, last = from_fbx(path).animation_data.action.frame_range
        lengths[path.stem] = round(last - first) + 1
    assert lengths == expected


def test_a_motion_that_changed_after_it_was_baked_is_told(solved, addon, stroll):
    target, _ = anny_rigs.build("mixamo")
    take, following = solved(stroll), addon("retargeting.following")
    choose(take, target)
    take.lsmpl.other.follow = False
    assert not following.is_outdated(take)
    addon("retargeting.bake_to_other").bake(take)
    assert not following.is_outdated(take)
    addon("solving.clean_up").clean_up(take, bpy.context.scene)
    assert following.is_outdated(take)
    assert "the motion, or what is animated over it, has changed since" in following.describe(take)
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.as_solved()
    assert not following.is_outdated(take)
    addon("solving.clean_up").clean_up(take, bpy.context.scene)
    addon("retargeting.bake_to_other").bake(take)
    assert not following.is_outdated(take)
    take.lsmpl.start += 5
    assert "plays at other frames" in following.describe(take)


def test_travel_can_be_the_objects_and_is_taken_back(solved, addon, body, stroll):
    target, _ = anny_rigs.build("mixamo")
    target.location = (1.0, 2.0, 0.0)
    bpy.context.view_layer.update()
    take = solved(stroll)
    choose(take, target)
    other = take.lsmpl.other
    addon("retargeting.bake_to_other").bake(take)
    bpy.context.scene.frame_set(60)
    hips = world_heads(target, ["mixamorig:Hips"])["mixamorig:Hips"]
    other.travel = "OBJECT"
    addon("retargeting.bake_to_other").bake(take)
    bpy.context.scene.frame_set(60)
    np.testing.assert_allclose(world_heads(target, ["mixamorig:Hips"])["mixamorig:Hips"], hips, atol=1e-4)
    assert np.linalg.norm(np.array(target.location)[:2] - (1.0, 2.0)) > 0.5
    bpy.context.scene.frame_set(90)
    addon("retargeting.bake_to_other").bake(take)  # begins from where the object stood, not from where it got to
    bpy.context.scene.frame_set(60)
    np.testing.assert_allclose(world_heads(target, ["mixamorig:Hips"])["mixamorig:Hips"], hips, atol=1e-4)
    other.travel = "NONE"
    addon("retargeting.bake_to_other").bake(take)
    assert tuple(target.location) == pytest.approx((1.0, 2.0, 0.0), abs=1e-5)
    way = []
    for frame in (10, 50, 90):
        bpy.context.scene.frame_set(frame)
        way.append(world_heads(target, ["mixamorig:Hips"])["mixamorig:Hips"][:2])
    assert np.ptp(way, axis=0).max() < 0.2


@pytest.mark.parametrize("every", [1, 3])
def test_travel_can_be_a_root_bones_and_comes_back_from_an_fbx_file(solved, addon, body, stroll, tmp_path, every):
    target, mesh = anny_rigs.build("unreal", "XYZ")
    check_root_travel(solved, addon, stroll, tmp_path, target, mesh, every, ("Root", "pelvis", "hand_l", "foot_r"))


def test_a_root_bone_of_an_smpl_character_travels(solved, addon, body, stroll, tmp_path):
    target, names = smpl_character(body)
    wanted = ("m_avg_root", *(names[joint] for joint in ("pelvis", "left_wrist", "right_foot")))
    check_root_travel(solved, addon, stroll, tmp_path, target, None, 1, wanted)


def test_rigifys_root_travels(solved, addon, body, stroll, tmp_path):
    target = anny_rigs.rigify(True)
    check_root_travel(
        solved, addon, stroll, tmp_path, target, None, 1, ("root", "DEF-spine", "DEF-hand.L", "DEF-foot.R")
    )


def check_root_travel(solved, addon, stroll, tmp_path, target, mesh, every, names):
    """names: the root, the hips, and others."""
    root, hips, *others = names
    take = solved(stroll)
    choose(take, target)
    other, bake, scene = take.lsmpl.other, addon("retargeting.bake_to_other").bake, bpy.context.scene
    other.every = every
    keyed = [round(take.lsmpl.start) + t for t in (0, 30, 60, 99)]

    def seen():
        found = []
        for frame in keyed:
            scene.frame_set(frame)
            found.append(np.array([*world_heads(target, [hips, *others]).values()]))
        return np.array(found)

    bake(take)
    expected = seen()
    target.pose.bones[root].location = (0.1, 0.2, 0.3)  # is brought back to rest, from which it travels
    other.travel = "ROOT"
    action = bake(take).action
    assert any(root in path for path, _ in curves_of(addon, action))
    np.testing.assert_allclose(seen(), expected, atol=2e-3)
    below, turned = [], []
    for frame in keyed:
        scene.frame_set(frame)
        below.append(np.linalg.norm((world_heads(target, [root])[root] - world_heads(target, [hips])[hips])[:2]))
        turned.append(np.array(target.matrix_world @ target.pose.bones[root].matrix)[:3, :3])
    assert max(below) < 0.15
    rest = np.array(target.matrix_world @ target.data.bones[root].matrix_local)[:3, :3]
    for turn in turned:
        np.testing.assert_allclose((turn @ np.linalg.inv(rest))[2], (0.0, 0.0, 1.0), atol=1e-4)
    bake(take)
    np.testing.assert_allclose(seen(), expected, atol=2e-3)  # again, from the same rest
    if mesh is not None:
        to_fbx([target, mesh], tmp_path / "walk.fbx")
        back = from_fbx(tmp_path / "walk.fbx")
        first = back.animation_data.action.frame_range[0]
        for frame, heads in zip(keyed, expected):
            scene.frame_set(round(first + frame - scene.frame_start))
            np.testing.assert_allclose([*world_heads(back, [hips, *others]).values()], heads, atol=3e-3)
    other.travel = "HIPS"
    bake(take)
    assert np.allclose(target.pose.bones[root].matrix_basis, np.eye(4), atol=1e-6)
    np.testing.assert_allclose(seen(), expected, atol=2e-3)


def test_a_rig_without_a_root_bone_says_so(solved, addon, core, stroll):
    target, _ = anny_rigs.build("mixamo")
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.travel = "ROOT"
    with pytest.raises(core.LsmplError, match=r"mixamorig:Hips.*no bone that could travel"):
        addon("retargeting.bake_to_other").bake(take)
    assert target.animation_data is None or target.animation_data.action is None


def test_the_character_can_perform_where_it_stands(solved, addon, body, stroll):
    target, _ = anny_rigs.build("unreal")
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.place = "CHARACTER"
    addon("retargeting.bake_to_other").bake(take)
    bpy.context.scene.frame_set(40)
    first = world_heads(target, ["pelvis", "hand_l"])
    target.matrix_world = addon("retargeting.skeletons").Matrix.Translation((3, 1, 0)) @ addon(
        "retargeting.skeletons"
    ).Matrix.Rotation(1.0, 4, "Z")
    bpy.context.view_layer.update()
    addon("retargeting.bake_to_other").bake(take)
    bpy.context.scene.frame_set(40)
    for name, place in first.items():
        turned = addon("retargeting.skeletons").Matrix.Rotation(1.0, 3, "Z") @ addon("retargeting.skeletons").Vector(
            place
        )
        expected = np.array(turned) + (3, 1, 0)
        np.testing.assert_allclose(world_heads(target, [name])[name], expected, atol=1e-4)


def test_only_mapped_bones_get_keys_in_their_own_rotation_modes(solved, addon, stroll):
    target, _ = anny_rigs.build("mixamo")
    target.pose.bones["mixamorig:LeftArm"].rotation_mode = "YZX"
    target.pose.bones["mixamorig:Head"].rotation_mode = "AXIS_ANGLE"
    take = solved(stroll)
    choose(take, target)
    keys = curves_of(addon, addon("retargeting.bake_to_other").bake(take).action)
    bones = {item.bone for item in take.lsmpl.other.bones}
    paths = {path for path, _ in keys}
    assert paths == {
        f'pose.bones["{bone}"].'
        + {"mixamorig:LeftArm": "rotation_euler", "mixamorig:Head": "rotation_axis_angle"}.get(
            bone, "rotation_quaternion"
        )
        for bone in bones
    } | {'pose.bones["mixamorig:Hips"].location'}
    assert all(len(points) == len(stroll) for points in keys.values())


def test_a_range_is_baked_with_a_key_every_few_frames_on_fitted_curves(solved, addon, body, stroll):
    target, _ = anny_rigs.build("mixamo")
    take = solved(stroll)
    choose(take, target)
    other = take.lsmpl.other
    other.feet = False
    start = round(take.lsmpl.start)
    other.use_range, other.first, other.last, other.every = True, start + 10, start + 71, 4
    errors = {}
    for other.fit in (False, True):
        action = addon("retargeting.bake_to_other").bake(take).action
        keys = curves_of(addon, action)
        frames = next(iter(keys.values()))[:, 0]
        assert frames.tolist() == [*range(start + 10, start + 71, 4), start + 71]
        off = []
        for t in range(11, 71):
            bpy.context.scene.frame_set(start + t)
            heads = world_heads(target, ["mixamorig:LeftLeg", "mixamorig:LeftFoot"])
            joints = body.joints(stroll)[t]
            theirs = joints[body.joint_names.index("left_ankle")] - joints[body.joint_names.index("left_knee")]
            off.append(angle(heads["mixamorig:LeftFoot"] - heads["mixamorig:LeftLeg"], theirs))
        errors[other.fit] = np.mean(off)
    print(errors)
    assert errors[True] < 0.5 * errors[False]
    other.use_range, other.first, other.last = True, -50, -20
    with pytest.raises(Exception, match="nothing of it is between"):
        addon("retargeting.bake_to_other").bake(take)


def test_baking_again_replaces_our_action_and_keeps_an_edited_one(solved, addon, stroll):
    target, _ = anny_rigs.build("mixamo")
    take = solved(stroll)
    choose(take, target)
    own = bpy.data.actions.new("Idle")
    target.animation_data_create().action = own
    first = addon("retargeting.bake_to_other").bake(take)
    assert first.previous == own
    assert own.use_fake_user
    second = addon("retargeting.bake_to_other").bake(take)
    assert second.previous is None
    assert set(bpy.data.actions) == {own, second.action}
    next(iter(addon("characters.actions").fcurves(second.action))).keyframe_points[3].co.y += 0.5
    third = addon("retargeting.bake_to_other").bake(take)
    assert third.previous == second.action


def test_a_strip_of_its_own_leaves_the_rest_alone(solved, addon, body, stroll):
    target, _ = anny_rigs.build("mixamo")
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.feet = False
    track = target.animation_data_create().nla_tracks.new()
    track.name = "Idle"
    addon("retargeting.bake_to_other").bake(take)
    take.lsmpl.other.bake_to = "STRIP"
    for _ in range(2):
        baked = addon("retargeting.bake_to_other").bake(take)
        assert [track.name for track in target.animation_data.nla_tracks] == ["Idle", baked.action.name]
        assert [strip.action for strip in target.animation_data.nla_tracks[1].strips] == [baked.action]
        assert target.animation_data.action is None
        assert set(bpy.data.actions) == {baked.action}
    assert limb_errors(take, target, body, stroll).max() < 0.05


def test_a_failed_bake_changes_nothing(solved, addon, core, stroll):
    target = anny_rigs.rigify(True)
    take = solved(stroll)
    choose(take, target)
    target.pose.bones["torso"]["neck_follow"] = 0.25
    target.scale = (1, 1, 2)
    bpy.context.view_layer.update()
    actions = set(bpy.data.actions)
    with pytest.raises(core.LsmplError, match="Apply > Scale"):
        addon("retargeting.bake_to_other").bake(take)
    assert target.pose.bones["torso"]["neck_follow"] == 0.25
    assert target.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0
    assert set(bpy.data.actions) == actions
    target.scale = (1, 1, 1)
    next(item for item in take.lsmpl.other.bones if item.joint == "pelvis").bone = "nonsense"
    with pytest.raises(core.LsmplError, match="nonsense"):
        addon("retargeting.bake_to_other").bake(take)


def test_a_trial_leaves_the_pose_and_the_animation_as_they_were(solved, addon, stroll):
    target = anny_rigs.rigify(True)
    take = solved(stroll)
    choose(take, target)
    action = bpy.data.actions.new("Idle")
    target.animation_data_create().action = action
    target.pose.bones["chest"].rotation_quaternion = (0.9, 0.1, 0.3, 0.2)
    target.pose.bones["shoulder.L"].rotation_euler = (0.5, 3.0, -4.0)
    target.pose.bones["torso"]["neck_follow"] = 1.0
    target.pose.bones["thigh_parent.L"]["IK_FK"] = target.pose.bones["thigh_parent.R"]["IK_FK"] = 1.0
    target.update_tag()
    bpy.context.view_layer.update()
    before = [tuple(bone.matrix_basis.col[0]) + tuple(bone.rotation_euler) for bone in target.pose.bones]
    addon("retargeting.skeletons").measure(target, {item.bone: item.joint for item in take.lsmpl.other.bones}, take)
    after = [tuple(bone.matrix_basis.col[0]) + tuple(bone.rotation_euler) for bone in target.pose.bones]
    assert before == after
    assert target.animation_data.action == action


def test_the_mapping_is_edited_saved_and_loaded(solved, addon, stroll, tmp_path):
    target, _ = anny_rigs.build("mixamo")
    take = solved(stroll)
    bpy.context.view_layer.objects.active = take
    other = take.lsmpl.other
    other.target = target
    assert (len(other.bones), other.known_as) == (22, "Mixamo")
    other.active = 3
    assert bpy.ops.lsmpl.remove_bone() == {"FINISHED"}
    bpy.ops.lsmpl.add_bone()
    assert other.bones[other.active].joint == "spine1"
    other.bones[other.active].bone = "mixamorig:Spine1"
    path = tmp_path / "my_rig.json"
    with pytest.raises(RuntimeError, match="twice"):
        bpy.ops.lsmpl.save_bones(filepath=str(path))
    other.bones[other.active].bone = "mixamorig:LeftHandThumb1"
    bpy.ops.lsmpl.save_bones(filepath=str(path))
    saved = json.loads(path.read_text())
    assert saved["bones"]["mixamorig:LeftHandThumb1"] == "spine1"
    bpy.ops.lsmpl.detect_bones()
    assert {item.bone: item.joint for item in other.bones} != saved["bones"]
    bpy.ops.lsmpl.load_bones(filepath=str(path))
    assert {item.bone: item.joint for item in other.bones} == saved["bones"]
    assert other.known_as == "Mixamo"
    with pytest.raises(RuntimeError, match="none of the bones"):
        bpy.ops.lsmpl.preset_bones(preset="vroid")
    path.write_text(json.dumps({"bones": {"mixamorig:Hips": "pelvic"}}))
    with pytest.raises(RuntimeError, match="pelvis"):
        bpy.ops.lsmpl.load_bones(filepath=str(path))
    assert {item.bone: item.joint for item in other.bones} == saved["bones"]


def test_everything_survives_saving_and_an_unknown_rig_says_what_to_do(solved, addon, stroll, tmp_path):
    target, _ = anny_rigs.build("cmu")
    take = solved(stroll)
    choose(take, target)
    take.lsmpl.other.travel, take.lsmpl.other.every = "OBJECT", 3
    addon("retargeting.bake_to_other").bake(take)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    take = bpy.data.objects["Walk"]
    other = take.lsmpl.other
    assert other.target == bpy.data.objects["cmu"]
    assert (other.travel, other.every, len(other.bones), other.known_as) == ("OBJECT", 3, 23, "CMU motion capture")
    addon("retargeting.bake_to_other").bake(take)
    lamp = bpy.data.objects.new("Odd", bpy.data.armatures.new("Odd"))
    bpy.context.scene.collection.objects.link(lamp)
    other.target = lamp
    assert len(other.bones) == 0
    bpy.context.view_layer.objects.active = take
    assert not bpy.ops.lsmpl.bake_to_other.poll()
    bpy.ops.lsmpl.detect_bones()


def test_our_own_characters_are_not_offered(solved, addon, baked_take, random_motion):
    take, baked = baked_take(random_motion(frames=4))
    assert not addon("retargeting.settings")._may_be_target(take.lsmpl.other, baked.armature)


def test_frames_are_baked_on_another_character_in_bulk(addon, body, random_motion, count_calls):
    """Ten times as many frames are hardly more calls, and those are for feet, stand by stand."""
    target, _ = anny_rigs.build("mixamo", "XYZ")

    def calls(frames: int) -> int:
        motion = random_motion(frames=frames)
        take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "body_25"), "Long")
        choose(take, target)
        return count_calls(lambda: addon("retargeting.bake_to_other").bake(take, body, motion))

    calls(20)  # what is imported and cached by the first
    few, many = calls(200), calls(2000)
    assert many < 3.0 * few

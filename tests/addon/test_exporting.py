"""Export from the panel: what is written is what is seen, and nothing in Blender changes."""

import re
from dataclasses import replace

import bpy
import numpy as np
import pytest
from exchange import brought_back, frame_range, largest_errors

FORMATS = ["fbx", "glb", "bvh", "usdc"]


@pytest.fixture
def walk(core, body):
    """Twenty frames of a body that stands, turns and swings its limbs, with a shape of its own."""
    poses = np.zeros((20, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    swing = np.sin(np.linspace(0, 3, 20))
    poses[:, 1, 0], poses[:, 4, 0], poses[:, 16, 2], poses[:, 18, 1] = -0.6 * swing, 0.8 * swing, -swing, 1.2 * swing
    trans = np.linspace((0.0, 0.0, 1.0), (0.5, -1.0, 1.1), 20)
    return core.Motion(poses, trans, np.linspace(1, -1, 10), body=body.key, first_frame=5)


@pytest.fixture
def take(baked_take, walk):
    take, _ = baked_take(walk)
    bpy.context.view_layer.objects.active = take
    return take


def state() -> dict:
    """All that an export must leave as it is."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    kinds = ("objects", "meshes", "armatures", "actions", "scenes", "materials", "collections", "shape_keys")
    return {
        **{kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds},
        "scene": scene.name,
        "frame": (scene.frame_current, scene.frame_start, scene.frame_end, scene.render.fps),
        "selected": sorted(obj.name for obj in bpy.context.selected_objects),
        "active": layer.objects.active.name if layer.objects.active else None,
        "modes": {obj.name: obj.mode for obj in bpy.data.objects},
        "parents": {obj.name: obj.parent and obj.parent.name for obj in bpy.data.objects},
        "actions of": {
            obj.name: obj.animation_data and obj.animation_data.action and obj.animation_data.action.name
            for obj in bpy.data.objects
        },
        "keys": {keys.name: [key.value for key in keys.key_blocks] for keys in bpy.data.shape_keys},
        "data": sorted(data.name for data in (*bpy.data.meshes, *bpy.data.armatures)),
        "places": {obj.name: [list(row) for row in obj.matrix_world] for obj in bpy.data.objects},
    }


def expected_of(body, motion):
    return body.joints(motion), replace(body, pose_directions=None).vertices(motion)


@pytest.mark.parametrize("format", FORMATS)
def test_a_character_comes_back_from_its_file_and_nothing_has_changed(take, body, walk, tmp_path, format):
    bpy.context.scene.frame_set(9)
    take.lsmpl.body_mesh.select_set(True)
    before = state()
    out = tmp_path / f"walk.{format}"
    assert bpy.ops.lsmpl.export(filepath=str(out)) == {"FINISHED"}
    assert state() == before
    assert re.search(rb"Body[._]001", out.read_bytes()) is None, "names are those in the scene"
    armature, mesh = brought_back(out, fps=30)
    first, last = frame_range(armature)
    assert last - first == pytest.approx(19, abs=0.01)
    joints, vertices = largest_errors(body, armature, mesh, expected_of(body, walk), round(first))
    assert joints < 1e-3 and vertices < 2e-3


@pytest.mark.parametrize("format", FORMATS)
def test_a_hidden_character_in_pose_mode_that_was_moved_is_exported_as_it_is_seen(take, body, walk, tmp_path, format):
    armature = take.lsmpl.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    take.lsmpl.body_mesh.hide_viewport = True
    armature.location, armature.rotation_euler = (1.0, 2.0, 0.5), (0.0, 0.0, 0.7)
    bpy.context.view_layer.update()
    world = np.array(armature.matrix_world)
    out = tmp_path / f"walk.{format}"
    before = state()
    bpy.ops.lsmpl.export(filepath=str(out))
    assert state() == before
    bpy.ops.object.mode_set(mode="OBJECT")
    joints, vertices = (points @ world[:3, :3].T + world[:3, 3] for points in expected_of(body, walk))
    armature, mesh = brought_back(out, fps=30)
    errors = largest_errors(body, armature, mesh, (joints, vertices), round(frame_range(armature)[0]))
    assert max(errors) < 2e-3


def test_only_the_chosen_frames_are_exported(take, body, walk, tmp_path):
    settings = bpy.context.scene.lsmpl_export
    settings.range, settings.first, settings.last = "CUSTOM", 8, 12
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "part.glb"))
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "part.npz"))
    settings.last = 3
    with pytest.raises(RuntimeError, match="before the first"):
        bpy.ops.lsmpl.export(filepath=str(tmp_path / "none.glb"))
    armature, mesh = brought_back(tmp_path / "part.glb", fps=30)
    first, last = frame_range(armature)
    assert last - first == pytest.approx(4, abs=0.01)
    joints, vertices = expected_of(body, walk)
    assert max(largest_errors(body, armature, mesh, (joints[3:8], vertices[3:8]), round(first))) < 2e-3


def test_the_action_as_edited_comes_out_as_smpl(addon, core, take, body, walk, tmp_path):
    assert bpy.ops.lsmpl.export(filepath=str(tmp_path / "as_baked.npz")) == {"FINISHED"}
    back = core.Motion.load(tmp_path / "as_baked.npz")
    np.testing.assert_allclose(body.joints(back), body.joints(walk), atol=1e-4)
    np.testing.assert_allclose(back.betas, walk.betas, atol=1e-6)
    assert (back.fps, back.first_frame, back.body, len(back)) == (30.0, 5, body.key, 20)
    armature = take.lsmpl.armature
    bone = armature.pose.bones["left_elbow"]
    for curve in addon("characters.actions").fcurves(take.lsmpl_bake.action):
        if "left_elbow" in curve.data_path:
            for key in curve.keyframe_points:
                key.co.y = 1.0 if curve.array_index == 0 else 0.0
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "edited.npz"))
    edited = core.Motion.load(tmp_path / "edited.npz")
    elbow = body.joint_names.index("left_elbow")
    np.testing.assert_allclose(edited.poses[:, elbow], 0.0, atol=1e-4)
    bpy.context.scene.frame_set(15)
    heads = np.array([armature.pose.bones[name].head for name in body.joint_names])
    np.testing.assert_allclose(body.joints(edited)[10], heads, atol=1e-4)
    assert bone.rotation_mode == "QUATERNION"


def test_constraints_and_the_shape_by_hand_are_in_the_motion(core, take, body, tmp_path):
    armature = take.lsmpl.armature
    armature.lsmpl_shape.betas = [2.0] + [0.0] * 9
    turn = armature.pose.bones["head"].constraints.new("COPY_ROTATION")
    turn.target, turn.subtarget = armature, "pelvis"
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "held.npz"))
    motion = core.Motion.load(tmp_path / "held.npz")
    np.testing.assert_allclose(motion.betas, [2.0] + [0.0] * 9, atol=1e-6)
    bpy.context.scene.frame_set(12)
    heads = np.array([armature.pose.bones[name].head for name in body.joint_names])
    np.testing.assert_allclose(body.joints(motion)[7], heads, atol=1e-4)


def test_the_motion_as_computed_can_be_exported_instead(core, addon, take, walk, tmp_path):
    bpy.context.scene.lsmpl_export.motion = "LATEST"
    bpy.data.objects.remove(take.lsmpl.armature)
    bpy.context.scene.lsmpl_export.format = "npz"
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "latest.npz"))
    np.testing.assert_allclose(core.Motion.load(tmp_path / "latest.npz").poses, walk.poses, atol=1e-5)


def test_a_take_at_another_rate_keeps_its_frames_as_smpl(core, addon, body, walk, tmp_path):
    scene = bpy.context.scene
    scene.render.fps = 24
    motion = replace(walk, fps=50.0, first_frame=0)
    take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Fast")
    take.lsmpl_bake.keys = "TAKE"
    addon("solving.solve").keep(take, scene, motion, body)
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "fast.npz"))
    back = core.Motion.load(tmp_path / "fast.npz")
    assert (len(back), back.fps) == (20, 50.0)
    np.testing.assert_allclose(body.joints(back), body.joints(motion), atol=1e-4)


def test_all_takes_go_to_a_folder_each_with_its_own_motion(core, addon, body, walk, tmp_path):
    """Two takes on one character: each file holds its own, whatever the character plays."""
    scene = bpy.context.scene
    scene.render.fps = 30
    motions = {"One": walk, "Two": replace(walk, trans=walk.trans + 1.0)}
    first = None
    for name, motion in motions.items():
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), name)
        take.lsmpl_bake.onto = first
        first = addon("solving.solve").keep(take, scene, motion, body).armature
    assert len([obj for obj in bpy.data.objects if obj.type == "ARMATURE"]) == 1
    assert bpy.ops.lsmpl.export_all(directory=str(tmp_path), format="npz") == {"FINISHED"}
    for name, motion in motions.items():
        back = core.Motion.load(tmp_path / f"{name}.npz")
        np.testing.assert_allclose(body.joints(back), body.joints(motion), atol=1e-4)
    assert bpy.ops.lsmpl.export_all(directory=str(tmp_path), format="glb") == {"FINISHED"}
    armature, mesh = brought_back(tmp_path / "One.glb", fps=30)
    joints = largest_errors(body, armature, mesh, expected_of(body, walk), round(frame_range(armature)[0]))
    assert max(joints) < 2e-3


def test_takes_of_names_that_files_cannot_have_get_files_of_their_own(addon, body, walk, tmp_path):
    """Windows forbids some characters and words, and tells no files apart by case; any language's letters stay."""
    scene = bpy.context.scene
    for name in ("歩く", "走る", "a:b", "a.b", "a_b", "A_B", "con"):
        take = addon("importing.adding").add_take(scene, body.keypoints(walk, "body_25"), name)
        addon("solving.solve").keep(take, scene, walk, body, bake=False)
    scene.lsmpl_export.motion = "LATEST"
    assert bpy.ops.lsmpl.export_all(directory=str(tmp_path), format="npz") == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{name}.npz" for name in ("歩く", "走る", "a_b", "a.b", "a_b_2", "A_B_3", "_con")
    )


def test_one_take_that_fails_does_not_stop_the_others(addon, take, body, walk, tmp_path):
    other = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(walk, "body_25"), "Unbaked")
    addon("solving.solve").keep(other, bpy.context.scene, walk, body, bake=False)
    assert bpy.ops.lsmpl.export_all(directory=str(tmp_path), format="bvh") == {"FINISHED"}
    assert [path.name for path in tmp_path.iterdir()] == ["Test.bvh"]


def test_an_export_that_fails_leaves_the_older_file_and_the_scene(addon, core, take, tmp_path, monkeypatch):
    out = tmp_path / "walk.fbx"
    out.write_text("older")
    before = state()

    def fail(stage, path):
        path.write_text("half")
        raise RuntimeError("as if Blender had failed")

    exporting = addon("exporting.files")
    monkeypatch.setitem(exporting.FORMATS, "fbx", ("FBX", "", fail))
    with pytest.raises(RuntimeError, match="as if"):
        bpy.ops.lsmpl.export(filepath=str(out))
    assert out.read_text() == "older"
    assert state() == before


@pytest.mark.parametrize("gone", ["rig", "scene"])
def test_what_was_deleted_before_it_was_written_is_told(addon, core, take, tmp_path, gone):
    """Blender has its turn between the press and the writing."""
    scene = bpy.context.scene
    steps = addon("exporting.takes_to_files").export_steps(take, scene, tmp_path / "walk.bvh")
    next(steps)
    if gone == "rig":
        bpy.data.objects.remove(take.lsmpl.armature)
    else:
        other = bpy.data.scenes.new("Other")
        bpy.context.window.scene = other
        bpy.data.scenes.remove(scene)
    with pytest.raises(core.LsmplError, match=r"was deleted, .* while it was being exported"):
        next(steps)
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_exported_says_why(addon, take, tmp_path):
    with pytest.raises(RuntimeError, match=r"walk\.bvh"):
        bpy.ops.lsmpl.export(filepath=str(tmp_path / "nowhere" / "walk.bvh"))
    take.lsmpl.start = -10
    bpy.ops.lsmpl.bake()
    with pytest.raises(RuntimeError, match="below 0"):
        bpy.ops.lsmpl.export(filepath=str(tmp_path / "walk.fbx"))
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "walk.npz"))
    assert (tmp_path / "walk.npz").exists()
    bpy.data.objects.remove(take.lsmpl.armature)
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.lsmpl.export(filepath=str(tmp_path / "walk.fbx"))


def test_a_take_as_a_strip_plays_and_is_exported(addon, core, take, body, walk, tmp_path):
    take.lsmpl_bake.as_strip = True
    for _ in range(2):
        bpy.ops.lsmpl.bake()
    animation = take.lsmpl.armature.animation_data
    assert animation.action is None
    (track,) = animation.nla_tracks
    assert [strip.action for strip in track.strips] == [take.lsmpl_bake.action]
    assert len(bpy.data.actions) == 1
    bpy.ops.lsmpl.export(filepath=str(tmp_path / "strip.npz"))
    np.testing.assert_allclose(body.joints(core.Motion.load(tmp_path / "strip.npz")), body.joints(walk), atol=1e-4)


def test_strips_of_several_takes_share_a_character(addon, body, walk):
    scene = bpy.context.scene
    scene.render.fps = 30
    later = replace(walk, trans=walk.trans + 1.0, first_frame=40)
    armature = None
    for name, motion in (("One", walk), ("Two", later)):
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), name)
        take.lsmpl_bake.onto, take.lsmpl_bake.as_strip = armature, True
        armature = addon("solving.solve").keep(take, scene, motion, body).armature
    assert [track.name for track in armature.animation_data.nla_tracks] == ["One", "Two"]
    for motion in (walk, later):
        scene.frame_set(motion.first_frame + 7)
        heads = np.array([armature.pose.bones[name].head for name in body.joint_names])
        np.testing.assert_allclose(heads, body.joints(motion)[7], atol=1e-3)

"""Pose correctives: the evaluated mesh is the core's, wherever the character goes, and leaves no trace when off."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from exchange import brought_back, frame_range
from exchange import largest_errors as errors_of_file
from test_baking import mesh_vertices
from test_shape import OTHER

KEYS_OF_THE_OPEN_BODY = 14 * 9


@pytest.fixture
def correctives(addon):
    return addon("characters.correctives")


def corrected_error(armature, mesh, body, motion, frames=None) -> float:
    """Metres: how far a mesh is from the core's with pose correctives, at worst."""
    expected, worst = body.vertices(motion, correctives=True), 0.0
    place = np.array(armature.matrix_world)
    for t in range(len(motion)) if frames is None else frames:
        bpy.context.scene.frame_set(motion.first_frame + t)
        moved = expected[t] @ place[:3, :3].T + place[:3, 3]
        worst = max(worst, np.linalg.norm(mesh_vertices(mesh) - moved, axis=1).max())
    print(f"{1000 * worst:.4f} mm")
    return worst


def plain_error(armature, mesh, body, motion, frames=None) -> float:
    return corrected_error(armature, mesh, replace(body, pose_directions=None), motion, frames)


def pose_as_read(addon, armature, motion):
    """The motion that a character shows from frame 0 on."""
    frames, run = np.arange(len(motion)), addon("characters.baking").run_to_end
    return run(addon("staging.reading").read_pose(armature, bpy.context.scene, frames, motion.fps))


def toggle(armature) -> None:
    bpy.context.view_layer.objects.active = armature
    assert bpy.ops.lsmpl.pose_correctives() == {"FINISHED"}


@pytest.fixture
def corrected(baked_take, random_motion):
    """`corrected()`: a character with pose correctives on: (take, Baked, motion)."""

    def make(frames=12, seed=0):
        motion = random_motion(frames=frames, seed=seed)
        take, baked = baked_take(motion)
        toggle(baked.armature)
        return take, baked, motion

    return make


def test_the_mesh_is_the_cores_in_random_poses_and_shapes(correctives, corrected, body):
    for seed in range(3):
        _, baked, motion = corrected(seed=seed)
        assert len(correctives.keys_of(baked.body_mesh)) == KEYS_OF_THE_OPEN_BODY
        assert corrected_error(baked.armature, baked.body_mesh, body, motion) < 1e-4
        assert plain_error(baked.armature, baked.body_mesh, body, motion) > 0.01
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")


def test_a_users_body_has_its_own(addon, core, correctives, body, random_motion, tmp_path):
    """As official files are: every joint corrects, and vertices far from it."""
    rng, arrays = np.random.default_rng(3), body.as_smpl()
    arrays["posedirs"] = arrays["posedirs"] + rng.normal(scale=2e-3, size=arrays["posedirs"].shape)
    arrays["posedirs"][:, :, 9 * 21 :] *= 1e-4  # but for the hands, which are too little to be seen
    np.savez(tmp_path / "mine.npz", **arrays)
    mine = core.load_body(tmp_path / "mine.npz")
    scene = bpy.context.scene
    motion = replace(random_motion(frames=8), body=mine.key)
    take = addon("importing.adding").add_take(scene, mine.keypoints(motion, "body_25"), "Mine")
    addon("importing.adding").match_scene(scene, [take])
    baked = addon("solving.solve").keep(take, scene, motion, mine, str(tmp_path / "mine.npz"))
    toggle(baked.armature)
    assert len(correctives.keys_of(baked.body_mesh)) == 21 * 9
    assert corrected_error(baked.armature, baked.body_mesh, mine, motion) < 1e-3
    toggle(baked.armature)
    (tmp_path / "mine.npz").unlink()
    with pytest.raises(RuntimeError, match=r"mine\.npz"):
        bpy.ops.lsmpl.pose_correctives()


def test_a_body_without_them_says_so_and_new_characters_of_it_have_none(addon, correctives, body, random_motion):
    plain = replace(body, pose_directions=None)
    scene, motion = bpy.context.scene, random_motion(frames=3)
    scene.lsmpl.pose_correctives = True
    take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Plain")
    baked = addon("solving.solve").keep(take, scene, motion, plain)
    assert not correctives.are_on(baked.armature)
    with pytest.raises(addon("errors").LsmplError, match="without pose correctives"):
        correctives.add(baked.armature, plain)


def test_new_characters_have_them_where_the_scene_says_so(correctives, baked_take, body, random_motion):
    bpy.context.scene.lsmpl.pose_correctives = True
    motion = random_motion(frames=5)
    take, baked = baked_take(motion)
    assert corrected_error(baked.armature, baked.body_mesh, body, motion) < 1e-4
    toggle(baked.armature)
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.bake()
    assert not correctives.are_on(take.lsmpl.armature)  # a character that is there keeps what it has


def test_drivers_need_no_python(corrected):
    _, baked, _ = corrected(frames=3)
    drivers = baked.body_mesh.data.shape_keys.animation_data.drivers
    assert sum("Corrective" in curve.data_path for curve in drivers) == KEYS_OF_THE_OPEN_BODY
    assert all(curve.driver.is_simple_expression and curve.driver.is_valid for curve in drivers)


def test_keys_that_show_nothing_are_left_out(correctives, corrected):
    _, baked, _ = corrected(frames=3)
    blocks = baked.body_mesh.data.shape_keys.key_blocks
    at_rest, moved = (np.empty(3 * len(baked.body_mesh.data.vertices), dtype=np.float32) for _ in range(2))
    blocks["Basis"].data.foreach_get("co", at_rest)
    for key in correctives.keys_of(baked.body_mesh):
        key.data.foreach_get("co", moved)
        assert np.abs(moved - at_rest).max() > 5e-5, key.name
    assert [key.name for key in blocks][:11] == ["Basis", *(f"Shape {n}" for n in range(1, 11))]
    assert not any("head" in name or "pelvis" in name for name in [key.name for key in blocks])


def driven_keys(mesh) -> list[str]:
    return [curve.data_path for curve in mesh.data.shape_keys.animation_data.drivers]


def test_switching_off_leaves_no_trace(correctives, baked_take, body, random_motion, tmp_path):
    motion = random_motion(frames=5)
    _, baked = baked_take(motion)
    mesh = baked.body_mesh

    def size() -> int:
        out = tmp_path / "size.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(out), copy=True, compress=False)
        return out.stat().st_size

    mine = mesh.shape_key_add(name="Mine", from_mix=False)
    mesh.active_shape_key_index = 3
    names, before = [key.name for key in mesh.data.shape_keys.key_blocks], size()
    driven = driven_keys(mesh)
    toggle(baked.armature)
    assert mesh.active_shape_key_index == 3
    assert size() > before + 15_000_000
    toggle(baked.armature)
    keys = mesh.data.shape_keys
    assert [key.name for key in keys.key_blocks] == names
    assert (driven_keys(mesh), list(keys.keys()), mesh.active_shape_key_index) == (driven, [], 3)
    assert abs(size() - before) < 10_000
    assert plain_error(baked.armature, mesh, body, motion) < 1e-3
    assert mine.name == "Mine"


def test_drivers_of_the_users_own_stay(correctives, corrected):
    _, baked, _ = corrected(frames=3)
    baked.body_mesh.shape_key_add(name="Mine", from_mix=False).driver_add("value").driver.expression = "0.5"
    toggle(baked.armature)
    assert 'key_blocks["Mine"].value' in driven_keys(baked.body_mesh)
    assert not any("Corrective" in path for path in driven_keys(baked.body_mesh))


def test_the_shape_can_still_be_changed(addon, corrected, body):
    """Betas move bones and skin; correctives do not depend on them."""
    _, baked, motion = corrected()
    baked.armature.lsmpl_shape.betas = OTHER
    read = pose_as_read(addon, baked.armature, motion)
    np.testing.assert_allclose(read.betas, OTHER)
    assert corrected_error(baked.armature, baked.body_mesh, body, replace(read, first_frame=0)) < 1e-4
    assert addon("characters.shape").meshes_of(baked.armature) == [baked.body_mesh]
    bpy.ops.lsmpl.shape_of_take()
    assert corrected_error(baked.armature, baked.body_mesh, body, motion) < 1e-4


def test_constraints_and_other_rotation_modes_count(addon, corrected, body):
    _, baked, motion = corrected()
    bones = baked.armature.pose.bones
    bones["left_elbow"].rotation_mode = "XYZ"  # its keys are for another mode, so this poses it
    bones["left_elbow"].rotation_euler = (0.3, -0.4, 2.0)
    turn = bones["right_knee"].constraints.new("COPY_ROTATION")
    turn.target, turn.subtarget = baked.armature, "head"
    goal = bpy.data.objects.new("Goal", None)
    bpy.context.scene.collection.objects.link(goal)
    goal.location = (0.4, -0.6, 1.3)
    reach = bones["right_wrist"].constraints.new("IK")
    reach.target, reach.chain_count = goal, 3
    read = pose_as_read(addon, baked.armature, motion)
    assert np.abs(read.poses - motion.poses).max() > 0.1
    assert corrected_error(baked.armature, baked.body_mesh, body, read) < 1e-3


def test_bones_that_were_rolled_ask_for_new_ones_and_baking_makes_them(correctives, corrected, body):
    _, baked, motion = corrected()
    assert not correctives.are_for_other_bones(baked.armature)
    baked.armature.lsmpl_shape.betas = OTHER  # moves bones and does not turn them
    assert not correctives.are_for_other_bones(baked.armature)
    bpy.ops.lsmpl.shape_of_take()
    bpy.ops.object.mode_set(mode="EDIT")
    baked.armature.data.edit_bones["left_elbow"].roll += 0.7
    bpy.ops.object.mode_set(mode="OBJECT")
    assert correctives.are_for_other_bones(baked.armature)
    assert bpy.ops.lsmpl.bake() == {"FINISHED"}
    assert not correctives.are_for_other_bones(baked.armature)
    assert corrected_error(baked.armature, baked.body_mesh, body, motion) < 1e-3


def test_a_renamed_bone_keeps_its_own(corrected, body):
    _, baked, motion = corrected(frames=4)
    baked.armature.data.bones["left_elbow"].name = "Ellbogen"
    assert corrected_error(baked.armature, baked.body_mesh, body, motion) < 1e-4


def test_another_take_on_the_same_character_has_them(addon, corrected, body, random_motion):
    _, baked, _ = corrected()
    scene, other = bpy.context.scene, replace(random_motion(seed=5), first_frame=0)
    take = addon("importing.adding").add_take(scene, body.keypoints(other, "body_25"), "Other")
    take.lsmpl_bake.onto = baked.armature
    again = addon("solving.solve").keep(take, scene, other, body)
    other = replace(other, betas=addon("characters.shape").betas_of(baked.armature))
    read = pose_as_read(addon, again.armature, other)
    assert again.body_mesh == baked.body_mesh
    np.testing.assert_allclose(read.poses[:, 1:], other.poses[:, 1:], atol=1e-3)
    assert corrected_error(again.armature, again.body_mesh, body, read) < 1e-4


@pytest.mark.parametrize("linked", [False, True])
def test_a_duplicate_has_its_own(corrected, body, linked):
    """Alt D shares the mesh, whose keys can follow one rig alone: it stays with the first."""
    _, baked, motion = corrected()
    baked.body_mesh.select_set(True)
    baked.armature.select_set(True)
    bpy.ops.object.duplicate(linked=linked)
    rig, mesh = bpy.data.objects[f"{baked.armature.name}.001"], bpy.data.objects[f"{baked.body_mesh.name}.001"]
    assert mesh.parent == rig and (mesh.data == baked.body_mesh.data) == linked
    if linked:
        bpy.context.view_layer.objects.active = rig
        with pytest.raises(RuntimeError, match="poll"):
            bpy.ops.lsmpl.pose_correctives()
        return
    targets = {
        target.id
        for curve in mesh.data.shape_keys.animation_data.drivers
        for variable in curve.driver.variables
        for target in variable.targets
    }
    assert targets == {rig}
    baked.armature.animation_data_clear()
    for bone in baked.armature.pose.bones:
        bone.matrix_basis.identity()
    assert corrected_error(rig, mesh, body, motion) < 1e-4


@pytest.mark.parametrize("link", [False, True])
def test_a_character_works_in_another_file(correctives, corrected, body, tmp_path, link):
    _, baked, motion = corrected()
    names = (baked.armature.name, baked.body_mesh.name)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "from.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "from.blend"), link=link) as (_, wanted):
        wanted.objects = list(names)
    scene = bpy.context.scene
    scene.render.fps = 30
    armature, mesh = wanted.objects
    for obj in (armature, mesh):
        scene.collection.objects.link(obj)
    assert corrected_error(armature, mesh, body, motion) < 1e-4
    assert ("is linked" in correctives.why_fixed(armature)) == link


def test_a_saved_file_plays_without_lsmpl(corrected, body, tmp_path):
    _, baked, motion = corrected(frames=4)
    out = tmp_path / "played.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(out))
    script = f"""
import bpy, numpy as np
bpy.ops.wm.open_mainfile(filepath={str(out)!r}, use_scripts=False)
assert not hasattr(bpy.types.Scene, "lsmpl")
played = []
for frame in range(4):
    bpy.context.scene.frame_set(frame)
    mesh = bpy.data.objects[{baked.body_mesh.name!r}].evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    vertices = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", vertices)
    played.append(vertices.reshape(-1, 3))
np.save({str(tmp_path / "played.npy")!r}, played)
"""
    empty = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "profile")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=empty)
    assert done.returncode == 0, done.stderr
    played = np.load(tmp_path / "played.npy")
    assert np.linalg.norm(played - body.vertices(motion, correctives=True), axis=-1).max() < 1e-4


def test_one_undo_takes_them_back_and_a_redo_brings_them(correctives, baked_take, random_motion):
    _, baked = baked_take(random_motion(frames=3))
    name = baked.armature.name
    bpy.context.view_layer.objects.active = baked.armature
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.lsmpl.pose_correctives()
    bpy.ops.ed.undo_push(message="Pose Correctives")
    bpy.ops.ed.undo()
    assert not correctives.are_on(bpy.data.objects[name])
    bpy.ops.ed.redo()
    assert correctives.are_on(bpy.data.objects[name])


def test_what_cannot_have_them_says_why_and_is_left_alone(addon, correctives, baked_take, body, random_motion):
    error = addon("errors").LsmplError
    _, baked = baked_take(random_motion(frames=3))
    armature, mesh = baked.armature, baked.body_mesh
    twin = bpy.data.objects.new("Twin", mesh.data)
    assert "shares the mesh" in correctives.why_fixed(armature)
    bpy.data.objects.remove(twin)
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in correctives.why_fixed(armature)
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(error, match="was edited"):
        correctives.add(armature, body)
    other = replace(body, v_template=body.v_template * 1.1)
    with pytest.raises(error, match="another body"):
        correctives.add(armature, other)
    bpy.data.objects.remove(mesh)
    with pytest.raises(error, match="no body mesh"):
        correctives.add(armature, body)
    assert correctives.why_fixed(bpy.data.objects.new("Empty", None)) == "is no character of LSMPL"


def test_a_failure_leaves_the_character_as_it_was(correctives, baked_take, body, random_motion, monkeypatch):
    _, baked = baked_take(random_motion(frames=3))
    keys = baked.body_mesh.data.shape_keys
    names, drive, calls = list(keys.key_blocks.keys()), correctives._drive, []
    driven = driven_keys(baked.body_mesh)

    def fails(*args):
        calls.append(args)
        if len(calls) == 50:
            raise MemoryError
        drive(*args)

    monkeypatch.setattr(correctives, "_drive", fails)
    with pytest.raises(MemoryError):
        correctives.add(baked.armature, body)
    assert (list(keys.key_blocks.keys()), driven_keys(baked.body_mesh)) == (names, driven)


def test_where_soles_are_at_rest_does_not_depend_on_the_pose(addon, corrected):
    """As another take's other character."""
    _, baked, _ = corrected(frames=6)
    seen = []
    for frame in (0, 5):
        bpy.context.scene.frame_set(frame)
        seen.append(addon("retargeting.skeletons").skin_of(baked.armature))
    np.testing.assert_array_equal(*seen)


@pytest.mark.parametrize("format", ["fbx", "glb", "usdc"])
@pytest.mark.parametrize("kept", [False, True])
def test_exports_leave_them_out_unless_they_are_asked_for(corrected, body, tmp_path, format, kept):
    take, baked, motion = corrected(frames=14)
    bpy.context.view_layer.objects.active = take
    bpy.context.scene.lsmpl_export.pose_correctives = kept
    bpy.context.scene.frame_set(5)
    before = [(keys.name, [key.name for key in keys.key_blocks]) for keys in bpy.data.shape_keys]
    out = tmp_path / f"out.{format}"
    assert bpy.ops.lsmpl.export(filepath=str(out)) == {"FINISHED"}
    assert [(keys.name, [key.name for key in keys.key_blocks]) for keys in bpy.data.shape_keys] == before
    assert corrected_error(baked.armature, baked.body_mesh, body, motion, (3,)) < 1e-4
    armature, mesh = brought_back(out, fps=30)
    keys = mesh.data.shape_keys
    assert (len(keys.key_blocks) - 1 if keys else 0) == (KEYS_OF_THE_OPEN_BODY if kept else 0)
    for key in keys.key_blocks[1:] if keys else ():
        key.slider_min = -1.0  # Blender's importers limit keys to 0 and more, the files have what is below, too
    expected = body.joints(motion), body.vertices(motion, correctives=kept)
    assert max(errors_of_file(body, armature, mesh, expected, round(frame_range(armature)[0]))) < 2e-3


@pytest.mark.parametrize("format", ["bvh", "npz"])
def test_files_without_a_mesh_have_nothing_of_them(corrected, tmp_path, format):
    take, baked, _ = corrected(frames=4)
    written = []
    for _ in range(2):
        bpy.context.view_layer.objects.active = take
        out = Path(tmp_path / f"out{len(written)}.{format}")
        bpy.ops.lsmpl.export(filepath=str(out))
        written.append(np.load(out)["poses"] if format == "npz" else out.read_text())
        toggle(baked.armature)
    np.testing.assert_array_equal(*written)

"""Doubtful frames in Blender: jumping to them, marking them, and the residual as a curve."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_live import walk


@pytest.fixture
def solved(addon, core, body):
    """A take of 120 frames from frame 11, 4 mm off, but 60 mm in 30 to 32 and 90 mm in 80 (counted from 0)."""

    def make(scene_fps: int = 30):
        motion = replace(walk(core, body, frames=120), first_frame=11)
        layout = body.keypoints(motion, "body_25").layout
        motion.keypoint_names = layout.keypoints
        motion.residual = np.full((120, 25), 0.004)
        motion.residual[30:33] = 0.06
        motion.residual[31, 3] = 0.2
        motion.residual[80] = 0.09
        motion.residual[100:110] = np.nan
        motion.condition = np.ones((120, 25), dtype=np.uint8)
        scene = bpy.context.scene
        scene.render.fps = scene_fps
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, layout), "Walk")
        scene.frame_end = 500
        addon("solving.solve").keep(take, scene, motion, body)
        bpy.context.view_layer.objects.active = take
        return take

    return make


def jump(where: str) -> float:
    bpy.ops.lsmpl.jump_to_doubtful(where=where)
    return bpy.context.scene.frame_current_final


def test_jumps_go_to_the_worst_frame_of_each_stretch(solved, addon):
    solved()
    assert [s.worst for s in addon("solving.quality").stretches(bpy.data.objects["Walk"])] == [31, 80]
    bpy.context.scene.frame_set(1)
    assert jump("NEXT") == 11 + 31
    assert jump("NEXT") == 11 + 80
    assert jump("NEXT") == 11 + 80  # there is none after it
    assert jump("PREVIOUS") == 11 + 31
    assert jump("WORST") in (11 + 31, 11 + 80)


def test_jumps_in_a_scene_of_another_rate(solved):
    take = solved(scene_fps=25)
    assert take.lsmpl.step == pytest.approx(25 / 30)
    bpy.context.scene.frame_set(1)
    assert jump("NEXT") == pytest.approx(11 + 31 * 25 / 30, abs=1e-4)
    assert jump("NEXT") == pytest.approx(11 + 80 * 25 / 30, abs=1e-4)


def test_markers_come_and_go_and_leave_others_alone(solved):
    take = solved()
    scene = bpy.context.scene
    scene.timeline_markers.new("mine", frame=3)
    bpy.ops.lsmpl.mark_doubtful()
    assert sorted(m.frame for m in scene.timeline_markers) == [3, 42, 91]
    assert any("200 mm off" in m.name or "on average" in m.name for m in scene.timeline_markers)
    bpy.ops.lsmpl.mark_doubtful()
    assert len(scene.timeline_markers) == 3
    bpy.ops.lsmpl.unmark_doubtful()
    assert [m.name for m in scene.timeline_markers] == ["mine"]
    assert not bpy.ops.lsmpl.unmark_doubtful.poll()
    assert take.lsmpl.solved


def test_another_solve_brings_the_markers_up_to_date(solved, addon, body):
    take = solved()
    bpy.ops.lsmpl.mark_doubtful()
    motion = addon("takes.layers").load(take)
    motion.residual[80] = 0.004
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    assert [m.frame for m in bpy.context.scene.timeline_markers] == [42]


def test_a_take_without_doubtful_frames_says_so(addon, core, body, baked_take):
    baked_take(walk(core, body, frames=40))
    assert addon("solving.quality").stretches(bpy.data.objects["Test"]) == []
    assert not bpy.ops.lsmpl.jump_to_doubtful.poll()
    assert not bpy.ops.lsmpl.mark_doubtful.poll()


def test_the_residual_is_a_curve_of_the_armature(solved, addon):
    take = solved()
    rig, scene = take.lsmpl.armature, bpy.context.scene
    for frame, millimetres in ((11, 4.0), (11 + 80, 90.0)):
        scene.frame_set(frame)
        shown = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())["Residual (mm)"]
        assert shown == pytest.approx(millimetres, abs=1e-3)
    curves = {c.data_path: c for c in addon("characters.actions").fcurves(rig.animation_data.action)}
    assert len(curves['["Residual (mm)"]'].keyframe_points) == 110  # none where nothing was measured
    assert len(curves['pose.bones["head"].rotation_quaternion'].keyframe_points) == 120


def test_the_curve_does_not_make_the_action_look_edited(solved, addon):
    take = solved()
    assert addon("characters.baking").bake(take, bpy.context.scene).previous is None
    take.lsmpl.armature["Residual (mm)"] = 3.0
    assert addon("characters.baking").bake(take, bpy.context.scene).previous is None


def test_a_cleaned_take_keeps_the_curve(solved, addon):
    take = solved()
    addon("solving.clean_up").clean_up(take, bpy.context.scene)
    curves = [c.data_path for c in addon("characters.actions").fcurves(take.lsmpl.armature.animation_data.action)]
    assert '["Residual (mm)"]' in curves


def test_facts_of_a_frame(solved, addon):
    take = solved()
    told = addon("solving.quality").facts(take, 31)
    assert told.worst == pytest.approx(0.2)
    assert told.worst_keypoint == "right_elbow"
    assert told.residual == pytest.approx((24 * 0.06 + 0.2) / 25)
    assert addon("solving.quality").facts(take, 105).residual is None


def test_a_stretch_that_was_refined_is_dealt_with(solved, addon, body):
    take = solved()
    layers = addon("takes.layers")
    motion = layers.load(take).frames(slice(29, 34))
    layers.switch(take, "refined", layers.changed(take, "refined", 29, motion, body.joints(motion)))
    assert [s.worst for s in addon("solving.quality").stretches(take)] == [80]

"""The keypoints in the viewport: the right ones, at the right frame, with or without the add-on."""

import bpy
import numpy as np
import pytest

BALL = 42  # vertices of an icosphere with two subdivisions


def balls(take) -> np.ndarray:
    """Centres (N,3) of the spheres that are shown now."""
    evaluated = take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    at = np.empty(3 * len(evaluated.vertices), dtype=np.float32)
    evaluated.vertices.foreach_get("co", at)
    residual = evaluated.attributes.get("confidence")
    is_ball = np.empty(len(evaluated.vertices), dtype=np.float32)
    residual.data.foreach_get("value", is_ball)  # tubes have no confidence
    take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh_clear()
    return at.reshape(-1, 3)[is_ball > 0].reshape(-1, BALL, 3).mean(axis=1)


@pytest.fixture
def take(addon, body, random_motion):
    track = body.keypoints(random_motion(frames=12, first_frame=5), "body_25")
    track.positions[3, 4] = np.nan
    track.confidence[3, 4] = 0
    take = addon("importing").add_take(bpy.context.scene, track, "Shown")
    addon("importing").match_scene(bpy.context.scene, [take])
    return take


def test_each_frame_shows_its_own_keypoints(addon, take):
    track = addon("take").load_track(take)
    for t in range(len(track)):
        bpy.context.scene.frame_set(5 + t)
        np.testing.assert_allclose(balls(take), track.positions[t][track.visible[t]], atol=1e-5)


def test_outside_its_range_a_take_holds_its_first_and_last_frame(addon, take):
    track = addon("take").load_track(take)
    for frame, t in ((-20, 0), (500, 11)):
        bpy.context.scene.frame_set(frame)
        np.testing.assert_allclose(balls(take), track.positions[t], atol=1e-5)


def test_it_plays_without_the_add_on(addon, take):
    track = addon("take").load_track(take)
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.lsmpl")
    try:
        bpy.context.scene.frame_set(11)
        np.testing.assert_allclose(balls(take), track.positions[6], atol=1e-5)
    finally:
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")


def test_edits_show(addon, take):
    track, takes = addon("take").load_track(take), addon("take")
    state = take.data.attributes.new("edit_state", "INT", "POINT").data
    offset = take.data.attributes.new("edit_offset", "FLOAT_VECTOR", "POINT").data
    state[25 * 3 + 0].value = takes.IGNORED
    state[25 * 3 + 1].value, offset[25 * 3 + 1].vector = takes.MOVED, (0, 0, 1)
    state[25 * 3 + 4].value, offset[25 * 3 + 4].vector = takes.PINNED, (1, 2, 3)  # was missing
    bpy.context.scene.frame_set(8)
    expected = track.positions[3].copy()
    expected[1] += (0, 0, 1)
    expected[4] = (1, 2, 3)
    np.testing.assert_allclose(balls(take), expected[1:], atol=1e-5)


def test_the_colour_tells_the_residual(addon, take, body, core):
    track = addon("take").load_track(take)
    residual = np.tile(np.linspace(0, 0.1, 25), (12, 1))
    motion = core.Motion(np.zeros((12, 24, 3)), np.zeros((12, 3)), residual=residual, body=body.key)
    motion.keypoint_names = track.layout.keypoints
    addon("stages").prepare_solved(take, motion)()
    bpy.context.scene.frame_set(5)
    mesh = take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    names = [material.name if material else "" for material in mesh.materials]
    used = [names[polygon.material_index] for polygon in mesh.polygons]
    shown = {name: used.count(f"LSMPL {name}") // 80 for name in ("Seen", "Good", "Fair", "Poor")}
    assert shown == {"Seen": 0, "Good": 8, "Fair": 7, "Poor": 10}


def test_takes_share_one_node_group(addon, core, take):
    addon("importing").add_take(bpy.context.scene, core.KeypointTrack(np.zeros((2, 17, 3)), layout="coco_17"))
    assert len(bpy.data.node_groups) == 1

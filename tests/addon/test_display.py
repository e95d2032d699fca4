"""The keypoints in the viewport: the right ones, at the right frame, with or without the add-on."""

from dataclasses import replace

import bpy
import numpy as np
import pytest

BALL = 42  # vertices of an icosphere with two subdivisions
RINGS, CUBE = 3 * 16 * 4, 8


def balls(take) -> np.ndarray:
    """Centres (N,3) of the spheres that are shown now."""
    evaluated = take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    at = np.empty(3 * len(evaluated.vertices), dtype=np.float32)
    evaluated.vertices.foreach_get("co", at)
    is_ball = np.empty(len(evaluated.vertices), dtype=bool)
    evaluated.attributes["visible"].data.foreach_get("value", is_ball)  # tubes and hollow ones are not
    take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh_clear()
    return at.reshape(-1, 3)[is_ball].reshape(-1, BALL, 3).mean(axis=1)


def shown(take) -> dict[str, np.ndarray]:
    """By colour, the centres (N,3) of the shapes that are shown now."""
    evaluated = take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    names = [material.name.removeprefix("LSMPL ") if material else "" for material in evaluated.materials]
    found = {}
    for name in names:
        vertices = {v for f in evaluated.polygons if names[f.material_index] == name for v in f.vertices}
        at = np.array([evaluated.vertices[v].co for v in sorted(vertices)]).reshape(-1, 3)
        size = {"Missing": RINGS, "Filled": RINGS, "Rejected": CUBE}.get(name, BALL)
        if name != "Skeleton" and len(at):
            found[name] = at.reshape(-1, size, 3).mean(axis=1)
    take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh_clear()
    return found


@pytest.fixture
def take(addon, body, random_motion):
    track = body.keypoints(random_motion(frames=12, first_frame=5), "body_25")
    track.positions[3, 4] = np.nan
    track.confidence[3, 4] = 0
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Shown")
    addon("importing.adding").match_scene(bpy.context.scene, [take])
    return take


def test_each_frame_shows_its_own_keypoints(addon, take):
    track = addon("takes.take").load_track(take)
    for t in range(len(track)):
        bpy.context.scene.frame_set(5 + t)
        np.testing.assert_allclose(balls(take), track.positions[t][track.visible[t]], atol=1e-5)


def test_outside_its_range_a_take_holds_its_first_and_last_frame(addon, take):
    track = addon("takes.take").load_track(take)
    for frame, t in ((-20, 0), (500, 11)):
        bpy.context.scene.frame_set(frame)
        np.testing.assert_allclose(balls(take), track.positions[t], atol=1e-5)


def test_it_plays_without_the_add_on(addon, take):
    track = addon("takes.take").load_track(take)
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.lsmpl")
    try:
        bpy.context.scene.frame_set(11)
        np.testing.assert_allclose(balls(take), track.positions[6], atol=1e-5)
    finally:
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")


def test_edits_show(addon, take):
    track, takes = addon("takes.take").load_track(take), addon("takes.take")
    state = take.data.attributes.new("edit_state", "INT", "POINT").data
    offset = take.data.attributes.new("edit_offset", "FLOAT_VECTOR", "POINT").data
    state[25 * 3 + 0].value = takes.IGNORED
    state[25 * 3 + 1].value, offset[25 * 3 + 1].vector = takes.MOVED, (0, 0, 1)
    state[25 * 3 + 4].value, offset[25 * 3 + 4].vector = takes.LOCKED, (1, 2, 3)  # was missing
    bpy.context.scene.frame_set(8)
    expected = track.positions[3].copy()
    expected[1] += (0, 0, 1)
    expected[4] = (1, 2, 3)
    np.testing.assert_allclose(balls(take), expected[1:], atol=1e-5)


def test_the_colour_tells_the_residual(addon, take, body, core):
    track = addon("takes.take").load_track(take)
    residual = np.tile(np.linspace(0, 0.1, 25), (12, 1))
    motion = core.Motion(np.zeros((12, 24, 3)), np.zeros((12, 3)), residual=residual, body=body.key)
    motion.keypoint_names = track.layout.keypoints
    addon("takes.layers").prepare_solved(take, motion)()
    bpy.context.scene.frame_set(5)
    mesh = take.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    names = [material.name if material else "" for material in mesh.materials]
    used = [names[polygon.material_index] for polygon in mesh.polygons]
    shown = {name: used.count(f"LSMPL {name}") // 80 for name in ("Seen", "Good", "Fair", "Poor")}
    assert shown == {"Seen": 0, "Good": 8, "Fair": 7, "Poor": 10}


def test_takes_share_one_node_group(addon, core, take):
    addon("importing.adding").add_take(bpy.context.scene, core.KeypointTrack(np.zeros((2, 17, 3)), layout="coco_17"))
    assert len(bpy.data.node_groups) == 1


@pytest.fixture
def solved(addon, body, take, random_motion):
    """The take, solved by the motion that it was made of; in frame 3 keypoint 4 is missing, 5 rejected, 6 swapped and 7
    filled; 8 is never seen in any frame."""
    motion = random_motion(frames=12, first_frame=5)
    layout = addon("takes.take").layout_of(take)
    motion.keypoint_names = layout.keypoints
    motion.residual = np.full((12, 25), 0.001)
    motion.condition = np.ones((12, 25), dtype=np.uint8)
    motion.condition[3, 4:8] = 0, 4, 3, 2
    motion.condition[:, 8] = 0
    motion.residual[motion.condition != 1] = np.nan
    confidence = take.data.attributes["confidence"].data
    for vertex in (3 * 25 + 7, *range(8, 12 * 25, 25)):
        confidence[vertex].value = 0
    addon("solving.solve").keep(take, bpy.context.scene, motion, body, bake=False)
    bpy.context.scene.frame_set(8)
    return take


def test_what_was_not_seen_is_hollow_where_the_body_has_it(addon, body, solved, random_motion):
    sites = body.keypoints(random_motion(frames=12, first_frame=5), "body_25").positions[3]
    seen = addon("takes.take").load_track(solved).positions[3]
    colours = shown(solved)
    np.testing.assert_allclose(sorted(colours["Missing"].tolist()), sorted(sites[[4, 5]].tolist()), atol=1e-5)
    np.testing.assert_allclose(colours["Filled"], sites[[7]], atol=1e-5)
    np.testing.assert_allclose(colours["Rejected"], seen[[5]], atol=1e-5)
    np.testing.assert_allclose(colours["Swapped"], seen[[6]], atol=1e-5)
    assert len(colours["Good"]) == 25 - 5  # the one that was never seen is not shown at all


LEFT_AS_SOLVED = "sliding_before_cm_s", "sliding_after_cm_s", "cutoff_hz"


def test_what_is_shown_goes_to_the_floor_with_the_character(addon, solved):
    """And back with it, as many times as somebody wants."""
    before = shown(solved)
    layers = addon("takes.layers")
    motion = layers.load(solved)
    for up in (0.25, -0.1):
        raised = replace(motion, trans=motion.trans + (0.0, 0.0, up))
        known = {"clean_up": {"raised_m": up, "floor_m": 0.0, **dict.fromkeys(LEFT_AS_SOLVED)}}
        layers.prepare(solved, layers.Layer.CLEANED, raised, None, known)()
        bpy.context.view_layer.update()
        after = shown(solved)
        for colour, at in before.items():
            np.testing.assert_allclose(after[colour] - at, np.tile([0.0, 0.0, up], (len(at), 1)), atol=1e-5)
    layers.remove(solved, layers.Layer.CLEANED)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(shown(solved)["Good"], before["Good"], atol=1e-5)


def test_hollow_ones_can_be_hidden(addon, solved):
    addon("takes.display").put(solved, "Missing", False)
    assert not {"Missing", "Filled"} & shown(solved).keys()
    assert "Rejected" in shown(solved)


def test_an_ignored_keypoint_is_hollow_at_once(addon, body, solved, random_motion):
    state = solved.data.attributes.new("edit_state", "INT", "POINT").data
    state[3 * 25].value = addon("takes.take").IGNORED
    bpy.context.scene.frame_set(8)
    sites = body.keypoints(random_motion(frames=12, first_frame=5), "body_25").positions[3]
    assert np.linalg.norm(shown(solved)["Missing"] - sites[0], axis=1).min() < 1e-5


def test_limits_of_the_colours_can_be_set(addon, solved):
    addon("takes.display").put(solved, "Poor", 0.0005)
    colours = shown(solved)
    assert "Good" not in colours
    assert len(colours["Poor"]) == 20


def test_a_take_of_an_older_version_gets_the_new_display_with_its_own_settings(addon, solved):
    display = addon("takes.display")
    display.put(solved, "Size", 0.03)
    old = solved.modifiers[display.MODIFIER].node_group
    old["lsmpl_version"] = 1
    for name in ("Missing", "Fair", "Poor"):
        old.interface.remove(next(s for s in old.interface.items_tree if s.name == name))
    display.upgrade(solved)
    group = solved.modifiers[display.MODIFIER].node_group
    assert group["lsmpl_version"] == addon("takes.display_nodes").GROUP_VERSION
    assert display.get(solved, "Size", 0) == pytest.approx(0.03)
    assert display.get(solved, "Start", 0) == 5
    assert display.get(solved, "Keypoints", 0) == 25
    assert display.get(solved, "Poor", 0) == pytest.approx(addon("takes.display_nodes").POOR_METRES)
    assert [g for g in bpy.data.node_groups if g.get("lsmpl_version") == 1] == []

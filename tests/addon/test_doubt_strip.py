"""The strip of doubt along the time, the keys, and what the empty panel offers."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from test_live import walk


@pytest.fixture
def doubted(core, body, baked_take):
    """A take of 60 frames that is 80 mm off in frames 20 to 24, and in 40."""
    motion = replace(walk(core, body, frames=60), first_frame=10)
    names = core.get_layout("body_25").keypoints
    residual = np.full((60, len(names)), 0.004)
    residual[20:25], residual[22], residual[40] = 0.08, 0.1, 0.09
    residual[50:] = np.nan
    motion.residual, motion.keypoint_names = residual, names
    motion.condition = np.full(residual.shape, core.Condition.SEEN)
    take, _ = baked_take(motion)
    return take


def test_the_strip_says_how_far_each_frame_is_off(addon, doubted):
    along = addon("doubt.along")
    strip = along.of_take(doubted)
    assert strip.levels.shape == (60,)
    assert (strip.levels[:20] == 0).all() and (strip.levels[20:25] == 2).all() and strip.levels[40] == 2
    assert (strip.levels[50:] == along.UNMEASURED).all()
    found = along.spans(doubted, strip)
    assert [(first, last) for first, last, _ in found][:2] == [(29.5, 34.5), (49.5, 50.5)]


def test_it_follows_what_the_take_becomes(addon, doubted):
    along, takes = addon("doubt.along"), addon("takes.mesh_data")
    assert along.of_take(doubted).levels[20] == 2
    takes.write(doubted.data, "residual", "FLOAT", np.full(len(doubted.data.vertices), 0.02))
    doubted.data.update_tag()
    bpy.context.view_layer.update()
    assert 0 < along.of_take(doubted).levels[20] < 1
    doubted.lsmpl.start = 110
    assert along.spans(doubted, along.of_take(doubted))[0][0] == 129.5


def test_what_moves_beside_a_take_does_not_have_it_measured_anew(addon, doubted):
    """In a drag a handle and the character change with every move of the mouse."""
    along, handle = addon("doubt.along"), bpy.data.objects.new("Handle", None)
    bpy.context.scene.collection.objects.link(handle)
    bpy.context.view_layer.update()
    strip = along.of_take(doubted)
    for beside in (handle, doubted.lsmpl.armature):
        beside.location.x += 1.0
        bpy.context.view_layer.update()
        assert along.of_take(doubted) is strip


def test_each_column_of_pixels_shows_the_worst_frame_in_it(addon, doubted):
    along, drawing = addon("doubt.along"), addon("doubt.drawing")
    strip = along.of_take(doubted)
    coarse = drawing._columns(doubted, strip, 0.0, 10.0, 20)  # ten frames a pixel
    assert np.isnan(coarse[0]) and coarse[1] == 0 and coarse[3] == 2 and coarse[5] == 2 and np.isnan(coarse[7:]).all()
    fine = drawing._columns(doubted, strip, 29.0, 0.25, 40)  # four pixels a frame
    assert (fine[:2] == 0).all() and (fine[2:22] == 2).all() and (fine[22:] == 0).all()
    outside = drawing._columns(doubted, strip, -500.0, 0.1, 30)
    assert np.isnan(outside).all()


def test_a_click_goes_to_the_frame_or_to_the_worst_of_a_short_stretch(addon, doubted):
    scene = bpy.context.scene
    for frame, a_pixel, expected in [
        (15.3, 0.1, 15),
        (31.0, 0.1, 31),
        (31.0, 1.0, 32),
        (52.0, 1.0, 50),
        (900, 1.0, 69),
    ]:
        bpy.ops.lsmpl.go_to_doubt(frame=frame, frames_a_pixel=a_pixel)
        assert scene.frame_current == expected, (frame, a_pixel)


def test_a_click_beside_the_strip_is_blenders(addon, doubted):
    drawing, operators = addon("doubt.drawing"), addon("doubt.operators")
    view = SimpleNamespace(region_to_view=lambda x, y: (x * 0.1, y))
    region = SimpleNamespace(type="WINDOW", width=800, height=200, view2d=view)
    low, top = drawing.edges(region)
    assert 0 < low < top < 200
    done = []
    operator = SimpleNamespace(execute=lambda context: done.append(operator.frame) or {"FINISHED"})
    context = SimpleNamespace(region=region, scene=bpy.context.scene, view_layer=bpy.context.view_layer)
    for x, y in [(320, low + 1), (320, low - 2), (320, top + 2), (20, low + 1)]:
        event = SimpleNamespace(mouse_region_x=x, mouse_region_y=y)
        operators.LSMPL_OT_go_to_doubt.invoke(operator, context, event)
    assert done == pytest.approx([32.0])


def test_without_a_solved_take_there_is_no_strip(addon, body, random_motion):
    track = body.keypoints(random_motion(frames=5), "body_25")
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Raw")
    assert addon("doubt.along").of_take(take) is None


# Keys


def blenders_keys() -> set[tuple[str, str, tuple[str, ...]]]:
    """(keymap, key, modifiers) of all keys in Blender's default keymap."""
    places = [Path(root) for root in bpy.utils.script_paths(use_user=False)]
    path = next(found for root in places for found in root.glob("presets/keyconfig/keymap_data/blender_default.py"))
    spec = importlib.util.spec_from_file_location("blender_default", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    held = ("shift", "ctrl", "alt", "oskey", "any")
    return {
        (name, event["type"], tuple(modifier for modifier in held if event.get(modifier)))
        for name, _, content in module.generate_keymaps(module.Params())
        for _, event, *_ in content["items"]
    }


def test_our_keys_are_none_of_blenders(addon):
    theirs = blenders_keys()
    assert ("Object Mode", "L", ("ctrl",)) in theirs  # that this looks at something
    beside = (
        "Window", "Screen", "Screen Editing", "User Interface", "View2D", "Frames", "Animation", "Markers",
        "3D View", "3D View Generic", "Object Mode", "Object Non-modal", "Pose",
        "Dopesheet", "Dopesheet Generic", "Graph Editor", "NLA Editor", "NLA Generic",
    )  # fmt: skip
    for key in addon("keymaps").KEYS:
        if key.first:  # lets through what it does not want
            continue
        for keymap in beside:
            taken = {(keymap, key.key, key.modifiers), (keymap, key.key, ("any",))}
            assert not taken & theirs, f"{key.operator}: {taken & theirs}"


def test_what_keys_call_is_there_with_its_options(addon):
    for key in addon("keymaps").KEYS:
        operator = getattr(bpy.ops.lsmpl, key.operator.removeprefix("lsmpl.")).get_rna_type()
        assert {name for name, _ in key.options} <= set(operator.properties.keys())


# The empty panel


def test_the_empty_panel_offers_an_example_that_is_solved_at_once(addon, drawn):
    said = drawn()["LSMPL_PT_keypoints"]
    assert "Try an Example" in said and "Documentation" in said
    assert bpy.ops.lsmpl.try_example() == {"FINISHED"}
    (take,) = addon("takes.take").takes_in(bpy.context.scene)
    assert addon("takes.layers").is_solved(take) and take.lsmpl.armature is not None
    assert "Try an Example" not in drawn()["LSMPL_PT_keypoints"]


def test_the_pages_come_along(addon):
    assert addon("importing.example").PAGES.is_file()


def test_the_strip_is_in_dope_sheets_alone(addon, doubted):
    """Its key is in the keymap of all editors with scrollbars."""
    operators = addon("doubt.operators")
    for editor, expected in (("DOPESHEET_EDITOR", True), ("GRAPH_EDITOR", False), ("IMAGE_EDITOR", False)):
        context = SimpleNamespace(
            area=SimpleNamespace(type=editor), scene=bpy.context.scene, view_layer=bpy.context.view_layer
        )
        assert bool(operators.LSMPL_OT_go_to_doubt.poll(context)) is expected


def test_the_strip_is_switched_without_a_complaint(addon, capfd):
    chosen = addon("package").preferences()
    chosen.doubt_strip = not chosen.doubt_strip
    chosen.property_unset("doubt_strip")
    assert "Error" not in capfd.readouterr().err

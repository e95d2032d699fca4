"""Takes as a list that works like one: seen, alone, in colours, duplicated."""

import bpy
import numpy as np
import pytest


@pytest.fixture
def two(baked_take, random_motion):
    """Two takes with characters, side by side."""
    return [baked_take(random_motion(4, seed=seed))[0] for seed in (0, 1)]


def parts(take):
    return take, take.lsmpl.armature, take.lsmpl.body_mesh


def hidden(take):
    return [part.hide_get() for part in parts(take)]


def test_the_eye_hides_and_shows_a_take_with_its_character(two):
    one, other = two
    for is_hidden in (True, False):
        assert bpy.ops.lsmpl.show_take(take=one.name) == {"FINISHED"}
        assert hidden(one) == [is_hidden] * 3 and hidden(other) == [False] * 3


def test_one_take_is_shown_alone_and_all_again(two):
    one, other = two
    bpy.ops.lsmpl.show_take(take=other.name)
    assert bpy.ops.lsmpl.solo_take(take=other.name) == {"FINISHED"}
    assert hidden(one) == [True] * 3 and hidden(other) == [False] * 3
    bpy.ops.lsmpl.solo_take(take=one.name)
    assert hidden(one) == [False] * 3 and hidden(other) == [True] * 3
    bpy.ops.lsmpl.solo_take(take=one.name)
    assert hidden(one) == hidden(other) == [False] * 3


def test_what_is_no_take_is_told(two):
    with pytest.raises(RuntimeError, match="is no take of this scene"):
        bpy.ops.lsmpl.show_take(take="Nobody")


def test_takes_have_colours_that_their_characters_share(two):
    one, other = two
    assert tuple(one.color) != tuple(other.color)
    one.lsmpl_colour.colour = (0.1, 0.2, 0.3, 1.0)
    for part in parts(one):
        assert tuple(part.color) == pytest.approx((0.1, 0.2, 0.3, 1.0))


def test_a_duplicate_goes_on_a_character_of_its_own(addon, two):
    take, layers, scene = two[0], addon("takes.layers"), bpy.context.scene
    rig, action = take.lsmpl.armature, take.lsmpl_bake.action
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.duplicate_take() == {"FINISHED"}
    copy = bpy.context.view_layer.objects.active
    assert copy != take and copy.data != take.data and copy.lsmpl.armature is None
    baked = addon("characters.baking").bake(copy, scene)
    assert baked.armature != rig and (take.lsmpl.armature, take.lsmpl_bake.action) == (rig, action)
    np.testing.assert_array_equal(layers.load(copy).poses, layers.load(take).poses)
    addon("takes.take").write_edits(copy, [0], [0], 2)
    assert not addon("takes.take").keypoints_at(take, 0).state.any()


def test_the_body_is_hidden_once_it_is_on_another_character(addon, two):
    take = two[0]
    rig = take.lsmpl.armature
    other = bpy.data.objects.new("Other", rig.data.copy())
    bpy.context.scene.collection.objects.link(other)
    for owner in (other, other.data):
        owner.pop(addon("characters.shape").CHARACTER_KEY, None)
    take.lsmpl.other.target = other
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.bake_to_other() == {"FINISHED"}
    assert hidden(take) == [False, True, True]
    take.lsmpl.other.hide_body = False
    assert hidden(take) == [False] * 3
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="POSE")
    take.lsmpl.other.hide_body = True
    assert hidden(take) == [False, False, True], "whoever poses its bones goes on"
    bpy.ops.object.mode_set(mode="OBJECT")
    take.lsmpl.other.hide_body = False
    bpy.context.view_layer.objects.active = take
    take.lsmpl.other.hide_body = True
    take.lsmpl.body_mesh.hide_set(False)
    assert bpy.ops.lsmpl.bake_to_other() == {"FINISHED"}
    assert not take.lsmpl.body_mesh.hide_get(), "somebody showed it again"


def test_names_in_a_strangers_scene_move_no_cursor_in_the_info_line(two, capfd):
    """Objects of somebody else's .blend may be called anything."""
    take = two[0]
    take.name = "odd\x1b[2J\u202e\nname"
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.duplicate_take() == {"FINISHED"}
    told = capfd.readouterr().out
    assert r"odd\x1b[2J\u202e\nname" in told and "\x1b[2J" not in told and "\u202e" not in told

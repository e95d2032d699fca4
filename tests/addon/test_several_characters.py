"""One take on several characters of the user's: each keeps its settings and does what the take does."""

import bpy
import numpy as np
import pytest
from test_following import baked_anew, spoil, strolled  # noqa: F401 (a fixture)
from test_following import take as on_one  # noqa: F401 (a fixture)
from test_retargeting import curves_of, smpl_character


@pytest.fixture
def several(addon):
    return addon("takes.other_characters")


@pytest.fixture
def both(body, on_one):  # noqa: F811
    """The take on two characters: (take, the first, the second, which the panel shows)."""
    take = on_one
    take.lsmpl.other.every = 2
    bpy.ops.lsmpl.bake_to_other()
    first, second = take.lsmpl.other.target, smpl_character(body, "f_avg_")[0]
    second.location.x = 2.0
    bpy.context.view_layer.objects.active = take
    take.lsmpl.other.target = second
    take.lsmpl.other.every = 1
    assert bpy.ops.lsmpl.bake_to_other() == {"FINISHED"}
    return take, first, second


def played(addon, rig) -> np.ndarray:
    """(C,T) of the keys that a rig plays."""
    found = curves_of(addon, rig.animation_data.action)
    return np.array([found[channel][:, 1] for channel in sorted(found)])


def test_the_character_before_stays_the_takes_with_its_settings(several, both):
    take, first, second = both
    assert several.targets_of(take) == [second, first]
    assert (several.on(take, first).every, several.on(take, second).every) == (2, 1)
    prefixes = [{item.bone[:6] for item in other.bones} for other in several.all_of(take)]
    assert [{"f_avg_"} <= found for found in prefixes] == [True, False]
    assert first.animation_data.action == several.on(take, first).action != several.on(take, second).action


def test_all_follow_the_take(addon, several, both):
    take, first, second = both
    before = [played(addon, rig) for rig in (first, second)]
    bpy.context.scene.lsmpl.smooth = 0.9
    assert bpy.ops.lsmpl.clean_up() == {"FINISHED"}
    following = addon("retargeting.following")
    for rig, was in zip((first, second), before):
        assert np.abs(played(addon, rig) - was).max() > 1e-4
        assert following.describe(take, several.on(take, rig)) == f"{rig.name} is up to date"
    np.testing.assert_allclose(played(addon, second), baked_anew(addon, take), rtol=1e-6, atol=1e-5)
    assert following.outdated(take) == []


def test_one_that_was_edited_is_left_alone_and_the_others_follow(addon, body, several, both):
    take, first, second = both
    following = addon("retargeting.following")
    next(iter(addon("characters.actions").fcurves(first.animation_data.action))).keyframe_points[3].co.y += 0.25
    before = [played(addon, rig) for rig in (first, second)]
    spoil(addon, body, take)
    following.follow(take)
    np.testing.assert_array_equal(played(addon, first), before[0])
    assert np.abs(played(addon, second) - before[1]).max() > 1e-3
    assert "you changed keys" in following.describe(take, several.on(take, first))
    assert next(text for _, text in following.warnings(take)).startswith(f"{first.name}: Out of date")
    edited = first.animation_data.action
    assert bpy.ops.lsmpl.bake_again() == {"FINISHED"}
    assert following.outdated(take) == [] and first.animation_data.action != edited
    assert edited.use_fake_user
    assert not bpy.ops.lsmpl.bake_again.poll()


def test_one_is_shown_again_by_its_name_or_by_choosing_its_armature(several, both):
    take, first, second = both
    action = several.on(take, first).action
    assert bpy.ops.lsmpl.show_character(character=first.name) == {"FINISHED"}
    other = take.lsmpl.other
    assert (other.target, other.action, other.baked_on, other.every) == (first, action, first, 2)
    assert several.targets_of(take) == [first, second]
    other.target = second
    assert several.targets_of(take) == [second, first] and take.lsmpl.other.every == 1
    assert first.animation_data.action == action


def test_one_that_is_left_alone_keeps_its_animation(addon, body, several, both):
    take, first, second = both
    before = played(addon, first)
    assert bpy.ops.lsmpl.leave_character(character=first.name) == {"FINISHED"}
    assert several.targets_of(take) == [second]
    spoil(addon, body, take)
    addon("retargeting.following").follow(take)
    np.testing.assert_array_equal(played(addon, first), before)
    with pytest.raises(RuntimeError, match="is on no other character called"):
        bpy.ops.lsmpl.show_character(character=first.name)


def test_an_armature_that_was_only_looked_at_is_not_kept(body, several, both):
    take, first, second = both
    third = smpl_character(body, "third_")[0]
    bpy.context.view_layer.objects.active = take
    take.lsmpl.other.target = third
    take.lsmpl.other.target = first
    assert several.targets_of(take) == [first, second]


def test_a_character_that_was_deleted_is_spoken_of_no_more(addon, body, several, both, drawn):
    take, first, second = both
    bpy.data.objects.remove(first)
    assert several.targets_of(take) == [second]
    spoil(addon, body, take)
    addon("retargeting.following").follow(take)
    assert "Also on" not in drawn()["LSMPL_PT_other"]
    take.lsmpl.other.target = None
    assert [other.target for other in take.lsmpl.also_on] == [second]


def test_undo_and_redo_bring_all_of_them_along(addon, several, both):
    _, first, second = both
    names = first.name, second.name
    bpy.ops.ed.undo_push(message="On both")
    before = [played(addon, rig) for rig in (first, second)]
    bpy.context.scene.lsmpl.smooth = 0.9
    bpy.ops.lsmpl.clean_up()
    bpy.ops.ed.undo_push(message="Clean Up")
    after = [played(addon, rig) for rig in (first, second)]
    bpy.ops.lsmpl.show_character(character=first.name)
    bpy.ops.ed.undo_push(message="Show")
    undo, redo = bpy.ops.ed.undo, bpy.ops.ed.redo
    for step, wanted, shown in ((undo, after, 1), (undo, before, 1), (redo, after, 1), (redo, after, 0)):
        step()
        take = bpy.data.objects["Walk"]
        assert take.lsmpl.other.target.name == names[shown]
        for name, keys in zip(names, wanted):
            np.testing.assert_array_equal(played(addon, bpy.data.objects[name]), keys)
        assert addon("retargeting.following").outdated(take) == []


def test_the_panel_lists_them(addon, both, drawn):
    _, first, second = both
    said = drawn()["LSMPL_PT_other"]
    assert f"{second.name} is up to date" in said and "Also on:" in said and first.name in said


def test_a_duplicate_of_the_take_is_on_none_of_them(several, both):
    take, first, second = both
    bpy.ops.lsmpl.duplicate_take()
    copy = bpy.context.view_layer.objects.active
    assert copy != take and several.targets_of(copy) == [] and several.targets_of(take) == [second, first]


def test_all_of_them_are_exported_at_once(both, tmp_path):
    _, first, second = both
    bpy.context.scene.lsmpl_export.character = "OTHER"
    assert bpy.ops.lsmpl.export_all(directory=str(tmp_path), format="fbx") == {"FINISHED"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"Walk on {rig.name}.fbx" for rig in (first, second)
    )


def test_they_survive_saving_and_loading(addon, body, several, both, tmp_path):
    names = [rig.name for rig in both[1:]]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    take = bpy.data.objects["Walk"]
    before = [played(addon, bpy.data.objects[name]) for name in names]
    spoil(addon, body, take)
    addon("retargeting.following").follow(take)
    for name, was in zip(names, before):
        assert np.abs(played(addon, bpy.data.objects[name]) - was).max() > 1e-3


def test_all_are_retimed_with_the_take(addon, both):
    take, *rigs = both
    before = [rig.animation_data.action.frame_range[1] - rig.animation_data.action.frame_range[0] for rig in rigs]
    bpy.context.scene.render.fps *= 2
    assert bpy.ops.lsmpl.retime() == {"FINISHED"}
    assert addon("retargeting.following").outdated(take) == []
    after = [rig.animation_data.action.frame_range[1] - rig.animation_data.action.frame_range[0] for rig in rigs]
    assert after == pytest.approx([2 * span for span in before], abs=0.1)

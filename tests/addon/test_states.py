"""Every panel and every operator, in every mode and with data wherever Blender may have put it: in words, no traceback.

An operator either does its work, says in its tooltip why it is greyed out, or reports what is wrong.
"""

import bpy
import pytest
from test_live import solved, walk

LEFT_OUT = {"work", "cancel", "check_devices", "preset_add", "try_example"}
"""Of our operators: those that need a job that goes on, ask this machine, write to the user's profile, or bring a take
of their own."""


@pytest.fixture
def take(addon, core, body, baked_take):
    """A solved and baked take, with a pinned joint, an ignored keypoint and another character."""
    take, _ = baked_take(solved(core, body, walk(core, body, frames=12), "body_25"))
    pinned = addon("takes.pinned_joints")
    pinned.store(take, [pinned.PinnedJoint(3, "head", (0.1, 0.0, 0.0))])
    addon("takes.take").write_edits(take, [2], [4], addon("takes.take").IGNORED)
    bpy.context.view_layer.objects.active = take
    bpy.context.scene.frame_set(3)
    return take


def mode(obj_of, wanted):
    """The state in which an object of the take is in a mode of Blender's."""

    def enter(take):
        obj = obj_of(take)
        if obj is None:
            return
        bpy.context.view_layer.objects.active = obj
        if obj.mode != wanted:
            bpy.ops.object.mode_set(mode=wanted)

    return enter


def hidden_by_eye(take):
    for obj in (take, take.lsmpl.armature, take.lsmpl.body_mesh):
        if obj and obj.name in bpy.context.view_layer.objects:
            obj.hide_set(True)


def disabled_in_viewports(take):
    for obj in (take, take.lsmpl.armature, take.lsmpl.body_mesh):
        if obj:
            obj.hide_viewport = True


def disabled_while_in_a_mode(wanted):
    """The rig, which nobody can take out of the mode then."""

    def enter(take):
        rig = take.lsmpl.armature
        if rig and not rig.hide_viewport:
            mode(lambda take: rig, wanted)(take)
        disabled_in_viewports(take)

    return enter


def in_an_excluded_collection(take):
    scene = bpy.context.scene
    if "Away" not in bpy.data.collections:
        away = bpy.data.collections.new("Away")
        scene.collection.children.link(away)
        for obj in (take, take.lsmpl.armature, take.lsmpl.body_mesh):
            scene.collection.objects.unlink(obj)
            away.objects.link(obj)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True


def character_in_another_scene(take):
    other = bpy.data.scenes.get("Other") or bpy.data.scenes.new("Other")
    for obj in (take.lsmpl.armature, take.lsmpl.body_mesh):
        if obj and obj.name in bpy.context.scene.collection.objects:
            bpy.context.scene.collection.objects.unlink(obj)
            other.collection.objects.link(obj)


def without(attribute):
    def enter(take):
        obj = getattr(take.lsmpl, attribute)
        if obj is not None:
            bpy.data.objects.remove(obj)

    return enter


def action_deleted(take):
    bpy.data.batch_remove(list(bpy.data.actions))


def mesh_with_fewer_vertices(take):
    if len(take.data.vertices) == 12 * 25:
        import bmesh

        form = bmesh.new()
        form.from_mesh(take.data)
        bmesh.ops.delete(form, geom=list(form.verts)[:10])
        form.to_mesh(take.data)
        form.free()


def motion_without_its_facts(take):
    take.lsmpl.solved.pop("lsmpl_motion", None)


def track_without_its_facts(take):
    take.data["lsmpl_track"] = "gone"


def posed_live(take):
    if not bpy.context.scene.lsmpl_live.take and bpy.ops.lsmpl.live.poll():
        bpy.ops.lsmpl.live()


def on_two_characters_of_which_one_is_hidden(take):
    """As long as it is on none."""
    if take.lsmpl.other.target or len(take.lsmpl.also_on):
        return
    for number in range(2):
        rig = bpy.data.objects.new(f"Other {number}", take.lsmpl.armature.data.copy())
        bpy.context.scene.collection.objects.link(rig)
        for owner in (rig, rig.data):
            owner.pop("lsmpl_character", None)
        take.lsmpl.other.target = rig
        if bpy.ops.lsmpl.bake_to_other.poll():
            bpy.ops.lsmpl.bake_to_other()
    take.lsmpl.also_on[0].target.hide_set(True)


def other_character_deleted(take):
    on_two_characters_of_which_one_is_hidden(take)
    if take.lsmpl.other.target:
        bpy.data.objects.remove(take.lsmpl.other.target)


def animated_in_a_layer(take):
    rig = take.lsmpl.armature
    if rig and rig.animation_data and not rig.animation_data.nla_tracks and bpy.ops.lsmpl.add_controls.poll():
        bpy.ops.lsmpl.add_controls()
        bpy.ops.lsmpl.add_layer()


STATES = {
    "object mode": lambda take: None,
    "take in edit mode": mode(lambda take: take, "EDIT"),
    "body in edit mode": mode(lambda take: take.lsmpl.body_mesh, "EDIT"),
    "body in weight paint": mode(lambda take: take.lsmpl.body_mesh, "WEIGHT_PAINT"),
    "rig in edit mode": mode(lambda take: take.lsmpl.armature, "EDIT"),
    "rig in pose mode": mode(lambda take: take.lsmpl.armature, "POSE"),
    "hidden by the eye": hidden_by_eye,
    "disabled in viewports": disabled_in_viewports,
    "disabled in pose mode": disabled_while_in_a_mode("POSE"),
    "disabled in edit mode": disabled_while_in_a_mode("EDIT"),
    "in an excluded collection": in_an_excluded_collection,
    "character in another scene": character_in_another_scene,
    "rig deleted": without("armature"),
    "body deleted": without("body_mesh"),
    "action deleted": action_deleted,
    "mesh with fewer vertices": mesh_with_fewer_vertices,
    "motion without its facts": motion_without_its_facts,
    "track without its facts": track_without_its_facts,
    "posed live": posed_live,
    "on two characters": on_two_characters_of_which_one_is_hidden,
    "other character deleted": other_character_deleted,
    "animated in a layer": animated_in_a_layer,
}


def linked(take, tmp_path):
    """The take and what belongs to it from another file, as they are linked from there."""
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    if not hasattr(bpy.types.Scene, "lsmpl"):
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")
    with bpy.data.libraries.load(path, link=True) as (source, target):
        target.objects = [name for name in source.objects if name.startswith("Test")]
    for obj in target.objects:
        bpy.context.scene.collection.objects.link(obj)
    return next(obj for obj in target.objects if obj.name == "Test")


def overridden(take, tmp_path):
    take = linked(take, tmp_path)
    made = {obj.name: obj.override_create(remap_local_usages=True) for obj in list(bpy.context.scene.objects)}
    return made["Test"]


def operators() -> list[str]:
    return [name for name in dir(bpy.ops.lsmpl) if name not in LEFT_OUT]


def tracebacks(take, enter, drawn) -> list[str]:
    """What went wrong otherwise than in words: of the panels, and of each operator from that state."""
    wrong = []
    for name in ["", *operators()]:
        enter(take)
        try:
            drawn()
        except Exception as error:
            wrong.append(f"panels before {name}: {type(error).__name__}: {error}")
        if not name:
            continue
        operator = getattr(bpy.ops.lsmpl, name)
        try:
            if operator.poll():
                operator()
        except RuntimeError as error:
            if "Traceback" in str(error):
                wrong.append(f"{name}: {str(error).strip().splitlines()[-1]}: {str(error)[-600:]}")
        except ReferenceError:
            return [*wrong, f"{name}: removed the take"]
    return wrong


@pytest.mark.parametrize("state", STATES)
def test_panels_and_operators_speak_in_words(take, drawn, state):
    wrong = tracebacks(take, STATES[state], drawn)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("borrow", [linked, overridden], ids=lambda borrow: borrow.__name__)
def test_data_of_another_file_is_spoken_of_in_words(take, drawn, tmp_path, borrow):
    take = borrow(take, tmp_path)
    bpy.context.view_layer.objects.active = take
    wrong = tracebacks(take, lambda take: None, drawn)
    assert not wrong, "\n".join(wrong)


def test_in_edit_mode_every_button_and_section_says_so(take, drawn):
    mode(lambda take: take, "EDIT")(take)
    for name in ("solve", "clean_up", "bake", "live", "refine", "jump_to_doubtful", "mark_doubtful", "match_scene"):
        assert not getattr(bpy.ops.lsmpl, name).poll(), name
        with pytest.raises(RuntimeError, match="Test: is in Edit Mode; go back to Object Mode first"):
            getattr(bpy.ops.lsmpl, name)()
    said = drawn()
    assert "Test: is in Edit Mode" in said["LSMPL_PT_quality"] and "Test: is in Edit Mode" in said["LSMPL_PT_refine"]

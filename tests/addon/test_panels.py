"""The sidebar, drawn without a screen: every section in every state of a take."""

import bpy
import numpy as np
import pytest
from recorder import Recorder
from test_live import solved, walk


def test_an_empty_scene_says_what_to_do(drawn):
    told = drawn()
    assert "No keypoints in this scene yet" in told["LSMPL_PT_keypoints"]
    for section in ("solve", "refine", "clean_up", "export"):
        assert "Needs a" in told[f"LSMPL_PT_{section}"]


def test_a_take_shows_its_state_from_import_to_clean_up(drawn, addon, body, random_motion):
    motion = random_motion(frames=40)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "coco_17"), "Walk")
    told = drawn()
    assert "Walk" in told["LSMPL_PT_keypoints"]
    assert "40 at 30 fps, 1.3 s" in told["LSMPL_PT_keypoints"]
    assert "Not solved yet" in told["LSMPL_PT_solve"]
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    told = drawn()
    assert "as solved" in told["LSMPL_PT_clean_up"]
    assert "Walk Rig" in told["LSMPL_PT_baking"]
    addon("solving.clean_up").clean_up(take, bpy.context.scene)
    assert "Floor\nat" in drawn()["LSMPL_PT_clean_up"]


def test_refine_says_what_is_there_and_what_is_proposed(drawn, addon, core, body, random_motion):
    motion = random_motion(frames=12)
    track = body.keypoints(motion, "coco_17")
    scene = bpy.context.scene
    take = addon("importing.adding").add_take(scene, track, "Walk")
    addon("importing.adding").match_scene(scene, [take])
    addon("solving.solve").keep(take, scene, motion, body)
    assert "Not solved by this" in drawn()["LSMPL_PT_refine"], "this motion has no calibration"
    addon("solving.solve").keep(take, scene, core.solve(track, body), body)
    bpy.context.view_layer.objects.active = take
    scene.frame_set(5)
    told = drawn()
    assert "mm on average" in told["LSMPL_PT_quality"] and "Worst" in told["LSMPL_PT_quality"]
    assert "Accept" not in told["LSMPL_PT_refine"]
    assert "None." in told["LSMPL_PT_refine_pins"]
    bpy.ops.lsmpl.ignore_keypoint(keypoint="left_wrist")
    pinned_joints = addon("takes.pinned_joints")
    pinned_joints.store(take, [pinned_joints.PinnedJoint(5, "head", (0.0, 0.1, 0.0))])
    bpy.ops.lsmpl.refine()
    told = drawn()
    assert "Left Wrist" in told["LSMPL_PT_refine"] and "Head" in told["LSMPL_PT_refine"]
    for button in ("Before", "After", "Accept", "Reject"):
        assert button in told["LSMPL_PT_refine"]
    assert "Frame 5: Head" in told["LSMPL_PT_refine_pins"]
    assert "Solve again: refined frames go" in told["LSMPL_PT_solve"].replace("\n", " ")
    for part in addon("refining.settings").PARTS:
        setattr(scene.lsmpl_refine, part, 0.0)
    assert "No part counts" in drawn()["LSMPL_PT_refine_weights"]


@pytest.mark.parametrize(
    ("kind", "section"),
    [("solve", "solve"), ("clean_up", "clean_up"), ("bake", "export"), ("export", "export"), ("import", "keypoints")],
)
def test_what_goes_on_is_shown_where_it_was_begun(drawn, addon, core, monkeypatch, kind, section):
    def steps():
        yield core.Progress("solve", 3, 10)

    jobs, told = addon("jobs"), []
    monkeypatch.setattr(jobs, "current", jobs.Job(f"lsmpl.{kind}", "Solve", "Walk", steps()))
    monkeypatch.setattr(Recorder, "progress", lambda self, text="", **_: told.append(text), raising=False)
    assert "Cancel" not in drawn()[f"LSMPL_PT_{section}"]  # the button has no text
    assert told == ["Solving 3/10"]


def test_operators_begin_jobs_that_the_panel_knows(addon, baked_take, random_motion):
    """An operator's own `bl_idname` is another word in the instance than in the class."""
    take, _ = baked_take(random_motion(frames=10))
    bpy.context.view_layer.objects.active = take
    for module, name in (("solving.solve", "solve"), ("solving.clean_up", "clean_up"), ("solving.bake", "bake")):
        operator = getattr(addon(module), f"LSMPL_OT_{name}")
        job = operator.begin(None, bpy.context)
        assert job.kind == f"lsmpl.{name}"
        job.close()


def test_a_solved_take_says_which_frames_are_doubtful(drawn, addon, core, body):
    motion = walk(core, body, frames=60)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "coco_17"), "Walk")
    motion.keypoint_names = addon("takes.take").layout_of(take).keypoints
    motion.residual = np.full((60, 17), 0.01)
    motion.condition = np.ones((60, 17), dtype=np.uint8)
    motion.residual[20:23] = 0.08
    motion.residual[21, 9] = 0.3
    motion.condition[21, :2], motion.residual[21, :2] = (0, 4), np.nan
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    bpy.context.scene.frame_set(0)
    told = drawn()["LSMPL_PT_quality"]
    assert "3 doubtful frames in 1 stretch" in told
    assert "10 mm on average" in told
    bpy.ops.lsmpl.jump_to_doubtful(where="WORST")
    told = drawn()["LSMPL_PT_quality"]
    assert "Left Wrist, 300 mm" in told
    assert "1 missing" in told
    assert "1 rejected" in told
    assert "Doubtful from 16 to 18: " in told  # of the scene, which runs at 24 where the take has 30


def test_several_takes_are_listed_to_choose_from(drawn, addon, body, random_motion):
    scene, made = bpy.context.scene, []
    for name in ("Walk", "Run"):
        track = body.keypoints(random_motion(frames=5), "coco_17")
        made.append(addon("importing.adding").add_take(scene, track, name))
    bpy.context.view_layer.objects.active = None
    assert "Choose one of the 2 takes" in drawn()["LSMPL_PT_keypoints"]
    assert scene.lsmpl_takes.index == -1
    scene.lsmpl_takes.index = scene.objects.find("Run")
    assert bpy.context.view_layer.objects.active == made[1]
    assert [obj.name for obj in scene.objects if obj.select_get()] == ["Run"]
    assert scene.lsmpl_takes.index == scene.objects.find("Run")
    assert "Run" in drawn()["LSMPL_PT_keypoints"]


def test_the_display_is_set_in_the_panel(addon, body, random_motion):
    take = addon("importing.adding").add_take(
        bpy.context.scene, body.keypoints(random_motion(frames=5), "coco_17"), "Walk"
    )
    settings = take.lsmpl_display
    assert (settings.size, settings.missing) == (pytest.approx(0.014), True)
    settings.size, settings.missing, settings.poor = 0.03, False, 0.2
    assert addon("takes.display").get(take, "Size", 0) == pytest.approx(0.03)
    assert addon("takes.display").get(take, "Missing", True) == False  # noqa: E712
    take.modifiers.clear()
    settings.size = 0.05  # nothing to set it on, and no error
    assert settings.size == pytest.approx(0.014)


def test_every_property_and_operator_is_described(addon):
    groups = [cls for name in dir(bpy.types) if isinstance(cls := getattr(bpy.types, name), type)]
    own = [cls for cls in groups if cls.__module__.startswith("bl_ext.user_default.lsmpl")]
    assert own
    undescribed = [
        f"{cls.__name__}.{prop.identifier}"
        for cls in own
        if issubclass(cls, (bpy.types.PropertyGroup, bpy.types.Operator))
        for prop in cls.bl_rna.properties
        if prop.identifier in getattr(cls, "__annotations__", ()) and not prop.is_hidden and not prop.description
    ]
    undescribed += [cls.__name__ for cls in own if issubclass(cls, bpy.types.Operator) and not (
        getattr(cls, "bl_description", "") or hasattr(cls, "description"))]  # fmt: skip
    assert undescribed == []


def test_a_button_that_cannot_be_pressed_says_why(addon):
    """In an empty scene: what Blender says of an operator without a reason is that the context is incorrect."""
    disabled = 0
    for name in dir(bpy.ops.lsmpl):
        operator = getattr(bpy.ops.lsmpl, name)
        if not operator.poll():
            disabled += 1
            with pytest.raises(RuntimeError) as told:
                operator()
            assert "context is incorrect" not in str(told.value), name
    assert disabled > 5


def test_a_take_from_the_scene_shows_its_objects_and_can_be_read_again(drawn, addon, body, random_motion):
    track = body.keypoints(random_motion(frames=5), "coco_17")
    scene, parent = bpy.context.scene, bpy.data.objects.new("Ann", None)
    scene.collection.objects.link(parent)
    for k, name in enumerate(track.layout.keypoints):
        obj = bpy.data.objects.new(name, None)
        obj.location, obj.parent = track.positions[0, k], parent
        scene.collection.objects.link(obj)
    scene.frame_start, scene.frame_end = 1, 5
    bpy.context.view_layer.update()
    parent.select_set(True)
    bpy.ops.lsmpl.take_from_objects()
    told = drawn()
    assert "17 objects in the scene" in told["LSMPL_PT_keypoints"]
    assert "Read Again" in told["LSMPL_PT_keypoints"]
    bpy.data.objects.remove(bpy.data.objects["nose"])
    told = drawn()
    assert "16 objects in the scene" in told["LSMPL_PT_keypoints"]
    assert "1 of 17 keypoints have no object" in told["LSMPL_PT_sources"]
    motion = random_motion(frames=5)
    take = bpy.data.objects["Ann Take"]
    motion.fps = addon("takes.take").describe(take)["fps"]
    addon("solving.solve").keep(take, scene, motion, body)
    assert "rate changed" not in drawn()["LSMPL_PT_solve"]
    bpy.ops.lsmpl.read_again()
    assert "Keypoints or their rate changed" in drawn()["LSMPL_PT_solve"]


def test_experts_sections_are_closed_at_first(addon):
    sections = [cls for section in addon("panels")._SECTIONS for cls in section._CLASSES]
    closed = {cls.__name__ for cls in sections if "DEFAULT_CLOSED" in getattr(cls, "bl_options", ())}
    panels = {cls.__name__ for cls in sections if issubclass(cls, bpy.types.Panel)}
    assert panels - closed == {
        f"LSMPL_PT_{name}" for name in ("keypoints", "character", "solve", "quality", "live", "clean_up", "export")
    }


def test_pose_correctives_have_their_section(drawn, addon, baked_take, random_motion):
    assert drawn()["LSMPL_PT_correctives"] == "On New Characters"
    _, baked = baked_take(random_motion(frames=3))
    bpy.context.view_layer.objects.active = baked.armature
    assert "Shape keys\nnone" in drawn()["LSMPL_PT_correctives"]
    bpy.ops.lsmpl.pose_correctives()
    told = drawn()
    assert "Shape keys\n126" in told["LSMPL_PT_correctives"]
    assert "Pose Correctives" in told["LSMPL_PT_export"]
    bpy.context.scene.lsmpl_export.format = "bvh"
    assert "Pose Correctives" not in drawn()["LSMPL_PT_export"]
    bpy.ops.object.mode_set(mode="EDIT")
    baked.armature.data.edit_bones["left_knee"].roll += 0.5
    bpy.ops.object.mode_set(mode="OBJECT")
    assert "off and on" in drawn()["LSMPL_PT_correctives"].replace("\n", " ")


def test_export_says_what_the_other_character_lacks(drawn, addon, body, random_motion):
    scene = bpy.context.scene
    motion = random_motion(frames=5)
    take = addon("importing.adding").add_take(scene, body.keypoints(motion, "coco_17"), "Walk")
    addon("solving.solve").keep(take, scene, motion, body)
    bpy.context.view_layer.objects.active = take
    scene.lsmpl_export.character = "OTHER"
    assert "Bake to Other Character first" in drawn()["LSMPL_PT_export"]
    with pytest.raises(RuntimeError, match="Bake to Other Character first"):
        bpy.ops.lsmpl.export(filepath="/nowhere.fbx")
    scene.lsmpl_export.format = "npz"  # LSMPL's own in any case
    assert "Bake to" not in drawn()["LSMPL_PT_export"]


def heights(drawn) -> dict[str, int]:
    """Rows and buttons of each section."""
    return {name: said.count("\n") for name, said in drawn().items()}


@pytest.fixture
def uneven_take(addon, core, body):
    """A solved take whose frames differ in everything that the panel says of one: doubt, gaps, swaps, edits, pins."""
    scene = bpy.context.scene
    motion = walk(core, body, frames=40)
    take, _ = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Walk"), scene.frame_set(0)
    solution = solved(core, body, motion, "body_25")
    solution.residual[20:23] = 0.2
    solution.condition[25, :6], solution.residual[25, :6] = 0, np.nan
    solution.condition[26, :3] = 3
    solution.residual[30] = np.nan
    addon("solving.solve").keep(take, scene, solution, body)
    takes, pinned_joints = addon("takes.take"), addon("takes.pinned_joints")
    takes.write_edits(take, [10], range(8), takes.MOVED)
    takes.write_edits(take, [11], [3], takes.IGNORED)
    pinned_joints.store(take, [pinned_joints.PinnedJoint(5, "head", (0.0, 0.1, 0.0))])
    bpy.context.view_layer.objects.active = take
    return take


def test_no_section_changes_its_height_while_the_frame_changes(drawn, uneven_take):
    """Else the buttons below it move away from under the cursor."""
    bpy.ops.lsmpl.live()
    first = heights(drawn)
    for frame in range(40):
        bpy.context.scene.frame_set(frame)
        assert heights(drawn) == first, frame


def test_before_and_after_stay_where_they_are_when_they_are_pressed(drawn, uneven_take):
    bpy.context.scene.frame_set(21)
    bpy.ops.lsmpl.refine()
    after = heights(drawn)
    bpy.ops.lsmpl.show_before(before=True)
    assert heights(drawn) == after
    order = drawn()["LSMPL_PT_refine"].splitlines()
    assert order.index("Refine") < order.index("Before"), "what comes and goes stands at the end"


def test_a_job_takes_the_place_of_its_button(drawn, addon, core, uneven_take, monkeypatch):
    def steps():
        yield core.Progress("solve", 3, 10)

    jobs, before = addon("jobs"), drawn()
    for kind, section in (("solve", "solve"), ("refine", "refine"), ("clean_up", "clean_up"), ("export", "export")):
        monkeypatch.setattr(jobs, "current", jobs.Job(f"lsmpl.{kind}", "Work", "Walk", steps()))
        now, then = (said[f"LSMPL_PT_{section}"].splitlines() for said in (drawn(), before))
        assert abs(len(now) - len(then)) <= 1 and len([text for text in then if text not in now]) <= 2, section


def test_blender_translates_none_of_our_words(addon):
    """It knows some of them in other meanings: half of the labels would be in another language."""
    import ast
    from pathlib import Path

    folder = Path(addon("panels").__file__).parents[1]
    own = [getattr(bpy.types, name) for name in dir(bpy.types)]
    own = [cls for cls in own if getattr(cls, "__module__", "").startswith("bl_ext.user_default.lsmpl")]
    assert len(own) > 50
    groups = [cls for cls in bpy.types.PropertyGroup.__subclasses__() if cls.__module__.startswith("bl_ext")]
    operators = [getattr(bpy.ops.lsmpl, name).get_rna_type() for name in dir(bpy.ops.lsmpl)]
    properties = [one for cls in groups for one in cls.bl_rna.properties if one.is_runtime]
    properties += [one for cls in operators for one in cls.properties]
    not_shown_by_us = "RNA", "Name", "File Path", "Check Existing"  # of bases, and of file browsers
    properties = [one for one in properties if one.name not in (*not_shown_by_us, one.identifier)]
    assert len(properties) > 150
    assert {one.translation_context for one in properties} == {"LSMPL"}
    assert {cls.bl_translation_context for cls in own if hasattr(cls, "bl_label")} == {"LSMPL"}
    drawn = [
        f"{path.name}:{call.lineno}"
        for path in folder.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("label", "operator", "prop")
        for given in [{keyword.arg: keyword.value for keyword in call.keywords}]
        if "text" in given and ast.unparse(given["text"]) != "''" and "translate" not in given
    ]
    assert drawn == []

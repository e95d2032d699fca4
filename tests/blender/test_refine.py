"""Refine in a real Blender: the worst frame of a take solved anew, compared, posed by hand and pinned, undone."""

from pathlib import Path

import pytest

TRACK = Path(__file__).resolve().parents[2] / "examples" / "walk_and_wave.trc"

STATE = """
    from bl_ext.user_default.lsmpl.addon import selection
    from bl_ext.user_default.lsmpl.addon.refining import pending_edit
    from bl_ext.user_default.lsmpl.addon.takes import pinned_joints
    from bl_ext.user_default.lsmpl.addon.refining import refine as refining
    from bl_ext.user_default.lsmpl.addon.takes import layers
    take = selection.active_take(bpy.context)
    bones = take.lsmpl.armature.pose.bones
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    value = {
        "open": pending_edit.is_open(take),
        "refined": take.lsmpl.refined is not None,
        "pins": [list(pin)[:2] for pin in pinned_joints.load(take)],
        "pose": [[round(v, 4) for v in bone.rotation_quaternion] for bone in bones],
        "actions": sorted(bpy.data.actions.keys()),
    }
"""


SHOULDER = """
    from bl_ext.user_default.lsmpl.addon import selection
    bone = selection.active_take(bpy.context).lsmpl.armature.pose.bones["left_shoulder"]
    value = list(bone.rotation_quaternion)
"""


ELBOW = """
    from bl_ext.user_default.lsmpl.addon import selection
    value = list(selection.active_take(bpy.context).lsmpl.armature.pose.bones["left_elbow"].head)
"""


def distance(a: list, b: list) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b)) ** 0.5


def state(blender) -> dict:
    return blender.run(STATE)


def viewport(blender, code: str) -> None:
    blender.run(f"""
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        region = next(r for r in area.regions if r.type == "WINDOW")
        with bpy.context.temp_override(area=area, region=region):
            {code}
    """)


def operator(blender, name: str, **options) -> None:
    """As its button does, with an undo step."""
    said = "".join(f", {key}={value!r}" for key, value in options.items())
    blender.run(f"bpy.ops.lsmpl.{name}('INVOKE_DEFAULT', True{said})")
    blender.wait_for("__import__('bl_ext.user_default.lsmpl.addon.jobs', fromlist=['x']).current is None")


@pytest.fixture(scope="module")
def solved(blender):
    """The example, solved and at its worst frame."""
    path = blender.share(TRACK)
    blender.run(f"""
        bpy.data.objects.remove(bpy.data.objects["Cube"])
        bpy.ops.lsmpl.import_keypoints(filepath={path!r})
        bpy.ops.ed.undo_push(message="Imported")
        bpy.ops.lsmpl.solve("EXEC_DEFAULT", True)
        from bl_ext.user_default.lsmpl.addon import selection
        from bl_ext.user_default.lsmpl.addon.takes import layers
        take = selection.active_take(bpy.context)
        bpy.context.scene.frame_set(round(take.lsmpl.start + layers.describe(take)["worst_frame"] * take.lsmpl.step))
        bpy.ops.object.select_all(action="DESELECT")
        take.lsmpl.body_mesh.select_set(True)
    """, timeout=200)  # fmt: skip
    blender.show_tab("LSMPL")
    viewport(blender, "bpy.ops.view3d.view_selected()")
    blender.run("bpy.ops.object.select_all(action='DESELECT')")
    blender.run("""
        from bl_ext.user_default.lsmpl.addon import panels
        region = next(r for a in bpy.context.screen.areas if a.type == "VIEW_3D" for r in a.regions if r.type == "UI")
        for name in ("keypoints", "character", "solve", "clean_up", "export"):
            cls = getattr(bpy.types, f"LSMPL_PT_{name}")
            bpy.utils.unregister_class(cls)
        region.tag_redraw()
    """)  # the tab is longer than the screen: leave what is looked at
    return blender


def test_the_worst_frame_is_refined_and_compared(solved, look):
    before = state(solved)
    look("refine_1_worst_frame")
    solved.run("""
        settings = bpy.context.scene.lsmpl_refine
        settings.begin, settings.blend = "COLD", 8
    """)
    operator(solved, "refine")
    after = state(solved)
    assert after["open"] and after["refined"]
    assert after["pose"] != before["pose"]
    assert set(after["actions"]) > set(before["actions"])
    look("refine_2_after")
    operator(solved, "show_before", before=True)
    assert state(solved)["pose"] == before["pose"]
    look("refine_3_before")
    operator(solved, "reject")
    assert state(solved) == before


def test_undo_and_redo_take_a_refine_back_and_bring_it(solved):
    before = state(solved)
    operator(solved, "refine")
    after = state(solved)
    solved.xdotool("mousemove", 600, 600, "key", "ctrl+z")
    solved.wait_for(
        "not bpy.data.objects[0].lsmpl_proposal.is_open and not any(o.lsmpl.refined for o in bpy.data.objects)"
    )
    assert state(solved) == before
    solved.xdotool("key", "ctrl+shift+z")
    solved.wait_for("any(o.lsmpl.refined for o in bpy.data.objects)")
    assert state(solved) == after
    operator(solved, "reject")
    assert state(solved) == before


def test_a_bone_turned_by_hand_is_the_start_and_is_pinned(solved, look):
    before = solved.run(SHOULDER)
    solved.run("""
        from bl_ext.user_default.lsmpl.addon import selection
        armature = selection.active_take(bpy.context).lsmpl.armature
        armature.select_set(True)
        bpy.context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="POSE")
        for bone in armature.pose.bones:
            owner = bone if "select" in bone.bl_rna.properties else bone.bone
            owner.select = bone.name == "left_shoulder"
        settings = bpy.context.scene.lsmpl_refine
        settings.begin, settings.pin = "POSE", True
        bpy.ops.ed.undo_push(message="Pose Mode")
    """)
    # Real keys over the viewport: turn the bone by 40 degrees, which is not keyed.
    solved.xdotool("mousemove", 600, 500, "sleep", 0.3, "key", "r", "key", "4", "key", "0", "key", "Return")
    look("refine_4_posed_by_hand")
    posed, elbow = solved.run(SHOULDER), solved.run(ELBOW)
    operator(solved, "refine")
    after = state(solved)
    assert [joint for _, joint in after["pins"]] == ["left_shoulder"]
    kept = solved.run(SHOULDER)
    turned = abs(sum(a * b for a, b in zip(posed, before)))
    assert turned < 0.95, "the keys turned the bone by some 40 degrees"
    assert abs(sum(a * b for a, b in zip(posed, kept))) > 0.9999
    assert distance(elbow, solved.run(ELBOW)) < 0.03, "the arm is where it was put, the trunk was not twisted"
    look("refine_5_pinned")
    operator(solved, "accept")
    solved.run("bpy.ops.object.mode_set(mode='OBJECT')")
    solved.run("bpy.ops.lsmpl.solve('EXEC_DEFAULT', True)", timeout=200)
    again = state(solved)
    assert again["pins"] == after["pins"]
    assert not again["refined"]
    look("refine_6_solved_again")

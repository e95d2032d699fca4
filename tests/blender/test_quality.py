"""Empties that are in the scene become a take, are solved, judged and read again, in a real Blender."""

from pathlib import Path

import pytest

TRACK = Path(__file__).resolve().parents[2] / "examples" / "walk_and_wave.trc"

STATE = """
    from bl_ext.user_default.lsmpl.addon.importing import retaking
    from bl_ext.user_default.lsmpl.addon.takes import take as takes
    take = bpy.data.objects["recording_1 Take"]
    track = takes.load_track(take)
    value = {
        "wrist": float(track.positions[49, track.layout.index("left_wrist"), 2]),
        "outdated": retaking.is_outdated(take),
        "solved": bool(take.lsmpl.solved),
        "frame": bpy.context.scene.frame_current,
        "markers": [m.name for m in bpy.context.scene.timeline_markers],
    }
"""
FRAME_IT = """
    area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == "WINDOW")
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.5, type="ORBITRIGHT")
        bpy.ops.view3d.view_selected()
"""


@pytest.fixture(scope="module")
def recording(blender) -> None:
    """Empties below one object, keyed one by one, as other add-ons do it; most are lost for some frames."""
    blender.run("bpy.data.objects.remove(bpy.data.objects['Cube'])")
    track = blender.share(TRACK)
    blender.run(f"""
        from bl_ext.user_default.lsmpl.lsmpl_core import read_keypoints
        track, scene = read_keypoints({track!r}), bpy.context.scene
        parent = bpy.data.objects.new("recording_1", None)
        scene.collection.objects.link(parent)
        for k, name in enumerate(track.layout.keypoints):
            obj = bpy.data.objects.new(name, None)
            obj.parent, obj.empty_display_size = parent, 0.03
            scene.collection.objects.link(obj)
            for t in range(len(track)):
                if track.visible[t, k] and not (k % 5 and 90 <= t < 96):
                    obj.location = track.positions[t, k]
                    obj.keyframe_insert("location", frame=t + 1)
        scene.frame_start, scene.frame_end, scene.render.fps = 1, len(track), round(track.fps)
        for obj in bpy.context.view_layer.objects:
            obj.select_set(obj == parent)
        bpy.context.view_layer.objects.active = parent
        bpy.ops.ed.undo_push(message="Recording")
    """)


def test_selected_empties_become_a_take(blender, recording, look):
    blender.show_tab("LSMPL")
    blender.run("bpy.ops.lsmpl.take_from_objects('INVOKE_DEFAULT', True)")
    assert not blender.run(STATE)["solved"]
    blender.run(FRAME_IT)
    look("q1_taken")


def test_the_worst_frame_is_found_and_marked(blender, look):
    blender.run("bpy.ops.lsmpl.solve('EXEC_DEFAULT')", timeout=200)
    blender.run("bpy.context.scene.frame_set(1)")
    blender.run("bpy.ops.lsmpl.jump_to_doubtful('INVOKE_DEFAULT', where='WORST')")
    blender.run("bpy.ops.lsmpl.mark_doubtful('INVOKE_DEFAULT', True)")
    state = blender.run(STATE)
    assert 91 <= state["frame"] <= 96
    assert len(state["markers"]) >= 1
    blender.run(FRAME_IT)
    blender.run("bpy.ops.object.select_all(action='DESELECT')")
    look("q2_worst_frame")


def test_the_residual_shows_in_the_graph_editor(blender, look):
    blender.run("""
        rig = bpy.data.objects["recording_1 Take Rig"]
        rig.select_set(True)
        bpy.context.view_layer.objects.active = rig
        next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D").ui_type = "FCURVES"
    """)
    blender.settle()
    blender.run("""
        from bl_ext.user_default.lsmpl.addon.characters import actions
        for curve in actions.fcurves(bpy.data.objects["recording_1 Take Rig"].animation_data.action):
            curve.hide = not curve.data_path.startswith('["')
        area = next(a for a in bpy.context.screen.areas if a.ui_type == "FCURVES")
        with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
            bpy.ops.graph.view_all()
    """)
    look("q3_residual")
    blender.run("next(a for a in bpy.context.screen.areas if a.ui_type == 'FCURVES').ui_type = 'VIEW_3D'")


def test_edited_empties_are_read_again_and_one_undo_takes_it_back(blender, look):
    before = blender.run(STATE)
    blender.run("""
        from bl_ext.user_default.lsmpl.addon.characters import actions
        for curve in actions.fcurves(bpy.data.objects["left_wrist"].animation_data.action):
            for key in curve.keyframe_points:
                key.co.y += 0.3 * (curve.array_index == 2 and 41 <= key.co.x <= 60)
            curve.update()
        bpy.context.view_layer.objects.active = bpy.data.objects["recording_1 Take"]
        bpy.ops.ed.undo_push(message="Edited")
        bpy.ops.lsmpl.read_again('INVOKE_DEFAULT', True)
    """)
    again = blender.run(STATE)
    assert again["wrist"] == pytest.approx(before["wrist"] + 0.3, abs=1e-4)
    assert again["outdated"]
    assert again["solved"]
    look("q4_read_again")
    blender.xdotool("mousemove", 600, 600, "key", "ctrl+z")
    blender.wait_for("True")
    assert blender.run(STATE)["wrist"] == pytest.approx(before["wrist"], abs=1e-4)
    blender.xdotool("key", "ctrl+shift+z")
    assert blender.run(STATE) == again

"""The whole path in a real Blender, one step after the other, with mouse and keys where a user would use them."""

import time
from pathlib import Path

TRACK = Path(__file__).resolve().parents[2] / "examples" / "walk_and_wave.trc"
SIDEBAR_X = 1360

STATE = """
    from bl_ext.user_default.lsmpl.addon import jobs, selection
    take = selection.active_take(bpy.context)
    value = {
        "objects": sorted(bpy.data.objects.keys()),
        "meshes": sorted(bpy.data.meshes.keys()),
        "actions": sorted(bpy.data.actions.keys()),
        "solved": bool(take and take.lsmpl.solved),
        "solving": jobs.current is not None,
        "range": [bpy.context.scene.frame_start, bpy.context.scene.frame_end],
        "mode": bpy.context.mode,
    }
"""
SOLVING = "__import__('bl_ext.user_default.lsmpl.addon.jobs', fromlist=['x']).current"


def press_solve(blender) -> None:
    blender.click(SIDEBAR_X, blender.tall_button(SIDEBAR_X))


def frame_the_take(blender) -> None:
    blender.run("""
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        region = next(r for r in area.regions if r.type == "WINDOW")
        with bpy.context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_selected()
    """)


def test_the_file_browser_imports_a_track(blender, look):
    track = blender.share(TRACK)
    blender.run("bpy.data.objects.remove(bpy.data.objects['Cube'])")
    blender.show_tab("LSMPL")
    look("1_empty")
    blender.run("bpy.ops.lsmpl.import_keypoints('INVOKE_DEFAULT')")
    blender.wait_for("len(bpy.context.window_manager.windows) == 2")
    blender.run(f"""
        params = bpy.context.window_manager.windows[1].screen.areas[0].spaces.active.params
        params.directory, params.filename = {str(Path(track).parent)!r}.encode(), {TRACK.name!r}
    """)
    look("2_file_browser")
    blender.xdotool("mousemove", 700, 500, "sleep", 0.5, "key", "Return")
    blender.wait_for("'walk_and_wave' in bpy.data.objects")
    state = blender.run(STATE)
    assert state["range"] == [1, 180]
    assert not state["solved"]
    blender.rest()
    assert blender.run("""
        import numpy as np
        from bl_ext.user_default.lsmpl.addon.takes import take as takes
        from bpy_extras.view3d_utils import location_3d_to_region_2d
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        region = next(r for r in area.regions if r.type == "WINDOW")
        points = takes.keypoints_at(bpy.data.objects["walk_and_wave"], 0)
        seen = [location_3d_to_region_2d(region, area.spaces[0].region_3d, p) for p in points.read[points.seen]]
        value = all(0 < at.x < region.width and 0 < at.y < region.height for at in seen)
    """)  # and large: the first take is brought into view
    look("3_imported")


def test_esc_cancels_a_solve_and_leaves_everything_as_it_was(blender, look):
    blender.run("""
        import numpy as np
        from bl_ext.user_default.lsmpl.addon import selection
        from bl_ext.user_default.lsmpl.addon.importing import adding
        from bl_ext.user_default.lsmpl.addon.takes import take as takes
        track = takes.load_track(selection.active_take(bpy.context))
        long = adding.add_take(bpy.context.scene, track.frames(np.tile(np.arange(180), 40)), "Long")
        bpy.context.view_layer.objects.active = long
    """)
    before = blender.run(STATE)
    press_solve(blender)
    blender.wait_for(SOLVING)
    time.sleep(3)
    look("4_solving")
    assert blender.run(STATE)["solving"]
    blender.xdotool("mousemove", 600, 600, "key", "Escape")
    blender.wait_for(f"{SOLVING} is None", timeout=10)
    assert blender.run(STATE) == before


def test_a_solve_ends_when_another_file_is_loaded(blender):
    saved = f"{blender.inside}/long.blend"
    blender.run(f"bpy.ops.wm.save_as_mainfile(filepath={saved!r})")
    press_solve(blender)
    blender.wait_for(SOLVING)
    blender.run(f"bpy.ops.wm.open_mainfile(filepath={saved!r})")
    blender.wait_for(f"{SOLVING} is None", timeout=10)
    blender.run("bpy.data.objects.remove(bpy.data.objects['Long'])")
    blender.run("bpy.context.view_layer.objects.active = bpy.data.objects['walk_and_wave']")
    assert not blender.run(STATE)["solved"]


def test_the_solve_button_makes_a_character(blender, look):
    blender.show_tab("LSMPL")
    blender.run("bpy.ops.ed.undo_push(message='Before Solve')")
    press_solve(blender)
    blender.wait_for("'walk_and_wave Body' in bpy.data.objects", timeout=120)
    state = blender.run(STATE)
    assert state["solved"]
    assert not state["solving"]
    assert state["actions"] == ["walk_and_wave"]
    blender.run("bpy.context.scene.frame_set(60)")
    frame_the_take(blender)
    blender.run("bpy.ops.object.select_all(action='DESELECT')")
    look("5_solved")


def test_one_undo_takes_the_solve_back_and_redo_brings_it(blender):
    solved = blender.run(STATE)
    blender.xdotool("mousemove", 600, 600, "key", "ctrl+z")
    blender.wait_for("'walk_and_wave Body' not in bpy.data.objects")
    undone = blender.run(STATE)
    assert not undone["solved"]
    assert undone["actions"] == []
    blender.xdotool("key", "ctrl+shift+z")
    blender.wait_for("'walk_and_wave Body' in bpy.data.objects")
    assert blender.run(STATE) == solved


CLEANED = """
    rig = bpy.data.objects["walk_and_wave Rig"]
    feet = []
    for frame in range(1, 61):
        bpy.context.scene.frame_set(frame)
        feet.append([round(c, 5) for c in rig.pose.bones["left_foot"].head])
    value = [bpy.data.objects["walk_and_wave"].lsmpl.cleaned is not None, feet]
"""


def test_clean_up_bakes_anew_and_one_undo_takes_it_back(blender, look):
    blender.run("bpy.context.view_layer.objects.active = bpy.data.objects['walk_and_wave']")
    solved = blender.run(CLEANED)
    assert not solved[0]
    blender.run("bpy.ops.ed.undo_push(message='Before Clean Up')")
    blender.run("bpy.ops.lsmpl.clean_up('INVOKE_DEFAULT', True)")
    blender.wait_for("bpy.data.objects['walk_and_wave'].lsmpl.cleaned")
    blender.wait_for(f"{SOLVING} is None")
    cleaned = blender.run(CLEANED)
    assert cleaned[0]
    assert cleaned[1] != solved[1]
    blender.settle()
    look("6_cleaned")
    blender.xdotool("mousemove", 600, 600, "key", "ctrl+z")
    blender.wait_for("not bpy.data.objects['walk_and_wave'].lsmpl.cleaned")
    assert blender.run(CLEANED) == solved


def test_it_plays(blender, look):
    blender.run("bpy.data.objects['walk_and_wave'].select_set(True)")
    heads = """
        bpy.context.scene.frame_set({frame})
        value = list(bpy.data.objects["walk_and_wave Rig"].pose.bones["right_wrist"].head)
    """
    first, later = (blender.run(heads.format(frame=frame)) for frame in (1, 120))
    assert max(abs(a - b) for a, b in zip(first, later)) > 0.1
    frame_the_take(blender)
    look("7_played")


def test_an_animator_can_pose_over_it(blender, look):
    blender.run("""
        rig = bpy.data.objects["walk_and_wave Rig"]
        bpy.context.view_layer.objects.active = rig
        bpy.ops.object.mode_set(mode="POSE")
        bone = rig.data.bones["right_elbow"]
        rig.data.bones.active = bone
    """)
    look("8_pose_mode")
    blender.run("bpy.ops.object.mode_set(mode='OBJECT')")


def test_dropped_files_are_offered_with_the_options(blender, look):
    folder = blender.inside
    blender.run(f"""
        bpy.ops.lsmpl.import_keypoints('INVOKE_DEFAULT', directory={folder!r},
            filepath={folder + "/" + TRACK.name!r}, files=[dict(name={TRACK.name!r})])
    """)
    time.sleep(1)
    look("9_dropped")
    blender.xdotool("key", "Escape")

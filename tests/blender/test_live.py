"""Live posing in a real Blender: handles selected and moved with mouse and keys, undone, locked; with screenshots."""

import time

import pytest
from example import EXAMPLES, go_live, see_from_front, solve_example

TRACK = EXAMPLES / "walk_and_wave.trc"
NAME = TRACK.stem
STEPS = 10
"""Moves of the mouse in a drag."""

STATE = f"""
    from bl_ext.user_default.lsmpl.addon.live import session
    from bl_ext.user_default.lsmpl.addon.takes import layers
    from bl_ext.user_default.lsmpl.addon.takes import take as takes
    take, rig = bpy.data.objects[{NAME!r}], bpy.data.objects["{NAME} Rig"]
    is_live = session.has_handles(bpy.context.scene)
    known = takes.keypoints_at(take, bpy.context.scene.frame_current - 1)
    names = takes.layout_of(take).keypoints
    value = {{
        "live": is_live,
        "state": {{name: int(state) for name, state in zip(names, known.state) if state}},
        "refined": take.lsmpl.refined is not None,
        "bones": {{b.name: [round(c, 4) for c in b.head] for b in rig.pose.bones}},
        "handles": {{o.name: [round(c, 4) for c in o.location] for o in bpy.context.scene.lsmpl_live.handles.objects}}
            if is_live else {{}},
        "modal": [op.bl_idname for op in bpy.context.window.modal_operators],
        "selected": [o.name for o in bpy.context.selected_objects],
    }}
"""


@pytest.fixture(scope="module")
def posed(blender):
    """The example, solved, at frame 60, seen from the front, and live."""
    solve_example(blender, TRACK)
    see_from_front(blender, NAME)
    go_live(blender)
    return blender


def at(blender, name: str) -> tuple[int, int]:
    """Where on the screen a handle is."""
    x, y = blender.run(f"""
        from bpy_extras.view3d_utils import location_3d_to_region_2d
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        region = next(r for r in area.regions if r.type == "WINDOW")
        handle = bpy.data.objects[{name!r}]
        where = location_3d_to_region_2d(region, area.spaces[0].region_3d, handle.matrix_world.translation)
        value = [where.x + region.x, where.y + region.y]
    """)
    return round(x), round(1080 - y)


def drag(blender, look, name: str, right: int, up: int, shot: str = "", end=("click", 1)) -> dict:
    """Click a handle, press G, move the mouse in steps, and click. Returns the state before the click."""
    x, y = at(blender, name)
    blender.click(x, y)
    blender.xdotool("key", "g")
    for step in range(1, STEPS + 1):
        blender.xdotool("mousemove", x + right * step // STEPS, y - up * step // STEPS)
    blender.wait_for("any(op.bl_idname.startswith('TRANSFORM') for op in bpy.context.window.modal_operators)", 5)
    during = blender.run(STATE)
    if shot:
        look(shot, settle=False)
    blender.xdotool(*end)
    blender.rest()
    return during


def distance(a, b) -> float:
    return sum((p - q) ** 2 for p, q in zip(a, b)) ** 0.5


def test_handles_stand_on_the_keypoints(posed, look):
    state = posed.run(STATE)
    assert state["live"]
    assert len(state["handles"]) == 25
    look("live_1_on")


def test_a_handle_is_grabbed_and_the_body_follows(posed, look):
    before = posed.run(STATE)
    during = drag(posed, look, "left_wrist", 60, 120, "live_2_dragging")
    assert during["selected"] == ["left_wrist"]
    assert distance(during["handles"]["left_wrist"], before["handles"]["left_wrist"]) > 0.1
    assert distance(during["bones"]["left_wrist"], during["handles"]["left_wrist"]) < 0.03
    assert not during["refined"]
    assert not during["state"]
    after = posed.run(STATE)
    assert after["refined"]
    assert after["state"]["left_wrist"] == 1
    assert distance(after["bones"]["left_wrist"], during["bones"]["left_wrist"]) < 0.01
    look("live_3_released")


def test_esc_takes_a_drag_back(posed, look):
    before = posed.run(STATE)
    drag(posed, look, "right_wrist", -80, 60, end=("key", "Escape"))
    assert posed.run(STATE) == {**before, "selected": ["right_wrist"]}


def test_one_undo_takes_the_drag_back_and_redo_brings_it(posed, look):
    # Selecting was a step of its own.
    drag(posed, look, "right_wrist", -60, 100)
    after = posed.run(STATE)
    assert after["state"]["right_wrist"] == 1
    posed.xdotool("key", "ctrl+z")
    posed.rest()
    undone = posed.run(STATE)
    assert "right_wrist" not in undone["state"]
    assert distance(undone["bones"]["right_wrist"], after["bones"]["right_wrist"]) > 0.1
    posed.xdotool("key", "ctrl+shift+z")
    posed.rest()
    redone = posed.run(STATE)
    assert redone["state"] == after["state"]
    assert distance(redone["bones"]["right_wrist"], after["bones"]["right_wrist"]) < 0.005
    look("live_4_redone")


def test_locked_feet_stay_while_the_hips_go_down(posed, look):
    posed.run("bpy.ops.lsmpl.set_keypoints('INVOKE_DEFAULT', True, state='LOCK', which='FEET')")
    before = posed.run(STATE)
    during = drag(posed, look, "mid_hip", 0, -60, "live_5_hips_down")
    assert during["bones"]["pelvis"][2] < before["bones"]["pelvis"][2] - 0.05
    for foot in ("left_ankle", "right_ankle"):
        assert distance(during["bones"][foot], before["bones"][foot]) < 0.01
    look("live_6_hips_down_kept")


def test_each_place_of_the_mouse_is_solved_once(posed, look):
    posed.run("""
        from bl_ext.user_default.lsmpl.addon.live import drag
        drag.solved = 0
        class Counting(drag.CoreDrag):
            def pose(self, *args):
                drag.solved += 1
                return super().pose(*args)
        drag.CoreDrag, drag.uncounted = Counting, drag.CoreDrag
    """)
    drag(posed, look, "nose", 60, -10)
    solved = posed.run("""
        from bl_ext.user_default.lsmpl.addon.live import drag
        drag.CoreDrag = drag.uncounted
        value = drag.solved
    """)
    assert 1 <= solved <= STEPS + 1  # the last one where it is clicked


def test_playing_and_ending_leave_no_handles(posed, look):
    posed.run("bpy.ops.screen.animation_play()")
    time.sleep(1.5)
    posed.run("bpy.ops.screen.animation_cancel(restore_frame=True)")
    assert posed.run(STATE)["live"]
    posed.run("bpy.ops.lsmpl.live('INVOKE_DEFAULT', True)")
    state = posed.run(STATE)
    assert not state["live"]
    assert posed.run("value = [o.name for o in bpy.data.objects if 'lsmpl_keypoint' in o]") == []
    look("live_7_off")
    posed.xdotool("mousemove", 600, 600, "key", "ctrl+z")
    posed.rest()
    assert posed.run(STATE)["live"]

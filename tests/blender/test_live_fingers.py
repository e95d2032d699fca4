"""Fingers in a real Blender: a tip is dragged by mouse, undone, redone, scrubbed to, given back; with screenshots."""

import pytest
from example import EXAMPLES, go_live, see_from_front, solve_example
from test_live import at, distance

TRACK = EXAMPLES / "walk_and_wave_with_hands.trc"
NAME, FRAME, STEPS = TRACK.stem, 60, 8
TIP, BONE = "left_index_tip", "left_index2"

STATE = f"""
    from bl_ext.user_default.lsmpl.addon.live import session
    from bl_ext.user_default.lsmpl.addon.takes import layers, pinned_joints
    take, rig = bpy.data.objects[{NAME!r}], bpy.data.objects["{NAME} Rig"]
    tip = bpy.data.objects[{TIP!r}]
    value = {{
        "pins": sorted(pin.joint for pin in pinned_joints.load(take)),
        "turn": [round(c, 4) for c in rig.pose.bones[{BONE!r}].rotation_quaternion],
        "end": [round(c, 4) for c in rig.pose.bones["left_index3"].tail],
        "other": [round(c, 4) for c in rig.pose.bones["left_little2"].rotation_quaternion],
        "tip": [round(c, 4) for c in tip.location],
        "refined": take.lsmpl.refined is not None,
        "selected": [o.name for o in bpy.context.selected_objects],
        "frame": bpy.context.scene.frame_current,
    }}
"""


@pytest.fixture(scope="module")
def posed(blender):
    """The example with hands, solved, live, and seen from near its left hand."""
    solve_example(blender, TRACK, FRAME)
    see_from_front(blender, NAME, bone="left_middle1", width=0.7)
    go_live(blender)
    return blender


def drag(blender, look, right: int, up: int, shot: str = "", end=("click", 1)) -> dict:
    """Click the finger tip's handle, press G, move the mouse in steps, and click. The state before the click."""
    x, y = at(blender, TIP)
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


def test_a_finger_tip_is_dragged_and_its_finger_follows(posed, look):
    before = posed.run(STATE)
    look("fingers_1_on")
    during = drag(posed, look, -60, -90, "fingers_2_dragging")
    assert during["selected"] == [TIP]
    assert distance(during["turn"], before["turn"]) > 0.05
    assert during["other"] == before["other"]
    assert not during["refined"]
    after = posed.run(STATE)
    assert after["refined"]
    assert after["pins"] == ["left_index1", "left_index2", "left_index3"]
    assert distance(after["end"], during["end"]) < 0.004
    look("fingers_3_released")


def test_esc_takes_a_finger_back(posed, look):
    before = posed.run(STATE)
    drag(posed, look, 40, 60, end=("key", "Escape"))
    assert posed.run(STATE) == before


def test_a_finger_is_undone_by_one_step_and_redone(posed, look):
    before = posed.run(STATE)
    drag(posed, look, 50, 80)
    after = posed.run(STATE)
    assert distance(after["turn"], before["turn"]) > 0.02
    posed.xdotool("key", "ctrl+z")
    posed.rest()
    assert distance(posed.run(STATE)["turn"], before["turn"]) < 0.002
    posed.xdotool("key", "ctrl+shift+z")
    posed.rest()
    redone = posed.run(STATE)
    assert distance(redone["turn"], after["turn"]) < 0.002
    assert redone["pins"] == after["pins"]


def test_handles_of_tips_go_with_the_frames(posed, look):
    before = posed.run(STATE)
    for key in ("Right",) * 3:
        posed.xdotool("key", key)
    posed.rest()
    away = posed.run(STATE)
    assert away["frame"] == before["frame"] + 3
    assert distance(away["tip"], away["end"]) < 0.006
    look("fingers_4_three_frames_on")
    for key in ("Left",) * 3:
        posed.xdotool("key", key)
    posed.rest()
    back = posed.run(STATE)
    assert distance(back["tip"], before["tip"]) < 0.001
    assert distance(back["turn"], before["turn"]) < 0.002


def test_live_ends_and_the_finger_stays(posed, look):
    before = posed.run(STATE.replace(f"tip = bpy.data.objects[{TIP!r}]", "tip = rig"))
    posed.run('bpy.ops.lsmpl.live("INVOKE_DEFAULT", True)')
    posed.rest()
    after = posed.run(STATE.replace(f"tip = bpy.data.objects[{TIP!r}]", "tip = rig"))
    assert after["turn"] == before["turn"] and after["pins"] == before["pins"]
    look("fingers_5_ended")

"""Curls on the Animation Rig as an animator uses them: turned by mouse over the fingers' own motion, keyed, undone,
exported; with screenshots."""

import pytest
from example import EXAMPLES, see_from_front, solve_example
from test_journey import press
from test_live import distance
from test_rig import click_control

TRACK = EXAMPLES / "walk_and_wave_with_hands.trc"
NAME, FRAME = TRACK.stem, 60
HAND, INDEX = "left_hand_curl", "left_index_curl"
STEPS = 8

STATE = f"""
    rig = bpy.data.objects["{NAME} Rig"]

    def bend(name):
        bone = rig.pose.bones[name]
        return bone.y_axis.angle(bone.parent.y_axis)

    value = {{
        "selected": sorted(bone.name for bone in bpy.context.selected_pose_bones or ()),
        "bends": {{f: round(sum(bend(f"{{f}}{{j}}") for j in (2, 3)), 4) for f in
            [f"{{side}}_{{finger}}" for side in ("left", "right") for finger in
                ("index", "middle", "ring", "little", "thumb")]}},
        "wrist": [round(c, 5) for c in rig.pose.bones["left_wrist"].head],
        "curl": {{name: round(rig.pose.bones[name].rotation_euler.x, 4) for name in ({HAND!r}, {INDEX!r})}},
    }}
"""
LEFT = [f"left_{finger}" for finger in ("index", "middle", "ring", "little")]


@pytest.fixture(scope="module")
def rigged(blender):
    """The example with hands, solved, with controls, seen from near its left hand, in Pose Mode."""
    solve_example(blender, TRACK, FRAME)
    press(blender, "add_controls")
    see_from_front(blender, NAME, bone="left_middle1", width=0.6)
    blender.run(f"""
        rig = bpy.data.objects["{NAME} Rig"]
        bpy.context.view_layer.objects.active = rig
        if bpy.context.mode != "POSE":
            bpy.ops.object.mode_set(mode="POSE")
        bpy.ops.pose.select_all(action="DESELECT")
        bpy.ops.ed.undo_push(message="Ready")
    """)
    blender.rest()
    return blender


def turn(blender, name: str, down: int, look=None, shot: str = "") -> dict:
    """The control clicked; R, X twice for its own axis, the mouse moved around it, a click. The state afterwards."""
    x, y = click_control(blender, name, NAME)
    assert blender.run(STATE)["selected"] == [name]
    blender.xdotool("mousemove", round(x) + 160, round(y))
    blender.xdotool("key", "r")
    blender.xdotool("key", "x")
    blender.xdotool("key", "x")
    for step in range(1, STEPS + 1):
        blender.xdotool("mousemove", round(x) + 160, round(y) + down * step // STEPS, pause=0.1)
    if look:
        look(shot, settle=False)
    blender.xdotool("click", 1)
    blender.rest()
    return blender.run(STATE)


def keys(blender, *names: str) -> dict:
    blender.xdotool("mousemove", 500, 900)
    for name in names:
        blender.xdotool("key", name)
        blender.rest()
    return blender.run(STATE)


def test_a_hands_curl_closes_its_fingers_over_their_own_motion(rigged, look):
    before = rigged.run(STATE)
    look("curls_1_before")
    after = turn(rigged, HAND, 130, look, "curls_2_turning")
    if after["curl"][HAND] < 0.0:  # the mouse goes round the other way on this side
        keys(rigged, "ctrl+z")
        after = turn(rigged, HAND, -130)
    look("curls_3_fist")
    more = {finger: after["bends"][finger] - before["bends"][finger] for finger in before["bends"]}
    assert all(more[finger] > 0.3 for finger in LEFT)
    assert 0.05 < more["left_thumb"] < min(more[finger] for finger in LEFT)
    assert all(abs(value) < 1e-3 for finger, value in more.items() if finger.startswith("right"))
    assert distance(before["wrist"], after["wrist"]) < 1e-4


def test_it_is_undone_and_redone_by_one_step(rigged):
    after = rigged.run(STATE)
    assert keys(rigged, "ctrl+z")["curl"][HAND] == 0.0
    assert keys(rigged, "ctrl+shift+z")["bends"] == after["bends"]


def test_a_fingers_curl_points_it_out_of_the_fist_and_stays_when_keyed(rigged, look):
    fist = rigged.run(STATE)
    pointing = turn(rigged, INDEX, -130 if fist["curl"][HAND] > 0.0 else 130)
    if pointing["curl"][INDEX] > 0.0:
        keys(rigged, "ctrl+z")
        pointing = turn(rigged, INDEX, 130)
    look("curls_4_pointing")
    assert pointing["bends"]["left_index"] < fist["bends"]["left_index"] - 0.2
    assert pointing["bends"]["left_middle"] == fist["bends"]["left_middle"]
    keyed = keys(rigged, "a", "i", "Right", "Left")
    assert keyed["bends"] == pointing["bends"]


def test_an_export_has_the_curled_fingers(rigged):
    shown = rigged.run(STATE)
    path = f"{rigged.inside}/curled.fbx"
    rigged.run(f"bpy.ops.lsmpl.export('EXEC_DEFAULT', True, filepath={path!r})", timeout=240)
    rigged.wait_for(f"Path({path!r}).exists()", timeout=60)
    came = rigged.run(
        f"""
        bpy.ops.object.mode_set(mode="OBJECT")
        bpy.ops.import_scene.fbx("EXEC_DEFAULT", filepath={path!r})
        rig = next(o for o in bpy.context.selected_objects if o.type == "ARMATURE")
        first = rig.animation_data.action.frame_range[0]
        bpy.context.scene.frame_set({FRAME} + round(first) - bpy.context.scene.frame_start)
        heads = {{bone.name: rig.matrix_world @ bone.head for bone in rig.pose.bones}}
        value = {{finger: (heads[finger + "2"] - heads[finger + "1"]).angle(heads[finger + "3"] - heads[finger + "2"])
            for finger in {LEFT!r}}}
        """,
        timeout=120,
    )
    there = rigged.run(f"""
        rig = bpy.data.objects["{NAME} Rig"]
        bpy.context.scene.frame_set({FRAME})
        heads = {{bone.name: rig.matrix_world @ bone.head for bone in rig.pose.bones}}
        value = {{finger: (heads[finger + "2"] - heads[finger + "1"]).angle(heads[finger + "3"] - heads[finger + "2"])
            for finger in {LEFT!r}}}
    """)
    assert shown["bends"]["left_middle"] > 0.3
    assert max(abs(came[finger] - there[finger]) for finger in LEFT) < 0.02

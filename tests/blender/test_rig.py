"""The Animation Rig as an animator uses it: controls clicked and moved with the mouse, keyed, layered, switched between
FK and IK, undone, saved, exported and removed; with screenshots.
"""

import time
from pathlib import Path

import pytest
from example import EXAMPLES, see_from_front, solve_example
from test_journey import accept_file, press
from test_live import distance

TRACK = EXAMPLES / "walk_and_wave.trc"
NAME = TRACK.stem
HAND = "right_hand_ik"

STATE = f"""
    scene, rig = bpy.context.scene, bpy.data.objects["{NAME} Rig"]
    animation, layer = rig.animation_data, rig.animation_data.action
    value = {{
        "mode": bpy.context.mode,
        "frame": scene.frame_current,
        "selected": sorted(bone.name for bone in bpy.context.selected_pose_bones or ()),
        "heads": {{bone.name: list(bone.head) for bone in rig.pose.bones}},
        "ik": {{bone.name: bone["IK"] for bone in rig.pose.bones if "IK" in bone}},
        "bones": len(rig.data.bones),
        "action": layer.name if layer else None,
        "strips": [strip.action.name for track in animation.nla_tracks for strip in track.strips],
        "shown": [c.name for c in rig.data.collections_all if c.is_visible],
    }}
"""
SHAPES = """
    from bpy_extras.view3d_utils import location_3d_to_region_2d
    import numpy as np
    area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == "WINDOW")
    rig = bpy.data.objects["NAME Rig"]
    seen = {c.name for c in rig.data.collections_all if c.is_visible_effectively}
    value = {}
    for bone in rig.pose.bones:
        if bone.custom_shape and any(c.name in seen for c in bone.bone.collections):
            at = np.array([v.co for v in bone.custom_shape.data.vertices]) * bone.custom_shape_scale_xyz
            at = (at + bone.custom_shape_translation) @ np.array(rig.matrix_world @ bone.matrix)[:3, :3].T
            at += (rig.matrix_world @ bone.matrix).translation
            points = [location_3d_to_region_2d(region, area.spaces[0].region_3d, point) for point in at]
            value[bone.name] = [[p.x + region.x, 1080 - region.y - p.y] for p in points if p]
"""
"""Where on the screen the vertices of the visible controls' shapes are, of a take called NAME."""


@pytest.fixture(scope="module", autouse=True)
def posed(blender):
    """The example, solved, at frame 60, seen from the front."""
    solve_example(blender, TRACK)
    see_from_front(blender, NAME)
    blender.run("""
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        area.spaces[0].region_3d.view_distance *= 1.3
        bpy.ops.ed.undo_push(message="Ready")
    """)


def click_control(blender, name: str, take: str = NAME) -> tuple[float, float]:
    """Where it is furthest from all others, as a person would."""
    shapes = blender.run(SHAPES.replace("NAME", take))
    others = [point for other, points in shapes.items() if other != name for point in points]

    def room(point: list[float]) -> float:
        return min(distance(point, other) for other in others)

    x, y = max(shapes[name], key=room)
    blender.click(x, y)
    return x, y


def move(blender, x: float, y: float, by: tuple[float, float]) -> None:
    """G, the mouse moved from there, a click."""
    blender.xdotool("mousemove", round(x), round(y))
    blender.xdotool("key", "g")
    for step in range(1, 7):
        blender.xdotool("mousemove", round(x + by[0] * step / 6), round(y + by[1] * step / 6), pause=0.1)
    blender.xdotool("click", 1)
    blender.rest()


def keys(blender, *names: str) -> dict:
    """Pressed over the viewport one after the other; the state afterwards."""
    blender.xdotool("mousemove", 500, 900)
    for name in names:
        blender.xdotool("key", name)
        blender.rest()
    return blender.run(STATE)


def moved(one: dict, other: dict, *bones: str) -> float:
    """Metres, the most that one of these bones, or of all, is elsewhere."""
    return max(distance(one["heads"][name], other["heads"][name]) for name in bones or one["heads"])


def test_controls_are_there_to_be_posed_and_nothing_moves(blender, look):
    before = blender.run(STATE)
    press(blender, "add_controls")
    now = blender.run(STATE)
    assert now["mode"] == "POSE"
    assert all(distance(now["heads"][name], at) < 1e-4 for name, at in before["heads"].items())
    look("rig_1_controls")


@pytest.mark.parametrize(
    "name", [HAND, "left_foot_ik", "right_elbow_pole", "root", "right_hand", "head", "left_knee_twist"]
)
def test_a_control_can_be_clicked(blender, name):
    click_control(blender, name)
    assert blender.run(STATE)["selected"] == [name]


def test_an_ik_hand_is_moved_undone_redone_and_keyed(blender, look):
    x, y = click_control(blender, HAND)
    before = blender.run(STATE)
    move(blender, x, y, (110, -130))
    after = blender.run(STATE)
    look("rig_2_hand_moved")
    assert 0.2 < moved(before, after, "right_wrist") < 0.6
    assert moved(before, after, "left_wrist", "head", "right_ankle") < 1e-4
    assert moved(before, keys(blender, "ctrl+z")) < 1e-4
    assert moved(after, keys(blender, "ctrl+shift+z")) < 1e-4
    assert moved(after, keys(blender, "i", "Right", "Left")) < 1e-4
    assert moved(before, keys(blender, "ctrl+z", "ctrl+z", "ctrl+z", "ctrl+z")) < 1e-4


def test_a_joint_does_not_leave_its_bone(blender):
    before = blender.run(STATE)
    x, y = click_control(blender, "right_hand")
    move(blender, x, y, (60, -90))
    assert moved(before, blender.run(STATE)) < 1e-4


def test_a_wave_is_animated_over_the_walk_and_stays_when_it_is_solved_again(blender, look):
    press(blender, "add_layer")
    walk = blender.run(STATE)
    assert walk["action"] not in (None, NAME) and walk["strips"] == [NAME]
    x, y = click_control(blender, HAND)
    keys(blender, "i", *["Right"] * 12)
    before = blender.run(STATE)
    x, y = click_control(blender, HAND)
    move(blender, x, y, (80, -150))
    up = keys(blender, "i")
    assert 0.2 < moved(before, up, "right_wrist") < 0.7
    look("rig_3_wave")
    assert moved(up, keys(blender, *["Left"] * 12, *["Right"] * 12)) < 1e-4
    press(blender, "solve")
    again = blender.run(STATE)
    assert (again["action"], again["strips"]) == (walk["action"], [NAME])
    assert moved(up, again) < 2e-3
    blender.run(f"bpy.context.view_layer.objects.active = bpy.data.objects['{NAME} Rig']")
    look("rig_4_solved_again")


def test_limbs_switch_between_fk_and_ik_and_nothing_moves(blender, look):
    before = blender.run(STATE)
    press(blender, "switch_limb", limb="left_leg")
    now = blender.run(STATE)
    assert now["ik"]["left_foot_ik"] == 0.0 and "FK Left Leg" in now["shown"] and "IK Left Leg" not in now["shown"]
    assert moved(before, now) < 1e-4
    look("rig_5_fk_leg")
    press(blender, "switch_limb", limb="left_leg")
    assert moved(before, blender.run(STATE)) < 1e-4
    press(blender, "snap_limb", limb="left_arm")
    snapped = blender.run(STATE)
    assert snapped["ik"]["left_hand_ik"] == 0.0 and moved(before, snapped) < 1e-4
    assert keys(blender, "Left")["ik"]["left_hand_ik"] == 1.0
    assert keys(blender, "Right")["ik"]["left_hand_ik"] == 0.0
    look("rig_6_snapped")


def test_the_root_carries_everything(blender, look):
    before = blender.run(STATE)
    blender.run(f"bpy.context.view_layer.objects.active = bpy.data.objects['{NAME} Rig']")
    if before["mode"] != "POSE":
        keys(blender, "ctrl+Tab")
    x, y = click_control(blender, "root")
    move(blender, x, y, (90, -60))
    after = blender.run(STATE)
    by = [b - a for a, b in zip(before["heads"]["pelvis"], after["heads"]["pelvis"])]
    assert distance(by, (0, 0, 0)) > 0.2
    for name in ("head", "right_wrist", "left_ankle", "left_wrist"):
        assert distance([a + d for a, d in zip(before["heads"][name], by)], after["heads"][name]) < 1e-3
    look("rig_7_root")


def test_it_is_the_same_after_saving_and_opening(blender):
    before = blender.run(STATE)
    path = f"{blender.inside}/rigged.blend"
    blender.run(f"bpy.ops.wm.save_as_mainfile(filepath={path!r}); bpy.ops.wm.open_mainfile(filepath={path!r})")
    time.sleep(1)
    now = blender.run(STATE)
    assert moved(before, now) < 1e-4
    assert (now["action"], now["strips"], now["bones"]) == (before["action"], before["strips"], before["bones"])


def test_an_export_is_what_is_seen_on_the_deform_bones(blender):
    shown = blender.run(STATE)
    blender.run("bpy.ops.lsmpl.export('INVOKE_DEFAULT')")
    accept_file(blender, Path(blender.inside) / "rigged.fbx")
    blender.wait_for(f"Path('{blender.inside}/rigged.fbx').exists()", timeout=60)
    blender.rest()
    blender.run(f"bpy.ops.import_scene.fbx('EXEC_DEFAULT', filepath='{blender.inside}/rigged.fbx')")
    came = blender.run(f"""
        rig = next(o for o in bpy.context.selected_objects if o.type == "ARMATURE")
        first = rig.animation_data.action.frame_range[0]
        bpy.context.scene.frame_set({shown["frame"]} + round(first) - bpy.context.scene.frame_start)
        value = {{"heads": {{bone.name: list(rig.matrix_world @ bone.head) for bone in rig.pose.bones}}}}
        for obj in list(bpy.context.selected_objects):
            bpy.data.objects.remove(obj)
        bpy.context.scene.frame_set({shown["frame"]})
    """)
    assert len(came["heads"]) == 24
    assert max(distance(at, shown["heads"][name]) for name, at in came["heads"].items()) < 2e-3


def test_controls_are_removed_undone_and_redone(blender, look):
    blender.run(f"bpy.context.view_layer.objects.active = bpy.data.objects['{NAME} Rig']")
    before = blender.run(STATE)
    press(blender, "remove_controls")
    removed = blender.run(STATE)
    assert removed["bones"] == 24
    assert moved(removed, before) < 2e-3
    look("rig_8_removed")
    assert keys(blender, "ctrl+z")["bones"] == before["bones"]
    assert keys(blender, "ctrl+shift+z")["bones"] == 24

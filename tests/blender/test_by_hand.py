"""What a hand does beside the walk: the example, a body's height dragged, Live's tool, the strip, the list, Smooth.

Each with the mouse, and undone and done again with keys.
"""

import pytest
import sidebar
from test_live import at, distance
from test_session import SOLVING

NAME = "walk_and_wave_with_hands"
"""Of the example."""

STATE = f"""
    take = bpy.data.objects[{NAME!r}]
    rig = take.lsmpl.armature
    value = {{
        "height": rig.lsmpl_measures.height,
        "wrist": list(rig.matrix_world @ rig.pose.bones["right_wrist"].head),
        "frame": bpy.context.scene.frame_current,
        "takes": sorted(o.name for o in bpy.data.objects if "lsmpl_track" in (o.data or {{}})),
        "seen": not take.hide_get(),
    }}
"""


@pytest.fixture(scope="module")
def blender(running):
    """The example, brought by the button in the empty panel, solved."""
    with running() as session:
        session.run("bpy.data.objects.remove(bpy.data.objects['Cube']); bpy.ops.ed.undo_push(message='Empty')")
        sidebar.open_sections(session, ("character",))
        session.show_tab("LSMPL")
        sidebar.press(session, "lsmpl.try_example(")
        session.wait_for(f"bpy.data.objects.get({NAME!r}) and bpy.data.objects[{NAME!r}].lsmpl.solved", 240)
        session.wait_for(f"{SOLVING} is None", 240)
        session.rest(240)
        yield session


def keys(blender, *names: str) -> dict:
    """Keys over the viewport, and the state after them."""
    blender.xdotool("mousemove", 600, 700)
    blender.heard()
    for name in names:
        blender.xdotool("key", name)
        blender.rest(120)
    return blender.run(STATE)


def drag(blender, start, *moves) -> None:
    """The mouse pressed at one place, moved by steps, and let go."""
    blender.xdotool("mousemove", *start)
    blender.heard()
    blender.xdotool("mousedown", 1)
    for right, down in moves:
        for _ in range(4):  # a press that hardly moves is a click
            blender.xdotool("mousemove_relative", "--", right, down, pause=0.05)
            blender.heard()
    blender.xdotool("mouseup", 1)
    blender.rest(120)


def test_the_height_is_dragged_and_undone(blender, look):
    before = blender.run(STATE)
    drag(blender, sidebar.find_field(blender, before["height"]), (4, 0), (4, 0))
    after = blender.run(STATE)
    look("hand_01_height")
    assert after["height"] > before["height"] + 0.01
    assert keys(blender, "ctrl+z")["height"] == pytest.approx(before["height"], abs=1e-3)
    assert keys(blender, "ctrl+shift+z")["height"] == pytest.approx(after["height"], abs=1e-3)
    keys(blender, "ctrl+z")


def test_a_handle_is_dragged_with_the_tool(blender, look):
    sidebar.press(blender, "lsmpl.live(")
    blender.rest()
    blender.run("""
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
            bpy.ops.wm.tool_set_by_id(name="lsmpl.live_tool")
    """)
    before = blender.run(STATE)
    drag(blender, at(blender, "right_wrist"), (2, -5), (2, -8), (2, -8))
    after = blender.run(STATE)
    look("hand_02_tool", settle=False)
    assert distance(after["wrist"], before["wrist"]) > 0.05
    assert distance(keys(blender, "ctrl+z")["wrist"], before["wrist"]) < 1e-3
    assert distance(keys(blender, "ctrl+shift+z")["wrist"], after["wrist"]) < 1e-3
    keys(blender, "ctrl+z")
    sidebar.press(blender, "lsmpl.live(")


def test_a_click_on_the_strip_goes_there(blender, look):
    x, y = blender.run("""
        area = next(a for a in bpy.context.screen.areas if a.ui_type == "TIMELINE")
        region = next(r for r in area.regions if r.type == "WINDOW")
        along, _ = region.view2d.view_to_region(120, 0, clip=False)
        value = [region.x + along, region.y + region.height - 27]
    """)
    blender.click(x, 1080 - y)
    blender.rest()
    look("hand_03_strip")
    assert abs(blender.run(STATE)["frame"] - 120) <= 3


def test_smooth_shows_what_it_would_do(blender, look):
    x, y = sidebar.find_field(blender, blender.run("value = bpy.context.scene.lsmpl.smooth"))
    blender.click(1530, y)
    assert blender.run("value = bpy.context.window_manager.lsmpl_preview.smooth")
    drag(blender, (x, y), (3, 0), (3, 0))
    look("hand_04_smooth")
    assert blender.run("value = bpy.context.scene.lsmpl.smooth") > 0.5


def test_takes_are_duplicated_and_hidden(blender, look):
    sidebar.press(blender, "lsmpl.duplicate_take(", 1531)
    blender.rest()
    assert blender.run(STATE)["takes"] == [NAME, f"{NAME}.001"]
    sidebar.press(blender, f'lsmpl.show_take(take="{NAME}"', 1493)
    blender.rest()
    look("hand_05_list")
    assert not blender.run(STATE)["seen"]
    assert keys(blender, "ctrl+z")["seen"]
    assert keys(blender, "ctrl+z")["takes"] == [NAME]
    log = (blender.outside / "log.txt").read_text(errors="replace")
    assert "Traceback" not in log

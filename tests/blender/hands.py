"""Somebody's hands on a Blender: real keys over the viewport, our buttons by keys, the mouse on what is seen there.

What they do at random is drawn from `random`, which whoever holds them sets anew before each action.
"""

from __future__ import annotations

import random
from textwrap import dedent

from session import BlenderSession

FRAME_FIELD = 578
"""Pixels from the left to the field with the current frame, in the timeline's header, in a window of SIZE."""
SIZE = 1000, 700
"""Pixels of the window."""

HELD = "ctrl+alt+shift"
"""Blender leaves the keys of BUTTONS free while these are held, in all modes: not G and S."""
SET, TURN = "wm.context_set_enum", "wm.context_set_boolean"
AUTO_KEYING = "tool_settings.use_keyframe_insert_auto"
BUTTONS = {
    "Live": ("l", "lsmpl.live", {}),
    "Solve": ("v", "lsmpl.solve", {}),
    "Refine": ("b", "lsmpl.refine", {}),
    "Clean Up": ("d", "lsmpl.clean_up", {}),
    "Accept": ("e", "lsmpl.accept", {}),
    "Reject": ("f", "lsmpl.reject", {}),
    "Before": ("u", "lsmpl.show_before", {"before": True}),
    "After": ("h", "lsmpl.show_before", {"before": False}),
    "As Solved": ("j", "lsmpl.as_solved", {}),
    "Lock Feet": ("k", "lsmpl.set_keypoints", {"state": "LOCK", "which": "FEET"}),
    "Lock": ("m", "lsmpl.set_keypoints", {"state": "LOCK", "which": "SELECTED"}),
    "Unlock": ("n", "lsmpl.set_keypoints", {"state": "UNLOCK", "which": "SELECTED"}),
    "Ignore": ("p", "lsmpl.set_keypoints", {"state": "IGNORE", "which": "SELECTED"}),
    "Reset": ("r", "lsmpl.set_keypoints", {"state": "RESET", "which": "SELECTED"}),
    "Reset All": ("t", "lsmpl.set_keypoints", {"state": "RESET", "which": "ALL"}),
    "Pin Bones": ("c", "lsmpl.pin_bones", {}),
    "Unpin Bones": ("equal", "lsmpl.remove_pins", {}),
    "Bake to Other Character": ("o", "lsmpl.bake_to_other", {}),
    "From Posed Bones": ("q", SET, {"data_path": "scene.lsmpl_refine.begin", "value": "POSE"}),
    "From Present Motion": ("w", SET, {"data_path": "scene.lsmpl_refine.begin", "value": "CURRENT"}),
    "Range": ("x", SET, {"data_path": "scene.lsmpl_refine.frames", "value": "RANGE"}),
    "Auto Keying": ("minus", TURN, {"data_path": AUTO_KEYING, "value": True}),
    "No Auto Keying": ("slash", TURN, {"data_path": AUTO_KEYING, "value": False}),
    "Add Controls": ("Home", "lsmpl.add_controls", {}),
    "Remove Controls": ("End", "lsmpl.remove_controls", {}),
    "Add Layer": ("Insert", "lsmpl.add_layer", {}),
    "Switch an Arm": ("Pause", "lsmpl.switch_limb", {"limb": "left_arm"}),
    "Snap a Leg": ("space", "lsmpl.snap_limb", {"limb": "right_leg"}),
    "This Frame": ("y", SET, {"data_path": "scene.lsmpl_refine.frames", "value": "CURRENT"}),
}
"""What is pressed: (key, operator, its options)."""
OBJECTS = {"Walk": "a", "Wave": "z", "Walk Rig": "i", "Wave Rig": "comma", "Other": "period"}
"""Two takes, their characters and somebody's own rig, and keys that stand for a click on each in the outliner."""

IN_SIGHT = """
from bpy_extras.view3d_utils import location_3d_to_region_2d
area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
region = next(r for r in area.regions if r.type == "WINDOW")
right = min(r.x for r in area.regions if r.type == "UI" and r.width > 1)
value = []
for name, at in points:
    where = location_3d_to_region_2d(region, area.spaces[0].region_3d, at)
    if where and 60 < where.x < right - region.x and 10 < where.y < region.height - 60:
        value.append([name, where.x + region.x, where.y + region.y])
"""
"""Which of `points` stand in the viewport beside its sidebar and tools, in pixels of the window from below."""


_HANDLES = """
live = bpy.context.scene.lsmpl_live
shown = live.handles.objects if live.handles and live.take else ()
points = [(handle.name, handle.matrix_world.translation) for handle in shown]
"""
"""All handles of what is posed live."""
_TOOL = """
    area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
    with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
        if bpy.context.mode == "OBJECT":
            bpy.ops.wm.tool_set_by_id(name={tool!r})
"""


class Hands:
    """Of whoever works in a Blender session, after `prepare`."""

    def __init__(self, blender: BlenderSession):
        self.blender = blender
        self.random = random.Random(0)
        self._over_viewport = False

    def prepare(self) -> None:
        """Put the buttons on keys, and let nothing move by itself."""
        self._window = self.blender.run("value = [bpy.context.window.x, bpy.context.window.y]")
        self._screen_height = self.blender.screen_size()[1]
        self.blender.run(
            f"""
            class TEST_OT_activate(bpy.types.Operator):
                bl_idname, bl_label, bl_options = "test.activate", "Activate", {{"REGISTER", "UNDO"}}
                which: bpy.props.StringProperty()

                def execute(self, context):
                    name, _, rig = self.which.partition(" ")
                    clicked = bpy.data.objects.get(name)
                    clicked = clicked.lsmpl.armature if rig and clicked else clicked
                    if clicked is None or clicked.hide_select or clicked.name not in context.view_layer.objects:
                        return {{"CANCELLED"}}
                    if context.mode != "OBJECT":
                        bpy.ops.object.mode_set(mode="OBJECT")
                    bpy.ops.object.select_all(action="DESELECT")
                    clicked.select_set(True)
                    context.view_layer.objects.active = clicked
                    return {{"FINISHED"}}

            class TEST_OT_press(bpy.types.Operator):
                bl_idname, bl_label, bl_options = "test.press", "Press", {{"REGISTER", "UNDO"}}

                def execute(self, context):
                    try:
                        exec(bpy.app.driver_namespace["pressed"], {{"bpy": bpy, "scene": context.scene}})
                    except RuntimeError as error:  # what an operator reports, or that it is greyed out
                        if "Traceback" in str(error):
                            raise
                        return {{"CANCELLED"}}
                    return {{"FINISHED"}}

            bpy.utils.register_class(TEST_OT_activate)
            bpy.utils.register_class(TEST_OT_press)
            buttons = list({BUTTONS!r}.values())
            buttons += [(key, "test.activate", {{"which": which}}) for which, key in {OBJECTS!r}.items()]
            buttons.append(("one", "test.press", {{}}))
            keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.new(name="Window")
            for key, operator, options in buttons:
                item = keymap.keymap_items.new(operator, key.upper(), "PRESS", ctrl=True, alt=True, shift=True)
                for name, value in options.items():
                    setattr(item.properties, name, value)
            bpy.context.preferences.system.viewport_aa = "OFF"
            bpy.context.preferences.view.smooth_view = 0
            """
        )

    # Keys

    def press(self, *names: str, pause: float | None = None) -> str:
        """One of these buttons."""
        name = self.random.choice(names)
        self.key(f"{HELD}+{BUTTONS[name][0]}", pause=self.pause() if pause is None else pause)
        return name

    def do(self, code: str, pause: float | None = None) -> None:
        """What a button or a field does, written in Python, for those that are not worth a key; `scene` is shown."""
        self.blender.run(f"bpy.app.driver_namespace['pressed'] = {dedent(code)!r}")
        self.key(f"{HELD}+1", pause=self.pause() if pause is None else pause)

    def activate(self, *names: str) -> str:
        """One of OBJECTS becomes the only selected one, where it can be selected."""
        name = self.random.choice(names or list(OBJECTS))
        self.key(f"{HELD}+{OBJECTS[name]}", pause=0.2)
        return name

    def key(self, *keys: str, pause: float = 0.15) -> None:
        """Over the viewport, where the mouse stays unless it moves something."""
        if not self._over_viewport:
            region = self.region("VIEW_3D", "WINDOW")
            middle = self._screen(region["x"] + region["width"] / 2, region["middle"])
            self.blender.xdotool("mousemove", *middle, pause=0.1)
            self._over_viewport = True
        for key in keys:
            self.blender.xdotool("key", key, pause=pause)

    def keys(self, *choices: str, least: int = 1, most: int = 4) -> str:
        """Some of these, in any order and quickly or slowly."""
        chosen = [self.random.choice(choices) for _ in range(self.random.randint(least, most))]
        for key in chosen:
            self.key(key, pause=self.pause())
        return " ".join(chosen)

    def pause(self) -> float:
        """Seconds to the next key: before Blender has drawn the last one, or long after."""
        return self.random.choice([0.0, 0.05, 0.2, 0.6])

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # The state that they see

    def is_live(self) -> bool:
        return self.blender.run("value = bpy.context.scene.lsmpl_live.handles is not None")

    def mode(self) -> str:
        """As `Object.mode` of the active object."""
        return self.blender.run("active = bpy.context.view_layer.objects.active; value = active.mode if active else ''")

    def end_live(self) -> None:
        if self.is_live():
            self.press("Live", pause=0.3)
            self.blender.rest(60)

    # The mouse

    def click_handle(self, modifier: str = "") -> str | None:
        """Click one of those that are in sight, as they stand now; where there are none, Live is pressed instead."""
        name = self._click_one(_HANDLES, modifier)
        if name is None:
            self.press("Live")
        return name

    def click_bone(self) -> str | None:
        """Click one of the active rig's in Pose Mode, where it is or where its shape is."""
        return self._click_one("""
            rig = bpy.context.view_layer.objects.active
            bones = rig.pose.bones if rig and rig.mode == "POSE" else ()
            points = []
            for bone in bones:
                at = (bone.head + bone.tail) / 2
                if bone.custom_shape:
                    vertex = bone.custom_shape.data.vertices[0].co * bone.custom_shape_scale_xyz
                    at = bone.matrix @ (vertex + bone.custom_shape_translation)
                points.append((bone.name, rig.matrix_world @ at))
        """)

    def _click_one(self, find: str, modifier: str = "", button: str = "click") -> str | None:
        """find: Python that leaves names and places in the world in `points`; one that is in sight is clicked."""
        seen = self.blender.run(dedent(find) + IN_SIGHT)
        if not seen:
            return None
        name, x, y = self.random.choice(sorted(seen))
        held = (("keydown", modifier), ("keyup", modifier)) if modifier else ((), ())
        self.blender.xdotool("mousemove", *self._screen(x, y), *held[0], button, 1, *held[1], pause=0.2)
        self._over_viewport = True
        return name

    def move_about(self) -> None:
        for _ in range(self.random.randint(2, 6)):
            by = self.random.randint(-25, 25), self.random.randint(-25, 25)
            self.blender.xdotool("mousemove_relative", "--", *by, pause=0.06)

    def end_tool(self, how: str) -> None:
        """Confirm or cancel with "click" or a key."""
        self.blender.xdotool(*(("click", 1) if how == "click" else ("key", how)), pause=self.pause())

    def stop_playing(self) -> None:
        if self.blender.run("value = bpy.context.screen.is_animation_playing"):
            self.key(self.random.choice(["space", "space", "Escape"]), pause=self.pause())

    def type_frame(self, frame: int) -> None:
        """Into the timeline's field."""
        x, y = self._screen(FRAME_FIELD, self.region("TIMELINE", "HEADER")["middle"])
        self._over_viewport = False
        self.blender.xdotool("mousemove", x, y, "click", "--repeat", 2, "--delay", 60, 1, pause=0.4)
        self.blender.xdotool("key", "ctrl+a", pause=0.1)
        self.blender.xdotool("type", frame, pause=0.1)
        self.blender.xdotool("key", "Return", pause=self.pause())

    def scrub(self) -> None:
        region = self.region("TIMELINE", "WINDOW")
        self._over_viewport = False
        for number in range(self.random.randint(2, 6)):
            x = region["x"] + self.random.uniform(0.03, 0.3) * region["width"]
            where = self._screen(x, region["y"] + region["height"] - 8)
            self.blender.xdotool("mousemove", *where, *(("mousedown", 1) if number == 0 else ()), pause=0.15)
        self.blender.xdotool("mouseup", 1, pause=self.pause())

    def click_strip(self) -> None:
        """Somewhere on the strip of doubt, below the timeline's ruler."""
        region = self.region("TIMELINE", "WINDOW")
        x = region["x"] + self.random.uniform(0.03, 0.3) * region["width"]
        self._over_viewport = False
        self.blender.xdotool("mousemove", *self._screen(x, region["y"] + region["height"] - 27), "click", 1, pause=0.2)

    def drag_with_tool(self) -> str | None:
        """A handle is pressed with Live's tool, moved and let go."""
        self.blender.run(_TOOL.format(tool="lsmpl.live_tool"))
        name = self._click_one(_HANDLES, button="mousedown")
        if name is not None:
            self.move_about()
            self.blender.xdotool("mouseup", 1, pause=self.pause())
            self.blender.rest(60)
        self.blender.run(_TOOL.format(tool="builtin.select_box"))
        return name

    def region(self, editor: str, kind: str) -> dict[str, float]:
        """Of the window: a region's corner, its size, and the height of its middle, in pixels from below."""
        return self.blender.run(f"""
            area = next(a for a in bpy.context.screen.areas if a.ui_type == {editor!r})
            region = next(r for r in area.regions if r.type == {kind!r})
            value = dict(x=region.x, y=region.y, width=region.width, height=region.height,
                         middle=region.y + region.height / 2)
        """)

    def _screen(self, x: float, y: float) -> tuple[int, int]:
        """From the window, counted from below, to the screen, counted from above."""
        left, bottom = self._window
        return round(left + x), round(self._screen_height - bottom - y)

"""Live posing's buttons: on and off, and what becomes of the selected keypoints."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import EnumProperty

from .. import jobs
from ..characters.editing import leave_mode
from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import active_take, is_solved
from ..takes import take as takes
from . import finger_tips, live, session, watch


class LSMPL_OT_live(bpy.types.Operator):
    bl_idname = "lsmpl.live"
    bl_label = "Live"
    bl_description = (
        "Pose the character by its keypoints: each gets a handle, and the body follows while you "
        "move it. Press again to end it; what was posed stays"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and (session.is_live(context.scene) or is_solved(cls, context))

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        scene, take = context.scene, active_take(context)
        leave_mode(context.view_layer)
        if session.is_live(scene) and take in (None, scene.lsmpl_live.take):
            take = scene.lsmpl_live.take
            live.stop(scene)
            if take is not None and take.name in context.view_layer.objects:
                context.view_layer.objects.active = take
        else:
            live.start(take, scene)
            session.handles_of(scene).select([])
        watch.watch()
        return {"FINISHED"}


_STATES = {
    "LOCK": (
        takes.LOCKED,
        "Lock",
        "Hold the selected keypoints where the body has them, while others are moved",
    ),
    "UNLOCK": (takes.MOVED, "Unlock", "Let the selected keypoints follow again"),
    "IGNORE": (takes.IGNORED, "Ignore", "Solve this frame without the selected keypoints"),
    "RESET": (
        takes.AS_READ,
        "Reset",
        "Bring the selected keypoints back to where they were read, and solve the frame",
    ),
}


def feet(take: bpy.types.Object) -> list[int]:
    """The keypoints of ankles, heels and toes."""
    layout = takes.layout_of(take)
    return [
        k
        for k, site in enumerate(layout.sites)
        if any(part in site for part in ("ankle", "heel", "toe", "foot"))
    ]


class LSMPL_OT_set_keypoints(bpy.types.Operator):
    bl_idname = "lsmpl.set_keypoints"
    bl_label = "Set Keypoints"
    bl_description = "Say what becomes of keypoints in this frame"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    state: EnumProperty(
        name="State",
        description="What becomes of the keypoints",
        items=[(key, name, text) for key, (_, name, text) in _STATES.items()],
    )
    which: EnumProperty(
        name="Which",
        description="The keypoints that are meant",
        items=(
            ("SELECTED", "Selected", "Those whose handles are selected"),
            ("FEET", "Feet", "Ankles, heels and toes"),
            ("ALL", "All", "All of this frame"),
        ),
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties) -> str:
        text = _STATES[properties.state][2]
        which = {"FEET": "ankles, heels and toes", "ALL": "all keypoints"}.get(properties.which)
        return text.replace("the selected keypoints", which) if which else text

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session.is_live(context.scene):
            return jobs.is_free(cls)
        cls.poll_message_set("Turn Live on first")
        return False

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        handles = session.handles_of(scene)
        if self.which == "FEET":
            keypoints = feet(scene.lsmpl_live.take)
        else:
            keypoints = (
                handles.selected()
                if self.which == "SELECTED"
                else list(range(len(handles.objects)))
            )
        if not keypoints:
            nothing = (
                "Select handles first"
                if self.which == "SELECTED"
                else "This take has no keypoints on the feet"
            )
            tell(self, nothing, "WARNING")
            return {"CANCELLED"}
        live.set_state(scene, keypoints, _STATES[self.state][0])
        return {"FINISHED"}


def draw_states(layout: bpy.types.UILayout) -> None:
    """Buttons for the selected handles."""
    for state, icon in (
        ("LOCK", "LOCKED"),
        ("UNLOCK", "UNLOCKED"),
        ("IGNORE", "HIDE_ON"),
        ("RESET", "LOOP_BACK"),
    ):
        layout.operator(
            "lsmpl.set_keypoints", text=_STATES[state][1], translate=False, icon=icon
        ).state = state


def draw_fingers(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """Whether finger tips have handles that are seen, of a take that has some."""
    if finger_tips.names(scene.lsmpl_live.take):
        layout.prop(scene.lsmpl_live, "fingers", icon="VIEW_PAN", toggle=True)


def _draw_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """The context menu of the viewport, for who works without the sidebar."""
    if session.is_live(context.scene):
        menu.layout.separator()
        draw_states(menu.layout)


register, unregister = registration(
    (LSMPL_OT_live, LSMPL_OT_set_keypoints),
    menus=((bpy.types.VIEW3D_MT_object_context_menu, _draw_menu),),
)

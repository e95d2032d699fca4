"""Where the motion of a take goes, and which of its frames get keys."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty

from ..registration import registration
from . import shape


def _is_character(settings: BakeSettings, obj: bpy.types.Object) -> bool:
    return shape.is_character(obj)


class BakeSettings(bpy.types.PropertyGroup):
    """`Object.lsmpl_bake` of a take: where its motion goes."""

    onto: PointerProperty(
        type=bpy.types.Object,
        name="Bake Onto",
        description="A character that is there already, which keeps its shape; empty makes "
        "one for the take",
        poll=_is_character,
    )
    as_strip: BoolProperty(
        name="As NLA Strip",
        description="Give the take a track of its own in the Nonlinear Animation editor, so that a "
        "character can have several takes. Otherwise the motion becomes the character's action",
    )
    keys: EnumProperty(
        name="Keys",
        description="Which frames get keys, where the scene's rate is not the take's",
        items=[
            (
                "SCENE",
                "Whole Scene Frames",
                "Where animators set theirs; between frames of the take the motion is interpolated",
            ),
            ("TAKE", "Every Take Frame", "All that was captured, between frames of the scene, too"),
        ],
    )
    every: IntProperty(
        name="Key Every",
        description="Scene frames from one key to the next; with more than one, smooth curves "
        "follow the frames in between as closely as they can. Frames that you change later get "
        "keys of their own",
        default=1,
        min=1,
        soft_max=30,
    )
    action: PointerProperty(type=bpy.types.Action, name="Action", description="What was last baked")


register, unregister = registration((BakeSettings,), (bpy.types.Object, "lsmpl_bake", BakeSettings))

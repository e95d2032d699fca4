"""How keypoints are shown, as properties of a take; what they stand for is the display's
modifier."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent
from bpy.props import BoolProperty, FloatProperty

from ..registration import registration
from . import display, display_nodes, layers
from . import take as takes


def _getter(name: str, otherwise: float | bool):
    return lambda settings: display.get(settings.id_data, name, otherwise)


def _setter(name: str):
    return lambda settings, value: display.put(settings.id_data, name, value)


class DisplaySettings(bpy.types.PropertyGroup):
    """`Object.lsmpl_display` of a take."""

    size: FloatProperty(
        name="Size",
        description="Radius of a keypoint",
        subtype="DISTANCE",
        min=0.0005,
        soft_max=0.1,
        precision=3,
        get=_getter("Size", 0.014),
        set=_setter("Size"),
    )
    missing: BoolProperty(
        name="Show Missing",
        description="Show keypoints that were not seen, hollow, where the solved body has them",
        get=_getter("Missing", True),
        set=_setter("Missing"),
    )
    fair: FloatProperty(
        name="Orange above",
        description="Keypoints that are farther than this from the solved body are orange",
        subtype="DISTANCE",
        min=0.0,
        soft_max=0.2,
        precision=3,
        get=_getter("Fair", display_nodes.FAIR_METRES),
        set=_setter("Fair"),
    )
    poor: FloatProperty(
        name="Red above",
        description="Keypoints that are farther than this from the solved body are red",
        subtype="DISTANCE",
        min=0.0,
        soft_max=0.2,
        precision=3,
        get=_getter("Poor", display_nodes.POOR_METRES),
        set=_setter("Poor"),
    )


@persistent
def _upgrade_all(*_) -> None:
    """Takes that an older version stored show as those of this one."""
    for obj in bpy.data.objects:
        if takes.is_take(obj):
            layers.upgrade_display(obj)


register, unregister = registration(
    (DisplaySettings,),
    (bpy.types.Object, "lsmpl_display", DisplaySettings),
    handlers={"load_post": _upgrade_all},
)

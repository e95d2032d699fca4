"""`Scene.lsmpl_export`: what is exported, and as what."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..registration import registration
from ..staging.programs import PROGRAMS
from . import files as exporting

FORMATS = [
    *(
        (ending, name, told)
        for ending, (name, told, _) in exporting.FORMATS.items()
        if ending != "usd"
    ),
    ("npz", "SMPL Motion", "Poses, translation and shape in the AMASS layout (.npz)"),
]


class ExportSettings(bpy.types.PropertyGroup):
    """`Scene.lsmpl_export`: what is exported, and as what."""

    format: EnumProperty(name="Format", description="Type of the file", items=FORMATS)
    character: EnumProperty(
        name="Character",
        description="Which of the take's characters is exported",
        items=(
            ("OWN", "LSMPL's", "The character that the take was solved and baked on"),
            (
                "OTHER",
                "Other Character",
                "The rig of your own that the take was put on under Other Character",
            ),
        ),
    )
    program: EnumProperty(
        name="For",
        description="The program that the FBX file is for",
        items=[(key, program.label, program.told) for key, program in PROGRAMS.items()],
    )
    deform_only: BoolProperty(
        name="Deform Bones Only",
        description="Leave the controls and mechanisms of a rig such as Rigify's out: the bones "
        "that deform are keyed where these put them",
        default=True,
    )
    pose_correctives: BoolProperty(
        name="Pose Correctives",
        description="Write the character's pose correctives as shape keys (morph targets) "
        "with values on every frame. "
        "Without them the file has plain skinning, which is what engines do fastest",
    )
    range: EnumProperty(
        name="Frames",
        description="Which frames of the scene are exported",
        items=(
            ("TAKE", "The Take's", "From the take's first frame to its last"),
            ("SCENE", "The Scene's", "The scene's frame range"),
            ("CUSTOM", "Chosen", "The frames given here"),
        ),
    )
    first: IntProperty(name="First", description="Scene frame to begin with", default=1, min=0)
    last: IntProperty(name="Last", description="Scene frame to end with", default=250, min=0)
    motion: EnumProperty(
        name="Motion",
        description="Which motion an SMPL motion file gets",
        items=(
            (
                "ANIMATED",
                "As Animated",
                "The character as it plays now, with every change that was made by hand",
            ),
            (
                "LATEST",
                "As Computed",
                "The take's latest motion: as cleaned, as refined, or as solved",
            ),
        ),
    )


def draw_settings(layout: bpy.types.UILayout, settings: ExportSettings, ending: str) -> None:
    """What there is to choose for a format."""
    layout.prop(settings, "motion" if ending == "npz" else "character")
    if ending == "fbx":
        layout.prop(settings, "program")
    if ending != "npz" and settings.character == "OTHER":
        layout.prop(settings, "deform_only")
    if ending in exporting.WITH_SHAPE_KEYS and settings.character == "OWN":
        layout.prop(settings, "pose_correctives")
    layout.prop(settings, "range")
    if settings.range == "CUSTOM":
        column = layout.column(align=True)
        column.prop(settings, "first")
        column.prop(settings, "last")


register, unregister = registration(
    (ExportSettings,), (bpy.types.Scene, "lsmpl_export", ExportSettings)
)

"""The properties that a .blend keeps: of each take, and of the scene's panel."""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    PointerProperty,
    StringProperty,
)

from ..lsmpl_core import LsmplError, SolveOptions
from .package import preferences
from .paths import FROM_BLEND
from .preview import drawing as preview
from .reference import playing as pictures
from .registration import registration
from .retargeting import settings as retarget_settings
from .takes import display


def _plays_elsewhere(settings: TakeSettings, context: bpy.types.Context) -> None:
    display.sync(settings.id_data)
    pictures.follow(settings.id_data)


class TakeSettings(bpy.types.PropertyGroup):
    """`Object.lsmpl` of a take: what belongs to it, and when it plays."""

    solved: PointerProperty(type=bpy.types.Mesh, name="Solved", description="The motion as solved")
    refined: PointerProperty(
        type=bpy.types.Mesh, name="Refined", description="The motion as refined by hand"
    )
    cleaned: PointerProperty(
        type=bpy.types.Mesh, name="Cleaned", description="The motion cleaned, where it was"
    )
    armature: PointerProperty(
        type=bpy.types.Object, name="Armature", description="The character this take is baked on"
    )
    body_mesh: PointerProperty(
        type=bpy.types.Object, name="Body", description="The mesh on that armature"
    )
    other: PointerProperty(
        type=retarget_settings.OtherCharacter,
        name="Other Character",
        description="A rig of the user's",
    )
    also_on: CollectionProperty(
        type=retarget_settings.OtherCharacter,
        name="Also On",
        description="The rigs of the user's that the take was put on before that one",
    )
    start: FloatProperty(
        name="Start", description="Scene frame of the take's first frame", update=_plays_elsewhere
    )
    step: FloatProperty(
        name="Step",
        description="Scene frames from one frame of the take to the next",
        default=1.0,
        min=1e-6,
        update=_plays_elsewhere,
    )


def _smoothed_otherwise(settings: SceneSettings, context: bpy.types.Context) -> None:
    preview.show_anew()


class SceneSettings(bpy.types.PropertyGroup):
    """`Scene.lsmpl`: how the next take of this scene is solved and cleaned."""

    body_source: EnumProperty(
        name="Body",
        description="The body model that is posed",
        items=(
            ("OPEN", "Open Body", "The body that comes with LSMPL, free for any use"),
            ("FILE", "SMPL File", "Your own SMPL body model, as you downloaded it (.npz or .pkl)"),
        ),
    )
    body_path: StringProperty(
        name="File",
        description="SMPL body model, .npz or the official .pkl",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )
    shape: EnumProperty(
        name="Shape",
        description="Where the body's proportions come from",
        items=(
            (
                "ESTIMATE",
                "From the Take",
                "Estimate the proportions from the take's own segment lengths",
            ),
            ("FIXED", "Fixed", "Use the ten shape values given here"),
        ),
    )
    betas: FloatVectorProperty(
        name="Shape Values",
        description="The ten shape components of the body (SMPL's betas)",
        size=10,
        soft_min=-3.0,
        soft_max=3.0,
    )
    pose_correctives: BoolProperty(
        name="On New Characters",
        description="Characters that are made from now on have pose correctives, which keep the "
        "volume of joints that bend and twist",
    )
    solver: EnumProperty(
        name="Solver",
        description="What guesses each pose from the one before it",
        items=(
            ("network", "Network", "LSMPL's network, then a polish: the most accurate"),
            (
                "polish",
                "Polish Only",
                "No network: each pose is drawn from the one before onto the keypoints",
            ),
            (
                "published",
                "Learnable SMPLify",
                "The network as its authors published it, from the checkpoint in the preferences. "
                "It needs PyTorch and the SMPL body that it was trained for",
            ),
        ),
    )
    travel: EnumProperty(
        name="Travel",
        description="Where the body goes",
        items=(
            (
                "AUTO",
                "Automatic",
                "As the keypoints go; from the feet where their positions are relative to the hips",
            ),
            ("KEEP", "Keep", "As the keypoints go, also where they stay around the hips"),
            (
                "FEET",
                "From the Feet",
                "Feet that stand stay where they are, on a floor at height 0, and keypoints move "
                "along",
            ),
        ),
    )
    hands: EnumProperty(
        name="Hands",
        description="Fingers of the character",
        items=(
            ("AUTO", "Automatic", "From the points of the hands, where the take has some"),
            ("OFF", "Off", "No fingers"),
        ),
    )
    rotations: EnumProperty(
        name="Rotations",
        description="How bones are turned, where the take's file says so",
        items=(
            (
                "AUTO",
                "Use",
                "A hint at how limbs twist, where bones point by them as the keypoints do",
            ),
            ("NO", "Ignore", "Keypoints alone"),
        ),
    )
    smooth: FloatProperty(
        name="Smooth",
        description="How much noise to remove: 0 leaves the motion as it is, 0.5 is what its noise "
        "calls for, and more makes any motion calmer",
        update=_smoothed_otherwise,
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    part_hands: BoolProperty(
        name="Part Hands",
        description="Move hands that go through each other apart until they touch, each by 3 cm at "
        "most. Hands that do not meet stay as they are",
        default=True,
    )
    lock_feet: BoolProperty(
        name="Lock Feet",
        description="Hold heels and toes that stand on the floor still, by solving the legs anew",
        default=True,
    )
    floor: EnumProperty(
        name="Floor",
        description="What to do about the floor that the motion stands on",
        items=(
            (
                "AUTO",
                "Automatic",
                "Put soles that stand on height 0 where the floor is a few centimetres from there; "
                "otherwise leave the motion where it is",
            ),
            ("KEEP", "Keep", "Find the floor and leave the motion where it is"),
            (
                "ZERO",
                "To Zero",
                "Find the floor and move the motion up or down so that it stands on height 0",
            ),
            (
                "HEIGHT",
                "Known Height",
                "The floor is at the height given here; feet that stand are put on it",
            ),
        ),
    )
    floor_height: FloatProperty(
        name="Height", description="How high the floor is, in the take's space", unit="LENGTH"
    )
    bake_when_done: BoolProperty(
        name="Bake When Done",
        description="Put the solved motion on a character at once",
        default=True,
    )


def chosen_body_path(scene: bpy.types.Scene) -> str:
    """The absolute path of the scene's body file, or "" for the open body. Raises `LsmplError`
    where none is chosen."""
    settings = scene.lsmpl
    if settings.body_source == "OPEN":
        return ""
    ours = preferences()
    path = settings.body_path or (ours.body_path if ours else "")
    if not path:
        raise LsmplError(
            "Body: no file is chosen; choose your SMPL file (.npz or .pkl), or the open body"
        )
    return bpy.path.abspath(path)


def solve_options(scene: bpy.types.Scene) -> SolveOptions:
    """The scene's solver. Raises `LsmplError` where it cannot be used."""
    settings, chosen = scene.lsmpl, preferences()
    wanted = {
        "travel": settings.travel.lower(),
        "hands": settings.hands.lower(),
        "rotations": settings.rotations.lower(),
    }
    if settings.solver != "published":
        return SolveOptions(solver=settings.solver, **wanted)
    if not chosen or not chosen.checkpoint:
        raise LsmplError(
            "Solver: no checkpoint is chosen; choose best_ckpt.pth.tar in the add-on's preferences"
        )
    checkpoint = bpy.path.abspath(chosen.checkpoint)
    return SolveOptions(solver=settings.solver, checkpoint=checkpoint, **wanted).checked()


_CLASSES = (*retarget_settings.CLASSES, TakeSettings, SceneSettings)


register, unregister = registration(
    _CLASSES, (bpy.types.Object, "lsmpl", TakeSettings), (bpy.types.Scene, "lsmpl", SceneSettings)
)

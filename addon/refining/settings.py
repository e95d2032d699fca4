"""`Scene.lsmpl_refine`: which frames are refined next, from what, and how much each part of the
body counts."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ..registration import registration
from ..selection import active_take
from ..takes import take as takes

FROM_POSE = "POSE"
PARTS = {
    "head": "Head", "torso": "Torso", "left_arm": "Left Arm", "right_arm": "Right Arm",
    "left_leg": "Left Leg", "right_leg": "Right Leg",
}  # fmt: skip
"""`refine_range.PARTS`, as the panel names them."""


def _keypoint_items(
    settings: RefineSettings, context: bpy.types.Context
) -> list[tuple[str, str, str]]:
    """The active take's keypoints."""
    take = active_take(context) if context else None
    names = tuple(takes.describe(take)["layout"]["keypoints"]) if take else ()
    if _items.get("names") != names:  # Blender needs somebody to hold on to the texts
        _items["names"] = names
        _items["items"] = [(name, plain(name), f"The keypoint {plain(name)}") for name in names]
    return _items.get("items", [])


_items: dict = {}


def _weight(part: str) -> bpy.props._PropertyDeferred:
    return FloatProperty(
        name=PARTS[part],
        description="How much the keypoints of this part count when frames are refined: 0 "
        "leaves them out",
        default=1.0,
        min=0.0,
        max=100.0,
        soft_max=5.0,
    )


def _frames_chosen(settings: RefineSettings, context: bpy.types.Context) -> None:
    """A range that is not about the shown frame is of no use."""
    now = settings.id_data.frame_current
    if settings.frames == "RANGE" and not settings.first <= now <= settings.last:
        settings.first, settings.last = now - 5, now + 5


class RefineSettings(bpy.types.PropertyGroup):
    """`Scene.lsmpl_refine`: what is refined next, and how."""

    frames: EnumProperty(
        name="Frames",
        description="What is refined, and where keypoints are ignored",
        items=(
            ("CURRENT", "This Frame", "The frame that is shown"),
            (
                "RANGE",
                "Range",
                "All frames of the take from the first to the last scene frame given here",
            ),
        ),
        update=_frames_chosen,
    )
    first: IntProperty(name="First", description="First scene frame that is refined", default=1)
    last: IntProperty(name="Last", description="Last scene frame that is refined", default=1)
    begin: EnumProperty(
        name="From",
        description="Which poses the solver begins with",
        items=(
            (
                "CURRENT",
                "Present Motion",
                "The poses that the frames have: for small mistakes and changed keypoints",
            ),
            (
                "NEIGHBOURS",
                "Frames Around",
                "Poses between the frame before and the one after: for a short wrong stretch",
            ),
            (
                "COLD",
                "Scratch",
                "The best of a dozen guesses: for a body that is turned about or doubled up",
            ),
            (
                FROM_POSE,
                "Posed Bones",
                "The pose you gave the bones, keyed or not; it changes only where keypoints ask",
            ),
        ),
    )
    pin: BoolProperty(
        name="Pin Selected Bones",
        description="Keep the selected bones as you posed them in this frame, also when the "
        "take is solved again",
    )
    blend: IntProperty(
        name="Blend",
        description="Over how many frames before and after the change fades into the motion "
        "that is there",
        default=5,
        min=0,
        max=1000,
        soft_max=60,
    )
    keypoint: EnumProperty(
        name="Keypoint", description="The keypoint to ignore or to use", items=_keypoint_items
    )
    head: _weight("head")
    torso: _weight("torso")
    left_arm: _weight("left_arm")
    right_arm: _weight("right_arm")
    left_leg: _weight("left_leg")
    right_leg: _weight("right_leg")

    @property
    def weights(self) -> dict[str, float]:
        return {part: getattr(self, part) for part in PARTS}


def plain(name: str) -> str:
    """A keypoint's or joint's name as people write it."""
    return name.replace("_", " ").title() if name.islower() else name


_register, _unregister = registration(
    (RefineSettings,), (bpy.types.Scene, "lsmpl_refine", RefineSettings)
)


def register() -> None:
    _register()


def unregister() -> None:
    _items.clear()
    _unregister()

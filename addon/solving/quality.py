"""How good a solve is, frame by frame: the doubtful frames, ways to get to them, and marks on the
timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple

import bpy
import numpy as np
from bpy.props import EnumProperty

from ...lsmpl_core import Condition
from ...lsmpl_core.doubtful import Stretch, doubtful_stretches
from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import has_take, is_solved, needed_take
from ..takes import layers, playing
from ..takes import take as takes
from ..takes.layers import Layer
from ..takes.mesh_data import read_rows

MARKER = "Doubtful, "
"""How the names of the timeline's markers begin; then comes the take's name."""
_LONGEST_MARKER_NAME = 63


class FrameFacts(NamedTuple):
    """Of one frame of a solved take: mean residual in metres (None where nothing was measured), the
    keypoint that is farthest off and how far, how many keypoints have each condition, and how many
    the user moved and ignored, whose condition is of no interest any more."""

    residual: float | None
    worst_keypoint: str
    worst: float
    conditions: dict[Condition, int]
    edited: int
    ignored: int


def stretches(take: bpy.types.Object) -> list[Stretch]:
    """The doubtful stretches of a take's motion, in order of time, its frames counted from 0.

    None of a take that is not solved, or was by a version that did not look for them.
    """
    stored = _facts_now(take).get("doubtful", ())
    found = [Stretch(**{**stretch, "why": tuple(stretch["why"])}) for stretch in stored]
    refined = layers.describe(take, Layer.REFINED) or {}
    if "doubtful" in refined:
        return found
    # Refined by an earlier version, which did not look again.
    return [
        s
        for s in found
        if not any(first <= s.worst <= last for first, last in refined.get("refined", ()))
    ]


def mean_residual(take: bpy.types.Object) -> float | None:
    """Metres that keypoints are off in all frames on average; None where nothing was measured."""
    return _facts_now(take).get("residual_mean")


def _facts_now(take: bpy.types.Object) -> dict:
    """Of the motion as solved or, where it was refined, as it is now."""
    solved = layers.describe(take) or {}
    refined = layers.describe(take, Layer.REFINED) or {}
    return {
        **solved,
        **{key: refined[key] for key in ("doubtful", "residual_mean") if key in refined},
    }


def judged(take: bpy.types.Object) -> dict:
    """What is doubtful, and how far the keypoints are off on average, of a motion as it is refined
    now: facts for `layers.note`.

    Keypoints that the user moved or ignored are no reason to doubt a frame, and what is missing in
    refined frames is not, either.
    """
    solved, refined = (
        layers.load(take, Layer.SOLVED),
        layers.load(take, layers.latest(take, before=Layer.CLEANED)),
    )
    condition = None if solved.condition is None else solved.condition.copy()
    if condition is not None:
        names = takes.describe(take)["layout"]["keypoints"]
        rows = [names.index(name) for name in solved.keypoint_names] or slice(None)
        condition[takes.edit_states(take)[:, rows] != takes.AS_READ] = Condition.SEEN
        for first, last in (layers.describe(take, Layer.REFINED) or {}).get("refined", ()):
            condition[first : last + 1] = Condition.SEEN
    names = solved.keypoint_names
    motion = replace(refined, residual=solved.residual, condition=condition, keypoint_names=names)
    residual = motion.residual
    return {
        "doubtful": [stretch.as_dict() for stretch in doubtful_stretches(motion)],
        "residual_mean": None
        if residual is None or not np.isfinite(residual).any()
        else float(np.nanmean(residual)),
    }


def target(take: bpy.types.Object, scene: bpy.types.Scene, where: str) -> Stretch | None:
    """The stretch to jump to: WORST, or PREVIOUS or NEXT to the frame that is shown; None where
    there is none."""
    found, now = stretches(take), playing.frame_shown(take, scene)
    if where == "WORST":
        return max(found, key=lambda stretch: stretch.severity, default=None)
    if where == "NEXT":
        return next((stretch for stretch in found if stretch.worst > now), None)
    return next((stretch for stretch in reversed(found) if stretch.worst < now), None)


def facts(take: bpy.types.Object, frame: int) -> FrameFacts:
    """What is known of a frame of a solved take, its first being 0."""
    names, (_, count) = takes.describe(take)["layout"]["keypoints"], takes.shape_of(take)
    rows = slice(frame * count, (frame + 1) * count)

    def values(name: str, kind: str, otherwise: float) -> list:
        return read_rows(take.data, name, kind, rows, otherwise).tolist()

    residual, condition, state = (
        values("residual", "FLOAT", -1.0),
        values("condition", "INT", -1),
        values("edit_state", "INT", 0),
    )
    edited, ignored = (
        state.count(takes.MOVED) + state.count(takes.LOCKED),
        state.count(takes.IGNORED),
    )
    in_question = [found for found, edited in zip(condition, state) if edited == takes.AS_READ]
    measured = [(value, name) for value, name in zip(residual, names) if value >= 0]
    worst, name = max(measured, default=(0.0, ""))
    mean = sum(value for value, _ in measured) / len(measured) if measured else None
    return FrameFacts(
        mean, name, worst, {c: in_question.count(c) for c in Condition}, edited, ignored
    )


def mark(take: bpy.types.Object, scene: bpy.types.Scene) -> int:
    """A marker on the timeline at the worst frame of each stretch, in place of earlier ones.
    Returns how many."""
    unmark(take, scene)
    found = stretches(take)
    for stretch in found:
        frame = playing.whole_scene_frame(take, stretch.worst)
        scene.timeline_markers.new(
            f"{_prefix(take)}{stretch.why[0]}"[:_LONGEST_MARKER_NAME], frame=frame
        )
    return len(found)


def unmark(take: bpy.types.Object, scene: bpy.types.Scene) -> int:
    """Remove a take's markers from the timeline. Returns how many there were."""
    ours = markers(take, scene)
    for marker in ours:
        scene.timeline_markers.remove(marker)
    return len(ours)


def markers(take: bpy.types.Object, scene: bpy.types.Scene) -> list[bpy.types.TimelineMarker]:
    """The markers that `mark` made of a take."""
    return [marker for marker in scene.timeline_markers if marker.name.startswith(_prefix(take))]


def mark_anew(take: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Bring a take's markers up to date, where it has some; after a solve, for instance."""
    if markers(take, scene):
        mark(take, scene)


def _prefix(take: bpy.types.Object) -> str:
    return f"{MARKER}{take.name[:24]}: "


def needs_doubtful(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """For an operator's `poll`: whether the take has doubtful frames; if not, the button says
    so."""
    if not is_solved(operator, context):
        return False
    if not stretches(needed_take(context)):
        operator.poll_message_set("No frame of this take is doubtful")
        return False
    return True


class LSMPL_OT_jump(bpy.types.Operator):
    bl_idname = "lsmpl.jump_to_doubtful"
    bl_label = "Jump to Doubtful Frame"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    where: EnumProperty(
        name="To",
        description="Which of the doubtful frames",
        items=(
            ("WORST", "Worst", "The most doubtful frame of the take"),
            ("PREVIOUS", "Previous", "The doubtful frame before this one"),
            ("NEXT", "Next", "The doubtful frame after this one"),
        ),
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties) -> str:
        return {
            "WORST": "Go to the most doubtful frame of the take",
            "PREVIOUS": "Go back to the doubtful frame before this one",
            "NEXT": "Go on to the doubtful frame after this one",
        }[properties.where]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return needs_doubtful(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, scene = needed_take(context), context.scene
        stretch = target(take, scene, self.where)
        if stretch is None:
            tell(
                self,
                f"There is no doubtful frame {'after' if self.where == 'NEXT' else 'before'} "
                "this one",
            )
            return {"CANCELLED"}
        playing.go_to(take, scene, stretch.worst)
        tell(self, sentence(stretch.why))
        return {"FINISHED"}


class LSMPL_OT_mark(bpy.types.Operator):
    bl_idname = "lsmpl.mark_doubtful"
    bl_label = "Mark on Timeline"
    bl_description = (
        "Put a marker on the timeline at the worst frame of each doubtful stretch of this take"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return needs_doubtful(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        made = mark(needed_take(context), context.scene)
        tell(self, f"{made} markers on the timeline")
        return {"FINISHED"}


class LSMPL_OT_unmark(bpy.types.Operator):
    bl_idname = "lsmpl.unmark_doubtful"
    bl_label = "Remove Markers"
    bl_description = (
        "Remove the markers of this take's doubtful frames from the timeline. Your own markers stay"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not has_take(cls, context):
            return False
        if not markers(needed_take(context), context.scene):
            cls.poll_message_set("No doubtful frames of this take are marked on the timeline")
            return False
        return True

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        unmark(needed_take(context), context.scene)
        return {"FINISHED"}


def sentence(why: Sequence[str]) -> str:
    """The reasons of a stretch, for the user."""
    text = "; ".join(why)
    return text[:1].upper() + text[1:]


_CLASSES = (LSMPL_OT_jump, LSMPL_OT_mark, LSMPL_OT_unmark)
register, unregister = registration(_CLASSES)

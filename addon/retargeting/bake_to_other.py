"""Bake to another character: a take's latest motion becomes an action, or an NLA strip, of a rig of
the user's."""

from __future__ import annotations

from contextlib import ExitStack
from typing import ClassVar, NamedTuple

import bpy

from ...lsmpl_core import LsmplError, Motion, Progress
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.progress import run_to_end
from ...lsmpl_core.retarget_motion import Retargeted
from ...lsmpl_core.retargeting.bone_maps import BoneMap
from .. import jobs
from ..characters import actions, assigning, baking
from ..held import Held
from ..registration import registration
from ..selection import is_solved, needed_take
from ..takes import layers, other_characters
from . import animated, ik_controls
from .plan import Plan
from .readying import send_home, set_switches
from .settings import OtherCharacter, bone_map_of, hide_body
from .skeletons import own_constraints


class Baked(NamedTuple):
    target: bpy.types.Object
    action: bpy.types.Action
    previous: bpy.types.Action | None
    """The action that was there before, where it was not ours or was edited."""
    done: Retargeted
    bones: BoneMap
    switched: list[str]
    constrained: list[str]


def bake(take: bpy.types.Object, body: Body | None = None, motion: Motion | None = None) -> Baked:
    """Put a take's latest motion on the character of the user's that the panel shows.

    Only rotations of mapped bones, in their own rotation modes, the location of the pelvis' bone
    and, where it travels, that of the object get keys. Raises `LsmplError`; then nothing has
    changed.
    """
    return run_to_end(bake_steps(take.lsmpl.other, body, motion))


def bake_steps(
    other: OtherCharacter, body: Body | None = None, motion: Motion | None = None
) -> jobs.Steps[Baked]:
    """`bake` on one of a take's characters, in steps: yields `Progress` and returns `Baked`.
    Nothing is seen of it before its last step."""
    take = other.id_data
    if motion is None:
        version, held = animated.version(other), Held(take, other.target, doing="read")
        motion = yield from animated.motion_steps(other, layers.load(take))
        other = again(held)
        take = other.id_data
    else:
        version = ""
    body = body or baking.body_of(take, motion)

    # All that is read of the scene is read before the first yield.
    plan = Plan.of(other, len(motion))
    name, held = other.target.name, Held(take, other.target, doing="baked")
    action_name = _name(take, other.target)

    # Computed on another thread, then written a few curves at a time.
    yield Progress("bake", 0, 1)
    done, curves = yield from jobs.in_thread(
        jobs.one_step("bake", lambda: plan.compute(motion, body))
    )
    made = yield from actions.write_steps(name, action_name, plan.frames, curves)
    try:
        yield Progress("bake", len(curves), len(curves))
        other, (action,) = again(held), made.again()
        mapped = bone_map_of(other)
    except BaseException:
        actions.discard(made)
        raise

    # From here on nothing can fail.
    previous, switched = put_on(other, action, plan, version)
    constrained = own_constraints(other.target, mapped)
    return Baked(other.target, action, previous, done, plan.bones, switched, constrained)


def again(held: Held[bpy.types.Object, bpy.types.Object]) -> OtherCharacter:
    """What a take does on one of its characters, after Blender had its turn. Raises `LsmplError`
    where the character is not the take's any more."""
    take, target = held.again()
    other = other_characters.on(take, target)
    if other is None:
        raise LsmplError(
            f"{take.name}: got another character while it was being baked; nothing was kept"
        )
    return other


def put_on(
    other: OtherCharacter, action: bpy.types.Action, plan: Plan, version: str
) -> tuple[bpy.types.Action | None, list[str]]:
    """Let one of a take's characters play an action that was made by a plan, of that version of the
    take's motion.

    Returns the action that was there before and is kept, if any, and which of the rig's switches
    were set, in words.
    """
    take, target = other.id_data, other.target
    with ExitStack() as not_restored:
        other.home = send_home(target, other, not_restored)
        switched = set_switches(target, plan.bones, not_restored)
        not_restored.pop_all()
    ik_controls.set_switches(target, plan.ik, plan.to_ik)
    if plan.ik and plan.to_ik:
        switched = [*(said for said in switched if not said.endswith("to FK")), "limbs to IK"]
    plan.sign(action, version)
    old, other.action, other.baked_on, other.held_back = other.action, action, target, ""
    on_strip = other.bake_to == "STRIP"
    assign = assigning.assign_strip if on_strip else assigning.assign
    previous = assign(target, action, old)
    action.name = _name(take, target)  # free now, where an older bake made way
    if on_strip:
        track = next(
            t for t in target.animation_data.nla_tracks if any(s.action == action for s in t.strips)
        )
        track.name = track.strips[0].name = action.name
    return previous, switched


def _name(take: bpy.types.Object, target: bpy.types.Object) -> str:
    """Of the action of a take on a character."""
    return f"{take.name} on {target.name}"


def describe(baked: Baked) -> str:
    """For a message to the user."""
    parts = [
        f"Baked {len(baked.bones.bones)} bones of {baked.target.name!r}, size "
        f"{baked.done.scale:.2f}"
    ]
    if baked.done.placed and baked.done.lowered > 0.005:
        parts.append(
            f"hips up to {100 * baked.done.lowered:.1f} cm lower for the feet to reach the floor"
        )
    if baked.switched:
        parts.append(f"set {', '.join(baked.switched)}")
    if baked.constrained:
        parts.append(f"constraints of {', '.join(baked.constrained[:3])} may overrule it")
    if baked.previous:
        parts.append(f"the action that was there is kept as {baked.previous.name!r}")
    animation = baked.target.animation_data
    if animation.action not in (None, baked.action):
        parts.append(f"its action {animation.action.name!r} plays over the strip")
    return "; ".join(parts)


def message(baked: Baked) -> tuple[str, str]:
    """A report of it."""
    return ("WARNING" if baked.constrained else "INFO", describe(baked))


class LSMPL_OT_bake_to_other(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.bake_to_other"
    bl_label = "Bake to Other Character"
    bl_description = (
        "Put the motion on the character chosen here: its mapped bones and "
        "controls get keys, nothing else"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (jobs.is_free(cls) and is_solved(cls, context)):
            return False
        other = needed_take(context).lsmpl.other
        if other.target is None:
            cls.poll_message_set("Choose an armature first")
            return False
        if not any(item.joint == "pelvis" and item.bone for item in other.bones):
            cls.poll_message_set("Assign a bone to the pelvis first")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        take, held = needed_take(context), Held(context.scene)
        taken, is_new = Held(take), take.lsmpl.other.baked_on != take.lsmpl.other.target

        def steps():
            baked = yield from bake_steps(take.lsmpl.other)
            (own,) = taken.left()
            if own is not None and is_new and own.lsmpl.other.hide_body:
                hide_body(own, True)  # once: who shows it afterwards wants to see it
            (shown_in,) = held.left()
            if shown_in is not None:
                shown_in.lsmpl_export.character = "OTHER"  # what is most likely wanted next
            return [message(baked)]

        return jobs.Job("lsmpl.bake_to_other", "Bake", take.lsmpl.other.target.name, steps())


register, unregister = registration((LSMPL_OT_bake_to_other,))

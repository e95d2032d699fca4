"""A character of the user's follows its take: whatever changes the motion brings it up to date, in
the same undo step.

The action that was baked is filled with the new motion in place, so that strips stay as the user
arranged them. One in which the user changed keys stays as it is; that and whatever else holds a
character back is noted for the panel.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.progress import run_to_end
from .. import jobs
from ..characters import actions, assigning, baking
from ..held import Held
from ..takes import layers
from ..takes.take import is_take
from . import animated
from .bake_to_other import put_on
from .plan import Plan, version_of
from .settings import on_follow

FOLLOW_AT_ONCE_FRAMES = 2000
"""Frames of a take up to which a character follows where the user waits for nothing else, as at the
end of a drag."""
_EDITED = "you changed keys of its action, which is left alone"
_ANIMATED = "what you animated over the motion goes along with a bake alone"


def is_outdated(take: bpy.types.Object) -> bool:
    """Whether the take's motion, or when it plays, has changed since it was put on the other
    character."""
    other = take.lsmpl.other
    if not _is_baked(take) or not version_of(other.action):
        return False
    return version_of(other.action) != animated.version(take) or baking.plays_otherwise(
        take, other.action
    )


def describe(take: bpy.types.Object) -> str:
    """For the user: whether the other character does what the take does; "" where nothing of it was
    baked on it."""
    other = take.lsmpl.other
    if not _is_baked(take) or not layers.is_solved(take):
        return ""
    if not is_outdated(take):
        return f"{other.target.name} is up to date"
    why = "the motion, or what is animated over it, has changed since"
    if version_of(other.action) == animated.version(take):
        why = "the take plays at other frames now"
    elif other.follow and other.held_back:
        why = other.held_back
    return f"Out of date: {why}. Bake again"


def warnings(take: bpy.types.Object) -> list[tuple[str, str]]:
    """What to tell the user after a change: nothing, unless a character that is to follow could
    not, and why."""
    if not _is_to_follow(take) or not is_outdated(take):
        return []
    return [("WARNING", f"{take.lsmpl.other.target.name}: {describe(take)}")]


class Update(NamedTuple):
    """What is to be put on a take's other character, of a motion that is not the take's yet."""

    plan: Plan
    curves: list[actions.Curve]
    held: Held[bpy.types.Action, bpy.types.Object]
    """The action that is to be filled, and the character that plays it."""


def follow(take: bpy.types.Object) -> None:
    """Bring the take's other character up to date here and now, where it is to follow and is not up
    to date.

    With a take of more than `FOLLOW_AT_ONCE_FRAMES` frames, for which that would take too long, and
    where it cannot be, the panel says that the character is out of date, and why.
    """
    if not _is_to_follow(take) or not is_outdated(take):
        return
    if layers.facts_of(take)["frames"] > FOLLOW_AT_ONCE_FRAMES:
        take.lsmpl.other.held_back = "the motion has changed, and is too long to follow at once"
        return
    try:
        motion = layers.load(take)
        body = baking.body_of(take, motion)
    except LsmplError as error:
        take.lsmpl.other.held_back = str(error)
        return
    put(take, run_to_end(update_steps(take, motion, body)))


def update_steps(take: bpy.types.Object, motion: Motion, body: Body) -> jobs.Steps[Update | None]:
    """What the other character of a take is to do when this motion becomes the take's, in steps;
    None where it is not to follow, or cannot, which is noted for the panel. `put` puts it in
    place."""
    if not _is_to_follow(take):
        return None
    other = take.lsmpl.other
    held, held_take = Held(other.action, other.target), Held(take)
    try:
        if actions.is_edited(other.action):
            raise LsmplError(_EDITED)
        if animated.is_changed(take):
            raise LsmplError(_ANIMATED)
        plan = Plan.of(take, len(motion), again=other.action)
        _, curves = yield from jobs.in_thread(
            jobs.one_step("other", lambda: plan.compute(motion, body))
        )
    except LsmplError as error:
        (take,) = held_take.left()
        if take is not None:
            take.lsmpl.other.held_back = str(error)
        return None
    return Update(plan, curves, held)


def put(take: bpy.types.Object, update: Update | None) -> None:
    """Put on the other character what `update_steps` made of the motion that is now the take's
    latest."""
    other = take.lsmpl.other
    action, target = other.action, other.target
    if update is None or None in (action, target):
        return
    if (action, target) != update.held.left():
        return  # meanwhile it was baked on another one
    if actions.is_edited(action):
        other.held_back = _EDITED
        return
    if not actions.refill(action, update.plan.frames, update.curves):
        if not assigning.plays(target, action):
            other.held_back = f"{target.name} plays another action now"
            return
        new = actions.write_action(target, action.name, update.plan.frames, update.curves)
        put_on(take, new, update.plan, animated.version(take))
        return
    update.plan.sign(take, action, animated.version(take))
    other.held_back = ""
    target.update_tag(refresh={"OBJECT", "DATA", "TIME"})


def _is_baked(take: bpy.types.Object) -> bool:
    """Whether the character that the panel shows is the one that the take was last baked on."""
    other = take.lsmpl.other
    if None in (other.action, other.target):
        return False
    if other.baked_on is None:  # baked by an earlier version
        return assigning.plays(other.target, other.action)
    return other.baked_on == other.target


def _is_to_follow(take: bpy.types.Object) -> bool:
    """A take that was duplicated points to the same action as the original, whose name comes
    first."""
    other = take.lsmpl.other
    if not (
        other.follow and _is_baked(take) and version_of(other.action) and layers.is_solved(take)
    ):
        return False
    sharing = (
        take
        for take in bpy.data.objects
        if is_take(take) and take.lsmpl.other.action == other.action
    )
    return take == min(sharing, key=lambda take: take.name)


def register() -> None:
    on_follow.append(follow)


def unregister() -> None:
    on_follow.remove(follow)

"""A character of the user's follows its take: whatever changes the motion brings it up to date, in
the same undo step.

The action that was baked is filled with the new motion in place, so that strips stay as the user
arranged them. One in which the user changed keys stays as it is; that and whatever else holds a
character back is noted for the panel.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import bpy

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.progress import run_to_end
from .. import jobs
from ..characters import actions, assigning, baking
from ..held import Held
from ..takes import layers, other_characters
from ..takes.take import is_take
from . import animated
from .bake_to_other import put_on
from .plan import Plan
from .remembered import version_of
from .settings import OtherCharacter, on_follow

FOLLOW_AT_ONCE_FRAMES = 2000
"""Frames of a take up to which a character follows where the user waits for nothing else, as at the
end of a drag."""
_EDITED = "you changed keys of its action, which is left alone"
_ANIMATED = "what you animated over the motion goes along with a bake alone"


def is_outdated(take: bpy.types.Object, other: OtherCharacter | None = None) -> bool:
    """Whether the take's motion, or when it plays, has changed since it was put on one of its
    characters, by default the one that the panel shows."""
    other = other or take.lsmpl.other
    if not _is_baked(other) or not version_of(other.action):
        return False
    return version_of(other.action) != animated.version(other) or baking.plays_otherwise(
        take, other.action
    )


def outdated(take: bpy.types.Object) -> list[OtherCharacter]:
    """All characters of a take that are."""
    return [other for other in other_characters.all_of(take) if is_outdated(take, other)]


def describe(take: bpy.types.Object, other: OtherCharacter | None = None) -> str:
    """For the user: whether one of a take's characters, by default the one that the panel shows,
    does what the take does; "" where nothing of it was baked on it."""
    other = other or take.lsmpl.other
    if not _is_baked(other) or not layers.is_solved(take):
        return ""
    if not is_outdated(take, other):
        return f"{other.target.name} is up to date"
    why = "the motion, or what is animated over it, has changed since"
    if version_of(other.action) == animated.version(other):
        why = "the take plays at other frames now"
    elif other.follow and other.held_back:
        why = other.held_back
    return f"Out of date: {why}. Bake again"


def warnings(take: bpy.types.Object) -> list[tuple[str, str]]:
    """What to tell the user after a change: nothing, unless characters that are to follow could
    not, and why."""
    return [("WARNING", f"{other.target.name}: {describe(take, other)}") for other in _behind(take)]


class Update(NamedTuple):
    """What is to be put on one of a take's characters, of a motion that is not the take's yet."""

    plan: Plan
    curves: list[actions.Curve]
    held: Held[bpy.types.Action, bpy.types.Object]
    """The action that is to be filled, and the character that plays it."""


def follow(take: bpy.types.Object) -> None:
    """Bring the take's other characters up to date here and now, where they are to follow and are
    not up to date.

    With more than `FOLLOW_AT_ONCE_FRAMES` frames, for which that would take too long, and where it
    cannot be, the panel says that a character is out of date, and why.
    """
    behind = _behind(take)
    if not behind:
        return
    why_not = ""
    if len(behind) * layers.facts_of(take)["frames"] > FOLLOW_AT_ONCE_FRAMES:
        why_not = "the motion has changed, and is too long to follow at once"
    else:
        try:
            motion = layers.load(take)
            body = baking.body_of(take, motion)
        except LsmplError as error:
            why_not = str(error)
    if why_not:
        for other in behind:
            other.held_back = why_not
        return
    put(take, run_to_end(update_steps(take, motion, body)))


def update_steps(take: bpy.types.Object, motion: Motion, body: Body) -> jobs.Steps[list[Update]]:
    """What the other characters of a take are to do when this motion becomes the take's, in steps.
    Of one that is to follow and cannot, why is noted for the panel. `put` puts them in place."""
    # All that is read of the scene is read before the first yield.
    planned = []
    for other in filter(_is_to_follow, other_characters.all_of(take)):
        try:
            if actions.is_edited(other.action):
                raise LsmplError(_EDITED)
            if animated.is_changed(other):
                raise LsmplError(_ANIMATED)
            plan = Plan.of(other, len(motion), again=other.action)
            planned.append((plan, Held(other.action, other.target)))
        except LsmplError as error:
            other.held_back = str(error)

    held_take, updates = Held(take), []
    for plan, held in planned:
        try:
            compute = partial(plan.compute, motion, body)
            _, curves = yield from jobs.in_thread(jobs.one_step("other", compute))
            updates.append(Update(plan, curves, held))
        except LsmplError as error:
            (take,), (_, target) = held_take.left(), held.left()
            behind = other_characters.on(take, target) if take is not None else None
            if behind is not None:
                behind.held_back = str(error)
    return updates


def put(take: bpy.types.Object, updates: list[Update]) -> None:
    """Put on the other characters what `update_steps` made of the motion that is now the take's
    latest."""
    for update in updates:
        action, target = update.held.left()
        other = other_characters.on(take, target)
        if other is not None and action is not None and other.action == action:
            _put(other, update)  # and was not baked anew meanwhile


def _put(other: OtherCharacter, update: Update) -> None:
    action, target = other.action, other.target
    if actions.is_edited(action):
        other.held_back = _EDITED
        return
    if not actions.refill(action, update.plan.frames, update.curves):
        if not assigning.plays(target, action):
            other.held_back = f"{target.name} plays another action now"
            return
        new = actions.write_action(target, action.name, update.plan.frames, update.curves)
        put_on(other, new, update.plan, animated.version(other))
        return
    update.plan.sign(action, animated.version(other))
    other.held_back = ""
    target.update_tag(refresh={"OBJECT", "DATA", "TIME"})


def _behind(take: bpy.types.Object) -> list[OtherCharacter]:
    """The characters of a take that are to follow and are out of date."""
    return list(filter(_is_to_follow, outdated(take)))


def _is_baked(other: OtherCharacter) -> bool:
    """Whether the take was baked on the character: the panel may show one that was only chosen."""
    if None in (other.action, other.target):
        return False
    if other.baked_on is None:  # baked by an earlier version
        return assigning.plays(other.target, other.action)
    return other.baked_on == other.target


def _is_to_follow(other: OtherCharacter) -> bool:
    """A take that was duplicated points to the same action as the original, whose name comes
    first."""
    take = other.id_data
    if not (
        other.follow and _is_baked(other) and version_of(other.action) and layers.is_solved(take)
    ):
        return False
    sharing = (
        take
        for take in bpy.data.objects
        if is_take(take)
        and any(its.action == other.action for its in other_characters.all_of(take))
    )
    return take == min(sharing, key=lambda take: take.name)


def register() -> None:
    on_follow.append(follow)


def unregister() -> None:
    on_follow.remove(follow)

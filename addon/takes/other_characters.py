"""One take on several characters of the user's: the one that the panel shows, and those that it was
put on before.

Whoever chooses another armature goes on with that; the character before it stays the take's, with
its bones, settings and action, and follows as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:  # the settings themselves call what is here
    from ..retargeting.settings import OtherCharacter

_OF_THE_TAKE = "hide_body"
"""A setting that goes on as it is whichever character is shown."""
_is_copying = False


def all_of(take: bpy.types.Object) -> list[OtherCharacter]:
    """The characters of the user's that a take is, or is to be, put on, the one that the panel
    shows first."""
    return [
        other
        for other in (take.lsmpl.other, *take.lsmpl.also_on)
        if other.target is not None or other == take.lsmpl.other
    ]


def on(take: bpy.types.Object, target: bpy.types.Object | None) -> OtherCharacter | None:
    """What a take does on one of its characters; None where it is none of its, or none at all."""
    if target is None:
        return None
    return next((other for other in all_of(take) if other.target == target), None)


def targets_of(take: bpy.types.Object) -> list[bpy.types.Object]:
    return [other.target for other in all_of(take) if other.target is not None]


def actions_of(take: bpy.types.Object) -> list[bpy.types.Action]:
    """What was baked on them."""
    return [other.action for other in all_of(take) if other.action is not None]


def show(shown: OtherCharacter) -> bool:
    """After another armature was chosen: keep the one before it among the take's characters, and go
    on with what the chosen one had, if it is among them. Whether it was."""
    take = shown.id_data
    also_on = take.lsmpl.also_on
    if shown.action is not None and shown.baked_on not in (None, shown.target):
        kept, target = also_on.add(), shown.target
        with _quietly():
            _copy(shown, kept)
            kept.target = shown.baked_on
            shown.action = shown.baked_on = None
            shown.held_back, shown.target = "", target

    # Those whose object was deleted go, and the chosen one comes back.
    for gone in reversed(range(len(also_on))):
        if also_on[gone].target is None:
            also_on.remove(gone)
    number = next((n for n, other in enumerate(also_on) if other.target == shown.target), None)
    if number is None:
        return False
    with _quietly():
        _copy(also_on[number], shown)
    also_on.remove(number)
    return True


def is_copying() -> bool:
    """Whether settings change because those of another character come in their place, and not
    because somebody wants them to."""
    return _is_copying


@contextmanager
def _quietly() -> Iterator[None]:
    global _is_copying
    _is_copying = True
    try:
        yield
    finally:
        _is_copying = False


def _copy(source: bpy.types.PropertyGroup, onto: bpy.types.PropertyGroup) -> None:
    for name, known in source.bl_rna.properties.items():
        if name in ("rna_type", "name", _OF_THE_TAKE):
            continue
        if known.type != "COLLECTION":
            setattr(onto, name, getattr(source, name))
            continue
        items = getattr(onto, name)
        items.clear()
        for item in getattr(source, name):
            _copy(item, items.add())

"""Registering a module's classes, and the properties of Blender's types that lead to them.

All that a user reads is in a translation context of its own: in another language, Blender would
else translate those of our words that happen to be some of its own, in another meaning, and no
others.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import bpy
from bpy.props import PointerProperty

TRANSLATION_CONTEXT = "LSMPL"

Pointer = tuple[type[bpy.types.bpy_struct], str, type[bpy.types.PropertyGroup]]
"""A type of Blender's, the name of a property of it, and the property group that this leads to."""

MenuEntry = tuple[type[bpy.types.Menu], Callable]
"""A menu of Blender's, and what draws an entry at its end."""

_NONE: Mapping[str, Callable] = {}


def registration(
    classes: Sequence[type[bpy.types.bpy_struct]],
    *pointers: Pointer,
    menus: Sequence[MenuEntry] = (),
    handlers: Mapping[str, Callable] = _NONE,
) -> tuple[Callable[[], None], Callable[[], None]]:
    """`register` and `unregister` of a module: its classes, in this order, then its pointers, menu
    entries and handlers, by their lists' names in `bpy.app.handlers`."""

    def register() -> None:
        for cls in classes:
            with _words_kept(cls):
                bpy.utils.register_class(cls)
        for owner, name, group in pointers:
            setattr(owner, name, PointerProperty(type=group))
        for menu, draw in menus:
            menu.append(draw)
        for name, handler in handlers.items():
            getattr(bpy.app.handlers, name).append(handler)

    def unregister() -> None:
        for name, handler in handlers.items():
            getattr(bpy.app.handlers, name).remove(handler)
        for menu, draw in menus:
            menu.remove(draw)
        for owner, name, _ in reversed(pointers):
            delattr(owner, name)
        for cls in reversed(classes):
            bpy.utils.unregister_class(cls)

    return register, unregister


@contextmanager
def _words_kept(cls: type[bpy.types.bpy_struct]) -> Iterator[None]:
    """In it a class, and its properties and those of its bases of ours, are in the translation
    context, for Blender to register them so."""
    cls.bl_translation_context = TRANSLATION_CONTEXT
    before = []
    for base in cls.__mro__:
        own = inspect.get_annotations(base)
        if not own or not base.__module__.startswith(__package__):
            continue
        before.append((base, own))
        # Blender would evaluate them for itself, and forget what is set on the result.
        evaluated = typing.get_type_hints(base)
        base.__annotations__ = {name: evaluated[name] for name in own}
        for annotation in base.__annotations__.values():
            if isinstance(annotation, bpy.props._PropertyDeferred):
                annotation.keywords["translation_context"] = TRANSLATION_CONTEXT
    try:
        yield
    finally:
        # Blender 4.2 crashes at its end where a class still holds properties then.
        for base, own in before:
            base.__annotations__ = own

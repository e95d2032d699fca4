"""Registering a module's classes, and the properties of Blender's types that lead to them.

All that a user reads is in a translation context of its own: in another language, Blender would
else translate those of our words that happen to be some of its own, in another meaning, and no
others.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence

import bpy
from bpy.props import PointerProperty

TRANSLATION_CONTEXT = "LSMPL"
PROPERTIES_HAVE_ONE = bpy.app.version >= (5, 0)
"""Blender 4.2 crashes at its end where a property was given a context: there their names are none
that Blender knows."""

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
    for cls in classes:
        _keep_words(cls)
    register_classes, unregister_classes = bpy.utils.register_classes_factory(classes)

    def register() -> None:
        register_classes()
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
        unregister_classes()

    return register, unregister


def _keep_words(cls: type[bpy.types.bpy_struct]) -> None:
    """Give a class, and its properties and those of its bases of ours, the translation context."""
    cls.bl_translation_context = TRANSLATION_CONTEXT
    for base in cls.__mro__:
        own = inspect.get_annotations(base)
        if not own or not base.__module__.startswith(__package__):
            continue
        # Blender would evaluate them for itself, and forget what is set on the result.
        evaluated = typing.get_type_hints(base)
        base.__annotations__ = {name: evaluated[name] for name in own}
        for annotation in base.__annotations__.values():
            if not isinstance(annotation, bpy.props._PropertyDeferred):
                continue
            if PROPERTIES_HAVE_ONE:
                annotation.keywords["translation_context"] = TRANSLATION_CONTEXT
            else:
                _keep_names(annotation.keywords)


def untranslated(name: str) -> str:
    """A name of an item that a function makes, so that Blender has no translation of it: it knows
    "Automatic", and not the same with a blank, which nobody sees."""
    return name if PROPERTIES_HAVE_ONE or not name else f"{name.rstrip()} "


def _keep_names(keywords: dict) -> None:
    """The same of a property, given as its keyword arguments, and of its items."""
    if "name" in keywords:
        keywords["name"] = untranslated(keywords["name"])
    items = keywords.get("items")
    if items is not None and not callable(items):
        keywords["items"] = [(item[0], untranslated(item[1]), *item[2:]) for item in items]

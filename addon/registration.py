"""Registering a module's classes, and the properties of Blender's types that lead to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy
from bpy.props import PointerProperty

Pointer = tuple[type, str, type]
"""A type of Blender's, the name of a property of it, and the property group that this leads to."""

MenuEntry = tuple[type, Callable]
"""A menu of Blender's, and what draws an entry at its end."""


def registration(
    classes: Sequence[type], *pointers: Pointer, menus: Sequence[MenuEntry] = ()
) -> tuple[Callable[[], None], Callable[[], None]]:
    """`register` and `unregister` of a module: its classes, in this order, then its pointers and
    menu entries."""
    register_classes, unregister_classes = bpy.utils.register_classes_factory(classes)

    def register() -> None:
        register_classes()
        for owner, name, group in pointers:
            setattr(owner, name, PointerProperty(type=group))
        for menu, draw in menus:
            menu.append(draw)

    def unregister() -> None:
        for menu, draw in menus:
            menu.remove(draw)
        for owner, name, _ in reversed(pointers):
            delattr(owner, name)
        unregister_classes()

    return register, unregister

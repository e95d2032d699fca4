"""Keys: those of ours that Blender has not, listed in the add-on's preferences for whoever wants
others."""

from __future__ import annotations

from typing import Any, NamedTuple

import bpy
import rna_keymap_ui

from .package import preferences


class Key(NamedTuple):
    """A key in one of Blender's keymaps, which decide where it works."""

    keymap: str
    space: str
    operator: str
    key: str
    modifiers: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    first: bool = False
    """Whether it is asked before Blender's own of that key: it lets through what it does not
    want."""


_JUMP = "lsmpl.jump_to_doubtful"
KEYS = (
    Key("Frames", "EMPTY", _JUMP, "PERIOD", ("alt",), (("where", "NEXT"),)),
    Key("Frames", "EMPTY", _JUMP, "COMMA", ("alt",), (("where", "PREVIOUS"),)),
    Key("Object Mode", "EMPTY", "lsmpl.solve", "V", ("alt",)),
    Key("Pose", "EMPTY", "lsmpl.solve", "V", ("alt",)),
    Key("Object Mode", "EMPTY", "lsmpl.live", "L", ("alt",)),
    Key("Pose", "EMPTY", "lsmpl.live", "L", ("alt",)),
    # The keymap of scrollbars, which lie on the strip in a low timeline and are asked first.
    Key("View2D", "EMPTY", "lsmpl.go_to_doubt", "LEFTMOUSE", first=True),
)
_made: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The keys, to be changed or switched off, as they are in the user's keymap."""
    column = layout.column()
    user = context.window_manager.keyconfigs.user
    if user is None:
        return
    for keymap, item in _made:
        of_user = user.keymaps.get(keymap.name)
        found = of_user.keymap_items.find_match(keymap, item) if of_user else None
        if found is not None:
            column.context_pointer_set("keymap", of_user)
            rna_keymap_ui.draw_kmi([], user, of_user, found, column, 0)


def register() -> None:
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None or preferences() is None:  # no screen, so no keys
        return
    for key in KEYS:
        keymap = configuration.keymaps.new(name=key.keymap, space_type=key.space)
        held = dict.fromkeys(key.modifiers, True)
        item = keymap.keymap_items.new(key.operator, key.key, "PRESS", head=key.first, **held)
        for name, value in key.options:
            setattr(item.properties, name, value)
        _made.append((keymap, item))


def unregister() -> None:
    for keymap, item in _made:
        keymap.keymap_items.remove(item)
    _made.clear()

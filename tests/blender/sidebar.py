"""Buttons of the sidebar as somebody finds them: the mouse goes down the tab until it is over the one that is meant.

Which one the mouse is over Blender tells by Ctrl C, which copies a button's command or a field's value. The section's
own fields have no command; they are found beside the buttons.
"""

from __future__ import annotations

from collections.abc import Callable

from session import BlenderSession

LEFT, MIDDLE, RIGHT = 1345, 1440, 1500
"""Across the sidebar of a window of 1920 pixels: over a row's first, middle and last button."""
MARGIN = 1296
"""Where the wheel scrolls the tab, and not a list in it."""
TOP, BOTTOM, STEP = 115, 968, 16
UNTOUCHED = "nothing was copied"
OPENED = ("picture", "animation_rig", "retarget")
"""Modules of sections that are closed at first."""


_seen: dict[int, dict[str, int]] = {}
"""On each vertical line, where what was found last: {what Ctrl C copies: its y}."""


def open_sections(blender: BlenderSession, modules: tuple[str, ...] = OPENED) -> None:
    """As if their headers had been clicked, before the tab is first shown."""
    blender.run(f"""
        from bl_ext.user_default.lsmpl.addon import panels
        panels.unregister()
        for name in {modules!r}:
            for panel in getattr(panels, name)._CLASSES:
                if hasattr(panel, "bl_options"):
                    panel.bl_options = panel.bl_options - {{"DEFAULT_CLOSED"}}
        panels.register()
    """)


def press(blender: BlenderSession, command: str, x: int = MIDDLE) -> tuple[int, int]:
    """Click the button whose command has this in it, scrolling to it; where it was."""
    where = find(blender, command, x)
    blender.click(*where)
    return where


def find(blender: BlenderSession, command: str, x: int = MIDDLE) -> tuple[int, int]:
    """Where the button is that has this in its command."""
    return _find(blender, command, lambda copied: command in copied, x)


def find_field(blender: BlenderSession, value: float, x: int = MIDDLE) -> tuple[int, int]:
    """Where the field is that has this value."""

    def holds(copied: str) -> bool:
        try:
            return abs(float(copied.split()[0]) - value) < 5e-3  # a unit follows
        except (ValueError, IndexError):
            return False

    return _find(blender, "", holds, x)


def _find(blender: BlenderSession, known_as: str, is_meant: Callable[[str], bool], x: int) -> tuple[int, int]:
    blender.run(f"bpy.context.window_manager.clipboard = {UNTOUCHED!r}")
    seen = _seen.setdefault(x, {})
    for y in [y for copied, y in seen.items() if is_meant(copied)]:  # as long as nothing has moved
        if is_meant(over(blender, x, y)):
            return x, y
    for patient in (False, True):  # a busy machine takes two moves for one, which light no button
        for scroll in (0, -60, *[14] * 6):
            if scroll:
                seen.clear()
                blender.xdotool("mousemove", MARGIN, 500, pause=0.1)
                blender.xdotool("click", "--repeat", abs(scroll), "--delay", 15, 4 if scroll < 0 else 5, pause=1.0)
            blender.settle()
            for y in range(TOP, BOTTOM, STEP):
                copied = over(blender, x, y, patient)
                if copied != UNTOUCHED:
                    seen[copied] = y + 4
                if is_meant(copied):
                    return x, y + 4
    raise AssertionError(f"nothing like {known_as or 'that field'!r} at x = {x}")


def over(blender: BlenderSession, x: int, y: int, patient: bool = False) -> str:
    """What Ctrl C copies there. patient: each move is heard before the next comes."""
    if patient:
        for move in (3, 0):
            blender.xdotool("mousemove", x - move, y, pause=0)
            blender.heard()
        blender.xdotool("key", "ctrl+c", pause=0)
    else:
        moves = "mousemove", x - 3, y, "sleep", 0.04, "mousemove", x, y, "sleep", 0.04
        blender.xdotool(*moves, "key", "ctrl+c", pause=0)
    blender.heard()
    return blender.run(f"""
        manager = bpy.context.window_manager
        value, manager.clipboard = manager.clipboard, {UNTOUCHED!r}
    """)

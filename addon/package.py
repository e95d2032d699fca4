"""The extension's own name: what its preferences are filed under.

Inside `addon`, `__package__` ends in `.addon`, which Blender knows nothing of, so nobody else reads
`__package__`.
"""

from __future__ import annotations

import bpy

ROOT = __package__.rpartition(".")[0]


def preferences() -> bpy.types.AddonPreferences | None:
    """The add-on's preferences, or None where it was registered without being enabled (as scripts
    may do)."""
    addon = bpy.context.preferences.addons.get(ROOT)
    return addon.preferences if addon else None

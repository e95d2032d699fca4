"""Paths of users, which may begin at the .blend file (`//`)."""

from __future__ import annotations

import bpy

FROM_BLEND = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Option of properties that hold a path. Blender 4.5 and later offer and take `//` only where this
is said."""

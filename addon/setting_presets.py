"""Presets of the solve and clean-up settings, by Blender's own machinery: a few that come with
LSMPL, and the user's.

Blender keeps a preset as a Python file and runs it when it is chosen, so those of strangers are
programs.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from .registration import registration

FOLDER = "lsmpl"
_VALUES = (
    "shape", "solver", "travel", "hands", "rotations", "bake_when_done", "smooth",
    "part_hands", "lock_feet", "floor", "floor_height",
)  # fmt: skip


class LSMPL_PT_presets(PresetPanel, bpy.types.Panel):
    bl_label = "Presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = "lsmpl.preset_add"


class LSMPL_OT_preset_add(AddPresetBase, bpy.types.Operator):
    bl_idname = "lsmpl.preset_add"
    bl_label = "Add Preset"
    bl_description = "Keep the solve and clean-up settings under this name, or remove a preset"
    preset_menu = "LSMPL_PT_presets"
    preset_subdir = FOLDER
    preset_defines = ("settings = bpy.context.scene.lsmpl",)
    preset_values = tuple(f"settings.{name}" for name in _VALUES)


_CLASSES = (LSMPL_PT_presets, LSMPL_OT_preset_add)
_SHIPPED = str(Path(__file__).parent)


_register, _unregister = registration(_CLASSES)


def register() -> None:
    _register()
    bpy.utils.register_preset_path(_SHIPPED)


def unregister() -> None:
    bpy.utils.unregister_preset_path(_SHIPPED)
    _unregister()

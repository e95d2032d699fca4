"""The extension as Blender sees it."""

import subprocess
import sys

import bpy

ROOT = "bl_ext.user_default.lsmpl"


def test_it_comes_and_goes_without_a_trace(extension):
    def ours() -> set[str]:
        return {name for name in dir(bpy.types) if "lsmpl" in name.lower()}

    there = ours()
    assert {"LSMPL_OT_solve", "LSMPL_PT_solve", "LSMPL_FH_keypoints"} <= there
    bpy.ops.preferences.addon_disable(module=ROOT)
    assert not ours()
    assert not hasattr(bpy.types.Object, "lsmpl")
    assert not hasattr(bpy.types.Scene, "lsmpl")
    bpy.ops.preferences.addon_enable(module=ROOT)
    assert ours() == there


def test_it_knows_its_own_name(addon):
    package = addon("package")
    assert package.ROOT == ROOT
    assert package.preferences().device == "auto"


def test_heavy_libraries_wait_until_they_are_needed(extension):
    """A fresh process, because other tests have solved by now."""
    script = f"import bpy, sys; bpy.ops.preferences.addon_enable(module={ROOT!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip().endswith("False"), done.stderr
    assert done.returncode == 0, "Blender 4.2 crashed at its end, where classes still held their properties"


def test_every_operator_and_property_has_a_tooltip(extension):
    for name in dir(bpy.types):
        if name.startswith("LSMPL_OT_"):
            operator = getattr(bpy.ops.lsmpl, name.removeprefix("LSMPL_OT_"))
            assert operator.get_rna_type().description, name
    for group in (bpy.context.scene.lsmpl, bpy.context.preferences.addons[ROOT].preferences):
        for prop in group.bl_rna.properties:
            if prop.identifier not in {"rna_type", "name", "bl_idname"}:
                assert prop.description, prop.identifier

"""The list of devices in the preferences, in a real Blender with a screen: Check goes on while Blender is used."""

import shutil
from pathlib import Path

import pytest

NAME = "bl_ext.user_default.lsmpl"
TORCH = """
import time
time.sleep(3)
raise ImportError("libcudart.so.12: cannot open shared object file: No such file or directory")
"""


@pytest.fixture
def preferences(blender):
    """The preferences at LSMPL, in place of the 3D viewport."""
    blender.run(f"""
        import addon_utils
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        area.ui_type = "PREFERENCES"
        bpy.context.preferences.active_section = "ADDONS"
        bpy.context.window_manager.addon_search = "LSMPL"
        for module in addon_utils.modules(refresh=False):
            if module.__name__ == {NAME!r}:
                addon_utils.module_bl_info(module)["show_expanded"] = True
        area.tag_redraw()
    """)
    return blender


def module(name: str) -> str:
    return f"__import__('importlib').import_module('{NAME}.addon.{name}')"


def check(blender) -> None:
    blender.run("""
        window = bpy.context.window_manager.windows[0]
        area = next(a for a in window.screen.areas if a.type == "PREFERENCES")
        region = next(r for r in area.regions if r.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=region):
            value = list(bpy.ops.lsmpl.check_devices("INVOKE_DEFAULT"))
    """)


def test_check_fills_the_list_and_blender_goes_on_meanwhile(preferences, look):
    blender = preferences
    look("devices-1-before")
    check(blender)
    blender.wait_for(f"{module('devices.listing')}.found is not None")
    look("devices-2-checked")
    shown = blender.run(f"value = [(d.name, d.available) for d in {module('devices.listing')}.found.devices]")
    assert shown[0] == ["numpy", True] and [name for name, _ in shown[1:]] == ["cpu", "cuda", "mps"]
    suffix = blender.run("import importlib.machinery as m; value = m.EXTENSION_SUFFIXES[0]")
    folder = Path(blender.outside) / "torch-folder"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(TORCH)
    (folder / "torch" / f"_C{suffix}").write_bytes(b"")
    blender.run(f"bpy.context.preferences.addons[{NAME!r}].preferences.torch_folder = '{blender.inside}/torch-folder'")
    blender.run(f"bpy.context.preferences.addons[{NAME!r}].preferences.device = 'cuda'")
    check(blender)
    assert blender.run(f"value = {module('jobs')}.current is not None"), "Blender answers while PyTorch is tried"
    look("devices-3-checking")
    blender.wait_for(f"{module('jobs')}.current is None")
    look("devices-4-folder-fails")
    problem = blender.run(f"value = {module('devices.listing')}.found.problem")
    assert "libcudart.so.12" in problem
    assert blender.run("import sys; value = 'torch' in sys.modules") is False

"""`build.py link`: the extension straight from a checkout, where Reload Scripts takes what was changed."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))
from tools import link
from tools.environments import SetupError

SCRIPT = """
import sys
from importlib import import_module
from pathlib import Path

import bpy

name = "bl_ext.user_default.lsmpl"
assert bpy.ops.preferences.addon_enable(module=name) == {"FINISHED"}
before = import_module(f"{name}.addon.package")
import_module(f"{name}.lsmpl_core").load_body()
assert not hasattr(before, "CHANGED")
with open(sys.argv[1], "a") as module:
    module.write("CHANGED = True\\n")
bpy.utils.load_scripts(reload_scripts=True)  # what F3 > Reload Scripts does
after = import_module(f"{name}.addon.package")
assert after is not before and after.CHANGED
assert hasattr(bpy.types.Scene, "lsmpl") and "LSMPL_OT_solve" in dir(bpy.types)
print("reloaded")
"""


@pytest.fixture
def checkout(tmp_path):
    """A copy that may be changed, with the wheels that are in the zip under test."""
    for part in ("addon", "lsmpl_core"):
        shutil.copytree(ROOT / part, tmp_path / "checkout" / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in link.COPIED:
        shutil.copy(ROOT / part, tmp_path / "checkout")
    return tmp_path / "checkout"


def test_blender_loads_and_reloads_the_checkout(checkout, tmp_path):
    shutil.copytree(ROOT / "wheels", checkout / "wheels", ignore=shutil.ignore_patterns("torch-*"))
    link.link(checkout, tmp_path / "profile" / "extensions" / "user_default")
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "profile")}
    words = [sys.executable, "-c", SCRIPT, str(checkout / "addon" / "package.py")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600)
    assert done.stdout.rstrip().endswith("reloaded"), done.stdout + done.stderr


def test_a_link_is_replaced_and_taken_away_and_the_checkout_stays(checkout, tmp_path):
    (checkout / "wheels").mkdir()
    files = sorted(checkout.rglob("*"))
    repository = tmp_path / "user_default"
    for _ in range(2):
        folder = link.link(checkout, repository)
    assert (folder / "addon" / "package.py").is_file()
    link.unlink(repository)
    link.unlink(repository)
    assert not folder.exists() and sorted(checkout.rglob("*")) == files


def test_an_installed_extension_is_left_alone(checkout, tmp_path):
    installed = tmp_path / "user_default" / "lsmpl" / "__init__.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    for act in (link.link, lambda _, repository: link.unlink(repository)):
        with pytest.raises(SetupError, match="installed extension"):
            act(checkout, tmp_path / "user_default")
    assert installed.exists()


def test_repositories_of_blenders_that_were_used_are_found(tmp_path, monkeypatch):
    monkeypatch.delenv("BLENDER_USER_RESOURCES")
    monkeypatch.setattr(link, "_settings", lambda: tmp_path)
    with pytest.raises(SetupError, match="start it once"):
        link.repositories()
    for name in ("3.6", "4.2", "5.10", "other.d"):
        (tmp_path / name).mkdir()
    assert [path.parts[-3] for path in link.repositories()] == ["4.2", "5.10"]
    assert link.repositories(["5.2"]) == [tmp_path / "5.2" / "extensions" / "user_default"]

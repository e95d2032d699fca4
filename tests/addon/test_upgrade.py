"""Installed, upgraded, disabled, enabled and removed, in a Blender of its own: nothing stays behind."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))
import build
from tools import extension_zips
from tools.zips import write_zip

SCRIPT = '''
import importlib, os, sys
from pathlib import Path
old, new, repository, example = sys.argv[1:]
import bpy, addon_utils

timers = []
register_timer = bpy.app.timers.register
def remember(function, **options):
    timers.append(function)
    return register_timer(function, **options)
bpy.app.timers.register = remember

NAME = "bl_ext.user_default.lsmpl"
PROFILE = Path(os.environ["BLENDER_USER_RESOURCES"])

def traces():
    """All that Blender holds of ours."""
    handlers = [
        f"handler {kind} {function.__module__}"
        for kind in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, kind), list)
        for function in getattr(bpy.app.handlers, kind)
    ]
    config = bpy.context.window_manager.keyconfigs.addon
    keymaps = [f"key {item.idname}" for keymap in (config.keymaps if config else ()) for item in keymap.keymap_items]
    types = [f"type {name}" for name in dir(bpy.types)]
    owners = [bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager, bpy.types.Armature, bpy.types.PoseBone,
              bpy.types.Action, bpy.types.Mesh, bpy.types.Preferences]
    properties = [f"property {owner.__name__}.{name}" for owner in owners for name in dir(owner)]
    menus = []
    for name in dir(bpy.types):
        draw = getattr(getattr(bpy.types, name, None), "draw", None)
        for function in getattr(draw, "_draw_funcs", ()):
            menus.append(f"menu {name} {function.__module__}")
    waiting = [f"timer {function}" for function in timers if bpy.app.timers.is_registered(function)]
    operators = [f"operator {name}" for name in dir(bpy.ops.lsmpl)]
    presets = [f"presets {path}" for path in bpy.utils.preset_paths("lsmpl")]
    everything = presets + handlers + keymaps + types + properties + menus + waiting + operators
    return sorted(t.replace("ours", "user_default") for t in everything if "lsmpl" in t.lower())

def files():
    return sorted(
        path.relative_to(PROFILE).as_posix() for path in PROFILE.rglob("*")
        if "lsmpl" in path.relative_to(PROFILE).as_posix()
    )

def version():
    return importlib.import_module(NAME).__file__ and [
        module.bl_info["version"] for module in addon_utils.modules() if module.__name__ == NAME
    ]

def install(archive):
    done = bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    assert done == {"FINISHED"}

def use():
    """Whatever adds something as it runs."""
    assert bpy.ops.lsmpl.import_keypoints(filepath=example) == {"FINISHED"}
    bpy.utils.extension_path_user(NAME, create=True)

assert traces() == [] and files() == []
install(old)
first = traces()
assert first and version() == [(0, 0, 9)], (first, version())
use()
install(new)
assert version() == [(0, 1, 0)], version()
assert traces() == first, set(traces()) ^ set(first)
assert all(Path(module.__file__).exists() for name, module in list(sys.modules.items())
           if name.startswith(NAME) and getattr(module, "__file__", None))
use()
for _ in range(2):
    assert bpy.ops.preferences.addon_disable(module=NAME) == {"FINISHED"}
    assert traces() == [], traces()
    assert bpy.ops.preferences.addon_enable(module=NAME) == {"FINISHED"}
    assert traces() == first
use()
index = [repo.module for repo in bpy.context.preferences.extensions.repos].index("user_default")
assert bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="lsmpl") == {"FINISHED"}
assert traces() == [], traces()
assert files() == [], files()
print("no trace of files")

# From a repository, which then has something newer (a folder: the network is not used, but Blender wants to be asked)
bpy.context.preferences.system.use_online_access = True
remote = bpy.context.preferences.extensions.repos.new(
    name="Ours", module="ours", remote_url=Path(repository, "index.json").as_uri()
)
remote.use_remote_url = True
index = list(bpy.context.preferences.extensions.repos).index(remote)
NAME = "bl_ext.ours.lsmpl"
import shutil
shutil.copyfile(Path(repository, "old.json"), Path(repository, "index.json"))
assert bpy.ops.extensions.repo_sync(repo_index=index) == {"FINISHED"}
assert bpy.ops.extensions.package_install(repo_index=index, pkg_id="lsmpl", enable_on_install=True) == {"FINISHED"}
assert version() == [(0, 0, 9)] and traces() == first, traces()
shutil.copyfile(Path(repository, "new.json"), Path(repository, "index.json"))
assert bpy.ops.extensions.repo_sync(repo_index=index) == {"FINISHED"}
assert bpy.ops.extensions.package_upgrade_all() == {"FINISHED"}
assert version() == [(0, 1, 0)], version()
assert traces() == first
assert bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="lsmpl") == {"FINISHED"}
assert traces() == [], traces()
print("updated from a repository")
'''


def with_version(archive: Path, version: str, target: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    manifest = contents["blender_manifest.toml"].decode()
    contents["blender_manifest.toml"] = build.manifest_for(manifest, version=version).encode()
    write_zip(target, contents)
    return target


@pytest.fixture
def repository(tmp_path) -> Path:
    """A static repository, and its listing before and after the newer zip came."""
    archive = Path(os.environ.get("LSMPL_ZIP") or build.build(tmp_path))
    old = with_version(archive, "0.0.9", tmp_path / "lsmpl-0.0.9.zip")
    new = with_version(archive, "0.1.0", tmp_path / "lsmpl-0.1.0.zip")
    folder = tmp_path / "repository"
    for name, archives in (("old", [old]), ("new", [new])):
        listing = extension_zips.make_repository(archives, folder / name)
        (folder / f"{name}.json").write_text(listing.read_text().replace('"./', f'"./{name}/'))
    return folder


def test_upgraded_and_removed_without_a_trace(repository, tmp_path):
    zips = [str(repository / "old" / "lsmpl-0.0.9.zip"), str(repository / "new" / "lsmpl-0.1.0.zip")]
    words = [*zips, str(repository), str(ROOT / "examples" / "walk_and_wave.trc")]
    (tmp_path / "profile").mkdir()
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "profile")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], env=environment, capture_output=True, text=True, timeout=600
    )
    said = (done.stdout + done.stderr)[-3000:]
    assert "no trace of files" in done.stdout, said
    assert "updated from a repository" in done.stdout, said

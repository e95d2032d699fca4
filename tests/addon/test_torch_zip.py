"""Zips with torch in a Blender of its own: wheels are unpacked, one repository serves all platforms and Pythons."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))
from tiny_wheels import make_registry

import build
from tools import extension_zips
from tools.wheel_targets import BLENDERS, PLATFORMS, this_platform

SCRIPT = """
import os, sys
from pathlib import Path
import bpy

extensions = Path(os.environ["BLENDER_USER_RESOURCES"], "extensions")
bpy.context.preferences.system.use_online_access = True  # of a folder: the network is not used
repo = bpy.context.preferences.extensions.repos.new(name="Ours", module="ours", remote_url=Path(sys.argv[1]).as_uri())
repo.use_remote_url = True
index = list(bpy.context.preferences.extensions.repos).index(repo)
assert bpy.ops.extensions.repo_sync(repo_index=index) == {"FINISHED"}
assert bpy.ops.extensions.package_install(repo_index=index, pkg_id="lsmpl", enable_on_install=True) == {"FINISHED"}
assert "torch" not in sys.modules, "enabling takes no time for it"
print("wheels:", *sorted(path.name for path in (extensions / "ours" / "lsmpl" / "wheels").iterdir()))
import sums
print("unpacked:", Path(sums.__file__).is_relative_to(extensions / ".local"))
assert bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="lsmpl") == {"FINISHED"}
print("left:", [path.name for path in (extensions / ".local").rglob("*") if path.is_file() and path.suffix != ".pyc"])
"""


@pytest.fixture
def listing(tmp_path, monkeypatch) -> Path:
    """A repository of zips for this platform and another, and for both Pythons."""
    given, fetched = make_registry(tmp_path / "given"), build.fetch_wheels(sys.executable)
    compiled = build.fetch_kernels([this_platform()])
    monkeypatch.setattr(build, "fetch_wheels", lambda python: fetched)
    monkeypatch.setattr(build, "fetch_kernels", lambda platforms: compiled if platforms == [this_platform()] else [])
    monkeypatch.setattr(build, "WHEEL_FOLDER", tmp_path / "wheels")
    platforms = [this_platform(), next(name for name in PLATFORMS if name != this_platform())]
    zips = [
        build.build_with_torch(tmp_path / "out", str(given), platform, python)
        for platform in platforms
        for python in BLENDERS
    ]
    return extension_zips.make_repository(zips, tmp_path / "repository")


def test_one_repository_serves_every_blender_its_own(listing, tmp_path):
    if this_platform() not in PLATFORMS:
        pytest.skip(f"there are no zips with torch for {this_platform()}")
    (tmp_path / "profile").mkdir()
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "profile")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(listing)], env=environment, capture_output=True, text=True, timeout=600
    )
    said = done.stdout + done.stderr
    lines = {line.partition(":")[0]: line.partition(":")[2].split() for line in done.stdout.splitlines()}
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    best = PLATFORMS[this_platform()][0]
    assert [name for name in lines.get("wheels", []) if "torch-" in name and name.endswith(f"{own}-{best}.whl")], said
    assert lines["unpacked"] == ["True"] and lines["left"] == ["[]"], said

"""The wheels with compiled kernels: one for each platform, for every Python, the same whenever they are built."""

import importlib.util
import sys
import tomllib
import zipfile

import pytest

import build
from tools import extension_zips, kernels
from tools.environments import KERNELS
from tools.wheel_targets import this_platform

compiler = pytest.mark.skipif(
    not KERNELS.python.exists(), reason="the compiler of the kernels is not set up (`build.py test` does so)"
)


def names():
    return {name: f"lsmpl_kernels-1.0+abc-py3-none-{platform.tag}.whl" for name, platform in kernels.PLATFORMS.items()}


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Wheels that hold no library, for this takes no compiler."""
    monkeypatch.setattr(
        kernels, "compile_library", lambda zig, platform, processor, target: target.write_bytes(b"code")
    )
    monkeypatch.setattr(type(KERNELS), "prepare", lambda self: "python")
    return kernels.fetch_kernels(tmp_path, "1.0")


def test_each_platform_has_its_libraries(made):
    for wheel, platform in zip(made, kernels.PLATFORMS.values()):
        assert wheel.name.endswith(f"-py3-none-{platform.tag}.whl")
        inside = zipfile.ZipFile(wheel).namelist()
        libraries = sorted(name for name in inside if name.endswith(f".{platform.ending}"))
        newer = ["lsmpl_kernels/kernels_v3." + platform.ending] if "x64" in platform.name else []
        assert libraries == ["lsmpl_kernels/kernels." + platform.ending, *newer]
        assert sum(name.endswith((".so", ".dll", ".dylib")) for name in inside) == len(libraries)


def test_a_zip_lists_them_and_blenders_pure_wheels(made, monkeypatch, tmp_path):
    monkeypatch.setattr(build, "fetch_kernels", lambda platforms: made)
    archive = build.build(tmp_path / "dist")
    with zipfile.ZipFile(archive) as opened:
        manifest = tomllib.loads(opened.read("blender_manifest.toml").decode())
        inside = {f"./{name}" for name in opened.namelist() if name.startswith("wheels/")}
    assert set(manifest["wheels"]) == inside and len(inside) == len(build.WHEELS) + len(made)
    assert not extension_zips.list_contents(archive)["faults"]


def test_blender_installs_its_own():
    """By its own code."""
    if not (tool := extension_zips.installed_blender_ext()):
        pytest.skip("needs the bpy module, and none is installed here")
    spec = importlib.util.spec_from_file_location("blender_ext", tool)
    blender = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("blender_ext", blender)
    spec.loader.exec_module(blender)
    for platform, name in names().items():
        assert blender.paths_filter_wheels_by_platform(sorted(names().values()), platform) == [name]


def test_without_a_compiler_the_zip_has_none(monkeypatch, tmp_path, capsys):
    def missing(*_):
        raise kernels.SetupError("no compiler here")

    monkeypatch.setattr(kernels, "fetch_kernels", missing)
    archive = build.build(tmp_path)
    assert not any("lsmpl_kernels" in name for name in zipfile.ZipFile(archive).namelist())
    assert "no compiler here" in capsys.readouterr().out


@compiler
def test_the_same_sources_give_the_same_bytes(tmp_path):
    platform = kernels.PLATFORMS.get(this_platform()) or pytest.skip("there are no kernels for this platform")
    zig, (_, processor) = [str(KERNELS.python), "-m", "ziglang"], platform.processors[0]
    libraries = [tmp_path / folder / "kernels.lib" for folder in ("one", "another")]
    for library in libraries:
        kernels.compile_library(zig, platform, processor, library)
    assert libraries[0].read_bytes() == libraries[1].read_bytes()

"""The extension's zip: what is in it, and that the same sources give the same bytes."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import build  # noqa: E402
from tools import environments, extension_zips  # noqa: E402
from tools.zips import sha256, write_zip  # noqa: E402


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return build.build(tmp_path_factory.mktemp("dist"), platforms=())


@pytest.fixture(scope="module")
def names(archive) -> set[str]:
    return set(zipfile.ZipFile(archive).namelist())


def test_same_sources_give_the_same_bytes(archive, tmp_path):
    again = build.build(tmp_path, platforms=())
    assert again.name == archive.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(archive.read_bytes()).digest()


def test_another_copy_of_the_sources_gives_the_same_bytes(archive, tmp_path):
    """In another folder, with other dates and other permissions, in a process of its own."""
    skipped = shutil.ignore_patterns(".*", "__pycache__", "tests", "dist", "out", "runs", "benchmarks", "torch-*")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=skipped)
    for number, path in enumerate(sorted((tmp_path / "copy").rglob("*"))):
        if path.is_file():
            os.chmod(path, 0o600)
            os.utime(path, (1e9 + number, 1e9 + number))
    script = [
        sys.executable,
        tmp_path / "copy" / "build.py",
        "build",
        "--output",
        tmp_path / "out",
        "--kernels",
        "none",
    ]
    subprocess.run(script, check=True, cwd=tmp_path, env={**os.environ, "TZ": "Asia/Tokyo"}, stdout=subprocess.DEVNULL)
    assert sha256(tmp_path / "out" / archive.name) == sha256(archive)
    changed = tmp_path / "copy" / "addon" / "panel.py"
    (changed if changed.exists() else tmp_path / "copy" / "addon" / "__init__.py").write_text("# changed\n")
    subprocess.run(script, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert sha256(tmp_path / "out" / archive.name) != sha256(archive), "or the copy was not what was built"


def test_has_what_blender_needs_and_the_licences(names):
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "NOTICES.md"} <= names
    assert {"addon/__init__.py", "lsmpl_core/__init__.py", "lsmpl_core/data/open_body.npz"} <= names
    assert "lsmpl_core/data/open_body.LICENSE.txt" in names


def test_has_nothing_that_does_not_belong(names):
    strange = [name for name in names if re.search(r"(^|/)(\.|__pycache__|tests?/|wheels/.*linux)|\.pyc$|\.pkl$", name)]
    assert strange == []
    assert {name.split("/")[0] for name in names if "/" in name} == {
        "addon",
        "lsmpl_core",
        "wheels",
        "examples",
        "docs",
    }


def test_the_example_and_the_pages_for_animators_come_along(names):
    assert {"examples/walk_and_wave_with_hands.trc", "README.md", "docs/quality.md"} <= names


def test_every_module_of_the_packages_is_in_it(names):
    for package in ("addon", "lsmpl_core"):
        expected = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
        assert expected <= names


def test_wheels_are_pure_python_pinned_and_listed(archive, names):
    manifest = tomllib.loads(zipfile.ZipFile(archive).read("blender_manifest.toml").decode())
    assert {f"./{name}" for name in names if name.startswith("wheels/")} == set(manifest["wheels"])
    for name, expected in build.WHEELS.items():
        data = zipfile.ZipFile(archive).read(f"wheels/{name}")
        assert name.endswith("-py3-none-any.whl") and hashlib.sha256(data).hexdigest() == expected
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


def test_versions_agree(archive):
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    core = re.search(r'__version__ = "(.*)"', (ROOT / "lsmpl_core" / "__init__.py").read_text())[1]
    citation = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1]
    assert archive.name == f"lsmpl-{package}.zip" == f"lsmpl-{core}.zip" == f"lsmpl-{citation}.zip"


def test_is_small(archive):
    assert archive.stat().st_size < 20e6


def test_a_wheel_that_was_tampered_with_is_refused(tmp_path, monkeypatch):
    name = next(iter(build.WHEELS))
    (tmp_path / name).write_bytes(b"not the wheel")
    monkeypatch.setattr(build, "WHEEL_FOLDER", tmp_path)
    with pytest.raises(environments.SetupError, match="SHA-256"):
        build.fetch_wheels(sys.executable)


def test_a_python_that_is_not_there_is_named():
    with pytest.raises(environments.SetupError, match=r"Python 3\.99"):
        environments.Environment("none", ("3.99",), ()).prepare()


def validator() -> Path:
    """Blender's, where a bpy is at hand already; none is downloaded for a test."""
    if not (extension_zips.installed_blender_ext()):
        pytest.skip("needs the bpy module, which carries Blender's validator, and none is installed here")
    return extension_zips.installed_blender_ext()


def test_check_accepts_the_zip_and_tells_sizes_and_licences(archive, capsys):
    validator()
    assert extension_zips.check([archive])
    said = capsys.readouterr().out
    assert "accepted by Blender's validator" in said and sha256(archive) in said
    assert "array_api_compat-1.16.0-py3-none-any.whl: MIT" in said and "lsmpl_core/" in said


@pytest.mark.parametrize(
    "change",
    [
        ("lsmpl_core/data/huge.npz", bytes(21_000_000)),
        ("wheels/strange-1.0-cp311-cp311-linux_x86_64.whl", None),
        ("blender_manifest.toml", b'schema_version = "1.0.0"\nid = "lsmpl"\n'),
    ],
)
def test_check_refuses_what_must_not_be_given_away(archive, tmp_path, change, capsys):
    validator()
    with zipfile.ZipFile(archive) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    name, data = change
    contents[name] = contents["wheels/tqdm-4.70.1-py3-none-any.whl"] if data is None else data
    write_zip(tmp_path / "bad.zip", contents)
    assert not extension_zips.check([tmp_path / "bad.zip"])
    assert "FAULT" in capsys.readouterr().out


def test_a_repository_lists_the_zips(archive, tmp_path):
    validator()
    listing = extension_zips.make_repository([archive], tmp_path / "repo")
    (entry,) = json.loads(listing.read_text())["data"]
    assert entry["archive_hash"] == f"sha256:{sha256(archive)}" and entry["archive_url"] == f"./{archive.name}"
    first = listing.read_bytes()
    assert extension_zips.make_repository([archive], tmp_path / "repo").read_bytes() == first

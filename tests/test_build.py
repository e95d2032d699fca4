"""The extension's zip: what is in it, and that the same sources give the same bytes."""

import hashlib
import io
import re
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import build  # noqa: E402
from tools import environments  # noqa: E402


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return build.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def names(archive) -> set[str]:
    return set(zipfile.ZipFile(archive).namelist())


def test_same_sources_give_the_same_bytes(archive, tmp_path):
    again = build.build(tmp_path)
    assert again.name == archive.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(archive.read_bytes()).digest()


def test_has_what_blender_needs_and_the_licences(names):
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "NOTICES.md"} <= names
    assert {"addon/__init__.py", "lsmpl_core/__init__.py", "lsmpl_core/data/open_body.npz"} <= names
    assert "lsmpl_core/data/open_body.LICENSE.txt" in names


def test_has_nothing_that_does_not_belong(names):
    strange = [name for name in names if re.search(r"(^|/)(\.|__pycache__|tests?/|wheels/.*linux)|\.pyc$|\.pkl$", name)]
    assert strange == []
    assert {name.split("/")[0] for name in names if "/" in name} == {"addon", "lsmpl_core", "wheels"}


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
    assert archive.name == f"lsmpl-{package}.zip" == f"lsmpl-{core}.zip"


def test_is_small(archive):
    assert archive.stat().st_size < 20e6


def test_a_wheel_that_was_tampered_with_is_refused(tmp_path, monkeypatch):
    (tmp_path / "wheels").mkdir()
    name = next(iter(build.WHEELS))
    (tmp_path / "wheels" / name).write_bytes(b"not the wheel")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    with pytest.raises(environments.SetupError, match="SHA-256"):
        build.fetch_wheels(sys.executable)


def test_a_python_that_is_not_there_is_named():
    with pytest.raises(environments.SetupError, match=r"Python 3\.99"):
        environments.Environment("none", ("3.99",), ()).prepare()

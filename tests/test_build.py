"""The extension's zip: what is in it, and that the same sources give the same bytes."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import build  # noqa: E402
from tools import environments, extension_zips, torch_wheels  # noqa: E402
from tools.zips import sha256, write_zip  # noqa: E402


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


def test_another_copy_of_the_sources_gives_the_same_bytes(archive, tmp_path):
    """In another folder, with other dates and other permissions, in a process of its own."""
    skipped = shutil.ignore_patterns(".*", "__pycache__", "tests", "dist", "out", "runs", "benchmarks", "torch-*")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=skipped)
    for number, path in enumerate(sorted((tmp_path / "copy").rglob("*"))):
        if path.is_file():
            os.chmod(path, 0o600)
            os.utime(path, (1e9 + number, 1e9 + number))
    script = [sys.executable, tmp_path / "copy" / "build.py", "build", "--output", tmp_path / "out"]
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
    citation = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1]
    assert archive.name == f"lsmpl-{package}.zip" == f"lsmpl-{core}.zip" == f"lsmpl-{citation}.zip"


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


# Zips with torch, tried with small wheels that only bear its name


@pytest.fixture
def wheel_folder(tmp_path) -> Path:
    tag = torch_wheels.PLATFORMS[torch_wheels.this_platform()][0]
    for name, version, kind, needs in (
        ("torch", torch_wheels.TORCH, f"cp311-cp311-{tag}", ("sums", "numpy")),
        ("sums", "1.0", "py3-none-any", ()),
        ("sums", "2.0", "py3-none-any", ()),
        ("numpy", "1.0", "py3-none-any", ()),
    ):
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: BSD\n"
        metadata += "".join(f"Requires-Dist: {other}\n" for other in needs)
        wheel = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {kind}\n"
        files = {f"{name}.py": b"", f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
        write_zip(tmp_path / "given" / f"{name}-{version}-{kind}.whl", {**files, f"{info}/RECORD": b""})
    return tmp_path / "given"


def build_torch(folder: Path, source: Path, lock: Path, platform: str = "") -> Path:
    return build.build_with_torch(folder, str(source), platform or torch_wheels.this_platform(), "3.11", lock)


def test_torch_is_added_unmodified_for_one_platform(wheel_folder, tmp_path, monkeypatch):
    fetched = build.fetch_wheels(sys.executable)
    monkeypatch.setattr(build, "fetch_wheels", lambda python: fetched)
    lock, platform = tmp_path / "lock.txt", torch_wheels.this_platform()
    in_git = (ROOT / "blender_manifest.toml").read_bytes()
    try:
        archive = build_torch(tmp_path / "out", wheel_folder, lock)
        assert archive.name == f"lsmpl-0.1.0-{platform.replace('-', '_')}-cp311-torch.zip"
        assert (ROOT / "blender_manifest.toml").read_bytes() == in_git
        with zipfile.ZipFile(archive) as opened:
            manifest = tomllib.loads(opened.read("blender_manifest.toml").decode())
            wheels = {name for name in opened.namelist() if name.startswith("wheels/")}
            (torch,) = (name for name in wheels if "torch-" in name)
            assert opened.read(torch) == (wheel_folder / Path(torch).name).read_bytes()
        assert manifest["platforms"] == [platform] and {f"./{name}" for name in wheels} == set(manifest["wheels"])
        assert (manifest["blender_version_min"], manifest["blender_version_max"]) == ("4.2.0", "5.1.0")
        assert "sums==2.0" in lock.read_text() and "numpy" not in lock.read_text(), "Blender has NumPy"
        again = build_torch(tmp_path / "again", wheel_folder, lock)
        assert sha256(again) == sha256(archive)
        if extension_zips.installed_blender_ext():
            assert extension_zips.check([archive])
    finally:
        shutil.rmtree(ROOT / "wheels" / f"torch-{platform.replace('-', '_')}-cp311", ignore_errors=True)


def test_the_lock_decides_and_other_bytes_are_refused(wheel_folder, tmp_path):
    lock, platform = tmp_path / "lock.txt", torch_wheels.this_platform()
    fetch = lambda folder: torch_wheels.fetch_torch(str(wheel_folder), platform, "3.11", lock, tmp_path / folder)  # noqa: E731
    fetch("first")
    lock.write_text(lock.read_text().replace("sums==2.0", "sums==1.0"))
    with pytest.raises(environments.SetupError, match="HASHES"):
        fetch("second")
    one = sha256(wheel_folder / "sums-1.0-py3-none-any.whl")
    lock.write_text(re.sub(r"(sums==1.0 --hash=sha256:)\w+", rf"\g<1>{one}", lock.read_text()))
    assert {path.name for path in fetch("third")} >= {"sums-1.0-py3-none-any.whl"}
    lock.write_text("torch==1 oh\n")
    with pytest.raises(environments.SetupError, match="line 1"):
        fetch("fourth")


def test_what_another_platform_needs_is_not_guessed(wheel_folder, tmp_path):
    other = next(name for name in torch_wheels.PLATFORMS if name != torch_wheels.this_platform())
    with pytest.raises(environments.SetupError, match="such a machine"):
        build_torch(tmp_path, wheel_folder, tmp_path / "lock.txt", other)
    with pytest.raises(environments.SetupError, match="neither a folder"):
        build_torch(tmp_path, "http://somewhere", tmp_path / "lock.txt")


@pytest.mark.parametrize("lock", sorted((ROOT / "tools" / "torch_locks").glob("*.txt")), ids=lambda path: path.stem)
def test_locks_name_the_torch_that_is_meant(lock):
    pinned = torch_wheels.read_lock(lock)
    assert any(line.partition("+")[0] == f"torch=={torch_wheels.TORCH}" for line in pinned)
    assert not any(line.startswith("numpy") for line in pinned)

"""Zips with torch, for this platform and for others: tried with tiny wheels that only bear the names."""

import importlib.util
import io
import os
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))
from tiny_wheels import TARGETS, TORCH_NEEDS, make_registry, make_wheel, tag_for  # noqa: E402

import build  # noqa: E402
from tools import extension_zips, torch_wheels  # noqa: E402
from tools.environments import SetupError  # noqa: E402
from tools.wheel_targets import PLATFORMS, Target, this_platform  # noqa: E402
from tools.zips import sha256, write_zip  # noqa: E402

LINUX, WINDOWS = Target("linux-x64", "3.11"), Target("windows-x64", "3.13")
EXPECTED = {
    "linux-x64": {"torch", "sums", "fast", "drivers", "libblas"},
    "windows-x64": {"torch", "sums", "fast", "colours"},
    "macos-arm64": {"torch", "sums", "fast", "metal"},
}


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    return make_registry(tmp_path_factory.mktemp("given"))


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """Where the test may write; the universal wheels are at hand, and nothing is downloaded into the repository."""
    fetched = build.fetch_wheels(sys.executable)
    monkeypatch.setattr(build, "fetch_wheels", lambda python: fetched)
    monkeypatch.setattr(build, "fetch_kernels", lambda platforms: [])
    monkeypatch.setattr(build, "WHEEL_FOLDER", tmp_path / "wheels")
    return tmp_path


@pytest.fixture(scope="module")
def settled(given, tmp_path_factory) -> dict[Target, Path]:
    """By target, what `settle` leaves there: pip is asked once."""
    places = {target: tmp_path_factory.mktemp("settled") for target in TARGETS}
    for target, place in places.items():
        settle(given, target, place)
    return places


@pytest.fixture
def use(settled, place):
    """Puts what was settled for a target where the test may change it, and gives the lock."""

    def use(target: Target) -> Path:
        for folder in (place / "folder", place / "wheels" / f"torch-{target.tag}"):
            shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        shutil.copytree(settled[target] / "folder", place / "folder")
        folder.symlink_to(place / "folder", target_is_directory=True)
        return Path(shutil.copyfile(settled[target] / "lock.txt", place / "lock.txt"))

    return use


def settle(source: Path | str, target: Target, place: Path) -> tuple[list[Path], Path]:
    lock = place / "lock.txt"
    return torch_wheels.fetch_torch(str(source), target, lock, place / "folder"), lock


def versions(lock: Path) -> dict[str, str]:
    return dict(line.split("==") for line in torch_wheels.read_lock(lock))


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_what_a_target_needs_is_settled_on_any_machine(given, settled, target):
    lock = settled[target] / "lock.txt"
    wheels = torch_wheels.fetch_torch(str(given), target, lock, settled[target] / "folder")
    expected = EXPECTED[target.platform] | ({"young"} if target.python == "3.13" else set())
    assert set(versions(lock)) == expected, "and no NumPy, which Blender has"
    assert versions(lock)["sums"] == ("3.0" if target.python == "3.13" else "2.0")
    assert versions(lock)["torch"] == torch_wheels.TORCH[target.platform]
    (torch,) = (wheel for wheel in wheels if wheel.name.startswith("torch"))
    assert torch.name.endswith(f"-{tag_for(target)}.whl")
    assert {wheel.name for wheel in wheels} <= {path.name for path in given.iterdir()}


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_blender_takes_all_of_a_zips_wheels(settled, target):
    """By its own code: the platform of each wheel, and the Pythons that they are for together."""
    if not (tool := extension_zips.installed_blender_ext()):
        pytest.skip("needs the bpy module, and none is installed here")
    spec = importlib.util.spec_from_file_location("blender_ext", tool)
    blender = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("blender_ext", blender)
    spec.loader.exec_module(blender)
    names = [wheel.name for wheel in sorted(settled[target].glob("folder/*.whl")) if "numpy" not in wheel.name]
    assert blender.paths_filter_wheels_by_platform(names, target.platform) == names
    if hasattr(blender, "python_versions_from_wheels"):
        assert blender.python_versions_from_wheels(names) == {tuple(map(int, target.python.split(".")))}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_torch_is_added_unmodified_for_one_platform(given, place, platform):
    in_git = (ROOT / "blender_manifest.toml").read_bytes()
    lock = place / "lock.txt"
    archive = build.build_with_torch(place / "out", str(given), platform, "3.11", lock)
    assert archive.name == f"lsmpl-0.1.0-{platform.replace('-', '_')}-cp311-torch.zip"
    assert (ROOT / "blender_manifest.toml").read_bytes() == in_git
    with zipfile.ZipFile(archive) as opened:
        manifest = tomllib.loads(opened.read("blender_manifest.toml").decode())
        wheels = {name for name in opened.namelist() if name.startswith("wheels/")}
        (torch,) = (name for name in wheels if "torch-" in name)
        assert opened.read(torch) == (given / Path(torch).name).read_bytes()
    assert manifest["platforms"] == [platform] and {f"./{name}" for name in wheels} == set(manifest["wheels"])
    assert (manifest["blender_version_min"], manifest["blender_version_max"]) == ("4.2.0", "5.1.0")
    assert sha256(build.build_with_torch(place / "again", str(given), platform, "3.11", lock)) == sha256(archive)
    newer = build.build_with_torch(place / "out", str(given), platform, "3.13")
    manifest = tomllib.loads(zipfile.ZipFile(newer).read("blender_manifest.toml").decode())
    assert manifest["blender_version_min"] == "5.1.0" and "blender_version_max" not in manifest
    if extension_zips.installed_blender_ext():
        assert extension_zips.check([archive, newer])


def test_only_the_place_that_is_named_is_asked(given, place, monkeypatch):
    """Whatever pip's configuration adds; there, a newer version is on offer."""
    other = place / "other"
    make_wheel(other, "sums", "2.5")
    (place / "pip.conf").write_text(
        f"[global]\nfind-links = {other}\nextra-index-url = {as_index(other, place / 'b')}\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(place / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(other))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", as_index(other, place / "c"))
    for number, source in enumerate((str(given), as_index(given, place / "a"))):
        _, lock = settle(source, LINUX, place / str(number))
        assert versions(lock)["sums"] == "2.0"
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.delenv("PIP_EXTRA_INDEX_URL")
        lock.unlink()
        settle(source, LINUX, place / str(number))
        assert versions(lock)["sums"] == "2.0"
        monkeypatch.setenv("PIP_FIND_LINKS", str(other))
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", as_index(other, place / "c"))


def as_index(wheels: Path, folder: Path) -> str:
    """A package index (PEP 503) of them, in files."""
    for wheel in wheels.glob("*.whl"):
        page = folder / wheel.name.split("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as file:
            file.write(f'<a href="{wheel.as_uri()}#sha256={sha256(wheel)}">{wheel.name}</a>\n')
    return folder.as_uri()


def test_the_lock_decides_and_other_bytes_are_refused(given, place, use):
    lock = use(LINUX)
    lock.write_text(lock.read_text().replace("sums==2.0", "sums==1.0"))
    with pytest.raises(SetupError, match="HASHES"):
        torch_wheels.fetch_torch(str(given), LINUX, lock, place / "second")
    pin(lock, "sums", "1.0", given / "sums-1.0-py3-none-any.whl")
    wheels = torch_wheels.fetch_torch(str(given), LINUX, lock, place / "third")
    assert "sums-1.0-py3-none-any.whl" in {path.name for path in wheels}
    lock.write_text("torch==1 oh\n")
    with pytest.raises(SetupError, match="line 1"):
        torch_wheels.fetch_torch(str(given), LINUX, lock, place / "fourth")


def test_a_version_that_only_the_next_wheel_rules_out_is_settled_anew(given, place):
    """As a project is asked for before the wheels that need it are all known."""
    shutil.copytree(given, place / "given")
    for wheel in (place / "given").glob("fast-1.0-*manylinux*"):
        tag = wheel.stem.split("-", 2)[2]
        make_wheel(place / "given", "fast", "1.0", tag, ("sums<2", "colours!=1.0"))
    make_wheel(place / "given", "colours", "0.9", needs=("young",))
    _, lock = settle(place / "given", LINUX, place)
    found = versions(lock)
    assert (found["sums"], found["colours"], found["young"]) == ("1.0", "0.9", "1.0")


def pin(lock: Path, name: str, version: str, wheel: Path) -> None:
    """Let the lock name other bytes for a project."""
    line = f"{name}=={version} --hash=sha256:{sha256(wheel)}\n"
    lock.write_text(re.sub(rf"^{name}==.*\n", lambda _: line, lock.read_text(), flags=re.MULTILINE))


def changed(lock: Path, name: str, version: str, wheel: Path) -> Path:
    """The lock, naming that wheel for a project, and the wheel where those that were downloaded before lie."""
    pin(lock, name, version, wheel)
    os.replace(wheel, lock.parent / "folder" / wheel.name)
    return lock


def refused(lock: Path, target: Target, place: Path, words: str) -> None:
    before = lock.read_bytes()
    with pytest.raises(SetupError, match=words):
        build.build_with_torch(place / "out", str(place), target.platform, target.python, lock)
    assert lock.read_bytes() == before and not list(place.glob("out/*")), "nothing is left of it"


@pytest.mark.parametrize("name", ["../../evil.py", "a/../../evil.py", "/evil.py", "C:/evil.py", "a\\..\\..\\evil.py"])
def test_a_wheel_that_leaves_its_folder_is_refused(place, use, name):
    wheel = make_wheel(place / "evil", "sums", "2.0", files={name: b"evil"})
    refused(changed(use(LINUX), "sums", "2.0", wheel), LINUX, place, "outside its folder")


@pytest.mark.parametrize(
    ("wheel", "words"),
    [
        ({"name": "evil"}, "has the checksum of evil-2.0-py3-none-any.whl as that of sums==2.0"),
        ({"version": "9.0"}, "has the checksum of sums-9.0"),
        ({"tag": "py3-none-win_amd64"}, "is not for linux-x64, Python 3.11, but for py3-none-win_amd64"),
        ({"tag": "cp313-cp313-manylinux_2_28_x86_64"}, "is not for linux-x64, Python 3.11"),
        ({"tag": "py3-none-manylinux_2_39_x86_64"}, "is not for linux-x64"),
        ({"pythons": ">=3.12"}, "needs Python >=3.12"),
        ({"metadata": "Name: evil\nVersion: 2.0\n"}, "says of itself that it is evil 2.0"),
        ({"metadata": "Name: sums\nVersion: 2.0\nRequires-Dist: ; ???\n"}, "no wheel that can be read"),
        ({"metadata": "Name: sums\n"}, "no wheel that can be read"),
        ({"metadata": None}, "one dist-info/METADATA"),
        ({"metadata": "x" * 5_000_000}, "one dist-info/METADATA"),
        ({"files": {"other-1.dist-info/METADATA": b""}}, "one dist-info/METADATA"),
        ({"needs": ("more",)}, "sums needs more, which is not there"),
        ({"needs": ("fast>=2",)}, "sums needs fast>=2, found 1.0"),
    ],
)
def test_a_lock_cannot_slip_in_another_wheel(place, use, wheel, words):
    made = make_wheel(place / "evil", **{"name": "sums", "version": "2.0", **wheel})
    refused(changed(use(LINUX), "sums", "2.0", made), LINUX, place, re.escape(words))


def test_what_is_no_wheel_is_refused(place, use):
    (place / "sums-2.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 and no more")
    lock = changed(use(LINUX), "sums", "2.0", place / "sums-2.0-py3-none-any.whl")
    refused(lock, LINUX, place, "no wheel that can be read")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: re.sub(r"sums==.*\n", "", text), "torch needs sums>=1.0, which is not there"),
        (lambda text: text + "numpy==1.0 --hash=sha256:" + "0" * 64, "numpy is Blender's own"),
        (lambda text: text + re.search(r"sums==.*\n", text)[0].replace("2.0", "1.0"), "sums is there already"),
        (lambda text: re.sub(r"torch==.*\n", "", text), "names no torch"),
        (lambda text: text.replace("linux-x64", "macos-arm64"), "is for macos-arm64, Python 3.11, not for linux-x64"),
    ],
)
def test_a_lock_that_was_edited_badly_is_refused(place, use, change, words):
    lock = use(LINUX)
    lock.write_text(change(lock.read_text()))
    refused(lock, LINUX, place, re.escape(words))


def test_a_lock_names_nothing_that_torch_does_not_need(place, use):
    lock = use(LINUX)
    extra = make_wheel(place / "folder", "extra", "1.0")
    lock.write_text(f"{lock.read_text()}extra==1.0 --hash=sha256:{sha256(extra)}\n")
    refused(lock, LINUX, place, "not needed: extra")


def test_paths_too_long_for_windows_are_refused_there_alone(place, use):
    deep = {f"torch/{'deep/' * 27}licence.txt": b""}
    for target, good in ((WINDOWS, False), (LINUX, True)):
        version = torch_wheels.TORCH[target.platform]
        wheel = make_wheel(place / "deep", "torch", version, tag_for(target), TORCH_NEEDS, files=deep)
        lock = changed(use(target), "torch", version, wheel)
        if good:
            assert build.build_with_torch(place / "out", str(place), target.platform, target.python, lock).exists()
        else:
            refused(lock, target, place, "more than 135 characters, which Blender cannot unpack on windows-x64")


def test_what_cannot_be_settled_leaves_no_lock(given, place):
    make_wheel(place / "poor", "torch", torch_wheels.TORCH["linux-x64"], tag_for(LINUX), ("nowhere",))
    with pytest.raises(SetupError, match=r"pip download nowhere, for linux-x64, Python 3.11` failed") as error:
        settle(place / "poor", LINUX, place)
    assert "nowhere" in str(error.value)
    make_wheel(place / "evil", "torch", torch_wheels.TORCH["linux-x64"], tag_for(LINUX), files={"../evil.py": b""})
    with pytest.raises(SetupError, match="outside its folder"):
        settle(place / "evil", LINUX, place)
    assert not (place / "lock.txt").exists()


def test_other_platforms_and_sources_are_named(given, place):
    with pytest.raises(SetupError, match=r"linux-x64, windows-x64, macos-arm64 and Python 3\.11 or 3\.13"):
        build.build_with_torch(place, str(given), "amiga-68k", "3.11")
    with pytest.raises(SetupError, match="neither a folder"):
        settle("http://somewhere", LINUX, place)


def test_this_platform_is_one_of_blenders():
    assert re.fullmatch(r"(linux|windows|macos)-(x64|arm64)", this_platform())


def test_check_marks_what_is_nvidias_and_not_what_only_sounds_like_it(place):
    bundled = make_wheel(place, "torch", "9.9", "cp311-cp311-win_amd64", files={"torch/lib/cublasLt64_13.dll": b""})
    stated = make_wheel(place, "nvidia_some", "1.0", licence="LicenseRef-NVIDIA-Proprietary")
    free = make_wheel(place, "cuda_free", "1.0", licence="Apache-2.0", files={"cuda/nvrtc.cpython-311-x.so": b""})
    wheels = (bundled, stated, free)
    manifest = io.StringIO('platforms = ["windows-x64"]\n')
    contents = {f"wheels/{wheel.name}": wheel for wheel in wheels} | {"LICENSE": b""}
    listed = [f"./wheels/{wheel.name}" for wheel in wheels]
    write_zip(place / "x.zip", {**contents, "blender_manifest.toml": f"{manifest.read()}wheels = {listed}".encode()})
    found = extension_zips.list_contents(place / "x.zip")
    assert found["faults"] == [] and len(found["notes"]) == 1
    assert found["notes"][0].endswith("not to be passed on: nvidia_some, torch")


@pytest.mark.parametrize("lock", sorted((ROOT / "wheels" / "torch_locks").glob("*.txt")), ids=lambda path: path.stem)
def test_locks_name_the_torch_that_is_meant(lock):
    platform, python = re.fullmatch(r"(\w+-\w+)-cp(3\d+)(-\w+)?", lock.stem).groups()[:2]
    pinned = torch_wheels.read_lock(lock, Target(platform, f"{python[0]}.{python[1:]}"))
    assert lock.read_text().startswith(f"# For {platform}, Python {python[0]}.{python[1:]}.\n")
    assert any(line.partition("+")[0] == f"torch=={torch_wheels.TORCH[platform]}" for line in pinned)
    assert ("nvidia-cublas" in {line.split("==")[0] for line in pinned}) == lock.stem.endswith("-cuda")

#!/usr/bin/env python3
"""Builds LSMPL's extension, shows it at work, and tests it. Needs nothing but Python 3.11 or later and pip.

python3 build.py build    dist/lsmpl-VERSION.zip, the extension as Blender installs it; --torch: one with torch
python3 build.py check    what the zips in dist/ hold, and whether Blender's validator accepts them
python3 build.py repo     a static repository of them that Blender installs and updates from
python3 build.py link     Blender loads the extension from this checkout, for who changes it
python3 build.py demo     the example take, from keypoints to out/demo.blend and out/demo.png
python3 build.py test     lint, the core's tests, and the add-on's tests in each Blender that can be had
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools import environments, extension_zips, kernels, wheel_targets
from tools import link as links
from tools.environments import SetupError
from tools.run_tests import SUITES, run_tests
from tools.zips import sha256, write_zip

ROOT = Path(__file__).resolve().parent
WHEEL_FOLDER = ROOT / "wheels"
README, PAGES = ROOT / "README.md", ROOT / "docs"
EXAMPLE = ROOT / "examples" / "walk_and_wave_with_hands.trc"

WHEELS = {
    "array_api_compat-1.16.0-py3-none-any.whl": "0464934d7d5f1e9b728b2e248da52400630b1fcb46b70073eab3c7ae084290aa",
    "threadpoolctl-3.8.0-py3-none-any.whl": "f1b49c82704d50f13ffae019c727b0fa4f6791a58f48f06a09c45face1be66da",
    "tqdm-4.70.1-py3-none-any.whl": "c293e525e6fef9c20e8728fd4612df02a0aa31bb5fe91ecd93e123b1b7bffa73",
}
"""The wheels in the zip and their SHA-256; the manifest lists the same ones."""

PACKAGES = ("addon", "lsmpl_core")
SHIPPED = {".py", ".npz", ".json", ".txt", ".png", ".md", ".js"}
ROOT_MODULE = '''"""LSMPL: 3D keypoint tracks to SMPL poses on a rigged character."""

from .addon import register, unregister  # noqa: F401
'''


def build(
    destination: Path = ROOT / "dist",
    python: str | os.PathLike = sys.executable,
    platforms: Sequence[str] = tuple(kernels.PLATFORMS),
) -> Path:
    """Write the extension's zip into a folder and return its path; the same sources give the same bytes.

    `python` is one whose pip downloads the wheels that are not in `wheels/` yet. platforms: those whose compiled
    kernels are in it; on others it computes with NumPy.
    """
    manifest = read_manifest()
    target = destination / f"{manifest['id']}-{manifest['version']}.zip"
    contents = _contents(fetch_wheels(python), fetch_kernels(platforms))
    write_zip(target, contents)
    return target


def build_with_torch(destination: Path, source: str, platform: str, python: str, lock: Path | None = None) -> Path:
    """Write the zip for one platform and one Python with torch in it (see `tools/torch_wheels.py`)."""
    from tools import torch_wheels  # needs `packaging`, see `main`

    manifest, target = read_manifest(), wheel_targets.Target(platform, python)
    archive = destination / f"{manifest['id']}-{manifest['version']}-{target.tag}-torch.zip"
    lock, folder = lock or archive.with_suffix(".lock.txt"), WHEEL_FOLDER / f"torch-{target.tag}"
    compiled = fetch_kernels([platform])
    wheels = fetch_wheels(sys.executable) + torch_wheels.fetch_torch(source, target, lock, folder)
    contents, wheels = _contents(wheels, compiled), wheels + compiled
    first, after = wheel_targets.BLENDERS[python]
    contents["blender_manifest.toml"] = manifest_for(
        (ROOT / "blender_manifest.toml").read_text(encoding="utf-8"),
        wheels=[f"./wheels/{wheel.name}" for wheel in wheels],
        platforms=[platform],
        blender_version_min=max(first, manifest["blender_version_min"]),
        **({"blender_version_max": after} if after else {}),
    ).encode()
    write_zip(archive, contents)
    return archive


def manifest_for(text: str, **values: str | list[str]) -> str:
    """The manifest's text with other values at its top level; the one in git stays as it is."""
    import tomllib

    head, table, rest = text.partition("\n[")
    for key, value in values.items():
        line = f"{key} = {value!r}".replace("'", '"')
        head, found = re.subn(rf"^{key} = .*$", lambda _, line=line: line, head, flags=re.MULTILINE)
        head += "" if found else f"{line}\n"
    changed = head + table + rest
    assert tomllib.loads(changed) == {**tomllib.loads(text), **values}, "a value of the manifest spans lines"
    return changed


def _contents(wheels: list[Path], compiled: list[Path]) -> dict[str, bytes | Path]:
    """The zip's files by their names in it. The manifest in git lists the wheels that every zip has, the zip's also
    those with compiled kernels."""
    listed = {Path(wheel).name for wheel in read_manifest()["wheels"]}
    if listed != set(WHEELS):
        raise SetupError(f"blender_manifest.toml lists the wheels {sorted(listed)}, build.py has {sorted(WHEELS)}")
    contents: dict[str, bytes | Path] = {"__init__.py": ROOT_MODULE.encode()}
    for name in ("blender_manifest.toml", "LICENSE", "NOTICES.md"):
        contents[name] = (ROOT / name).read_bytes()
    contents |= {path.relative_to(ROOT).as_posix(): path for path in (EXAMPLE, README, *sorted(PAGES.glob("*.md")))}
    for package in PACKAGES:
        contents |= {path.relative_to(ROOT).as_posix(): path for path in _shipped_files(ROOT / package)}
    names = [f"./wheels/{name}" for name in WHEELS] + [f"./wheels/{wheel.name}" for wheel in compiled]
    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    contents["blender_manifest.toml"] = manifest_for(text, wheels=names).encode()
    return contents | {f"wheels/{wheel.name}": wheel for wheel in [*wheels, *compiled]}


def fetch_kernels(platforms: Sequence[str]) -> list[Path]:
    """The wheels with compiled kernels, or none where there is no compiler, which is said."""
    if not platforms:
        return []
    try:
        return kernels.fetch_kernels(WHEEL_FOLDER, read_manifest()["version"], platforms)
    except SetupError as error:
        environments.say(f"without compiled kernels, so NumPy computes everything: {error}")
        return []


def read_manifest() -> dict:
    import tomllib

    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))


def _shipped_files(package: Path) -> list[Path]:
    return [
        path
        for path in sorted(package.rglob("*"))
        if path.suffix in SHIPPED
        and path.is_file()
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)
    ]


def fetch_wheels(python: str | os.PathLike) -> list[Path]:
    """The wheels of `WHEELS`, downloaded into `wheels/` where they are not there yet, with their hashes checked."""
    for name, expected in WHEELS.items():
        if not (WHEEL_FOLDER / name).is_file():
            package, version = name.split("-")[:2]
            environments.run_pip(
                python,
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
                str(WHEEL_FOLDER),
                f"{package}=={version}",
            )
        found = sha256(WHEEL_FOLDER / name)
        if found != expected:
            raise SetupError(f"wheels/{name} has the SHA-256 {found}, expected {expected}; delete it and build again")
    return [WHEEL_FOLDER / name for name in WHEELS]


def link(versions: list[str], remove: bool) -> int:
    """Have Blender load the extension from this checkout, or no more; see `tools/link.py`."""
    if not remove:
        fetch_wheels(sys.executable)
    for repository in links.repositories(versions):
        if remove:
            links.unlink(repository)
        else:
            folder = links.link(ROOT, repository)
            print(f"{folder}: (re)start that Blender and switch LSMPL on; after a change, F3 > Reload Scripts")
    return 0


def demo(blender: str | None) -> int:
    """Convert the example take with the installed extension; leaves out/demo.blend and out/demo.png."""
    choices = [env for env in environments.BLENDERS if env.find_python() and blender in (None, env.name)]
    if not choices:
        raise SetupError("the demo needs Python 3.11 (for Blender 4.2) or 3.13 (for 5.2) with venv; neither was found")
    python = choices[0].prepare()
    archive = build(python=python)
    with tempfile.TemporaryDirectory(prefix="lsmpl-profile-") as profile:
        script = [python, ROOT / "tools" / "demo.py", archive, EXAMPLE, ROOT / "out"]
        return subprocess.run(script, env={**os.environ, "BLENDER_USER_RESOURCES": profile}).returncode


def test(only: list[str], pytest_arguments: list[str]) -> int:
    """Everything, in every environment that this machine can have."""
    wanted = [suite.environment for suite in SUITES if not only or suite.name in only]
    some = next((environment for environment in wanted if environment.find_python()), environments.CORE_TESTS)
    with tempfile.TemporaryDirectory(prefix="lsmpl-zip-") as folder:
        here = [name for name in kernels.PLATFORMS if name == wheel_targets.this_platform()]
        return run_tests(build(Path(folder), some.prepare(), here), only, pytest_arguments)


def run_again(python: str | os.PathLike, argv: list[str] | None) -> int:
    """The same command, by another Python."""
    return subprocess.run([python, __file__, *(sys.argv[1:] if argv is None else argv)]).returncode


def newer_python() -> str:
    newer = next((found for minor in (11, 12, 13, 14) if (found := environments.find_python(f"3.{minor}"))), None)
    if newer is None:
        raise SetupError(
            f"needs Python 3.11 or later with venv; this is {sys.version.split()[0]}, and no other was found"
        )
    return newer


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    build_command = commands.add_parser("build", help="make the extension's zip")
    build_command.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    build_command.add_argument(
        "--torch",
        nargs="?",
        const="",
        metavar="WHEELS-OR-INDEX",
        help="with torch, from a folder of wheels or a package index (default: as pip is set up); for one platform",
    )
    build_command.add_argument(
        "--platform", default=wheel_targets.this_platform(), help="of --torch (default: this one)"
    )
    build_command.add_argument("--python", default="3.11", help="of --torch: 3.11 up to Blender 5.0, 3.13 from 5.1")
    build_command.add_argument(
        "--kernels",
        choices=("all", "here", "none"),
        default="all",
        help="compiled kernels for all platforms, this one or none (default: all)",
    )
    build_command.add_argument("--lock", type=Path, metavar="FILE", help="versions and checksums of --torch's wheels")
    check_command = commands.add_parser("check", help="validate zips and list what is in them")
    check_command.add_argument("zips", nargs="*", type=Path, metavar="ZIP", help="(default: all in dist/)")
    repo_command = commands.add_parser("repo", help="make a repository that Blender updates from")
    repo_command.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist" / "repo", metavar="FOLDER")
    repo_command.add_argument("zips", nargs="*", type=Path, metavar="ZIP", help="(default: the universal zip)")
    link_command = commands.add_parser("link", help="have Blender load the extension from this checkout")
    link_command.add_argument(
        "--blender", action="append", default=[], metavar="VERSION", help="such as 5.2 (default: all that were used)"
    )
    link_command.add_argument("--remove", action="store_true", help="take the link away again")
    demo_command = commands.add_parser("demo", help="convert the example take and render it")
    demo_command.add_argument("--blender", choices=[env.name for env in environments.BLENDERS])
    test_command = commands.add_parser("test", help="set everything up and run the tests")
    names = [suite.name for suite in SUITES]
    test_command.add_argument(
        "--only", action="append", default=[], choices=names, metavar="SUITE", help=f"of {', '.join(names)}"
    )
    test_command.add_argument("pytest_arguments", nargs="*", metavar="-- PYTEST-ARGUMENTS")
    options = parser.parse_args(argv)
    sys.stdout.reconfigure(errors="backslashreplace")  # Windows' own encodings, which files and pipes get, lack letters
    try:
        if sys.version_info < (3, 11):  # noqa: UP036, this file begins in whatever Python is there
            return run_again(newer_python(), argv)
        if options.command == "build":
            if options.torch is None:
                here = wheel_targets.this_platform()
                chosen = [name for name in kernels.PLATFORMS if options.kernels == "all" or name == here]
                archive = build(options.output, platforms=[] if options.kernels == "none" else chosen)
            elif importlib.util.find_spec("packaging") is None:
                return run_again(environments.BUILDING.prepare(), argv)
            else:
                words = (options.torch, options.platform, options.python, options.lock)
                archive = build_with_torch(options.output, *words)
            print(f"{archive}: {archive.stat().st_size / 1e6:.2f} MB")
            return 0
        if options.command == "check":
            archives = options.zips or sorted((ROOT / "dist").glob("*.zip")) or [build()]
            return 0 if extension_zips.check(archives) else 1
        if options.command == "repo":
            listing = extension_zips.make_repository(options.zips or [build()], options.folder)
            print(f"{listing}: give Blender its address (Preferences > Get Extensions > Repositories > Add Remote)")
            return 0
        if options.command == "link":
            return link(options.blender, options.remove)
        if options.command == "demo":
            return demo(options.blender)
        return test(options.only, options.pytest_arguments)
    except SetupError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

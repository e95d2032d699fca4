#!/usr/bin/env python3
"""Builds LSMPL's extension, shows it at work, and tests it. Needs nothing but Python 3.11 or later and pip.

python3 build.py build    dist/lsmpl-VERSION.zip, the extension as Blender installs it
python3 build.py demo     the example take, from keypoints to out/demo.blend and out/demo.png
python3 build.py test     lint, the core's tests, and the add-on's tests in each Blender that can be had
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools import environments
from tools.environments import SetupError
from tools.run_tests import SUITES, run_tests

ROOT = Path(__file__).resolve().parent
EXAMPLE = ROOT / "examples" / "walk_and_wave.trc"

WHEELS = {
    "array_api_compat-1.16.0-py3-none-any.whl": "0464934d7d5f1e9b728b2e248da52400630b1fcb46b70073eab3c7ae084290aa",
    "tqdm-4.70.1-py3-none-any.whl": "c293e525e6fef9c20e8728fd4612df02a0aa31bb5fe91ecd93e123b1b7bffa73",
}
"""The wheels in the zip and their SHA-256; the manifest lists the same ones."""

PACKAGES = ("addon", "lsmpl_core")
SHIPPED = {".py", ".npz", ".json", ".txt", ".png", ".md"}
ROOT_MODULE = '''"""LSMPL: 3D keypoint tracks to SMPL poses on a rigged character."""

from .addon import register, unregister  # noqa: F401
'''


def build(destination: Path = ROOT / "dist", python: str | os.PathLike = sys.executable) -> Path:
    """Write the extension's zip into a folder and return its path; the same sources give the same bytes.

    `python` is one whose pip downloads the wheels that are not in `wheels/` yet.
    """
    manifest = read_manifest()
    listed = {Path(wheel).name for wheel in manifest["wheels"]}
    if listed != set(WHEELS):
        raise SetupError(f"blender_manifest.toml lists the wheels {sorted(listed)}, build.py has {sorted(WHEELS)}")
    contents = {"__init__.py": ROOT_MODULE.encode()}
    for name in ("blender_manifest.toml", "LICENSE", "NOTICES.md"):
        contents[name] = (ROOT / name).read_bytes()
    for package in PACKAGES:
        contents |= {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _shipped_files(ROOT / package)}
    for wheel in fetch_wheels(python):
        contents[f"wheels/{wheel.name}"] = wheel.read_bytes()
    destination.mkdir(parents=True, exist_ok=True)
    target = destination / f"{manifest['id']}-{manifest['version']}.zip"
    write_zip(target, contents)
    return target


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


def write_zip(target: Path, contents: dict[str, bytes]) -> None:
    """Sorted names, one date, one set of permissions; moved into place when complete."""
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=".build-", suffix=".zip")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                entry.compress_type = zipfile.ZIP_STORED if name.endswith((".whl", ".npz")) else zipfile.ZIP_DEFLATED
                archive.writestr(entry, contents[name], compresslevel=9)
        os.chmod(scratch, 0o644)
        os.replace(scratch, target)
    except BaseException:
        os.unlink(scratch)
        raise


def fetch_wheels(python: str | os.PathLike) -> list[Path]:
    """The wheels of `WHEELS`, downloaded into `wheels/` where they are not there yet, with their hashes checked."""
    folder = ROOT / "wheels"
    for name, expected in WHEELS.items():
        if not (folder / name).is_file():
            package, version = name.split("-")[:2]
            environments.run_pip(
                python, "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), f"{package}=={version}"
            )
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            raise SetupError(f"wheels/{name} has the SHA-256 {found}, expected {expected}; delete it and build again")
    return [folder / name for name in WHEELS]


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
    some = next((env for env in SUITES if env.find_python()), environments.CORE_TESTS)
    with tempfile.TemporaryDirectory(prefix="lsmpl-zip-") as folder:
        return run_tests(build(Path(folder), some.prepare()), only, pytest_arguments)


def run_with_newer_python(argv: list[str] | None) -> int:
    newer = next((found for minor in (11, 12, 13, 14) if (found := environments.find_python(f"3.{minor}"))), None)
    if newer is None:
        raise SetupError(
            f"needs Python 3.11 or later with venv; this is {sys.version.split()[0]}, and no other was found"
        )
    return subprocess.run([newer, __file__, *(sys.argv[1:] if argv is None else argv)]).returncode


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    build_command = commands.add_parser("build", help="make the extension's zip")
    build_command.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    demo_command = commands.add_parser("demo", help="convert the example take and render it")
    demo_command.add_argument("--blender", choices=[env.name for env in environments.BLENDERS])
    test_command = commands.add_parser("test", help="set everything up and run the tests")
    test_command.add_argument("--only", action="append", default=[], metavar="ENVIRONMENT")
    test_command.add_argument("pytest_arguments", nargs="*", metavar="-- PYTEST-ARGUMENTS")
    options = parser.parse_args(argv)
    try:
        if sys.version_info < (3, 11):
            return run_with_newer_python(argv)
        if options.command == "build":
            archive = build(options.output)
            print(f"{archive}: {archive.stat().st_size / 1e6:.2f} MB")
            return 0
        if options.command == "demo":
            return demo(options.blender)
        return test(options.only, options.pytest_arguments)
    except SetupError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

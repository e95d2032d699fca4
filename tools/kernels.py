"""The compiled kernels (`kernels/`) as wheels for every platform, made on any of them.

Zig is the compiler, a C compiler for all platforms in one package. A wheel carries nothing but
libraries that ctypes loads, so it serves every Python. The same sources give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .environments import KERNELS, ROOT, SetupError, run_captured, say
from .wheel_targets import this_platform
from .zips import write_zip

SOURCES = ROOT / "kernels"
PACKAGE = "lsmpl_kernels"
FLAGS = (
    *("-std=c11", "-O3", "-fno-math-errno", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"),
    *("-Wno-missing-field-initializers", "-fvisibility=hidden", "-shared", "-fPIC", "-g0", "-s"),
)


@dataclass(frozen=True)
class Platform:
    """As Blender names it: zig's name of it, the tag of its wheel, the ending of its libraries, and
    its processors: the ending of a library's name, and zig's name of the oldest processor that runs
    it."""

    name: str
    target: str
    tag: str
    ending: str
    processors: tuple[tuple[str, str], ...]


_X64 = (("", "x86_64"), ("_v3", "x86_64_v3"))
_ARM64 = (("", "baseline"),)
PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform("linux-x64", "x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", "so", _X64),
        Platform("linux-arm64", "aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", "so", _ARM64),
        Platform("windows-x64", "x86_64-windows-gnu", "win_amd64", "dll", _X64),
        Platform("windows-arm64", "aarch64-windows-gnu", "win_arm64", "dll", _ARM64),
        Platform("macos-x64", "x86_64-macos.11.0", "macosx_11_0_x86_64", "dylib", _X64),
        Platform("macos-arm64", "aarch64-macos.11.0", "macosx_11_0_arm64", "dylib", _ARM64),
    )
}


def fetch_kernels(
    folder: Path, version: str, platforms: Sequence[str] = tuple(PLATFORMS)
) -> list[Path]:
    """The wheels for some platforms, built into a folder where those of these sources are not there
    yet.

    Raises `SetupError` where there is no compiler.
    """
    number = f"{version}+{fingerprint()}"
    wheels = [
        folder / f"{PACKAGE}-{number}-py3-none-{PLATFORMS[name].tag}.whl" for name in platforms
    ]
    missing = [(name, wheel) for name, wheel in zip(platforms, wheels) if not wheel.is_file()]
    if missing:
        zig = [str(KERNELS.prepare()), "-m", "ziglang"]
        for name, wheel in missing:
            say(f"kernels: compiling those for {name}")
            build_wheel(zig, PLATFORMS[name], number, wheel)
            for older in folder.glob(f"{PACKAGE}-*-{PLATFORMS[name].tag}.whl"):
                if older != wheel:
                    older.unlink()
    return wheels


def unpack_for_here(folder: Path, version: str) -> Path:
    """A folder for `sys.path` with this machine's kernels in it. Raises `SetupError`."""
    if this_platform() not in PLATFORMS:
        raise SetupError(
            f"there are no kernels for {this_platform()}; there are for {', '.join(PLATFORMS)}"
        )
    (wheel,) = fetch_kernels(folder, version, [this_platform()])
    place = KERNELS.folder.with_name("kernels-here")
    if not (place / wheel.stem).is_dir():
        shutil.rmtree(place, ignore_errors=True)
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(place)
        (place / wheel.stem).mkdir()
    return place


def fingerprint() -> str:
    """Of the sources and of how they are compiled, eight hexadecimal digits."""
    digest = hashlib.sha256(repr((FLAGS, sorted(PLATFORMS.items()), KERNELS.requirements)).encode())
    for path in sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def sources() -> list[Path]:
    return sorted(path for path in SOURCES.iterdir() if path.suffix in (".c", ".h"))


def compile_library(zig: Sequence[str], platform: Platform, processor: str, target: Path) -> None:
    """Raises `SetupError` with what the compiler says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files = [path.name for path in sources() if path.suffix == ".c"]
    libraries = [] if platform.ending == "dll" else ["-lm"]
    command = [
        *zig,
        "cc",
        "-target",
        platform.target,
        f"-mcpu={processor}",
        *FLAGS,
        *files,
        *libraries,
    ]
    done = run_captured([*command, "-o", str(target)], cwd=SOURCES)
    if done.returncode:
        raise SetupError(
            f"the kernels for {platform.name} cannot be compiled:\n{done.stderr[-4000:]}"
        )


def build_wheel(zig: Sequence[str], platform: Platform, number: str, wheel: Path) -> None:
    info = f"{PACKAGE}-{number}.dist-info"
    contents: dict[str, bytes | Path] = {
        f"{PACKAGE}/__init__.py": b'"""Compiled kernels of LSMPL, which loads them itself."""\n',
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {PACKAGE}\n"
            f"Version: {number}\nLicense: GPL-3.0-or-later\n"
            "Summary: Compiled kernels of LSMPL\n"
        ).encode(),
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: lsmpl\n"
            f"Root-Is-Purelib: false\nTag: py3-none-{platform.tag}\n"
        ).encode(),
    }
    with tempfile.TemporaryDirectory(prefix="lsmpl-kernels-") as folder:
        for suffix, processor in platform.processors:
            library = Path(folder, f"kernels{suffix}.{platform.ending}")
            compile_library(zig, platform, processor, library)
            contents[f"{PACKAGE}/{library.name}"] = library.read_bytes()
    lines = [
        _recorded(name, data) for name, data in sorted(contents.items()) if isinstance(data, bytes)
    ]
    contents[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    write_zip(wheel, contents)


def _recorded(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(data)}\n"


if __name__ == "__main__":
    print(unpack_for_here(ROOT / "wheels", sys.argv[1] if len(sys.argv) > 1 else "0.1.0"))

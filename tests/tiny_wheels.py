"""Tiny wheels that only bear the names, as a registry has them: for all platforms and Pythons, in several versions."""

from pathlib import Path

from tools.torch_wheels import TORCH
from tools.wheel_targets import BLENDERS, PLATFORMS, Target
from tools.zips import write_zip

TARGETS = [Target(platform, python) for platform in PLATFORMS for python in BLENDERS]

TORCH_NEEDS = (
    "sums>=1.0",
    "fast",
    "numpy",
    'drivers[blas]==13.0.3; platform_system == "Linux"',
    'colours; sys_platform == "win32"',
    'metal; sys_platform == "darwin" and platform_machine == "arm64"',
    'young; python_version >= "3.12"',
    'nowhere; platform_machine == "s390x"',
    'nowhere; extra == "all"',
)


def make_wheel(folder: Path, name: str, version: str, tag: str = "py3-none-any", needs=(), **more) -> Path:
    """A wheel that holds next to nothing; `more`: files, metadata, extras, pythons, licence."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: {more.get('licence', 'BSD')}\n"
    metadata += f"Requires-Python: {more['pythons']}\n" if "pythons" in more else ""
    metadata += "".join(f"Requires-Dist: {other}\n" for other in needs)
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in more.get("extras", ()))
    metadata = more.get("metadata", metadata)
    files = {f"{name}.py": b"", f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode(), **more.get("files", {})}
    files |= {f"{info}/METADATA": metadata.encode()} if metadata is not None else {}
    files[f"{info}/RECORD"] = "".join(f"{other},,\n" for other in (*files, f"{info}/RECORD")).encode()
    target = folder / f"{name}-{version}-{tag}.whl"
    write_zip(target, files)
    return target


def tag_for(target: Target, kind: str = "") -> str:
    python = f"cp{target.python.replace('.', '')}"
    return f"{python}-{python}-{kind or PLATFORMS[target.platform][0]}"


def make_registry(folder: Path) -> Path:
    """A folder of wheels: torch, what it needs on one platform or the other, and what it needs nowhere of ours."""
    for target in TARGETS:
        make_wheel(folder, "torch", TORCH[target.platform], tag_for(target), TORCH_NEEDS)
    for python in BLENDERS:
        for platform, kind in (
            ("linux-x64", "manylinux2014_x86_64.manylinux_2_17_x86_64"),
            ("windows-x64", "win_amd64"),
            ("macos-arm64", "macosx_10_13_universal2"),
        ):
            make_wheel(folder, "fast", "1.0", tag_for(Target(platform, python), kind))
    parts = ('libblas==1.*; sys_platform == "linux" and extra == "blas"', 'nowhere; extra == "all"')
    make_wheel(folder, "drivers", "13.0.3.0", "py2.py3-none-any", parts, extras=("blas", "all"))
    make_wheel(folder, "libblas", "1.5", "py3-none-manylinux_2_27_x86_64", licence="LicenseRef-NVIDIA-Proprietary")
    for name in ("colours", "metal", "young", "numpy"):
        make_wheel(folder, name, "1.0")
    make_wheel(folder, "sums", "1.0")
    make_wheel(folder, "sums", "2.0")
    make_wheel(folder, "sums", "3.0", pythons=">=3.12")
    return folder

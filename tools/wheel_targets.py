"""The Blenders that wheels are for: which of a project's wheels they can use, and which projects
they need at all."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from .environments import SetupError

BLENDERS = {"3.11": ("4.2.0", "5.1.0"), "3.13": ("5.1.0", None)}
"""Blender's versions by their Python: the first that has it, and the first that has another (None:
not out yet)."""

PLATFORMS = {
    "linux-x64": [
        *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)),
        "manylinux2014_x86_64",
    ]
    + ["manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": [
        f"macosx_{major}_0_{kind}"
        for major in range(14, 10, -1)
        for kind in ("arm64", "universal2")
    ]
    + [f"macosx_10_{minor}_universal2" for minor in range(16, 3, -1)],
}
"""Blender's names of platforms, and the tags of the wheels that they can use, the best first."""

_FULL = {"3.11": "3.11.7", "3.13": "3.13.0"}
_MARKERS = {
    "linux-x64": {
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    },
    "windows-x64": {
        "os_name": "nt",
        "sys_platform": "win32",
        "platform_system": "Windows",
        "platform_machine": "AMD64",
    },
    "macos-arm64": {
        "os_name": "posix",
        "sys_platform": "darwin",
        "platform_system": "Darwin",
        "platform_machine": "arm64",
    },
}


def this_platform() -> str:
    """Blender's name of the platform that this runs on."""
    machine = {"amd64": "x64", "x86_64": "x64", "arm64": "arm64", "aarch64": "arm64"}.get(
        platform.machine().lower()
    )
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform)
    return f"{system}-{machine}"


@dataclass(frozen=True)
class Target:
    """A platform as Blender names it, and the Python (3.11 or 3.13) that Blender has. Others raise
    `SetupError`."""

    platform: str
    python: str

    def __post_init__(self) -> None:
        if self.platform not in PLATFORMS or self.python not in BLENDERS:
            raise SetupError(
                f"torch zips are for {', '.join(PLATFORMS)} and Python {' or '.join(BLENDERS)}"
            )

    def __str__(self) -> str:
        return f"{self.platform}, Python {self.python}"

    @property
    def tag(self) -> str:
        """As it stands in the names of files."""
        return f"{self.platform.replace('-', '_')}-cp{self.python.replace('.', '')}"

    @property
    def markers(self) -> dict[str, str]:
        """What requirements may ask for, such as `; sys_platform == "win32"` (PyPA's "Dependency
        specifiers")."""
        return _MARKERS[self.platform] | {
            "python_version": self.python,
            "python_full_version": _FULL[self.python],
            "implementation_name": "cpython",
            "implementation_version": _FULL[self.python],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_version": "",
        }

    def pip(self, *words: str) -> tuple[str, ...]:
        """Arguments of a Python whose pip looks for wheels for this target.

        Not for what they need: whether a project is needed at all (`; sys_platform == "win32"`) pip
        decides by the machine and the Python that it runs on, so it is read from the wheels
        (`torch_wheels.py`).
        """
        tags = (word for tag in PLATFORMS[self.platform] for word in ("--platform", tag))
        where = (
            "--only-binary=:all:",
            "--python-version",
            self.python,
            "--implementation",
            "cp",
            *tags,
        )
        return ("-m", "pip", *words, "--no-deps", *where)

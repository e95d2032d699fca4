"""`FrontEnd`: what differs between the plain command and the one inside Blender, its writers above
all."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..backends.arrays import Backend
from ..body.body import Body
from ..keypoints.track import KeypointTrack
from ..motion import Motion


@dataclass(frozen=True)
class Converted:
    """One solved input, as writers get it: the motion as it goes out, as it was solved, and what
    was done between, as plain data (empty where nothing was); `body_path` is "" for the open
    body."""

    name: str
    track: KeypointTrack
    body: Body
    motion: Motion
    solved: Motion
    clean_up: Mapping
    body_path: str
    backend: Backend


IN_BLENDER = ("blend", "fbx", "glb", "bvh", "usdc", "usd")
"""File types that the command inside Blender writes (`addon/writers.py`), USD where it has that."""
Writer = Callable[[Converted, Path], None]


def own_command() -> tuple[str, ...]:
    """What runs `lsmpl` as this process does, wherever it was imported from."""
    start = (
        "import sys; root = sys.argv.pop(1); sys.path = [p for p in sys.path if p]; "
        "sys.path = sys.path if root in sys.path else [root, *sys.path]; "
        f"from {__package__}.main import main; sys.exit(main())"
    )
    return (
        sys.executable,
        "-c",
        start,
        str(Path(__file__).resolve().parents[__package__.count(".") + 1]),
    )


def write_npz(converted: Converted, path: Path) -> None:
    """The motion in the AMASS layout."""
    converted.motion.save(path)


def check_npz(path: Path) -> None:
    """Raises where a motion cannot be read."""
    Motion.load(path)


@dataclass(frozen=True)
class FrontEnd:
    """What differs between the plain command and the one inside Blender.

    Its name; the files it can write, and what raises where a file of a type cannot be read; the
    command that runs the same program again, for the processes of `--jobs`.
    """

    program: str = "lsmpl"
    writers: Mapping[str, Writer] = field(default_factory=lambda: {"npz": write_npz})
    default_format: str = "npz"
    versions: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, Callable[[Path], None]] = field(default_factory=lambda: {"npz": check_npz})
    command: Sequence[str] = field(default_factory=own_command)
    ready: Callable[[argparse.Namespace], str] = lambda options: ""
    """Called before takes are converted with these options; what it returns is told."""

    def cannot_write(self, suffix: str) -> str:
        """Why a file that ends so is not written, and what would do it."""
        can = f"only {', '.join(f'.{name}' for name in self.writers)} can be written here"
        if suffix in IN_BLENDER and suffix not in self.writers:
            can += f"; .{suffix} is written inside Blender, by blender --command lsmpl convert"
        return can

    def whole(self, format: str, path: Path) -> bool:
        """Whether a file of that type can be read; False, too, for types that cannot be checked."""
        try:
            self.checks[format](path)
        except Exception:
            return False
        return True

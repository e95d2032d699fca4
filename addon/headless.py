"""The command line inside Blender: `blender --command lsmpl convert IN... -o OUT`, for .blend,
.fbx, .glb, .bvh, .usd where the build has it, and .npz.

The parser, the loop and the messages are the core's (`lsmpl_core/cli/main.py`), the writers are in
`writers.py`. The same from a script: `main(["convert", ...])`, which returns the exit code (see
also `farm.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import bpy

from ..lsmpl_core import LsmplError
from ..lsmpl_core.cli.main import main as core_main
from .writers import front_end

COMMAND = "lsmpl"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Without `argv`: what stands after `--` on
    Blender's own.

    Each output is made in an empty file, so what is open in Blender is lost; with a window, this
    raises `LsmplError`.
    """
    if argv is None:
        argv = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if not bpy.app.background:
        raise LsmplError(
            "lsmpl convert replaces the open file; run it in the background (blender "
            "--command lsmpl)"
        )
    return core_main(argv, front_end(f"blender --command {COMMAND}", _this_program()))


def _this_program() -> tuple[str, ...]:
    """What runs the command line in another Blender like this one: this program (or, in the bpy
    module, Python)."""
    script = str(Path(__file__).with_name("farm.py"))
    if not bpy.app.binary_path:
        return (sys.executable, script, "--")
    factory = ("--factory-startup",) if bpy.app.factory_startup else ()
    return (bpy.app.binary_path, "--background", *factory, "--python", script, "--")


_command = None


def register() -> None:
    global _command
    _command = bpy.utils.register_cli_command(COMMAND, lambda argv: main(argv))


def unregister() -> None:
    global _command
    if _command is not None:
        bpy.utils.unregister_cli_command(_command)
        _command = None

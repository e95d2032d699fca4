"""The types of the add-on, by mypy: python -m tools.check_types

mypy by itself checks the core, the training and the tools. The add-on reaches the core as a sibling
(`..lsmpl_core`), which it is in Blender alone; so it is checked as `lsmpl.addon`, in a folder of
links like that of `build.py link`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from . import link as links

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".mypy_cache" / "addon"
"""Where the links are, always the same, so that mypy knows next time what it has seen."""
PACKAGE = "lsmpl"
"""The extension's name there, and in the settings of mypy in pyproject.toml."""


def main() -> int:
    links.link(ROOT, FOLDER, PACKAGE)
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "-p",
        f"{PACKAGE}.addon",
    ]
    return subprocess.run(mypy, cwd=FOLDER, env={**os.environ, "MYPYPATH": str(FOLDER)}).returncode


if __name__ == "__main__":
    sys.exit(main())

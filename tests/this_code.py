"""What processes that tests start need to run this checkout's code."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / ".venvs" / "kernels-here"
"""Where `build.py test` leaves this machine's compiled kernels (`tools/kernels.py`)."""


def with_this_code(**variables: str) -> dict[str, str]:
    """This process's environment, its checkout and its kernels whatever folder is the current one, and `variables`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **variables}

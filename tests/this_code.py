"""The environment of processes that tests start."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def with_this_code(**variables: str) -> dict[str, str]:
    """This process's environment, its checkout and its kernels whatever folder is the current one, and `variables`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **variables}

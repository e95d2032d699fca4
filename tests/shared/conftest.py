"""Tests on files that may not be passed on: they run where those are, in `../shared` or where LSMPL_SHARED says.

All other tests rest on what the repository has. What a file here shows to be wrong gets a test of its own on a file
that is made from scratch.
"""

import os
import sys
from pathlib import Path

import pytest

import lsmpl_core as lsmpl

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LSMPL_SHARED") or ROOT.parent / "shared")

sys.path.append(str(ROOT / "tests" / "core"))  # for the helpers of the core's tests


def folder_of(name: str) -> Path:
    if not (SHARED / name).is_dir():
        pytest.skip(f"needs the files in {SHARED / name}, which are not there")
    return SHARED / name


@pytest.fixture(scope="session")
def keypoint_files() -> Path:
    """Real keypoint files, some damaged, of many makers."""
    return folder_of("keypoints")


@pytest.fixture(scope="session")
def all_recorded() -> Path:
    """The recorded motion of which the tests have some clips."""
    return folder_of("mocap")


@pytest.fixture(scope="session")
def body() -> lsmpl.Body:
    return lsmpl.load_body()

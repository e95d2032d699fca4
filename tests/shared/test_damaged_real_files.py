"""The beginnings of real files, damaged; `test_readers_fuzz.py` says how and how to go on for long."""

import os
from pathlib import Path

import pytest
from test_readers_fuzz import fuzz, fuzz_for_long, read_track

from lsmpl_core.readers import READERS


def beginnings(folder: Path, most: int) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*.*") if path.suffix in READERS)
    return {path.name: path.read_bytes()[:most] for path in files}


def test_damaged_real_files(keypoint_files, tmp_path):
    contents = beginnings(keypoint_files, 40_000)
    for seed in range(10):
        for name in contents:
            fuzz(tmp_path, name, contents, read_track, seed)


@pytest.mark.skipif("LSMPL_FUZZ_SECONDS" not in os.environ, reason="LSMPL_FUZZ_SECONDS does not ask for it")
def test_damaged_real_files_for_long(keypoint_files, tmp_path):
    fuzz_for_long(tmp_path, [(beginnings(keypoint_files, 100_000), read_track)])

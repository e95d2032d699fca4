"""The beginnings of real files, damaged; `python tests/fuzz.py MINUTES --files FOLDER` goes on for long."""

from pathlib import Path

from fuzz_files import read_track
from fuzzing import fuzz

from lsmpl_core.readers import READERS


def beginnings(folder: Path, most: int) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*.*") if path.suffix in READERS)
    return {path.name: path.read_bytes()[:most] for path in files}


def test_damaged_real_files(keypoint_files, tmp_path):
    contents = beginnings(keypoint_files, 40_000)
    for seed in range(10):
        for name in contents:
            fuzz(tmp_path, name, contents, read_track, seed)

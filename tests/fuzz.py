"""Go round all fuzzers for as long as told: `python tests/fuzz.py MINUTES [--files FOLDER] [--only NAME ...]`.

Each failure is told when it is found, with its seed; the file that did it is kept in `--keep`. The exit code is 1 where
there were any. FOLDER has real keypoint files, whose beginnings are damaged beside those that are made here.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core")]

from fuzz_files import SUBJECTS, read_track  # noqa: E402
from fuzz_solving import SOLVING  # noqa: E402
from fuzzing import Fuzzer, go_round, of_files  # noqa: E402

from lsmpl_core.readers import READERS  # noqa: E402

BEGINNING = 100_000
"""Bytes of real files that are damaged."""


def fuzzers(folder: Path, files: Path | None) -> list[Fuzzer]:
    """Those of all readers, of the solver and of the command, and of real files where there are some."""
    found = []
    for name, (make, read) in SUBJECTS.items():
        made = folder / "made"
        made.mkdir(exist_ok=True)
        found.append(of_files(name, make(made), read))
    if files is not None:
        real = {path.name: path for path in sorted(files.rglob("*.*")) if path.suffix in READERS}
        found.append(of_files("real files", {n: p.read_bytes()[:BEGINNING] for n, p in real.items()}, read_track))
    return [*found, *SOLVING]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--files", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", default="fuzz_failures")
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000)
    options = parser.parse_args()
    os.environ["LSMPL_FUZZ_KEEP"] = options.keep
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = [one for one in fuzzers(folder, options.files) if not options.only or one.name in options.only]
        failures = go_round(chosen, folder, 60 * options.minutes, options.seed, lambda line: print(line, flush=True))
    print(f"{len(failures)} kinds of failure")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

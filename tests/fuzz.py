"""Go round all fuzzers for as long as told: `python tests/fuzz.py MINUTES [--files FOLDER] [--only NAME ...]`.

Each failure is told when it is found, with its seed; the file that did it is kept in `--keep`, and `--ledger` is a file
to which a line of JSON is added for every few seconds that a fuzzer had. The exit code is 1 where anything failed.
FOLDER has real keypoint files, whose beginnings are damaged beside those that are made here. All is tried in a process
of its own: one that crashes is a failure, too, and the next goes on behind the try that did it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core")]

from fuzz_files import SUBJECTS, read_track  # noqa: E402
from fuzz_forms import FORMS  # noqa: E402
from fuzz_solving import SOLVING  # noqa: E402
from fuzz_writing import WRITING  # noqa: E402
from fuzzing import Fuzzer, go_round, of_files  # noqa: E402

from lsmpl_core.readers import READERS  # noqa: E402

BEGINNING = 100_000
"""Bytes of real files that are damaged."""


def fuzzers(folder: Path, files: Path | None) -> list[Fuzzer]:
    """Those of all readers, of the solver, of the command and of what it writes, and of real files where there are
    some."""
    found = []
    for name, (make, read) in SUBJECTS.items():
        made = folder / "made"
        made.mkdir(exist_ok=True)
        found.append(of_files(name, make(made), read))
    if files is not None:
        real = {path.name: path for path in sorted(files.rglob("*.*")) if path.suffix in READERS}
        found.append(of_files("real files", {n: p.read_bytes()[:BEGINNING] for n, p in real.items()}, read_track))
    return [*found, *FORMS, *SOLVING, *WRITING]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--files", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", default="fuzz_failures")
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000)
    parser.add_argument("--note", help=argparse.SUPPRESS)
    options = parser.parse_args()
    return watched(options) if options.note is None else tried(options)


def watched(options: argparse.Namespace) -> int:
    """Processes that note what they are about to try, one after the other where they crash."""
    end, seed, failed = time.monotonic() + 60 * options.minutes, options.seed, False
    chosen = [*(["--files", str(options.files)] if options.files else []), "--keep", options.keep]
    chosen += ["--ledger", str(options.ledger)] if options.ledger else []
    chosen += ["--only", *options.only] if options.only else []
    with tempfile.TemporaryDirectory() as name:
        note = Path(name) / "note"
        while (left := end - time.monotonic()) > 0:
            words = [f"{left / 60}", *chosen, "--seed", str(seed), "--note", str(note)]
            code = subprocess.call([sys.executable, "-X", "faulthandler", __file__, *words])
            if code in (0, 1):
                return int(failed or code)
            what, _, number = note.read_text().rpartition(" ")
            seed, failed = int(number), True
            print(f"FAILED {what}: seed {seed}: the process ended with {code}", flush=True)
    return int(failed)


def tried(options: argparse.Namespace) -> int:
    os.environ["LSMPL_FUZZ_KEEP"] = options.keep
    note = os.open(options.note, os.O_WRONLY | os.O_CREAT)

    def begin(name: str, seed: int) -> None:
        os.ftruncate(note, 0)
        os.pwrite(note, f"{name} {seed}".encode(), 0)

    def spend(kind: str, seconds: float, tries: int, failed: int) -> None:
        if options.ledger:
            line = {"kind": kind, "seconds": round(seconds, 2), "tries": tries, "failed": failed}
            with options.ledger.open("a", encoding="utf-8") as ledger:
                ledger.write(json.dumps(line) + "\n")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = [one for one in fuzzers(folder, options.files) if not options.only or one.name in options.only]
        tell = partial(print, flush=True)
        failures = go_round(chosen, folder, 60 * options.minutes, options.seed, tell, begin, spend)
    print(f"{len(failures)} kinds of failure")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

"""What reading takes: `python tests/reading_memory.py MB [MB ...] [--only NAME ...]` measures good files so large.

Printed for each kind of file, as multiples of its size: the most that Python and NumPy allocate at once (tracemalloc),
and by how much the process grows (resident memory, Linux alone). Each is measured in a process of its own that has read
a small file of the kind before, so that tables of names and modules do not count.
"""

import argparse
import gc
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core")]

from large_files import FILES, MOTIONS, large_file, reader_of  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("megabytes", type=float, nargs="+")
    parser.add_argument("--only", nargs="*", default=[*FILES, *MOTIONS])
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*map(Path, options.measure))
        return
    print("file".ljust(24), *(f"{mb:g} MB: traced, resident, s".ljust(32) for mb in options.megabytes))
    for name in options.only:
        told = []
        with tempfile.TemporaryDirectory() as folder:
            small = Path(folder) / f"small_{name}"
            small.write_bytes(large_file(name, 50_000))
            for megabytes in options.megabytes:
                path = Path(folder) / name
                path.write_bytes(large_file(name, int(megabytes * 1e6)))
                words = [sys.executable, __file__, "0", "--measure", str(small), str(path)]
                told.append(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())
        print(name.ljust(24), *(one.ljust(32) for one in told), flush=True)


def measure(small: Path, path: Path) -> None:
    """Once for resident memory, and, which takes more itself, once for what is traced."""
    read, size = reader_of(path.name), path.stat().st_size
    _read(read, small)
    gc.collect()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets the highest mark
    begun = time.process_time()
    _read(read, path)
    seconds = time.process_time() - begun
    resident = _resident("VmHWM") - before
    tracemalloc.start()
    _read(read, path)
    traced = tracemalloc.get_traced_memory()[1]
    print(f"{traced / size:.1f}, {resident / size:.1f}, {seconds:.1f}  ({size / 1e6:.1f} MB)")


def _read(read, path: Path) -> None:
    """Reads a file, which may be refused: what that takes counts, too."""
    try:
        read(path)
    except Exception as error:
        print(f"{type(error).__name__}: {str(error)[-80:]}", end=" ")


def _resident(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{field}:")[1].split()[0])


if __name__ == "__main__":
    main()

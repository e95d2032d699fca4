"""What reading a good file takes: memory of a few times its size, whatever its format (`tests/reading_memory.py`)."""

import gc
import tracemalloc

import pytest
from large_files import large_file, reader_of

SIZE = 1_000_000
MOST, BESIDES = 10, 2 << 20
"""Times the file's size, and bytes for what is looked at of every take, however short."""


@pytest.mark.parametrize(
    "name",
    [
        "tabs.trc", "long.csv", "short_rows.txt", "angles.bvh", "short.skeleton", "short.json", "flat.json",
        "people.json", "by_name.json", "singles.npy", "millimetres.npy", "packed.npz", "lists.pkl", "integers.c3d",
        "wham.pkl", "packed_amass.npz", "plain.json",
    ],
)  # fmt: skip
def test_a_good_file_takes_a_few_times_its_size(tmp_path, name):
    path = tmp_path / name
    read = reader_of(name)
    path.write_bytes(large_file(name, 50_000))
    read(path)  # loads tables of names
    path.write_bytes(large_file(name, SIZE))
    size = path.stat().st_size
    most = MOST * size + BESIDES
    # What else goes on in this process counts, too: once more where it is too much.
    peak = _peak(read, path)
    if peak >= most:
        peak = _peak(read, path)
    assert peak < most, f"{peak / size:.1f} times its {size} bytes"


def _peak(read, path) -> int:
    """Bytes that are allocated at most while the file is read."""
    gc.collect()
    tracemalloc.start()
    read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak

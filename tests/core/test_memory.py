"""What reading a good file takes: memory of a few times its size, whatever its format (`tests/reading_memory.py`)."""

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
    tracemalloc.start()
    read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = path.stat().st_size
    assert peak < MOST * size + BESIDES, f"{peak / size:.1f} times its {size} bytes"

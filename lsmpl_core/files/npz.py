"""NPY and NPZ files of strangers: nothing is executed, and what a header claims is checked before
it is believed."""

from __future__ import annotations

import errno
import io
import math
import os
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from .opening import file_size
from .texts import checked_texts

MAX_BYTES = 1 << 30
"""The largest file, and the largest array in one, that is read: twenty minutes of 553 keypoints at
60 Hz fit."""

_MOST_GROWTH, _FREE_GROWTH = 32, 16 << 20
_LONGEST_HEADER = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)


def most_unpacked(size: int) -> int:
    """Bytes to which compressed data of `size` bytes may unpack.

    Takes shrink tenfold at the very most, archives that are made to fill the memory a thousandfold.
    """
    return min(MAX_BYTES, _MOST_GROWTH * size + _FREE_GROWTH)


class Npz:
    """The arrays of an npz by name, each read when asked for. What is wrong with one is raised as
    `ValueError`."""

    def __init__(self, archive: zipfile.ZipFile, size: int):
        self._archive, self._left = archive, most_unpacked(size)
        self._members = {
            info.filename[:-4]: info
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def __getitem__(self, name: str) -> np.ndarray:
        """An array, read-only."""
        wide = 8 * math.prod(self.shape(name))  # whatever its type, it will be of doubles
        with self._open(name) as (stream, size):
            self._take(max(size, min(wide, 8 * size)))
            return read_array(stream, size)

    def raw(self, name: str) -> bytes:
        """An array's bytes as they are in the file."""
        with self._open(name) as (stream, size):
            self._take(size)
            return stream.read(size)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape that an array's header gives; () where there is no such header."""
        header = self._header(name)
        return () if header is None else header[0]

    def fields(self, name: str) -> np.ndarray:
        """An array that may be of named fields, read-only."""
        with self._open(name) as (stream, size):
            self._take(size)
            return read_array(stream, size, structured=True)

    def is_structured(self, name: str) -> bool:
        """Whether an array is of named fields, by its header."""
        header = self._header(name)
        return header is not None and header[1].names is not None

    def has_objects(self, name: str) -> bool:
        """Whether an array is of Python objects, by its header."""
        header = self._header(name)
        return header is not None and header[1].hasobject

    def _header(self, name: str) -> tuple[tuple[int, ...], np.dtype] | None:
        """The shape and the type that an array's header gives; None where there is no such
        header."""
        try:
            with self._open(name) as (stream, _):
                shape, _, dtype = read_header(stream)
                return shape, dtype
        except ValueError:
            return None

    def _take(self, size: int) -> None:
        if size > self._left:
            raise ValueError(
                f"unpacks to {size >> 20} MB, which nothing of use in a file of this size does"
            )
        self._left -= size

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        info = self._members[name]
        if info.compress_type not in _METHODS:
            raise ValueError("is compressed in a way that NumPy does not use")
        try:
            with self._archive.open(info) as stream:
                yield stream, info.file_size
        except (*_DAMAGED, OSError) as error:
            _no_fault_of_the_disk(error)
            raise ValueError(f"is damaged or encrypted: {str(error)[:200]}") from error


def _no_fault_of_the_disk(error: Exception) -> None:
    """Raises an error again that is the system's, not of a place before the file's beginning, which
    a damaged listing asks for."""
    if isinstance(error, OSError) and error.errno != errno.EINVAL:
        raise error


@contextmanager
def open_npz(file: str | os.PathLike | IO, size: int) -> Iterator[Npz]:
    """An npz of `size` bytes to read arrays from. Raises `OSError`, or `ValueError` where it is
    none or is damaged."""
    if not size:
        raise ValueError("is no npz file, or a damaged one: it is empty")
    try:
        archive = zipfile.ZipFile(file)
    except (*_DAMAGED, ValueError, OSError) as error:
        _no_fault_of_the_disk(error)
        raise ValueError(f"is no npz file, or a damaged one: {str(error)[:200]}") from error
    with archive:
        yield Npz(archive, size)


def read_npz(path: str | os.PathLike, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an npz file, or those of them named in `only`; what else is in the file then
    stays unread.

    Raises `OSError`, or `ValueError` with what is wrong.
    """
    with open_npz(path, file_size(path)) as archive:
        arrays = {}
        for name in archive.names:
            if only is None or name in only:
                try:
                    arrays[name] = archive[name]
                except ValueError as error:
                    raise ValueError(f"{name} {error}") from error
        return arrays


def npz_names(path: str | os.PathLike) -> list[str]:
    """The names of the arrays in an npz file, none of which is read. Raises as `read_npz` does."""
    with open_npz(path, file_size(path)) as archive:
        return archive.names


def read_array(stream: IO, size: int, structured: bool = False) -> np.ndarray:
    """An NPY stream of `size` bytes, header included. Raises `ValueError`; arrays of Python objects
    are refused, and those of named fields unless `structured`."""
    shape, fortran, dtype = read_header(stream)
    if dtype.itemsize < 0:  # NumPy 1 counts bytes of texts in 32 bits, and crashes over such arrays
        raise ValueError("claims texts of gigabytes")
    known = _is_plain(dtype) and (structured or dtype.names is None)
    if dtype.hasobject or not known or not dtype.itemsize:
        listed = str(dtype)[:80]
        raise ValueError(f"holds {listed} (Python objects are not read); expected real numbers")
    count = math.prod(shape)
    expected = count * dtype.itemsize
    if expected > size or count > MAX_BYTES // 8:
        raise ValueError(f"claims shape {str(shape)[:60]} of {str(dtype)[:40]}, in {size} bytes")
    data = stream.read(expected)
    if len(data) < expected:
        raise ValueError(
            f"is cut short: shape {shape} of {dtype} needs {expected} bytes, found {len(data)}"
        )
    return checked_texts(np.ndarray(shape, dtype, data, order="F" if fortran else "C"))


def _is_plain(dtype: np.dtype) -> bool:
    """Whether a type is of numbers or texts, or of a few named fields of these."""
    if dtype.names is None:
        return dtype.base.kind in "fiubUS" and dtype.base.itemsize != 0
    if len(dtype.names) > MOST_FIELDS:
        return False
    fields = (dtype[name].base for name in dtype.names)
    return all(one.names is None and _is_plain(one) and one.itemsize > 0 for one in fields)


MOST_FIELDS = 20_000
"""Of a structured array: a table's columns."""


def read_header(stream: IO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and type of the NPY stream's array. Raises `ValueError`."""
    try:
        version, _ = np.lib.format.read_magic(stream)
        length_bytes, parse = {
            1: (2, np.lib.format.read_array_header_1_0),
            2: (4, np.lib.format.read_array_header_2_0),
        }[version]
        length = stream.read(length_bytes)
        if int.from_bytes(length, "little") > _LONGEST_HEADER:
            raise ValueError(f"a header of {int.from_bytes(length, 'little')} bytes")
        shape, fortran, dtype = parse(
            io.BytesIO(length + stream.read(int.from_bytes(length, "little")))
        )
        shape = tuple(map(int, shape))
    except (zipfile.BadZipFile, zlib.error, OSError):
        raise
    # NumPy parses the header as Python: a damaged one raises whatever the tokenizer does, in words
    # of Python's own, which say nothing about the file
    except Exception:
        raise ValueError("is no NumPy array, or its header is damaged") from None
    if min(shape, default=0) < 0:
        raise ValueError(f"claims shape {str(shape)[:60]}")
    return shape, fortran, dtype

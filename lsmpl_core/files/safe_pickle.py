"""Read pickles from strangers without running anything.

Python's own unpickler imports and calls whatever a file names. This one (`pickle_machine.py`) never
imports, calls or subclasses anything. It reads what SMPL files and the result files of pose
estimators hold: containers, strings, numbers, NumPy arrays (also as joblib stores them), and chumpy
and SciPy sparse objects and torch tensors as inert records (`Placeholder`); what is in a tensor
stays unread.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import BinaryIO

from ..errors import BodyFileError, LsmplError
from .npz import most_unpacked
from .opening import file_size, read_file
from .pickle_budget import Refused, check_walk
from .pickle_machine import Machine

_PACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
"""What compressed files begin with, as pickles do not, that are not unpacked."""
MAX_BYTES = 1 << 30  # of a file, also once decompressed; SMPL files have 10 to 500 MB


def load(
    source: str | os.PathLike | BinaryIO,
    *,
    what: str = "body file",
    error: type[LsmplError] = BodyFileError,
) -> object:
    """Read a pickle (any protocol, Python 2 or 3, plain or compressed with zlib or gzip) without
    running anything.

    `source` is a path or an open binary file, and `what` the kind of file for messages. Python 2
    strings are decoded as Latin-1; ordered and default dicts come back as dicts, bytearrays as
    bytes, arrays are read-only. Raises `error` if the file cannot be read, is damaged, too large,
    or holds anything but plain data.
    """
    if isinstance(source, (str, os.PathLike)):
        return loads(
            read_bytes(source, what=what, error=error), name=str(source), what=what, error=error
        )
    data = source.read(MAX_BYTES + 1)
    return loads(data, name=str(getattr(source, "name", "the stream")), what=what, error=error)


def loads(
    data: bytes, *, name: str, what: str = "body file", error: type[LsmplError] = BodyFileError
) -> object:
    """Like `load`, from bytes; `name` is the file's name for messages."""
    most, size = MAX_BYTES, len(data)
    if data[:2] == b"\x1f\x8b" or data[:1] == b"\x78":  # gzip, zlib; no pickle starts so
        inflate = zlib.decompressobj(wbits=47)
        try:
            most = min(MAX_BYTES, most_unpacked(len(data)))
            data = inflate.decompress(data, most + 1)
        except zlib.error as cause:
            raise error(
                f"{name} is damaged: its compressed data cannot be read ({cause})."
            ) from cause
    if len(data) > most:
        raise error(f"{name} holds more than {most >> 20} MB, too much for a {what} of its size.")
    if not data:
        raise error(f"{name} is empty; a {what} was expected.")
    if packed := next((how for begin, how in _PACKED.items() if data.startswith(begin)), None):
        raise error(
            f"{name} is packed with {packed}; of packed pickles those by gzip and zlib are read. "
            "Unpack it, or save it again without compression."
        )
    machine = Machine(data, size)
    try:
        content = machine.run()
        machine.memo.clear()  # of all lists and strings, which may take more than these
        check_walk(content, machine.budget)
        return content
    except Refused as cause:
        raise error(
            f"{name} was not read as a {what}, and nothing in it was run: the file {cause}."
        ) from cause
    except EOFError as cause:
        raise error(
            f"{name} is incomplete: it ends within a value. Copy or download the {what} again."
        ) from cause
    except UnicodeDecodeError as cause:
        raise error(
            f"{name} is no pickle, or a damaged one: the text before byte {machine.at} is in no "
            "encoding that pickles have."
        ) from cause
    except (
        ArithmeticError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as cause:
        raise error(
            f"{name} is no pickle, or a damaged one: byte {machine.at} makes no sense ({cause})."
        ) from cause


def read_bytes(
    path: str | os.PathLike, *, what: str = "body file", error: type[LsmplError] = BodyFileError
) -> bytes:
    """The bytes of a file of at most `MAX_BYTES`; raises `error` if it cannot be read or is
    larger."""
    path = Path(path)
    try:
        if path.is_dir():
            raise error(f"{path} is a folder; choose a {what} inside it.")
        if (size := file_size(path)) > MAX_BYTES:
            raise error(f"{path} has {size >> 20} MB; a {what} has at most {MAX_BYTES >> 20} MB.")
        return read_file(path)
    except FileNotFoundError as cause:
        raise error(f"{path} does not exist; choose a {what}.") from cause
    except (OSError, ValueError) as cause:  # ValueError: a null character in the path
        raise error(
            f"{path} cannot be read: {getattr(cause, 'strerror', None) or cause}."
        ) from cause

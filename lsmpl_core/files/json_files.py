"""Small JSON files of users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import LsmplError
from .opening import file_size, read_file


def read_json(path: Path, what: str, error: type[LsmplError], most_bytes: int = 1 << 20) -> Any:
    """What a small JSON file holds. Raises `error` naming the file, and `what` it should have
    been."""
    try:
        if file_size(path) > most_bytes:
            raise error(f"{path}: too large for a {what} (more than {most_bytes >> 20} MiB)")
        # Of bytes: UTF-8 or, as PowerShell writes, UTF-16; with and without a mark.
        return json.loads(read_file(path))
    except OSError as fault:
        raise error(f"{path}: cannot be read: {fault.strerror or fault}") from None
    except UnicodeDecodeError:
        raise error(f"{path}: not a JSON {what}: its text is not in UTF-8") from None
    except RecursionError:
        raise error(f"{path}: not a JSON {what}: it nests too deeply") from None
    except ValueError as fault:
        raise error(f"{path}: not a JSON {what}: {fault}") from None

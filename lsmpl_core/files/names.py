"""File names that Windows, macOS and Linux all allow and tell apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_SEPARATOR = re.compile(r"[/\\]")
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)
"""Names that Windows keeps for devices, with any ending:
https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""
_LONGEST = 200
"""Bytes; file systems allow 255, and an ending follows."""


def file_names(titles: Iterable[str]) -> list[str]:
    """A file name, without its ending, for each title: the title itself wherever it can be one, and
    no two the same.

    Letters of any language stay. Of equal names, the second one is numbered: `walk`, `walk_2`.
    """
    names: list[str] = []
    taken: set[str] = set()
    for title in titles:
        plain = name = _file_name(title)
        number = 1
        while name_key(name) in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name_key(name))
        names.append(name)
    return names


def name_key(name: str) -> str:
    """What is equal for names, or paths, that are the same file on Windows or macOS: case, composed
    accents, and blanks and dots at the end of a name do not count."""
    parts = _SEPARATOR.split(unicodedata.normalize("NFC", name).casefold())
    return "/".join(part.rstrip(" .") or part for part in parts)


def _file_name(title: str) -> str:
    name = (
        _FORBIDDEN.sub("_", title)
        .encode("utf-8", "replace")[:_LONGEST]
        .decode("utf-8", "ignore")
        .strip(" ")
    )
    name = name.rstrip(" .") or "_"  # Windows drops them
    if name.startswith("."):  # hidden elsewhere
        name = f"_{name[1:]}"
    return f"_{name}" if _DEVICES.match(name) else name

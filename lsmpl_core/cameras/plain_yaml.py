"""The YAML that calibrations are written in: maps, lists and numbers, and OpenCV's matrices.

OpenCV's FileStorage, ROS and EasyMocap write it. There are no anchors, tags but
`!!opencv-matrix`, or texts over several lines; a line that is none of it is an error.

Why not a library: wheels of PyYAML are for one platform each, and its reader in Python, which
ruamel.yaml's goes back to, takes seven times as long (3 s a megabyte), reads 1e5 as a word, refuses
OpenCV's `%YAML:1.0`, and would have to be kept from anchors that multiply, tags and depth.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any, NamedTuple

import numpy as np

_KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s:#"'{\[][^:#]*?)\s*:(?:\s+(?P<value>.*))?$""")
DEEPEST = 20


class _Line(NamedTuple):
    number: int
    indent: int
    text: str


def parse(text: str) -> Any:
    """What a YAML text holds. Raises ValueError that names the line."""
    lines = deque(_joined(text))
    if not lines:
        raise ValueError("it is empty")
    value = _block(lines, lines[0].indent, 0)
    if lines:
        raise ValueError(f"line {lines[0].number} is indented as nothing above it")
    return value


def _joined(text: str) -> list[_Line]:
    """The lines without comments and marks; those of a list in brackets joined to one."""
    lines: list[_Line] = []
    pending: list[str] = []
    start, still_open = _Line(0, 0, ""), 0
    for number, raw in enumerate(text.splitlines(), start=1):
        stripped = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        if not stripped.strip() or stripped.startswith(("%YAML", "---", "...")):
            continue
        if not pending:
            start = _Line(number, len(stripped) - len(stripped.lstrip(" ")), "")
        pending.append(stripped.strip())
        still_open += stripped.count("[") - stripped.count("]")
        if still_open <= 0:
            lines.append(start._replace(text=" ".join(pending)))
            pending, still_open = [], 0
    if pending:
        raise ValueError(f"the bracket that opens in line {start.number} is never closed")
    return lines


def _block(lines: deque[_Line], indent: int, depth: int) -> Any:
    """The map or list that the lines begin with and whose entries are indented so; its lines are
    taken from `lines`."""
    if depth > DEEPEST:
        raise ValueError(f"line {lines[0].number} is nested deeper than {DEEPEST} levels")
    if lines[0].text == "-" or lines[0].text.startswith("- "):
        return _list(lines, indent, depth)
    if _KEY.match(lines[0].text) is None and len(lines) == 1:
        return _scalar(lines[0].text, lines.popleft().number)
    entries: dict[str, Any] = {}
    while lines and lines[0].indent == indent:
        line = lines.popleft()
        found = _KEY.match(line.text)
        if found is None:
            raise ValueError(f"line {line.number} has neither a key nor a value: {line.text[:40]}")
        key, value = found["key"].strip("\"'"), found["value"] or ""
        matrix = value.startswith("!!opencv-matrix")
        value = value.removeprefix("!!opencv-matrix").strip()
        if value:
            entries[key] = _scalar(value, line.number)
        elif lines and (lines[0].indent > indent or lines[0].text.startswith("- ")):
            entries[key] = _block(lines, lines[0].indent, depth + 1)
        else:
            entries[key] = None
        if matrix:
            entries[key] = _matrix(entries[key], line.number)
    return entries


def _list(lines: deque[_Line], indent: int, depth: int) -> list:
    items = []
    while lines and lines[0].indent == indent and lines[0].text.startswith("-"):
        line = lines.popleft()
        inner = line.text[1:].strip()
        if not inner:
            if not lines or lines[0].indent <= indent:
                raise ValueError(f"line {line.number} is an entry without a value")
            item = _block(lines, lines[0].indent, depth + 1)
        elif _KEY.match(inner) or inner == "-" or inner.startswith("- "):
            deeper = indent + len(line.text) - len(inner)
            lines.appendleft(_Line(line.number, deeper, inner))
            item = _block(lines, deeper, depth + 1)
        else:
            item = _scalar(inner, line.number)
        items.append(item)
    return items


def _scalar(text: str, line: int) -> Any:
    """A list in brackets, a number, or a word."""
    if text.startswith("["):
        # JSON wants digits on both sides of a point and quotes about words.
        numbers = re.sub(r"(?<![\w\"'])([-+]?\d+)\.(?=[\s,\]eE])", r"\1.0", text)
        numbers = re.sub(r"(?<![\w\"'.])([-+]?)\.(?=\d)", r"\g<1>0.", numbers)
        numbers = re.sub(r"(?<=[\[,\s])\+(?=\d)", "", numbers)
        try:
            return json.loads(re.sub(r"'([^']*)'", r'"\1"', numbers))
        except (ValueError, RecursionError):
            items = [item.strip().strip("\"'") for item in text.strip("[] ").split(",")]
            if any(mark in item for item in items for mark in "[]{}"):
                raise ValueError(f"line {line} is no list of numbers: {text[:40]}") from None
            return items
    plain = text.strip("\"'")
    try:
        return float(plain) if plain == text else plain
    except ValueError:
        return plain


def _matrix(entry: Any, line: int) -> np.ndarray:
    """OpenCV's matrix: rows, cols, dt, data."""
    try:
        data = np.array(entry["data"], dtype=np.float64)
        return data.reshape(int(entry["rows"]), int(entry["cols"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError(
            f"line {line}: the matrix is not rows, cols and as many numbers as that"
        ) from None

"""What nests hold as text: numbers, points (`"(0.1, 0.2, 0.3)"`, `"X=1.0 Y=2.0 Z=3.0"`), rows of
numbers, and whole objects and lists."""

from __future__ import annotations

import re
from typing import Any

from ..files.lax_json import load_meant
from .nests import DEEPEST
from .rows import is_number
from .tables import parts_of

LONGEST_POINT = 120
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NEST = re.compile(r"\s*+(?:\[|\{|\(|[A-Za-z_.]{1,20}\()")
_ROW = re.compile(r"\s*+[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?+[\s,;]")


def unquoted(content: Any, levels: int = 0) -> Any:
    """Content with the numbers that it has in quotes as numbers, and the lists and objects as
    these."""
    if levels > DEEPEST:
        return content
    if isinstance(content, dict):
        return {key: unquoted(value, levels + 1) for key, value in content.items()}
    if isinstance(content, list):
        return [unquoted(value, levels + 1) for value in content]
    return meant_by(content) if isinstance(content, str) else content


def meant_by(text: str) -> Any:
    """The number, point, row of numbers, list or object that a text is; the text of any other."""
    if len(text) < LONGEST_POINT:
        number = text.replace(",", ".") if text.count(",") == 1 else text
        if len(text) < 40 and is_number(number):
            return int(number) if _WHOLE.fullmatch(number) else float(number)
        parts = parts_of(text)
        if len(parts) in (3, 4) and all(map(is_number, parts)):
            return [float(part) for part in parts]
    if _NEST.match(text):
        try:
            return load_meant(text)
        except (ValueError, RecursionError):
            return text
    if _ROW.match(text):
        numbers = text.replace(",", " ").replace(";", " ").split()
        return [float(one) for one in numbers] if all(map(is_number, numbers)) else text
    return text

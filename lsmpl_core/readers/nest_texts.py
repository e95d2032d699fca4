"""Numbers that nests hold as text."""

from __future__ import annotations

from typing import Any

from .nests import DEEPEST
from .rows import is_number


def unquoted(content: Any, levels: int = 0) -> Any:
    """Content with the numbers that it has in quotes as numbers."""
    if levels > DEEPEST:
        return content
    if isinstance(content, dict):
        return {key: unquoted(value, levels + 1) for key, value in content.items()}
    if isinstance(content, list):
        return [unquoted(value, levels + 1) for value in content]
    if isinstance(content, str) and len(content) < 40 and is_number(content):
        return float(content)
    return content

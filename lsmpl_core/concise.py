"""How our data look in a console: their fields in a line, of arrays the shapes."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import fields
from typing import Any

import numpy as np

LONGEST = 60
"""Letters of a field that are shown; of longer ones it is said how many entries they have."""


def concise_repr(data: Any) -> str:
    """The `__repr__` of a dataclass of arrays: `Motion(poses=<180,24,3>, fps=30.0, ...)`. Fields
    that are None or empty are left out."""
    values = ((field.name, getattr(data, field.name)) for field in fields(data))
    shown = [f"{name}={_concise(value)}" for name, value in values if not _is_nothing(value)]
    return f"{type(data).__name__}({', '.join(shown)})"


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, Sized) and len(value) == 0)


def _concise(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{','.join(map(str, value.shape))}>"
    text = repr(value)
    if len(text) <= LONGEST or isinstance(value, str):
        return text
    if name := getattr(value, "name", ""):
        return repr(name)
    return f"<{len(value)}>" if isinstance(value, Sized) else f"<{type(value).__name__}>"

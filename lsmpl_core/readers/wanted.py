"""What the user asked for of a keypoint file, checked: its layout, unit, axes, rate and person."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

from ..bounds import FASTEST, SLOWEST, is_rate
from ..errors import KeypointFileError
from ..keypoints.layouts import Layout, Order, get_order
from . import units
from .axis_cues import AXES
from .mapping import Mapping, load_mapping
from .orders import KNOWN_COUNTS

UNIT_CHOICES = (*units.UNITS, "body")
UP_CHOICES = (*AXES, "body")


def wanted_layout(
    layout: str | Path | Layout | None,
) -> tuple[Mapping | None, Layout | Order | None]:
    if layout is None or isinstance(layout, Layout):
        return None, layout
    if str(layout).lower().endswith(".json"):
        mapping = load_mapping(layout)
        return mapping, mapping.layout
    order = get_order(str(layout))
    return None, order.layout if order.name == order.layout.name else order


def wanted_world(mapping: Mapping | None, unit, up, fps, path: Path) -> tuple:
    """Unit, up axis and rate: those that were asked for, else the mapping's; None is for finding
    out."""
    if mapping is not None:
        unit = mapping.unit if unit is None else unit
        up = mapping.up if up is None else up
        fps = mapping.fps if fps is None else fps
    return checked_unit(unit, path), checked_up(up, path), checked_fps(fps, path)


def wanted_person(person: str | None) -> str | None:
    return None if person is None or not str(person).strip() else str(person)


def checked_unit(unit: str | float | None, path: str | Path = "") -> str | float | None:
    """The unit that a word or a number stands for. Raises `KeypointFileError`, which opens with
    the file where there is one that it is said in."""
    if isinstance(unit, str):
        unit = unit.strip().lower()
        if unit in UNIT_CHOICES:
            return unit
    try:
        number = None if unit is None else float(unit)
    except (TypeError, ValueError):
        number = math.nan
    if number is None or 0 < number < math.inf:
        return number
    raise KeypointFileError(
        f"{_opened(path)}no unit {unit!r}; valid: {', '.join(UNIT_CHOICES)}, or metres per unit "
        "above 0"
    )


def checked_up(up: str | None, path: str | Path = "") -> str | None:
    """The same of an axis."""
    wanted = up if up is None else str(up).strip().lower().replace("+", "")
    if wanted is None or wanted in UP_CHOICES:
        return wanted
    raise KeypointFileError(f"{_opened(path)}no up axis {up!r}; valid: {', '.join(UP_CHOICES)}")


def checked_fps(fps: float | None, path: str | Path) -> float | None:
    if fps is None or (isinstance(fps, (int, float)) and is_rate(fps)):
        return fps
    raise KeypointFileError(
        f"{path}: the frame rate {str(fps)[:40]} is no number of frames a second from {SLOWEST:g} "
        f"to {FASTEST:,.0f}"
    )


def _opened(path: str | Path) -> str:
    return f"{path}: " if str(path) else ""


def expected_counts(mapping: Mapping | None, layout: Layout | Order | None) -> Collection[int]:
    """Keypoint counts that unnamed rows of numbers may have."""
    if mapping is not None:
        return {mapping.count} if mapping.count else KNOWN_COUNTS
    return KNOWN_COUNTS if layout is None else {len(layout), *KNOWN_COUNTS}

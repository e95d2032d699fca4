"""The unit of length of a take: as the user or the file says, else by the size of the person."""

from __future__ import annotations

import numpy as np

from .errors import LayoutError
from .keypoints import Basis, Decision
from .layouts import Layout
from .proportions import ADULT_STATURE, body_scale

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
"""Metres per unit."""

_UNIT_WORDS = {
    **dict.fromkeys(("meter", "meters", "metre", "metres"), "m"),
    **dict.fromkeys(("centimeter", "centimeters", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("millimeter", "millimeters", "millimetre", "millimetres"), "mm"),
    **dict.fromkeys(("inch", "inches"), "in"),
    **dict.fromkeys(("foot", "feet"), "ft"),
}


def decide_unit(
    positions: np.ndarray, layout: Layout, given: str | float | None, stated: str | None
) -> tuple[float, Decision]:
    """Metres per file unit. `given` by the user wins; else what the file `stated` unless that makes no human."""
    stated = (stated or "").strip().lower()
    stated = _UNIT_WORDS.get(stated, stated)
    scale = body_scale(positions, layout)
    stature = scale * ADULT_STATURE  # in file units

    def person(metres: float) -> str:
        return f"the segments are those of a person {stature * metres:.2f} m tall"

    if isinstance(given, str) and given != "body":
        return UNITS[given], Decision("unit", given, "given", person(UNITS[given]) if stature > 0 else "")
    if isinstance(given, (int, float)):
        return float(given), Decision("unit", f"{given:g} m", "given", person(given) if stature > 0 else "")
    if not stature > 0:
        if given == "body":
            raise LayoutError("unit 'body' needs arms, legs or a torso to measure, and this take shows none")
        basis: Basis = "file" if stated in UNITS else "assumed"
        unit = stated if stated in UNITS else "m"
        return UNITS[unit], Decision("unit", unit, basis, "too little of the body is seen to measure it")
    if given == "body":
        return 1 / scale, _body_unit(scale, "given", "")

    detected = _unit_of(stature)
    if stated in UNITS and (detected is None or 0.5 < stature * UNITS[stated] < 3.0):
        return UNITS[stated], Decision("unit", stated, "file", person(UNITS[stated]))
    if detected is None:
        sizes = ", ".join(f"{stature * metres:.2g} m in {unit}" for unit, metres in UNITS.items())
        return 1 / scale, _body_unit(scale, "detected", f"no unit gives a person's size ({sizes}); ")
    contradiction = ""
    if stated in UNITS:
        contradiction = f", though the file says {stated}, which would be {stature * UNITS[stated]:.3g} m"
    return UNITS[detected], Decision("unit", detected, "detected", person(UNITS[detected]) + contradiction)


def _body_unit(scale: float, basis: Basis, reason: str) -> Decision:
    return Decision(
        "unit", "body", basis, f"{reason}scaled by {1 / scale:.4g} m, which makes the person {ADULT_STATURE} m tall"
    )


def _unit_of(stature: float) -> str | None:
    """The unit that makes a stature a person's: an adult in metric units, one in inches or feet, a child or a giant."""
    for units, least, most in (
        (("m", "cm", "mm"), 1.3, 2.2),
        (("in", "ft"), 1.45, 2.05),
        (("m", "cm", "mm"), 0.75, 2.7),
    ):
        for unit in units:
            if least <= stature * UNITS[unit] <= most:
                return unit
    return None

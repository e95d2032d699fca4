"""The unit of length of a take: as the user or the file says, else by the size of the person."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import LayoutError
from ..keypoints.layouts import Layout
from ..keypoints.proportions import ADULT_STATURE, body_scale
from ..keypoints.track import Basis, Decision
from .cloud import EXTENT_OF_STATURE, extent

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
"""Metres per unit."""

SPELLED_UNITS = {
    **dict.fromkeys(("meter", "meters", "metre", "metres"), "m"),
    **dict.fromkeys(("centimeter", "centimeters", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("millimeter", "millimeters", "millimetre", "millimetres"), "mm"),
    **dict.fromkeys(("inch", "inches"), "in"),
    **dict.fromkeys(("foot", "feet"), "ft"),
}
"""Units as words."""
_PRIOR = {"m": 0.4, "cm": 0.15, "mm": 0.4, "in": 0.01, "ft": 0.02}
_UNITLESS, _UNITLESS_CLOUD = 0.1, 0.02
"""Shares of takes in no unit at all: of keypoints, as many lifters write them, so that of one a
metre tall it is not sure that it is a child; and of markers, which systems measure."""
_SCALES = math.log(1e6)
"""Range of the logarithm of the scale of those."""
_STATED_PRIOR = 0.97  # how often what a file states is true
_STATURES = ((0.9, 0.08), (0.1, 0.4))
"""Shares and standard deviations of the logarithm of statures: adults; children, giants and odd
skeletons."""
_EXTENTS = ((0.7, 0.10), (0.3, 0.45))
"""The same of statures guessed from a cloud of markers, which may be of the legs alone."""


def measure_stature(positions: np.ndarray, layout: Layout | None) -> float:
    """The stature (in the positions' unit) that keypoints (T,K,3) suggest; NaN where too little is
    seen.

    By segment lengths, or, where `layout` is None and so nobody knows which marker is where, by
    their extent.
    """
    if layout is None:
        stature = extent(positions) / EXTENT_OF_STATURE
        return stature if 1e-9 < stature < 1e9 else math.nan
    return body_scale(positions, layout) * ADULT_STATURE


def decide_unit(
    positions: np.ndarray, layout: Layout | None, given: str | float | None, stated: str | None
) -> tuple[float, Decision]:
    """Metres per file unit, for keypoints (T,K,3) of a layout, or of markers at places unknown
    (None).

    `given` by the user wins; else the unit that is likeliest by the size of the person and by what
    the file `stated`.
    """
    stated = (stated or "").strip().lower()
    stated = SPELLED_UNITS.get(stated, stated)
    stature = measure_stature(positions, layout)

    def person(metres: float) -> str:
        of = "the extent of the markers is" if layout is None else "the segments are those"
        return f"{of} of a person {stature * metres:.2f} m tall"

    if isinstance(given, str) and given != "body":
        return UNITS[given], Decision(
            "unit", given, "given", person(UNITS[given]) if stature > 0 else ""
        )
    if isinstance(given, (int, float)):
        return float(given), Decision(
            "unit", f"{given:g} m", "given", person(given) if stature > 0 else ""
        )
    if not stature > 0:
        if given == "body":
            raise LayoutError(
                "unit 'body' needs arms, legs or a torso to measure, and this take shows none"
            )
        basis: Basis = "file" if stated in UNITS else "assumed"
        unit = stated if stated in UNITS else "m"
        return UNITS[unit], Decision(
            "unit", unit, basis, "too little of the body is seen to measure it"
        )
    if given == "body":
        return ADULT_STATURE / stature, _body_unit(stature, "given", "")

    spread = (_EXTENTS, _UNITLESS_CLOUD) if layout is None else (_STATURES, _UNITLESS)
    likely = unit_probabilities(stature, stated, *spread)
    unit = max(likely, key=likely.__getitem__)
    if unit == "body":
        sizes = ", ".join(f"{stature * metres:.2g} m in {name}" for name, metres in UNITS.items())
        reason = f"no unit gives a person's size ({sizes}); "
        return ADULT_STATURE / stature, _body_unit(stature, "detected", reason, likely[unit])
    reason = person(UNITS[unit])
    if stated in UNITS and unit != stated:
        reason += f", though the file says {stated}, which would be {stature * UNITS[stated]:.3g} m"
    basis = "file" if unit == stated else "detected"
    return UNITS[unit], Decision("unit", unit, basis, reason, likely[unit])


def unit_probabilities(
    stature: float,
    stated: str = "",
    spread: Sequence[tuple[float, float]] = _STATURES,
    unitless: float = _UNITLESS,
) -> dict[str, float]:
    """How likely each of `UNITS`, or "body" for no unit at all, makes a stature (in file units) a
    person's.

    Bayes: how common each unit is, or what the file stated, times the density of the logarithm of
    the stature.
    """
    prior = dict(_PRIOR)
    if stated in UNITS:
        prior = {unit: (1 - _STATED_PRIOR) * share for unit, share in prior.items()}
        prior[stated] += _STATED_PRIOR
    likelihood = {"body": unitless / _SCALES * (1 - _STATED_PRIOR if stated in UNITS else 1)}
    for unit, metres in UNITS.items():
        off = math.log(stature * metres / ADULT_STATURE)
        density = sum(
            share / sd * math.exp(-0.5 * min((off / sd) ** 2, 1e3)) for share, sd in spread
        )
        likelihood[unit] = prior[unit] * density / math.sqrt(2 * math.pi)
    total = sum(likelihood.values())
    return {unit: value / total for unit, value in likelihood.items()}


def _body_unit(
    stature: float, basis: Basis, reason: str, confidence: float | None = None
) -> Decision:
    metres = ADULT_STATURE / stature
    reason += f"scaled by {metres:.4g} m, which makes the person {ADULT_STATURE} m tall"
    return Decision("unit", "body", basis, reason, confidence)

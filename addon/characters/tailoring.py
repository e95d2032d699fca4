"""A character's shape by what tailors measure: sliders over the ten betas, and average bodies."""

from __future__ import annotations

import json

import bpy
import numpy as np
from bpy.props import FloatProperty

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.body import OPEN_BODY_NAME
from ...lsmpl_core.body.measures import MEASURES, ShapeMeasures, measured
from ...lsmpl_core.data import DATA
from ..registration import registration
from . import bodies, shape

_MOST_BETA = 5.0
"""How far a slider of measures takes any beta: beyond it bodies are no people's."""
AVERAGE = "NEUTRAL", "MAN", "WOMAN"


def measures_of(armature: bpy.types.Object) -> ShapeMeasures:
    """How a character's measures follow its betas, by its own body. Raises `LsmplError` where that
    is not there any more."""
    return measured(bodies.of_character(armature))


def why_unknown(armature: bpy.types.Object) -> str:
    """Why a character's measures are not known; "" where they are."""
    try:
        measures_of(armature)
    except LsmplError as error:
        return str(error)
    return ""


def set_measure(armature: bpy.types.Object, name: str, value: float) -> None:
    """Give a character another height, weight, ...; what is no part of it stays as it is
    (`lsmpl_core.body.measures.KEPT`). Raises `LsmplError` where it cannot have another shape."""
    betas = measures_of(armature).with_measure(shape.betas_of(armature), name, value)
    shape.reshape(armature, np.clip(betas, -_MOST_BETA, _MOST_BETA))


def has_averages(armature: bpy.types.Object) -> bool:
    """Whether it is known what an average man and woman of a character's body are."""
    return shape.facts(armature).get("body", "").startswith(f"{OPEN_BODY_NAME}-")


def set_average(armature: bpy.types.Object, which: str) -> None:
    """Give a character of the open body the proportions of the average of `AVERAGE`, as tall as it
    is."""
    betas = np.zeros(shape.BETAS)
    if which != "NEUTRAL":
        stored = json.loads((DATA / "open_body_shapes.json").read_text(encoding="utf-8"))
        betas = np.array(stored[which.lower()])
    known = measures_of(armature)
    height = known.at(shape.betas_of(armature))[known.names.index("height")]
    shape.reshape(armature, known.with_measure(betas, "height", float(height)))


def _getter(name: str):
    def get(settings: Measures) -> float:
        armature = settings.id_data
        try:
            known = measures_of(armature)
        except LsmplError:  # the panel says why
            return 0.0
        return float(known.at(shape.betas_of(armature))[known.names.index(name)])

    return get


def _setter(name: str):
    def put(settings: Measures, value: float) -> None:
        armature = settings.id_data
        if not (shape.why_fixed(armature) or why_unknown(armature)):
            set_measure(armature, name, value)

    return put


def _measure(name: str, label: str, least: float, most: float, description: str, **options):
    return FloatProperty(
        name=label,
        description=description,
        soft_min=least,
        soft_max=most,
        min=0.0,
        options=set(),
        get=_getter(name),
        set=_setter(name),
        **options,
    )


_METRES = {"subtype": "DISTANCE", "unit": "LENGTH", "precision": 3, "step": 1}


class Measures(bpy.types.PropertyGroup):
    """`Object.lsmpl_measures` of a character: what its rest mesh measures, as far as that is linear
    in the betas."""

    height: _measure(
        "height", "Height", 1.4, 2.1, "From the soles to the top of the head; all grows along",
        **_METRES,
    )  # fmt: skip
    weight: _measure(
        "weight", "Weight", 40.0, 120.0,
        "Of flesh and bone of the mesh's volume; height and limbs stay",
        unit="MASS", precision=1, step=50,
    )  # fmt: skip
    leg_length: _measure(
        "leg_length", "Legs", 0.65, 0.95, "From hip to ankle; height, weight and arms stay",
        **_METRES,
    )  # fmt: skip
    arm_length: _measure(
        "arm_length", "Arms", 0.4, 0.65, "From shoulder to wrist; height, weight and legs stay",
        **_METRES,
    )  # fmt: skip
    shoulder_width: _measure(
        "shoulder_width", "Shoulders", 0.28, 0.44,
        "From one shoulder joint to the other; height, weight and limbs stay", **_METRES,
    )  # fmt: skip
    chest_girth: _measure(
        "chest_girth", "Chest", 0.75, 1.25, "Around the chest; limbs, waist and hips stay",
        **_METRES,
    )  # fmt: skip
    waist_girth: _measure(
        "waist_girth", "Waist", 0.55, 1.2, "Around the waist; limbs, chest and hips stay",
        **_METRES,
    )  # fmt: skip
    hip_girth: _measure(
        "hip_girth", "Hips", 0.75, 1.25, "Around the hips; limbs, chest and waist stay", **_METRES
    )


NAMES = tuple(MEASURES)
register, unregister = registration((Measures,), (bpy.types.Object, "lsmpl_measures", Measures))

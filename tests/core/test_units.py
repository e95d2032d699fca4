"""The unit is found from the size of the person, and said with its reason."""

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.keypoints.layouts import LAYOUTS, Layout
from lsmpl_core.readers import units

COCO = LAYOUTS["coco_17"]


@pytest.mark.parametrize("unit", units.UNITS)
def test_finds_the_unit_from_the_size_of_the_person(unit):
    metres, decision = units.decide_unit(walking(COCO) / units.UNITS[unit], COCO, None, None)
    assert (metres, decision.value, decision.basis) == (units.UNITS[unit], unit, "detected")
    assert "m tall" in decision.reason


def test_believes_a_stated_unit_unless_it_makes_no_human():
    metres, decision = units.decide_unit(walking(COCO) * 1000, COCO, None, "Millimeters")
    assert (metres, decision.basis) == (0.001, "file")
    metres, decision = units.decide_unit(walking(COCO) * 1000, COCO, None, "m")
    assert (metres, decision.basis) == (0.001, "detected") and "the file says m" in decision.reason


def test_scales_to_a_body_where_no_unit_fits():
    metres, decision = units.decide_unit(walking(COCO) * 11, COCO, None, None)
    assert metres == pytest.approx(1 / 11, rel=0.15)
    assert (decision.value, decision.basis) == ("body", "detected") and "no unit" in decision.reason


def test_a_given_unit_wins():
    assert units.decide_unit(walking(COCO), COCO, "ft", "m")[0] == 0.3048
    assert units.decide_unit(walking(COCO), COCO, 0.5, "m")[0] == 0.5


def test_says_so_where_too_little_is_seen():
    positions = np.random.default_rng(0).normal(size=(5, 2, 3))
    assert units.decide_unit(positions, Layout("two", ("nose", "neck")), None, None)[1].basis == "assumed"

"""What tailors measure of a body, sliders that change one measure, and what clothes cover."""

from dataclasses import replace

import numpy as np
import pytest

from lsmpl_core.body import garments
from lsmpl_core.body.measures import KEPT, MEASURES, _hull_length, measured, measures

STEP = {"height": 0.06, "weight": 8.0, "leg_length": 0.02, "arm_length": 0.02, "shoulder_width": 0.015}
"""About what people differ by; girths by 5 cm."""


def test_the_mean_body_is_an_adult(body):
    found = measures(body, np.zeros(10))
    assert 1.6 < found["height"] < 1.8 and 50 < found["weight"] < 80
    assert 0.7 < found["waist_girth"] < found["chest_girth"] and found["waist_girth"] < found["hip_girth"] < 1.1


def test_lengths_and_volume_scale_as_they_should(body):
    """A body a tenth larger is as much taller and wider, and a third heavier."""
    larger = replace(body, v_template=1.1 * body.v_template, shape_directions=1.1 * body.shape_directions)
    small, large = measures(body, np.zeros(10)), measures(larger, np.zeros(10))
    for name in MEASURES:
        assert large[name] / small[name] == pytest.approx(1.1**3 if name == "weight" else 1.1, rel=1e-5)


def test_a_tape_lies_on_the_outside():
    square = np.array([(0, 0), (2, 0), (2, 1), (1, 0.5), (0, 1), (1.5, 0.9), (0, 0)], dtype=float)
    assert _hull_length(square) == pytest.approx(6.0)


@pytest.mark.parametrize("name", MEASURES)
def test_a_slider_changes_its_measure_and_keeps_what_it_says(body, name):
    """On the mesh itself, not as the slider's own linear model has it."""
    known, betas = measured(body), np.array([0.5, -0.4, 0.3, 0.2, -0.3, 0.1, 0, 0, 0.2, 0])
    step = STEP.get(name, 0.05)
    before = measures(body, betas)
    after = measures(body, known.with_measure(betas, name, before[name] + step))
    assert after[name] - before[name] == pytest.approx(step, rel=0.25, abs=0.004 if name != "weight" else 1.0)
    for kept in KEPT[name]:
        spread = known.spread[known.names.index(kept)]
        assert abs(after[kept] - before[kept]) < 0.2 * spread, kept


def test_sliders_stay_among_likely_bodies(body):
    known = measured(body)
    for name in MEASURES:
        step = STEP.get(name, 0.05)
        assert np.linalg.norm(known.direction(name) * step) < 3, name


def test_there_and_back_is_the_same_body(body):
    known, betas = measured(body), np.linspace(-1, 1, 10)
    value = float(known.at(betas)[known.names.index("waist_girth")])
    away = known.with_measure(betas, "waist_girth", value + 0.1)
    np.testing.assert_allclose(known.with_measure(away, "waist_girth", value), betas, atol=1e-9)


def test_clothes_are_where_they_are_worn(body):
    worn, quads = garments.clothes(body, body.quads), body.quads
    middles = body.v_template[quads].mean(axis=1)
    mover = body.skinning_weights.argmax(axis=1)[quads[:, 0]]
    names = np.array(body.joint_names)[mover]
    assert set(np.unique(worn)) == {garments.SKIN, garments.SHIRT, garments.TROUSERS, garments.SHOES}
    assert (worn[np.isin(names, ["head", "left_wrist", "right_hand", "left_elbow"])] == garments.SKIN).mean() > 0.95
    assert (worn[np.isin(names, ["left_knee", "right_hip"])] == garments.TROUSERS).mean() > 0.9
    assert (worn[np.isin(names, ["left_foot", "right_foot"])] == garments.SHOES).all()
    assert (worn[np.isin(names, ["spine2", "left_collar"])] == garments.SHIRT).mean() > 0.9
    mirrored = np.array([np.isclose(middles[:, 0].min(), -middles[:, 0].max(), atol=1e-3)])
    left, right = worn[middles[:, 0] > 0.01], worn[middles[:, 0] < -0.01]
    assert mirrored.all() and np.abs(np.bincount(left) - np.bincount(right)).max() < 0.02 * len(left)

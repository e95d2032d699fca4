"""Mirrored takes are told, others are not."""

import pytest
from stick_figure import walking

from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers.handedness import mirror_warning, wrong_sides


@pytest.mark.parametrize("name", ["body_25", "human36m_17", "mediapipe_33", "smpl_24"])
def test_warns_of_mirrored_takes_only(name):
    layout = LAYOUTS[name]
    positions = walking(layout)
    assert mirror_warning(positions, layout) is None
    assert mirror_warning(positions * [1, -1, 1], layout).what == "mirrored"
    assert mirror_warning(positions[:, list(layout.mirror)], layout).what == "mirrored"


@pytest.mark.parametrize("name", ["body_25", "mediapipe_33"])
def test_toes_and_heels_with_each_others_names_are_told(name):
    layout = LAYOUTS[name]
    positions = walking(layout)
    assert wrong_sides(positions, layout, layout) is None
    toe = "big_toe" if name == "body_25" else "toe"
    for side in ("left", "right"):
        a, b = (layout.index(f"{side}_{part}") for part in (toe, "heel"))
        positions[:, [a, b]] = positions[:, [b, a]]
    assert "toes and heels" in wrong_sides(positions, layout, layout).reason


def test_arms_that_bend_the_other_way_leave_a_mirrored_take_mirrored():
    layout = LAYOUTS["body_25"]
    positions = walking(layout) * [1, -1, 1]
    for side in ("left", "right"):
        wrist, elbow, shoulder = (layout.index(f"{side}_{part}") for part in ("wrist", "elbow", "shoulder"))
        off = positions[:, elbow] - (positions[:, shoulder] + positions[:, wrist]) / 2
        positions[:, elbow] -= 2 * off
    assert mirror_warning(positions, layout).what == "mirrored"

"""A bare array's layout is found by its count and its geometry."""

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import matching
from lsmpl_core.readers.whole_body import WHOLE_BODY_SETS

COCO, H36M = LAYOUTS["coco_17"], LAYOUTS["human36m_17"]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_finds_every_layout_from_a_bare_array(layout):
    assert matching.match_by_count(walking(layout), "take").layout is layout


@pytest.mark.parametrize("layout", [COCO, H36M], ids=lambda layout: layout.name)
@pytest.mark.parametrize("frames", [1, 40])
def test_tells_layouts_of_one_count_apart_in_noise_with_gaps(layout, frames, rng):
    positions = walking(layout, frames) * 1000
    positions += rng.normal(scale=40, size=positions.shape)
    positions[rng.random(positions.shape[:2]) < 0.1] = np.nan
    match = matching.match_by_count(positions, "take")
    assert match.layout is layout
    assert "coco_17" in match.decision.reason and "human36m_17" in match.decision.reason


def test_refuses_points_that_make_no_body(rng):
    with pytest.raises(LayoutError, match=r"smpl_22.*no body"):
        matching.match_by_count(walking(LAYOUTS["smpl_22"])[:, rng.permutation(22)], "take")


@pytest.mark.parametrize("count", WHOLE_BODY_SETS)
def test_takes_the_body_part_of_whole_body_sets(count):
    match = matching.match_by_count(np.zeros((1, count, 3)), "take")
    _, names = WHOLE_BODY_SETS[count]
    assert len(names) == count
    for keypoint, column in zip(match.layout.keypoints, match.columns):
        assert column is None or names[column] == keypoint
    assert sum(column is not None for column in match.columns) == count - names.count("")

"""Mirrored takes are told, others are not."""

import pytest
from stick_figure import walking

from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers.handedness import mirror_warning


@pytest.mark.parametrize("name", ["body_25", "human36m_17", "mediapipe_33", "smpl_24"])
def test_warns_of_mirrored_takes_only(name):
    layout = LAYOUTS[name]
    positions = walking(layout)
    assert mirror_warning(positions, layout) is None
    assert mirror_warning(positions * [1, -1, 1], layout).what == "mirrored"
    assert mirror_warning(positions[:, list(layout.mirror)], layout).what == "mirrored"

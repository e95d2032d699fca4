"""What holds for the clips that the tests have holds for recorded motion at large."""

from dataclasses import replace

import numpy as np
import pytest

from lsmpl_core import Motion
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers.axes import TO_Z_UP, decide_up
from lsmpl_core.readers.handedness import mirror_warning


@pytest.mark.parametrize("part", range(7))
def test_up_is_found_in_every_axis(all_recorded, body, part):
    """Climbing, rolls, crouches and dances included."""
    layout = LAYOUTS["smpl_24"]
    for path in sorted(all_recorded.glob("*.npz"))[part::7]:
        positions = body.joints(replace(Motion.load(path), betas=np.zeros(10), body=body.key))
        for axis, to_z in TO_Z_UP.items():
            _, decision = decide_up(positions @ np.array(to_z, float), layout, None, None)
            assert decision.value == axis, path.name
        assert mirror_warning(positions, layout) is None, path.name

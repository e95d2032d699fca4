"""What somebody says is right, in words."""

import numpy as np
import pytest

from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.trust import trusting


def test_names_and_ranges_of_frames_as_the_source_counts_them(body, stroll):
    track = body.keypoints(stroll)
    track.first_frame = 100
    found = trusting(track, "nose, left_wrist @ 120-129,left_knee@159").believed
    expected = np.zeros(track.visible.shape, dtype=bool)
    expected[:, track.layout.index("nose")] = True
    expected[20:30, track.layout.index("left_wrist")] = True
    expected[59, track.layout.index("left_knee")] = True
    np.testing.assert_array_equal(found, expected)
    assert trusting(track, "all").believed.all()


@pytest.mark.parametrize(
    ("words", "said"), [("nase", "no keypoint 'nase'"), ("nose@3-9", "frames are 0 to 5"), ("a\nb", "no keypoint")]
)
def test_what_is_not_in_the_take_is_said(body, stroll, words, said):
    with pytest.raises(LayoutError, match=said):
        trusting(body.keypoints(stroll).frames(slice(0, 6)), words)

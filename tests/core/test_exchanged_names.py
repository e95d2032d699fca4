"""A left and a right name that were given the wrong way round throughout are put right, where all others say so."""

import warnings

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import matching
from lsmpl_core.readers.exchanged_names import exchanged_pairs, with_names_mended
from lsmpl_core.readers.handedness import exchanged_legs, mirror_warning
from lsmpl_core.readers.raw import RawTrack

LAYOUT = LAYOUTS["whole_body"]


def written(*parts, frames=40):
    """A take whose file has the names of these parts' sides exchanged."""
    names = list(LAYOUT.keypoints)
    for part in parts:
        left, right = (names.index(f"{side}_{part}") for side in ("left", "right"))
        names[left], names[right] = names[right], names[left]
    return RawTrack(walking(LAYOUT, frames), names)


def mended(raw):
    return with_names_mended(raw, matching.match_by_name(raw.names, "take"))


@pytest.mark.parametrize("part", ["shoulder", "hip", "ear"])
@pytest.mark.parametrize("frames", [1, 40])
def test_one_pair_against_all_others_changes_sides(part, frames):
    match = mended(written(part, frames=frames))
    assert match.columns == tuple(range(len(LAYOUT)))
    assert match.further[-1].what == "names" and f"left_{part} and right_{part}" in match.further[-1].reason


@pytest.mark.parametrize("parts", [(), ("hip", "knee", "ankle", "big_toe", "small_toe", "heel"), ("knee",), ("ankle",)])
def test_whole_legs_and_limbs_that_may_be_crossed_stay_as_they_are_named(parts):
    raw = written(*parts)
    assert mended(raw) == matching.match_by_name(raw.names, "take")


def test_mirrored_takes_are_no_exchanged_pair():
    raw = written()
    raw.positions = raw.positions * [1, -1, 1]
    assert mended(raw).further == ()


def test_shoulders_against_hips_say_nothing_of_a_mirrored_take():
    """One of the two lines is wrong, and with them what is taken for forward."""
    positions = walking(LAYOUT)
    left, right = (LAYOUT.index(f"{side}_shoulder") for side in ("left", "right"))
    positions[:, [left, right]] = positions[:, [right, left]]
    assert mirror_warning(positions, LAYOUT) is None
    decision = exchanged_legs(positions, LAYOUT)
    assert decision.doubtful and "sure" not in str(decision)


def test_pairs_of_which_no_two_are_ever_seen_together_stay():
    left, right = np.ones((4, 3, 3)), np.zeros((4, 3, 3))
    left[::2], right[1::2] = np.nan, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert exchanged_pairs(left, right, np.ones(3, dtype=bool)) == ([], 0.0)

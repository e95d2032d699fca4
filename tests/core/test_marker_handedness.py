"""A marker set that lies as in a mirror is told, whichever axis was negated; others are not."""

import numpy as np
import pytest
from test_markers import OPENCAP, PLUG_IN_GAIT

from lsmpl_core.readers.handedness import wrong_sides
from lsmpl_core.readers.markers import mirrored, recognise, stand_ins
from lsmpl_core.readers.matching import match_layout
from lsmpl_core.readers.raw import RawTrack
from lsmpl_core.readers.settling import settled

BOTH = ("L", "R")
LEGS = [side + name for name in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE") for side in BOTH]
HELEN_HAYES = ["SACR", *(side + name for name in ("ASI", "KNE", "ANK", "TOE") for side in BOTH)]
TRUNK = [
    "C7",
    "T10",
    "CLAV",
    "STRN",
    *(side + name for name in ("FHD", "BHD", "SHO", "ELB", "WRA", "WRB") for side in BOTH),
]
SETS = {"Plug-in Gait": PLUG_IN_GAIT, "OpenCap": OPENCAP, "legs": LEGS, "Helen Hayes": HELEN_HAYES, "upper body": TRUNK}


@pytest.fixture(params=SETS)
def markers(request, body, stroll):
    """The layout of a marker set, and its markers on a body that strolls, each a centimetre astray."""
    layout = recognise(SETS[request.param], "take").layout
    at = body.keypoints(stroll.frames(slice(0, 40)), layout).positions
    return layout, at + np.random.default_rng(0).normal(0.0, 0.01, at.shape)


def partner(layout, site):
    """The column of the marker on the other side, or of itself where it has none."""
    return layout.sites.index(mirrored(site) if mirrored(site) in layout.sites else site)


def told(layout, positions):
    return wrong_sides(positions, layout, stand_ins(layout))


@pytest.mark.parametrize("axis", range(3))
def test_a_take_with_an_axis_negated_is_surely_mirrored_and_the_take_itself_is_not(markers, axis):
    layout, positions = markers
    assert told(layout, positions) is None
    found = told(layout, positions * np.where(np.arange(3) == axis, -1.0, 1.0))
    assert found.what == "mirrored" and found.confidence == 1.0


def test_names_whose_sides_are_all_exchanged_look_the_same(markers):
    layout, positions = markers
    assert told(layout, positions[:, [partner(layout, site) for site in layout.sites]]).what == "mirrored"


def test_neither_how_the_take_is_turned_nor_its_unit_matters(markers):
    layout, positions = markers
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    assert told(layout, 1000.0 * positions @ turn.T) is None
    assert told(layout, 1000.0 * positions @ -turn.T).confidence == 1.0


def test_markers_that_are_hidden_now_and_then_and_a_single_frame_tell_as_well(markers):
    layout, positions = markers
    hidden = np.random.default_rng(2).random(positions.shape[:2]) < 0.2
    positions[hidden] = np.nan
    assert told(layout, positions) is None and told(layout, -positions).what == "mirrored"
    assert told(layout, positions[:1]) is None
    assert told(layout, np.full_like(positions, np.nan)) is None


def test_legs_against_the_trunk_are_no_mirror(body, stroll):
    layout = recognise(PLUG_IN_GAIT, "take").layout
    positions = body.keypoints(stroll.frames(slice(0, 40)), layout).positions
    legs = [k for k, site in enumerate(layout.sites) if any(part in site for part in ("knee", "ankle", "foot", "heel"))]
    exchanged = positions.copy()
    exchanged[:, legs] = positions[:, [partner(layout, layout.sites[k]) for k in legs]]
    assert told(layout, exchanged).what == "sides"


def test_a_mirrored_marker_file_is_mended_and_says_so(body, stroll):
    layout = recognise(PLUG_IN_GAIT, "take").layout
    positions = body.keypoints(stroll.frames(slice(0, 40)), layout).positions

    def read(points, **how):
        raw = RawTrack(np.array(points), list(PLUG_IN_GAIT), unit="m", up="z")
        return settled(raw, match_layout(raw, None, None, "take"), "take", **how)

    mended = read(positions * [-1.0, 1.0, 1.0])
    assert [one.value for one in mended.decisions if one.what == "mirrored"] == ["mended"]
    assert told(mended.layout, mended.positions) is None
    left = read(positions * [-1.0, 1.0, 1.0], mirror=False)
    assert told(left.layout, left.positions).what == "mirrored"
    assert not any(one.what == "mirrored" for one in read(positions).decisions)

"""Places: words for points of the skin that hold for any body."""

import numpy as np
import pytest

from lsmpl_core.body.landmarks import SKIN, on_skin, parse_landmark
from lsmpl_core.body.sites import check_site, site_parts
from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import Layout


def test_a_place_is_read_with_its_share_direction_and_spread():
    place = parse_landmark("left_hip..left_knee 55% left+0.5front within 8 cm")
    assert (place.a, place.b, place.share, place.sigma) == ("left_hip", "left_knee", 0.55, 0.08)
    assert np.allclose(place.direction, np.array([1.0, 0.0, 0.5]) / np.sqrt(1.25))
    assert parse_landmark("neck back").sigma == 0.02


@pytest.mark.parametrize("text", ["left_knee", "neck backwards", "neck left+right", "a..b left", "neck back within cm"])
def test_other_words_are_no_place(text):
    assert parse_landmark(text) is None


def test_a_place_on_an_unknown_site_is_an_error_that_names_close_ones():
    with pytest.raises(LayoutError, match=r"left_kne.*left_knee"):
        check_site("left_kne left")


@pytest.mark.parametrize(
    ("text", "axis", "sign"),
    [("left_knee left", 0, 1), ("left_knee right", 0, -1), ("neck back", 2, -1), ("left_elbow up", 1, 1)],
)
def test_a_place_is_on_the_skin_that_way_from_its_site_facing_outwards(body, text, axis, sign):
    place = parse_landmark(text)
    skin = on_skin(body, place)
    point = skin.shares @ body.v_template[skin.vertices]
    away = point - body.joint_template[body.joint_names.index(place.a)]
    others = np.delete(away, axis)
    assert 0.01 < sign * away[axis] < 0.15 and np.abs(others).max() < 1e-6
    assert sign * skin.normal[axis] > 0.5
    assert np.isclose(skin.shares.sum(), 1) and (skin.shares >= 0).all()


def test_a_marker_moves_as_the_skin_under_it_on_any_shape(body, stroll):
    """Beside the mesh as skinned: the point of the triangle, and the marker's height over it turned with its bone."""
    text = "left_hip..left_knee 55% left"
    skin = on_skin(body, parse_landmark(text))
    parts = site_parts(body, [text])
    sites = body.keypoints(stroll, Layout("one", ("thigh",), sites=(text,))).positions[:, 0]
    mesh = body.vertices(stroll, correctives=False)[:, skin.vertices].astype(float)
    below = np.einsum("v,tvc->tc", skin.shares, mesh)
    assert np.allclose(np.linalg.norm(sites - below, axis=1), SKIN, atol=1e-4)
    assert body.joint_names[parts.parent_joint[0]] == "left_hip"

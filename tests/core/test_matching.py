"""A bare array's layout is found by its count and its geometry."""

from dataclasses import replace

import numpy as np
import pytest
from field_inputs import Take
from stick_figure import walking

import lsmpl_core as lsmpl
from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS, ORDERS, Order
from lsmpl_core.readers import matching
from lsmpl_core.readers.raw import RawTrack

COCO, H36M = LAYOUTS["coco_17"], LAYOUTS["human36m_17"]


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
    with pytest.raises(LayoutError, match=r"smpl_22 or lafan1_22.*no body"):
        matching.match_by_count(walking(LAYOUTS["smpl_22"])[:, rng.permutation(22)], "take")


def test_markers_that_nobody_labelled_are_no_layout(rng):
    points = rng.normal(size=(3, 52, 3))
    with pytest.raises(LayoutError, match="52 points are markers that nobody labelled"):
        matching.match_layout(RawTrack(points, [f"*{i}" for i in range(52)]), None, None, "take")
    with pytest.raises(LayoutError, match="labelled in its software") as refused:
        matching.match_by_count(points[:, :40], "take")
    assert "zed_38" in str(refused.value) and len(str(refused.value)) < 500


WIDE = [order for order in ORDERS if order.layout.name != order.name]


def written(order, frames=40):
    """(T,N,3) of the made-up person in an order, with nonsense in the columns that are set aside."""
    positions = np.full((frames, len(order), 3), 9.0)
    person = walking(order.layout, frames)
    for k, column in enumerate(order.columns):
        if column is not None:
            positions[:, column] = person[:, k]
    return positions


@pytest.mark.parametrize("order", WIDE, ids=lambda order: order.name)
def test_an_order_can_be_given_by_its_name(order, tmp_path):
    """Refusals name orders as what `--layout` may be."""
    np.save(tmp_path / "take.npy", written(order)[:, :, [0, 2, 1]])
    track = lsmpl.read_keypoints(tmp_path / "take.npy", layout=order.name.upper(), unit="m", up="y", fps=30)
    assert track.layout.name == order.layout.name
    seen = {name for k, name in enumerate(track.layout.keypoints) if track.confidence[:, k].any()}
    hands = {name for name in order.layout.keypoints if "knuckle" in name}  # beside points of hands they go with these
    assert seen - hands == set(order.names) - hands - {None}


@pytest.mark.parametrize("order", WIDE, ids=lambda order: order.name)
def test_takes_the_body_part_of_whole_body_sets(order):
    match = matching.match_by_count(written(order), "take")
    for keypoint, column in zip(match.layout.keypoints, match.columns):
        assert column is None or order.names[column] == keypoint
    assert sum(column is not None for column in match.columns) == len(order) - order.names.count(None)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
def test_each_order_is_told_from_all_others_of_its_count(order, rng):
    positions = written(order) + rng.normal(scale=0.02, size=(40, len(order), 3))
    match = matching.match_by_count(positions, "take")
    assert (match.layout, match.columns) == (order.layout, order.columns)


@pytest.mark.parametrize("name", ["coco_17", "posetrack_17", "humaneva_15", "openpose_mpi_15"])
def test_orders_that_differ_in_the_head_alone_are_told_apart_by_where_it_is(body, name, rng):
    order = order_named(name)
    for clip in ("02_06", "14_30"):
        positions = Take(body, clip, slice(0, 60, 3)).order(name)
        positions += rng.normal(scale=0.02, size=positions.shape)
        positions += rng.normal(scale=0.015, size=positions.shape[1:])
        assert matching.match_by_count(positions, "take").columns == order.columns


def test_points_of_a_known_count_in_no_known_order_are_refused_with_the_candidates(rng):
    with pytest.raises(LayoutError, match=r"body_25 or kinect_25.*no body.*--layout"):
        matching.match_by_count(walking(LAYOUTS["body_25"])[:, rng.permutation(25)], "take")


def test_what_could_be_in_two_orders_is_refused_with_both(monkeypatch):
    twin = replace(LAYOUTS["coco_18"], name="twin")
    both = (*ORDERS, Order("twin", "Twin", twin, twin.keypoints))
    monkeypatch.setattr("lsmpl_core.readers.orders.ORDERS", both)
    with pytest.raises(LayoutError, match=r"more than one order.*coco_18.*twin.*--layout"):
        matching.match_by_count(walking(LAYOUTS["coco_18"]), "take")


@pytest.mark.parametrize("name", ["lsp_14", "mpii_16", "coco_17", "human36m_17", "smpl_22", "lafan1_22"])
def test_orders_that_look_like_a_body_by_chance_are_refused(body, name):
    """Random ones of recorded people of all shapes: those that pass as a body by their lengths gain by exchanges."""
    rng = np.random.default_rng(3)
    for clip, shape in (("02_06", 0.0), ("05_02", 2.0), ("14_30", -2.0)):
        take = Take(body, clip, slice(0, 60, 3), betas=rng.normal(scale=abs(shape), size=10))
        positions = take.order(name) + rng.normal(scale=0.03, size=(len(take), len(order_named(name)), 3))
        assert matching.match_by_count(positions, "take").columns == order_named(name).columns
        for _ in range(40):
            with pytest.raises(LayoutError, match=r"no body|the other way round|more than one"):
                matching.match_by_count(positions[:, rng.permutation(positions.shape[1])], "take")


def order_named(name: str) -> Order:
    return next(order for order in ORDERS if order.name == name)

"""How a take's file says that bones are turned: kept in the .blend, and solved with as the command does."""

from dataclasses import replace
from importlib import import_module

import bpy
import numpy as np
import pytest


@pytest.fixture(scope="module")
def track(core, body):
    """Joints of arms that swing and twist, and the turns of their bones, each from a rest of its own; none of the
    spine's."""
    skeleton, rotation = (import_module(f"{core.__name__}.{name}") for name in ("body.skeleton", "rotation"))
    t = np.linspace(0.0, 2.0 * np.pi, 24)
    poses = np.zeros((24, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    poses[:, 1, 0], poses[:, 2, 0], poses[:, 4, 0] = -0.5 * np.sin(t), 0.5 * np.sin(t), 0.5 + 0.4 * np.sin(t)
    poses[:, 16] = np.stack([0.7 * np.sin(t), 0.3 * np.cos(t), -0.8 + 0.4 * np.cos(t)], axis=1)
    poses[:, 17] = poses[:, 16] * (1.0, -1.0, -1.0)
    motion = core.Motion(poses, np.tile((0.0, 0.0, 1.0), (24, 1)), body=body.key)
    world, joints = body.world(motion)
    own = rotation.exp_map(np.random.default_rng(0).normal(size=(22, 3)))
    turns = rotation.log_map(world[:, :22] @ own)
    turns[:, [3, 6, 9]] = np.nan
    layout = core.Layout("bones", skeleton.JOINT_NAMES[:22])
    return core.KeypointTrack(joints[:, :22], layout=layout, turns=turns)


@pytest.fixture
def take(addon, track):
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Swing")
    bpy.context.view_layer.objects.active = take
    return take


def test_turns_come_back(addon, take, track):
    loaded = addon("takes.take").load_track(take).turns
    np.testing.assert_array_equal(np.isnan(loaded), np.isnan(track.turns))
    np.testing.assert_allclose(loaded, track.turns, atol=2e-6)


def test_a_take_without_them_has_none(addon, track):
    """As those of every .blend before there were any."""
    for turns in (None, np.full_like(track.turns, np.nan)):
        take = addon("takes.take").store_track(replace(track, turns=turns))
        assert "turn" not in take.data.attributes
        assert addon("takes.take").load_track(take).turns is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38, 0.0])
def test_turns_that_are_none_are_missing(addon, take, value):
    data = take.data.attributes["turn"].data
    for row in range(22):
        data[row].value = (value, 0.0, 0.0, value)
    loaded = addon("takes.take").load_track(take).turns
    given = np.isfinite(loaded).all(axis=2)
    assert not given[0].any() and given[1:, [0, 1, 16]].all()


def test_an_attribute_of_another_kind_is_a_lost_one(addon, core, take):
    mesh = take.data
    mesh.attributes.remove(mesh.attributes["turn"])
    mesh.attributes.new("turn", "FLOAT", "POINT")
    with pytest.raises(core.LsmplError, match="has lost its attribute 'turn'"):
        addon("takes.take").load_track(take)


@pytest.mark.parametrize("choice", ["AUTO", "NO"])
def test_a_take_solves_as_the_command_does(addon, core, body, take, track, choice):
    scene = bpy.context.scene
    scene.lsmpl.rotations, scene.lsmpl.bake_when_done = choice, False
    addon("solving.solve").solve(take, scene, "numpy")
    expected = core.solve(track, body, options=core.SolveOptions(rotations=choice.lower()), device="numpy")
    np.testing.assert_allclose(addon("takes.layers").load(take, "solved").poses, expected.poses, atol=2e-3)
    told = [one["value"] for one in addon("takes.layers").describe(take)["decisions"] if one["what"] == "rotations"]
    assert told == [one.value for one in expected.decisions if one.what == "rotations"]
    assert bool(told) == (choice == "AUTO") and all("used" in value for value in told)

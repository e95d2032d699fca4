"""Smooth, seen before it is applied: the ghost and the ways are what Clean Up then makes."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_live import walk


@pytest.fixture
def noisy(core, body, baked_take):
    motion = walk(core, body, frames=90)
    poses = motion.poses + np.random.default_rng(0).normal(scale=0.03, size=motion.poses.shape)
    take, _ = baked_take(replace(motion, poses=poses))
    bpy.context.view_layer.objects.active = take
    return take


def shown(addon):
    return addon("preview.drawing").shown(bpy.context)


def test_nothing_is_drawn_until_it_is_asked_for(addon, noisy):
    assert shown(addon) is None
    bpy.context.window_manager.lsmpl_preview.smooth = True
    assert shown(addon) is not None


def test_the_ghost_is_what_clean_up_makes(addon, body, noisy, drawn):
    scene = bpy.context.scene
    scene.lsmpl.smooth, scene.lsmpl.lock_feet, scene.lsmpl.floor = 0.7, False, "KEEP"
    bpy.context.window_manager.lsmpl_preview.smooth = True
    preview, drawing = shown(addon), addon("preview.drawing")
    assert "Smooth moves joints by" in drawn()["LSMPL_PT_clean_up"]
    ghost = drawing.lines(noisy, preview, 40)["ghost"]
    bpy.ops.lsmpl.clean_up()
    cleaned = body.joints(addon("takes.layers").load(noisy))
    solved = body.joints(addon("takes.layers").load(noisy, addon("takes.layers").Layer.SOLVED))
    expected = np.array([(cleaned[40, a], cleaned[40, b]) for a, b in drawing._BONES])
    np.testing.assert_allclose(ghost, expected, atol=2e-3)  # Clean Up draws joints into their limits, too
    assert np.abs(solved[40] - cleaned[40]).max() > 5e-3


def test_the_ways_go_three_quarters_of_a_second_either_way(addon, noisy):
    bpy.context.window_manager.lsmpl_preview.smooth = True
    drawn_lines = addon("preview.drawing").lines(noisy, shown(addon), 40)
    fps = addon("takes.take").describe(noisy)["fps"]
    assert len(drawn_lines["before"]) == len(drawn_lines["after"]) == 5 * 2 * round(0.75 * fps)


def test_a_stronger_one_moves_more(addon, noisy):
    bpy.context.window_manager.lsmpl_preview.smooth = True
    moved = []
    for strength in (0.0, 0.3, 0.6, 0.9):
        bpy.context.scene.lsmpl.smooth = strength
        moved.append(shown(addon).moved[0])
    assert moved[0] < 1e-9 and moved == sorted(moved)


def test_long_takes_are_smoothed_about_the_frame(addon, core, body, baked_take):
    take, _ = baked_take(walk(core, body, frames=2000))
    bpy.context.view_layer.objects.active = take
    smoothed = addon("preview.smoothed")
    for frame in (0, 299, 300, 1000, 1999):
        found = smoothed.of_take(take, 0.5, frame)
        assert len(found.after) <= 2 * smoothed.CHUNK_FRAMES
        last = found.first + len(found.after)
        assert found.first <= max(0, frame - 60) and min(2000, frame + 60) <= last

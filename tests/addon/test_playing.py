"""Which frame of a take is shown: the same for the viewport, Quality, Refine, Live and jumps, at every rate."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_display import balls
from test_live import solved, walk

RATES = [(60.0, 30, 0.5), (12.0, 24, 2.0), (10.0, 30, 3.0), (30.0, 24, 0.8)]
"""Frames a second of the take and of the scene, and the step that follows."""
FRAMES = 24


@pytest.fixture(params=RATES, ids=[f"{rate:g} fps in {scene}" for rate, scene, _ in RATES])
def take(request, addon, core, body):
    """A solved take that begins at scene frame 5."""
    rate, bpy.context.scene.render.fps, step = request.param
    motion = replace(walk(core, body, frames=FRAMES), fps=rate, first_frame=5)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "body_25"), "Walk")
    addon("solving.solve").keep(take, bpy.context.scene, solved(core, body, motion, "body_25"), body)
    bpy.context.view_layer.objects.active = take
    assert take.lsmpl.step == pytest.approx(step)
    return take


def scene_times(take) -> list[float]:
    """Whole frames from before the take until after it, and some between."""
    end = 5 + FRAMES * take.lsmpl.step
    return [*range(3, int(end) + 3), *np.arange(5, end, take.lsmpl.step / 4).tolist()]


def show(time: float) -> None:
    bpy.context.scene.frame_set(int(time // 1), subframe=time % 1)


def test_it_is_the_frame_whose_keypoints_are_seen(addon, take):
    playing, track = addon("takes.playing"), addon("takes.take").load_track(take)
    for time in scene_times(take):
        show(time)
        distances = np.linalg.norm(track.positions - balls(take), axis=2).max(axis=1)
        assert int(distances.argmin()) == playing.frame_shown(take, bpy.context.scene), time


def test_refine_live_and_the_panel_mean_the_same_frame(addon, take):
    scene, playing = bpy.context.scene, addon("takes.playing")
    bpy.ops.lsmpl.live()
    for time in range(5, int(5 + FRAMES * take.lsmpl.step)):
        show(time)
        frame = playing.frame_shown(take, scene)
        assert scene.lsmpl_live.frame == frame
        assert addon("refining.refine").describe_frame(take, scene).number == frame
        assert addon("refining.refine").chosen_frames(take, scene) == (frame, frame)
    bpy.ops.lsmpl.live()


def test_going_to_a_frame_shows_it(addon, take):
    playing, scene = addon("takes.playing"), bpy.context.scene
    for frame in range(FRAMES):
        playing.go_to(take, scene, frame)
        assert playing.frame_shown(take, scene) == frame
        assert scene.frame_current_final == pytest.approx(playing.scene_frame(take, frame), abs=1e-4)


def test_a_range_has_the_frames_that_play_in_it(addon, take):
    playing, times = addon("takes.playing"), addon("takes.playing").scene_frames(take)
    for first, last in ((5, 9), (-3, 6), (7, 7), (0, 1000)):
        inside = np.flatnonzero((times > first - 1e-3) & (times < last + 1e-3)).tolist()
        assert list(playing.frames_within(take, first, last)) == inside
    assert not playing.frames_within(take, -10, 4)


def test_the_last_frame_of_a_long_take_is_within_its_range(addon, core, body, random_motion):
    """A step of 24/30 is a little more than 0.8 in single precision: after a thousand frames that adds up."""
    bpy.context.scene.render.fps = 24
    track = body.keypoints(random_motion(frames=1001, fps=30.0), "coco_17")
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Long")
    assert addon("takes.playing").frames_within(take, 0, 800)[-1] == 1000

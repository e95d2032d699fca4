"""Keypoints that the animator trusts are not rejected, and keypoints around the hips move along with the body."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

CLIPS = Path(__file__).resolve().parents[1] / "data" / "cmu"


@pytest.fixture
def take(addon, body, random_motion):
    motion = random_motion(frames=40, first_frame=11)
    scene = bpy.context.scene
    scene.render.fps = 30
    track = body.keypoints(motion, "body_25")
    track.positions[10:14, 0] += [2.0, 1.0, 2.0]
    made = addon("importing.adding").add_take(scene, track, "Walk")
    bpy.context.view_layer.objects.active = made
    return made


def nose(addon, take, frame):
    return addon("takes.take").keypoints_at(take, frame)


def test_trusted_keypoints_are_not_rejected_and_may_be_doubted_again(addon, take, core):
    solve, takes = addon("solving.solve").solve, addon("takes.take")
    bpy.context.scene.lsmpl.bake_when_done = False
    solve(take, bpy.context.scene)
    assert nose(addon, take, 11).condition[0] == core.Condition.REJECTED
    assert addon("solving.trust").rejected_at(take, 11) == ["nose"]
    assert bpy.ops.lsmpl.trust_keypoints(names="nose", first=11 + 10, last=11 + 13) == {"FINISHED"}
    assert (takes.edit_states(take)[:, 0] == takes.TRUSTED).nonzero()[0].tolist() == [10, 11, 12, 13]
    assert takes.load_track(take).undoubted[10:14, 0].all()
    solve(take, bpy.context.scene)
    assert nose(addon, take, 11).condition[0] == core.Condition.SEEN
    bpy.ops.lsmpl.trust_keypoints(names="all", first=0, last=500, doubt_again=True)
    assert not takes.edit_states(take).any()


def test_a_name_that_is_none_is_said(take):
    with pytest.raises(RuntimeError, match="no keypoint 'nase'"):
        bpy.ops.lsmpl.trust_keypoints(names="nase", first=11, last=20)


def test_keypoints_around_the_hips_move_along_and_back(addon, body, core):
    walk = core.Motion.load(CLIPS / "35_01.npz").frames(slice(0, 40))
    track = body.keypoints(walk, "mediapipe_33")
    hips = [track.layout.keypoints.index(f"{side}_hip") for side in ("left", "right")]
    track = replace(track, positions=track.positions - track.positions[:, hips].mean(axis=1, keepdims=True))
    scene, takes = bpy.context.scene, addon("takes.take")
    scene.lsmpl.bake_when_done = False
    take = addon("importing.adding").add_take(scene, track, "Around")
    addon("solving.solve").solve(take, scene)
    moved = takes.load_track(take).positions[:, hips].mean(axis=1)
    assert np.linalg.norm(moved[-1] - moved[0]) > 1.0
    body_there = addon("takes.layers").load(take)
    assert np.linalg.norm(body_there.trans[-1] - body_there.trans[0]) == pytest.approx(
        np.linalg.norm(moved[-1] - moved[0]), abs=0.1
    )
    np.testing.assert_allclose(takes.load_track(take, travelled=False).positions, track.positions, atol=1e-5)
    scene.lsmpl.travel = "KEEP"
    addon("solving.solve").solve(take, scene)
    np.testing.assert_allclose(takes.load_track(take).positions, track.positions, atol=1e-5)

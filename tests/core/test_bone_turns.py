"""How a file says that bones are turned: read in the keypoints' axes, and a hint at what these do not show."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import RECORDED
from test_object_files import bvh

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.errors import KeypointFileError
from lsmpl_core.resampling import resample_track
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.turn_hints import find_hints

LIMBS = [j for j, name in enumerate(JOINT_NAMES[:22]) if not name.startswith("spine")]
LAYOUT = lsmpl.Layout("bones", tuple(JOINT_NAMES[j] for j in LIMBS))
TWISTED = [JOINT_NAMES.index(f"{side}_{name}") for side in ("left", "right") for name in ("shoulder", "elbow")]


@pytest.fixture(scope="module")
def twisting(body):
    """Recorded motion whose upper arms twist in turn, as joints alone hardly show, with the turns of
    its bones from rests of their own."""
    recorded = lsmpl.Motion.load(RECORDED / "05_02.npz").frames(slice(0, 60))
    recorded = replace(recorded, body=body.key)
    rng, t = np.random.default_rng(3), np.linspace(0.0, 9.0, len(recorded))
    rotations = exp_map(recorded.poses)
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        twist = exp_map((sign * 0.6 * np.sin(t))[:, None] * np.array([1.0, 0.0, 0.0]))
        rotations[:, JOINT_NAMES.index(f"{side}_shoulder")] @= twist
    truth = replace(recorded, poses=log_map(rotations))
    world, joints = body.world(truth)
    turns = log_map(world[:, LIMBS] @ exp_map(rng.normal(size=(len(LIMBS), 3))))
    return truth, lsmpl.KeypointTrack(joints[:, LIMBS], layout=LAYOUT, fps=recorded.fps, turns=turns)


def twist_errors(truth, motion):
    """Degrees, mean over frames, upper arms and forearms."""
    off = angle_between(exp_map(truth.poses[:, TWISTED]), exp_map(motion.poses[:, TWISTED]))
    return float(np.degrees(off).mean())


def told(motion):
    return next((decision for decision in motion.decisions if decision.what == "rotations"), None)


@pytest.fixture(scope="module")
def by_places(body, twisting):
    return lsmpl.solve(twisting[1], body, options=lsmpl.SolveOptions(rotations="no"))


def test_limbs_twist_as_the_files_bones_do(body, twisting, by_places):
    truth, track = twisting
    motion = lsmpl.solve(track, body)
    assert twist_errors(truth, motion) < 0.7 * twist_errors(truth, by_places)
    assert np.nanmean(motion.residual) < 1.1 * np.nanmean(by_places.residual) + 1e-4
    assert "used" in told(motion).value and told(by_places) is None


def test_turns_of_a_rest_pose_are_left_aside_and_that_is_said(body, twisting, by_places):
    _, track = twisting
    motion = lsmpl.solve(replace(track, turns=np.full(track.positions.shape, 0.3)), body)
    assert "left aside" in told(motion).value and "point" in told(motion).reason
    assert np.array_equal(motion.poses, by_places.poses)


@pytest.fixture(scope="module")
def solved(body, twisting):
    """Poses half a degree off the truth, and the file's turns by joint."""
    truth, track = twisting
    turns = np.full((len(truth), 24, 3), np.nan)
    turns[:, LIMBS] = track.turns
    off = exp_map(np.random.default_rng(1).normal(scale=0.01, size=truth.poses.shape))
    off[:, [j for j in range(24) if j not in LIMBS]] = np.eye(3)
    return Poses(exp_map(truth.poses) @ off, truth.trans), turns


def hints_of(body, poses, turns):
    return find_hints(poses, turns, np.isfinite(turns).all(axis=2), body.rest_joints())


def test_the_constant_between_bones_and_joints_is_found(body, twisting, solved):
    truth, (poses, turns) = twisting[0], solved
    hints = hints_of(body, poses, turns)
    hinted, begun, wanted = (
        body.world(replace(truth, poses=log_map(one.rotations)))[0]
        for one in (hints.poses, poses, Poses(exp_map(truth.poses), truth.trans))
    )
    assert hints.used[TWISTED].all() and not hints.against
    off, before = (angle_between(world, wanted)[:, hints.used].mean() for world in (hinted, begun))
    assert off < 0.5 * before


@pytest.mark.parametrize("kind", ["in parents", "of nobody", "of the pelvis", "of the bone above", "late", "inverse"])
def test_turns_by_which_limbs_do_not_point_as_they_do_are_left_aside(body, twisting, solved, kind):
    truth, (poses, turns) = twisting[0], solved
    rng, above = np.random.default_rng(0), [max(parent, 0) for parent in PARENTS]
    wrong = {
        "in parents": truth.poses,
        "of nobody": rng.normal(size=truth.poses.shape),
        "of the pelvis": np.repeat(turns[:, :1], 24, axis=1),
        "of the bone above": log_map(body.world(truth)[0])[:, above],
        "late": np.roll(turns, 20, axis=0),
        "inverse": -turns,
    }[kind]
    hints = hints_of(body, poses, np.where(np.isfinite(turns), wrong, np.nan))
    assert hints.against and not hints.used.any()
    assert hints.poses is poses


def test_frames_without_turns_stay_as_they_were_solved(body, solved):
    poses, turns = solved
    some = turns.copy()
    some[:20] = np.nan
    hints = hints_of(body, poses, some)
    assert np.array_equal(hints.poses.rotations[:20], poses.rotations[:20])
    assert hints.used[TWISTED].all() and not np.allclose(hints.poses.rotations[20:], poses.rotations[20:])


@pytest.mark.parametrize(("frames", "why"), [(slice(0, 1), "fewer than"), (np.zeros(30, dtype=int), "too little")])
def test_nothing_is_read_off_a_moment(body, solved, frames, why):
    poses, turns = solved
    assert why in hints_of(body, poses[frames], turns[frames]).against


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("up", ["y", "z", "-x"])
def test_turns_of_a_bvh_are_in_the_axes_of_its_places(tmp_path, up, mirror):
    path = tmp_path / "take.bvh"
    path.write_text(bvh()[0])
    track = lsmpl.read_keypoints(path, up=up, unit="cm", mirror=mirror)
    for bone, end in (("left_shoulder", "left_elbow"), ("right_hip", "right_knee"), ("left_elbow", "left_wrist")):
        start, stop = track.layout.index(bone), track.layout.index(end)
        along = track.positions[:, stop] - track.positions[:, start]
        at_rest = np.einsum("tji,tj->ti", exp_map(track.turns[:, start].astype(float)), along)
        assert np.abs(at_rest - at_rest[0]).max() < 1e-5


def test_turns_go_with_their_keypoints_and_frames(twisting):
    _, track = twisting
    assert np.array_equal(track.frames(slice(5, 9)).turns, track.turns[5:9])
    doubled = resample_track(track, 2 * track.fps)
    assert np.allclose(exp_map(doubled.turns[::2].astype(float)), exp_map(track.turns.astype(float)), atol=1e-5)
    with pytest.raises(KeypointFileError, match="turns have shape"):
        replace(track, turns=track.turns[:, :3])

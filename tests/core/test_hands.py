"""Fingers: where they are, solving them from the 21 points of hands, and files with hands."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import WRISTS
from lsmpl_core.errors import LayoutError
from lsmpl_core.hands.placement import moved_arms
from lsmpl_core.hands.solve_hands import _solve_in_time, bent_alike, solve_hands
from lsmpl_core.keypoints.hand_points import CHAINS, FINGERS, HAND_POINTS, HandPoints
from lsmpl_core.keypoints.hand_sides import inwardness, of_other_side, palms_of
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.metrics import MILLIMETRES
from lsmpl_core.readers.hand_columns import hand_point
from lsmpl_core.readers.joined_hands import join_hands
from lsmpl_core.resampling import resample
from lsmpl_core.rotation import angle_between, exp_map
from lsmpl_core.solver.pinned_joints import PinnedJoints

FRAMES = 60


@pytest.fixture(scope="module")
def waving(body, stroll):
    """A recorded stroll whose fingers bend and spread, each in its own time."""
    return with_made_up_fingers(body, stroll.frames(slice(0, FRAMES)), seed=0)


def with_made_up_fingers(body, motion, seed):
    """The motion with hinge-like fingers between flat and fist, a few degrees out of their plane."""
    rng = np.random.default_rng(seed)
    time = np.arange(len(motion)) / motion.fps
    speed, phase = rng.uniform(1.0, 4.0, (2, 5)), rng.uniform(0.0, 6.28, (2, 5))
    curl = 0.5 - 0.5 * np.cos(speed * time[:, None, None] + phase)
    q = np.zeros((len(motion), 2, 5, 3, 3))
    q[..., 0] = np.radians([65.0, 75.0, 50.0]) * curl[..., None]
    q[:, :, FINGERS.index("thumb"), :, 0] *= 0.5
    q[..., 0, 1] = 0.15 * np.sin(phase + time[:, None, None])
    q[..., 1:, 1:] += rng.uniform(-0.05, 0.05, (2, 5, 2, 2))
    axes = body.fingers.frames.reshape(2, 5, 3, 3, 3)
    bent = exp_map(np.einsum("hfkij,thfkj->thfki", axes, q))
    return replace(motion, fingers=body.fingers.angles_of(bent))


def at_rest(body, frames=1):
    """(T,30,3): the fingers as they are in the body's template."""
    return body.fingers.angles_of(np.broadcast_to(np.eye(3), (frames, 2, 15, 3, 3)))


def rotations_of(fingers):
    return exp_map(np.asarray(fingers).reshape(-1, 2, 15, 3))


def noisy(points, metres, missing, seed=0):
    rng = np.random.default_rng(seed)
    return HandPoints(
        points.positions + metres * rng.normal(size=points.positions.shape),
        points.confidence * (rng.random(points.confidence.shape) >= missing),
    )


def solved_hands(body, motion, points):
    world, _ = body.world(motion)
    rest = body.rest_joints(motion.betas)[list(WRISTS)]
    return solve_hands(points, body.fingers, motion.betas, world[:, WRISTS], rest, motion.fps)


def angles_off(found, motion):
    """Degrees, mean over joints."""
    off = angle_between(rotations_of(found.fingers), rotations_of(motion.fingers))
    return float(np.degrees(off).mean())


def tips_off(body, found, motion):
    """Millimetres, mean over finger tips on the same wrists."""
    guess = replace(motion, fingers=found.fingers.reshape(len(motion), 30, 3))
    off = body.finger_positions(guess)[1] - body.finger_positions(motion)[1]
    return float(np.linalg.norm(off, axis=-1).mean()) * MILLIMETRES


def test_fingers_lie_in_the_skin_of_their_hand(body):
    rest = lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3)), fingers=at_rest(body))
    joints, tips, _ = body.finger_positions(rest)
    assert np.allclose(joints[0], body.fingers.joint_template, atol=1e-9)
    assert np.allclose(tips[0, 0] * [-1, 1, 1], tips[0, 1], atol=1e-4)
    skin = body.v_template[body.fingers.vertices[0]]
    nearest = np.linalg.norm(joints[0, 0][:, None] - skin, axis=-1).min(axis=1)
    assert nearest.max() < 0.015


def test_fingers_at_rest_leave_the_skin_where_it_is(body, waving):
    rest = replace(waving, fingers=at_rest(body, len(waving)))
    plain = replace(waving, fingers=None)
    assert np.abs(body.vertices(rest) - body.vertices(plain)).max() < 1e-5


def test_no_angles_are_a_flat_hand(body):
    flat = lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3)), fingers=np.zeros((1, 30, 3)))
    joints, tips, _ = body.finger_positions(flat)
    chains = np.concatenate([joints.reshape(2, 5, 3, 3), tips[0][:, :, None]], axis=2)
    bones = np.diff(chains, axis=2)
    bones /= np.linalg.norm(bones, axis=-1, keepdims=True)
    assert np.abs(bones - bones[:, :, :1]).max() < 1e-9
    again = body.fingers.angles_of(body.fingers.local_rotations(flat.fingers + 0.3))
    assert np.abs(again - 0.3).max() < 1e-9


def test_flat_hands_whose_fingers_bend_a_little_backwards_are_of_their_side(body):
    flat = lsmpl.Motion(np.zeros((60, 24, 3)), np.zeros((60, 3)), fingers=np.zeros((60, 30, 3)))
    hands = body.hand_points(flat).positions
    thumb = [HAND_POINTS.index(f"thumb{end}") for end in ("2", "3", "_tip")]
    _, palm = palms_of(hands)
    hands[:, :, thumb] -= (0.045 * palm)[:, :, None]  # as thumbs lie beside a hand, not before it
    noisy = hands + np.random.default_rng(0).normal(0.0, 0.002, hands.shape)
    assert abs(inwardness(hands).mean()) < 0.5 and not of_other_side(inwardness(noisy)).any()
    assert of_other_side(inwardness(body.hand_points(flat).positions[:, ::-1])).all()


def test_a_fist_brings_the_tips_to_the_palm(body):
    angles = np.zeros((2, 5, 3, 3))
    bend = np.einsum("hfkij,j->hfki", body.fingers.frames.reshape(2, 5, 3, 3, 3), [1.4, 0.0, 0.0])
    angles[:, :4] = bend[:, :4]
    fingers = body.fingers.angles_of(exp_map(angles))
    fist = lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3)), fingers=fingers)
    flat = replace(fist, fingers=np.zeros((1, 30, 3)))
    for hand, wrist in enumerate(WRISTS):
        at = body.joints(fist)[0, wrist]
        reach = [np.linalg.norm(body.finger_positions(motion)[1][0, hand, :4] - at, axis=-1) for motion in (fist, flat)]
        assert (reach[0] < 0.65 * reach[1]).all()


def test_exact_points_are_solved_back(body, waving):
    found = solved_hands(body, waving, body.hand_points(waving))
    assert angles_off(found, waving) < 3.0
    assert tips_off(body, found, waving) < 1.0


def test_fingers_are_the_same_by_every_array_library(backend, body, waving):
    points, short = noisy(body.hand_points(waving), 0.002, 0.1).frames(slice(0, 12)), waving.frames(slice(0, 12))
    wrists, rest = body.world(short)[0][:, WRISTS], body.rest_joints(waving.betas)[list(WRISTS)]
    given = points, body.fingers, waving.betas, wrists, rest, waving.fps
    found, expected = solve_hands(*given, backend), solve_hands(*given)
    assert np.abs(found.fingers - expected.fingers).max() < 1e-6
    bent = [bent_alike(found, body.fingers, waving.betas, rest, one) for one in (backend, None)]
    assert np.abs(bent[0] - bent[1]).max() < 1e-6


def test_noisy_points_with_gaps_are_solved_back_nearly(body, waving):
    found = solved_hands(body, waving, noisy(body.hand_points(waving), 0.003, 0.2))
    assert tips_off(body, found, waving) < 6.0


def test_both_hands_are_solved_alike(body, waving):
    flip = np.array([-1.0, 1.0, 1.0])
    points = body.hand_points(waving)
    mirrored = HandPoints(points.positions[:, ::-1] * flip, points.confidence[:, ::-1])
    world, _ = body.world(waving)
    turn = np.diag(flip)
    rest = body.rest_joints()[list(WRISTS)]
    wrists = world[:, WRISTS]
    one = solve_hands(points, body.fingers, waving.betas * 0, wrists, rest, 30.0)
    other = solve_hands(mirrored, body.fingers, waving.betas * 0, (turn @ wrists @ turn)[:, ::-1], rest, 30.0)
    assert np.abs(one.fingers[:, 0] * [1, -1, -1] - other.fingers[:, 1]).max() < 2e-3


def test_fingers_at_rest_hardly_tremble_once_cleaned_up(body, waving):
    still = replace(waving, fingers=np.repeat(waving.fingers[20:21], FRAMES, axis=0))
    found = solved_hands(body, still, noisy(body.hand_points(still), 0.003, 0.0))
    motion = replace(still, fingers=found.fingers.reshape(FRAMES, 30, 3))
    clean = rotations_of(lsmpl.clean_up(motion, body, lock_feet=False).fingers)
    steps = np.degrees(angle_between(clean[1:], clean[:-1]))
    assert steps.mean() < 1.0


def test_all_frames_at_once_are_solved_as_one_large_system():
    """Coupled a million times more firmly than they are held, where rounding would grow."""
    rng = np.random.default_rng(0)
    T, N = 60, 9
    half = rng.normal(size=(T, 1, N, N))
    hessian = half @ np.swapaxes(half, -1, -2) + np.eye(N)
    gradient, change = rng.normal(size=(T, 1, N)), 0.01 * rng.normal(size=(T - 2, 1, N))
    firm = 1e6 * rng.uniform(0.1, 1.0, (T - 2, 1))
    x = _solve_in_time(hessian, gradient, firm, change)
    second = np.diff(np.eye(T), 2, axis=0)
    large = np.kron(second.T @ np.diag(firm[:, 0]) @ second, np.eye(N))
    for t in range(T):
        large[N * t : N * t + N, N * t : N * t + N] += hessian[t, 0]
    right = gradient[:, 0] + second.T @ (firm * change[:, 0])
    expected = np.linalg.solve(large, right.ravel()).reshape(T, N)
    assert np.abs(x[:, 0] - expected).max() < 1e-9


def test_what_is_not_seen_goes_over_into_a_relaxed_hand_without_a_jump(body, waving):
    points = body.hand_points(waving)
    confidence = points.confidence.copy()
    confidence[20:] = 0.0
    found = solved_hands(body, waving, HandPoints(points.positions, confidence))
    rotations = rotations_of(found.fingers)
    steps = np.degrees(angle_between(rotations[1:], rotations[:-1]))
    assert steps[20:].max() < 8.0
    assert np.isfinite(found.fingers).all()
    late = angle_between(rotations[-1], rotations[-2])
    assert np.degrees(late).max() < 1.0


def test_a_solved_track_has_fingers_and_a_body_that_is_no_worse(body, waving):
    track = body.keypoints(waving, "whole_body")
    known = {"betas": waving.betas, "start_pose": waving.poses[0]}
    motion = lsmpl.solve(track, body, **known)
    plain = lsmpl.solve(replace(track, hands=None), body, **known)
    assert plain.fingers is None
    off = np.linalg.norm(body.finger_positions(motion)[1] - body.finger_positions(waving)[1], axis=-1)
    assert off.mean() * MILLIMETRES < 6.0
    arms = (16, 17, 18, 19, 20, 21)
    others = [joint for joint in range(22) if joint not in arms]
    assert np.array_equal(motion.poses[:, others], plain.poses[:, others])
    truth = body.world(waving)[0][:, arms]
    off = [np.degrees(angle_between(body.world(m)[0][:, arms], truth)).mean(axis=0) for m in (motion, plain)]
    assert (off[0] <= off[1] + 0.5).all()


def test_hands_tell_forearms_and_wrists_what_a_body_without_them_cannot(body, waving):
    """Of BODY_25, whose arms end at the wrists: degrees by which forearms and hands are turned otherwise."""
    rng = np.random.default_rng(0)
    track = body.keypoints(waving, "body_25")
    positions = track.positions + 0.01 * rng.normal(size=track.positions.shape)
    track = replace(track, positions=positions, hands=noisy(track.hands, 0.004, 0.0))
    truth, off = body.world(waving)[0], {}
    for hands in ("auto", "off"):
        motion = lsmpl.solve(track, body, betas=waving.betas, options=lsmpl.SolveOptions(hands=hands))
        off[hands] = np.degrees(angle_between(body.world(motion)[0], truth))
    assert off["auto"][:, WRISTS].mean() < 0.3 * off["off"][:, WRISTS].mean()
    assert off["auto"][:, (18, 19)].mean() < 0.7 * off["off"][:, (18, 19)].mean()


def test_arms_are_moved_by_every_array_library(backend, rng):
    """Goals within reach are nearly met, elbows hardly move, and what is there already stays."""
    upper, fore = (backend.array(exp_map(rng.normal(size=(6, 3)))) for _ in range(2))
    joints = np.cumsum(np.array([[0.0, 0.0, 0.0], [0.28, 0.0, 0.0], [0.05, 0.24, 0.0]]), axis=0)
    joints = np.broadcast_to(joints, (6, 3, 3)).copy()
    goals = joints[:, 2] + 0.01 * rng.normal(size=(6, 3))
    goals[0] = joints[0, 2]
    turned = moved_arms(upper, fore, backend.array(joints), backend.array(goals), 0.004, 0.006)
    first, second = (
        backend.numpy(now) @ np.swapaxes(backend.numpy(before), 1, 2) for now, before in zip(turned, (upper, fore))
    )
    elbow = (first @ joints[:, 1, :, None])[..., 0]
    wrist = elbow + (second @ (joints[:, 2] - joints[:, 1])[..., None])[..., 0]
    off = np.linalg.norm(wrist - goals, axis=1)
    assert (off[1:] < 0.7 * np.linalg.norm(joints[1:, 2] - goals[1:], axis=1)).all()
    assert np.linalg.norm(elbow - joints[:, 1], axis=1).max() < 0.015
    assert np.abs(first[0] - np.eye(3)).max() < 1e-6 and np.abs(second[0] - np.eye(3)).max() < 1e-6


def test_hands_have_a_size_of_their_own(body, waving):
    for size in (0.85, 1.0, 1.15):
        track = body.keypoints(replace(waving, hand_size=size), "whole_body")
        motion = lsmpl.solve(track, body, betas=waving.betas, start_pose=waving.poses[0])
        assert abs(motion.hand_size - size) < 0.02
        told = [d.value for d in motion.decisions if d.what == "hand size"]
        assert told == ([] if size == 1.0 else [f"{motion.hand_size:.2f}"])


def test_few_points_of_hands_hardly_tell_their_size(body, waving):
    track = body.keypoints(replace(waving, hand_size=0.8), "whole_body")
    confidence = np.zeros_like(track.hands.confidence)
    confidence[:5, 0, 5:7] = 1.0
    few = replace(track, hands=HandPoints(track.hands.positions, confidence))
    motion = lsmpl.solve(few, body, betas=waving.betas, start_pose=waving.poses[0])
    assert abs(motion.hand_size - 1.0) < 0.1


def test_hands_grow_about_wrists_that_stay(body, waving):
    larger = replace(waving, hand_size=1.2)
    grown = body.with_hands(1.2)
    assert grown.key == body.key
    assert np.abs(grown.joint_template[:22] - body.joint_template[:22]).max() < 1e-12
    at = body.joints(waving)[:, WRISTS][:, :, None]
    reach = [np.linalg.norm(body.finger_positions(m)[1] - at, axis=-1) for m in (waving, larger)]
    assert np.allclose(reach[1] / reach[0], 1.2, atol=0.01)
    moved = np.abs(body.vertices(larger) - body.vertices(waving)).max(axis=(0, 2))
    far = body.skinning_weights[:, [20, 21, 22, 23]].sum(axis=1) == 0.0
    assert moved[far].max() < 1e-6 and moved.max() > 0.02


def test_hands_that_were_put_on_the_wrists_tell_neither_size_nor_where_arms_are(body, waving):
    track = body.keypoints(replace(waving, hand_size=0.8), "whole_body")
    known = {"betas": waving.betas, "start_pose": waving.poses[0]}
    motion = lsmpl.solve(replace(track, hands=replace(track.hands, placed=False)), body, **known)
    plain = lsmpl.solve(replace(track, hands=None), body, **known)
    assert motion.hand_size == 1.0
    assert np.abs(body.joints(motion)[:, WRISTS] - body.joints(plain)[:, WRISTS]).max() < 1e-9


def test_frames_whose_hands_are_no_hands_are_doubtful(body, waving):
    track = body.keypoints(waving, "whole_body")
    positions = track.hands.positions + 0.001 * np.random.default_rng(0).normal(size=(FRAMES, 2, 21, 3))
    positions[30:33, 0, CHAINS[0, 1:]] = positions[30:33, 0, CHAINS[3, 1:]]
    positions[30:33, 0, CHAINS[1, 1:]] += 0.12
    track = replace(track, hands=HandPoints(positions, track.hands.confidence))
    motion = lsmpl.solve(track, body, betas=waving.betas, start_pose=waving.poses[0])
    doubts = [stretch for stretch in lsmpl.doubtful_stretches(motion) if "left hand" in " ".join(stretch.why)]
    assert [(stretch.first, stretch.last) for stretch in doubts] == [(30, 32)]


def test_fingers_that_jump_are_doubtful(waving):
    fingers = waving.fingers.copy()
    assert not lsmpl.doubtful_stretches(replace(waving, fingers=fingers))
    fingers[30:, 17] += (0.0, 0.0, 1.5)
    (stretch,) = lsmpl.doubtful_stretches(replace(waving, fingers=fingers))
    assert (stretch.first, stretch.why) == (30, ("fingers of the right hand jump",))


def test_arms_that_somebody_posed_stay(body, waving):
    track = body.keypoints(waving, "whole_body")
    pins = PinnedJoints([20], [18], exp_map(waving.poses[20:21, 18] + 0.2))
    motion = lsmpl.solve(track, body, betas=waving.betas, start_pose=waving.poses[0], pins=pins)
    assert np.abs(exp_map(motion.poses[20, 18]) - pins.rotations[0]).max() < 1e-6


def test_a_motion_keeps_its_fingers_in_a_file(tmp_path, waving):
    waving.save(tmp_path / "hands.npz")
    with np.load(tmp_path / "hands.npz") as file:
        assert file["poses"].shape == (FRAMES, 156)
    loaded = lsmpl.Motion.load(tmp_path / "hands.npz")
    assert np.abs(loaded.fingers - waving.fingers).max() < 1e-5
    off = np.full((FRAMES, 2), np.nan)
    off[3] = 0.004
    replace(waving, hand_size=0.9, hand_residual=off).save(tmp_path / "small.npz")
    small = lsmpl.Motion.load(tmp_path / "small.npz")
    assert small.hand_size == 0.9 and np.allclose(small.hand_residual, off, equal_nan=True)
    assert np.abs(loaded.poses[:, :22] - waving.poses[:, :22]).max() < 1e-5


def test_amass_files_of_smplx_bring_their_fingers(tmp_path, waving):
    poses = np.zeros((FRAMES, 165))
    poses[:, :66], poses[:, 75:] = waving.poses[:, :22].reshape(FRAMES, 66), 0.1
    np.savez(tmp_path / "x.npz", poses=poses, trans=waving.trans, surface_model_type="smplx")
    loaded = lsmpl.Motion.load(tmp_path / "x.npz")
    assert np.allclose(loaded.fingers, 0.1)
    poses[:, 66:] = 0.0
    np.savez(tmp_path / "flat.npz", poses=poses, trans=waving.trans)
    assert lsmpl.Motion.load(tmp_path / "flat.npz").fingers is None


def test_other_rates_have_fingers_in_between(waving):
    doubled = resample(waving, 2 * waving.fps)
    assert np.allclose(doubled.fingers[::2], waving.fingers[: len(doubled.fingers[::2])])
    between = angle_between(exp_map(doubled.fingers[1:-1:2]), exp_map(waving.fingers[:-1]))
    assert np.degrees(between).max() < 10.0


def holistic(body, motion, right_first=False, own_origin=False):
    """(T,75,3) as MediaPipe's pose and hands are written one after the other."""
    track = body.keypoints(motion, LAYOUTS["mediapipe_33"])
    hands = track.hands.positions
    if own_origin:
        hands = 3.0 * (hands - hands[:, :, :1]) + [5.0, 1.0, 0.0]
    order = (1, 0) if right_first else (0, 1)
    return np.concatenate([track.positions, *(hands[:, side] for side in order)], axis=1)


@pytest.mark.parametrize("right_first", [False, True])
def test_hands_after_a_body_are_read_whichever_comes_first(tmp_path, body, waving, right_first):
    np.save(tmp_path / "take.npy", holistic(body, waving, right_first))
    track = lsmpl.read_keypoints(tmp_path / "take.npy")
    assert track.layout.name == "mediapipe_33"
    right = body.keypoints(waving, LAYOUTS["mediapipe_33"]).hands.positions
    at_wrists = track.hands.positions - track.hands.positions[:, :, :1]
    expected = right - right[:, :, :1]
    lengths = np.linalg.norm(expected, axis=-1) / np.maximum(np.linalg.norm(at_wrists, axis=-1), 1e-9)
    assert np.allclose(lengths[:, :, 1:], lengths[0, 0, 1], rtol=1e-3)
    assert [d.value for d in track.decisions if d.what == "hands"] == ["left and right"]


def test_hands_with_an_origin_and_a_unit_of_their_own_are_joined_at_the_wrists(tmp_path, body, waving):
    np.save(tmp_path / "take.npy", holistic(body, waving, own_origin=True))
    track = lsmpl.read_keypoints(tmp_path / "take.npy")
    wrists = track.positions[:, [track.layout.index(f"{s}_wrist") for s in ("left", "right")]]
    assert np.allclose(track.hands.positions[:, :, 0], wrists, atol=1e-9)
    found = solved_hands(body, waving, track.hands)
    assert angles_off(found, waving) < 4.0


def test_hands_at_their_places_tell_an_order_whose_legs_nobody_saw(tmp_path, body, waving):
    """MediaPipe makes up the legs of people at desks, up to bones that are likelier the other way round."""
    points = holistic(body, waving)
    points[:, [25, 27]] = points[:, [27, 25]]
    np.save(tmp_path / "desk.npy", points)
    assert lsmpl.read_keypoints(tmp_path / "desk.npy").hands is not None
    shuffled = points.copy()
    shuffled[:, 33:] = points[:, 33 + np.random.default_rng(0).permutation(42)]
    np.save(tmp_path / "shuffled.npy", shuffled)
    with pytest.raises(LayoutError, match="other way round"):
        lsmpl.read_keypoints(tmp_path / "shuffled.npy")


def whole_body(folder, body, motion, spoil=lambda hands: hands):
    """BODY_25 and both hands (T,67,3) in a file, the hands spoilt; read."""
    track = body.keypoints(motion, "body_25")
    hands = spoil(track.hands.positions.copy())
    np.save(folder / "whole.npy", np.concatenate([track.positions, hands[:, 0], hands[:, 1]], axis=1))
    return lsmpl.read_keypoints(folder / "whole.npy", fps=motion.fps, unit="m", up="z")


def at_the_other_wrist(hands):
    return hands[:, ::-1] - hands[:, ::-1, :1] + hands[:, :, :1]


def exchanged(frames, at=lambda hands: hands[:, ::-1]):
    def spoil(hands):
        hands[frames] = at(hands)[frames]
        return hands

    return spoil


@pytest.mark.parametrize("frames", [slice(0, None, 2), [7], slice(None)], ids=["every other", "one", "all"])
def test_hands_that_a_detector_exchanged_are_each_at_their_wrist_again(tmp_path, body, waving, frames):
    right, mended = whole_body(tmp_path, body, waving), whole_body(tmp_path, body, waving, exchanged(frames))
    np.testing.assert_allclose(mended.hands.positions, right.hands.positions)
    np.testing.assert_allclose(mended.positions, right.positions)


@pytest.mark.parametrize("frames", [slice(0, None, 2), [7], slice(None)], ids=["every other", "one", "all"])
def test_a_hand_of_the_other_side_counts_neither_for_fingers_nor_for_the_body(tmp_path, body, waving, frames):
    track = whole_body(tmp_path, body, waving, exchanged(frames, at_the_other_wrist))
    wrong = np.zeros(len(waving), dtype=bool)
    wrong[frames] = True
    assert not track.hands.visible[wrong].any() and track.hands.visible[~wrong].all()
    knuckles = [k for k, name in enumerate(track.layout.keypoints) if name.endswith("knuckle")]
    assert knuckles and not track.visible[wrong][:, knuckles].any()
    assert any("bent as one of the other side" in d.reason for d in track.decisions)


def test_hands_with_an_origin_of_their_own_are_of_the_side_that_their_shape_says(tmp_path, body, waving):
    points = holistic(body, waving, own_origin=True)
    np.save(tmp_path / "right.npy", points)
    points[::3, 33:] = np.roll(points[::3, 33:], 21, axis=1)
    np.save(tmp_path / "mixed.npy", points)
    right, mixed = (lsmpl.read_keypoints(tmp_path / f"{name}.npy").hands for name in ("right", "mixed"))
    np.testing.assert_allclose(mixed.positions, right.positions, atol=1e-9)


def test_knuckles_are_where_a_body_that_is_solved_by_them_has_their_sites(tmp_path, body, waving):
    track = whole_body(tmp_path, body, waving)
    off = np.abs(track.positions - body.keypoints(waving, track.layout).positions).max(axis=(0, 2))
    names = track.layout.keypoints
    assert max(off[k] for k, name in enumerate(names) if name.endswith(("index_knuckle", "little_knuckle"))) < 1e-3
    thumbs = [k for k, name in enumerate(names) if name.endswith("thumb_knuckle")]
    assert not track.visible[:, thumbs].any(), "which bend with the thumb"


def test_fingers_without_a_wrist_hang_on_the_bodys(body, waving):
    layout = LAYOUTS["body_25"]
    track = body.keypoints(waving, layout)
    alone = track.hands.positions.copy()
    alone[:, :, 0] = np.nan
    hands, _ = join_hands(alone, np.isfinite(alone).all(axis=-1) * 1.0, track.positions, layout)
    wrists = [layout.index(f"{side}_wrist") for side in ("left", "right")]
    assert hands.placed and np.array_equal(hands.positions[:, :, 0], track.positions[:, wrists])
    assert np.array_equal(hands.positions[:, :, 1:], alone[:, :, 1:])


@pytest.mark.parametrize(
    ("name", "side", "point"),
    [
        ("left_hand_index_finger_mcp", 0, "index1"),
        ("right_pinky_tip", 1, "little_tip"),
        ("LeftHandMiddle2", 0, "middle2"),
        ("right_hand_wrist", 1, "wrist"),
        ("RIGHT_THUMB_IP", 1, "thumb3"),
        ("left_knee", None, None),
        ("nose", None, None),
    ],
)
def test_names_of_hand_points(name, side, point):
    expected = None if side is None else (side, HAND_POINTS.index(point))
    assert hand_point(name) == expected


def test_points_that_make_no_fingers_are_left_aside_and_said_so(body, waving):
    track = body.keypoints(waving, "whole_body")
    positions = track.hands.positions.copy()
    positions[:, :, CHAINS[:, 1:3]] = positions[:, :, CHAINS[:, :1]]
    folded = replace(track, hands=HandPoints(positions, track.hands.confidence))
    motion = lsmpl.solve(folded, body, betas=waving.betas, start_pose=waving.poses[0])
    assert motion.fingers is None
    assert any(d.what == "hands" and d.doubtful for d in motion.decisions)


@pytest.mark.parametrize("what", ["nothing", "one frame", "one point", "one hand"])
def test_hands_that_are_hardly_there_give_a_result(body, waving, what):
    track = body.keypoints(waving, "whole_body")
    confidence = np.zeros_like(track.hands.confidence)
    if what == "one frame":
        confidence[30] = 1.0
    elif what == "one point":
        confidence[:, 0, 8] = 1.0
    elif what == "one hand":
        confidence[:, 1] = 1.0
    track = replace(track, hands=HandPoints(track.hands.positions, confidence))
    motion = lsmpl.solve(track, body, betas=waving.betas, start_pose=waving.poses[0])
    if what == "nothing":
        assert motion.fingers is None
    else:
        assert np.isfinite(motion.fingers).all()
        assert np.degrees(np.linalg.norm(motion.fingers, axis=-1)).max() < 130.0


REVERSED = [0, *range(17, 21), *range(13, 17), *range(9, 13), *range(5, 9), *range(1, 5)]
"""The points of a hand whose thumb is taken for its little finger, and so on."""


def spoilt(points, how):
    """Hands (T,2,21,3) as detectors get them wrong."""
    p = points.copy()
    some = slice(20, 35)
    if how == "a hand of NaNs":
        p[:, 0] = np.nan
    elif how == "sides exchanged in some frames":
        p[some] = p[some, ::-1]
    elif how == "both the same":
        p[:, 1] = p[:, 0]
    elif how == "thumb and little finger exchanged":
        p[:, 0] = p[:, 0][:, REVERSED]
    elif how == "the same in some frames":
        p[some, 0] = p[some, 0][:, REVERSED]
    elif how == "a right hand at the left wrist":
        p[:, 0] += (p[:, 1] - p[:, 1, :1]) - (p[:, 0] - p[:, 0, :1])
    elif how == "another person's in some frames":
        p[some] += (1.5, 0.0, 0.0)
    elif how == "jumps":
        p[::3] += (0.12, 0.05, 0.0)
    elif how == "displaced":
        p += (0.02, 0.01, 0.0)
    elif how == "held still":
        p[:] = p[:1]
    return p


@pytest.mark.parametrize(
    "how",
    [
        "a hand of NaNs", "sides exchanged in some frames", "both the same", "thumb and little finger exchanged",
        "the same in some frames", "a right hand at the left wrist", "another person's in some frames", "jumps",
        "displaced", "held still",
    ],
)  # fmt: skip
def test_a_body_is_never_the_worse_for_its_hands(body, waving, how):
    rng = np.random.default_rng(0)
    track = body.keypoints(waving, "body_25")
    shaken = track.positions + 0.008 * rng.normal(size=track.positions.shape)
    points = spoilt(track.hands.positions + 0.003 * rng.normal(size=track.hands.positions.shape), how)
    hands, _ = join_hands(points, track.hands.confidence, shaken, track.layout)
    track = replace(track, positions=shaken, hands=None)
    arms = [18, 19, 20, 21]

    def off(motion):
        """Degrees and millimetres, of elbows and wrists."""
        turned = angle_between(body.world(motion)[0], body.world(waving)[0])[:, arms]
        away = np.linalg.norm(body.joints(motion) - body.joints(waving), axis=-1)[:, arms]
        return np.degrees(turned).mean(axis=0), away.mean(axis=0) * MILLIMETRES

    without = off(lsmpl.solve(track, body, betas=waving.betas))
    with_them = off(lsmpl.solve(replace(track, hands=hands), body, betas=waving.betas))
    assert (with_them[0] < without[0] + 1.5).all()
    assert (with_them[1] < without[1] + 1.5).all()


def test_a_hand_in_another_order_is_left_aside_and_said_so(body, waving):
    track = body.keypoints(waving, "body_25")
    hands = HandPoints(spoilt(track.hands.positions, "thumb and little finger exchanged"), track.hands.confidence)
    motion = lsmpl.solve(replace(track, hands=hands), body, betas=waving.betas)
    decision = next(d for d in motion.decisions if d.what == "hands" and d.doubtful)
    assert f"left left aside in {FRAMES} frames" in decision.value
    assert "another order" in decision.reason

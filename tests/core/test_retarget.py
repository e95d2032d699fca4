"""A motion on other skeletons: limbs point where SMPL's do, whatever the rig's rest pose, axes, units and lengths."""

from dataclasses import replace

import numpy as np
import pytest
from skeletons import A_POSE, limb_angles, played, skeleton

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.cleaning.contacts import find_contacts, sliding
from lsmpl_core.cleaning.easing import eased
from lsmpl_core.cleaning.floor import estimate_floor, foot_points, rest_foot_points
from lsmpl_core.cleaning.leg_reach import roll, two_bones
from lsmpl_core.retarget_motion import retarget
from lsmpl_core.retargeting.rest_pose import TO_BLENDER, alignments, facing
from lsmpl_core.retargeting.target_skeleton import SourceShape
from lsmpl_core.rotation import exp_map, log_map
from lsmpl_core.solver.banded import solve_diagonals

Y_UP = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
TURNED = np.array([[0.0, 1.0, 0], [-1.0, 0, 0], [0, 0, 1.0]])


@pytest.fixture(scope="module")
def walk(body, mocap):
    motion = lsmpl.Motion.load(mocap / "07_01.npz").frames(slice(0, 150))
    return lsmpl.clean_up(replace(motion, betas=np.zeros(10), body=body.key), body, floor="zero")


def test_the_same_skeleton_turns_and_stands_as_smpl_does(body, stroll):
    target = skeleton(body, stroll.betas)
    target = replace(target, to_take=np.eye(4))
    rotations, places = played(target, retarget(stroll, body, target, feet=False))
    world, joints = body.world(stroll)
    np.testing.assert_allclose(rotations @ TO_BLENDER, world, atol=1e-6)
    np.testing.assert_allclose(places, joints, atol=1e-6)


@pytest.mark.parametrize("axes", [np.eye(3), Y_UP, TURNED], ids=["z up", "y up", "faces aside"])
@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_limbs_of_an_a_posed_rig_with_rolled_bones_point_where_smpls_do(body, stroll, rng, axes, unit):
    target = skeleton(body, stroll.betas, turns=A_POSE, rng=rng, axes=axes, unit=unit)
    done = retarget(stroll, body, target, feet=False)
    _, places = played(target, done)
    assert limb_angles(target, places, body.joints(stroll)).max() < 1e-3
    hips = places[:, [target.names.index("left_hip"), target.names.index("right_hip")]].mean(axis=1)
    np.testing.assert_allclose(hips, body.joints(stroll)[:, [1, 2]].mean(axis=1), atol=5e-3)


def test_a_rest_pose_that_is_not_compensated_would_be_off(body, stroll):
    target = skeleton(body, stroll.betas, turns=A_POSE)
    done = retarget(stroll, body, target, feet=False, tolerance=np.pi)
    assert limb_angles(target, played(target, done)[1], body.joints(stroll)).max() > 30.0


def test_missing_bones_are_skipped_and_the_others_are_where_they_would_be(body, stroll, rng):
    left_out = ("spine1", "spine3", "left_collar", "right_foot", "left_hand", "right_hand", "neck")
    target = skeleton(body, stroll.betas, turns=A_POSE, rng=rng, leave_out=left_out)
    _, places = played(target, retarget(stroll, body, target, feet=False))
    assert limb_angles(target, places, body.joints(stroll)).max() < 1e-3


def test_bones_that_share_a_joint_share_its_bend(body, stroll):
    target = skeleton(body, stroll.betas)
    joints = ["spine2" if joint == "spine3" else joint for joint in target.joints]
    shared = replace(target, joints=joints)
    rotations, _ = played(shared, retarget(stroll, body, shared, feet=False))
    world, _ = body.world(stroll)
    first, second = (rotations[:, target.names.index(name)] @ TO_BLENDER for name in ("spine2", "spine3"))
    np.testing.assert_allclose(second, world[:, JOINT_NAMES.index("spine2")], atol=1e-6)
    before = world[:, JOINT_NAMES.index("spine1")]
    np.testing.assert_allclose(first @ np.swapaxes(before, 1, 2) @ first, second, atol=1e-6)  # half of the way


@pytest.mark.parametrize("stretch", [0.7, 1.0, 1.3])
def test_hips_are_scaled_by_the_legs(body, walk, stretch):
    target = skeleton(body, stretch=stretch)
    done = retarget(walk, body, target, feet=False)
    rest = body.rest_joints()
    height = rest[7, 1] - body.rest_vertices()[:, 1].min()
    legs = rest[1, 1] - rest[7, 1]
    assert done.scale == pytest.approx((stretch * legs + height) / (legs + height), rel=0.01)
    _, places = played(target, done)
    travelled = np.ptp(places[:, 0, :2], axis=0).max() / np.ptp(body.joints(walk)[:, 0, :2], axis=0).max()
    assert travelled == pytest.approx(done.scale, rel=0.02)


def soles_of(body, target, turns, rotations, places) -> np.ndarray:
    """(T,4,3): where the soles of a made-up rig are under the foot points."""
    rest_points, sole = rest_foot_points(body, np.zeros(10)), []
    for point, side in enumerate(("left", "left", "right", "right")):
        joint = target.names.index(f"{side}_{('ankle', 'foot')[point % 2]}")
        offset = rest_points[point] - body.rest_joints()[JOINT_NAMES.index(target.names[joint])]
        offset = exp_map(np.radians(turns.get(f"{side}_ankle", (0, 0, 0)))) @ TO_BLENDER @ offset
        offset[2] = target.skin[:, 2].min() - target.rest[joint, 2, 3]
        sole.append(places[:, joint] + rotations[:, joint] @ offset)
    return np.stack(sole, axis=1)


def on_the_ground(motion, body) -> tuple[np.ndarray, float]:
    """(T,4): which foot points stand and have not yet left the ground, by a centimetre; and the floor's height."""
    points = foot_points(motion, body)
    floor = estimate_floor(points)
    mask = np.zeros((len(motion), 4), dtype=bool)
    for contact in find_contacts(points, floor, motion.fps):
        height = points.positions[contact.frames, contact.point, 2]
        mask[contact.frames, contact.point] = np.abs(height - np.median(height)) < 0.01
    return mask, floor.height


@pytest.mark.parametrize("stretch", [0.7, 1.0, 1.3])
@pytest.mark.parametrize("turns", [{}, A_POSE], ids=["T", "A"])
def test_standing_feet_stay_put_on_the_floor(body, walk, stretch, turns):
    standing, floor = on_the_ground(walk, body)
    target = skeleton(body, turns=turns, stretch=stretch)
    slid, depth = {}, {}
    for feet in (False, True):
        done = retarget(walk, body, target, feet=feet)
        rotations, places = played(target, done)
        sole = soles_of(body, target, turns, rotations, places)
        slid[feet] = sliding(sole, standing, walk.fps)
        depth[feet] = np.abs(sole[..., 2][standing] - floor)
    angles = limb_angles(target, places, body.joints(walk))
    for what, unit, values in (("sliding, cm/s", 100, slid), ("over or under, mm", 1000, depth)):
        print(what, *(f"{unit * np.mean(values[feet]):.1f}" for feet in (False, True)), end="; ")
    print(f"limbs {angles.max():.1f} degrees, scale {done.scale:.2f}")
    assert slid[True] < min(0.4 * slid[False], 0.013)
    assert depth[True].mean() < max(min(0.3 * depth[False].mean(), 0.004), 0.001)
    assert angles.max() < 13.0


def knee_bends(places: np.ndarray, names) -> np.ndarray:
    """(T,2) degrees."""
    bends = []
    for side in ("left", "right"):
        hip, knee, ankle = (places[:, list(names).index(f"{side}_{part}")] for part in ("hip", "knee", "ankle"))
        thigh, shin = knee - hip, ankle - knee
        bends.append(np.arctan2(np.linalg.norm(np.cross(thigh, shin), axis=1), (thigh * shin).sum(axis=1)))
    return np.degrees(np.stack(bends, axis=1))


@pytest.mark.parametrize(("clip", "most"), [("07_01", 15.0), ("08_01", 15.0), ("135_04", 9.0)])
@pytest.mark.parametrize("stretch", [0.7, 1.3])
def test_feet_are_flat_where_they_stand_and_knees_do_not_pop(body, mocap, clip, most, stretch):
    """Knees pop by how much more they turn than the recording's within two frames: degrees a frame a frame."""
    motion = lsmpl.Motion.load(mocap / f"{clip}.npz").frames(slice(0, 150))
    motion = lsmpl.clean_up(replace(motion, betas=np.zeros(10), body=body.key), body, floor="zero")
    standing, _ = on_the_ground(motion, body)
    target = skeleton(body, stretch=stretch)
    rotations, places = played(target, retarget(motion, body, target))
    heights = soles_of(body, target, {}, rotations, places)[..., 2].reshape(-1, 2, 2)
    flat = standing.reshape(-1, 2, 2).all(axis=2)
    tilt = np.abs(heights[..., 0] - heights[..., 1])[flat].mean()
    ours, theirs = (np.abs(np.diff(knee_bends(p, n), 2, axis=0)) for p, n in (
        (places, target.names), (body.joints(motion), JOINT_NAMES),
    ))  # fmt: skip
    around = np.lib.stride_tricks.sliding_window_view(np.pad(theirs, ((2, 2), (0, 0)), mode="edge"), 5, axis=0)
    pop = (ours - around.max(axis=-1)).max()
    print(f"{clip}: heel and toes differ by {1000 * tilt:.1f} mm, knees pop by {pop:.1f} degrees")
    assert tilt < 0.004
    assert pop < most


def test_steps_are_stood_on(body, mocap):
    motion = lsmpl.Motion.load(mocap / "13_35.npz").frames(slice(0, 240))
    motion = lsmpl.clean_up(replace(motion, betas=np.zeros(10), body=body.key), body, floor="zero")
    standing, floor = on_the_ground(motion, body)
    points = foot_points(motion, body)
    above = points.positions[..., 2] - estimate_floor(points).point_heights
    target = skeleton(body, stretch=0.8)
    done = retarget(motion, body, target)
    sole = soles_of(body, target, {}, *played(target, done))
    high = standing & (above > 0.1)
    off = np.abs(sole[..., 2] - floor - done.scale * above)[high]
    print(f"{high.sum()} points on steps, off by {1000 * off.mean():.1f} mm, sliding {sliding(sole, high, motion.fps)}")
    assert high.sum() > 50
    assert off.mean() < 0.012
    assert sliding(sole, high, motion.fps) < 0.012


def test_a_foot_rests_as_it_stands_at_rest(body):
    """On the heel of its shoe, whose ankle is as high above its ball as it may be."""
    shape = SourceShape.of(body, np.zeros(10))
    sole = shape.soles[0]
    lifted = sole.heel + (0.0, 0.0, 0.05)
    back = sole.back + (0.0, 0.0, 0.05)
    assert replace(sole, heel=lifted, back=back).lifts == pytest.approx(sole.lifts + (0.05, 0.0))
    assert sole.lifts == pytest.approx(np.zeros(2), abs=0.003)
    twice = sole.scaled(2.0, np.full(3, np.nan))
    np.testing.assert_allclose(
        twice.ends(np.eye(3)[None], np.eye(3)[None]), 2 * sole.ends(np.eye(3)[None], np.eye(3)[None])
    )


@pytest.mark.parametrize("fps", [30.0, 120.0])
def test_corrections_are_followed_and_come_back_without_swinging_over(fps):
    t = np.arange(round(4 * fps)) / fps
    known = (t > 1.0) & (t < 2.0)
    c = eased(np.where(known, 0.1, 0.0)[:, None], known.astype(float), fps, firm=0.02, loose=0.05)[:, 0]
    np.testing.assert_allclose(c[(t > 1.1) & (t < 1.9)], 0.1, atol=1e-3)
    np.testing.assert_allclose(c[(t < 0.5) | (t > 2.5)], 0.0, atol=5e-4)
    assert c.min() > -1e-3
    assert eased(np.ones((2, 1)), np.ones(2), fps, firm=0.02, loose=0.05).shape == (2, 1)


def test_a_foot_on_its_toes_rolls_until_its_leg_reaches(rng):
    T = 50
    hip, pivot = np.tile((0.0, 0.0, 0.9), (T, 1)), np.tile((0.0, -0.05, 0.02), (T, 1))
    goal, across = np.tile((0.0, 0.06, 0.1), (T, 1)), np.tile((1.0, 0.0, 0.0), (T, 1))  # to the left
    now = np.linalg.norm(goal - hip, axis=1)
    wanted = now + rng.uniform(-0.02, 0.01, size=T)
    turn = exp_map(roll(hip, goal, pivot, across, wanted, np.full(T, 1.0))[:, None] * across)
    rolled = pivot + (turn @ (goal - pivot)[..., None])[..., 0]
    assert np.abs(np.linalg.norm(rolled - hip, axis=1) - wanted).max() < 0.25 * np.abs(wanted - now).max()
    flat = roll(hip, goal, pivot, across, now + 0.02, np.zeros(T))
    assert np.abs(flat).max() < 1e-6  # a heel on the ground does not go under it


def test_travel_can_be_the_objects_or_be_left_away(body, walk):
    target = skeleton(body)
    _, hips = played(target, retarget(walk, body, target))
    moved = retarget(walk, body, target, root="object")
    np.testing.assert_allclose(played(target, moved)[1], hips, atol=1e-9)
    assert np.ptp(moved.object_shift[:, :2], axis=0).max() > 1.0
    assert (moved.object_shift[:, 2] == 0).all()
    still = retarget(walk, body, target, in_place=True)
    assert np.ptp(played(target, still)[1][:, 0, :2], axis=0).max() < 0.2
    assert not still.object_shift.any()


@pytest.mark.parametrize("relative", [False, True])
def test_a_root_bone_travels_and_turns_below_the_hips_which_keep_the_rest(body, walk, rng, relative):
    turning = replace(walk, poses=walk.poses.copy())
    spin = exp_map(np.linspace(0.0, 5.0, len(walk))[:, None] * np.array([0.0, 0.0, 1.0]))
    turning.poses[:, 0] = log_map(spin @ exp_map(walk.poses[:, 0]))
    target = skeleton(body, turns=A_POSE, rng=rng, axes=TURNED @ Y_UP, unit=0.01)
    target.to_take[:3, 3] = (7.0, 3.0, 1.0)
    root = np.eye(4)
    root[:3, :3], root[:3, 3] = exp_map(rng.normal(size=3)), (4.0, 2.0, -3.0)
    target = replace(target, root=root)
    hips = retarget(turning, body, target, relative=relative)
    done = retarget(turning, body, target, relative=relative, root="bone")
    (rotations, places), (before, there) = played(target, done), played(target, hips)
    np.testing.assert_allclose(places, there, atol=1e-9)
    np.testing.assert_allclose(rotations, before, atol=1e-9)
    own = np.tile(np.eye(4), (len(walk), 1, 1))
    own[:, :3, :3], own[:, :3, 3] = done.root_rotations, done.root_location
    world = target.to_take @ root @ own
    pair = [target.names.index("left_hip"), target.names.index("right_hip")]
    if not relative:  # where the take is level
        np.testing.assert_allclose(world[:, :2, 3], places[:, pair, :2].mean(axis=1), atol=1e-9)
        np.testing.assert_allclose(world[:, 2, 3], world[0, 2, 3], atol=1e-9)
        turn = world[:, :3, :3] @ np.linalg.inv(world[0, :3, :3])
        np.testing.assert_allclose(turn[:, 2], np.tile((0.0, 0.0, 1.0), (len(walk), 1)), atol=1e-9)
        turned = np.unwrap(np.arctan2(turn[:, 1, 0], turn[:, 0, 0]))
        assert turned[-1] == pytest.approx(5.0, abs=0.3)
    with pytest.raises(lsmpl.LsmplError, match="no bone that could travel"):
        retarget(walk, body, replace(target, root=None), root="bone")


def test_a_motion_can_play_about_the_character(body, stroll, rng):
    still = skeleton(body, stroll.betas, turns=A_POSE, rng=np.random.default_rng(1))
    moved = skeleton(body, stroll.betas, turns=A_POSE, rng=np.random.default_rng(1), unit=0.01, axes=TURNED @ Y_UP)
    moved.to_take[:3, 3] = (7.0, 3.0, 1.0)
    one, other = (retarget(stroll, body, target, relative=True) for target in (still, moved))
    first, second = (
        played(replace(t, to_take=np.diag([s, s, s, 1.0])), d)[1]
        for t, d, s in ((still, one, 1.0), (moved, other, 0.01))
    )
    np.testing.assert_allclose(second @ (TURNED @ Y_UP), first, atol=2e-3)


def test_a_knee_bends_its_own_way_and_the_ankle_gets_there(rng):
    T = 200
    hip, knee, ankle = (np.tile(p, (T, 1)) for p in ((0.0, 0, 0.9), (0.0, -0.01, 0.5), (0.0, 0, 0.1)))
    goal = ankle + rng.normal(scale=0.15, size=(T, 3)) + (0.0, 0.0, 0.1)
    thigh, shin = two_bones(hip, knee, ankle, goal, np.tile((1.0, 0.0, 0.0), (T, 1)))
    new_knee = hip + (thigh @ (knee - hip)[..., None])[..., 0]
    new_ankle = new_knee + (shin @ (ankle - knee)[..., None])[..., 0]
    away = np.linalg.norm(goal - hip, axis=1)
    reachable = away < 0.7999
    np.testing.assert_allclose(new_ankle[reachable], goal[reachable], atol=1e-6)
    assert reachable.sum() > 100
    along = (goal - hip) / away[:, None]
    forward = new_knee - hip
    forward -= (forward * along).sum(axis=1, keepdims=True) * along
    assert (forward[:, 1] <= 1e-9).all()  # knees point forward, which is -Y


def test_the_way_a_rig_faces_is_found(body, rng):
    joints = body.rest_joints() @ TO_BLENDER.T
    for axes in (np.eye(3), Y_UP, TURNED, TURNED @ TURNED @ Y_UP):
        np.testing.assert_allclose(facing(joints @ axes.T), axes.T, atol=1e-12)
    joints[:, 0] = 0.0
    with pytest.raises(lsmpl.LsmplError, match="faces"):
        facing(np.where(np.arange(24)[:, None] == 0, joints, np.nan))


def test_smpls_own_rest_pose_needs_no_turn_and_differences_of_shape_are_left(body, rng):
    rest = body.rest_joints()
    np.testing.assert_allclose(alignments(rest @ TO_BLENDER.T, rest), np.broadcast_to(np.eye(3), (24, 3, 3)), atol=1e-7)
    other = body.rest_joints(rng.normal(size=10)) @ TO_BLENDER.T
    assert np.abs(alignments(other, rest) - np.eye(3)).max() > 1e-3
    assert (alignments(other, rest, tolerance=np.radians(10)) == np.eye(3)).all()


def test_without_a_pelvis_it_says_so(body, stroll):
    with pytest.raises(lsmpl.LsmplError, match="pelvis"):
        retarget(stroll, body, skeleton(body, leave_out=("pelvis",)))


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_the_shortest_takes_work(body, stroll, frames):
    target = skeleton(body, stroll.betas, turns=A_POSE)
    done = retarget(stroll.frames(slice(0, frames)), body, target)
    assert done.rotations.shape == (frames, 24, 3, 3)
    assert np.isfinite(done.rotations).all()
    assert np.isfinite(done.location).all()


def test_a_character_without_legs_is_scaled_by_its_trunk(body, stroll):
    parts = [name for name in JOINT_NAMES if name.split("_")[-1] in ("knee", "ankle", "foot")]
    target = skeleton(body, stroll.betas, leave_out=parts, unit=0.01)
    done = retarget(stroll, body, target)
    assert done.scale == pytest.approx(1.0, abs=1e-6)
    assert not done.placed
    assert exp_map(np.zeros(3)).shape == done.rotations.shape[2:]


@pytest.mark.parametrize("columns", [1, 20])
@pytest.mark.parametrize("frames", [1, 2, 3, 40])
def test_narrow_systems_are_solved(rng, frames, columns):
    lower = np.tril(rng.normal(size=(frames, frames)))
    lower *= np.subtract.outer(np.arange(frames), np.arange(frames)) <= 3
    full = lower @ lower.T + np.eye(frames)
    diagonals = np.zeros((4, frames))
    for k in range(min(4, frames)):
        diagonals[k, k:] = np.diagonal(full, -k)
    right = rng.normal(size=(frames, columns))
    np.testing.assert_allclose(full @ solve_diagonals(diagonals, right), right, atol=1e-9)

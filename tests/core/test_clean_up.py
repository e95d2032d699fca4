"""Clean-up as a whole, and its parts about the feet: what stands is found and held, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.clean_motion import clean_up_with_report
from lsmpl_core.cleaning.contacts import Contact, contact_mask, find_contacts, sliding, while_down
from lsmpl_core.cleaning.floor import Floor, FootPoints, estimate_floor, foot_points
from lsmpl_core.cleaning.foot_targets import places, raised
from lsmpl_core.cleaning.limits import bone_of, hinge_axis, limit_steps, swing_twist
from lsmpl_core.cleaning.lowest_skin import lowest_skin
from lsmpl_core.cleaning.slope import slope_of, turned
from lsmpl_core.progress import run_to_end
from lsmpl_core.rotation import angle_between, exp_map, log_map

FRAMES = 90
LOWER = ("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot")


def limited(motion, body):
    return run_to_end(limit_steps(motion, body))


def standing(body, trans=(0.0, 0.0, 1.5), degrees=0.0, seed=0) -> lsmpl.Motion:
    """A body with bent knees that stands where trans (3,) or (T,3) says; its legs tremble by so many degrees."""
    poses = np.zeros((FRAMES, 24, 3))
    poses[:, 0] = (np.pi / 2, 0.0, 0.0)
    for joint, bend in (("hip", -0.3), ("knee", 0.6), ("ankle", -0.3)):
        for side in ("left", "right"):
            poses[:, body.joint_names.index(f"{side}_{joint}"), 0] = bend
    rng = np.random.default_rng(seed)
    legs = [body.joint_names.index(name) for name in LOWER]
    poses[:, legs] += np.radians(degrees) * rng.normal(size=(FRAMES, len(legs), 3))
    return lsmpl.Motion(poses, np.broadcast_to(trans, (FRAMES, 3)), body=body.key)


def found(motion, body) -> tuple[float, np.ndarray]:
    points = foot_points(motion, body)
    floor = estimate_floor(points)
    return floor.height, contact_mask(find_contacts(points, floor, motion.fps), len(motion))


def lowest(body, motion) -> np.ndarray:
    return body.vertices(motion, correctives=False)[..., 2].min(axis=1)


def test_a_trembling_foot_that_stands_is_held_still(body):
    motion = standing(body, degrees=0.7)
    done, report = clean_up_with_report(motion, body)
    assert report.sliding_before > 0.3
    assert report.sliding_after < 0.003
    assert sliding(foot_points(done, body).positions, np.ones((FRAMES, 4), dtype=bool), 30.0) < 0.003


def test_the_upper_body_stays_when_feet_are_locked_and_hips_only_go_up_and_down(body):
    motion = standing(body, degrees=0.7)
    done = lsmpl.clean_up(motion, body, smooth=0.0, limits=False)
    others = [j for j, name in enumerate(body.joint_names) if name not in LOWER]
    np.testing.assert_array_equal(done.poses[:, others], motion.poses[:, others])
    np.testing.assert_array_equal(done.trans[:, :2], motion.trans[:, :2])
    assert np.abs(done.trans - motion.trans).max() < 0.0005
    assert np.abs(done.poses - motion.poses).max() > 0.01


def test_a_body_that_stands_touches_the_floor_with_all_points_throughout(body):
    height, mask = found(standing(body, degrees=0.5), body)
    assert mask.all()
    assert height == pytest.approx(np.median(lowest(body, standing(body))), abs=0.015)


def test_a_jump_has_no_contact_in_the_air(body):
    t = np.arange(FRAMES) / 30.0
    flight = np.maximum(0.0, 3.0 * (t - 1.0) - 0.5 * 9.81 * (t - 1.0) ** 2) * (t > 1.0)
    trans = np.stack([0.0 * t, 0.0 * t, 1.5 + flight], axis=1)
    _, mask = found(standing(body, trans, degrees=0.5), body)
    assert not mask[flight > 0.12].any()
    assert mask[:25].all() and mask[-20:].all()


@pytest.mark.parametrize("speed", [0.25, 0.8])
def test_a_foot_that_slides_over_the_floor_is_no_contact(body, speed):
    t = np.arange(FRAMES) / 30.0
    trans = np.stack([speed * t, 0.0 * t, np.full(FRAMES, 1.5)], axis=1)
    _, mask = found(standing(body, trans, degrees=0.3), body)
    assert mask.mean() < 0.05


def climbing(body, held: bool = False) -> lsmpl.Motion:
    """Two stairs of 17 cm: the left foot goes up, then the body and the right foot; or the left one is only held up."""
    motion = standing(body, degrees=0.2)
    t = np.arange(FRAMES) / 30.0
    up = np.clip((t - 0.5) / 0.4, 0.0, 1.0)
    follow = np.clip((t - 1.5) / 0.4, 0.0, 1.0) * (not held)
    poses = motion.poses.copy()
    lift = (3.0 * up**2 - 2.0 * up**3) - (3.0 * follow**2 - 2.0 * follow**3)
    for joint, bend in (("hip", -0.55), ("knee", 1.1), ("ankle", -0.55)):
        poses[:, body.joint_names.index(f"left_{joint}"), 0] += bend * lift
    done = replace(motion, poses=poses)
    height = foot_points(done, body).positions[-1, :2, 2].mean() - foot_points(motion, body).positions[-1, :2, 2].mean()
    stairs = foot_points(done, body).positions[40, :2, 2].mean() - foot_points(motion, body).positions[40, :2, 2].mean()
    assert stairs > 0.12 and (held or abs(height) < 0.01)
    return replace(done, trans=done.trans + stairs * (3.0 * follow**2 - 2.0 * follow**3)[:, None] * [0.0, 0.0, 1.0])


def test_feet_that_rest_on_a_step_stand_there(body):
    mask = found(climbing(body), body)[1]
    assert mask[:12].all()
    assert mask[32:42, :2].all() and mask[62:, :2].all() and mask[62:, 2:].all()
    assert not mask[48:54, 2:].any()


def test_a_foot_that_is_only_held_up_does_not_stand(body):
    mask = found(climbing(body, held=True), body)[1]
    assert not mask[32:, :2].any()
    assert mask[:, 2:].all()


def test_what_stands_on_a_slope_is_found_as_on_the_level(body, mocap):
    """The whole world tilted by ten degrees: a walk becomes one uphill."""
    motion = replace(lsmpl.Motion.load(mocap / "07_01.npz"), body=body.key)
    turn, pelvis = exp_map(np.radians(10.0) * np.array([1.0, 0.0, 0.0])), body.rest_joints(motion.betas)[0]
    poses = motion.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    slope = replace(motion, poses=poses, trans=(motion.trans + pelvis) @ turn.T - pelvis)
    level, tilted = found(motion, body)[1], found(slope, body)[1]
    assert (tilted & level).sum() > 0.7 * level.sum()
    assert (tilted & ~level).sum() < 0.1 * level.sum()


def test_feet_on_a_slope_stand_on_it_and_neither_stairs_nor_the_level_are_slopes(body, mocap):
    walk = replace(lsmpl.Motion.load(mocap / "35_01.npz"), body=body.key)
    way = walk.trans[-1] - walk.trans[0]
    tilt = exp_map(np.radians(7.0) * np.array([way[1], -way[0], 0.0]) / np.linalg.norm(way[:2]))
    done, report = clean_up_with_report(turned(walk, body, tilt), body, floor="auto")
    stands = contact_mask(list(report.contacts), len(done)).any(axis=1)
    low = (body.vertices(done, correctives=False)[stands] @ tilt[:, 2]).min(axis=1)
    assert np.ptp(np.percentile(low, [5, 95])) < 0.03
    assert report.raised == 0.0 and all(contact.on_floor for contact in report.contacts)
    for motion in (walk, climbing(body), standing(body, degrees=0.5)):
        np.testing.assert_array_equal(slope_of(foot_points(motion, body)), [0.0, 0.0, 1.0])


def test_a_walking_foot_is_locked_without_pops(body):
    """One foot stands while the other swings, and the body goes on at walking speed."""
    motion = standing(body, degrees=0.0)
    t = np.arange(FRAMES) / 30.0
    trans = motion.trans + np.stack([0.0 * t, 0.15 * np.sin(2.0 * t), 0.0 * t], axis=1)
    poses = motion.poses.copy()
    poses[:, 1, 0] -= 0.5 * np.maximum(0.0, np.sin(3.0 * t)) ** 2
    poses[:, 4, 0] += 0.8 * np.maximum(0.0, np.sin(3.0 * t)) ** 2
    motion = replace(motion, poses=poses, trans=trans)
    done = lsmpl.clean_up(motion, body, smooth=0.0)
    before, after = foot_points(motion, body).positions, foot_points(done, body).positions
    acceleration = [np.linalg.norm(np.diff(p, 2, axis=0), axis=-1).max() * 900.0 for p in (before, after)]
    assert acceleration[1] < acceleration[0] + 3.0


def knees(body, motion) -> np.ndarray:
    """(T,2) degrees by which the knees are bent."""
    hip, knee, ankle = (body.joints(motion)[:, [i, i + 1]] for i in (1, 4, 7))
    thigh, shin = knee - hip, ankle - knee
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(thigh, shin), axis=-1), (thigh * shin).sum(axis=-1)))


def straight_legs(body, rises: float) -> lsmpl.Motion:
    """A body on straight legs that is carried up and down again by so many metres, as noise in a recording does."""
    t = np.arange(FRAMES) / 30.0
    motion = standing(body)
    poses = motion.poses.copy()
    poses[:, [body.joint_names.index(name) for name in LOWER]] *= 0.1
    up = rises * np.exp(-(((t - 1.5) / 0.4) ** 2))
    return replace(motion, poses=poses, trans=motion.trans + up[:, None] * [0.0, 0.0, 1.0])


def test_hips_come_down_smoothly_where_straight_legs_would_not_reach(body):
    motion = straight_legs(body, rises=0.012)
    done, report = clean_up_with_report(motion, body, smooth=0.0)
    points = foot_points(done, body).positions
    assert len(report.contacts) == 4 and report.sliding_after < 0.002
    assert np.ptp(points[..., 2], axis=0).max() < 0.004, "feet leave the floor, or tip"
    assert 0.006 < (motion.trans - done.trans)[:, 2].max() < 0.014
    assert np.abs(np.diff(done.trans[:, 2], 2)).max() * 900.0 < 0.3
    assert np.abs(np.diff(knees(body, done), 2, axis=0)).max() < 1.0


def jolts(body, motion, recorded) -> np.ndarray:
    """(T-2,2) degrees a frame² by which knees accelerate more than the recording's within two frames."""
    ours, theirs = (np.abs(np.diff(knees(body, m), 2, axis=0)) for m in (motion, recorded))
    padded = np.pad(theirs, ((2, 2), (0, 0)), mode="edge")
    return ours - np.max([padded[i : i + len(theirs)] for i in range(5)], axis=0)


@pytest.mark.parametrize("floor", ["keep", "zero"])
def test_recorded_feet_roll_off_without_tipping_and_knees_do_not_pop(body, mocap, floor):
    """The left foot of this walk stands from frame 50 on, on a leg that gets straight as it rolls off by frame 70."""
    recorded = replace(lsmpl.Motion.load(mocap / "07_02.npz"), betas=np.zeros(10), body=body.key).frames(slice(0, 80))
    done = lsmpl.clean_up(recorded, body, floor=floor)
    points = foot_points(done, body)
    heel, toe = (points.positions[:, :2, 2] - estimate_floor(points).point_heights[:2]).T
    assert np.ptp(toe[56:69]) < 0.012, "toes stay on the floor as the heel rises"
    assert (heel - toe)[56:69].min() > -0.012
    assert np.diff(heel[62:70]).min() > -0.001, "the heel comes up, and not down again"


@pytest.mark.parametrize("name, frames", [("07_02", slice(40, 70)), ("14_21", slice(40, 110))])
def test_knees_stay_as_they_were_where_feet_are_locked(body, mocap, name, frames):
    """Legs that are nearly straight: a foot that moves by a centimetre must not stretch or bend its knee for it."""
    recorded = lsmpl.Motion.load(mocap / f"{name}.npz").frames(slice(0, 120))
    recorded = replace(recorded, betas=np.zeros(10), body=body.key)
    done = lsmpl.clean_up(recorded, body, floor="zero")
    assert np.abs(knees(body, done) - knees(body, recorded))[frames].max() < 13.0
    assert jolts(body, done, recorded)[frames].max() < 4.5


def feet_at(heights) -> FootPoints:
    """Points that stay level of where they are, at heights (T,4); their standing height is 0."""
    positions = np.concatenate(
        [np.tile([[0.0, 0.0], [0.0, -0.2]] * 2, (len(heights), 1, 1)), heights[..., None]], axis=2
    )
    return FootPoints(positions, positions, np.zeros(heights.shape), np.zeros(4))


def test_toes_that_dip_into_the_floor_come_up_no_higher_than_the_heel_and_standing_ones_stay():
    heights, t = np.zeros((FRAMES, 4)), np.arange(FRAMES)
    dip = np.exp(-(((t - 60) / 6.0) ** 2))
    heights[:, 0], heights[:, 1] = 0.1 * dip, -0.02 * dip
    heights[:, 2:] = -0.02 * dip[:, None]
    contacts = [Contact(1, 0, 45)]
    up = raised(feet_at(heights), np.zeros((FRAMES, 4, 3)), contacts, Floor(0.0, np.zeros(4)), 30.0)
    assert (heights + up)[:, 1].min() > -0.001
    assert up[:40, 1].max() < 1e-4 and np.abs(np.diff(up[:, 1], 2)).max() * 900.0 < 2.0
    np.testing.assert_array_equal(up[:, [0, 2, 3]], 0.0)


def test_what_stands_a_few_centimetres_off_the_floor_goes_there_and_what_is_on_a_step_stays():
    points, floor = feet_at(np.tile([0.005, -0.08, 0.035, 0.15], (FRAMES, 1))), Floor(0.0, np.zeros(4))
    contacts = [*find_contacts(points, floor, 30.0), Contact(3, 0, FRAMES, on_floor=False)]
    assert [contact.on_floor for contact in contacts] == [True, True, True, False]
    np.testing.assert_allclose(places(points, contacts, floor)[:, :, 2], np.tile([0.0, 0.0, 0.0, 0.15], (FRAMES, 1)))
    np.testing.assert_allclose(places(points, contacts, None)[:, :, 2], points.positions[..., 2])


def test_the_floor_goes_to_zero_or_stays(body):
    motion = standing(body, degrees=0.5)
    kept, zero = lsmpl.clean_up(motion, body), lsmpl.clean_up(motion, body, floor="zero")
    assert abs(np.median(lowest(body, zero))) < 0.01
    assert np.median(lowest(body, kept)) == pytest.approx(np.median(lowest(body, motion)), abs=0.01)


def test_a_floor_that_is_given_is_believed(body):
    motion = standing(body, degrees=0.2)
    true = np.median(lowest(body, motion))
    _, report = clean_up_with_report(motion, body, floor=float(true + 0.01))
    assert report.floor == pytest.approx(true + 0.01)
    done, report = clean_up_with_report(motion, body, floor=-1.0)
    assert report.floor == -1.0
    assert np.median(lowest(body, done)) == pytest.approx(true, abs=0.01)


def test_a_knee_that_bends_backwards_is_straightened_and_the_foot_stays_near(body):
    motion = standing(body)
    knee = body.joint_names.index("left_knee")
    bone = bone_of(knee, body.rest_joints())
    hinge = hinge_axis("left_knee", bone)
    poses = motion.poses.copy()
    poses[:, knee] = -0.5 * np.exp(-(((np.arange(FRAMES) - 45) / 10.0) ** 2))[:, None] * hinge
    bent = replace(motion, poses=poses)
    done = limited(bent, body)
    swing, _ = swing_twist(exp_map(done.poses[:, knee]), bone)
    assert np.degrees(swing @ hinge).min() > -10.5
    assert np.linalg.norm(body.joints(done) - body.joints(bent), axis=-1).max() < 0.06
    np.testing.assert_array_equal(done.poses[:10], bent.poses[:10])


def test_a_wrung_limb_is_unwrung_also_beyond_half_a_turn(body):
    shoulder = body.joint_names.index("left_shoulder")
    bone = bone_of(shoulder, body.rest_joints())
    twist = np.radians(210.0) * np.sin(np.linspace(0.0, np.pi, FRAMES))
    motion = standing(body)
    poses = motion.poses.copy()
    poses[:, shoulder] = log_map(exp_map(twist[:, None] * bone))
    done = exp_map(limited(replace(motion, poses=poses), body).poses[:, shoulder])
    _, left = swing_twist(done, bone)
    assert np.degrees(np.abs(left)).max() < 150.5
    assert np.degrees(angle_between(done[1:], done[:-1])).max() < 12.0


def test_limits_take_no_limb_elsewhere(body, rng):
    """Others write arms with turns that no joint has: limits threw them by half a metre."""
    motion = standing(body)
    arms = [body.joint_names.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "elbow")]
    keys = rng.normal(scale=1.5, size=(7, len(arms), 3))
    at = np.linspace(0.0, 6.0, FRAMES)
    poses = motion.poses.copy()
    poses[:, arms] = np.stack([np.interp(at, range(7), k) for k in keys.reshape(7, -1).T], 1).reshape(FRAMES, -1, 3)
    wild = replace(motion, poses=poses)
    before, after = body.joints(wild), body.joints(limited(wild, body))
    assert np.linalg.norm(after - before, axis=-1).max() < 0.1
    jumps = np.linalg.norm(np.diff(after - before, axis=0), axis=-1)
    assert jumps.max() < 0.05


def test_swing_and_twist_make_up_the_rotation(rng):
    bone = np.array([0.6, 0.0, 0.8])
    rotations = exp_map(np.cumsum(0.1 * rng.normal(size=(50, 3)), axis=0))
    swing, twist = swing_twist(rotations, bone)
    np.testing.assert_allclose(exp_map(swing) @ exp_map(twist[:, None] * bone), rotations, atol=1e-9)
    np.testing.assert_allclose(swing @ bone, 0.0, atol=1e-9)


def test_recorded_motion_is_within_the_limits(body, mocap):
    motion = lsmpl.Motion.load(mocap / "01_01.npz")
    changed = (limited(motion, body).poses != motion.poses).any(axis=(1, 2))
    assert changed.mean() < 0.02


def test_recorded_feet_stop_sliding(body, mocap):
    motion = lsmpl.Motion.load(mocap / "02_02.npz").frames(slice(0, 150))
    motion = replace(motion, body=body.key)
    rng = np.random.default_rng(0)
    turns = exp_map(np.radians(1.0) * rng.normal(size=motion.poses.shape))
    shaky = replace(motion, poses=log_map(exp_map(motion.poses) @ turns))
    _, report = clean_up_with_report(shaky, body)
    assert len(report.contacts) >= 4
    assert report.sliding_before > 0.1
    assert report.sliding_after < 0.005


def test_nothing_asked_for_is_nothing_done(body, stroll):
    done = lsmpl.clean_up(stroll, body, smooth=0.0, lock_feet=False, limits=False)
    np.testing.assert_array_equal(done.poses, stroll.poses)


def test_the_motion_that_comes_in_stays_as_it_is(body):
    motion = standing(body, degrees=1.0)
    poses = motion.poses.copy()
    lsmpl.clean_up(motion, body, floor="zero", fps=60.0)
    np.testing.assert_array_equal(motion.poses, poses)


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_short_takes_are_no_error(body, frames):
    done = lsmpl.clean_up(standing(body).frames(slice(0, frames)), body, floor="zero", fps=60.0)
    assert done.fps == 60.0


@pytest.mark.parametrize("wrong", [{"floor": "down"}, {"floor": float("nan")}, {"smooth": -1.0}, {"fps": 0.0}])
def test_wrong_arguments_are_errors(body, stroll, wrong):
    with pytest.raises(lsmpl.LsmplError, match=r"expected|takes have"):
        lsmpl.clean_up(stroll, body, **wrong)


@pytest.mark.parametrize(
    ("name", "lift"),
    [("35_01", 0.04), ("02_08", -0.03), ("02_02", 0.0), ("08_01", 0.0), ("10_02", 0.1), ("135_03", 0.0)],
)
def test_soles_of_standing_feet_neither_hover_nor_sink(body, mocap, name, lift):
    """Height 0 is where a floor is meant to be that is a few centimetres from there; feet that roll on their edges,
    dip their toes or stand some centimetres off it are on it, too."""
    recorded = lsmpl.Motion.load(mocap / f"{name}.npz")
    lifted = replace(recorded, trans=recorded.trans + [0.0, 0.0, lift])
    done, report = clean_up_with_report(lifted, body, floor="auto")
    standing = contact_mask(list(report.contacts), len(done)).any(axis=1)
    low = lowest_skin(done, body)
    assert np.mean(low < -0.015) < 0.01 and np.mean(low[standing] > 0.015) < 0.01
    assert report.raised == pytest.approx(-report.floor)


def test_a_floor_far_from_zero_stays_unless_it_is_to_go_there(body, mocap):
    recorded = lsmpl.Motion.load(mocap / "35_01.npz")
    lifted = replace(recorded, trans=recorded.trans + [0.0, 0.0, 0.6])
    _, report = clean_up_with_report(lifted, body, floor="auto")
    assert report.raised == 0.0 and report.floor == pytest.approx(0.6, abs=0.05)


def test_a_contact_at_two_heights_is_where_its_lower_half_is():
    heights = np.zeros((20, 4, 3))
    heights[10:, :, 2] = 0.5
    points = FootPoints(heights, heights, np.zeros((20, 4)), np.zeros(4))
    assert while_down(Contact(0, 0, 20), points) == Contact(0, 0, 10)

"""Takes that know no place in the room are recognised, and go where their feet stand."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.cleaning.lowest_skin import lowest_skin
from lsmpl_core.cleaning.travel import GRAVITY, TRAVEL, _thrown, travel_from_feet
from lsmpl_core.errors import SolveError
from lsmpl_core.keypoints.hips_centred import is_hips_centred, travel_decision
from lsmpl_core.motion import Motion


def pelvis(motion, body):
    return motion.trans + body.rest_joints(body.betas_of(motion))[0]


def hips_centred(track):
    hips = [track.layout.sites.index(f"{side}_hip") for side in ("left", "right")]
    return replace(track, positions=track.positions - track.positions[:, hips].mean(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def walk(mocap):
    return Motion.load(mocap / "35_01.npz")


def test_lowest_skin_is_that_of_all_vertices(walk, body):
    few = walk.frames(slice(0, 20))
    np.testing.assert_allclose(
        lowest_skin(few, body), body.vertices(few, correctives=False)[..., 2].min(axis=1), atol=0.003
    )


def test_takes_around_the_hips_are_recognised_and_no_others(walk, body):
    track = body.keypoints(walk, "mediapipe_33")
    assert not is_hips_centred(track) and travel_decision(track) is None
    centred = hips_centred(track)
    assert is_hips_centred(centred) and "relative to the hips" in str(travel_decision(centred))
    assert is_hips_centred(replace(centred, positions=np.round(centred.positions, 3)))
    assert is_hips_centred(replace(centred, positions=centred.positions + [0.0, 1.0, 3.0]))
    pelvis_only = body.keypoints(walk, "smpl_24")
    assert is_hips_centred(replace(pelvis_only, positions=pelvis_only.positions - pelvis_only.positions[:, :1]))


def test_somebody_who_stands_in_a_room_is_not_taken_to_be_around_the_hips(walk, body, rng):
    still = replace(walk, poses=walk.poses[[0] * len(walk)], trans=walk.trans[[0] * len(walk)])
    track = body.keypoints(still)
    assert not is_hips_centred(track)
    assert not is_hips_centred(
        replace(track, positions=track.positions + 0.003 * rng.normal(size=track.positions.shape))
    )


def test_a_walk_around_the_hips_travels_as_it_did_and_stands_on_the_floor(walk, body):
    here = replace(walk, trans=walk.trans - pelvis(walk, body))
    found = travel_from_feet(here, body)
    there = replace(here, trans=here.trans + found.offset)
    way = pelvis(walk, body)[-1] - pelvis(walk, body)[0]
    np.testing.assert_allclose(pelvis(there, body)[-1, :2] - pelvis(there, body)[0, :2], way[:2], atol=0.04 * 3.4)
    low = lowest_skin(there, body)
    assert (np.abs(low) < 0.02).all()
    assert not found.unclear.any() and found.decision.basis == "detected"


def test_a_jump_leaves_the_floor_and_a_walk_does_not(mocap, walk, body):
    jump = Motion.load(mocap / "16_01.npz")
    true = pelvis(jump, body)
    here = replace(jump, trans=jump.trans - true)
    found = travel_from_feet(here, body)
    there = pelvis(replace(here, trans=here.trans + found.offset), body)
    assert (found.bearing < 0).any() and "in the air" in found.decision.reason
    rise = np.ptp(true[:, 2])
    assert np.ptp(there[:, 2]) == pytest.approx(rise, abs=0.3 * rise)
    assert not (travel_from_feet(walk, body).bearing < 0).any()


def test_who_has_landed_is_not_thrown_again():
    """Legs that were drawn up in the air stretch before they land: only as seen from the feet does the body rise."""
    t = np.arange(60) / 30.0
    flight = np.maximum(2.5 * (t - 0.5) - 0.5 * GRAVITY * (t - 0.5) ** 2, 0.0) * (t > 0.5)
    aloft, crouch = flight > 0.0, 0.15 * np.clip((t - 1.0) / 0.3, 0.0, 1.0)
    drawn_up = 0.2 * np.sin(np.pi * (t - 0.5) / 0.51) * aloft
    from_feet = 1.0 + 2.5 * np.clip(t - 0.5, -0.1, 0.0) - crouch - drawn_up
    thrown = _thrown(from_feet, 30.0) > from_feet + 0.01
    assert thrown[aloft][1:-1].all() and not thrown[~aloft][18:].any()


def test_a_run_around_the_hips_goes_on_between_its_steps(mocap, body):
    """A step of a run is short, and another flight is near: its velocity must not be taken from there."""
    run = Motion.load(mocap / "127_31.npz")
    here = replace(run, trans=run.trans - pelvis(run, body))
    found = here.trans + travel_from_feet(here, body).offset
    went, goes = (np.linalg.norm(np.diff(trans[::6, :2], axis=0), axis=1).sum() for trans in (run.trans, found))
    assert abs(goes - went) < 0.1 * went


def test_solving_travels_where_keypoints_do_not_and_keeps_what_is_asked_for(walk, body):
    track = hips_centred(body.keypoints(walk.frames(slice(0, 40)), "mediapipe_33"))
    betas = walk.betas if walk.body in ("", body.key) else np.zeros(10)
    motion = lsmpl.solve(track, body, betas=betas)
    assert motion.travel is not None and any(d.what == TRAVEL for d in motion.decisions)
    true = pelvis(walk, body)[39] - pelvis(walk, body)[0]
    np.testing.assert_allclose((pelvis(motion, body)[-1] - pelvis(motion, body)[0])[:2], true[:2], atol=0.1)
    kept = lsmpl.solve(track, body, betas=betas, options=lsmpl.SolveOptions(travel="keep"))
    assert kept.travel is None
    np.testing.assert_allclose(kept.trans + motion.travel, motion.trans, atol=1e-6)
    with pytest.raises(SolveError, match="travel"):
        lsmpl.SolveOptions(travel="there").checked()


def test_travel_is_kept_with_the_motion(walk, body, tmp_path):
    motion = replace(walk, travel=np.ones((len(walk), 3)))
    motion.save(tmp_path / "walk.npz")
    np.testing.assert_array_equal(Motion.load(tmp_path / "walk.npz").travel, motion.travel)
    assert len(motion.frames(slice(3, 9)).travel) == 6

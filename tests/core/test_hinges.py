"""Whether a skeleton has hinges: collars and spine, which keypoints show, tell of limbs, whose turns they do not."""

from dataclasses import replace

import numpy as np
import pytest
from test_markers import PLUG_IN_GAIT

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.landmarks import on_skin, parse_landmark
from lsmpl_core.body.sites import site_parts
from lsmpl_core.marker_calibration.calibrate_markers import likelier
from lsmpl_core.marker_calibration.marker_fit import MarkerFit
from lsmpl_core.readers.markers import recognise
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.hinges import kind_of_sharing, log_odds_of_hinges
from lsmpl_core.solver.limb_planes import Sharing
from lsmpl_core.solver.options import SolveOptions
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.settling import settle
from lsmpl_core.solver.start import cold_start

redistribution = pytest.importorskip("training.redistribution", reason="needs what training needs")
NOISE = 0.005


@pytest.fixture(scope="module", params=["02_02", "14_30"])
def recorded(request, mocap, body):
    """Two seconds of motion that was converted from a skeleton with hinges."""
    motion = lsmpl.Motion.load(mocap / f"{request.param}.npz")
    step = max(1, round(motion.fps / 30.0))
    return replace(motion.frames(slice(0, 60 * step, step)), fps=30.0, betas=np.zeros(10), body=body.key)


def as_people_share(motion, body):
    rotations = redistribution.redistributed(
        exp_map(motion.poses), body.rest_joints(motion.betas), np.random.default_rng(0)
    )
    return replace(motion, poses=log_map(rotations))


def cold(motion, body):
    """Frames solved from noisy keypoints alone, and the problem that they are of."""
    track = body.keypoints(motion, "body_25")
    noisy = replace(
        track, positions=track.positions + NOISE * np.random.default_rng(1).normal(size=(len(track), 25, 3))
    )
    parts = site_parts(body, track.layout.sites)
    problem = Problem.of(noisy, body, parts, motion.betas, choose_backend("numpy"), SolveOptions(noise=NOISE))
    frames = np.arange(0, len(track), 10)
    return problem, cold_start(problem, frames, thorough=False)[0], frames


def test_recorded_motion_is_known_by_its_keypoints_and_people_are_not_taken_for_it(recorded, body):
    assert kind_of_sharing(*cold(recorded, body)).hinged
    assert not kind_of_sharing(*cold(as_people_share(recorded, body), body)).hinged


def test_frames_that_are_the_same_tell_no_more_than_one(recorded, body):
    problem, poses, _ = cold(recorded, body)
    first = Poses(poses.rotations[[0] * 4], poses.trans[[0] * 4])
    odds = [log_odds_of_hinges(problem, first[np.arange(n)], np.zeros(n, dtype=int)) for n in (1, 4)]
    assert odds[0] == pytest.approx(odds[1], abs=1e-6)


def test_limbs_of_a_take_with_hinges_are_solved_as_hinges(recorded, body):
    problem, poses, frames = cold(recorded, body)
    hinged = problem.sharing_as(kind_of_sharing(problem, poses, frames))
    off = [
        np.degrees(angle_between(settle(p, poses, frames, 15).rotations, exp_map(recorded.poses[frames]))[:, 16:20])
        for p in (problem, hinged)
    ]
    assert off[1].mean() < 0.6 * off[0].mean()


def markers_on(motion, body):
    """Plug-in Gait's, on the mesh, 1 to 3 cm from where their names say."""
    layout, rng, vertices = recognise(PLUG_IN_GAIT, "recorded").layout, np.random.default_rng(3), []
    for site in layout.sites:
        skin = on_skin(body, parse_landmark(site))
        apart = np.linalg.norm(body.v_template - skin.shares @ body.v_template[skin.vertices], axis=1)
        vertices.append(rng.choice(np.flatnonzero((apart > 0.01) & (apart < 0.03))))
    return lsmpl.KeypointTrack(body.vertices(motion)[:, vertices].astype(float), layout=layout, fps=motion.fps)


def fitted(motion, body):
    """Markers on 16 frames of the motion, fitted as a person's, and as those of a skeleton with hinges."""
    track = markers_on(motion.frames(slice(0, 48, 3)), body)
    fits = [MarkerFit(track, body, None, sharing) for sharing in (Sharing.of_anybody(), Sharing.of_hinges())]
    for fit in fits:
        fit.begin()
        for _ in range(4):
            fit.improve(settled=False)
    return fits


@pytest.mark.parametrize("recorded", ["02_02"], indirect=True)
def test_markers_are_calibrated_as_whose_motion_they_show(recorded, body):
    person, hinged = fitted(recorded, body)
    assert likelier(person, hinged) is hinged
    truth = exp_map(recorded.poses[0:48:3, 16:20])
    off = [angle_between(fit.poses.rotations[:, 16:20], truth).mean() for fit in (person, hinged)]
    assert off[1] < 0.8 * off[0]

    person, hinged = fitted(as_people_share(recorded, body), body)
    assert likelier(person, hinged) is person


@pytest.mark.parametrize("recorded", ["02_02"], indirect=True)
def test_a_single_pose_of_markers_is_a_persons(recorded, body):
    person, hinged = fitted(recorded.frames(np.zeros(60, dtype=int)), body)
    assert likelier(person, hinged) is person

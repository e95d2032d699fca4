"""Whether a solved motion is to be trusted is said, with what was probably read wrong."""

from dataclasses import replace

import numpy as np
import pytest
from field_inputs import Take
from test_markers import PLUG_IN_GAIT

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.landmarks import parse_landmark
from lsmpl_core.body.sites import site_parts
from lsmpl_core.calibration.calibration import Calibration
from lsmpl_core.errors import MotionFileError
from lsmpl_core.judgement import EXCHANGED, FEW, NOT_TRUSTED, judged, not_trusted
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.keypoints.plausibility import clearest_exchange
from lsmpl_core.keypoints.track import KeypointTrack
from lsmpl_core.readers.markers import recognise
from lsmpl_core.rotation import exp_map
from lsmpl_core.solver.determined import undetermined
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem

BODY_25 = lsmpl.get_layout("body_25")


@pytest.fixture(scope="module")
def taken(body, stroll):
    """A track and a motion that meets it."""
    motion = stroll.frames(slice(0, 20))
    track = body.keypoints(motion, BODY_25)
    return replace(track, decisions=()), replace(motion, residual=np.full((20, 25), 0.008), body=body.key)


def whats(doubts):
    return [doubt.what for doubt in doubts]


def test_a_good_solve_is_trusted(body, taken):
    track, motion = taken
    assert judged(motion, body, track) == []


def test_a_take_without_depth_is_not_however_well_it_is_met(body, taken):
    track, motion = taken
    flat = lsmpl.Decision("depth", "none", "assumed", "all points are in one plane")
    assert "one plane" in judged(motion, body, replace(track, decisions=(flat,)))[0].reason


def test_misses_of_several_centimetres_are_not(body, taken):
    track, motion = taken
    doubt = judged(replace(motion, residual=np.full((20, 25), 0.09)), body, track)[0]
    assert doubt.what == NOT_TRUSTED and "90 mm" in doubt.reason and "--layout" in doubt.reason and doubt.doubtful


def test_markers_and_skeletons_joints_are_met_more_closely_than_a_detectors_keypoints(body, taken):
    track, motion = taken
    missed = replace(motion, residual=np.full((20, 25), 0.03))
    assert judged(missed, body, track) == []
    for name, site, said in (("bones", "left_knee", "proportions"), ("markers", "left_knee left", "names")):
        sites = tuple(site if old == "left_knee" else old for old in BODY_25.sites)
        layout = lsmpl.Layout(name, BODY_25.keypoints, sites=sites)
        reasons = judged(missed, body, replace(track, layout=layout))[0].reason
        assert "30 mm" in reasons and said in reasons


def test_bones_that_are_no_persons_are_not(body, taken):
    track, motion = taken
    assert "no person's" in judged(replace(motion, betas=np.full(10, 20.0)), body, track)[0].reason


@pytest.mark.parametrize(("order", "layout"), [("body_19", "panoptic_19"), ("mpi_inf_3dhp_17", "human36m_17")])
def test_keypoints_that_are_solved_in_a_wrong_order_are_not(body, order, layout):
    take = Take(body, "07_01", slice(10, 30))
    track = KeypointTrack(take.order(order), layout=LAYOUTS[layout])
    assert not_trusted(lsmpl.solve(track, body))


def test_keypoints_that_lie_elsewhere_on_the_body_are_not(body, taken):
    track, motion = taken
    parts, rng = site_parts(body, BODY_25.sites), np.random.default_rng(0)
    for apart, trusted in ((0.03, True), (0.15, False)):
        offsets = apart / np.sqrt(3.0) * rng.normal(size=(25, 3))
        calibration = Calibration.of_layout(body, BODY_25, motion.betas, parts, offsets)
        reasons = [doubt.reason for doubt in judged(replace(motion, calibration=calibration), body, track)]
        assert (reasons == []) == trusted and ("--layout" in "".join(reasons)) != trusted


def test_a_body_on_its_side_is_not_unless_up_was_given_or_stated(body, taken):
    track, motion = taken
    lying = motion.poses.copy()
    lying[:, 0] = [0.0, 0.0, np.pi / 2]
    lying = replace(motion, poses=lying)
    assert "--up" in judged(lying, body, track)[0].reason
    for basis in ("given", "file"):
        said = replace(track, decisions=(lsmpl.Decision("up", "z", basis),))
        assert judged(lying, body, said) == []


def parts_left_open(body, motion, keep, layout=BODY_25, hide=0):
    """The parts that keypoints whose names `keep` says of do not determine; `hide`: how many frames lack the others."""
    track = body.keypoints(motion, layout)
    gone = np.array([not keep(name) for name in layout.keypoints])
    track.positions[hide:, gone] = np.nan
    track = replace(track)
    betas = np.zeros(10)
    problem = Problem.of(
        track, body, site_parts(body, layout.sites), betas, choose_backend("numpy"), lsmpl.SolveOptions()
    )
    return list(undetermined(problem, Poses(exp_map(motion.poses), motion.trans)))


LIMBS = ["the left arm", "the right arm", "the left leg", "the right leg"]
HEAD = ("nose", "eye", "ear")


@pytest.mark.parametrize(
    ("keep", "left_open"),
    [
        (lambda name: True, []),
        (lambda name: name in ("left_shoulder", "left_hip", "right_hip"), ["the head", *LIMBS]),
        (lambda name: name in ("mid_hip", "neck", "nose"), LIMBS),
        (
            lambda name: any(part in name for part in ("hip", "knee", "ankle", "heel", "toe")),
            ["the trunk", "the head", *LIMBS[:2]],
        ),
        (lambda name: name not in ("left_elbow", "left_wrist"), ["the left arm"]),
        (lambda name: name != "right_wrist", ["the right forearm"]),
        (lambda name: "knee" not in name, []),  # between hip and ankle
        (
            lambda name: not any(part in name for part in ("left_ankle", "left_heel", "left_big", "left_small")),
            ["the left lower leg"],
        ),
        (lambda name: not any(part in name for part in HEAD), ["the head"]),
    ],
)  # fmt: skip
def test_what_keypoints_leave_open_is_named(body, stroll, keep, left_open):
    assert parts_left_open(body, stroll.frames(slice(0, 20)), keep) == left_open


@pytest.mark.parametrize("name", ["coco_17", "smpl_24", "human36m_17", "mpi_inf_3dhp_17", "kinect_20", "mediapipe_33"])
def test_usual_layouts_leave_nothing_open(body, stroll, name):
    assert parts_left_open(body, stroll.frames(slice(0, 20)), lambda _: True, lsmpl.get_layout(name)) == []


def test_an_arm_that_is_seen_in_most_frames_is_not_left_open(body, stroll):
    def keep(name):
        return name not in ("left_elbow", "left_wrist")

    motion = stroll.frames(slice(0, 20))
    assert parts_left_open(body, motion, keep, hide=15) == []
    assert parts_left_open(body, motion, keep, hide=5) == ["the left arm"]


def test_doubts_come_with_the_motion_and_give_the_exit_code(tmp_path, body, taken, capsys):
    from lsmpl_core.cli.main import main

    track, _ = taken
    three = [BODY_25.index(name) for name in ("left_shoulder", "left_hip", "right_hip")]
    np.save(tmp_path / "three.npy", track.positions[:, three])
    (tmp_path / "map.json").write_text('{"keypoints": ["left_shoulder", "left_hip", "right_hip"]}')
    arguments = ["convert", str(tmp_path / "three.npy"), "-o", str(tmp_path / "three.npz")]
    assert main([*arguments, "--layout", str(tmp_path / "map.json"), "--unit", "m", "--up", "z"]) == 0
    assert len(lsmpl.Motion.load(tmp_path / "three.npz")) == 20
    err = capsys.readouterr().err
    assert f"{FEW}: do not determine the head, the left arm, the right arm, the left leg, the right leg" in err
    assert "cm at best" in err
    rng = np.random.default_rng(0)
    np.save(tmp_path / "noise.npy", track.positions + rng.normal(scale=0.08, size=track.positions.shape))
    arguments = ["convert", str(tmp_path / "noise.npy"), "-o", str(tmp_path / "noise.npz"), "--layout", "body_25"]
    assert main([*arguments, "--unit", "m", "--up", "z"]) == 3
    out, err = capsys.readouterr()
    assert "NOT TO BE TRUSTED" in out and f"{NOT_TRUSTED}: no" in err
    assert lsmpl.Motion.load(tmp_path / "noise.npz") is not None
    assert not_trusted(lsmpl.Motion.load(tmp_path / "noise.npz")) == ""


@pytest.mark.parametrize(
    "change", [{"trans": np.full((20, 3), 1e300)}, {"poses": np.full((20, 72), 1e30)}, {"betas": np.full(10, 1e6)},
               {"fps": 1e-320}, {"fps": 1e30}],
)  # fmt: skip
def test_numbers_that_are_nobodys_make_no_motion(taken, change):
    _, motion = taken
    with pytest.raises(MotionFileError, match=r"at most|frames a second"):
        replace(motion, **change)


@pytest.mark.parametrize("change", [{"first_frame": 2**70}, {"calibration": Calibration("", np.zeros(10), {})}])
def test_what_could_not_be_read_again_is_not_written(tmp_path, taken, change):
    _, motion = taken
    (tmp_path / "old.npz").write_text("as it was")
    with pytest.raises(MotionFileError, match="not written"):
        replace(motion, **change).save(tmp_path / "old.npz")
    assert (tmp_path / "old.npz").read_text() == "as it was"


def exchanged(track, *parts):
    """The track with left and right of some keypoints the other way round."""
    names = track.layout.keypoints
    order = list(range(len(names)))
    for left in (name for name in names if name.startswith("left_") and name[5:] in parts):
        right = left.replace("left", "right")
        order[names.index(left)], order[names.index(right)] = names.index(right), names.index(left)
    return replace(track, positions=track.positions[:, order])


FEET = ("heel", "big_toe", "small_toe")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            ("hip", "knee", "ankle", *FEET),
            "left and right of the hips are the other way round than those of the shoulders",
        ),
        (("knee", "ankle", *FEET), "left and right of the knees are the other way round than those of the hips"),
        (("ankle", *FEET), "left and right of the ankles are the other way round than those of the knees"),
        (("wrist",), "left wrist and right wrist are likelier the other way round"),
    ],
)
def test_exchanged_legs_are_not_trusted_however_well_they_are_met(body, taken, parts, said):
    track, motion = taken
    assert said in not_trusted(replace(motion, decisions=judged(motion, body, exchanged(track, *parts))))


@pytest.mark.parametrize(("one", "other"), [("wrist", "elbow"), ("knee", "ankle")])
def test_two_keypoints_of_a_limb_with_each_others_name_are_not_trusted(body, taken, one, other):
    track, motion = taken
    order = list(range(len(track.layout)))
    a, b = (track.layout.index(f"left_{part}") for part in (one, other))
    order[a], order[b] = b, a
    wrong = replace(track, positions=track.positions[:, order])
    assert "likelier the other way round" in not_trusted(replace(motion, decisions=judged(motion, body, wrong)))


def test_a_skeleton_of_odd_proportions_has_no_exchanged_joints(body, taken):
    """Of bones that keep their lengths none is another's, however long it is."""
    track, _ = taken
    at = track.positions.copy()
    hip, knee, ankle = (track.positions[:, track.layout.index(f"left_{part}")] for part in ("hip", "knee", "ankle"))
    at[:, track.layout.index("left_knee")] += 0.3 * (knee - hip)
    for part in ("ankle", *FEET):
        at[:, track.layout.index(f"left_{part}")] += 0.3 * (knee - hip) - 0.3 * (ankle - knee)
    assert clearest_exchange(at, track.layout)[0] <= EXCHANGED


def test_a_mirrored_take_is_not_trusted_unless_somebody_said_that_it_is_right(body, taken):
    track, motion = taken
    mirrored = replace(track, positions=track.positions * [1.0, -1.0, 1.0])
    assert "point backward" in not_trusted(replace(motion, decisions=judged(motion, body, mirrored)))
    mirrored = replace(mirrored, decisions=(lsmpl.Decision("mirrored", "no", "given"),))
    assert judged(motion, body, mirrored) == []


def test_exchanged_legs_of_markers_are_not_trusted(body, stroll):
    motion = stroll.frames(slice(0, 20))
    layout = recognise(PLUG_IN_GAIT, "take").layout
    joints = lsmpl.get_layout("smpl_24")
    at = body.keypoints(motion, joints).positions[:, [joints.index(near(site)) for site in layout.sites]]
    motion = replace(motion, residual=np.full((20, len(layout)), 0.004), body=body.key)
    for legs, trusted in ((False, True), (True, False)):
        names = [name.translate(OTHER_SIDE) if legs and name[1:] in LEGS else name for name in layout.keypoints]
        track = KeypointTrack(at[:, [layout.index(name) for name in names]], layout=layout)
        assert (not_trusted(replace(motion, decisions=judged(motion, body, track))) == "") == trusted


LEGS = ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE")
OTHER_SIDE = str.maketrans("LR", "RL")


def near(site):
    """The joint that a marker's place begins at, of those that SMPL has."""
    joint = parse_landmark(site).a
    return joint if joint in lsmpl.get_layout("smpl_24").keypoints else "head"


def test_arms_alone_are_no_body(body, taken):
    track, motion = taken
    alone = dict.fromkeys(("the trunk", "the head", "the left leg", "the right leg"), 0.2)
    assert "arms alone" in judged(motion, body, track, alone)[0].reason
    del alone["the head"]
    assert whats(judged(motion, body, track, alone)) == [FEW]


def test_frames_in_disorder_are_a_doubt(body, stroll):
    shuffled = stroll.frames(np.random.default_rng(0).permutation(len(stroll)))
    track = replace(body.keypoints(shuffled, BODY_25), decisions=())
    motion = replace(shuffled, residual=np.full((len(stroll), 25), 0.008), body=body.key)
    assert whats(judged(motion, body, track)) == ["order"]

"""The up axis is found in the numbers, and said with its reason and how sure it is."""

from dataclasses import replace

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core import Motion
from lsmpl_core.errors import LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS, Layout
from lsmpl_core.readers import axes, cloud
from lsmpl_core.readers.axis_cues import AXES
from lsmpl_core.readers.handedness import mirror_warning
from lsmpl_core.readers.units import UNITS, decide_unit

COCO, H36M = LAYOUTS["coco_17"], LAYOUTS["human36m_17"]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("frames", [1, 40])
def test_finds_every_up_axis(axis, frames):
    expected = walking(H36M, frames)
    to_z = np.array(axes.TO_Z_UP[axis], float)
    rotation, decision = axes.decide_up(expected @ to_z, H36M, None, None)
    assert decision.value == axis
    assert np.allclose(expected @ to_z @ rotation.T, expected)


def test_up_rotations_are_proper_and_y_up_is_the_usual_one():
    for axis, rotation in axes.TO_Z_UP.items():
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert np.allclose(rotation @ AXES[axis], [0, 0, 1])
    assert np.array_equal(np.array(axes.TO_Z_UP["y"]) @ [1, 2, 3], [1, -3, 2])


def test_straightens_a_take_that_is_tilted_against_every_axis(rng):
    expected = walking(COCO, 90)
    angle = np.radians(30)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    tilted = expected @ tilt.T
    rotation, decision = axes.decide_up(tilted, COCO, None, None)
    assert (decision.value, decision.basis) == ("body", "detected")
    up = rotation @ tilt @ [0, 0, 1]
    assert np.degrees(np.arccos(up[2])) < 8
    assert np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
    assert axes.decide_up(tilted, COCO, "z", None)[1].basis == "given"


def test_who_leans_in_a_file_of_a_world_is_not_straightened():
    """As a breakdancer on one hand, of whom a second was exported."""
    lean = np.radians(30)
    tilt = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    leaning = walking(COCO, 90) @ tilt.T @ np.array(axes.TO_Z_UP["y"], float)
    rotation, decision = axes.decide_up(leaning, COCO, None, None, usual="y")
    assert decision.value == "y" and decision.doubtful and "up 'body' straightens it" in decision.reason
    assert np.allclose(rotation, axes.TO_Z_UP["y"])


def test_stairs_are_no_tilt(rng):
    """The lowest point rises with every step, so that a floor along the stairs would be level."""
    climbing = walking(COCO, 90)
    climbing[..., 2] += 0.5 * climbing[:, :1, 0]
    assert axes.decide_up(climbing, COCO, None, None)[1].value == "z"


def test_somebody_who_bends_over_on_a_known_floor_is_no_tilt():
    """As in starting blocks: the trunk lies, but the feet are on a floor at zero."""
    bent = walking(COCO, 90)
    above = np.array(["hip" not in site and "knee" not in site and "ankle" not in site for site in COCO.sites])
    hips = bent[:, [COCO.index("left_hip"), COCO.index("right_hip")]].mean(axis=1, keepdims=True)
    angle = np.radians(100)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    bent[:, above] = ((bent - hips) @ turn.T + hips)[:, above]
    assert axes.decide_up(bent, COCO, None, None)[1].value == "z"


def test_believes_a_stated_up_axis_unless_the_body_lies_along_another():
    y_up = walking(COCO) @ np.array(axes.TO_Z_UP["y"], float)
    assert axes.decide_up(y_up, COCO, None, "y")[1].basis == "file"
    decision = axes.decide_up(y_up, COCO, None, "z")[1]
    assert (decision.value, decision.basis) == ("y", "detected") and "the file says z" in decision.reason


def test_finds_up_in_recorded_motion(mocap, body):
    """Rolls, crouches and dances included: recorded clips in all six axes."""
    layout = LAYOUTS["smpl_24"]
    for path in sorted(mocap.glob("*.npz")):
        positions = body.joints(replace(Motion.load(path), body=body.key))
        for axis, to_z in axes.TO_Z_UP.items():
            _, decision = axes.decide_up(positions @ np.array(to_z, float), layout, None, None)
            assert decision.value == axis, path.name
        assert mirror_warning(positions, layout) is None, path.name


def test_says_so_where_too_little_is_seen():
    layout = Layout("two", ("nose", "neck"))
    positions = np.random.default_rng(0).normal(size=(5, 2, 3))
    assert axes.decide_up(positions, layout, None, "y")[1].basis == "file"
    with pytest.raises(LayoutError, match="body"):
        axes.decide_up(positions, layout, "body", None)


# Generated motion in every axis and random units: in which share of takes the axis has to be found. Only what the file
# states tells somebody who lies still from somebody who stands in other axes, and markers without names hardly show
# which end is up where there is no floor at zero.


def generated(change: str, rng: np.random.Generator, layout: Layout) -> np.ndarray:
    """(T,K,3) of somebody walking, or otherwise, in metres, Z up, on a floor at zero unless lifted."""
    points = walking(layout, 60) + rng.normal(scale=0.01, size=(60, len(layout), 3))
    if change in ("treadmill", "lying"):
        points -= points.mean(axis=1, keepdims=True) * (1, 1, 0)
    if change == "lying":
        points = points[..., [2, 1, 0]] * (1, 1, -1)
        points[..., 2] -= points[..., 2].min()
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    points = points @ turn.T + rng.normal(size=3) * (1, 1, float(change == "lifted"))
    if change == "gaps":
        points[rng.random(points.shape[:2]) < 0.3] = np.nan
    return points[:1] if change == "one frame" else points


@pytest.mark.parametrize(
    ("change", "of_keypoints", "of_markers"),
    [("walking", 1.0, 1.0), ("treadmill", 1.0, 1.0), ("gaps", 1.0, 1.0), ("one frame", 1.0, 0.9), ("lifted", 1.0, 0.5),
     ("lying", 0.0, 0.2)],
)  # fmt: skip
def test_finds_the_axis_of_generated_takes_as_often_as_stated(change, of_keypoints, of_markers, rng):
    layout = LAYOUTS["whole_body"]
    for known, least in ((layout, of_keypoints), (None, of_markers)):
        found = []
        for axis, to_z in axes.TO_Z_UP.items():
            for _ in range(5):
                unit = rng.choice(list(UNITS.values()))
                points = generated(change, rng, layout) @ np.array(to_z, float) / unit
                metres, decided_unit = decide_unit(points, known, None, None)
                assert metres == unit, (axis, decided_unit)
                found.append(axes.decide_up(points, known, None, None)[1].value == axis)
        assert np.mean(found) >= least, np.mean(found)


def test_what_a_file_states_settles_what_the_numbers_leave_open(rng):
    layout = LAYOUTS["whole_body"]
    for known in (layout, None):
        for _ in range(10):
            decision = axes.decide_up(generated("lying", rng, layout), known, None, "z")[1]
            assert (decision.value, decision.basis) == ("z", "file"), known
    lifted = generated("walking", rng, layout) * (1, 1, -1) - (0, 0, 3)  # hanging from the ceiling, or so it seems
    assert axes.decide_up(lifted, layout, None, "y")[1].value == "-z"


def test_names_of_head_and_feet_tell_markers_apart(rng):
    layout = LAYOUTS["whole_body"]
    names = ["LFHD", "RBHD", "Ann:C7", "r_shoulder", "L.Heel", "RTOE", "LANK", "R_5meta", "ball"]
    sites = ["nose", "right_ear", "neck", "right_shoulder", "left_heel", "right_big_toe", "left_ankle",
             "right_small_toe", "mid_hip"]  # fmt: skip
    for axis, to_z in axes.TO_Z_UP.items():
        points = generated("lifted", rng, layout)[:, [layout.keypoints.index(site) for site in sites]]
        decision = axes.decide_up(points @ np.array(to_z, float), None, None, None, names)[1]
        assert decision.value == axis and decision.confidence > 0.9
    assert not cloud.lean(points, ["RTH1", "RPV2", "LFA3", "forearm", "M1", "M2", "M3", "M4", "M5"]).any()


def test_where_little_of_the_body_is_measured_names_and_what_is_usual_tell(rng):
    """OpenSim's gait set has no marker beside knees and ankles, and shoulders and feet in names of its own."""
    names = ["R.ASIS", "L.ASIS", "V.Sacral", "R.Acromium", "L.Acromium", "R.Toe.Tip", "L.Toe.Tip", "R.Heel", "L.Heel"]
    sites = ("left_hip", "right_hip", "", "", "", "", "", "", "")
    layout = Layout("markers", tuple(names), sites=sites)
    heights = np.array([1.0, 1.0, 1.0, 1.5, 1.5, 0.05, 0.05, 0.05, 0.05])
    points = np.stack([0.1 * rng.normal(size=9), heights, 0.1 * rng.normal(size=9)], axis=1)
    points = points + np.linspace(0.0, 2.0, 40)[:, None, None] * [1.0, 0.0, 0.0]
    assert axes.decide_up(points, layout, None, None, names)[1].value == "y"
    one = points[:1, :2]
    unknown = Layout("two", ("left_hip", "right_hip"))
    assert axes.decide_up(one, unknown, None, None, usual="y")[1].value == "y"
    assert axes.decide_up(one, unknown, None, "-y", usual="y")[1].value == "-y"
    assert axes.decide_up(one, unknown, None, None)[1].value == "z"


def test_an_axis_that_no_file_of_a_format_has_up_is_doubted():
    """Whoever lies in bed looks like somebody who stands in other axes."""
    standing = walking(LAYOUTS["coco_17"])
    for axis, to_z in axes.TO_Z_UP.items():
        decision = axes.decide_up(standing @ np.array(to_z, float), LAYOUTS["coco_17"], None, None, usual="y")[1]
        assert decision.value == axis
        assert decision.doubtful == (axis not in ("y", "z"))
        stated = axes.decide_up(standing @ np.array(to_z, float), LAYOUTS["coco_17"], None, axis, usual="y")[1]
        assert not stated.doubtful

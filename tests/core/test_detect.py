"""What a file does not say is found in its numbers, and said with its reason."""

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core import detect
from lsmpl_core.errors import LayoutError
from lsmpl_core.layouts import LAYOUTS, Layout
from lsmpl_core.whole_body import WHOLE_BODY_SETS

COCO, H36M = LAYOUTS["coco_17"], LAYOUTS["human36m_17"]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_finds_every_layout_from_a_bare_array(layout):
    assert detect.match_by_count(walking(layout), "take").layout is layout


@pytest.mark.parametrize("layout", [COCO, H36M], ids=lambda layout: layout.name)
@pytest.mark.parametrize("frames", [1, 40])
def test_tells_layouts_of_one_count_apart_in_noise_with_gaps(layout, frames, rng):
    positions = walking(layout, frames) * 1000
    positions += rng.normal(scale=40, size=positions.shape)
    positions[rng.random(positions.shape[:2]) < 0.1] = np.nan
    match = detect.match_by_count(positions, "take")
    assert match.layout is layout
    assert "coco_17" in match.decision.reason and "human36m_17" in match.decision.reason


def test_refuses_points_that_make_no_body(rng):
    with pytest.raises(LayoutError, match=r"smpl_22.*no body"):
        detect.match_by_count(walking(LAYOUTS["smpl_22"])[:, rng.permutation(22)], "take")


@pytest.mark.parametrize("count", WHOLE_BODY_SETS)
def test_takes_the_body_part_of_whole_body_sets(count):
    match = detect.match_by_count(np.zeros((1, count, 3)), "take")
    _, names = WHOLE_BODY_SETS[count]
    assert len(names) == count
    for keypoint, column in zip(match.layout.keypoints, match.columns):
        assert column is None or names[column] == keypoint
    assert sum(column is not None for column in match.columns) == count - names.count("")


@pytest.mark.parametrize("unit", detect.UNITS)
def test_finds_the_unit_from_the_size_of_the_person(unit):
    metres, decision = detect.decide_unit(walking(COCO) / detect.UNITS[unit], COCO, None, None)
    assert (metres, decision.value, decision.basis) == (detect.UNITS[unit], unit, "detected")
    assert "m tall" in decision.reason


def test_believes_a_stated_unit_unless_it_makes_no_human():
    metres, decision = detect.decide_unit(walking(COCO) * 1000, COCO, None, "Millimeters")
    assert (metres, decision.basis) == (0.001, "file")
    metres, decision = detect.decide_unit(walking(COCO) * 1000, COCO, None, "m")
    assert (metres, decision.basis) == (0.001, "detected") and "the file says m" in decision.reason


def test_scales_to_a_body_where_no_unit_fits():
    metres, decision = detect.decide_unit(walking(COCO) * 11, COCO, None, None)
    assert metres == pytest.approx(1 / 11, rel=0.15)
    assert (decision.value, decision.basis) == ("body", "detected") and "no unit" in decision.reason


def test_a_given_unit_wins():
    assert detect.decide_unit(walking(COCO), COCO, "ft", "m")[0] == 0.3048
    assert detect.decide_unit(walking(COCO), COCO, 0.5, "m")[0] == 0.5


@pytest.mark.parametrize("axis", detect.AXES)
@pytest.mark.parametrize("frames", [1, 40])
def test_finds_every_up_axis(axis, frames):
    expected = walking(H36M, frames)
    to_z = np.array(detect._TO_Z_UP[axis], float)
    rotation, decision = detect.decide_up(expected @ to_z, H36M, None, None)
    assert decision.value == axis
    assert np.allclose(expected @ to_z @ rotation.T, expected)


def test_up_rotations_are_proper_and_y_up_is_the_usual_one():
    for axis, rotation in detect._TO_Z_UP.items():
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert np.allclose(rotation @ detect.AXES[axis], [0, 0, 1])
    assert np.array_equal(np.array(detect._TO_Z_UP["y"]) @ [1, 2, 3], [1, -3, 2])


def test_straightens_a_take_that_is_tilted_against_every_axis(rng):
    expected = walking(COCO, 90)
    angle = np.radians(30)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    tilted = expected @ tilt.T
    rotation, decision = detect.decide_up(tilted, COCO, None, None)
    assert (decision.value, decision.basis) == ("body", "detected")
    up = rotation @ tilt @ [0, 0, 1]
    assert np.degrees(np.arccos(up[2])) < 8
    assert np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
    assert detect.decide_up(tilted, COCO, "z", None)[1].basis == "given"


def test_believes_a_stated_up_axis_unless_the_body_lies_along_another():
    y_up = walking(COCO) @ np.array(detect._TO_Z_UP["y"], float)
    assert detect.decide_up(y_up, COCO, None, "y")[1].basis == "file"
    decision = detect.decide_up(y_up, COCO, None, "z")[1]
    assert (decision.value, decision.basis) == ("y", "detected") and "the file says z" in decision.reason


def test_finds_up_in_recorded_motion(mocap, body):
    """Rolls, crawls and dances included: 50 recorded clips in all six axes."""
    from lsmpl_core import Motion
    from lsmpl_core.rotation import exp_map

    layout = LAYOUTS["smpl_24"]
    for path in sorted(mocap.glob("*.npz"))[::7]:
        motion = Motion.load(path)
        rotations = exp_map(np.asarray(motion.poses, dtype=float).reshape(-1, 24, 3))
        globals_, joints = [rotations[:, 0]], [motion.trans + body.joint_template[0]]
        for j in range(1, 24):
            parent = body.parents[j]
            bone = body.joint_template[j] - body.joint_template[parent]
            joints.append(joints[parent] + globals_[parent] @ bone)
            globals_.append(globals_[parent] @ rotations[:, j])
        positions = np.stack(joints, axis=1)
        for axis, to_z in detect._TO_Z_UP.items():
            scores = detect.axis_scores(positions @ np.array(to_z, float), layout)
            assert max(scores, key=scores.get) == axis, path.name
        assert detect.mirror_warning(positions, layout) is None, path.name


@pytest.mark.parametrize("name", ["body_25", "human36m_17", "mediapipe_33", "smpl_24"])
def test_warns_of_mirrored_takes_only(name):
    layout = LAYOUTS[name]
    positions = walking(layout)
    assert detect.mirror_warning(positions, layout) is None
    assert detect.mirror_warning(positions * [1, -1, 1], layout).what == "mirrored"
    assert detect.mirror_warning(positions[:, list(layout.mirror)], layout).what == "mirrored"


def test_says_so_where_too_little_is_seen():
    layout = Layout("two", ("nose", "neck"))
    positions = np.random.default_rng(0).normal(size=(5, 2, 3))
    assert detect.decide_unit(positions, layout, None, None)[1].basis == "assumed"
    assert detect.decide_up(positions, layout, None, "y")[1].basis == "file"
    with pytest.raises(LayoutError, match="body"):
        detect.decide_up(positions, layout, "body", None)

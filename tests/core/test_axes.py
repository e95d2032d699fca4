"""The up axis is found in the numbers, and said with its reason and how sure it is."""

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core import axes
from lsmpl_core.axis_cues import AXES
from lsmpl_core.errors import LayoutError
from lsmpl_core.handedness import mirror_warning
from lsmpl_core.layouts import LAYOUTS, Layout

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


def test_believes_a_stated_up_axis_unless_the_body_lies_along_another():
    y_up = walking(COCO) @ np.array(axes.TO_Z_UP["y"], float)
    assert axes.decide_up(y_up, COCO, None, "y")[1].basis == "file"
    decision = axes.decide_up(y_up, COCO, None, "z")[1]
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

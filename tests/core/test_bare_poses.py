"""Arrays of nothing but rotations are told from keypoints of the same count, and read as motions."""

import numpy as np
import pytest
from field_inputs import Take

import lsmpl_core as lsmpl
from lsmpl_core.errors import LayoutError
from lsmpl_core.estimates.reading import holds_motion
from lsmpl_core.rotation import exp_map

CLIPS = ("07_01", "135_03")


@pytest.fixture(scope="module", params=CLIPS)
def take(body, request):
    return Take(body, request.param, slice(10, 50))


def forms_of(poses):
    """Poses (T,24,3) as models write them."""
    matrices = exp_map(poses)
    padded = np.concatenate([poses[:, :22], np.zeros((len(poses), 30, 3))], axis=1)
    return {
        "(T,72)": poses.reshape(len(poses), 72),
        "(T,24,3)": poses,
        "(T,66)": poses[:, :22].reshape(len(poses), 66),
        "(T,156)": padded.reshape(len(poses), 156),
        "(T,165)": np.concatenate([padded, np.zeros((len(poses), 3, 3))], axis=1).reshape(len(poses), 165),
        "matrices": matrices,
        "6D": matrices[..., :2].reshape(len(poses), 24, 6),
    }


@pytest.mark.parametrize("form", ["(T,72)", "(T,24,3)", "(T,66)", "(T,156)", "(T,165)", "matrices", "6D"])
def test_bare_poses_are_read_as_a_motion(tmp_path, take, form):
    np.save(tmp_path / "poses.npy", forms_of(take.motion.poses)[form].astype(np.float32))
    assert holds_motion(tmp_path / "poses.npy")
    read = lsmpl.read_motion(tmp_path / "poses.npy")
    assert np.abs(exp_map(read.poses[:, :22]) - exp_map(take.motion.poses[:, :22])).max() < 1e-5
    assert "translation" in [decision.what for decision in read.decisions]


@pytest.mark.parametrize("form", ["(T,72)", "(T,156)", "(T,165)"])
def test_as_keypoints_they_are_refused_as_rotations_with_where_to_go(tmp_path, take, form):
    np.save(tmp_path / "poses.npy", forms_of(take.motion.poses)[form])
    with pytest.raises(LayoutError, match=r"rotations of SMPL's joints.*refine-motion"):
        lsmpl.read_keypoints(tmp_path / "poses.npy")


@pytest.mark.parametrize("order", ["smpl_24", "smpl_22", "smplh_52"])
@pytest.mark.parametrize("centred", [False, True])
def test_places_of_joints_are_no_poses(tmp_path, take, order, centred):
    places = take.order(order)
    places = places - places[:, :1] if centred else places
    np.save(tmp_path / "joints.npy", places.reshape(len(places), -1))
    assert not holds_motion(tmp_path / "joints.npy")
    shuffled = np.random.default_rng(0).permutation(places.shape[1])
    np.save(tmp_path / "joints.npy", places[:, shuffled])
    assert not holds_motion(tmp_path / "joints.npy")

"""SAM 3D Body's two public samples: solved from their keypoints alone, the body lies where their own surface is."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.judgement import not_trusted
from lsmpl_core.keypoints.hand_points import CHAINS
from lsmpl_core.keypoints.layouts import ORDERS


@pytest.mark.parametrize("name", ["img_subj00", "img_subj02"])
def test_the_solved_surface_lies_on_theirs(keypoint_files, name):
    path = keypoint_files / "sam3d_body" / f"{name}.npz"
    body, track = lsmpl.load_body(), lsmpl.read_keypoints(path)
    assert (track.layout.name, len(track)) == ("mhr_70", 1)
    motion = lsmpl.solve(track, body)
    assert 1000 * np.nanmean(motion.residual) < 12 and not not_trusted(motion)

    # and the hands reach their points
    joints, tips, _ = body.finger_positions(motion)
    chains = np.concatenate([joints.reshape(1, 2, 5, 3, 3), tips[:, :, :, None]], axis=3)
    off = np.linalg.norm(chains - track.hands.positions[:, :, CHAINS], axis=-1)
    assert 1000 * off.mean() < 6  # 4.2 and 4.6

    # their surface, brought into the track's world by the keypoints
    with np.load(path) as arrays:
        theirs, points = arrays["pred_vertices"].astype(float), arrays["pred_keypoints_3d"].astype(float)
    order = next(order for order in ORDERS if order.name == "mhr_70")
    pairs = [(k, column) for k, column in enumerate(order.columns) if column is not None]
    ours = np.array([track.positions[0, k] for k, _ in pairs])
    points = np.array([points[column] for _, column in pairs])
    left, _, right = np.linalg.svd((points - points.mean(axis=0)).T @ (ours - ours.mean(axis=0)))
    theirs = (theirs - points.mean(axis=0)) @ (left @ right) + ours.mean(axis=0)
    distances = [np.linalg.norm(theirs - vertex, axis=1).min() for vertex in body.vertices(motion)[0][::9]]
    assert 1000 * np.median(distances) < 12  # 8.0 and 7.5

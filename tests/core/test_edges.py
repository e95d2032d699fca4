"""Edges for keypoints whose layout has none: rigid neighbours are joined."""

import numpy as np
import pytest

from lsmpl_core import KeypointTrack, Layout
from lsmpl_core.keypoints.edges import nearest_edges


def track_of(positions, names=None) -> KeypointTrack:
    names = names or tuple(f"m{k}" for k in range(positions.shape[1]))
    return KeypointTrack(positions, layout=Layout("markers", names, sites=("unplaced",) * len(names)))


@pytest.fixture
def two_bones() -> np.ndarray:
    """(60,8,3): four markers on an upper and four on a lower bone, which swings by a right angle about (0, 0, 0)."""
    rng = np.random.default_rng(1)
    upper = rng.uniform(-0.05, 0.05, (4, 3)) + (0, 0, 0.2)
    lower = rng.uniform(-0.05, 0.05, (4, 3)) + (0, 0, -0.2)
    angle = np.linspace(0, np.pi / 2, 60)
    turned = np.stack(
        [
            lower[:, 0] * np.cos(angle)[:, None] + lower[:, 2] * np.sin(angle)[:, None],
            np.broadcast_to(lower[:, 1], (60, 4)),
            -lower[:, 0] * np.sin(angle)[:, None] + lower[:, 2] * np.cos(angle)[:, None],
        ],
        axis=2,
    )
    return np.concatenate([np.broadcast_to(upper, (60, 4, 3)), turned], axis=1)


def test_markers_of_a_bone_are_joined_and_the_bones_once(two_bones):
    edges = nearest_edges(track_of(two_bones))
    assert len(edges) == 7
    assert sum(a < 4 <= b for a, b in edges) == 1


def test_another_thing_across_the_room_stays_apart(two_bones):
    ball = np.zeros((60, 2, 3)) + (3, 0, 0)
    ball[:, 1, 2] = 0.1
    edges = nearest_edges(track_of(np.concatenate([two_bones, ball], axis=1)))
    assert len(edges) == 8
    assert (8, 9) in edges


def test_what_is_never_seen_together_is_not_joined(two_bones):
    two_bones = two_bones.copy()
    two_bones[:30, 0] = np.nan
    two_bones[30:, 1] = np.nan
    edges = nearest_edges(track_of(two_bones))
    assert (0, 1) not in edges
    assert len(edges) == 7
    two_bones[:, 5] = np.nan
    assert not any(5 in edge for edge in nearest_edges(track_of(two_bones)))


def test_a_take_of_one_frame_or_one_marker(two_bones):
    assert len(nearest_edges(track_of(two_bones[:1]))) == 7
    assert nearest_edges(track_of(two_bones[:, :1])) == []

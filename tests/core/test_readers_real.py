"""What is decided for real keypoint files: right way up, human size, left and right where they belong."""

from pathlib import Path

import numpy as np
import pytest

from lsmpl_core.errors import LayoutError, LsmplError
from lsmpl_core.readers import READERS, read_keypoints

MAPPING = Path(__file__).parents[2] / "examples" / "twelve_joints_mapping.json"


def decided(track) -> dict[str, tuple[str, str]]:
    return {d.what: (d.value, d.basis) for d in track.decisions}


def assert_stands(track, stature: float) -> None:
    """Heads up, feet down, knees in front, thighs as long as an adult's of that stature."""
    at = {site: track.positions[:, k] for k, site in enumerate(track.layout.sites)}
    ankles, hips = (at["left_ankle"] + at["right_ankle"]) / 2, (at["left_hip"] + at["right_hip"]) / 2
    shoulders = (at["left_shoulder"] + at["right_shoulder"]) / 2
    up = np.nanmean(shoulders - ankles, axis=0)
    assert up[2] > 0.9 * np.linalg.norm(up)
    thigh = np.nanmedian(np.linalg.norm(at["left_hip"] - at["left_knee"], axis=1))
    assert thigh == pytest.approx(0.235 * stature, rel=0.12)
    forward = np.cross(at["left_hip"] - at["right_hip"], shoulders - hips)
    knees = (at["left_knee"] + at["right_knee"]) / 2 - (hips + ankles) / 2
    assert np.nanmedian(np.sum(knees * forward, axis=1)) > 0


def test_triangulated_video_by_names(keypoint_files):
    track = read_keypoints(keypoint_files / "pose2sim" / "Pose2Sim_markers.trc")
    assert (len(track), track.fps, track.layout.name) == (100, 60, "halpe_26")
    assert decided(track)["unit"] == ("m", "file") and decided(track)["up"] == ("y", "detected")
    assert_stands(track, 1.72)


def test_lifted_video_by_count_and_geometry(keypoint_files):
    track = read_keypoints(keypoint_files / "video" / "h36m17_dance.npy")
    assert (len(track), track.layout.name) == (900, "human36m_17")
    assert decided(track)["unit"] == ("mm", "detected") and decided(track)["up"] == ("z", "detected")
    assert_stands(track, 1.72)


def test_rows_of_an_arbitrary_unit_with_a_mapping(keypoint_files):
    path = keypoint_files / "triangulated" / "kpts_3d.dat"
    track = read_keypoints(path, layout=MAPPING)
    assert (len(track), track.layout.name) == (187, "twelve_joints")
    assert decided(track)["unit"] == ("body", "detected") and decided(track)["up"] == ("x", "detected")
    assert_stands(track, 1.69)
    with pytest.raises(LayoutError, match="no layout has 12 keypoints"):
        read_keypoints(path)


@pytest.mark.parametrize(
    "name", ["trc/markers.trc", "trc/Gait.trc", "opencap/walking2.trc", "opencap/sample_markers.trc"]
)
def test_marker_sets_are_refused_with_advice(keypoint_files, name):
    with pytest.raises(LayoutError, match=r"markers? .*mapping\.json"):
        read_keypoints(keypoint_files / name)


def test_every_file_is_read_or_refused_by_name(keypoint_files):
    for path in sorted(path for path in keypoint_files.rglob("*.*") if path.suffix in READERS):
        try:
            read_keypoints(path)
        except LsmplError as error:
            assert path.name in str(error)

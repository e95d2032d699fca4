"""What is decided for real keypoint files: right way up, human size, left and right where they belong."""

from pathlib import Path

import numpy as np
import pytest

from lsmpl_core.errors import KeypointFileError, LayoutError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.readers import READERS, read_keypoints
from lsmpl_core.readers.axes import decide_up
from lsmpl_core.readers.markers import LAYOUT_NAME
from lsmpl_core.readers.units import decide_unit
from lsmpl_core.solve_track import solve

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
    # The twelve limbs of COCO, which are found without a mapping, too, and are the same.
    found = read_keypoints(path)
    assert found.layout.name == "coco_17"
    columns = [found.layout.sites.index(site) for site in track.layout.sites]
    np.testing.assert_allclose(found.positions[:, columns], track.positions, atol=1e-9)


NO_NAMES = "no layout has"

# Every file: what `read_keypoints` makes of it (a layout, or what the error says), then unit and up axis as they are
# found, and by which the file is right: "stated" where it says so itself, "silent" where not, "wrong" where it says
# otherwise; frames and rate.
FILES = {
    "c3d/ART-Human_real.c3d": ("markers", "mm", "z", "wrong", 966, 60),
    "c3d/badParameterOffset.c3d": (NO_NAMES, "mm", "z", "stated", 111, 250),
    "c3d/bad_parameter_section.c3d": ("make no body", "mm", "z", "stated", 332, 120),
    "c3d/basketball.c3d": ("make no body", "m", "z", "silent", 34, 25),
    "c3d/cmu_dribble_shoot_basketball.c3d": ("markers", "mm", "z", "stated", 494, 120),
    "c3d/dec_int.c3d": ("markers", "mm", "z", "stated", 89, 50),
    "c3d/gait-pig.c3d": ("markers", "mm", "z", "stated", 142, 50),
    "c3d/sgi_real.c3d": ("markers", "mm", "z", "stated", 89, 50),
    "c3d/squat.c3d": ("markers", "mm", "y", "silent", 2539, 120),
    "marker_subject/HC039A01.c3d": ("markers", "mm", "z", "stated", 51, 100),
    "marker_subject/HC039A17.c3d": ("markers", "mm", "z", "stated", 192, 100),
    "opencap/DJ1.trc": ("markers", "m", "y", "silent", 245, 100),
    "opencap/sample_markers.trc": ("markers", "mm", "y", "silent", 861, 100),
    "opencap/walking2.trc": ("markers", "m", "y", "silent", 136, 100),
    "pose2sim/Pose2Sim_markers.trc": ("halpe_26", "m", "y", "silent", 100, 60),
    "trc/Gait.trc": ("markers", "mm", "z", "silent", 487, 100),
    "trc/ballet_reduced.trc": ("markers", "mm", "y", "silent", 100, 30),
    "trc/markers.trc": ("markers", "m", "y", "silent", 281, 100),
    "triangulated/kpts_3d.dat": ("coco_17", "body", "x", "silent", 187, None),
    "video/h36m17_dance.npy": ("human36m_17", "mm", "z", "silent", 900, None),
}
DAMAGED = {
    "c3d/Empty.c3d": "the file is empty",
    "c3d/simple.c3d": "holds no 3D points",
    "trc/Empty.trc": "the file is empty",
    "trc/Truncated.trc": "no 'Frame#' line",
}


def test_the_table_has_every_file(keypoint_files):
    known = FILES.keys() | DAMAGED.keys()
    folders = {Path(name).parent for name in known}
    found = {path.relative_to(keypoint_files) for folder in folders for path in (keypoint_files / folder).glob("*.*")}
    assert {path.as_posix() for path in found if path.suffix in READERS} == known


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_say_what_is_wrong(keypoint_files, name):
    with pytest.raises(KeypointFileError, match=DAMAGED[name]) as error:
        read_keypoints(keypoint_files / name)
    assert Path(name).name in str(error.value)


@pytest.mark.parametrize("name", ["c3d/gait-pig.c3d", "c3d/cmu_dribble_shoot_basketball.c3d", "opencap/walking2.trc"])
def test_marker_files_are_solved_to_people_who_stand(keypoint_files, body, name):
    """Residuals below 15 mm, head over pelvis over feet, and no knee or elbow bent the wrong way."""
    track = read_keypoints(keypoint_files / name)
    motion = solve(track.frames(slice(0, len(track), 4)), body)
    assert 1000 * np.nanmean(motion.residual) < 15
    joints = body.joints(motion)
    pelvis, head = joints[:, 0], joints[:, body.joint_names.index("head")]
    feet = joints[:, [body.joint_names.index(f"{side}_ankle") for side in ("left", "right")]].mean(axis=1)
    assert ((head - pelvis)[:, 2] > 0.4).all() and ((pelvis - feet)[:, 2] > 0.5).all()
    knees = motion.poses[:, [body.joint_names.index(f"{side}_knee") for side in ("left", "right")], 0]
    assert knees.min() > -0.35
    assert 1.5 < np.ptp(body.rest_vertices(motion.betas)[:, 1]) < 2.0


@pytest.mark.parametrize("name", FILES)
def test_what_becomes_of_every_file(keypoint_files, name):
    outcome, unit, up, _, frames, rate = FILES[name]
    path = keypoint_files / name
    if outcome in LAYOUTS or outcome == LAYOUT_NAME:
        track = read_keypoints(path)
        assert (track.layout.name, len(track), track.fps) == (outcome, frames, rate or 30)
        decisions = {d.what: d for d in track.decisions}
        assert (decisions["unit"].value, decisions["up"].value) == (unit, up)
        assert min(decisions["unit"].confidence, decisions["up"].confidence) > 0.85
        assert "mirrored" not in decisions
        return
    with pytest.raises(LayoutError, match=outcome) as error:
        read_keypoints(path)
    assert path.name in str(error.value) and "mapping.json" in str(error.value)


@pytest.mark.parametrize("stated", [True, False], ids=["as stated", "by the numbers alone"])
@pytest.mark.parametrize("name", FILES)
def test_unit_and_up_of_every_file_as_if_its_markers_were_unknown(keypoint_files, name, stated):
    """Whether or not what the file states is looked at, and, where it is not, without the markers' names too."""
    _, unit, up, told, frames, rate = FILES[name]
    path = keypoint_files / name
    raw = READERS[path.suffix](path, {12, 17})
    assert (len(raw.positions), raw.fps) == (frames, pytest.approx(rate) if rate else None)
    assert told == ("silent" if raw.up is None else "stated" if raw.up == up else "wrong")
    positions = np.where((raw.positions == 0).all(axis=2, keepdims=True), np.nan, raw.positions)
    decided_unit = decide_unit(positions, None, None, raw.unit if stated else None)[1]
    decided_up = decide_up(positions, None, None, raw.up if stated else None, raw.names or () if stated else ())[1]
    assert (decided_unit.value, decided_up.value) == (unit, up), (str(decided_unit), str(decided_up))
    unsure = path.name in ("kpts_3d.dat", "gait-pig.c3d")  # in no unit; with angles and forces among its points
    assert unsure or min(decided_unit.confidence, decided_up.confidence) > 0.85, (str(decided_unit), str(decided_up))

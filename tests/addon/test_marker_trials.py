"""Optical markers in Blender: edges to see them by, a static trial, a table of names."""

import importlib
import json

import bpy
import numpy as np
import pytest

NAMES = (
    "LFHD", "RFHD", "LBHD", "RBHD", "C7", "T10", "CLAV", "STRN", "RBAK", "LSHO", "LUPA", "LELB",
    "LFRM", "LWRA", "LWRB", "LFIN", "RSHO", "RUPA", "RELB", "RFRM", "RWRA", "RWRB", "RFIN", "LASI",
    "RASI", "LPSI", "RPSI", "LTHI", "LKNE", "LTIB", "LANK", "LHEE", "LTOE", "RTHI", "RKNE", "RTIB",
    "RANK", "RHEE", "RTOE",
)  # fmt: skip


@pytest.fixture
def trc(core, body, tmp_path):
    """`trc(name, frames)`: a TRC file of Plug-in Gait markers on somebody who swings a leg; the names may be others.

    With `prop`, a marker more that is on no body.
    """
    markers = importlib.import_module(f"{core.__name__}.readers.markers")

    def write(name: str, frames: int, names=NAMES, betas=None, prop=False) -> str:
        poses = np.zeros((frames, 24, 3))
        poses[:, 0, 0] = np.pi / 2
        swing = np.sin(np.linspace(0, np.pi, frames))
        poses[:, 1, 0], poses[:, 4, 0], poses[:, 16, 2], poses[:, 17, 2] = -0.6 * swing, 0.8 * swing, -0.6, 0.6
        motion = core.Motion(poses, np.tile((0, 0, 1.0), (frames, 1)), betas, body=body.key)
        positions = body.keypoints(motion, markers.recognise(NAMES, name).layout).positions[..., [0, 2, 1]]
        positions[..., 2] *= -1  # Y up, as most TRC files
        if prop:
            anywhere = np.random.default_rng(0).normal(size=(frames, 1, 3))
            names, positions = (*names, "Prop"), np.concatenate([positions, anywhere], axis=1)
        head = f"PathFileType\t4\t(X/Y/Z)\t{name}\nDataRate\tNumFrames\tNumMarkers\tUnits\n"
        head += f"100\t{frames}\t{len(names)}\tm\nFrame#\tTime\t" + "\t\t\t".join(names) + "\n\n"
        rows = ["\t".join(map(str, (t + 1, t / 100, *positions[t].ravel()))) for t in range(frames)]
        (tmp_path / name).write_text(head + "\n".join(rows))
        return str(tmp_path / name)

    return write


def imported(path: str, **options) -> bpy.types.Object:
    assert bpy.ops.lsmpl.import_keypoints(filepath=path, **options) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def test_markers_are_joined_to_a_skeleton(trc, addon):
    take = imported(trc("walk.trc", 30))
    assert len(take.data.edges) == len(NAMES) - 1
    joined = {frozenset(NAMES[v] for v in edge.vertices) for edge in take.data.edges}
    limbs = ("KNE", "TIB", "ANK", "HEE", "TOE", "ELB", "FRM", "FIN")
    across = [(a, b) for a, b in map(tuple, joined) if {a[0], b[0]} == {"L", "R"} and {a[1:], b[1:]} & set(limbs)]
    assert across == []
    assert addon("takes.display").get(take, "Poor", 0) == pytest.approx(addon("takes.display").MARKERS_POOR_METRES)


def test_a_static_trial_is_calibrated_on_besides_the_take(trc, addon, body):
    betas = np.array([1.0, -1.0, *[0.0] * 8])
    take = imported(trc("walk.trc", 40, betas=betas))
    alone = addon("solving.marker_trials").static_trial(take)
    assert alone is None
    take.lsmpl_markers.static_trial = trc("static.trc", 12, betas=betas)
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    decisions = addon("takes.layers").describe(take)["decisions"]
    assert any(d["what"] == "calibrated" for d in decisions)
    calibration = addon("takes.layers").load(take).calibration
    assert len(calibration.keypoints) == len(NAMES)
    assert addon("takes.layers").describe(take)["residual_mean"] < 0.005


def test_a_prop_among_the_markers_is_left_aside(trc, addon, core):
    """By the solver; the display has to cope with it."""
    take = imported(trc("walk.trc", 60, prop=True))
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    motion, facts = addon("takes.layers").load(take, "solved"), addon("takes.layers").describe(take)
    assert motion.keypoint_names == NAMES
    assert facts["residual_mean"] < 0.015
    assert {"calibrated", "left aside"} <= {decision["what"] for decision in facts["decisions"]}
    assert take.lsmpl.armature.animation_data.action.name == "walk"


def test_a_trial_that_is_no_marker_set_is_an_error_and_nothing_changes(trc, addon, body, random_motion, tmp_path):
    take = imported(trc("walk.trc", 30))
    np.save(tmp_path / "standing.npy", body.keypoints(random_motion(12), "coco_17").positions)
    take.lsmpl_markers.static_trial = str(tmp_path / "standing.npy")
    with pytest.raises(RuntimeError, match="is no marker set"):
        bpy.ops.lsmpl.solve()
    take.lsmpl_markers.static_trial = str(tmp_path / "gone.trc")
    with pytest.raises(RuntimeError, match="no such file"):
        bpy.ops.lsmpl.solve()
    assert not addon("takes.layers").is_solved(take)


def test_a_table_says_where_markers_of_other_names_are(trc, tmp_path, addon):
    names = [f"M{n}x" for n in range(len(NAMES))]
    path = trc("own.trc", 30, names)
    with pytest.raises(RuntimeError, match="names of no keypoint layout"):
        imported(path)
    sites = dict(zip(names, addon("takes.take").layout_of(imported(trc("walk.trc", 30))).sites))
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"single": [{"place": place, "names": [name]} for name, place in sites.items()]}))
    take = imported(path, markers=str(table))
    assert list(addon("takes.take").layout_of(take).sites) == list(sites.values())
    take.lsmpl_markers.static_trial = trc("static.trc", 12, names)
    trial = addon("solving.marker_trials").static_trial(take)  # read with the same table
    assert trial.layout.sites == addon("takes.take").layout_of(take).sites

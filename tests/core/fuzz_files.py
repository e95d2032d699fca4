"""Good files of every kind that is read, to be damaged by the fuzzers; each is as some tool writes it."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from stick_figure import walking
from test_body_files import smpl_like
from test_cameras import as_file, looking
from test_object_files import as_object, bvh
from test_readers import csv_text, json_people, trc_text
from test_readers_c3d import DEC, INTEL, MIPS, THEIA, c3d_bytes, segments_bytes
from test_tables import BONES, SKELETON, motive, vicon

from lsmpl_core import KeypointTrack, Motion, load_body, read_motion
from lsmpl_core.calibration.calibration import Calibration, SiteOffset
from lsmpl_core.calibration_files import read_calibration
from lsmpl_core.cameras.camera_files import read_cameras
from lsmpl_core.errors import LsmplError
from lsmpl_core.keypoints.layouts import LAYOUTS, Layout
from lsmpl_core.readers import read_keypoints, read_people
from lsmpl_core.readers.mapping import load_mapping
from lsmpl_core.readers.markers import load_markers
from lsmpl_core.rotation import exp_map, to_quaternion

COCO, SMPL = LAYOUTS["coco_17"], LAYOUTS["smpl_22"]


def sdk_export(positions: np.ndarray) -> dict:
    """As sensors' kits write: bodies in frames with times."""
    return {
        str(10**18 + t * 33_333_333): {
            "body_list": [{"id": 0, "keypoint": frame.tolist(), "keypoint_confidence": [80] * 17}]
        }
        for t, frame in enumerate(positions)
    }


def turned(positions: np.ndarray) -> dict[str, list[dict]]:
    """Frames that say how bones are turned: a quaternion of each point, or matrices of other joints."""
    matrices = exp_map(np.random.default_rng(1).normal(size=(len(positions), positions.shape[1] + 3, 3)))
    quaternions = to_quaternion(matrices[:, 3:])
    places = np.concatenate([positions, positions[:, :3]], axis=1)
    return {
        "sensor": [
            {"joint_positions": p.tolist(), "joint_orientations": q.tolist()} for p, q in zip(positions, quaternions)
        ],
        "joints": [
            {"pred_keypoints_3d": p.tolist(), "pred_joint_coords": c.tolist(), "pred_global_rots": m.tolist()}
            for p, c, m in zip(positions, places, matrices)
        ],
    }


def skeleton_text(positions: np.ndarray) -> str:
    lines = [str(len(positions))]
    for frame in positions:
        lines += ["1", "72057 0 1", str(len(frame)), *(" ".join(map(str, point)) + " 0 0" for point in frame)]
    return "\n".join(lines)


def good_files(folder: Path) -> dict[str, bytes]:
    """A file of each kind, and of each way to write it, by name."""
    positions = walking(COCO, 8)
    names = COCO.keypoints
    np.save(folder / "good.npy", positions)
    np.savez(folder / "good.npz", keypoints3d=positions, names=np.array(names), fps=30, unit="m")
    np.savez_compressed(folder / "packed.npz", joints=positions.astype("f4"), confidence=np.ones((8, 17)))
    people = [json_people(frame) + json_people(frame + 1, 1) for frame in positions]
    named = [dict(zip(names, frame)) for frame in positions.tolist()]
    long_rows = [f"{t},{t / 25},{k},{x},{y},{z},0.5" for t in range(8) for k, (x, y, z) in zip(names, positions[t])]
    headed = [
        "Trajectories", "100", "," + ",".join(f"Ann:{name},," for name in names), "Frame,Time" + ",X,Y,Z" * 17,
        "," + ",mm" * 51, *(",".join([str(t), str(t / 50), *map(str, f.ravel())]) for t, f in enumerate(positions)),
    ]  # fmt: skip
    two = [f"{who}:{name}" for who in ("Ann", "Bob") for name in names]
    both = np.concatenate([positions, positions + 1], axis=1)
    files = {
        "t.trc": trc_text(names, positions),
        "two.trc": trc_text(two, both, "mm"),
        "t.csv": csv_text(names, positions),
        "t.tsv": csv_text(names, positions, "{name}.{axis}", "\t", [("frame", np.arange(8) + 3)]),
        "semicolon.csv": csv_text(names, positions, delimiter=";").replace(".", ","),
        "long.csv": "\n".join(["frame,time,keypoint,x,y,z,visibility", *long_rows]),
        "headed.csv": "\n".join(headed),
        "t.txt": "\n".join(" ".join(map(str, row)) for row in positions.reshape(8, -1)),
        "t.dat": "\n".join(";".join(map(str, [t, *row])) for t, row in enumerate(positions.reshape(8, -1))),
        "t.json": json.dumps({"frames": people, "fps": 30, "unit": "m", "up": "z"}),
        "named.json": json.dumps(named),
        "array.json": json.dumps({"names": names, "keypoints": positions.tolist()}),
        "sdk.json": json.dumps(sdk_export(positions)),
        "motive.csv": motive(dict.fromkeys(BONES), "Bone", SKELETON[:8], True),
        "vicon.csv": vicon("Trajectories", 100, names, ["mm"] * 3, positions),
        "take.bvh": bvh()[0],
        "take.skeleton": skeleton_text(positions),
    }
    screens = [("POINT:UNITS", ["mm  "]), ("POINT:X_SCREEN", ["+X"]), ("POINT:Y_SCREEN", ["+Z"])]
    c3d = {
        f"{processor}.c3d": c3d_bytes(two, both, processor, scale, screens)
        for processor, scale in ((INTEL, -1), (DEC, 0.001), (MIPS, -1))
    }
    np.save(folder / "objects.npy", as_object({"motion": np.moveaxis(walking(SMPL, 8), 0, 2)[None]}))
    c3d["segments.c3d"] = segments_bytes(
        1000 * walking(Layout("segments", tuple(THEIA.values())), 8),
        exp_map(np.random.default_rng(1).normal(size=(8, len(THEIA), 3))),
    )
    files |= {f"{name}.json": json.dumps(frames) for name, frames in turned(positions).items()}
    arrays = {"t.npy": "good.npy", "objects.npy": "objects.npy", "t.npz": "good.npz", "packed.npz": "packed.npz"}
    return (
        {name: text.encode() for name, text in files.items()}
        | {name: (folder / source).read_bytes() for name, source in arrays.items()}
        | c3d
    )


def good_motions(folder: Path) -> dict[str, bytes]:
    Motion(np.zeros((5, 24, 3)), np.zeros((5, 3)), residual=np.ones((5, 2)), keypoint_names=("a", "b")).save(
        folder / "good.npz"
    )
    person = {"pose": np.zeros((4, 72)), "trans": np.zeros((4, 3)), "betas": np.zeros((4, 10))}
    wham = {0: person | {"frame_ids": np.arange(4)}, 1: person | {"frame_ids": np.arange(4) + 2}}
    plain = {"root_orient": np.zeros((2, 4, 3)), "pose_body": np.zeros((2, 4, 63)), "trans": np.zeros((2, 4, 3))}
    np.savez(folder / "slahmr.npz", **plain)
    np.save(folder / "objects.npy", as_object({"smpl_poses": np.zeros((4, 72)), "smpl_trans": np.zeros((4, 3))}))
    frames = [[{"rotvec": np.zeros((53, 3)), "transl": np.zeros(3), "shape": np.zeros(10)}] for _ in range(4)]
    return {
        "m.npz": (folder / "good.npz").read_bytes(),
        "m.pkl": pickle.dumps(wham),
        "plain.npz": (folder / "slahmr.npz").read_bytes(),
        "objects.npy": (folder / "objects.npy").read_bytes(),
        "frames.pkl": pickle.dumps(frames),
        "plain.json": json.dumps({key: value.tolist() for key, value in plain.items()}).encode(),
    }


def good_bodies(folder: Path) -> dict[str, bytes]:
    load_body()  # of which strangers' get sites, and which is kept
    fields = smpl_like()
    np.savez(folder / "good.npz", **fields)
    return {"b.npz": (folder / "good.npz").read_bytes(), "b.pkl": pickle.dumps(fields)}


MAPPING = {"keypoints": {"R.Knee": "right_knee", "R.Ankle": "right_ankle"}, "unit": "cm", "up": "y", "fps": 30}
LIST_MAPPING = {"keypoints": ["left_hip", None, {"name": "a", "site": "nose"}], "edges": [["left_hip", "a"]]}


def good_mappings(folder: Path) -> dict[str, bytes]:
    return {"names.json": json.dumps(MAPPING).encode(), "list.json": json.dumps(LIST_MAPPING).encode()}


MARKERS = {
    "sided": [{"names": ["{s}KNE", "{s}KneeOut"], "place": "knee"}],
    "single": [{"names": ["STRN"], "place": "spine2"}],
}


def good_marker_tables(folder: Path) -> dict[str, bytes]:
    return {"markers.json": json.dumps(MARKERS).encode()}


def good_calibrations(folder: Path) -> dict[str, bytes]:
    """As JSON, and in a motion."""
    names = ("left_hip", "nose", "left_knee", "left_heel")
    placed = {name: SiteOffset(name, j, np.full(3, 0.01)) for j, name in enumerate(names)}
    calibration = Calibration("open-0", np.linspace(-1, 1, 10), placed)
    Motion(np.zeros((3, 24, 3)), np.zeros((3, 3)), calibration=calibration).save(folder / "c.npz")
    return {"c.json": json.dumps(calibration.as_dict()).encode(), "c.npz": (folder / "c.npz").read_bytes()}


def good_cameras(folder: Path) -> dict[str, bytes]:
    """Calibrations of cameras in each of their forms; EasyMocap's pair in one file."""
    cameras = [looking((3, -4, 1.5), name="cam01"), looking((-3, -3, 2), name="cam02", distortion=(-0.2, 0.05))]
    contents = {"cameras.toml": as_file("toml", folder, cameras).read_bytes()}
    for kind in ("panoptic", "nested", "matrices"):
        contents[f"{kind}.json"] = as_file(f"json/{kind}", folder, cameras).read_bytes()
    as_file("yml/easymocap", folder, cameras)
    contents["both.yml"] = (folder / "intri.yml").read_bytes() + (folder / "extri.yml").read_bytes()
    return contents


def read_finite_cameras(path: Path) -> None:
    for camera in read_cameras(path):
        assert np.isfinite(camera.matrix).all() and np.isfinite(camera.rotation).all()
        assert np.isfinite(camera.translation).all()


def use_body(path: Path) -> None:
    """A body that is read has joints and a skin, posed and with betas."""
    body = load_body(path)
    motion = Motion(np.full((1, 24, 3), 0.1), np.zeros((1, 3)), np.ones(10), body=body.key)
    assert np.isfinite(body.joints(motion)).all() and np.isfinite(body.vertices(motion)).all()


def read_track(path: Path) -> None:
    _is_finite(read_keypoints(path))


def read_everybody(path: Path) -> None:
    for track in read_people(path):
        _is_finite(track)


def _is_finite(track: KeypointTrack) -> None:
    for points in (track, track.hands) if track.hands is not None else (track,):
        assert np.isfinite(points.positions)[points.visible].all() and np.isfinite(points.confidence).all()


def load_motion(path: Path) -> None:
    """A motion that is read is saved, and what is saved is loaded again."""
    amass = path.name == "m.npz"
    for read in (Motion.load, read_motion) if amass else (read_motion,):
        motion = read(path)
        assert np.isfinite(motion.poses).all() and np.isfinite(motion.trans).all()
        try:
            motion.save(path.with_name("again.npz"))
        except LsmplError as error:
            raise AssertionError(f"was read, but not saved: {error}") from error
        assert len(Motion.load(path.with_name("again.npz"))) == len(motion)


SUBJECTS: dict[str, tuple[Callable[[Path], dict[str, bytes]], Callable[[Path], object]]] = {
    "keypoints": (good_files, read_track),
    "people": (good_files, read_everybody),
    "motions": (good_motions, load_motion),
    "bodies": (good_bodies, use_body),
    "mappings": (good_mappings, load_mapping),
    "marker tables": (good_marker_tables, load_markers),
    "calibrations": (good_calibrations, read_calibration),
    "cameras": (good_cameras, read_finite_cameras),
}
"""How good files of a kind are made in a folder, and what reads them."""

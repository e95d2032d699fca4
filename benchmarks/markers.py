"""How well marker sets are calibrated and solved: `python benchmarks/markers.py MOCAP_FOLDER [--files FOLDER]`.

Virtual markers on validation subjects (`validation.py`): each is put on the skin 1 to 3 cm from where its name says
(up to 6 cm on thighs, shanks and upper and lower arms, where no landmark guides the hand), 10 to 15 mm above it, and
moves with the surface, pose correctives included; 5 % of the markers are missing in every frame, and 0.5 mm of noise is
added. Betas and poses are unknown. Errors in mm, pelvis on pelvis; the residual is from marker to site.

The validation subjects' motion was converted from skeletons with hinges, which no markers of people show: --people
takes a folder of SMPL poses that others solved (`real_poses.py`), on random bodies, for that reason.

With --files, real files are solved too: mean residual, seconds, and what was decided.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from real_poses import takes
from validation import Clip, clips

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.body.landmarks import on_skin, parse_landmark
from lsmpl_core.body.sites import site_parts
from lsmpl_core.calibration.calibration import SiteOffset
from lsmpl_core.marker_calibration.calibrate_markers import Calibration, calibrate
from lsmpl_core.readers import READERS
from lsmpl_core.readers.markers import LAYOUT_NAME, known_markers, recognise
from lsmpl_core.solver.shape import fit_shape

_BOTH = ("FHD", "BHD", "SHO", "UPA", "ELB", "FRM", "WRA", "WRB", "FIN", "THI", "KNE", "ANK", "HEE", "TOE")
SETS = {
    "Plug-in Gait, 39": (
        *(side + name for side in "LR" for name in (*_BOTH, "ASI", "PSI", "TIB")), "C7", "T10", "CLAV", "STRN", "RBAK",
    ),
    "CMU, 41": (
        *(side + name for side in "LR" for name in (*_BOTH, "FWT", "BWT", "SHN", "MT5")),
        "C7", "T10", "CLAV", "STRN", "RBAC",
    ),
}  # fmt: skip
DROPPED, NOISE = 0.05, 0.0005


def place_markers(body: lsmpl.Body, names, rng) -> tuple[np.ndarray, np.ndarray]:
    """A vertex (K,) and a height in metres (K,) above it for each marker, a person's errors included."""
    vertices = []
    for name in names:
        landmark = parse_landmark(known_markers().site_of(name))
        skin = on_skin(body, landmark)
        middle = skin.shares @ body.v_template[skin.vertices]
        apart = np.linalg.norm(body.v_template - middle, axis=1)
        facing = _normals(body.v_template, body.faces) @ skin.normal > 0.3
        most = 0.06 if landmark.sigma > 0.04 else 0.03
        near = np.flatnonzero((apart > 0.01) & (apart < most) & facing)
        vertices.append(rng.choice(near) if len(near) else int(np.argmin(apart)))
    return np.array(vertices), rng.uniform(0.010, 0.015, len(names))


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(...,V,3) outward unit normals of a mesh."""
    a, b, c = (vertices[..., faces[:, i], :] for i in range(3))
    normals = np.zeros_like(vertices)
    face = np.cross(b - a, c - a)
    for i in range(3):
        np.add.at(normals, (..., faces[:, i], slice(None)), face)
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)


def marker_track(body, motion, names, vertices, heights, rng) -> lsmpl.KeypointTrack:
    """What a marker system would have recorded of the motion."""
    positions = np.empty((len(motion), len(names), 3))
    for start in range(0, len(motion), 20):
        frames = slice(start, start + 20)
        mesh = body.vertices(motion.frames(frames)).astype(np.float64)
        out = [_normals(frame, body.faces)[vertices] for frame in mesh]
        positions[frames] = mesh[:, vertices] + heights[:, None] * np.array(out)
    positions += NOISE * rng.normal(size=positions.shape)
    found = recognise(names, "virtual markers")
    confidence = (rng.random(positions.shape[:2]) >= DROPPED).astype(float)
    return lsmpl.KeypointTrack(positions[:, found.columns], confidence, found.layout, motion.fps)


def renamed(names, rng, unknown: float, swaps: int) -> tuple[str, ...]:
    """The names with a share of them unknown, and some pairs swapped."""
    names = list(names)
    for a, b in rng.choice(len(names), (swaps, 2), replace=False):
        names[a], names[b] = names[b], names[a]
    for i in rng.choice(len(names), round(unknown * len(names)), replace=False):
        names[i] = f"Ball{chr(65 + i // 26)}{chr(65 + i % 26)}"
    return tuple(names)


def standing(motion: lsmpl.Motion) -> lsmpl.Motion:
    """A static trial of the same body: upright, arms half down, 20 frames."""
    poses = np.zeros((20, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    poses[:, 16, 2], poses[:, 17, 2] = -0.8, 0.8
    return replace(motion, poses=poses, trans=np.tile((0.0, 0.0, 1.2), (20, 1)), residual=None)


def uncalibrated(track: lsmpl.KeypointTrack, body: lsmpl.Body) -> Calibration:
    """The baseline: markers taken to be exactly where their names say, betas from segment lengths."""
    parts = site_parts(body, track.layout.sites)
    markers = {
        name: SiteOffset(site, int(parent_joint), np.zeros(3))
        for name, site, parent_joint in zip(track.layout.keypoints, track.layout.sites, parts.parent_joint)
        if site != "unplaced"
    }
    known = np.array([name in markers for name in track.layout.keypoints])
    measured = replace(track, confidence=track.confidence * known)
    return Calibration(body.key, fit_shape(measured, body, parts), markers)


COLUMNS = ("PVE", "no hands", "MPJPE", "stature off", "residual", "s")


def measure(body: lsmpl.Body, truth: lsmpl.Motion, track, calibration, began: float, options=None) -> list[float]:
    solved = lsmpl.solve(track, body, calibration=calibration, options=options)
    seconds = time.perf_counter() - began
    every = slice(None, None, max(1, len(truth) // 40))
    t, s = truth.frames(every), solved.frames(every)
    tall = [np.ptp(body.rest_vertices(m.betas)[:, 1]) for m in (truth, solved)]
    return [
        metrics.pve(body, t, s),
        metrics.pve(body, t, s, hands=False),
        metrics.mpjpe(body.joints(truth)[:, :22], body.joints(solved)[:, :22]),
        1000 * abs(tall[1] - tall[0]),
        1000 * np.nanmean(solved.residual),
        seconds,
    ]


def people(folder: Path, body: lsmpl.Body, count: int, frames: int) -> list[Clip]:
    """Up to `count` takes of SMPL poses that others solved, betas ~ N(0, 1)."""
    rng = np.random.default_rng(0)
    found = takes(folder, body, "all", count, frames)
    return [Clip(take.name, replace(take.truth, betas=rng.normal(size=10))) for take in found]


def virtual(body: lsmpl.Body, chosen: list[Clip], unknown: float = 0.3, swaps: int = 2, options=None) -> None:
    print(f"\n{len(chosen)} clips: {', '.join(f'{c.name} ({len(c.motion)} frames)' for c in chosen)}")
    for title, names in SETS.items():
        rows: dict[str, list] = {}
        for seed, clip in enumerate(chosen):
            rng = np.random.default_rng(seed)
            placed = place_markers(body, names, rng)
            track = marker_track(body, clip.motion, names, *placed, rng)
            static = marker_track(body, standing(clip.motion), names, *placed, rng)
            other = renamed(names, rng, unknown, swaps)
            found = recognise(other, clip.name)
            strange = replace(track, layout=found.layout)
            odd = f"{100 * unknown:.0f} % unknown, {swaps} swaps"
            runs = {
                "not calibrated": (track, None),
                "names known": (track, [track]),
                "with a static trial": (track, [static, track]),
                "static trial alone": (track, [static]),
                f"{odd}, not calibrated": (strange, None),
                odd: (strange, [strange]),
            }
            for kind, (seen, trials) in runs.items():
                began = time.perf_counter()
                calibration = calibrate(trials, body) if trials else uncalibrated(seen, body)
                errors = measure(body, clip.motion, seen, calibration, began, options)
                rows.setdefault(kind, []).append(errors)
        print(f"\n### {title} markers\n\n| | {' | '.join(COLUMNS)} | worst PVE |\n|{' --- |' * (len(COLUMNS) + 2)}")
        for kind, values in rows.items():
            mean = " | ".join(f"{v:.1f}" for v in np.mean(values, axis=0))
            print(f"| {kind} | {mean} | {np.max(values, axis=0)[0]:.1f} |", flush=True)


def real(body: lsmpl.Body, folder: Path) -> None:
    print("\n### Real files\n\n| file | markers | frames | residual | not calibrated | s |\n|" + " --- |" * 6)
    for path in sorted(path for path in folder.rglob("*.*") if path.suffix in READERS):
        try:
            track = lsmpl.read_keypoints(path)
        except lsmpl.LsmplError:
            continue
        if track.layout.name != LAYOUT_NAME:
            continue
        began = time.perf_counter()
        calibration = calibrate([track], body)
        solved = lsmpl.solve(track, body, calibration=calibration)
        seconds = time.perf_counter() - began
        before = lsmpl.solve(track, body, calibration=uncalibrated(track, body))
        off = [1000 * np.nanmean(motion.residual) for motion in (solved, before)]
        counts = f"{len(calibration.keypoints)} of {len(track.layout)}"
        print(f"| {path.name} | {counts} | {len(track)} | {off[0]:.1f} | {off[1]:.1f} | {seconds:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="motion in the AMASS layout (.npz)")
    parser.add_argument("--people", type=Path, help="a folder of SMPL poses that others solved (.npz)")
    parser.add_argument("--files", type=Path, help="a folder of real keypoint files")
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--frames", type=int, default=300)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    body = lsmpl.load_body()
    if arguments.clips:
        virtual(body, clips(arguments.folder, body, arguments.clips, arguments.frames))
        if arguments.people:
            virtual(body, people(arguments.people, body, arguments.clips, arguments.frames))
    if arguments.files:
        real(body, arguments.files)


if __name__ == "__main__":
    main()

"""How well a solve predicts markers that it was not shown: `python benchmarks/held_out.py KEYPOINTS_FOLDER`.

An error that needs no reference. A subject is calibrated on one part of a file's frames, where all markers are shown;
in the other part half of the markers are hidden, the rest are solved, and each hidden marker is compared with where its
site on the solved body is. What holds a trunk or a limb wrongly misses them, and so does what follows each marker's
own error. A smaller residual says neither. Markers are hidden in `HALVES` random halves and their complements; with
`--parts N` the N-th part of them at a time, so that what is left shows each bone about as the whole set does.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lsmpl_core as lsmpl

FILES = {
    "ART (C3D)": ("c3d/ART-Human_real.c3d",),
    "CMU, Vicon (C3D)": ("c3d/cmu_dribble_shoot_basketball.c3d",),
    "vendor sample, three markers a segment (C3D, DEC)": ("c3d/dec_int.c3d",),
    "Plug-in Gait, legs (C3D)": ("c3d/gait-pig.c3d",),
    "CMU squat, 53 markers (C3D)": ("c3d/squat.c3d",),
    "Plug-in Gait, walk, calibrated on the static trial": (
        "marker_subject/HC039A17.c3d",
        "marker_subject/HC039A01.c3d",
    ),
    "Plug-in Gait, static trial, calibrated on the walk": (
        "marker_subject/HC039A01.c3d",
        "marker_subject/HC039A17.c3d",
    ),
    "OpenCap, jump (TRC)": ("opencap/DJ1.trc",),
    "OpenCap, 861 frames (TRC)": ("opencap/sample_markers.trc",),
    "OpenCap, walk (TRC)": ("opencap/walking2.trc",),
    "BTK's gait (TRC)": ("trc/Gait.trc",),
    "BTK's ballet (TRC)": ("trc/ballet_reduced.trc",),
    "OpenSim markers (TRC)": ("trc/markers.trc",),
}
"""The take, and the one that its subject is calibrated on; of one file, its two halves in time."""
MOST_FRAMES = 100
HALVES = 2
"""Random halves, each of which is hidden once and shown once."""


def parts_of(
    folder: Path, files: tuple[str, ...], most: int = MOST_FRAMES
) -> list[tuple[lsmpl.KeypointTrack, lsmpl.KeypointTrack]]:
    """Pairs of a take to calibrate on and one to be predicted."""
    tracks = [lsmpl.read_keypoints(folder / name) for name in files]
    if len(tracks) == 2:
        return [(tracks[1], _middle(tracks[0], most))]
    half = len(tracks[0]) // 2
    first, second = tracks[0].frames(slice(0, half)), tracks[0].frames(slice(half, None))
    return [(first, _middle(second, most)), (second, _middle(first, most))]


def _middle(track: lsmpl.KeypointTrack, most: int) -> lsmpl.KeypointTrack:
    begin = max(0, (len(track) - most) // 2)
    return track.frames(slice(begin, begin + most))


def held_out(
    known: lsmpl.KeypointTrack, track: lsmpl.KeypointTrack, body: lsmpl.Body, parts: int = 2, times: int = HALVES
) -> dict[str, list[float]]:
    """Of each marker that is calibrated on `known`, how far in mm its site is where `track` hides it, with the others
    of one of so many parts."""
    calibration = lsmpl.calibrate([known], body)
    rng, missed = np.random.default_rng(0), {}
    for _ in range(times):
        mixed = rng.permutation(len(track.layout))
        for hidden in (mixed[part::parts] for part in range(parts)):
            confidence = track.confidence.copy()
            confidence[:, hidden] = 0.0
            motion = lsmpl.solve(replace(track, confidence=confidence), body, calibration=calibration)
            for k in hidden:
                name = track.layout.keypoints[k]
                if name not in calibration.keypoints or not track.visible[:, k].any():
                    continue
                alone = replace(calibration, keypoints={name: calibration.keypoints[name]})
                layout = type(track.layout)(name="one", keypoints=(name,), sites=(track.layout.sites[k],))
                at = body.site_positions(motion, alone.parts(body, layout))[:, 0]
                off = np.linalg.norm(at - track.positions[:, k], axis=1)
                missed.setdefault(name, []).append(1000 * float(np.nanmedian(off)))
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="files whose title has this in it")
    parser.add_argument("--parts", type=int, default=2, help="into how many parts markers are split, each hidden once")
    parser.add_argument("--frames", type=int, default=MOST_FRAMES, help="how many frames of each half at most")
    parser.add_argument("--save", type=Path, help="a file for each marker's error, to compare versions on the same")
    options = parser.parse_args()
    body = lsmpl.load_body()
    rows = {}
    for title, files in FILES.items():
        if options.only not in title:
            continue
        for i, (known, track) in enumerate(parts_of(options.folder, files, options.frames)):
            found = held_out(known, track, body, options.parts, HALVES if options.parts == 2 else 1)
            missed = {name: float(np.mean(each)) for name, each in found.items()}
            rows |= {f"{title}|{i}|{name}": off for name, off in missed.items()}
            off = list(missed.values())
            print(
                f"{title}: {len(off)} markers, mean {np.mean(off):.1f} mm, median {np.median(off):.1f} mm", flush=True
            )
    if options.save:
        np.savez(options.save, names=np.array(list(rows)), off=np.array(list(rows.values())))


if __name__ == "__main__":
    main()

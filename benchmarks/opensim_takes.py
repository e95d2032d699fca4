"""Joint angles of marker takes beside OpenSim's own files: `python benchmarks/opensim_takes.py FOLDER`.

For any folder of marker takes (.trc) whose owners solved them by OpenSim's inverse kinematics (`X.mot` or `X_ik.mot`
beside `X.trc`, or in `IK` beside `MarkerData`, as AddBiomechanics lays them out): each is read, calibrated and solved
with the defaults, and its angles are set beside theirs frame by frame. Coordinates are those of the full-body models of
Rajagopal (2016) and Lai (2017), whose axes our angles have (`joint_angles.py`). Given is the root mean square of the
difference, of which its median was taken off, in degrees. OpenSim is a reference, not the truth: its shoulders do not
rise, so that elbows bend in its place, and now and then it jumps for some frames.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from joint_angles import WINDOW, angles_of

import lsmpl_core as lsmpl

COORDINATES = {
    "pelvis tilt": "pelvis_tilt", "pelvis list": "pelvis_list", "pelvis rotation": "pelvis_rotation",
    "lumbar ext": "lumbar_extension", "lumbar bend": "lumbar_bending", "lumbar rot": "lumbar_rotation",
    "hip flex": "hip_flexion", "hip add": "hip_adduction", "hip rot": "hip_rotation",
    "knee bones": "knee_angle", "ankle dorsi": "ankle_angle", "elbow flex": "elbow_flex",
}  # fmt: skip
"""Angles by our names and by the names of the models' coordinates, those of limbs without their side."""


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Marker takes with what OpenSim solved from them, by their names."""
    found = []
    for solved in sorted(folder.rglob("*.mot")):
        name = solved.stem.removesuffix("_ik") + ".trc"
        places = (solved.with_name(name), solved.parent.parent / "MarkerData" / name)
        found += [(take, solved) for take in places if take.is_file()][:1]
    return found


def read_coordinates(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times (T,) in seconds and coordinates (T,) by name, in degrees, of OpenSim's storage file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "endheader")
    degrees = any(line.strip() == "inDegrees=yes" for line in lines[:start])
    rows = np.array([line.split() for line in lines[start + 2 :] if line.strip()], dtype=np.float64)
    by_name = dict(zip(lines[start + 1].split(), rows.T))
    return by_name.pop("time"), {name: c if degrees else np.degrees(c) for name, c in by_name.items()}


def take_times(path: Path) -> np.ndarray:
    """(T,) of the rows of a .trc, in seconds."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[5:]]
    return np.array([float(row[1]) for row in rows if len(row) > 2 and row[1].strip()])


def errors(take: Path, solved: Path, body: lsmpl.Body) -> dict[str, float]:
    """Offset-removed errors in degrees by our names, of limbs the mean of both sides; empty where the two share no
    frame or no coordinate."""
    times, theirs = read_coordinates(solved)
    rows = take_times(take)
    frames = np.abs(rows[:, None] - times).argmin(axis=0)
    both = np.abs(rows[frames] - times) <= WINDOW
    if not both.any():
        return {}
    ours = angles_of(lsmpl.solve(lsmpl.read_keypoints(take), body), body)
    found: dict[str, list[float]] = {}
    for name, angle in ours.items():
        side = name[-2:].replace(" ", "_") if name[-2:] in (" l", " r") else ""
        coordinate = COORDINATES.get(name.removesuffix(name[-2:]) if side else name, "") + side
        if coordinate in theirs:
            found.setdefault(name[:-2] if side else name, []).append(
                _without_offset(angle[frames[both]], theirs[coordinate][both])
            )
    return {name: float(np.mean(values)) for name, values in found.items()}


def _without_offset(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Root mean square of the difference less its median, in degrees; bone angles, which have no sign, beside models
    that bend either way."""

    def rms(sign: float) -> float:
        difference = (ours - sign * theirs + 180.0) % 360.0 - 180.0
        return float(np.sqrt(np.mean(np.square((difference - np.median(difference) + 180.0) % 360.0 - 180.0))))

    return min(rms(1.0), rms(-1.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of .trc and .mot files, however deep")
    arguments = parser.parse_args()
    takes = pairs(arguments.folder)
    if not takes:
        print(f"{arguments.folder}: has no .mot beside a .trc of its name, so there is nothing to measure on")
        sys.exit(2)
    body = lsmpl.load_body()
    print(f"| take | {' | '.join(COORDINATES)} |\n|{' --- |' * (len(COORDINATES) + 1)}")
    rows = []
    for take, solved in takes:
        found = errors(take, solved, body)
        if found:
            rows.append([found.get(name, np.nan) for name in COORDINATES])
            print(_row(take.relative_to(arguments.folder), rows[-1]), flush=True)
    print(_row(f"mean of {len(rows)}", np.nanmean(rows, axis=0)))
    print(_row("median", np.nanmedian(rows, axis=0)))


def _row(name: object, values: np.ndarray | list[float]) -> str:
    return f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |"


if __name__ == "__main__":
    main()

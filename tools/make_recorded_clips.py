"""The recorded clips that tests are run on, cut out of a folder: `make_recorded_clips.py
MOCAP_FOLDER`.

Whoever adds a clip adds a line here, runs it again, and keeps `tests/data/cmu` below 2 MB.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "data" / "cmu"

CLIPS: dict[str, slice] = {
    # subjects that nothing was ever fitted to (training/validation_subjects.txt)
    "02_02": slice(None),  # walks
    "02_06": slice(229, 329),  # bends, scoops something up and rises
    "02_08": slice(0, 200),  # swings a sword
    "07_01": slice(None),  # walks
    "07_02": slice(None),  # walks
    "10_02": slice(None),  # kicks a ball
    "16_01": slice(None),  # jumps
    "16_10": slice(None),  # jumps high
    "26_01": slice(0, 120),
    "135_03": slice(0, 250),  # martial arts
    "135_04": slice(None),  # martial arts
    # subjects of whom the bundled network and the pose prior learned
    "01_01": slice(0, 300),  # climbs on a playground
    "01_14": slice(0, 120),  # hangs and climbs
    "05_02": slice(0, 160),  # dances
    "08_01": slice(None),  # walks
    "13_35": slice(0, 240),  # climbs steps
    "14_21": slice(0, 120),  # steps and turns
    "14_30": slice(0, 120),  # sits and rises
    "35_01": slice(None),  # walks
    "127_23": slice(None),  # runs and rolls over
    "127_31": slice(None),  # crouches and creeps
}
"""Clips by name, each with the frames (at 30 fps) that are taken of it."""

STEP = 2.0**-16
"""Radians and metres to which numbers are rounded: 0.001 degrees and 0.015 mm, for files a quarter
smaller."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mocap", type=Path, help="SUBJECT_CLIP.npz files in the AMASS layout")
    options = parser.parse_args()

    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, frames in CLIPS.items():
        with np.load(options.mocap / f"{name}.npz") as clip:
            poses, trans, rate = clip["poses"], clip["trans"], clip["mocap_framerate"]
        np.savez_compressed(
            FOLDER / f"{name}.npz",
            poses=rounded(poses[frames]),
            trans=rounded(trans[frames]),
            betas=np.zeros(10, np.float32),
            mocap_framerate=rate,
            gender="neutral",
        )
    print(
        f"{len(CLIPS)} clips, "
        f"{sum(path.stat().st_size for path in FOLDER.glob('*.npz')) / 1e6:.2f} MB"
    )


def rounded(values: np.ndarray) -> np.ndarray:
    return (np.round(np.asarray(values, float) / STEP) * STEP).astype(np.float32)


if __name__ == "__main__":
    main()

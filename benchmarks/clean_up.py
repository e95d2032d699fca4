"""What clean-up does to solved motion: `python benchmarks/clean_up.py MOCAP_FOLDER`.

Validation subjects on random bodies (`validation.py`), with 10 mm of noise and a fifth of the keypoints missing in
bursts; true betas. A foot point truly stands where the recorded motion has it within 3 cm of its lowest and slower than
10 cm/s. Recorded feet slide themselves, so a locked motion is compared twice: with the recording, and with the
recording after its own feet were locked. SMPLify takes about a second a frame and runs on fewer, shorter clips.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from validation import HALVES, NOTE, Clip, clips, degraded

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.cleaning.contacts import contact_mask, find_contacts, runs, sliding
from lsmpl_core.cleaning.floor import estimate_floor, foot_points

NOISE, MISSING, BURST = 0.01, 0.2, (5, 40)
COLUMNS = ("PVE", "no hands", "PVE to locked", "MPJPE", "acceleration", "sliding", "contacts found", "false", "s")


def bursts(track: lsmpl.KeypointTrack, share: float, seed: int) -> lsmpl.KeypointTrack:
    """The track with about this share of each keypoint missing, in stretches."""
    rng = np.random.default_rng(seed)
    confidence = track.confidence.copy()
    for column in confidence.T:
        while (column == 0).mean() < share:
            length = rng.integers(BURST[0], BURST[1] + 1)
            start = rng.integers(1 - length, len(column))
            column[max(start, 0) : start + length] = 0.0
    return replace(track, confidence=confidence)


def butterworth(track: lsmpl.KeypointTrack, cutoff: float) -> lsmpl.KeypointTrack:
    """Keypoints filtered forwards and backwards (fourth order in all), gaps filled by straight lines."""
    from scipy.signal import butter, filtfilt

    b, a = butter(2, 2.0 * cutoff / track.fps)
    positions, frames = track.positions.copy(), np.arange(len(track))
    for column in positions.reshape(len(track), -1).T:
        seen = np.isfinite(column)
        if seen.sum() > 1:
            column[:] = filtfilt(b, a, np.interp(frames, frames[seen], column[seen]))
    return lsmpl.KeypointTrack(positions, layout=track.layout, fps=track.fps)


def true_contacts(motion: lsmpl.Motion, body: lsmpl.Body) -> np.ndarray:
    """(T,4) bool: which foot points stand, by the plain rule above, for three frames or more."""
    positions = foot_points(motion, body).positions
    speed = np.linalg.norm(np.gradient(positions, 1.0 / motion.fps, axis=0), axis=2)
    stands = (positions[..., 2] < np.percentile(positions[..., 2], 5, axis=0) + 0.03) & (speed < 0.1)
    for column in stands.T:
        for start, stop in runs(column):
            column[start:stop] = stop - start >= 3
    return stands


class Bench:
    """Clips as they were recorded, what was seen of them, and what they should look like."""

    def __init__(self, body: lsmpl.Body, chosen: list[Clip], noise: float, missing: float):
        self.body = body
        self.truths = [clip.motion for clip in chosen]
        self.planted = [lsmpl.clean_up(truth, body, smooth=0.0) for truth in self.truths]
        self.contacts = [true_contacts(truth, body) for truth in self.truths]
        self.tracks = [
            bursts(degraded(body.keypoints(truth), noise, 0.0, seed), missing, seed)
            for seed, truth in enumerate(self.truths)
        ]

    def row(self, name: str, make: Callable[[int], lsmpl.Motion]) -> list[lsmpl.Motion]:
        """One line of the table, of what `make` gives for each clip."""
        began = time.perf_counter()
        made = [make(i) for i in range(len(self.truths))]
        seconds = time.perf_counter() - began
        values = np.nanmean([self._errors(i, motion) for i, motion in enumerate(made)], axis=0)
        print(f"| {name} | {' | '.join(f'{v:.2f}' for v in values)} | {seconds:.1f} |", flush=True)
        return made

    def _errors(self, i: int, motion: lsmpl.Motion) -> list[float]:
        body, truth, stands = self.body, self.truths[i], self.contacts[i]
        every = slice(None, None, 3)
        points = foot_points(motion, body)
        found = contact_mask(find_contacts(points, estimate_floor(points), motion.fps), len(motion))
        a, b = body.joints(truth)[:, :22], body.joints(motion)[:, :22]
        return [
            metrics.pve(body, truth.frames(every), motion.frames(every)),
            metrics.pve(body, truth.frames(every), motion.frames(every), hands=False),
            metrics.pve(body, self.planted[i].frames(every), motion.frames(every)),
            metrics.mpjpe(a, b),
            metrics.acceleration_error(a, b, truth.fps) / 1000.0,
            100.0 * sliding(points.positions, stands, motion.fps),
            100.0 * (found & stands).sum() / max(stands.sum(), 1),
            100.0 * (found & ~stands).sum() / max(found.sum(), 1),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="motion in the AMASS layout (.npz)")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--smplify", default="2x60", metavar="CLIPSxFRAMES", help="0 leaves SMPLify out")
    parser.add_argument("--half", choices=HALVES, default="report", help="of the validation subjects")
    arguments = parser.parse_args()
    body = lsmpl.load_body()
    print(f"{NOTE}. PVE, MPJPE in mm, acceleration in m/s², sliding in cm/s, contacts in % of frames.")
    for noise, missing in ((0.0, 0.0), (NOISE, MISSING)):
        bench = Bench(
            body, clips(arguments.folder, body, arguments.clips, arguments.frames, half=arguments.half), noise, missing
        )
        _heading(f"{len(bench.truths)} clips, {1000 * noise:.0f} mm noise, {100 * missing:.0f} % missing in bursts")
        bench.row("the recorded motion", lambda i: bench.truths[i])  # noqa: B023
        _ours(bench, body)
    if arguments.smplify != "0":
        from smplify import smplify

        count, frames = map(int, arguments.smplify.split("x"))
        bench = Bench(body, clips(arguments.folder, body, count, frames, half=arguments.half), NOISE, MISSING)
        _heading(f"{count} clips of {frames} frames, {1000 * NOISE:.0f} mm noise, {100 * MISSING:.0f} % missing")
        truths, tracks = bench.truths, bench.tracks
        bench.row("SMPLify", lambda i: smplify(tracks[i], body, truths[i].betas, truths[i].poses[0])[0])
        _ours(bench, body)


def _heading(title: str) -> None:
    print(f"\n### {title}\n\n| | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 1)}")


def _ours(bench: Bench, body: lsmpl.Body) -> None:
    truths, tracks = bench.truths, bench.tracks
    alone = lsmpl.SolveOptions(couple=False)
    apart = bench.row(
        "solved, frames not polished together", lambda i: lsmpl.solve(tracks[i], body, truths[i].betas, options=alone)
    )
    bench.row("the same, smoothed 0.5, feet locked", lambda i: lsmpl.clean_up(apart[i], body))
    solved = bench.row("solved", lambda i: lsmpl.solve(tracks[i], body, truths[i].betas))
    for cutoff in (4.0, 6.0):
        filtered = [butterworth(track, cutoff) for track in tracks]
        bench.row(
            f"keypoints by Butterworth {cutoff:.0f} Hz, solved",
            lambda i: lsmpl.solve(filtered[i], body, truths[i].betas),  # noqa: B023
        )
    for strength in (0.3, 0.5, 0.7):
        bench.row(
            f"solved, smoothed {strength}",
            lambda i: lsmpl.clean_up(solved[i], body, smooth=strength, lock_feet=False),  # noqa: B023
        )
    bench.row("solved, smoothed 0.5, feet locked", lambda i: lsmpl.clean_up(solved[i], body))
    bench.row("solved, feet locked on the floor", lambda i: lsmpl.clean_up(solved[i], body, floor="zero"))


if __name__ == "__main__":
    main()

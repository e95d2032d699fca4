"""What clean-up does to solved motion: `python benchmarks/clean_up.py MOCAP_FOLDER`.

Validation subjects on random bodies (`validation.py`), with 10 mm of noise and a fifth of the keypoints missing in
bursts; true betas. A foot point truly stands where the recorded motion has it within 3 cm of its lowest and slower than
10 cm/s. Recorded feet slide themselves, so a locked motion is compared twice: with the recording, and with the
recording after its own feet were locked. SMPLify takes about a second a frame and runs on fewer, shorter clips.

`--feet` looks at the feet alone, of what was solved and of what clean-up made of it, each value beside the recording's
own: what truly stands and slides (cm/s); how far (mm, mean and 99th percentile) heels and toes are under the floor, and
over it while they stand; tilt, by how many mm heel and toes differ in height while both stand; by how much knees'
angular acceleration (1000 degrees/s²) and ankles' acceleration (m/s²) are more than the recording's within two frames,
99th percentile and most; mean and most by which the pelvis is off (mm); and the mean error of 22 joints where they are
in the world, pelvis not on pelvis.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from retarget import angle, jolts, second
from validation import HALVES, NOTE, Clip, clips, degraded

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.cleaning.contacts import contact_mask, find_contacts, sliding
from lsmpl_core.cleaning.floor import estimate_floor, foot_points
from lsmpl_core.frames import runs

NOISE, MISSING, BURST = 0.01, 0.2, (5, 40)
FEET = (
    "slide", "under", "99 %", "over", "99 %", "tilt", "99 %", "knees 99 %", "most", "ankles 99 %", "most",
    "pelvis off", "most", "PVE", "in the world",
)  # fmt: skip
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


def feet_figures(body: lsmpl.Body, truth: lsmpl.Motion, motion: lsmpl.Motion) -> list[float]:
    """The figures of `FEET`."""
    fps, stands = truth.fps, true_contacts(truth, body)
    points, theirs = foot_points(motion, body), foot_points(truth, body)
    floor = estimate_floor(theirs)
    height = points.positions[..., 2] - floor.point_heights
    both = stands.reshape(-1, 2, 2).all(axis=2)
    tilt = np.abs(np.diff(height.reshape(-1, 2, 2), axis=2)[..., 0])[both]
    under, over = np.maximum(-height, 0.0), np.maximum(height, 0.0)[stands]
    a, b = body.joints(truth)[:, :22], body.joints(motion)[:, :22]
    knees, ankles = [], []
    for side in ("left", "right"):
        leg = [JOINT_NAMES.index(f"{side}_{part}") for part in ("hip", "knee", "ankle")]
        bend = [angle(j[:, leg[1]] - j[:, leg[0]], j[:, leg[2]] - j[:, leg[1]]) for j in (b, a)]
        knees.append(jolts(*(np.abs(second(v)) for v in bend)) * fps**2 / 1000.0)
        ankles.append(jolts(*(np.linalg.norm(second(j[:, leg[2]]), axis=1) for j in (b, a))) * fps**2)
    off = np.linalg.norm(a[:, 0] - b[:, 0], axis=1)

    def most(values, percentile: float = 99.0) -> float:
        return float(np.percentile(values, percentile)) if np.size(values) else float("nan")

    def mean(values) -> float:
        return float(np.mean(values)) if np.size(values) else float("nan")

    return [
        100.0 * sliding(points.positions, stands, fps),
        1000.0 * mean(under), 1000.0 * most(under), 1000.0 * mean(over), 1000.0 * most(over),
        1000.0 * mean(tilt), 1000.0 * most(tilt),
        most(knees), most(knees, 100.0), most(ankles), most(ankles, 100.0),
        1000.0 * mean(off), 1000.0 * most(off, 100.0),
        metrics.pve(body, truth.frames(slice(None, None, 3)), motion.frames(slice(None, None, 3))),
        1000.0 * mean(np.linalg.norm(a - b, axis=-1)),
    ]  # fmt: skip


def feet_table(body: lsmpl.Body, chosen: list[Clip]) -> None:
    """What clean-up does to feet: of recorded motion, of what is solved from exact keypoints, and from noisy ones."""
    for noise, missing in ((0.0, 0.0), (NOISE, MISSING)):
        bench = Bench(body, chosen, noise, missing)
        solved = [lsmpl.solve(track, body, betas=truth.betas) for track, truth in zip(bench.tracks, bench.truths)]
        rows = {"the recorded motion": bench.truths, "solved": solved}
        rows["solved, cleaned up"] = [lsmpl.clean_up(motion, body) for motion in solved]
        rows["solved, cleaned up, on the floor"] = [
            lsmpl.clean_up(motion, body, floor=estimate_floor(foot_points(truth, body)).height)
            for motion, truth in zip(solved, bench.truths)
        ]
        _heading(f"Feet, {len(chosen)} clips, {1000 * noise:.0f} mm noise, {100 * missing:.0f} % missing", FEET)
        for name, motions in rows.items():
            print_feet(name, [feet_figures(body, truth, motion) for truth, motion in zip(bench.truths, motions)])


def print_feet(name: str, figures: list[list[float]]) -> None:
    mean, worst = np.nanmean(figures, axis=0), np.nanmax(figures, axis=0)
    shown = [w if column == "most" else m for m, w, column in zip(mean, worst, FEET)]
    print(f"| {name} | {' | '.join(f'{value:.2f}' for value in shown)} |", flush=True)


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
    parser.add_argument("--feet", action="store_true", help="the feet alone")
    arguments = parser.parse_args()
    body = lsmpl.load_body()
    if arguments.feet:
        feet_table(body, clips(arguments.folder, body, arguments.clips, arguments.frames, half=arguments.half))
        return
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


def _heading(title: str, columns: tuple[str, ...] = COLUMNS) -> None:
    print(f"\n### {title}\n\n| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")


def _ours(bench: Bench, body: lsmpl.Body) -> None:
    truths, tracks = bench.truths, bench.tracks
    alone = {"options": lsmpl.SolveOptions(optimise_sequence=False)}
    apart = bench.row(
        "solved, frames not polished together", lambda i: lsmpl.solve(tracks[i], body, betas=truths[i].betas, **alone)
    )
    bench.row("the same, smoothed 0.5, feet locked", lambda i: lsmpl.clean_up(apart[i], body))
    solved = bench.row("solved", lambda i: lsmpl.solve(tracks[i], body, betas=truths[i].betas))
    for cutoff in (4.0, 6.0):
        filtered = [butterworth(track, cutoff) for track in tracks]
        bench.row(
            f"keypoints by Butterworth {cutoff:.0f} Hz, solved",
            lambda i: lsmpl.solve(filtered[i], body, betas=truths[i].betas),  # noqa: B023
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

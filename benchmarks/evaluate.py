"""How accurate a solver is on a data set: `python benchmarks/evaluate.py KIND FOLDER --body SMPL_NEUTRAL.npz`.

Takes with a true motion are solved from keypoints made from it, from the true first pose and betas, and cold; takes
with an estimate and keypoints are refined. Errors in mm over the frames that the data set calls valid:

* PVE, PA-PVE: of the surface, each vertex with its share of it, pelvis on pelvis and after Procrustes.
* MPJPE, PA-MPJPE: of the 22 joints of the body, the same. acceleration: of those joints, in mm/s².
* published PVE, PA-PVE: as Learnable SMPLify's authors measure, vertices alike, right ankle on right ankle.
* keypoints: what is left between the motion's keypoints and the given ones, each frame moved onto its mean.

The mean is over frames. Betas are used if they may be for the body (a user's own, and parameters that are SMPL's);
otherwise the truth is the same poses on the mean shape.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.body.body import betas_match
from lsmpl_core.body.skeleton import NUM_BETAS
from lsmpl_core.datasets import KINDS, EvaluationTake, LeftOut, detect_kind, read_dataset
from lsmpl_core.refine_estimate import turned_into
from lsmpl_core.solver.options import SOLVERS

COLUMNS = (
    "PVE", "PA-PVE", "MPJPE", "PA-MPJPE", "acceleration", "published PVE", "published PA-PVE", "keypoints",
)  # fmt: skip
GIVEN, COLD, BEFORE, AFTER = "true first pose and betas", "cold", "the estimate", "refined"
JOINTS = 22
FEWEST_FRAMES = 3


@dataclass(frozen=True)
class Row:
    """One solver run on one take: errors by `COLUMNS`, NaN where there is no truth, over so many valid frames."""

    take: str
    mode: str
    errors: np.ndarray
    frames: int


@dataclass(frozen=True)
class Evaluation:
    """What takes are solved with.

    rate: frames a second to which true motions are thinned. frames: how many of a take are used at most, 0 for all.
    every: 4 measures the surface in every fourth valid frame only.
    """

    body: lsmpl.Body
    options: lsmpl.SolveOptions
    layout: str = "body_25"
    rate: float = 30.0
    frames: int = 0
    every: int = 1
    device: str = "auto"

    def rows(self, take: EvaluationTake) -> Iterator[Row]:
        """Raises `LsmplError` where a solver cannot take it."""
        take = self._cut(take)
        if len(take) < FEWEST_FRAMES or not take.valid.any():
            raise lsmpl.LsmplError(f"{take.name}: has {take.valid.sum()} valid frames of {len(take)}; too few")
        if take.truth is not None:
            yield from self._solved(take)
        if take.estimate is not None and take.track is not None:
            yield from self._refined(take)

    def _cut(self, take: EvaluationTake) -> EvaluationTake:
        step = max(1, round(take.truth.fps / self.rate)) if take.truth is not None and take.track is None else 1
        part = slice(0, self.frames * step if self.frames else None, step)
        truth, estimate, track = take.truth, take.estimate, take.track
        return replace(
            take,
            truth=None if truth is None else replace(truth.frames(part), fps=truth.fps / step),
            estimate=None if estimate is None else estimate.frames(part),
            track=None if track is None else track.frames(part),
            valid=take.valid[part],
        )

    def _solved(self, take: EvaluationTake) -> Iterator[Row]:
        truth = self._on_body(take.truth, take.track)
        track = replace(self._keypoints(truth), source=take.name)
        for mode, given in ((GIVEN, {"betas": truth.betas, "start_pose": truth.poses[0]}), (COLD, {})):
            motion = lsmpl.solve(track, self.body, **given, device=self.device, options=self.options)
            yield self._row(take, mode, truth, motion, track)

    def _refined(self, take: EvaluationTake) -> Iterator[Row]:
        truth = None if take.truth is None else self._on_body(take.truth, take.track)
        yield self._row(take, BEFORE, truth, self._on_body(take.estimate, take.track), take.track)
        after = lsmpl.refine_motion(take.track, self.body, take.estimate, device=self.device, options=self.options)
        yield self._row(take, AFTER, truth, after, take.track)

    def _on_body(self, motion: lsmpl.Motion, track: lsmpl.KeypointTrack | None) -> lsmpl.Motion:
        """A motion of the data set on our body, turned into the world of its keypoints, if any, as by `refine`."""
        betas = motion.betas if betas_match(motion, self.body) else np.zeros(NUM_BETAS)
        motion = replace(motion, betas=betas, body=self.body.key)
        if track is None or not track.visible.any():
            return motion
        return turned_into(track, self.body, motion)[0]

    def _keypoints(self, truth: lsmpl.Motion) -> lsmpl.KeypointTrack:
        """For Learnable SMPLify, those that its checkpoint regresses from the mesh."""
        if self.options.solver != "published":
            return self.body.keypoints(truth, self.layout)
        from accuracy import published_keypoints

        return published_keypoints(self.options.checkpoint, self.body)(truth, self.layout)

    def _row(self, take, mode, truth: lsmpl.Motion | None, motion: lsmpl.Motion, track: lsmpl.KeypointTrack) -> Row:
        errors = np.full(len(COLUMNS), np.nan)
        errors[-1] = _keypoint_error(self.body, motion, track, take.valid)
        if truth is not None:
            errors[:-1] = self._errors(truth, motion, take.valid)
        return Row(take.name, mode, errors, int(take.valid.sum()))

    def _errors(self, truth: lsmpl.Motion, motion: lsmpl.Motion, valid: np.ndarray) -> list[float]:
        body, some = self.body, np.flatnonzero(valid)[:: self.every]
        joints = [body.joints(m)[:, :JOINTS] for m in (truth, motion)]
        surfaces = truth.frames(some), motion.frames(some)
        return [
            metrics.pve(body, *surfaces),
            metrics.pa_pve(body, *surfaces),
            metrics.mpjpe(*(j[valid] for j in joints)),
            metrics.pa_mpjpe(*(j[valid] for j in joints)),
            metrics.acceleration_error(*joints, truth.fps, valid),
            metrics.published_pve(body, *surfaces),
            metrics.published_pa_pve(body, *surfaces),
        ]


def _keypoint_error(body: lsmpl.Body, motion: lsmpl.Motion, track: lsmpl.KeypointTrack, valid: np.ndarray) -> float:
    seen = track.visible & valid[:, None]
    apart = np.where(seen[..., None], body.keypoints(motion, track.layout).positions - track.positions, 0.0)
    apart -= apart.sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1), 1)[:, None, None]
    return float(np.linalg.norm(apart, axis=-1)[seen].mean() * metrics.MILLIMETRES) if seen.any() else float("nan")


def means(rows: Sequence[Row]) -> Iterator[Row]:
    """The mean over all frames of each mode."""
    for mode in dict.fromkeys(row.mode for row in rows):
        of_mode = [row for row in rows if row.mode == mode]
        errors = np.array([row.errors for row in of_mode])
        weights = np.array([row.frames for row in of_mode])[:, None] * np.isfinite(errors)
        total = np.where(np.isfinite(errors), errors, 0.0)
        share = weights.sum(axis=0)
        mean = np.where(share > 0, (weights * total).sum(axis=0) / np.maximum(share, 1), np.nan)
        yield Row(f"**mean of {len(of_mode)}**", mode, mean, sum(row.frames for row in of_mode))


def _line(row: Row) -> str:
    cells = ["-" if np.isnan(error) else f"{error:.1f}" for error in row.errors]
    return f"| {' | '.join([row.take, row.mode, str(row.frames), *cells])} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table, and to stderr what was left out; gives 1 where a file or a take failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("kind", choices=("auto", *KINDS))
    add("folder", type=Path)
    add("--body", help="an SMPL body, .npz or .pkl (default: the open body, on which betas of the data are not used)")
    add("--gender", choices=("male", "female", "neutral"), help="only takes of this body, whose file --body then is")
    add("--solver", choices=SOLVERS, default=lsmpl.SolveOptions.solver)
    add("--checkpoint", default="", help="of the solver published: best_ckpt.pth.tar")
    add("--polish", type=int, choices=range(11), metavar="STEPS", help="steps of the polish (default: the solver's)")
    add("--layout", default="body_25", help="keypoints that are made from true motions")
    add("--rate", type=float, default=30.0, help="frames a second to which true motions are thinned")
    add("--frames", type=int, default=0, help="use at most so many of a take (default: all)")
    add("--takes", type=int, default=0, help="stop after so many (default: all)")
    add("--every", type=int, default=1, help="N measures the surface in every Nth frame only")
    add("--device", default="auto")
    arguments = parser.parse_args(argv)
    try:
        return _run(arguments)
    except lsmpl.LsmplError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    body = lsmpl.load_body(arguments.body)
    options = lsmpl.SolveOptions(solver=arguments.solver, checkpoint=arguments.checkpoint, polish=arguments.polish)
    kind = detect_kind(arguments.folder) if arguments.kind == "auto" else arguments.kind
    evaluation = Evaluation(
        body, options.checked(), arguments.layout, arguments.rate, arguments.frames, arguments.every, arguments.device
    )
    print(f"{kind} in {arguments.folder}, on the body {body.name}, solver {options.solver}, polish {options.steps}\n")
    print(f"| take | | frames | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 3)}")
    rows: list[Row] = []
    counts = {"evaluated": 0, "without motion": 0, "of another gender": 0, "failed": 0}
    for result in read_dataset(kind, arguments.folder, body):
        if isinstance(result, LeftOut):
            counts["failed" if result.broken else "without motion"] += 1
            print(f"evaluate: {result}", file=sys.stderr)
            continue
        if arguments.gender not in (None, result.gender):
            counts["of another gender"] += 1
            continue
        try:
            for row in evaluation.rows(result):
                rows.append(row)
                print(_line(row), flush=True)
            counts["evaluated"] += 1
        except lsmpl.LsmplError as error:
            counts["failed"] += 1
            print(f"evaluate: {error}", file=sys.stderr)
        if counts["evaluated"] == arguments.takes > 0:
            break
    for row in means(rows):
        print(_line(row))
    print(f"\n{', '.join(f'{count} {what}' for what, count in counts.items() if count)}", flush=True)
    return 1 if counts["failed"] or not rows else 0


if __name__ == "__main__":
    sys.exit(main())

"""How accurate each solver is: `python benchmarks/accuracy.py MOCAP_FOLDER`.

Validation subjects on random bodies (`validation.py`). SMPLify takes about a second a frame, so it runs on fewer and
shorter clips, and every method is measured on those, too: compare rows of one table only.
Errors in mm, surface errors weighted by area; pelvis on pelvis unless marked PA. The angles are in degrees.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from validation import NOTE, Clip, clips, degraded

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.rotation import angle_between, exp_map, log_map

Solver = Callable[[lsmpl.KeypointTrack, lsmpl.Body, np.ndarray | None, np.ndarray | None], lsmpl.Motion]
Keypoints = Callable[[lsmpl.Motion, str], lsmpl.KeypointTrack]

GROUPS = {
    "hips, knees, ankles": ("hip", "knee", "ankle"),
    "spine, neck, head": ("spine", "neck", "head"),
    "shoulders, elbows": ("collar", "shoulder", "elbow"),
    "wrists": ("wrist",),
}
COLUMNS = ("PVE", "no hands", "PA-PVE", "MPJPE", "PA-MPJPE", "first tenth", "last tenth", "acceleration")
STRIDES = (1, 3, 5, 7, 9)
PUBLISHED = "Learnable SMPLify"
PAIRS = 12
"""One-step pairs a clip and stride."""


def ours(**options) -> Solver:
    chosen = lsmpl.SolveOptions(**options)
    return lambda track, body, betas, start: lsmpl.solve(track, body, betas=betas, start_pose=start, options=chosen)


def published_keypoints(checkpoint: str, body: lsmpl.Body) -> Keypoints:
    """BODY_25 as the checkpoint regresses it from the mesh; other layouts, and where it does not say, the body's."""
    import torch

    from lsmpl_core.published.body import PublishedBody
    from lsmpl_core.published.network import read_checkpoint

    seen = PublishedBody(body, read_checkpoint(checkpoint)["openpose_regressor"])

    def keypoints(motion: lsmpl.Motion, layout: str) -> lsmpl.KeypointTrack:
        if seen.regressor is None or layout != "body_25":
            return body.keypoints(motion, layout)
        arrays = exp_map(motion.poses), motion.trans, np.tile(motion.betas, (len(motion), 1))
        positions = seen.keypoints(*(torch.as_tensor(a, dtype=torch.float32) for a in arrays))
        return lsmpl.KeypointTrack(positions.numpy(), layout=layout, fps=motion.fps)

    return keypoints


def copying(track, body, betas, start) -> lsmpl.Motion:
    """The first pose throughout: what a solver starts from in one step."""
    poses = np.repeat(np.asarray(start)[None], len(track), axis=0)
    return lsmpl.Motion(poses, np.zeros((len(track), 3)), betas, track.fps, body=body.key)


def smplify_solver(track, body, betas, start) -> lsmpl.Motion:
    from smplify import smplify

    return smplify(track, body, betas, start)[0]


def perturbed(motion: lsmpl.Motion, size: float, seed: int) -> lsmpl.Motion:
    """The motion with each joint turned about random axes: half of the variance lasts, half changes in half a second.

    size: root mean square of the angle, in radians.
    """
    rng = np.random.default_rng(seed)
    frames = np.arange(len(motion))
    knots = rng.normal(size=(len(motion) // 15 + 2, 24, 3))
    at, share = frames // 15, (frames % 15 / 15.0)[:, None, None]
    changing = (1.0 - share) * knots[at] + share * knots[at + 1]
    changing /= np.sqrt((1.0 - share) ** 2 + share**2)
    turns = exp_map(size / np.sqrt(6.0) * (rng.normal(size=(24, 3)) + changing))
    return replace(motion, poses=log_map(exp_map(motion.poses) @ turns))


@dataclass(frozen=True)
class Bench:
    """The clips, the body, the solvers by name, and by name, too, the keypoints of those that see others than ours."""

    body: lsmpl.Body
    clips: list[Clip]
    solvers: dict[str, Solver]
    layout: str
    seen: dict[str, Keypoints] = field(default_factory=dict)

    def keypoints(self, name: str, motion: lsmpl.Motion) -> lsmpl.KeypointTrack:
        """What this solver is given of a motion."""
        return self.seen.get(name, self.body.keypoints)(motion, self.layout)

    def sequences(self, title: str, cold: bool = False, noise: float = 0.0, dropped: float = 0.0) -> None:
        """Whole clips with the true first pose and betas, or cold with neither."""
        columns = (*COLUMNS, *GROUPS, "s")
        print(f"\n### {title}\n\n| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
        for name, solver in self.solvers.items():
            if cold and solver is copying:
                continue
            rows, began = [], time.perf_counter()
            for seed, clip in enumerate(self.clips):
                truth = clip.motion
                track = degraded(self.keypoints(name, truth), noise, dropped, seed)
                given = (None, None) if cold else (truth.betas, truth.poses[0])
                rows.append(self._errors(truth, solver(track, self.body, *given)))
            values = " | ".join(f"{v:.1f}" for v in np.mean(rows, axis=0))
            print(f"| {name} | {values} | {time.perf_counter() - began:.0f} |", flush=True)

    def refinement(self, degrees: float, noise: float = 0.0, published: str = "") -> None:
        """Another estimator's motion, made up: the truth with every joint off by noise about half of which lasts."""
        columns = (*COLUMNS, *GROUPS)
        print(f"\n### Refining a motion whose joints are off by {degrees:.0f} degrees, {1000 * noise:.0f} mm noise\n")
        print(f"| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
        methods: dict[str, dict | None] = {"the estimate": None}
        methods |= {"refined, polish alone": {"solver": "polish"}, "refined, network alone": {"polish": 0}}
        if published:
            methods[f"refined, {PUBLISHED}"] = {"solver": "published", "checkpoint": published}
        for name, options in (methods | {"refined": {}}).items():
            rows = []
            for seed, clip in enumerate(self.clips):
                solved = estimate = perturbed(clip.motion, np.radians(degrees), seed)
                if options is not None:
                    track = degraded(self.keypoints(name, clip.motion), noise, 0.0, seed)
                    solved = lsmpl.refine_motion(track, self.body, estimate, options=lsmpl.SolveOptions(**options))
                rows.append(self._errors(clip.motion, solved))
            print(f"| {name} | {' | '.join(f'{v:.1f}' for v in np.mean(rows, axis=0))} |", flush=True)

    def drift(self) -> None:
        """What a sequence adds to the last tenth of a clip, beside solving that tenth from the true pose before it."""
        print(f"\n### Drift: 22 joints, mm, true first pose and betas, {self.layout}\n")
        print("| | first tenth | last tenth | last tenth begun at its own true pose | drift |\n|" + " --- |" * 5)
        for name, solver in self.solvers.items():
            rows = []
            for clip in self.clips:
                truth, tenth = clip.motion, len(clip.motion) // 10
                late = truth.frames(slice(len(truth) - tenth - 1, len(truth)))
                solved, begun = (solver(self.keypoints(name, m), self.body, m.betas, m.poses[0]) for m in (truth, late))
                a, b, c, d = (self.body.joints(m)[:, :22] for m in (truth, solved, late, begun))
                parts = ((a[1:tenth], b[1:tenth]), (a[-tenth:], b[-tenth:]), (c[1:], d[1:]))
                rows.append([metrics.mpjpe(*part) for part in parts])
            first, last, alone = np.mean(rows, axis=0)
            print(f"| {name} | {first:.2f} | {last:.2f} | {alone:.2f} | {last / alone:.2f}x |", flush=True)

    def single_steps(self) -> None:
        """One step from the true pose at each stride."""
        print(f"\n### One step from the true pose, {self.layout}: PVE, and in brackets without wrists and hands\n")
        print(f"| | {' | '.join(f'stride {s}' for s in STRIDES)} |\n|{' --- |' * (len(STRIDES) + 1)}")
        for name, solver in self.solvers.items():
            cells = []
            for stride in STRIDES:
                errors = []
                for clip in self.clips:
                    first = np.linspace(0, len(clip.motion) - 1 - stride, PAIRS).astype(int)
                    for start in np.unique(first):
                        truth = replace(
                            clip.motion,
                            poses=clip.motion.poses[[start, start + stride]],
                            trans=clip.motion.trans[[start, start + stride]],
                        )
                        solved = solver(self.keypoints(name, truth), self.body, truth.betas, truth.poses[0])
                        last = slice(1, 2)
                        errors.append([
                            metrics.pve(self.body, truth.frames(last), solved.frames(last), hands=hands)
                            for hands in (True, False)
                        ])  # fmt: skip
                cells.append("{:.2f} ({:.2f})".format(*np.mean(errors, axis=0)))
            print(f"| {name} | {' | '.join(cells)} |", flush=True)

    def _errors(self, truth: lsmpl.Motion, solved: lsmpl.Motion) -> list[float]:
        body, tenth = self.body, max(1, len(truth) // 10)
        a, b = body.joints(truth)[:, :22], body.joints(solved)[:, :22]
        every = slice(None, None, max(1, len(truth) // 40))
        t, s = truth.frames(every), solved.frames(every)
        ends = (slice(0, tenth), slice(len(truth) - tenth, None))
        angle = np.degrees(angle_between(exp_map(truth.poses), exp_map(solved.poses))).mean(axis=0)
        return [
            metrics.pve(body, t, s),
            metrics.pve(body, t, s, hands=False),
            metrics.pa_pve(body, t, s),
            metrics.mpjpe(a, b),
            metrics.pa_mpjpe(a, b),
            *(metrics.mpjpe(a[end], b[end]) for end in ends),
            metrics.acceleration_error(a, b, truth.fps),
            *(
                angle[[i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in parts)]].mean()
                for parts in GROUPS.values()
            ),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="motion in the AMASS layout (.npz)")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--layout", default="body_25")
    parser.add_argument("--smplify", default="2x60", metavar="CLIPSxFRAMES", help="0 leaves SMPLify out")
    parser.add_argument("--body", help="SMPL body file (default: the open body)")
    parser.add_argument("--published", metavar="CHECKPOINT", default="", help="measure Learnable SMPLify, too")
    arguments = parser.parse_args()
    body = lsmpl.load_body(arguments.body)
    solvers = {
        "copying the first pose": copying,
        "polish alone": ours(solver="polish"),
        "network alone": ours(solver="network", polish=0),
        "network and polish": ours(solver="network"),
    }
    seen = {}
    if arguments.published:
        of_it = {"solver": "published", "checkpoint": arguments.published}
        solvers = {PUBLISHED: ours(**of_it), f"{PUBLISHED} and polish": ours(**of_it, polish=1), **solvers}
        names = (PUBLISHED, f"{PUBLISHED} and polish", f"refined, {PUBLISHED}")
        seen = dict.fromkeys(names, published_keypoints(arguments.published, body))
    takes = clips(arguments.folder, body, arguments.clips, arguments.frames)
    long = Bench(body, takes, solvers, arguments.layout, seen)
    print(f"{len(long.clips)} clips of {arguments.frames} frames: {', '.join(c.name for c in long.clips)}.\n{NOTE}.")
    long.single_steps()
    long.drift()
    long.sequences(f"Sequence, true first pose and betas, {arguments.layout}")
    long.sequences(f"Cold, betas unknown, {arguments.layout}", cold=True)
    for noise, dropped in ((0.005, 0), (0.01, 0), (0.02, 0), (0, 0.1), (0, 0.3), (0, 0.5), (0.01, 0.2)):
        long.sequences(
            f"True first pose and betas, {1000 * noise:.0f} mm noise, {100 * dropped:.0f} % dropped",
            False,
            noise,
            dropped,
        )
    replace(long, layout="mediapipe_33").sequences("Sequence, true first pose and betas, mediapipe_33")
    long.refinement(10.0, published=arguments.published)
    long.refinement(10.0, 0.01, arguments.published)
    if arguments.smplify == "0":
        return
    count, frames = map(int, arguments.smplify.split("x"))
    against = {**solvers, "SMPLify": smplify_solver}
    short = Bench(body, clips(arguments.folder, body, count, frames, seed=1), against, arguments.layout, seen)
    print(f"\n## Against SMPLify, on {count} clips of {frames} frames")
    short.sequences(f"Sequence, true first pose and betas, {arguments.layout}")
    short.sequences(f"Cold, betas unknown, {arguments.layout}", cold=True)
    short.sequences("True first pose and betas, 10 mm noise, 20 % dropped", False, 0.01, 0.2)


if __name__ == "__main__":
    main()

"""Joint angles beside OpenSim's inverse kinematics: `python benchmarks/joint_angles.py [REFERENCE_ANGLES_FOLDER]`.

The references were solved by others from 51 markers, so neither their skeleton nor their proportions are ours:

* centres: the reference's own 12 joint centres and the markers at the toes as keypoints, exact, and with 8 mm of
  jitter. Another skeleton than ours, as every user's data is.
* markers: the takes themselves, calibrated and solved.

Angles are those of R = Rz(flexion) Rx(adduction) Ry(rotation), x forward, y up, z right in each segment's frame; those
of limbs mirrored on the left. Segment frames of SMPL: pelvis, spine3 and foot by their joints' rotations, long bones
with y along the bone. Given are the root mean square of the difference, of which its median was taken off (where a
segment's zero is differs between skeletons), in degrees, and the correlation. OpenSim is a reference, not the truth:
two of its solutions of one take differ by 1.6 to 4.1 degrees.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from validation import ROOT

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.rotation import between

FOLDER = ROOT.parent / "shared" / "keypoints" / "reference_angles"
TAKES = {
    "opencap_s5_DJ2": "opencap_s5_DJ2.trc",
    "opencap_video_DJ1": "../opencap/DJ1.trc",
    "opencap_video_walking2": "../opencap/walking2.trc",
}
"""The reference, and the file of the markers that it was solved from."""
COLUMNS = {
    "tilt": "pelvis tilt", "list": "pelvis list", "pelvis rot": "pelvis rotation",
    "lumbar ext": "lumbar ext", "bend": "lumbar bend", "lumbar rot": "lumbar rot",
    "hip flex": "hip flex", "add": "hip add", "hip rot": "hip rot", "knee": "knee bones", "ankle": "ankle dorsi",
    "arm flex": "arm flex", "abd": "arm abd", "elbow": "elbow flex",
}  # fmt: skip
"""Columns, and how the names of their angles begin."""
SHOWN_BY_CENTRES = [name for name in COLUMNS if name not in ("hip rot", "ankle")]
"""Those that enter the mean: hips and feet turn in ways that neither centres nor toes of another skeleton tell."""
Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From our world, Z up, to OpenSim's."""
SEGMENT = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Columns: forward, up and right in the rest frame of an SMPL joint (x left, y up, z forward)."""
UPWARD = np.array([0.0, 1.0, 0.0])
JITTER = 0.008
WINDOW = 1e-3
"""Seconds by which two frames may differ to be the same one."""


@dataclass(frozen=True)
class Reference:
    """Angles (T,) by name in degrees, centres (T,12,3) by name in metres, Z up, and the markers in the same frames."""

    name: str
    angles: dict[str, np.ndarray]
    centres: dict[str, np.ndarray]
    markers: lsmpl.KeypointTrack

    @classmethod
    def load(cls, folder: Path, name: str) -> Reference:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        path = folder / TAKES[name]
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[5:]]
        times = np.array([float(row[1]) for row in rows if len(row) > 2 and row[1]])
        track = lsmpl.read_keypoints(path)
        frames = np.array([int(np.abs(times - time).argmin()) for time in arrays["time"]])
        far = np.abs(times[frames] - arrays["time"]) > WINDOW
        if far.any():
            raise SystemExit(f"{path}: has no frame at {arrays['time'][far][0]} s, which {name}.npz has angles of")
        return cls(
            name,
            dict(zip(arrays["angle_names"].tolist(), arrays["angles"].T.astype(np.float64))),
            dict(zip(arrays["centre_names"].tolist(), np.moveaxis(arrays["centres"].astype(np.float64), 1, 0) @ Y_UP)),
            track.frames(frames),
        )

    def centres_track(self, jitter: float = 0.0) -> lsmpl.KeypointTrack:
        """The joint centres, and of the markers those at the toes, as keypoints."""
        by_name = {f"{_side(name)}_{name[:-2]}": positions for name, positions in self.centres.items()}
        for name, marker in (("left_big_toe", "L_toe"), ("right_big_toe", "r_toe")):
            by_name[name] = self.markers.positions[:, self.markers.layout.index(marker)]
        positions = np.stack(list(by_name.values()), axis=1)
        positions = positions + jitter * np.random.default_rng(0).normal(size=positions.shape)
        layout = lsmpl.Layout("joint_centres", tuple(by_name))
        return lsmpl.KeypointTrack(positions, layout=layout, fps=self.markers.fps, source=self.name)


def _side(name: str) -> str:
    return "left" if name.endswith("_l") else "right"


def angles_of(motion: lsmpl.Motion, body: lsmpl.Body) -> dict[str, np.ndarray]:
    """(T,) each, in degrees, named as the references name them."""
    return skeleton_angles(*body.world(motion), body.rest_joints(motion.betas))


def skeleton_angles(world: np.ndarray, joints: np.ndarray, rest: np.ndarray) -> dict[str, np.ndarray]:
    """The same of any skeleton with SMPL's joints: rotations (T,24,3,3) and positions (T,24,3) in the world, Z up, and
    rest positions (24,3)."""
    world, joints = Y_UP @ world, joints @ Y_UP.T
    at = {name: joints[:, i] for i, name in enumerate(JOINT_NAMES)}
    segment = {name: world[:, i] @ SEGMENT for i, name in enumerate(JOINT_NAMES)}
    pelvis, torso = segment["pelvis"], segment["spine3"]
    found = dict(zip(("pelvis tilt", "pelvis list", "pelvis rotation"), _cardan(pelvis)))
    found |= zip(("lumbar ext", "lumbar bend", "lumbar rot"), _cardan(_against(pelvis, torso)))
    for side, s, mirror in (("left", "l", -1.0), ("right", "r", 1.0)):

        def bone(above: str, below: str, side: str = side) -> np.ndarray:
            """The frame of a long bone: the joint's, turned so that y is along the bone where the rest pose has it."""
            a, b = (JOINT_NAMES.index(f"{side}_{name}") for name in (above, below))
            up = (rest[a] - rest[b]) / np.linalg.norm(rest[a] - rest[b])
            return world[:, a] @ between(UPWARD, up) @ SEGMENT

        def direction(above: str, below: str, side: str = side) -> np.ndarray:
            along = at[f"{side}_{below}"] - at[f"{side}_{above}"]
            return along / np.linalg.norm(along, axis=-1, keepdims=True)

        thigh, shank, foot = bone("hip", "knee"), bone("knee", "ankle"), segment[f"{side}_ankle"]
        flexion, adduction, rotation = _cardan(_against(pelvis, thigh))
        found |= {f"hip flex {s}": flexion, f"hip add {s}": mirror * adduction, f"hip rot {s}": mirror * rotation}
        found[f"knee bones {s}"] = _angle(direction("hip", "knee"), direction("knee", "ankle"))
        found[f"ankle dorsi {s}"] = _cardan(_against(shank, foot))[0]
        arm = (np.swapaxes(torso, -1, -2) @ direction("shoulder", "elbow")[..., None])[..., 0]
        found[f"arm flex {s}"] = np.degrees(np.unwrap(np.arctan2(arm[:, 0], -arm[:, 1])))
        found[f"arm abd {s}"] = np.degrees(np.arcsin(np.clip(mirror * arm[:, 2], -1.0, 1.0)))
        found[f"elbow flex {s}"] = _angle(direction("shoulder", "elbow"), direction("elbow", "wrist"))
    return found


def _against(parent: np.ndarray, child: np.ndarray) -> np.ndarray:
    return np.swapaxes(parent, -1, -2) @ child


def _cardan(r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of rotations (T,3,3) = Rz(a) Rx(b) Ry(c): a, b and c (T,) in degrees, without jumps."""
    a, b, c = (
        np.arctan2(-r[:, 0, 1], r[:, 1, 1]),
        np.arcsin(np.clip(r[:, 2, 1], -1.0, 1.0)),
        np.arctan2(-r[:, 2, 0], r[:, 2, 2]),
    )
    return np.degrees(np.unwrap(a)), np.degrees(b), np.degrees(np.unwrap(c))


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def compared(reference: Reference, motion: lsmpl.Motion, body: lsmpl.Body) -> tuple[np.ndarray, np.ndarray]:
    """Offset-removed errors and correlations (COLUMNS,), each the mean over the sides."""
    return differences(reference.angles, angles_of(motion, body))


def differences(reference: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same of angles (T,) by name, in degrees."""
    rows = []
    for begins in COLUMNS.values():
        names = [name for name in ours if name == begins or name[:-2] == begins]
        of_sides = []
        for name in names:
            theirs = np.degrees(np.unwrap(np.radians(reference[name])))
            turn = np.exp(1j * np.radians(ours[name] - theirs))
            difference = np.degrees(np.angle(turn / turn.mean()))  # an arm overhead may go on by either way round
            rms = np.sqrt(np.mean(np.square(difference - np.median(difference))))
            of_sides.append((rms, np.corrcoef(theirs + difference, theirs)[0, 1]))
        rows.append(np.mean(of_sides, axis=0))
    return tuple(np.array(rows).T)


Method = Callable[[Reference, lsmpl.Body], lsmpl.Motion]


def solving(track: Callable[[Reference], lsmpl.KeypointTrack], **options) -> Method:
    return lambda reference, body: lsmpl.solve(track(reference), body, options=lsmpl.SolveOptions(**options))


def smplify_solver(reference: Reference, body: lsmpl.Body) -> lsmpl.Motion:
    from smplify import smplify

    return smplify(reference.centres_track(), body)[0]


def tables(smplify: bool) -> dict[str, dict[str, Method]]:
    """By title, its rows."""
    exact, jittered = Reference.centres_track, lambda reference: reference.centres_track(JITTER)
    rows = {"SMPLify": smplify_solver} if smplify else {}
    rows |= {"polish alone": solving(exact, solver="polish"), "network and polish": solving(exact)}
    return {
        "joint centres of another skeleton": rows,
        f"the same with {1000 * JITTER:.0f} mm of jitter": {"network and polish": solving(jittered)},
        "markers": {"calibrated and solved": solving(lambda reference: reference.markers)},
    }


def print_tables(
    body: lsmpl.Body, references: list[Reference], wanted: dict[str, dict[str, Method]], each: bool
) -> None:
    shown = [list(COLUMNS).index(name) for name in SHOWN_BY_CENTRES]
    for title, rows in wanted.items():
        print(f"\n### {title}\n\n| | mean | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 2)}")
        for name, method in rows.items():
            found = [compared(reference, method(reference, body), body) for reference in references]
            per_take = [(f"  {r.name}", row) for r, row in zip(references, found)] if each else []
            for label, (rms, r) in [*per_take, (name, np.mean(found, axis=0))]:
                cells = " | ".join(f"{a:.1f} ({b:.2f})" for a, b in zip(rms, r))
                print(f"| {label} | {rms[shown].mean():.2f} | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="reference angles (.npz)")
    parser.add_argument("--takes", nargs="+", choices=TAKES, default=list(TAKES), metavar="NAME")
    parser.add_argument("--smplify", action="store_true", help="measure SMPLify on the centres, too (minutes)")
    parser.add_argument("--tables", nargs="+", default=[""], metavar="WORD", help="only those whose titles have one")
    parser.add_argument("--each", action="store_true", help="print every take, too")
    arguments = parser.parse_args()
    missing = [name for name in arguments.takes if not (arguments.folder / f"{name}.npz").exists()]
    if missing:
        print(f"{arguments.folder}: has no {missing[0]}.npz, so there is nothing to measure on")
        sys.exit(2)
    body = lsmpl.load_body()
    references = [Reference.load(arguments.folder, name) for name in arguments.takes]
    print(f"{len(references)} takes. Offset-removed error in degrees (correlation); mean of {len(SHOWN_BY_CENTRES)}: ")
    print(", ".join(SHOWN_BY_CENTRES))
    chosen = {t: r for t, r in tables(arguments.smplify).items() if any(word in t for word in arguments.tables)}
    print_tables(body, references, chosen, arguments.each)


if __name__ == "__main__":
    main()

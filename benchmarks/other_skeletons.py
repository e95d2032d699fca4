"""Joint angles on made-up skeletons: `python benchmarks/other_skeletons.py [MOCAP_FOLDER SMPL_MOTION_FOLDER]`.

What constants of the solver are chosen by where the body is not the one that the keypoints were on; `joint_angles.py`
measures it on references that nothing was chosen by. Motion of the tuning halves is done by skeletons whose bones are
longer or shorter than ours and turned against them, both sides alike, half of which have one joint for a spine and
welded collars, as OpenSim's have. Keypoints are their joints at the limbs and a point at the toes, exact. What is
compared are the angles of `joint_angles.py`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import joint_angles
import numpy as np
import real_poses
from validation import ROOT, clips

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.rotation import exp_map

MOCAP = ROOT.parent / "shared" / "mocap"
LONGER, TURNED = 0.07, np.radians(4.0)
"""How bones differ from ours, one standard deviation: in length, and in each axis by which they are turned."""
FRAMES = 90
MIRROR = np.diag([-1.0, 1.0, 1.0])
SIDES = "left", "right"
LIMBS = [f"{side}_{name}" for side in SIDES for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")]


@dataclass(frozen=True)
class OtherSkeleton:
    """A motion of a made-up skeleton: its angles (T,) by name in degrees, and its keypoints."""

    name: str
    angles: dict[str, np.ndarray]
    track: lsmpl.KeypointTrack


def other_skeleton(name: str, motion: lsmpl.Motion, body: lsmpl.Body, seed: int, stiff: bool) -> OtherSkeleton:
    """What a skeleton other than the body's does when it turns its joints as the motion does; stiff: by one joint for
    a spine, and none for collars."""
    rng, at = np.random.default_rng(seed), JOINT_NAMES.index
    rotations, rest = exp_map(motion.poses), body.rest_joints(motion.betas)
    if stiff:
        rotations = _stiffened(rotations)

    # Its bones, both sides alike and the middle ones turned in the middle plane alone.
    length, turn = np.exp(LONGER * rng.normal(size=24)), TURNED * rng.normal(size=(24, 3))
    turns = exp_map(turn)
    for joint, of in enumerate(JOINT_NAMES):
        if of.startswith("right_"):
            left = at(of.replace("right_", "left_"))
            length[joint], turns[joint] = length[left], MIRROR @ turns[left] @ MIRROR
        elif not of.startswith("left_"):
            turns[joint] = exp_map(turn[joint] * [1.0, 0.0, 0.0])
    bones = length[:, None] * (turns @ (rest - rest[np.maximum(PARENTS, 0)])[..., None])[..., 0]

    # What it does.
    world, joints = np.empty_like(rotations), np.empty(rotations.shape[:2] + (3,))
    own_rest = np.zeros((24, 3))
    world[:, 0], joints[:, 0] = rotations[:, 0], motion.trans
    for joint, parent in list(enumerate(PARENTS))[1:]:
        world[:, joint] = world[:, parent] @ rotations[:, joint]
        joints[:, joint] = joints[:, parent] + world[:, parent] @ bones[joint]
        own_rest[joint] = own_rest[parent] + bones[joint]

    # What is seen of it.
    seen = {limb: joints[:, at(limb)] for limb in LIMBS}
    for side in SIDES:
        ankle, toes = at(f"{side}_ankle"), at(f"{side}_foot")
        seen[f"{side}_big_toe"] = joints[:, toes] + world[:, ankle] @ [0.0, -0.01, 0.05 + 0.02 * rng.normal()]
    positions, layout = np.stack(list(seen.values()), axis=1), lsmpl.Layout("joint_centres", tuple(seen))
    track = lsmpl.KeypointTrack(positions, layout=layout, fps=motion.fps, source=name)
    return OtherSkeleton(name, joint_angles.skeleton_angles(world, joints, own_rest), track)


def _stiffened(rotations: np.ndarray) -> np.ndarray:
    rotations, at = rotations.copy(), JOINT_NAMES.index
    first, *others = (at(f"spine{i}") for i in (1, 2, 3))
    for joint in others:
        rotations[:, first] = rotations[:, first] @ rotations[:, joint]
        rotations[:, joint] = np.eye(3)
    for side in SIDES:
        collar, shoulder = at(f"{side}_collar"), at(f"{side}_shoulder")
        rotations[:, shoulder] = rotations[:, collar] @ rotations[:, shoulder]
        rotations[:, collar] = np.eye(3)
    return rotations


def made_up(mocap: Path, published: Path, body: lsmpl.Body, count: int) -> list[OtherSkeleton]:
    """So many of recorded motion and of published motion each, of the tuning halves."""
    recorded = [(clip.name, clip.motion) for clip in clips(mocap, body, count, FRAMES, half="tuning", seed=3)]
    solved = [(take.name, take.truth) for take in real_poses.takes(published, body, "tuning", 2 * count, FRAMES)[::2]]
    return [
        other_skeleton(name, motion, body, seed, stiff=seed % 2 == 1)
        for seed, (name, motion) in enumerate([*recorded, *solved[:count]])
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mocap", type=Path, nargs="?", default=MOCAP, help="recorded motion in the AMASS layout (.npz)")
    parser.add_argument("published", type=Path, nargs="?", default=real_poses.FOLDER, help="published motion, the same")
    parser.add_argument("--count", type=int, default=6, help="skeletons of either kind of motion")
    arguments = parser.parse_args()
    body, columns = lsmpl.load_body(), list(joint_angles.COLUMNS)
    shown = [columns.index(name) for name in joint_angles.SHOWN_BY_CENTRES]
    rows = []
    print(f"| | mean | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 2)}")
    for other in made_up(arguments.mocap, arguments.published, body, arguments.count):
        motion = lsmpl.solve(other.track, body)
        rows.append(joint_angles.differences(other.angles, joint_angles.angles_of(motion, body))[0])
        print(_line(other.name, rows[-1], shown), flush=True)
    half = len(rows) // 2
    for name, some in (("recorded", rows[:half]), ("published", rows[half:]), ("all", rows)):
        print(_line(f"**{name}**", np.mean(some, axis=0), shown))


def _line(name: str, row: np.ndarray, shown: list[int]) -> str:
    return f"| {name} | {row[shown].mean():.2f} | {' | '.join(f'{value:.1f}' for value in row)} |"


if __name__ == "__main__":
    main()

"""Fit the Gaussian pose priors to motion in the AMASS layout: `python -m tools.make_pose_prior
MOCAP_FOLDER [FILE]`.

Writes lsmpl_core/data/pose_prior.npz, or FILE: mean (69,) and covariance (69,69) of the axis-angles
of SMPL's 23 body joints, over the subjects that training/validation_subjects.txt does not keep
back, each clip as so many persons would share it out (training/redistribution.py); and hinged_mean
and hinged_covariance, of the clips as recorded, which were converted from skeletons with hinges.
Frames in which a joint turns more than 60 degrees from the frame before, or stands out from the
rest, are left out; both sides are made mirror images. Joints that the capture hardly shows get a
floor of spread, so that the prior does not freeze them.

Prints, too, how much joints accelerate, which `JOINT_ACCELERATION` of
solver/accelerations.py is set to.

Figures from the CMU motion capture database (free for research and commercial use;
mocap.cs.cmu.edu, NSF EIA-0196217).
"""

import sys
from pathlib import Path

import numpy as np

from lsmpl_core.body.load_body import load_body
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.motion import Motion
from lsmpl_core.rotation import angle_between, log_map
from lsmpl_core.solver.prior import PRIOR_FILE
from training.data import at_frame_rate
from training.redistribution import drawn_law, redistributed
from training.split import is_validation

FLOOR = {"collar": 0.05, "hand": 0.05, "foot": 0.06, "spine": 0.05, "wrist": 0.12, "ankle": 0.06}
"""Least standard deviation in radians by kind of joint; 0.08 elsewhere. With more, a head turns
back to front where its markers are misnamed, and markers are met less well."""
ENDS = ("ankle", "foot", "wrist", "hand")
CHAINS = (
    "left_collar left_shoulder left_elbow", "right_collar right_shoulder right_elbow",
    "left_hip left_knee", "right_hip right_knee", "spine1 spine2 spine3", "neck head",
)  # fmt: skip
"""Joints that share turns among themselves."""
VERSIONS = 6
"""Persons by whom each clip is shared out."""
FASTEST = np.radians(60.0)
OUTLYING = 2.2
"""Root mean square of a frame's whitened coordinates beyond which it is taken for damaged, in
standard deviations."""


def recorded(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T,24,3,3) of a clip, and (T,): no joint jumps into or out of a frame."""
    rotations = at_frame_rate(Motion.load(path))[0]
    turn = angle_between(rotations[:-1], rotations[1:])[:, 1:].max(axis=1)
    jump = np.concatenate([[0.0], turn]) > FASTEST
    return rotations, ~(jump | np.roll(jump, -1))


def by_persons(
    rotations: np.ndarray, rest_joints: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Rotations (V,T,24,3,3) of a clip (T,24,3,3) by `VERSIONS` persons."""
    laws = (drawn_law(rng, untouched=0.0) for _ in range(VERSIONS))
    return np.stack(
        [redistributed(rotations, rest_joints, rng, law) for law in laws if law is not None]
    )


def squared_accelerations(versions: np.ndarray, intact: np.ndarray) -> np.ndarray:
    """(N,24) of how the turn changes from frame to frame, in radians and in each axis, between
    intact frames."""
    velocity = log_map(np.swapaxes(versions[:, :-1], -1, -2) @ versions[:, 1:])
    change = np.square(np.diff(velocity, axis=1)).mean(axis=-1)
    return change[:, intact[:-2] & intact[1:-1] & intact[2:]].reshape(-1, len(JOINT_NAMES))


def mirrored(poses: np.ndarray) -> np.ndarray:
    """The same poses with left and right exchanged: across the plane x = 0, an axis-angle (x, y, z)
    is (x, -y, -z)."""
    swap = np.array(LAYOUTS["smpl_24"].mirror[1:]) - 1
    return poses[:, swap] * np.array([1.0, -1.0, -1.0])


def gaussian(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = poses.reshape(len(poses), -1)
    covariance = np.cov(flat.T) * correlation_kept()
    floor = [next((v for k, v in FLOOR.items() if k in name), 0.08) for name in JOINT_NAMES[1:]]
    return flat.mean(axis=0), covariance + np.diag(np.repeat(np.square(floor), 3))


def correlation_kept() -> np.ndarray:
    """(69,69) share of the covariance between joints that is kept; within a joint all of it is.

    Nearly all within a chain, which is how people share turns; elsewhere half, as other people's
    poses correlate less than these few's; and none with the ends of the limbs: where a take does
    not show them, a Gaussian would extrapolate from an unusual knee to an impossible ankle.
    """
    names = JOINT_NAMES[1:]
    kept = np.full((len(names),) * 2, 0.5)
    for chain in CHAINS:
        joints = [names.index(name) for name in chain.split()]
        kept[np.ix_(joints, joints)] = 0.9
    ends = [i for i, name in enumerate(names) if any(end in name for end in ENDS)]
    kept[ends] = kept[:, ends] = 0.0
    np.fill_diagonal(kept, 1.0)
    return np.kron(kept, np.ones((3, 3)))


def fitted(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`gaussian` of poses (N,23,3) and their mirror images, without those that it shows to be
    damaged."""
    for _ in range(2):
        mean, covariance = gaussian(np.concatenate([poses, mirrored(poses)]))
        whitened = np.linalg.solve(
            np.linalg.cholesky(covariance), (poses.reshape(len(poses), -1) - mean).T
        )
        outlying = np.sqrt(np.mean(np.square(whitened), axis=0)) > OUTLYING
        print(f"{len(poses)} frames, {outlying.sum()} left out as damaged")
        poses = poses[~outlying]
    mean, covariance = gaussian(np.concatenate([poses, mirrored(poses)]))
    for name, m, s in zip(
        JOINT_NAMES[1:], *(np.degrees(a).reshape(-1, 3) for a in (mean, np.diag(covariance) ** 0.5))
    ):
        print(f"{name:15} mean {m.round(0)} spread {s.round(0)} degrees")
    return mean.astype(np.float32), covariance.astype(np.float32)


def main(folder: str, file: str | Path = PRIOR_FILE) -> None:
    rest_joints, rng = load_body().joint_template, np.random.default_rng(0)
    poses, hinged, accelerations = [], [], []
    for path in (p for p in sorted(Path(folder).glob("*.npz")) if not is_validation(p)):
        rotations, intact = recorded(path)
        versions = by_persons(rotations, rest_joints, rng)
        hinged.append(log_map(rotations[intact, 1:]))
        poses.append(
            log_map(versions[:, intact, 1:]).reshape(-1, *hinged[-1].shape[1:]).astype(np.float32)
        )
        accelerations.append(squared_accelerations(versions, intact))

    print(f"As people share turns, {len(hinged)} clips by {VERSIONS} persons each")
    mean, covariance = fitted(np.concatenate(poses))
    print("As recorded")
    hinged_mean, hinged_covariance = fitted(np.concatenate(hinged))
    arrays = {"hinged_mean": hinged_mean, "hinged_covariance": hinged_covariance}
    np.savez_compressed(file, mean=mean, covariance=covariance, **arrays)

    for name, squared in zip(JOINT_NAMES, np.concatenate(accelerations).mean(axis=0)):
        print(f"{name:15} accelerates by {np.sqrt(squared):.4f} radians")


if __name__ == "__main__":
    main(*sys.argv[1:])

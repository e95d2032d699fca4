"""Fit the Gaussian pose prior to motion in the AMASS layout: `python tools/make_pose_prior.py MOCAP_FOLDER [FILE]`.

Writes lsmpl_core/data/pose_prior.npz, or FILE: mean (69,) and covariance (69,69) of the axis-angles of SMPL's 23 body
joints, over the subjects that training/validation_subjects.txt does not keep back, each clip as so many persons would
share it out (training/redistribution.py). Frames in which a joint turns more than 60 degrees from the frame before, or
stands out from the rest, are left out; both sides are made mirror images. Joints that the capture hardly shows get a
floor of spread, so that the prior does not freeze them.

Figures from the CMU motion capture database (free for research and commercial use; mocap.cs.cmu.edu, NSF EIA-0196217).
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lsmpl_core.body.load_body import load_body  # noqa: E402
from lsmpl_core.body.skeleton import JOINT_NAMES  # noqa: E402
from lsmpl_core.keypoints.layouts import LAYOUTS  # noqa: E402
from lsmpl_core.motion import Motion  # noqa: E402
from lsmpl_core.rotation import angle_between, log_map  # noqa: E402
from lsmpl_core.solver.prior import PRIOR_FILE  # noqa: E402
from training.data import at_frame_rate, shared_out  # noqa: E402
from training.split import is_validation  # noqa: E402

FLOOR = {"collar": 0.12, "hand": 0.05, "foot": 0.1, "spine": 0.08, "wrist": 0.25, "ankle": 0.12}
"""Least standard deviation in radians by kind of joint; 0.15 elsewhere."""
ENDS = ("ankle", "foot", "wrist", "hand")
VERSIONS = 6
"""Persons by whom each clip is shared out."""
FASTEST = np.radians(60.0)
OUTLYING = 2.2
"""Root mean square of a frame's whitened coordinates beyond which it is taken for damaged, in standard deviations."""


def intact_poses(path: Path, rest_joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,23,3) of the frames that no joint jumps into or out of, by `VERSIONS` persons."""
    rotations = at_frame_rate(Motion.load(path))[0]
    turn = angle_between(rotations[:-1], rotations[1:])[:, 1:].max(axis=1)
    jump = np.concatenate([[0.0], turn]) > FASTEST
    near = jump | np.roll(jump, -1)
    versions = shared_out(rotations, rest_joints, VERSIONS, rng)
    return log_map(versions[:, ~near, 1:].astype(np.float64)).reshape(-1, 23, 3)


def mirrored(poses: np.ndarray) -> np.ndarray:
    """The same poses with left and right exchanged: across the plane x = 0, an axis-angle (x, y, z) is (x, -y, -z)."""
    swap = np.array(LAYOUTS["smpl_24"].mirror[1:]) - 1
    return poses[:, swap] * np.array([1.0, -1.0, -1.0])


def gaussian(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = poses.reshape(len(poses), -1)
    covariance = np.cov(flat.T) * correlation_kept()
    floor = [next((v for k, v in FLOOR.items() if k in name), 0.15) for name in JOINT_NAMES[1:]]
    return flat.mean(axis=0), covariance + np.diag(np.repeat(np.square(floor), 3))


def correlation_kept() -> np.ndarray:
    """(69,69) share of the covariance between joints that is kept; within a joint all of it is.

    Half, as other people's poses correlate less than these few's; and none with the ends of the limbs: where
    a take does not show them, a Gaussian would extrapolate from an unusual knee to an impossible ankle.
    """
    kept = np.full((len(JOINT_NAMES) - 1,) * 2, 0.5)
    ends = [i for i, name in enumerate(JOINT_NAMES[1:]) if any(end in name for end in ENDS)]
    kept[ends] = kept[:, ends] = 0.0
    np.fill_diagonal(kept, 1.0)
    return np.kron(kept, np.ones((3, 3)))


def main(folder: str, file: str | Path = PRIOR_FILE) -> None:
    rest_joints, rng = load_body().joint_template, np.random.default_rng(0)
    kept = [p for p in sorted(Path(folder).glob("*.npz")) if not is_validation(p)]
    poses = np.concatenate([intact_poses(p, rest_joints, rng) for p in kept])
    for _ in range(2):
        mean, covariance = gaussian(np.concatenate([poses, mirrored(poses)]))
        whitened = np.linalg.solve(np.linalg.cholesky(covariance), (poses.reshape(len(poses), -1) - mean).T)
        outlying = np.sqrt(np.mean(np.square(whitened), axis=0)) > OUTLYING
        print(f"{len(poses)} frames of {len(kept)} clips, {outlying.sum()} left out as damaged")
        poses = poses[~outlying]
    mean, covariance = gaussian(np.concatenate([poses, mirrored(poses)]))
    np.savez_compressed(
        file,
        mean=mean.astype(np.float32),
        covariance=covariance.astype(np.float32),
    )
    spread = np.degrees(np.sqrt(np.diag(covariance))).reshape(-1, 3)
    for name, m, s in zip(JOINT_NAMES[1:], np.degrees(mean).reshape(-1, 3), spread):
        print(f"{name:15} mean {m.round(0)} spread {s.round(0)} degrees")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Where to go on from: frames solved from their keypoints alone (cold starts), and poses that are
given.

A cold start polishes several guesses side by side and keeps the best one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..backends.arrays import Backend
from ..body.kinematics import KeypointModel, State
from ..body.sites import SiteParts
from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..errors import SolveError
from ..rotation import exp_map
from .polish import Anchor, Prior, Targets, polish
from .poses import Poses
from .prior import pose_statistics
from .problem import Problem

TRUNK_JOINTS = tuple(
    JOINT_NAMES.index(n)
    for n in ("pelvis", "left_hip", "right_hip", "spine1", "spine2", "spine3", "neck",
    "left_collar", "right_collar", "left_shoulder", "right_shoulder")
)  # fmt: skip
"""Sites on these joints move with the trunk, whatever the limbs do."""

COLD_SCHEDULE = ((1e-4, 12), (1e-5, 15))
"""Least prior weight in m² and number of steps: guesses are drawn to likely poses at first, less so
later."""
COLD_TOLERANCE = 1e-6
"""m² of a step's gain from which on a guess has converged: enough to compare it with others."""
HOPELESS = 2.0
"""Times the least cost of a frame's guesses from which on one is not gone on with."""
COLD_LAST_STEPS = 12
"""Steps of the best guess with the weight that is wanted."""


WELL_SEEN = 0.8
"""Share of the best frame's keypoints that a frame shows which is well seen."""


@dataclass(frozen=True)
class Start:
    """A solved frame to go on from: its index, and its pose, a single one; residual: the mean, in
    metres, that a cold start left, 0 where the pose is given."""

    frame: int
    poses: Poses
    residual: float = 0.0


def well_seen_frames(problem: Problem, count: int) -> np.ndarray:
    """Up to `count` frames, well seen and apart from each other in time."""
    seen = problem.confidence.sum(axis=1)
    stretches = np.array_split(np.arange(len(problem)), min(count, len(problem)))
    best = np.array([stretch[np.argmax(seen[stretch])] for stretch in stretches])
    return best[seen[best] >= WELL_SEEN * seen[best].max()]


def cold_starts(problem: Problem, count: int = 4) -> list[Start]:
    """Well-seen frames all over the take, each solved cold, the best solved first."""
    frames = well_seen_frames(problem, count)
    poses, cost = cold_start(problem, frames)
    seen = np.maximum(problem.confidence[frames].sum(axis=1), 1e-9)
    residual = mean_residual(problem, poses, frames)
    return [Start(int(frames[i]), poses[[i]], float(residual[i])) for i in np.argsort(cost / seen)]


def mean_residual(problem: Problem, poses: Poses, frames: np.ndarray) -> np.ndarray:
    """(F,) metres, mean over the keypoints that frames show."""
    sites, seen = problem.backend.numpy(problem.state(poses).keypoints), problem.weights[frames] > 0
    miss = np.linalg.norm(sites - problem.positions[frames], axis=-1)
    return (seen * miss).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)


def cold_start(
    problem: Problem, frames: np.ndarray, thorough: bool = True
) -> tuple[Poses, np.ndarray]:
    """Poses of some frames (F,), each solved on its own, and their costs (F,) in m²
    (`start_poses`)."""
    targets = Targets(problem.positions[frames], problem.weights[frames])
    rotations, trans, cost = start_poses(
        problem.model,
        problem.parts,
        problem.rest_positions,
        targets,
        problem.prior,
        thorough=thorough,
    )
    return Poses(rotations, trans), cost


def given_start(problem: Problem, pose: np.ndarray) -> Start:
    """Frame 0 with axis-angles (24,3) taken as true; the translation is where its keypoints say.

    Raises `SolveError` where frame 0 shows none.
    """
    if not problem.weights[0].any():
        raise SolveError(
            f"{problem.source}: frame 0 shows no keypoint, so a pose given for it cannot be placed"
        )
    rotations = exp_map(np.asarray(pose, dtype=np.float64))[None]
    state = centred(
        problem.model, problem.state(Poses(rotations, np.zeros((1, 3)))), problem.targets([0])
    )
    return Start(0, Poses(rotations, problem.backend.numpy(state.trans)))


def start_poses(
    model: KeypointModel,
    parts: SiteParts,
    rest_positions: np.ndarray,
    targets: Targets,
    prior: Prior,
    thorough: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rotations (F,24,3,3), translations (F,3) and costs (F,) in m² of F frames, each solved on its
    own.

    targets: positions (F,K,3) and weights (F,K) in NumPy; rest_positions (K,3) of the sites; prior:
    with the weight the poses are to end with. Each frame is polished from every base pose with the
    trunk's rigid alignment as global orientation (Kabsch 1976), and from upright ones at eight
    headings, for takes whose trunk is hardly seen. Guesses are compared by a cost in which unlikely
    poses count: a limb turned by half a turn may meet its keypoints as well. Unless `thorough`,
    there are two guesses where the trunk is seen.
    """
    backend = model.backend
    positions, weights = targets.positions, targets.weights

    # The guesses of all frames as one batch, and the frame that owns each.
    base = _base_rotations()
    guesses: list[np.ndarray] = []
    owner: list[int] = []
    trunk = np.isin(parts.joint, TRUNK_JOINTS)
    on_trunk = np.isin(np.arange(parts.count), parts.keypoint[trunk])
    for f in range(len(positions)):
        aligned = rigid_alignment(rest_positions, positions[f], weights[f] * on_trunk)
        if aligned is not None:
            guesses += [_with_root(pose, aligned) for pose in (base if thorough else base[:2])]
        if aligned is None or thorough:
            guesses += [_with_root(base[0], heading) for heading in _headings()]
        owner += [f] * (len(guesses) - len(owner))
    owners = np.array(owner)

    # Drawn to likely poses at first: a guess far off would otherwise reach its keypoints by
    # wringing its limbs. What is clearly worse than another guess then is not gone on with.
    state = model.state(backend.array(np.stack(guesses)), backend.array(np.zeros((len(owner), 3))))
    state = centred(model, state, _of_owners(backend, targets, owners))
    rotations, trans, free = state.rotations, state.trans, backend.array(np.full(NUM_JOINTS, 1e-9))
    for weight, steps in COLD_SCHEDULE:
        likely = prior.weighing(max(weight, prior.weight))
        done = polish(
            model, model.state(rotations, trans), _of_owners(backend, targets, owners),
            Anchor(rotations, free), likely,
            steps=steps, damping=1e-2, tolerance=COLD_TOLERANCE,
        )  # fmt: skip
        cost = backend.numpy(done.cost)
        least = np.full(len(positions), np.inf)
        np.minimum.at(least, owners, cost)
        kept = np.flatnonzero(cost <= HOPELESS * least[owners])
        rotations, trans = (
            backend.array(backend.numpy(array)[kept])
            for array in (done.state.rotations, done.state.trans)
        )
        owners, cost = owners[kept], cost[kept]

    # Of each frame the cheapest, with the weight that is wanted.
    best = [
        np.flatnonzero(owners == f)[np.argmin(cost[owners == f])] for f in range(len(positions))
    ]
    rotations, trans = (backend.array(backend.numpy(array)[best]) for array in (rotations, trans))
    state = model.state(rotations, trans)
    wanted = Targets(backend.array(positions), backend.array(weights))
    state = polish(
        model, state, wanted, Anchor(rotations, free), prior, steps=COLD_LAST_STEPS
    ).state
    return backend.numpy(state.rotations), backend.numpy(state.trans), cost[best]


def _of_owners(backend: Backend, targets: Targets, owners: np.ndarray) -> Targets:
    return Targets(backend.array(targets.positions[owners]), backend.array(targets.weights[owners]))


def centred(model: KeypointModel, state: State, targets: Targets) -> State:
    """The state moved so that the weighted mean of its keypoints is that of their targets."""
    xp = model.backend.xp
    weight = targets.weights[..., None]
    offset = xp.sum(weight * (targets.positions - state.keypoints), axis=1)
    return model.shifted(state, offset / (xp.sum(weight, axis=1) + 1e-9))


def _base_rotations() -> list[np.ndarray]:
    """(24,3,3) local rotations without the root: the prior's mean, the T-pose, arms raised,
    sitting."""
    mean = np.concatenate([np.zeros(3), pose_statistics()[0]]).reshape(NUM_JOINTS, 3)
    t_pose, raised, sitting = np.zeros((NUM_JOINTS, 3)), mean.copy(), mean.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        raised[JOINT_NAMES.index(f"{side}_shoulder")] = (0.0, 0.0, sign * 1.2)
        sitting[JOINT_NAMES.index(f"{side}_hip")] = (-1.5, 0.0, 0.0)
        sitting[JOINT_NAMES.index(f"{side}_knee")] = (1.6, 0.0, 0.0)
    return [exp_map(pose) for pose in (mean, t_pose, raised, sitting)]


def _headings() -> list[np.ndarray]:
    """Upright orientations (Y up turned to Z up) at eight headings."""
    upright = exp_map(np.array([np.pi / 2, 0.0, 0.0]))
    return [exp_map(np.array([0.0, 0.0, angle])) @ upright for angle in np.arange(8) * np.pi / 4]


def _with_root(pose: np.ndarray, root: np.ndarray) -> np.ndarray:
    return np.concatenate([root[None], pose[1:]])


def rigid_alignment(rest: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """The rotation (3,3) that turns rest points (K,3) onto their targets, or None if fewer than
    three span a plane."""
    seen = weight > 0
    if seen.sum() < 3:
        return None
    w = weight[seen] / weight[seen].sum()
    a, b = rest[seen], target[seen]
    a, b = a - w @ a, b - w @ b
    u, size, vt = np.linalg.svd(b.T @ (w[:, None] * a))
    if size[1] < 1e-4:
        return None
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt

"""From a character's rest pose to SMPL's T-pose: which way the character faces, and how each joint
has to turn.

A rig may rest in an A-pose, with bent elbows or with its feet turned out. SMPL's rotations count
from its T-pose, so the character's limbs are first brought to SMPL's directions, as one would pose
it by hand: the upper arm by the smallest rotation, the forearm with it and then by the smallest
rotation, and so on; feet by yaw alone, so that soles stay flat. Bones' own axes do not matter: only
where the joints are.

Positions are (24,3) by SMPL joint, NaN for joints that the character lacks; canonical axes are
Blender's: Z up, facing -Y, the character's left at +X.
"""

from __future__ import annotations

import numpy as np

from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..errors import RetargetError
from ..keypoints.proportions import normalised
from ..rotation import between

TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From SMPL's rest frame to the canonical one."""
TRUNK_BONES = ("pelvis", "spine1", "spine2", "spine3")
MOST_LEAN, MOST_SHRUG = np.radians(20.0), np.radians(15.0)
"""A trunk and collar bones are not turned further than this: joints are placed differently in
different rigs."""
UPRIGHT = np.radians(30.0)
"""How far from an axis of the armature a character may stand and still be taken to stand along
it."""


def facing(joints: np.ndarray) -> np.ndarray:
    """(3,3): from an armature's axes to canonical ones. Raises `RetargetError` where too few joints
    are there."""
    at = dict(zip(JOINT_NAMES, joints))
    sides = [
        at[f"left_{part}"] - at[f"right_{part}"]
        for part in ("hip", "shoulder", "collar", "knee", "ankle")
    ]
    sides = [side for side in sides if np.isfinite(side).all()]
    hips = _middle(at, "hip", "pelvis")
    ends = (at["neck"], at["head"], _middle(at, "shoulder"), at["spine3"])
    up = next(
        (end - hips for end in ends if np.isfinite(end - hips).all()),
        hips - _middle(at, "ankle", "knee"),
    )
    if not sides or not np.isfinite(up).all():
        raise RetargetError(
            "which way the character faces cannot be told: give bones to both hips or both "
            "shoulders, and to the pelvis and the neck or the head"
        )
    up = _along_axis(up, np.zeros(3))
    left = np.sum(sides, axis=0)
    left = _along_axis(left - (left @ up) * up, up)
    return np.stack([left, np.cross(up, left), up])


def alignments(joints: np.ndarray, smpl_rest: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """(24,3,3): the rotation of each joint's bones, in canonical axes, from the character's rest
    pose to the T-pose.

    joints (24,3) of the character, canonical; for a joint whose limb ends in no other joint (hands,
    feet), the entries of `left_hand` and so on may hold where it ends. smpl_rest (24,3): the body's
    rest joints in SMPL's own frame. Directions that are within `tolerance` radians of SMPL's are
    left alone.
    """
    ours, theirs = joints, smpl_rest @ TO_BLENDER.T
    turn = np.broadcast_to(np.eye(3), (NUM_JOINTS, 3, 3)).copy()
    index = {name: j for j, name in enumerate(JOINT_NAMES)}
    trunk = _turn(_trunk(ours), _trunk(theirs), tolerance, MOST_LEAN)
    for name in TRUNK_BONES:
        turn[index[name]] = trunk
    for side in ("left", "right"):

        def limb(points: np.ndarray, a: str, b: str, side: str = side) -> np.ndarray:
            return points[index[f"{side}_{b}"]] - points[index[f"{side}_{a}"]]

        collar = index[f"{side}_collar"]
        towards = trunk @ limb(ours, "collar", "shoulder"), _to_shoulder(ours, theirs, trunk, side)
        turn[collar] = _turn(*towards, tolerance, MOST_SHRUG) @ trunk
        upper = np.eye(3)
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand")):
            upper = _turn(upper @ limb(ours, a, b), limb(theirs, a, b), tolerance) @ upper
            turn[index[f"{side}_{a}"]] = upper
        turn[index[f"{side}_hand"]] = upper
        upper = np.eye(3)
        for a, b in (("hip", "knee"), ("knee", "ankle")):
            upper = _turn(upper @ limb(ours, a, b), limb(theirs, a, b), tolerance) @ upper
            turn[index[f"{side}_{a}"]] = upper
        level = np.array([1.0, 1.0, 0.0])
        foot = _turn(
            level * limb(ours, "ankle", "foot"), level * limb(theirs, "ankle", "foot"), tolerance
        )
        turn[index[f"{side}_ankle"]] = turn[index[f"{side}_foot"]] = foot
    return turn


def _turn(
    ours: np.ndarray, theirs: np.ndarray, tolerance: float, most: float = np.pi
) -> np.ndarray:
    """(3,3): the smallest rotation from one direction (3,) to the other, by `most` radians at most;
    none where one is missing."""
    ours, theirs = normalised(ours), normalised(theirs)
    if not np.isfinite(ours + theirs).all():
        return np.eye(3)
    angle = np.arctan2(np.linalg.norm(np.cross(ours, theirs)), ours @ theirs)
    if angle <= tolerance:
        return np.eye(3)
    share = min(1.0, most / angle)
    aimed = (
        theirs
        if share == 1.0
        else (np.sin((1 - share) * angle) * ours + np.sin(share * angle) * theirs)
    )
    return between(ours, normalised(aimed))


def _trunk(points: np.ndarray) -> np.ndarray:
    at = dict(zip(JOINT_NAMES, points))
    return at["neck"] - _middle(at, "hip")


def _to_shoulder(ours: np.ndarray, theirs: np.ndarray, trunk: np.ndarray, side: str) -> np.ndarray:
    """(3,): from where the character's collar bone begins to where SMPL's shoulder would be on its
    trunk."""
    scale = np.linalg.norm(_trunk(theirs)) / np.linalg.norm(_trunk(ours))
    neck, collar, shoulder = (
        JOINT_NAMES.index(name) for name in ("neck", f"{side}_collar", f"{side}_shoulder")
    )
    return (theirs[shoulder] - theirs[neck]) - scale * (trunk @ (ours[collar] - ours[neck]))


def _middle(at: dict[str, np.ndarray], part: str, instead: str = "") -> np.ndarray:
    middle = (at[f"left_{part}"] + at[f"right_{part}"]) / 2
    if np.isfinite(middle).all() or not instead:
        return middle
    return at[instead] if instead in at else _middle(at, instead)


def _along_axis(direction: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The nearest axis (3,), either way, that is not `across`; the direction itself where none is
    near."""
    direction = normalised(direction)
    axis = np.zeros(3)
    nearest = int(np.argmax(np.abs(direction) * (np.abs(across) < 0.5)))
    axis[nearest] = np.sign(direction[nearest])
    near = axis @ direction > np.cos(UPRIGHT) and abs(axis @ across) < 1e-6
    return axis if near else direction

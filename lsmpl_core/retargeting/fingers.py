"""Fingers on another character: which of its bones they are, and how these turn.

As limbs are (`rest_pose.py`), each finger bone is brought to the body's direction by the smallest
rotation, and turns from there as the body's does; but as both are seen from their own palms, which
are told by the knuckles, so that nothing depends on how a rig's hands lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..body.fingers import NUM_FINGER_JOINTS, WRISTS
from ..body.skeleton import FINGER_JOINT_NAMES
from ..keypoints.hand_points import FINGER_WORDS, FINGERS, SIDE_WORDS, SIDES
from ..keypoints.proportions import normalised
from ..keypoints.words import words_of
from ..motion import Motion
from ..rotation import between

_WORDS = FINGER_WORDS | {"mid": "middle"}
_BY_NUMBER = ("thumb", "index", "middle", "ring", "little")
"""Of rigs that number fingers: 3ds Max's Biped from 0, MakeHuman from 1."""
_PHALANGES = {"proximal": 1, "intermediate": 2, "distal": 3}
_THUMB_PHALANGES = {"metacarpal": 1, "proximal": 2, "distal": 3}
"""Of rigs whose thumbs have a metacarpal (VRM 1.0)."""
_OTHER_BONES = {
    "master", "end", "nub", "tip", "ik", "mch", "org", "tweak", "base", "root", "twist", "target",
    "socket", "eff", "metacarpal", "palm", "drv", "site",
}  # fmt: skip
_KNUCKLES = tuple(finger for finger in FINGERS if finger != "thumb")


@dataclass(frozen=True)
class TargetFingers:
    """The finger bones of a character, M of them, each after the one before it.

    joints (M,): which of the 30 finger joints each is; rest (M,3,3) rotations, heads (M,3) and ends
    (M,3) in the armature's space; hand_rest (2,3,3) and hand_heads (2,3) of the bones of the hands.
    """

    names: tuple[str, ...]
    joints: tuple[int, ...]
    rest: np.ndarray
    heads: np.ndarray
    ends: np.ndarray
    hand_rest: np.ndarray
    hand_heads: np.ndarray


def find_finger_bones(names: Sequence[str]) -> dict[int, str]:
    """The bone of each finger joint (0 to 29) that a rig has, by its names; of several the one with
    the shortest name. A finger is taken from its first bone on, as far as there is one after the
    other."""
    thumbs = any(_is_thumb_metacarpal(name) for name in names)
    found: dict[int, str] = {}
    for name in names:
        joint = finger_joint(name, thumbs)
        if joint is not None and (joint not in found or len(name) < len(found[joint])):
            found[joint] = name
    for first in range(0, len(FINGER_JOINT_NAMES), 3):
        chain = [joint in found for joint in range(first, first + 3)]
        for number in range(3):
            if not all(chain[: number + 1]):
                found.pop(first + number, None)
    return found


def finger_joint(name: str, thumb_metacarpals: bool = False) -> int | None:
    """The finger joint (0 to 29) that a bone's name means, None where it means none."""
    words = words_of(name.rpartition(":")[2])
    sides = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
    if len(sides) != 1:
        return None
    fingers = [_WORDS[word] for word in words if word in _WORDS]
    digits = [word for word in words if word.isdigit()]
    number: int | None
    if fingers:
        finger = fingers[-1]
        if finger == "thumb" and thumb_metacarpals:
            number = next((_THUMB_PHALANGES[w] for w in words if w in _THUMB_PHALANGES), None)
            words = [word for word in words if word != "metacarpal"]
        else:
            number = next((_PHALANGES[word] for word in words if word in _PHALANGES), None)
        if number is None and digits:
            number = int(digits[-1]) if len(digits[-1]) < 3 else None
    elif "finger" in words and digits:
        finger, number = _numbered(digits)
    else:
        return None
    if number not in (1, 2, 3) or not finger or _OTHER_BONES.intersection(words):
        return None
    joint = 3 * FINGERS.index(finger) + number - 1
    return NUM_FINGER_JOINTS * sides.pop() + joint


def _numbered(digits: list[str]) -> tuple[str, int | None]:
    """A finger and which of its bones: "Finger0", "Finger01" (Biped); "finger2-1" (MakeHuman)."""
    if len(digits) >= 2 and len(digits[-2]) == 1 and digits[-2] in "12345":
        return _BY_NUMBER[int(digits[-2]) - 1], int(digits[-1])
    last = digits[-1]
    if len(last) > 2 or last[0] not in "01234":
        return "", None
    return _BY_NUMBER[int(last[0])], 1 + (int(last[1]) if len(last) == 2 else 0)


def _is_thumb_metacarpal(name: str) -> bool:
    return {"thumb", "metacarpal"} <= set(words_of(name))


def finger_rotations(motion: Motion, body: Body, target: TargetFingers) -> np.ndarray | None:
    """(T,M,3,3): what each bone turns by against its rest, as its own channels have it; None where
    the motion or the body has no fingers, or a hand of the rig no knuckles to tell its palm by."""
    if motion.fingers is None or body.fingers is None:
        return None
    betas = body.betas_of(motion)
    joints, tips = body.fingers.rest_joints(betas), body.fingers.rest_tips(betas)
    wrists = body.rest_joints(betas)[list(WRISTS)]
    row = {joint: bone for bone, joint in enumerate(target.joints)}
    turned = body.fingers.local_rotations(motion.fingers).reshape(len(motion), -1, 3, 3)
    out = np.tile(np.eye(3), (len(motion), len(target.names), 1, 1))
    for hand in range(len(SIDES)):
        own = NUM_FINGER_JOINTS * hand
        knuckles = [
            own + 3 * number
            for number, finger in enumerate(FINGERS)
            if finger in _KNUCKLES and own + 3 * number in row
        ]
        if len(knuckles) < 2:
            return None
        knuckles.sort(key=lambda joint: _BY_NUMBER.index(FINGERS[(joint - own) // 3]))
        source = _palm(wrists[hand], joints.reshape(-1, 3)[knuckles])
        palm = _palm(target.hand_heads[hand], target.heads[[row[joint] for joint in knuckles]])

        # Finger by finger, from the palm outwards.
        for finger in range(len(FINGERS)):
            carrier = np.broadcast_to(target.hand_rest[hand], (len(motion), 3, 3))
            at_rest, seen, aligned = target.hand_rest[hand], np.eye(3), np.eye(3)
            for number in range(3):
                joint = own + 3 * finger + number
                bone = row.get(joint)
                if bone is None:
                    break
                after = joints[hand, 3 * finger + number + 1] if number < 2 else tips[hand, finger]
                theirs = source.T @ (after - joints[hand, 3 * finger + number])
                next_bone = row.get(joint + 1) if number < 2 else None
                end = target.ends[bone] if next_bone is None else target.heads[next_bone]
                ours = palm.T @ (end - target.heads[bone])
                aligned = between(normalised(aligned @ ours), normalised(theirs)) @ aligned
                seen = seen @ (source.T @ turned[:, joint] @ source)
                world = palm @ seen @ aligned @ palm.T @ target.rest[bone]
                resting = carrier @ (at_rest.T @ target.rest[bone])
                out[:, bone] = np.swapaxes(resting, -1, -2) @ world
                carrier, at_rest = world, target.rest[bone]
    return out


def _palm(wrist: np.ndarray, knuckles: np.ndarray) -> np.ndarray:
    """(3,3) rotation from a palm's axes: along it, across it from the last to the first of its
    knuckles (K,3), and out of it."""
    along = normalised(knuckles.mean(axis=0) - wrist)
    across = knuckles[0] - knuckles[-1]
    across = normalised(across - along * (across @ along))
    return np.stack([along, across, np.cross(along, across)], axis=-1)

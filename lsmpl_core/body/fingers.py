"""The fingers of a body: thirty joints beyond SMPL's wrists, in SMPL-H's order, and where they are
in any pose.

Shapes: H = 2 hands, left first; J = 15 joints of a hand, index, middle, little, ring and thumb,
three each from the palm outwards; F = 5 fingers in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..keypoints.hand_points import FINGERS, SIDES
from ..rotation import between, exp_map, log_map

NUM_FINGER_JOINTS = 15
WRISTS = (20, 21)
"""The SMPL joints that the hands hang on."""
HAND_JOINTS = (22, 23)
"""SMPL's joints of the whole hands, whose skin the fingers share among them."""


@dataclass(frozen=True, eq=False)
class Fingers:
    """The fingers of a body in its rest frame (Y up, facing +Z), metres.

    joint_template (2,15,3) and joint_directions (2,15,3,10): rest joints, and how they follow the
    betas; tip_template (2,5,3) and tip_directions (2,5,3,10) the same of the finger tips.
    vertices (N,) of each hand: its skin; weights (N,15) of each: the share of each finger joint, of
    which SMPL's hand joint has the sum.
    counted_from_rest: angles count from the rest pose, as a file's own do, not from a flat hand.
    pose_directions (V,3,270): correctives of the fingers' rotations, None where there are none.
    """

    joint_template: np.ndarray
    joint_directions: np.ndarray
    tip_template: np.ndarray
    tip_directions: np.ndarray
    vertices: tuple[np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]
    counted_from_rest: bool = False
    pose_directions: np.ndarray | None = None

    def scaled(self, wrists: np.ndarray, size: float) -> Fingers:
        """These fingers, grown about the mean shape's wrists (2,3) to `size` times as large."""
        more = (size - 1.0) * (self.joint_template - wrists[:, None])
        tips = (size - 1.0) * (self.tip_template - wrists[:, None])
        return replace(
            self,
            joint_template=self.joint_template + more,
            tip_template=self.tip_template + tips,
        )

    def rest_joints(self, betas: np.ndarray) -> np.ndarray:
        """(2,15,3) in the rest pose."""
        return self.joint_template + self.joint_directions @ betas

    def rest_tips(self, betas: np.ndarray) -> np.ndarray:
        """(2,5,3) in the rest pose."""
        return self.tip_template + self.tip_directions @ betas

    def rest_chains(self, betas: np.ndarray) -> np.ndarray:
        """(2,5,4,3): each finger from its first joint to its tip, in the rest pose."""
        return _chains(self.rest_joints(betas), self.rest_tips(betas))

    @cached_property
    def _template(self) -> np.ndarray:
        """(2,5,4,3): `rest_chains` of the mean shape."""
        return _chains(self.joint_template, self.tip_template)

    @cached_property
    def frames(self) -> np.ndarray:
        """(2,15,3,3): each joint's own axes at rest, as columns: what it bends about (towards the
        palm), what it spreads about (towards the little finger) and along its bone.

        Of a finger all joints bend about one axis, which lies in the palm and across the finger;
        the thumb's bends it in the plane of its own bones.
        """
        chains = self._template
        axes = np.stack([_bend_axes(chains[hand], hand) for hand in range(2)])
        bones = np.diff(chains, axis=2)
        along = bones / np.linalg.norm(bones, axis=-1, keepdims=True)
        bend = axes[:, :, None] - along * np.sum(axes[:, :, None] * along, axis=-1, keepdims=True)
        bend /= np.linalg.norm(bend, axis=-1, keepdims=True)
        spread = np.cross(along, bend)
        return np.stack([bend, spread, along], axis=-1).reshape(2, NUM_FINGER_JOINTS, 3, 3)

    @cached_property
    def rest_bends(self) -> np.ndarray:
        """(2,15) radians by which each bone is bent at rest against the one before it, a first one
        against the palm: what has to be added to a joint's own bend to have the angle that hands
        are measured by."""
        chains = self._template
        frames = self.frames.reshape(2, len(FINGERS), 3, 3, 3)
        bends = np.zeros((2, len(FINGERS), 3))
        bones = np.diff(chains, axis=2)
        for hand in range(2):
            palm = _palm_normal(self.joint_template[hand], hand)
            for finger, name in enumerate(FINGERS):
                for number in range(3):
                    axis, bone = frames[hand, finger, number, :, 0], bones[hand, finger, number]
                    if number:
                        before = bones[hand, finger, number - 1]
                    elif name == "thumb":
                        continue
                    else:
                        before = bone - palm * (bone @ palm)
                    bends[hand, finger, number] = np.arctan2(
                        axis @ np.cross(before, bone), before @ bone
                    )
        return bends.reshape(2, NUM_FINGER_JOINTS)

    @cached_property
    def _from_flat(self) -> np.ndarray:
        """(2,5,3,3,3): what turns each bone of a flat hand, whose fingers are straight on from
        their first bones, to where it is at rest; nothing where angles count from there."""
        bones = np.diff(self._template, axis=2)
        along = bones / np.linalg.norm(bones, axis=-1, keepdims=True)
        if self.counted_from_rest:
            return np.broadcast_to(np.eye(3), (*along.shape, 3))
        return between(np.broadcast_to(along[:, :, :1], along.shape), along)

    def local_rotations(self, angles: np.ndarray) -> np.ndarray:
        """(T,2,15,3,3) of each joint against its parent, counted from this body's rest, of
        axis-angles (T,30,3) in radians (`Motion.fingers`)."""
        turned = exp_map(np.asarray(angles, dtype=np.float64)).reshape(-1, 2, len(FINGERS), 3, 3, 3)
        before, own = self._around()
        return (before @ turned @ np.swapaxes(own, -1, -2)).reshape(-1, 2, NUM_FINGER_JOINTS, 3, 3)

    def angles_of(self, rotations: np.ndarray) -> np.ndarray:
        """The inverse of `local_rotations`: (T,30,3) of (T,2,15,3,3)."""
        before, own = self._around()
        local = np.asarray(rotations).reshape(-1, 2, len(FINGERS), 3, 3, 3)
        return log_map(np.swapaxes(before, -1, -2) @ local @ own).reshape(
            -1, 2 * NUM_FINGER_JOINTS, 3
        )

    def correctives(self, angles: np.ndarray) -> np.ndarray | float:
        """(T,V,3) metres by which the rest pose is corrected for fingers (T,30,3)."""
        if self.pose_directions is None:
            return 0.0
        features = (self.local_rotations(angles) - np.eye(3)).reshape(len(angles), -1)
        return np.einsum("vcp,tp->tvc", self.pose_directions, features, optimize=True)

    def _around(self) -> tuple[np.ndarray, np.ndarray]:
        """`_from_flat` of the bone before each, and of its own."""
        own = self._from_flat
        first = np.broadcast_to(np.eye(3), own[:, :, :1].shape)
        return np.concatenate([first, own[:, :, :-1]], axis=2), own

    def positions(
        self,
        rotations: np.ndarray,
        betas: np.ndarray,
        wrist_rotations: np.ndarray,
        wrists: np.ndarray,
        rest_wrists: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the fingers are: rotations (T,2,15,3,3) of the joints against their parents, betas
        (10,), wrist_rotations (T,2,3,3) in the world, wrists (T,2,3) and rest_wrists (2,3).

        Returns joints (T,2,15,3), tips (T,2,5,3) and the joints' rotations (T,2,15,3,3), all in the
        world.
        """
        T = len(rotations)
        chains = self.rest_chains(betas)
        at = wrists[:, :, None] + np.einsum(
            "thij,hfj->thfi", wrist_rotations, chains[:, :, 0] - rest_wrists[:, None]
        )
        turned = np.broadcast_to(wrist_rotations[:, :, None], (T, 2, len(FINGERS), 3, 3))
        local = rotations.reshape(T, 2, len(FINGERS), 3, 3, 3)
        joints, world = [], []
        for number in range(3):
            turned = turned @ local[:, :, :, number]
            joints.append(at)
            world.append(turned)
            bone = chains[:, :, number + 1] - chains[:, :, number]
            at = at + (turned @ bone[None, ..., None])[..., 0]
        return (
            np.stack(joints, axis=3).reshape(T, 2, NUM_FINGER_JOINTS, 3),
            at,
            np.stack(world, axis=3).reshape(T, 2, NUM_FINGER_JOINTS, 3, 3),
        )


def _chains(joints: np.ndarray, tips: np.ndarray) -> np.ndarray:
    """(2,5,4,3): each finger from its first joint to its tip."""
    return np.concatenate([joints.reshape(2, len(FINGERS), 3, 3), tips[:, :, None]], axis=2)


def _palm_normal(joints: np.ndarray, hand: int) -> np.ndarray:
    """(3,) out of the back of a hand: by the first joints of index and little finger, and the first
    of the thumb, which lies on the palm's side of the wrist."""
    index, little = joints[3 * FINGERS.index("index")], joints[3 * FINGERS.index("little")]
    middle, wrist = joints[3 * FINGERS.index("middle") : 3 * FINGERS.index("middle") + 2]
    across, forward = index - little, wrist - middle
    normal = np.cross(forward, across) if SIDES[hand] == "right" else np.cross(across, forward)
    return normal / np.linalg.norm(normal)


def _bend_axes(chains: np.ndarray, hand: int) -> np.ndarray:
    """(5,3): what each finger of a hand bends about, by the right-hand rule towards the palm."""
    normal = _palm_normal(chains[:, :3].reshape(NUM_FINGER_JOINTS, 3), hand)
    axes = []
    for finger, name in enumerate(FINGERS):
        bones = np.diff(chains[finger], axis=0)
        whole = chains[finger, -1] - chains[finger, 0]
        axis = np.cross(bones[0], bones[2]) if name == "thumb" else np.cross(whole, -normal)
        axes.append(axis / np.linalg.norm(axis))
    return np.stack(axes)

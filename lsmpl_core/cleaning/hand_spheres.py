"""Hands as spheres: strung along the bones of palm and fingers, as thick as the mesh is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..body.closed_hands import RELAXED, closed_turns
from ..body.fingers import NUM_FINGER_JOINTS, WRISTS, Fingers
from ..keypoints.hand_points import FINGERS
from ..motion import Motion

SPACING = 1.25
"""Between the spheres of a bone, in their radii: the dents between them are less than 2 mm deep."""
PALM_FROM = 0.25
"""Share of the way from the wrist to a finger's first joint where its row of the palm begins."""
_WRIST = -1
"""Stands for the wrist where a finger's joint is named."""


@dataclass(frozen=True)
class HandSpheres:
    """Of a shape of the body: for each hand the joint that each sphere moves with (S,), 0 to 14 a
    finger's and -1 the wrist, how far it is off that joint at rest (S,3), and its radius (S,), in
    metres."""

    joints: tuple[np.ndarray, np.ndarray]
    offsets: tuple[np.ndarray, np.ndarray]
    radii: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, body: Body, fingers: Fingers, betas: np.ndarray) -> HandSpheres:
        """Measured on a body with these fingers."""
        chains, wrists = fingers.rest_chains(betas), body.rest_joints(betas)[list(WRISTS)]
        hands = [
            _strung(chains[hand], wrists[hand], *_skin(body, fingers, betas, hand))
            for hand in range(2)
        ]
        joints, offsets, radii = zip(*hands)
        return cls(joints, offsets, radii)

    def centres(
        self, motion: Motion, body: Body, world: tuple[np.ndarray, np.ndarray]
    ) -> list[np.ndarray]:
        """(T,S,3) for each hand: its spheres in the world, the fingers as the motion has them, and
        relaxed where nobody knows them. world: the motion's `Body.world`."""
        fingers, betas = body.with_hands(motion.hand_size).fingers, body.betas_of(motion)
        assert fingers is not None, "spheres are of a body with fingers"
        if motion.fingers is None:
            relaxed = closed_turns(fingers.frames, RELAXED)
            local = np.broadcast_to(relaxed, (len(motion), *relaxed.shape))
        else:
            local = fingers.local_rotations(motion.fingers)
        wrists = list(WRISTS)
        turns, at = (values[:, wrists] for values in world)
        joints, _, turned = fingers.positions(
            local, betas, turns, at, body.rest_joints(betas)[wrists]
        )

        # The wrist comes last, where its number of -1 finds it.
        joints = np.concatenate([joints, at[:, :, None]], axis=2)
        turned = np.concatenate([turned, turns[:, :, None]], axis=2)
        return [
            joints[:, hand, bearer] + (turned[:, hand, bearer] @ offset[..., None])[..., 0]
            for hand, (bearer, offset) in enumerate(zip(self.joints, self.offsets))
        ]


def _skin(
    body: Body, fingers: Fingers, betas: np.ndarray, hand: int
) -> tuple[np.ndarray, np.ndarray]:
    """The skin of a hand at rest (N,3), and which joint (N,) moves it most."""
    rows = fingers.vertices[hand]
    most = fingers.weights[hand].max(axis=1) > body.skinning_weights[rows, WRISTS[hand]]
    owner = np.where(most, fingers.weights[hand].argmax(axis=1), _WRIST)
    palm = np.flatnonzero(body.skinning_weights.argmax(axis=1) == WRISTS[hand])
    palm = np.setdiff1d(palm, rows)
    vertices = body.rest_vertices(betas)
    return (
        np.concatenate([vertices[rows], vertices[palm]]),
        np.concatenate([owner, np.full(len(palm), _WRIST)]),
    )


def _strung(
    chains: np.ndarray, wrist: np.ndarray, skin: np.ndarray, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints, offsets and radii of a hand's spheres; chains (5,4,3) and wrist (3,) at rest."""
    joints: list[int] = []
    offsets: list[np.ndarray] = []
    radii: list[float] = []

    def string(start: np.ndarray, stop: np.ndarray, radius: float, joint: int, at: np.ndarray):
        length = float(np.linalg.norm(stop - start))
        number = max(1, int(np.ceil(length / (SPACING * radius))))
        for share in (np.arange(number) + 1.0) / number:
            joints.append(joint)
            offsets.append(start + share * (stop - start) - at)
            radii.append(radius)

    # The palm is the rows from the wrist to the fingers; each part of its skin belongs to one.
    firsts = chains[:, 0]
    starts = wrist + PALM_FROM * (firsts - wrist)
    palm = skin[owner == _WRIST]
    away = np.stack([_distance(palm, a, b) for a, b in zip(starts, firsts)])
    within = np.stack([_along(palm, a, b) for a, b in zip(starts, firsts)])
    nearest = away.argmin(axis=0)
    for finger in range(len(FINGERS)):
        own = away[finger, (nearest == finger) & (np.abs(within[finger] - 0.5) < 0.5)]
        if len(own):
            string(starts[finger], firsts[finger], float(np.median(own)), _WRIST, wrist)

    for joint in range(NUM_FINGER_JOINTS):
        start, stop = chains[joint // 3, joint % 3], chains[joint // 3, joint % 3 + 1]
        around = skin[owner == joint]
        around = around[np.abs(_along(around, start, stop) - 0.5) < 0.5]
        if not len(around):
            continue
        radius = float(np.median(_distance(around, start, stop)))
        if joint % 3 == 2:  # a tip lies on the skin
            stop = stop - min(radius / np.linalg.norm(stop - start), 1.0) * (stop - start)
        string(start, stop, radius, joint, start)
    return np.array(joints), np.array(offsets), np.array(radii)


def _along(points: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """(N,): where points (N,3) are along a bone, 0 at its start and 1 at its end."""
    bone = stop - start
    return (points - start) @ bone / (bone @ bone)


def _distance(points: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """(N,) metres from points (N,3) to a bone."""
    share = np.clip(_along(points, start, stop), 0.0, 1.0)[:, None]
    return np.linalg.norm(points - start - share * (stop - start), axis=1)

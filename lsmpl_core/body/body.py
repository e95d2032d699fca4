"""`Body`: an SMPL body model, its joints, mesh and keypoints in any pose."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from array_api_compat import numpy as xp

from ..concise import concise_repr
from ..keypoints.hand_points import CHAINS, HAND_POINTS, HandPoints
from ..keypoints.layouts import Layout, get_layout
from ..keypoints.track import KeypointTrack
from ..rotation import exp_map
from .fingers import HAND_JOINTS, NUM_FINGER_JOINTS, WRISTS, Fingers
from .kinematics import forward, posed, skin
from .sites import SiteParts, site_parts
from .skeleton import JOINT_NAMES, NUM_BETAS, PARENTS, SMPL, SMPLX, Skeleton

if (
    TYPE_CHECKING
):  # A motion holds a calibration, which is of a body: this way round it is only a hint.
    from ..motion import Motion

OPEN_BODY_NAME = "open"
_SKIN_BATCH = 64


@dataclass(frozen=True, eq=False)
class Body:
    """SMPL body in its own rest frame (Y up, facing +Z), metres.

    v_template (V,3); shape_directions (V,3,10) and pose_directions (V,3,207) or None;
    joint_regressor (24,V); skinning_weights (V,24); faces (F,3) triangles, quads (Q,4) where the
    mesh has them;
    surface_sites: for each surface site its vertices (N,) and their shares (N,).
    fingers: the joints of its fingers, where it has some. skeleton: of the file that it is from; a
    body of another than SMPL's is moved as SMPL's are, and its fingers beside it (`family.py`).
    """

    name: str
    v_template: np.ndarray
    shape_directions: np.ndarray
    joint_regressor: np.ndarray
    skinning_weights: np.ndarray
    faces: np.ndarray
    pose_directions: np.ndarray | None = None
    quads: np.ndarray | None = None
    surface_sites: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    parents: np.ndarray = field(default_factory=lambda: np.array(PARENTS))
    joint_names: tuple[str, ...] = JOINT_NAMES
    fingers: Fingers | None = None
    skeleton: Skeleton = SMPL
    __repr__ = concise_repr

    @cached_property
    def key(self) -> str:
        """Name and checksum: what a motion remembers, so that its betas are not taken for another
        body's. SMPL-X's begins with that word, as its motions have poses of another form."""
        checksum = zlib.crc32(np.ascontiguousarray(self.v_template, dtype=np.float32).data)
        checksum = zlib.crc32(
            np.ascontiguousarray(self.shape_directions, dtype=np.float32).data, checksum
        )
        family = f"{SMPLX.name} " if self.skeleton is SMPLX else ""
        return f"{family}{self.name}-{checksum:08x}"

    @cached_property
    def joint_template(self) -> np.ndarray:
        """(24,3): rest joints of the mean shape."""
        return self.joint_regressor.astype(np.float64) @ self.v_template

    @cached_property
    def joint_directions(self) -> np.ndarray:
        """(24,3,10): how the rest joints follow the betas."""
        return np.einsum(
            "jv,vcs->jcs", self.joint_regressor.astype(np.float64), self.shape_directions
        )

    @cached_property
    def hand_directions(self) -> np.ndarray:
        """(V,3): how the skin of the rest pose moves as hands grow from their size to twice that.

        As if the bones of the wrists, and all on them, were scaled about the wrists. That is a
        direction of the shape like those of the betas; what a beta does to a hand does not grow.
        """
        directions = np.zeros(self.v_template.shape)
        for wrist, hand in zip(WRISTS, HAND_JOINTS):
            share = self.skinning_weights[:, [wrist, hand]].sum(axis=1, dtype=np.float64)
            directions += share[:, None] * (self.v_template - self.joint_template[wrist])
        return directions

    @cached_property
    def hand_joint_directions(self) -> np.ndarray:
        """(24,3): as `hand_directions`, of the joints: the wrists stay, and so does all but the
        hands that hang on them."""
        directions = np.zeros(self.joint_template.shape)
        for wrist, hand in zip(WRISTS, HAND_JOINTS):
            directions[hand] = self.joint_template[hand] - self.joint_template[wrist]
        return directions

    def with_hands(self, size: float) -> Body:
        """This body with hands `size` times as large as its shape has them (`Motion.hand_size`); it
        is the same body to whom asks for its `key`. One without fingers stays as it is."""
        return self if size == 1.0 or self.fingers is None else _with_hands(self, float(size))

    def rest_joints(self, betas: np.ndarray | None = None) -> np.ndarray:
        """(24,3) in the rest pose."""
        return (
            self.joint_template
            if betas is None
            else self.joint_template + self.joint_directions @ betas
        )

    def rest_vertices(self, betas: np.ndarray | None = None) -> np.ndarray:
        """(V,3) in the rest pose."""
        return self.v_template if betas is None else self.v_template + self.shape_directions @ betas

    def betas_of(self, motion: Motion) -> np.ndarray:
        """The motion's betas, or, with a warning, zeros (the mean shape) if they belong to another
        body."""
        if not motion.body or betas_match(motion, self):
            return motion.betas
        warnings.warn(
            f"the motion's shape is for the body {motion.body}, not for {self.key}: the mean shape "
            "is used instead",
            stacklevel=3,
        )
        return np.zeros(NUM_BETAS)

    def joints(self, motion: Motion) -> np.ndarray:
        """(T,24,3) joint positions in the world."""
        return self.world(motion)[1]

    def world(self, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (T,24,3,3) from each joint's rest to the world, and positions (T,24,3), of the
        joints."""
        body = self.with_hands(motion.hand_size)
        return body._forward(motion.poses, motion.trans, self.betas_of(motion))

    def vertices(self, motion: Motion, *, correctives: bool = True) -> np.ndarray:
        """(T,V,3) float32 mesh vertices in the world; `correctives` False leaves plain linear blend
        skinning."""
        betas, body = self.betas_of(motion), self.with_hands(motion.hand_size)
        out = np.empty((len(motion), len(self.v_template), 3), dtype=np.float32)
        for start in range(0, len(motion), _SKIN_BATCH):
            frames = slice(start, start + _SKIN_BATCH)
            out[frames] = body._vertices(
                motion.poses[frames],
                motion.trans[frames],
                betas,
                correctives,
                None if motion.fingers is None else motion.fingers[frames],
            )
        return out

    def finger_positions(
        self, motion: Motion, palms: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a motion with fingers, on a body with them: joints (T,2,15,3), tips (T,2,5,3) and the
        joints' rotations (T,2,15,3,3) from rest, in the world. palms (T,2,3,3): rotations of the
        wrists in the world instead of the motion's."""
        body = self.with_hands(motion.hand_size)
        world, joints = self.world(motion)
        if palms is not None:
            world = world.copy()
            world[:, WRISTS] = palms
        return body._fingers_at(
            (world, joints), motion.fingers, self.betas_of(motion), body.fingers
        )

    def keypoints(self, motion: Motion, layout: str | Layout = "body_25") -> KeypointTrack:
        """Where a layout's sites are in each frame of a motion, on the skinned surface without pose
        correctives; and the points of the hands, where the motion has fingers."""
        layout = get_layout(layout)
        body = self.with_hands(motion.hand_size)
        positions = body.site_positions(motion, site_parts(body, layout.sites))
        return KeypointTrack(
            positions,
            layout=layout,
            fps=motion.fps,
            first_frame=motion.first_frame,
            hands=self.hand_points(motion),
        )

    def hand_points(self, motion: Motion) -> HandPoints | None:
        """The 21 points of each hand, None where motion or body have no fingers."""
        if motion.fingers is None or self.fingers is None:
            return None
        joints, tips, _ = self.finger_positions(motion)
        positions = np.empty((len(motion), 2, len(HAND_POINTS), 3))
        positions[:, :, 0] = self.joints(motion)[:, WRISTS]
        positions[:, :, CHAINS[:, :3]] = joints.reshape(len(motion), 2, len(CHAINS), 3, 3)
        positions[:, :, CHAINS[:, 3]] = tips
        return HandPoints(positions, np.ones(positions.shape[:3]))

    def site_positions(self, motion: Motion, parts: SiteParts) -> np.ndarray:
        """(T,K,3): where sites are in each frame of a motion, for instance those of a calibrated
        subject."""
        betas = self.betas_of(motion)
        world, joints = self._forward(motion.poses, motion.trans, betas)
        offsets = parts.moments(betas) - parts.mass[:, None] * self.rest_joints(betas)[parts.joint]
        moved = (world[:, parts.joint] @ offsets[..., None])[..., 0] + parts.mass[:, None] * joints[
            :, parts.joint
        ]
        owners = np.arange(parts.count)[:, None] == parts.keypoint
        return owners.astype(np.float64) @ moved

    def as_smpl(self) -> dict[str, np.ndarray]:
        """The arrays of an SMPL file, under its keys; `smplx.SMPL` takes them as its
        `data_struct`."""
        pose_directions = self.pose_directions
        if pose_directions is None:
            pose_directions = np.zeros((len(self.v_template), 3, 207))
        parents = np.array(self.parents)
        return {
            "v_template": self.v_template,
            "shapedirs": self.shape_directions,
            "posedirs": pose_directions,
            "J_regressor": self.joint_regressor,
            "weights": self.skinning_weights,
            "kintree_table": np.stack([parents, np.arange(len(parents))]),
            "f": self.faces,
        }

    def _forward(self, poses, trans, betas):
        return posed(poses, self.rest_joints(betas), trans)

    def _fingers_at(self, world, angles, betas, fingers):
        wrists = list(WRISTS)
        return fingers.positions(
            fingers.local_rotations(angles),
            betas,
            world[0][:, wrists],
            world[1][:, wrists],
            self.rest_joints(betas)[wrists],
        )

    def _vertices(self, poses, trans, betas, correctives, fingers=None):
        rest_joints = self.rest_joints(betas)[None]
        rotations = exp_map(poses)
        world, joints = forward(rotations, rest_joints, trans)
        vertices = self.rest_vertices(betas)[None]
        if correctives and self.pose_directions is not None:
            features = np.reshape(rotations[:, 1:] - np.eye(3), (len(poses), -1))
            vertices = vertices + np.einsum(
                "vcp,tp->tvc", self.pose_directions, features, optimize=True
            )
        if correctives and fingers is not None and self.fingers is not None:
            vertices = vertices + self.fingers.correctives(fingers)
        skinned = skin(xp.asarray(vertices), self.skinning_weights, world, joints, rest_joints)
        if fingers is not None and self.fingers is not None:
            self._bend_fingers(skinned, vertices, (world, joints), betas, fingers)
        return skinned

    def _bend_fingers(self, skinned, vertices, world, betas, angles):
        """Changes what SMPL's hand joints moved of skinned (T,V,3) to where the fingers move it."""
        fingers = self.fingers
        joints, _, turned = self._fingers_at(world, angles, betas, fingers)
        rest, rest_fingers = self.rest_joints(betas), fingers.rest_joints(betas)
        for hand, of_hand in enumerate(HAND_JOINTS):
            rows = fingers.vertices[hand]
            at_rest = np.broadcast_to(vertices[:, rows], (len(skinned), len(rows), 3))
            moved = np.zeros(at_rest.shape)
            for joint in range(NUM_FINGER_JOINTS):
                offset = at_rest - rest_fingers[hand, joint]
                place = offset @ np.swapaxes(turned[:, hand, joint], -1, -2)
                place = place + joints[:, hand, joint, None]
                moved += fingers.weights[hand][:, joint, None] * place
            whole = (at_rest - rest[of_hand]) @ np.swapaxes(world[0][:, of_hand], -1, -2)
            whole = whole + world[1][:, of_hand, None]
            skinned[:, rows] += moved - self.skinning_weights[rows, of_hand, None] * whole


@lru_cache(maxsize=4)
def _with_hands(body: Body, size: float) -> Body:
    assert body.fingers is not None, "only such a body is asked for"
    grown = replace(
        body,
        v_template=body.v_template + (size - 1.0) * body.hand_directions,
        fingers=body.fingers.scaled(body.joint_template[list(WRISTS)], size),
    )
    # Who these hands belong to, and where all but their own joints are, stays.
    joints = body.joint_template + (size - 1.0) * body.hand_joint_directions
    grown.__dict__.update(key=body.key, joint_template=joints)
    return grown


def betas_match(motion: Motion, body: Body) -> bool:
    """Whether the motion's betas may be used on `body`: they are for it, or for no body that the
    motion names while `body` is a user's own. SMPL-X's are told from SMPL's."""
    if body.skeleton is SMPLX:
        return motion.body in (body.key, SMPLX.name)
    return motion.body == body.key or (not motion.body and body.name != OPEN_BODY_NAME)

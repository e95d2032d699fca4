"""A character's skeleton: what is told of it, what follows from that at rest, and how it moves
(forward kinematics)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..errors import RetargetError
from ..keypoints.hand_points import SIDES
from ..keypoints.proportions import normalised
from .rest_pose import TO_BLENDER, facing
from .soles import Sole, find_sole


@dataclass(frozen=True)
class TargetSkeleton:
    """The mapped bones of a character, N of them, parents before children.

    joints (N,): the SMPL joint of each. parents (N,): the mapped bone that each follows, -1 where
    it follows none. links (N,4,4): each bone's matrix while it is not rotated, as seen from the
    bone it follows, or from the armature. rest (N,4,4): rest matrices in the armature's space. ends
    (N,3): where hands and feet without a bone after them end (knuckles, toes), in the armature's
    space, NaN where that is not known.
    to_take (4,4): from the armature's space to the motion's: rotation, one scale, translation.
    location_axes (3,3): how the location of the pelvis' bone moves it, in the armature's space.
    skin (V,3) or None: rest vertices of its meshes in the armature's space, from which the soles
    are found. root (4,4) or None: rest matrix of the bone that all of them hang on, which may
    travel.
    """

    names: Sequence[str]
    joints: Sequence[str]
    parents: Sequence[int]
    links: np.ndarray
    rest: np.ndarray
    ends: np.ndarray
    to_take: np.ndarray
    location_axes: np.ndarray
    skin: np.ndarray | None = None
    root: np.ndarray | None = None


@dataclass(frozen=True)
class SourceShape:
    """The source at rest, in canonical axes: joints (24,3), and its soles, left and right."""

    joints: np.ndarray
    soles: tuple[Sole, Sole]

    @classmethod
    def of(cls, body: Body, betas: np.ndarray) -> SourceShape:
        joints = body.rest_joints(betas) @ TO_BLENDER.T
        skin = body.rest_vertices(betas) @ TO_BLENDER.T
        found = [_sole(joints, skin, side) for side in SIDES]
        lowest = skin[:, 2].min()
        left, right = (
            sole or _plain_sole(joints, lowest, side) for sole, side in zip(found, SIDES)
        )
        return cls(joints, (left, right))

    def foot_size(self, side: str, joints: np.ndarray) -> float:
        """How long another foot is, from ankle to ball or, without a ball, as its shin is."""
        for a, b, level in (("ankle", "foot", (1.0, 1.0, 0.0)), ("knee", "ankle", (1.0, 1.0, 1.0))):
            rows = [JOINT_NAMES.index(f"{side}_{part}") for part in (a, b)]
            own, theirs = (
                np.linalg.norm(np.diff(p[rows], axis=0) * level) for p in (joints, self.joints)
            )
            if own > 0:
                return float(own / theirs)
        return 1.0


class Character:
    """A target skeleton in its rest pose: canonical axes (`rest_pose.py`), metres of the motion's
    space."""

    def __init__(self, target: TargetSkeleton, relative: bool = False):
        if "pelvis" not in target.joints:
            raise RetargetError(
                "no bone is assigned to the pelvis; assign the one that carries the hips"
            )
        self.target = target
        linear = target.to_take[:3, :3]
        self.scale = float(np.cbrt(np.linalg.det(linear)))
        self.to_take, self.origin = linear / self.scale, target.to_take[:3, 3]
        self.joint_index = np.array([JOINT_NAMES.index(joint) for joint in target.joints])
        self.links = np.asarray(target.links, dtype=float)
        self.link_rotation = _rotation_of(self.links[:, :3, :3])
        heads = np.full((NUM_JOINTS, 3), np.nan)
        for bone in reversed(range(len(target.names))):
            heads[self.joint_index[bone]] = target.rest[bone, :3, 3]
            for part, after in (("wrist", "hand"), ("ankle", "foot")):
                side, _, own = target.joints[bone].rpartition("_")
                end = JOINT_NAMES.index(f"{side}_{after}") if own == part else -1
                if end >= 0 and not np.isfinite(heads[end]).all():
                    heads[end] = target.ends[bone]
        self.facing = facing(heads)
        self.joints = self.scale * heads @ self.facing.T
        if relative:
            self.to_take, self.origin = self.facing, np.zeros(3)
        self.rest_rotation = _rotation_of(target.rest[:, :3, :3])

    def forward(self, directed: np.ndarray) -> np.ndarray:
        """(T,N,3): where the bones begin, rotated so (T,N,3,3), while the pelvis' bone is not
        moved."""
        positions = np.zeros(directed.shape[:2] + (3,))
        for bone, parent in enumerate(self.target.parents):
            arm = self.scale * self.links[bone, :3, 3]
            if parent < 0:
                positions[:, bone] = self.to_take @ arm + self.origin
            else:
                # A bone's directed rotation takes its own axes to the motion's.
                positions[:, bone] = positions[:, parent] + directed[:, parent] @ arm
        return positions

    def local(self, directed: np.ndarray, root: np.ndarray) -> np.ndarray:
        """(T,N,3,3): each bone's rotation against its link, from those in the motion's space, where
        their root has turned (T,3,3) from its rest.
        """
        local = np.empty_like(directed)
        for bone, parent in enumerate(self.target.parents):
            carrier = root @ self.to_take if parent < 0 else directed[:, parent]
            frame = carrier @ self.link_rotation[bone]
            local[:, bone] = np.swapaxes(frame, -1, -2) @ directed[:, bone]
        return local

    def location(self, place: np.ndarray, pelvis: int, root: np.ndarray) -> np.ndarray:
        """(T,3): the location that puts the pelvis' bone at places (T,3) of the motion's space,
        where its root has moved (T,4,4) there.
        """
        place = (np.swapaxes(root[:, :3, :3], 1, 2) @ (place - root[:, :3, 3])[..., None])[..., 0]
        inside = (place - self.origin) @ self.to_take / self.scale
        parent = self.target.parents[pelvis]
        if parent >= 0:
            raise RetargetError(
                f"the pelvis' bone {self.target.names[pelvis]!r} follows "
                f"{self.target.names[parent]!r}, which is "
                "assigned, too; assign the pelvis to the bone that carries all others"
            )
        return (inside - self.links[pelvis, :3, 3]) @ np.linalg.inv(self.target.location_axes).T

    def root(self) -> tuple[np.ndarray, np.ndarray]:
        """Where (3,) the root rests in the motion's space, and the rotation (3,3) from canonical
        axes to those that it rests in. Raises `RetargetError` where there is none.
        """
        if self.target.root is None:
            raise RetargetError(
                f"above the pelvis' bone {self.target.names[self.bones_of('pelvis')[0]]!r} there "
                "is no bone that could travel; let the hips or the object travel"
            )
        return self.scale * self.to_take @ self.target.root[
            :3, 3
        ] + self.origin, self.to_take @ self.facing.T

    def root_basis(self, moved: np.ndarray) -> np.ndarray:
        """(T,4,4): what the root's own transform is, once it has moved (T,4,4) in the motion's
        space."""
        assert self.target.root is not None, "`root` was asked first, which says so"
        to_take = np.eye(4)
        to_take[:3, :3], to_take[:3, 3] = self.scale * self.to_take, self.origin
        to_root = to_take @ self.target.root
        basis = np.linalg.inv(to_root) @ moved @ to_root
        basis[:, :3, :3] = _rotation_of(basis[:, :3, :3])
        return basis

    def middle(self, joints: np.ndarray) -> np.ndarray:
        """(T,3): of SMPL's joints (T,24,3), the point that corresponds to `hips`."""
        if self.has("left_hip") and self.has("right_hip"):
            return joints[:, [JOINT_NAMES.index("left_hip"), JOINT_NAMES.index("right_hip")]].mean(
                axis=1
            )
        return joints[:, 0]

    def hips(self, positions: np.ndarray) -> np.ndarray:
        """(T,3): the middle of the hips, or the pelvis where they have no bones."""
        if self.has("left_hip") and self.has("right_hip"):
            return positions[:, [self.bones_of("left_hip")[0], self.bones_of("right_hip")[0]]].mean(
                axis=1
            )
        return positions[:, self.bones_of("pelvis")[0]]

    def has(self, joint: str) -> bool:
        return joint in self.target.joints

    def bones_of(self, joint: str) -> list[int]:
        return [bone for bone, own in enumerate(self.target.joints) if own == joint]

    def legs(self) -> dict[str, tuple[int, int, int]]:
        """For each side with a whole leg: the bones that begin at hip, knee and ankle."""
        found = {}
        for side in SIDES:
            chain = [self.bones_of(f"{side}_{part}") for part in ("hip", "knee", "ankle")]
            if all(chain):
                hip, knee, ankle = (bones[0] for bones in chain)
                # Where a rig's bones do not hang on each other, their places are not known.
                carriers = (self.bones_of("pelvis")[0], hip, knee)
                hang = all(self.follows(bone, on) for bone, on in zip((hip, knee, ankle), carriers))
                joints = self.joints[self.joint_index[[hip, knee, ankle]]]
                if hang and np.linalg.norm(np.diff(joints, axis=0), axis=1).min() > 0:
                    found[side] = (hip, knee, ankle)
        return found

    def follows(self, bone: int, other: int) -> bool:
        while bone >= 0:
            if bone == other:
                return True
            bone = self.target.parents[bone]
        return False

    def length(self, leg: tuple[int, int, int]) -> float:
        hip, knee, ankle = (self.joints[self.joint_index[bone]] for bone in leg)
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))

    def leg_length(self, shape: SourceShape) -> float:
        """How long the character's legs are, down to the sole, over the source's; of trunks where
        it has no legs."""
        for chain in (("hip", "knee", "ankle"), ("hip", "shoulder")):
            ratios = []
            for side in SIDES:
                rows = [JOINT_NAMES.index(f"{side}_{part}") for part in chain]
                own, theirs = (
                    np.linalg.norm(np.diff(p[rows], axis=0), axis=1).sum()
                    for p in (self.joints, shape.joints)
                )
                if chain[-1] == "ankle" and np.isfinite(own):
                    height = shape.soles[SIDES.index(side)].height
                    sole = self._own_sole(side)
                    own = own + (sole.height if sole else height * own / theirs)
                    theirs = theirs + height
                ratios.append(own / theirs)
            if np.isfinite(ratios).any():
                return float(np.nanmean(ratios))
        return 1.0

    def sole(self, side: str, shape: SourceShape) -> Sole:
        """By the skin about the foot; without one, the source's in lengths of the foot."""
        ball = (
            self.joints[JOINT_NAMES.index(f"{side}_foot")]
            - self.joints[JOINT_NAMES.index(f"{side}_ankle")]
        )
        size = shape.foot_size(side, self.joints)
        return self._own_sole(side) or shape.soles[SIDES.index(side)].scaled(size, ball)

    def _own_sole(self, side: str) -> Sole | None:
        if self.target.skin is None or not len(self.target.skin):
            return None
        return _sole(self.joints, self.scale * self.target.skin @ self.facing.T, side)


def _sole(joints: np.ndarray, skin: np.ndarray, side: str) -> Sole | None:
    hip, ankle, ball = (
        joints[JOINT_NAMES.index(f"{side}_{part}")] for part in ("hip", "ankle", "foot")
    )
    if not np.isfinite(hip - ankle).all():
        return None
    return find_sole(ankle, ball, skin, float(np.linalg.norm(hip - ankle)))


def _plain_sole(joints: np.ndarray, lowest: float, side: str) -> Sole:
    """Of a body whose skin is not about its feet: from below the ankle to as far beyond the
    ball."""
    ankle, ball = (joints[JOINT_NAMES.index(f"{side}_{part}")] for part in ("ankle", "foot"))
    down = np.array([0.0, 0.0, lowest - ankle[2]])
    ball = ball - ankle
    level = ball * (1.0, 1.0, 0.0)
    heel, under_ball, toes = down - 0.4 * level, down + level, down + 1.5 * level
    return Sole(
        heel, ball, toes - ball, heel[None], under_ball[None], (toes - ball)[None], -float(down[2])
    )


def _rotation_of(linear: np.ndarray) -> np.ndarray:
    """(N,3,3) without scale."""
    x = normalised(linear[..., :, 0])
    y = linear[..., :, 1] - (x * linear[..., :, 1]).sum(axis=-1, keepdims=True) * x
    y = normalised(y)
    return np.stack([x, y, np.cross(x, y)], axis=-1)

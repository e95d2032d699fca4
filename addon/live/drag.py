"""A drag: handles that are being moved, the pose before, and the one that they ask for now."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.skeleton import NUM_JOINTS
from ...lsmpl_core.by_hand.dragging import Drag as CoreDrag
from ...lsmpl_core.by_hand.posing import poses_of
from ...lsmpl_core.rotation import exp_map, log_map
from ...lsmpl_core.solver.poses import Poses
from ..characters import feet
from ..characters.posed import Bones
from ..refining import pending_edit
from ..refining import refine as refining
from ..takes import layers, pinned_joints
from ..takes import take as takes
from . import finger_tips
from .handles import Handles
from .session import shows

UNREACHED = 0.02
"""Metres from which on a keypoint is not where the body is."""

_BASE = "lsmpl_base"
"""Of the handles' collection, while they are moved: the pose before."""


class Drag:
    """Handles that are being moved: the pose before, and the one that they ask for now."""

    def __init__(self, scene: bpy.types.Scene, handles: Handles):
        take, frame = scene.lsmpl_live.take, scene.lsmpl_live.frame
        subject = refining.subject_of(take)
        self.key = take.session_uid, frame
        self.keypoints = takes.keypoints_at(take, frame)
        self.locked = self.keypoints.state == takes.LOCKED
        self.before = handle_positions(take, frame, self.keypoints)

        # A character whose feet were locked for another shape stands as that shape would.
        missing = set(subject.body.joint_names) - set(take.lsmpl.armature.data.bones.keys())
        if missing:
            raise LsmplError(
                f"{take.lsmpl.armature.name}: has no bone {', '.join(sorted(missing))}; bake again"
            )
        self.betas = subject.poser.calibration.betas
        self.baked_betas = feet.shape_of(pending_edit.action_of(take), self.betas)
        self.bones = Bones(take.lsmpl.armature, subject.body, self.baked_betas)
        self.raised = raised(take)

        # The pose that is seen is where a drag begins, keyed or not; while the scene shows another
        # frame, as when it plays, the one that is stored. After an undo into the middle of a drag
        # it is seen no more, so it is stored with the handles.
        base, self.shown = stored_base(handles), None
        if base is None:
            self.shown = self.bones.values()
            base = (
                translated(self._of_take(self.bones.now()), -self.raised)
                if shows(scene)
                else stored_pose(take, frame)
            )
            store_base(handles, base)

        held = pinned_joints.as_core(
            [pin._replace(frame=0) for pin in pinned_joints.load(take) if pin.frame == frame]
        )
        self.drag: CoreDrag = CoreDrag(subject.poser, base, held)
        self.fingers = finger_tips.begin(take, base)
        self.tips = None if self.fingers is None else self.fingers.tips(base, self.fingers.base)
        self.asked: bytes | None = None

    @property
    def held(self) -> np.ndarray:
        """(K+F,) which handles stay where they are while others are moved."""
        return np.pad(self.locked, (0, len(self.before) - len(self.locked)))

    def pose(self, locations: np.ndarray, dragged: np.ndarray) -> tuple[Poses, np.ndarray]:
        """The pose, with fingers where there are some, and by how much (K+F,3) it moves keypoints
        and finger tips, in metres."""
        asked = np.where((dragged | self.held)[:, None], locations, np.nan).tobytes()
        if asked != self.asked:
            count = len(self.locked)
            self.posed, self.sites = self.drag.base, self.drag.sites
            if dragged[:count].any():
                found, self.sites = self.drag.pose(locations[:count], dragged[:count], self.locked)
                self.posed = replace(found, fingers=self.drag.base.fingers)
            moved = np.nan_to_num(self.sites - self.drag.sites)
            if self.fingers is not None:
                bent = self.fingers.pose(self.posed, locations[count:], dragged[count:])
                self.posed = replace(self.posed, fingers=bent[None])
                tips = self.fingers.tips(self.posed, bent)
                moved = np.concatenate([moved, tips - self.tips])
            self.moved, self.asked = moved, asked
        return self.posed, self.moved

    def show(self, poses: Poses) -> None:
        self.bones.show(
            feet.fitted_poses(
                translated(poses, self.raised), self.bones.body, self.betas, self.baked_betas
            )
        )

    def _of_take(self, poses: Poses) -> Poses:
        """Of a character whose feet were locked for another shape, as the take's own would
        stand."""
        return feet.fitted_poses(poses, self.bones.body, self.baked_betas, self.betas)

    def put_back(self) -> None:
        """Show the pose before."""
        if self.shown is None:
            self.show(self.drag.base)
        else:
            self.bones.set_values(self.shown)


def store_base(handles: Handles, base: Poses) -> None:
    """With the handles, so that an undo or a redo into the middle of a drag finds how it began."""
    fingers = [] if base.fingers is None else base.fingers.ravel().tolist()
    handles.collection[_BASE] = [
        *base.trans.ravel().tolist(),
        *log_map(base.rotations).ravel().tolist(),
        *fingers,
    ]


def stored_base(handles: Handles) -> Poses | None:
    if _BASE not in handles.collection:
        return None
    trans, turns = np.split(np.array(handles.collection[_BASE]).reshape(1, -1, 3), [1], axis=1)
    body, fingers = np.split(turns, [NUM_JOINTS], axis=1)
    return Poses(exp_map(body), trans[:, 0], fingers if fingers.size else None)


def forget_base(handles: Handles) -> None:
    """No drag goes on."""
    handles.collection.pop(_BASE, None)


def handle_positions(take: bpy.types.Object, frame: int, keypoints: takes.Keypoints) -> np.ndarray:
    """(K+F,3) metres: where handles are in a frame: at the keypoints and, where those are missing,
    ignored, rejected or of the other side, where the body has them; of finger tips where the body
    has them.

    So they are where a frame was refined, or blends into one that was, away from what was read:
    whoever takes hold of a hand there means the one that is seen.
    """
    stored = stored_pose(take, frame)
    sites = refining.subject_of(take).poser.sites(stored)[0]
    at_keypoint = keypoints.believed
    if layers.is_refined(take, frame):
        apart = np.linalg.norm(np.nan_to_num(sites - keypoints.positions), axis=1)
        at_keypoint = at_keypoint & (keypoints.edited | (apart < UNREACHED))
    positions = np.where(at_keypoint[:, None] | np.isnan(sites), keypoints.positions, sites)
    return np.concatenate([np.nan_to_num(positions), finger_tips.positions(take, stored)])


def stored_pose(take: bpy.types.Object, frame: int) -> Poses:
    """The pose of a frame as it is kept, where the keypoints are."""
    return translated(poses_of(layers.load_frame(take, frame)), -raised(take))


def raised(take: bpy.types.Object) -> np.ndarray:
    """(3,) metres by which cleaning up has moved the character away from its keypoints, to put it
    on the floor."""
    return np.array([0.0, 0.0, layers.raised(take)])


def translated(poses: Poses, by: np.ndarray) -> Poses:
    return replace(poses, trans=poses.trans + by)

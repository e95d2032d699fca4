"""What a bake to another character does: noted from the scene, worked out beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.retarget_motion import Retargeted, retarget
from ...lsmpl_core.retargeting.bone_maps import BoneMap, recognise
from ...lsmpl_core.retargeting.curves import (
    axis_angles,
    euler_angles,
    fit_keys,
    key_frames,
    quaternions,
)
from ...lsmpl_core.retargeting.fingers import TargetFingers, finger_rotations
from ...lsmpl_core.retargeting.target_skeleton import TargetSkeleton
from ..characters import actions, baking
from ..takes import playing
from . import ik_controls, remembered
from .finger_bones import measure_fingers
from .readying import send_home, set_switches
from .settings import OtherCharacter, bone_map_of
from .skeletons import measure, root_bone

SAME_REST_RADIANS = np.radians(10.0)
"""Of SMPL characters, rest directions that differ by less than this are another body's shape."""


@dataclass(frozen=True)
class Plan:
    """What becomes of a motion on one of a take's other characters.

    bones: which they are, and the rig's switches; skeleton: as they were measured; options: of
    `retarget`. frames (M,) of the scene that get keys, keys (M,) among the frames of the take that
    are baked (N,); timing: the scene frame of the take's first frame, and frames from one to the
    next; modes: the rotation mode of each bone;
    home and own: the object's location and its axes; root and root_mode: the bone that may travel
    above the hips, "" if none, and its rotation mode. ik: limbs that have IK controls, too; to_ik:
    whether they follow these.
    """

    bones: BoneMap
    skeleton: TargetSkeleton
    options: dict[str, Any]
    frames: np.ndarray
    keys: np.ndarray
    baked: np.ndarray
    timing: tuple[float, float]
    fit: bool
    travels: bool
    modes: list[str]
    home: np.ndarray
    own: np.ndarray
    root: str
    root_mode: str
    fingers: TargetFingers | None
    finger_modes: list[str]
    ik: list[ik_controls.Limb]
    to_ik: bool

    @classmethod
    def of(cls, other: OtherCharacter, count: int, again: bpy.types.Action | None = None) -> Plan:
        """For a motion of `count` frames on one of a take's characters. The rig is measured, and
        left as it was. Raises `LsmplError`.

        For an action that is to be made again, the character counts as it was then: it may have
        been moved, hidden or switched since, and whoever moved its object wants all of it there.
        """
        take = other.id_data
        mapped, target = bone_map_of(other), other.target
        if not target.is_editable:
            raise LsmplError(
                f"{target.name}: is linked from another file; make a library override, or append it"
            )
        if target.mode == "EDIT":
            raise LsmplError(f"{target.name}: is in Edit Mode; go back to Object Mode first")

        frames, baked = _baked_frames(other, count)
        bones = recognise(mapped, [bone.name for bone in target.data.bones])

        # A rig that plays an earlier bake stands somewhere in it: what was measured then is taken
        # again, unless other bones travel now. Otherwise it is sent home for a moment to be
        # measured.
        skeleton = remembered.skeleton_of(again, target, mapped) if again else None
        home = np.array(other.home)
        root = remembered.root_bone_of(again) if again else ""
        travelling = other.travel == "OBJECT", other.travel == "ROOT"
        as_then = again is not None and (remembered.travels(again), bool(root)) == travelling
        if skeleton is None or not as_then:
            with ExitStack() as restored:
                restored.callback(target.update_tag)
                send_home(target, other, restored)
                set_switches(target, bones, restored)
                skeleton, home = measure(target, mapped, take), np.array(target.location)
                bone = root_bone(target, mapped)
                root = bone.name if bone else ""

        keys = key_frames(len(baked), other.every)
        fingers = measure_fingers(target, mapped)
        return cls(
            bones=bones,
            skeleton=skeleton,
            options={
                "feet": other.feet,
                "root": {"OBJECT": "object", "ROOT": "bone"}.get(other.travel, "hips"),
                "in_place": other.travel == "NONE",
                "relative": other.place == "CHARACTER",
                "tolerance": SAME_REST_RADIANS if bones.smpl_rest else 0.0,
            },
            frames=frames[baked[keys]],
            keys=keys,
            baked=baked,
            timing=(take.lsmpl.start, take.lsmpl.step),
            fit=other.every > 1 and other.fit,
            travels=other.travel == "OBJECT",
            modes=[target.pose.bones[name].rotation_mode for name in skeleton.names],
            home=home,
            own=np.array(target.matrix_basis)[:3, :3],
            root=root,
            root_mode=target.pose.bones[root].rotation_mode
            if root in target.pose.bones
            else "QUATERNION",
            fingers=fingers,
            finger_modes=[target.pose.bones[name].rotation_mode for name in fingers.names]
            if fingers
            else [],
            ik=ik_controls.limbs_of(target, list(skeleton.names)),
            to_ik=other.limbs == "IK",
        )

    def compute(self, motion: Motion, body: Body) -> tuple[Retargeted, list[actions.Curve]]:
        """The motion on the character, and its curves. Touches no datablock."""
        done = retarget(motion, body, self.skeleton, **self.options)
        bent = finger_rotations(motion, body, self.fingers) if self.fingers else None
        return done, self.curves(done, bent)

    def sign(self, action: bpy.types.Action, version: str) -> None:
        """Note on an action that this was made to it, of that version of the take's motion."""
        root = self.root if self.options["root"] == "bone" else ""
        remembered.note(action, self.skeleton, self.travels, root, version)
        baking.note_timing(action, self.timing)

    def curves(self, done: Retargeted, bent: np.ndarray | None = None) -> list[actions.Curve]:
        """Of the motion on the character; bent (T,M,3,3) are the rotations of its finger bones,
        None where these keep still."""
        # Values (N,channels) by data path, as the user keys such a bone: only the pelvis moves, all
        # others turn.
        pelvis = self.skeleton.names[done.pelvis]
        found = [(f"{_path(pelvis)}.location", pelvis, done.location[self.baked])]
        found += _turning(self.skeleton.names, self.modes, done.rotations[self.baked])
        if bent is not None and self.fingers is not None:
            found += _turning(self.fingers.names, self.finger_modes, bent[self.baked])

        # What travels through the scene: the object, or a bone above the hips.
        if self.travels:
            way = self.home + done.object_shift[self.baked] @ self.own.T
            found.append(("location", "Object Transforms", way))
        if done.root_location is not None and done.root_rotations is not None:
            attribute, convert = _rotation_channel(self.root_mode)
            turns = convert(done.root_rotations[self.baked][:, None])[:, 0]
            found.append(
                (f"{_path(self.root)}.location", self.root, done.root_location[self.baked])
            )
            found.append((f"{_path(self.root)}.{attribute}", self.root, turns))

        # The IK controls of limbs that are on FK, and the other way round.
        for control, location, turned in ik_controls.place(self.ik, self.skeleton, done):
            path = _path(control.name)
            found.append((f"{path}.location", control.name, location[self.baked]))
            if turned is not None:
                found += _turning([control.name], [control.mode], turned[self.baked][:, None])

        # All channels are fitted at once, so that their keys stand on the same frames.
        samples = np.concatenate([values for _, _, values in found], axis=1)
        if self.fit:
            values, slopes = fit_keys(samples, self.keys)
            slopes = slopes / self.timing[1]
        else:
            values, slopes = samples[self.keys], None

        curves: list[actions.Curve] = []
        for path, group, own in found:
            for index in range(own.shape[1]):
                column = len(curves)
                slope = None if slopes is None else slopes[:, column]
                curves.append(actions.Curve(path, index, values[:, column], group, slope))
        for limb in self.ik:
            side = np.full(len(self.keys), np.nan)
            side[0] = 0.0 if self.to_ik else 1.0
            curves.append(actions.Curve(ik_controls.switch_of(limb), 0, side, limb.parent))
        return curves


def _baked_frames(other: OtherCharacter, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The scene frames (count,) of the take's, and which of these are baked."""
    take = other.id_data
    frames = playing.scene_frames(take, count)
    if not other.use_range:
        return frames, np.arange(count)
    baked = np.array(playing.frames_within(take, other.first, other.last), dtype=int)
    if not len(baked):
        raise LsmplError(
            f"{take.name}: plays from frame {frames[0]:.5g} to {frames[-1]:.5g}, so nothing "
            "of it is between "
            f"{other.first} and {other.last}"
        )
    return frames, baked


def _turning(
    names: Sequence[str], modes: Sequence[str], rotations: np.ndarray
) -> list[tuple[str, str, np.ndarray]]:
    """Data path, bone and values (N,channels) of bones that turn by rotations (N,B,3,3), each in
    its own rotation mode."""
    found = []
    for mode in dict.fromkeys(modes):
        attribute, convert = _rotation_channel(mode)
        bones = [bone for bone, own in enumerate(modes) if own == mode]
        for bone, values in zip(bones, np.swapaxes(convert(rotations[:, bones]), 0, 1)):
            found.append((f"{_path(names[bone])}.{attribute}", names[bone], values))
    return found


def _path(bone: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'


def _rotation_channel(mode: str) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", axis_angles
    return "rotation_euler", lambda rotations: euler_angles(rotations, mode)

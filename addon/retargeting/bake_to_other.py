"""Bake to another character: a take's latest motion becomes an action, or an NLA strip, of a rig of the user's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Motion, Progress
from ...lsmpl_core.progress import run_to_end
from ...lsmpl_core.retarget import Retargeted, retarget
from ...lsmpl_core.retargeting.bone_maps import BoneMap, recognise
from ...lsmpl_core.retargeting.curves import axis_angles, euler_angles, fit_keys, key_frames, quaternions
from ...lsmpl_core.retargeting.target_skeleton import TargetSkeleton
from .. import jobs
from ..characters import actions, baking
from ..selection import active_take, is_solved
from ..takes import stages
from ..takes.timing import scene_frames
from .settings import OtherCharacter, bone_map_of
from .skeletons import measure, own_constraints, root_bone

if TYPE_CHECKING:
    from ...lsmpl_core.body.body import Body

SHAPE = np.radians(10.0)
"""Of SMPL characters, rest directions that differ by less than this are another body's shape."""
_TRAVELS = "lsmpl_travels"
_ROOT = "lsmpl_root"
"""Of an action: which bone travels in it."""
_VERSION = "lsmpl_version"
"""Of an action: which motion it was baked from."""


def is_outdated(take: bpy.types.Object) -> bool:
    """Whether the take's motion has changed since it was put on the other character."""
    action = take.lsmpl.other.action
    baked = action.get(_VERSION, "") if action else ""
    return bool(baked) and baked != stages.version(take)


class Baked(NamedTuple):
    target: bpy.types.Object
    action: bpy.types.Action
    kept: bpy.types.Action | None
    """The action that was there before, where it was not ours or was edited."""
    done: Retargeted
    bones: BoneMap
    switched: list[str]
    constrained: list[str]


def bake(take: bpy.types.Object, body: Body | None = None, motion: Motion | None = None) -> Baked:
    """Put a take's latest motion on the character that the take's `other` names.

    Only rotations of mapped bones, in their own rotation modes, the location of the pelvis' bone and, where it travels,
    that of the object get keys. Raises `LsmplError`; then nothing has changed.
    """
    return run_to_end(bake_steps(take, body, motion))


def bake_steps(take: bpy.types.Object, body: Body | None = None, motion: Motion | None = None) -> jobs.Steps[Baked]:
    """`bake` in steps: yields `Progress` and returns `Baked`. Nothing is seen of it before its last step."""
    other = take.lsmpl.other
    mapped = bone_map_of(other)
    target = other.target
    if not target.is_editable:
        raise LsmplError(f"{target.name}: is linked from another file; make a library override, or append it")
    if target.mode == "EDIT":
        raise LsmplError(f"{target.name}: is in Edit Mode; go back to Object Mode first")
    version = stages.version(take) if motion is None else ""
    motion = motion or stages.load(take)
    body = body or baking.body_of(take, motion)
    bones = recognise(mapped, [bone.name for bone in target.data.bones])
    with ExitStack() as restored:
        restored.callback(target.update_tag)
        _send_home(target, other, restored)
        _set_switches(target, bones, restored)
        plan = _Plan.of(take, len(motion), measure(target, mapped, take), root_bone(target, mapped))
    options = {
        "feet": other.feet,
        "root": {"OBJECT": "object", "ROOT": "bone"}.get(other.travel, "hips"),
        "in_place": other.travel == "NONE",
        "relative": other.place == "CHARACTER",
        "tolerance": SHAPE if bones.smpl_rest else 0.0,
    }
    name, take_uid, target_uid = target.name, take.session_uid, target.session_uid
    action_name = f"{take.name} on {name}"
    yield Progress("bake", 0, 1)

    def compute() -> tuple[Retargeted, list[actions.Curve]]:
        done = retarget(motion, body, plan.skeleton, **options)
        return done, plan.curves(done)

    done, curves = yield from jobs.in_thread(jobs.one_step("bake", compute))
    action_uid = yield from actions.write_steps(name, action_name, plan.frames, curves)
    try:
        yield Progress("bake", len(curves), len(curves))
        take, target = (jobs.find(bpy.data.objects, uid) for uid in (take_uid, target_uid))
        action = jobs.find(bpy.data.actions, action_uid)
        if take is None or target is None or action is None or take.lsmpl.other.target != target:
            raise LsmplError(f"{name}: was changed while it was being baked on; nothing was kept")
        action[_TRAVELS], action[_VERSION] = plan.travels, version
        action[_ROOT] = plan.root if done.root_location is not None else ""
    except BaseException:
        action = jobs.find(bpy.data.actions, action_uid)
        if action:
            bpy.data.actions.remove(action)
        raise
    with ExitStack() as not_restored:
        other = take.lsmpl.other
        other.home = _send_home(target, other, not_restored)
        switched = _set_switches(target, bones, not_restored)
        not_restored.pop_all()
    old, other.action = other.action, action
    if other.bake_to == "STRIP":
        kept = actions.assign_strip(target, action, old)
    else:
        kept = actions.assign(target, action)
    return Baked(target, action, kept, done, bones, switched, own_constraints(target, mapped))


@dataclass(frozen=True)
class _Plan:
    """What becomes of a retargeted motion: noted from the scene, so that it can be worked on beside it.

    frames (M,) of the scene that get keys, keys (M,) among the frames of the take that are baked (N,); step: scene
    frames a frame of the take; modes: the rotation mode of each bone; home and own: the object's location and its axes;
    root and root_mode: the bone that may travel above the hips, "" if none, and its rotation mode.
    """

    skeleton: TargetSkeleton
    frames: np.ndarray
    keys: np.ndarray
    baked: np.ndarray
    step: float
    fit: bool
    travels: bool
    modes: list[str]
    home: np.ndarray
    own: np.ndarray
    root: str
    root_mode: str

    @classmethod
    def of(
        cls, take: bpy.types.Object, count: int, skeleton: TargetSkeleton, root: bpy.types.Bone | None = None
    ) -> _Plan:
        other, target = take.lsmpl.other, take.lsmpl.other.target
        frames = scene_frames(count, take.lsmpl.start, take.lsmpl.step)
        baked = np.arange(count)
        if other.use_range:
            baked = np.flatnonzero((frames >= other.first - 1e-4) & (frames <= other.last + 1e-4))
            if not len(baked):
                raise LsmplError(
                    f"{take.name}: plays from frame {frames[0]:.5g} to {frames[-1]:.5g}, so nothing of it is between "
                    f"{other.first} and {other.last}"
                )
        keys = key_frames(len(baked), other.every)
        return cls(
            skeleton=skeleton,
            frames=frames[baked[keys]],
            keys=keys,
            baked=baked,
            step=take.lsmpl.step,
            fit=other.every > 1 and other.fit,
            travels=other.travel == "OBJECT",
            modes=[target.pose.bones[name].rotation_mode for name in skeleton.names],
            home=np.array(target.location),
            own=np.array(target.matrix_basis)[:3, :3],
            root=root.name if root else "",
            root_mode=target.pose.bones[root.name].rotation_mode if root else "QUATERNION",
        )

    def curves(self, done: Retargeted) -> list[actions.Curve]:
        pelvis = self.skeleton.names[done.pelvis]
        found = [(f"{_path(pelvis)}.location", pelvis, done.location[self.baked])]
        for mode in dict.fromkeys(self.modes):
            attribute, convert = _rotation_channel(mode)
            bones = [bone for bone, own in enumerate(self.modes) if own == mode]
            for bone, values in zip(bones, np.swapaxes(convert(done.rotations[self.baked][:, bones]), 0, 1)):
                name = self.skeleton.names[bone]
                found.append((f"{_path(name)}.{attribute}", name, values))
        if self.travels:
            way = self.home + done.object_shift[self.baked] @ self.own.T
            found.append(("location", "Object Transforms", way))
        if done.root_location is not None:
            attribute, convert = _rotation_channel(self.root_mode)
            turns = convert(done.root_rotations[self.baked][:, None])[:, 0]
            found.append((f"{_path(self.root)}.location", self.root, done.root_location[self.baked]))
            found.append((f"{_path(self.root)}.{attribute}", self.root, turns))
        samples = np.concatenate([values for _, _, values in found], axis=1)
        if self.fit:
            values, slopes = fit_keys(samples, self.keys)
            slopes = slopes / self.step
        else:
            values, slopes = samples[self.keys], None
        curves: list[actions.Curve] = []
        for path, group, own in found:
            for index in range(own.shape[1]):
                column = len(curves)
                slope = None if slopes is None else slopes[:, column]
                curves.append(actions.Curve(path, index, values[:, column], group, slope))
        return curves


def describe(baked: Baked) -> str:
    """For a message to the user."""
    told = [f"Baked {len(baked.bones.bones)} bones of {baked.target.name!r}, size {baked.done.scale:.2f}"]
    if baked.done.placed and baked.done.lowered > 0.005:
        told.append(f"hips up to {100 * baked.done.lowered:.1f} cm lower for the feet to reach the floor")
    if baked.switched:
        told.append(f"set {', '.join(baked.switched)}")
    if baked.constrained:
        told.append(f"constraints of {', '.join(baked.constrained[:3])} may overrule it")
    if baked.kept:
        told.append(f"the action that was there is kept as {baked.kept.name!r}")
    animation = baked.target.animation_data
    if animation.action not in (None, baked.action):
        told.append(f"its action {animation.action.name!r} plays over the strip")
    return "; ".join(told)


def _send_home(target: bpy.types.Object, other: OtherCharacter, on_error: ExitStack) -> tuple[float, float, float]:
    """Back to where the object stood before an earlier bake made it travel, and a root bone that travels, or did, to
    its rest; returns where the object stood.
    """
    animation = target.animation_data
    ours = [strip.action for track in animation.nla_tracks for strip in track.strips] if animation else []
    ours += [animation.action] if animation else []
    travelled = {action.get(_ROOT) for action in ours if action}
    if other.travel == "ROOT":
        root = root_bone(target, bone_map_of(other))
        travelled.add(root.name if root else None)
    for bone in [bone for bone in target.pose.bones if bone.name in travelled]:
        on_error.callback(setattr, bone, "matrix_basis", bone.matrix_basis.copy())
        bone.matrix_basis.identity()
        target.update_tag()
        bpy.context.view_layer.update()
    if any(action and action.get(_TRAVELS) for action in ours):
        on_error.callback(setattr, target, "location", target.location.copy())
        target.location = other.home
        target.update_tag()
        bpy.context.view_layer.update()
    return tuple(target.location)


def _set_switches(target: bpy.types.Object, bones: BoneMap, on_error: ExitStack) -> list[str]:
    """What a control rig needs: limbs on FK. Returns what was changed, in words."""
    told = []
    for switch in bones.switches:
        bone = target.pose.bones.get(switch.bone)
        if bone is None or switch.property not in bone or float(bone[switch.property]) == switch.value:
            continue
        before = bone[switch.property]
        on_error.callback(bone.__setitem__, switch.property, before)
        bone[switch.property] = type(before)(switch.value)
        if switch.does not in told:
            told.append(switch.does)
    if told:
        target.update_tag()
        bpy.context.view_layer.update()
    return told


def _path(bone: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'


def _rotation_channel(mode: str) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", axis_angles
    return "rotation_euler", lambda rotations: euler_angles(rotations, mode)


class LSMPL_OT_bake_to_other(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.bake_to_other"
    bl_label = "Bake to Other Character"
    bl_description = "Put the motion on the character chosen here: its mapped bones and controls get keys, nothing else"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (jobs.is_free(cls) and is_solved(cls, context)):
            return False
        other = active_take(context).lsmpl.other
        if other.target is None:
            cls.poll_message_set("Choose an armature first")
            return False
        if not any(item.joint == "pelvis" and item.bone for item in other.bones):
            cls.poll_message_set("Assign a bone to the pelvis first")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        take, scene_uid = active_take(context), context.scene.session_uid

        def steps():
            baked = yield from bake_steps(take)
            shown_in = jobs.find(bpy.data.scenes, scene_uid)
            if shown_in is not None:
                shown_in.lsmpl_export.character = "OTHER"  # what is most likely wanted next
            return [("WARNING" if baked.constrained else "INFO", describe(baked))]

        return jobs.Job("lsmpl.bake_to_other", "Bake", take.lsmpl.other.target.name, steps())


def register() -> None:
    bpy.utils.register_class(LSMPL_OT_bake_to_other)


def unregister() -> None:
    bpy.utils.unregister_class(LSMPL_OT_bake_to_other)

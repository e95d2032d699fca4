"""Some frames of a take changed by hand: in its motions and on its character at once, to be
accepted or rejected.

What was there before is kept with the take until then: the motions as the meshes that they were,
and of the action the keys of those frames, and the residuals. A take shows one side, before or
after, and holds on to the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace

import bpy
import numpy as np
from bpy.props import BoolProperty, IntProperty, PointerProperty, StringProperty

from ...lsmpl_core.body.body import Body
from ...lsmpl_core.by_hand.blending import blend, reach
from ...lsmpl_core.by_hand.posing import Poser, poses_of
from ...lsmpl_core.rotation import log_map
from ...lsmpl_core.solver.poses import Poses
from ..characters import actions, baking, feet, key_times
from ..characters import keys as keyframes
from ..characters.key_times import KeyTimes
from ..characters.posed import Bones
from ..errors import all_or_nothing
from ..registration import registration
from ..solving import quality
from ..takes import layers, pinned_joints
from ..takes import take as takes
from ..takes.layers import Layer
from . import baked_keys, residuals


class PendingEdit(bpy.types.PropertyGroup):
    """`Object.lsmpl_proposal` of a take: a change that is not accepted yet, and what was there
    before it.

    keys are those of the changed frames on the side that is not shown; first and last are frames of
    the take, with those that were blended.
    """

    refined_before: PointerProperty(
        type=bpy.types.Mesh, name="Refined Before", description="The motion before"
    )
    cleaned_before: PointerProperty(
        type=bpy.types.Mesh, name="Cleaned Before", description="The cleaned one before"
    )
    refined_after: PointerProperty(
        type=bpy.types.Mesh, name="Refined After", description="The motion after"
    )
    cleaned_after: PointerProperty(
        type=bpy.types.Mesh, name="Cleaned After", description="The cleaned one after"
    )
    action: PointerProperty(
        type=bpy.types.Action, name="Action", description="The action with the change in it"
    )
    keys: PointerProperty(
        type=bpy.types.Action, name="Keys", description="The keys that are not shown now"
    )
    first: IntProperty(name="First", description="First frame that changed, from 0")
    last: IntProperty(name="Last", description="Last frame that changed, from 0")
    what: StringProperty(name="What", description="What was changed, for the panel")
    pins_before: StringProperty(
        name="Pins Before", description="The pinned joints as they were, as JSON"
    )
    is_open: BoolProperty(name="Open", description="Whether it is neither accepted nor rejected")
    shows_before: BoolProperty(
        name="Shows Before", description="Whether the take is shown as it was before"
    )


def apply(
    take: bpy.types.Object,
    body: Body,
    poser: Poser,
    first: int,
    poses: Poses,
    width: int = 0,
    fixed: Collection[int] = (),
    what: str = "",
    by_hand: bool | None = None,
) -> PendingEdit:
    """Change the frames of a take from `first` (0 for its first) on to `poses`, blended over
    `width` frames.

    The change goes into the refined motion, into the cleaned one where there is one, and into the
    keys of the character's action, each blended into what that has there. Frames in `fixed` stay,
    and so do others that were posed by hand: a blend ends there. by_hand says that these are; a
    frame alone is, where it is not said. What was pending before counts as accepted. Raises
    `LsmplError`; then nothing has changed.
    """
    # Which frames change: those that get poses and, on both sides, those that blend into them, up
    # to the next frame that somebody posed.
    last = first + len(poses.trans) - 1
    by_hand = first == last if by_hand is None else by_hand
    posed = set(posed_frames(take)) - set(range(first, last + 1))
    fixed = sorted({*fixed, *posed, *takes.edited_frames(take)} - set(range(first, last + 1)))
    posed |= set(range(first, last + 1)) if by_hand else set()
    ahead, behind = reach(takes.describe(take)["frames"], first, last, width, fixed)
    made = _Change(take, body, first - ahead, last + behind, first, poses, width, fixed, posed)
    before = {layer: getattr(take.lsmpl, layer) for layer in (Layer.REFINED, Layer.CLEANED)}
    action = action_of(take)

    with actions.keeping_its_mark(action) if action else nullcontext(False) as unedited:
        # All that can fail comes before anything is put in place.
        with all_or_nothing():
            after = {Layer.REFINED: made.layer(Layer.REFINED)}
            after[Layer.CLEANED] = made.layer(Layer.CLEANED) if before[Layer.CLEANED] else None
            shown = after[Layer.CLEANED] or after[Layer.REFINED]
            keys = made.action(action, shown, unedited) if action else None
        close(take)
        for layer, mesh in after.items():
            layers.switch(take, layer, mesh)

        # What is needed to look at the other side, and to go back to it.
        pending = take.lsmpl_proposal
        pending.refined_before = before[Layer.REFINED]
        pending.cleaned_before = before[Layer.CLEANED]
        pending.refined_after, pending.cleaned_after = after[Layer.REFINED], after[Layer.CLEANED]
        pending.action, pending.keys = action, keys
        pending.first, pending.last, pending.what = made.low, made.high, what
        pending.is_open, pending.shows_before = True, False
        pending.pins_before = json.dumps(pinned_joints.load(take))

        # What is said of the frames is that of their new poses.
        residuals.measure(take, poser, made.low, made.high)
        if action:
            times = baked_keys.keys_of_frames(take, action, made.low, made.high)
            if len(times.at):
                begin, end = int(times.at[0]), int(np.ceil(times.at[-1]))
                off = residuals.frame_residual(take, begin, end)
                curve = baking.residual_curve(key_times.sampled(off, times.at - begin))
                keyframes.rewrite(action, times.frames, [curve])
        layers.note(take, Layer.REFINED, **quality.judged(take))
    return pending


class _Change:
    """Frames `low` to `high` of a take, of which those from `first` on get new poses and the others
    are blended."""

    def __init__(
        self,
        take,
        body: Body,
        low: int,
        high: int,
        first: int,
        poses: Poses,
        width: int,
        fixed,
        posed,
    ):
        self.take, self.body, self.low, self.high = take, body, low, high
        self.first, self.poses, self.width = first, poses, width
        self.fixed, self.posed = fixed, posed

    def layer(self, layer: Layer) -> bpy.types.Mesh:
        """A copy of a layer with the change in it."""
        made_of = (
            layers.latest(self.take, before=Layer.CLEANED) if layer == Layer.REFINED else layer
        )
        motion = layers.load(self.take, made_of).frames(slice(self.low, self.high + 1))
        blended = self._blended(poses_of(motion), self.low, layer == Layer.CLEANED)
        motion = replace(
            motion,
            poses=log_map(blended.rotations),
            trans=blended.trans,
            fingers=blended.fingers,
            residual=None,
            condition=None,
        )
        return layers.changed(
            self.take, layer, self.low, motion, self.body.joints(motion), self.posed
        )

    def action(
        self, action: bpy.types.Action, shown: bpy.types.Mesh, unedited: bool
    ) -> bpy.types.Action:
        """Rewrite the keys of the action, and return those that were there. shown: the motion that
        the take is to show; unedited: whether the keys say just that."""
        betas = np.array(layers.facts_of(self.take)["betas"])
        baked_betas = feet.shape_of(action, betas)
        bones = Bones(self.take.lsmpl.armature, self.body, baked_betas)
        times = baked_keys.keys_of_frames(self.take, action, self.low, self.high)
        if not len(times.frames):  # all of it is between two frames of the scene
            return keyframes.keys_between(action, 0.0, -1.0, f".{action.name} before")

        # The signs of quaternions go on from the frame before, so that the bones do not turn over.
        begin = max(self.low - 1, 0)
        before = bones.before(action, baked_keys.played_at(self.take, action, begin, begin)[0])

        # Keys that nobody changed say what the motion does, on the shape that it is seen on. Others
        # say what an animator wants, which the change is blended into.
        frames, curled = times.frames, bones.curls_in(action, times.frames)
        if unedited and not key_times.are_few(action):
            made = baked_keys.seen(self.take, action, shown, self.body, times, self.low, self.high)
            curves = bones.curves_of(made, before, curled)
        else:
            cleaned = self.take.lsmpl.cleaned is not None
            new = feet.fitted_poses(self.poses, self.body, betas, baked_betas)
            played = baked_keys.played_at(self.take, action, self.low, self.high)
            blended = self._blended(bones.in_action(action, played), self.low, cleaned, new)
            curves = bones.curves(self._at_keys(bones, action, blended, times), before, curled)

        keys = keyframes.keys_between(action, frames[0], frames[-1], f".{action.name} before")
        actions.note_like(keys, action)
        try:
            keyframes.rewrite(action, frames, curves)
        except BaseException:
            keyframes.swap_keys(action, keys, frames[0], frames[-1])
            raise
        return keys

    def _at_keys(
        self, bones: Bones, action: bpy.types.Action, poses: Poses, times: KeyTimes
    ) -> Poses:
        """The poses of frames `low` to `high` where the action has keys, those between the last one
        and a frame that stays included."""
        last = takes.describe(self.take)["frames"] - 1
        first = max(min(int(times.at[0]), self.low), 0)
        last = min(max(int(np.ceil(times.at[-1])), self.high), last)
        around = bones.in_action(action, baked_keys.played_at(self.take, action, first, last))
        changed = slice(self.low - first, self.high + 1 - first)
        before, after = around[: changed.start], around[changed.stop :]
        return key_times.sampled_poses(Poses.joined([before, poses, after]), times.at - first)

    def _blended(self, poses: Poses, low: int, cleaned: bool, new: Poses | None = None) -> Poses:
        """poses are those of the frames from `low` on; a cleaned motion may stand higher or lower
        than as solved."""
        up = layers.raised(self.take) if cleaned else 0.0
        new = new or self.poses
        new = replace(new, trans=new.trans + np.array([0.0, 0.0, up]))
        return blend(
            poses, self.first - low, new, self.width, [frame - low for frame in self.fixed]
        ).poses


def posed_frames(take: bpy.types.Object) -> list[int]:
    """The frames, 0 for the take's first, that were posed one by one since the take was solved."""
    return (layers.describe(take, Layer.REFINED) or {}).get("by_hand", [])


def is_open(take: bpy.types.Object) -> bool:
    """Whether there is a change to accept or reject. It is over when the motion or the action was
    made anew."""
    pending = take.lsmpl_proposal
    side = "before" if pending.shows_before else "after"
    return (
        pending.is_open
        and take.lsmpl.refined == getattr(pending, f"refined_{side}")
        and take.lsmpl.cleaned == getattr(pending, f"cleaned_{side}")
        and (pending.action is None or pending.action == action_of(take))
    )


def show(take: bpy.types.Object, before: bool) -> None:
    """Show a take as it was before the change, or as it is after it."""
    pending = take.lsmpl_proposal
    if pending.shows_before == before:
        return
    side = "before" if before else "after"
    if pending.action and pending.keys:
        shown = getattr(pending, f"cleaned_{side}") or getattr(pending, f"refined_{side}")
        shown = shown or take.lsmpl.solved
        baked_keys.follow(take, pending.action, pending.keys, shown, pending.first, pending.last)
    layers.switch(take, Layer.REFINED, getattr(pending, f"refined_{side}"))
    layers.switch(take, Layer.CLEANED, getattr(pending, f"cleaned_{side}"))
    if pending.action and pending.keys:
        frames = baked_keys.keys_of_frames(take, pending.action, pending.first, pending.last).frames
        hidden = [actions.keys_of(fcurve)[:, 0] for fcurve in actions.fcurves(pending.keys)]
        frames = np.concatenate([frames, *hidden])  # one side may have keys further out
        if len(frames):
            keyframes.swap_keys(pending.action, pending.keys, frames.min(), frames.max())
    pending.shows_before = before
    residuals.exchange(take, pending.first, pending.last)


def accept(take: bpy.types.Object) -> None:
    show(take, before=False)
    close(take)


def reject(take: bpy.types.Object) -> None:
    """All as it was before the change, the joints that were pinned with it included."""
    show(take, before=True)
    pinned_joints.store(
        take,
        [pinned_joints.PinnedJoint(*pin) for pin in json.loads(take.lsmpl_proposal.pins_before)],
    )
    close(take)


def close(take: bpy.types.Object) -> None:
    """Keep the side that is shown, and let go of the other."""
    pending = take.lsmpl_proposal
    names = "refined_before", "cleaned_before", "refined_after", "cleaned_after"
    meshes = {getattr(pending, name) for name in names} - {None}
    keys = pending.keys
    for name in (*names, "action", "keys"):
        setattr(pending, name, None)
    pending.is_open = pending.shows_before = False
    residuals.forget_other_side(take)
    bpy.data.batch_remove([mesh for mesh in meshes if mesh.users == 0])
    if keys and keys.users == 0:
        bpy.data.actions.remove(keys)


def action_of(take: bpy.types.Object) -> bpy.types.Action | None:
    """The action that the take was baked to, where that is still there and the character its
    own."""
    action = take.lsmpl_bake.action if take.lsmpl.armature else None
    is_own = action is not None and actions.is_baked(action) and action.library is None
    return action if is_own else None


register, unregister = registration(
    (PendingEdit,), (bpy.types.Object, "lsmpl_proposal", PendingEdit)
)

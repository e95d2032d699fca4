"""Live posing: handles of the current frame's keypoints, moved with any tool, and the character follows at once.

While handles move, the frame is solved anew for each change and shown on the character's bones, and nothing else is
written. When the tool is done, `settle` writes the keypoints' edits and keeps the pose (`live_watch.py` says when).

Everything that matters is in the .blend: Python holds only what can be made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import CollectionProperty, IntProperty, PointerProperty

from ...lsmpl_core import LsmplError
from ..characters import baking
from ..characters.posed import Bones
from ..refining import changes
from ..refining import refine as refining
from ..takes import pins as pinned
from ..takes import stages
from ..takes import take as takes
from ..takes.stages import Stage
from . import handles
from .handles import Handles

if TYPE_CHECKING:
    from ...lsmpl_core.by_hand.dragging import Drag
    from ...lsmpl_core.solver.poses import Poses

FOLLOWED = 0.01
"""Metres from which on a keypoint that only followed has moved, too: where it was read, it would now contradict."""
UNREACHED = 0.02
"""Metres: a handle that the body stays further away from goes to where the body came."""
_BASE = "lsmpl_base"
"""Of the handles' collection, while they are moved: the pose before."""


class HeldObject(bpy.types.PropertyGroup):
    """An object that would be clicked on instead of a handle, and was made unselectable."""

    object: PointerProperty(type=bpy.types.Object, name="Object", description="The object that cannot be selected")


class LivePosing(bpy.types.PropertyGroup):
    """`Scene.lsmpl_live`: the take that is posed live, if any."""

    take: PointerProperty(type=bpy.types.Object, name="Take", description="The take that is posed live")
    handles: PointerProperty(type=bpy.types.Collection, name="Handles", description="Its handles")
    frame: IntProperty(name="Frame", description="The frame of the take that the handles are of, from 0")
    held: CollectionProperty(type=HeldObject, name="Held", description="Objects that cannot be selected meanwhile")


class _Drag:
    """Handles that are being moved: the pose before, and the one that they ask for now."""

    def __init__(self, scene: bpy.types.Scene, there: Handles):
        from ...lsmpl_core.by_hand.dragging import Drag

        take, frame = scene.lsmpl_live.take, scene.lsmpl_live.frame
        subject = refining.subject_of(take)
        self.key = take.session_uid, frame
        self.known = takes.keypoints_at(take, frame)
        self.locked = self.known.state == takes.PINNED
        self.before = _places(take, frame, self.known)
        missing = set(subject.body.joint_names) - set(take.lsmpl.armature.data.bones.keys())
        if missing:
            raise LsmplError(f"{take.lsmpl.armature.name}: has no bone {', '.join(sorted(missing))}; bake again")
        self.bones = Bones(take.lsmpl.armature, subject.body, subject.poser.calibration.betas)
        self.raised = _raised(take)
        base, self.shown = _stored_base(there), None
        if base is None:
            self.shown = self.bones.values()
            base = _moved(self.bones.now(), -self.raised) if _shows(scene) else _kept(take, frame)
            _store_base(there, base)
        held = pinned.as_core([pin._replace(frame=0) for pin in pinned.load(take) if pin.frame == frame])
        self.drag: Drag = Drag(subject.poser, base, held)
        self.asked = None

    def pose(self, locations: np.ndarray, dragged: np.ndarray) -> tuple[Poses, np.ndarray]:
        """The pose, and by how much (K,3) it moves the keypoints, in metres."""
        asked = np.where((dragged | self.locked)[:, None], locations, np.nan).tobytes()
        if asked != self.asked:
            self.posed, self.sites = self.drag.pose(locations, dragged, self.locked)
            self.asked = asked
        return self.posed, np.nan_to_num(self.sites - self.drag.sites)

    def show(self, poses: Poses) -> None:
        self.bones.show(_moved(poses, self.raised))

    def put_back(self) -> None:
        """Show the pose before."""
        if self.shown is None:
            self.show(self.drag.base)
        else:
            self.bones.set_values(self.shown)


def _store_base(there: Handles, base: Poses) -> None:
    """With the handles, so that an undo or a redo into the middle of a drag finds how it began."""
    from ...lsmpl_core.rotation import log_map

    there.collection[_BASE] = [*log_map(base.rotations).ravel().tolist(), *base.trans.ravel().tolist()]


def _stored_base(there: Handles) -> Poses | None:
    from ...lsmpl_core.rotation import exp_map
    from ...lsmpl_core.solver.poses import Poses

    if _BASE not in there.collection:
        return None
    numbers = np.array(there.collection[_BASE])
    return Poses(exp_map(numbers[:-3].reshape(1, -1, 3)), numbers[None, -3:])


_drag: _Drag | None = None


def has_handles(scene: bpy.types.Scene) -> bool:
    return scene.lsmpl_live.handles is not None


def is_live(scene: bpy.types.Scene, take: bpy.types.Object | None = None) -> bool:
    """Whether a take, or any, of the scene is posed live."""
    live = scene.lsmpl_live
    return live.handles is not None and live.take is not None and take in (None, live.take)


def is_sound(scene: bpy.types.Scene) -> bool:
    """Whether what the handles are of is still there."""
    take = scene.lsmpl_live.take
    return (
        takes.is_take(take)
        and take.name in scene.objects
        and stages.is_solved(take)
        and take.lsmpl.armature is not None
        and not take.data.is_editmode
        and any(map(handles.is_handle, scene.lsmpl_live.handles.objects))
    )


def is_pending(scene: bpy.types.Scene) -> bool:
    """Whether there is something that `settle` would make or remove datablocks for."""
    if not is_sound(scene):
        return True
    there = handles_of(scene)
    return not there.whole or there.animated or bool(there.moved().any())


def handles_of(scene: bpy.types.Scene) -> Handles:
    """Of the take that is posed live."""
    live = scene.lsmpl_live
    return Handles(live.handles, live.take, len(refining.subject_of(live.take).poser.layout))


# On and off


def start(take: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Give a solved take handles. Raises `LsmplError`; then nothing has changed."""
    takes.need_local_object_mode(take)
    layout = refining.subject_of(take).poser.layout
    if take.lsmpl.armature is None or take.lsmpl.armature.name not in scene.objects:
        baking.bake(take, scene)
    stop(scene)  # another take's
    live = scene.lsmpl_live
    live.take = take
    live.handles = handles.create(layout.keypoints, scene)
    hold_others(scene)
    refresh(scene)


def stop(scene: bpy.types.Scene) -> None:
    """Take the handles away; what they were moved to is kept."""
    if is_live(scene):
        settle(scene)
    _end(scene)


def _end(scene: bpy.types.Scene) -> None:
    global _drag
    live = scene.lsmpl_live
    release_others(scene)
    if live.handles is not None:
        handles.remove(live.handles)
    _drag, live.take, live.handles = None, None, None


def drop_if_gone(scene: bpy.types.Scene) -> None:
    """A file never holds handles: one that was saved while posing live is opened without."""
    if not has_handles(scene):
        release_others(scene)
        scene.lsmpl_live.take = None


def hold_others(scene: bpy.types.Scene) -> None:
    """Make the take and its character unselectable, which lie where the handles are."""
    live = scene.lsmpl_live
    for obj in (live.take, live.take.lsmpl.armature, live.take.lsmpl.body_mesh):
        if obj is not None and not obj.hide_select:
            obj.hide_select = True
            live.held.add().object = obj


def release_others(scene: bpy.types.Scene) -> None:
    for held in scene.lsmpl_live.held:
        if held.object is not None:
            held.object.hide_select = False
    scene.lsmpl_live.held.clear()


# While handles move, and afterwards


def refresh(scene: bpy.types.Scene) -> None:
    """Bring the handles in line with the take's keypoints in the current frame; whatever they were moved to is lost."""
    _drop_drag(scene)
    live = scene.lsmpl_live
    take, subject = live.take, refining.subject_of(live.take)
    live.frame = refining.frame_now(take, scene)
    there = handles_of(scene)
    there.mend(subject.poser.layout.keypoints)
    there.fit(_raised(take))
    there.collection.pop(_BASE, None)
    known = takes.keypoints_at(take, live.frame)
    there.put(_places(take, live.frame, known))
    there.look([_look(state, believed) for state, believed in zip(known.state, known.believed)])


def _places(take: bpy.types.Object, frame: int, known: takes.Keypoints) -> np.ndarray:
    """(K,3) metres: where handles are in a frame: at the keypoints and, where those are missing, ignored, rejected or
    of the other side, where the body has them."""
    sites = refining.subject_of(take).poser.sites(_kept(take, frame))[0]
    there = np.where(known.believed[:, None] | np.isnan(sites), known.positions, sites)
    return np.nan_to_num(there)


def _look(state: int, believed: bool) -> str:
    if not believed:
        return handles.UNSEEN
    return {takes.MOVED: handles.MOVED, takes.PINNED: handles.LOCKED}.get(state, handles.AS_READ)


def update(scene: bpy.types.Scene) -> bool:
    """Pose the character by the handles as they are now. Returns whether there is something to `settle`."""
    there = handles_of(scene)
    if not there.whole or there.displaced:
        return True
    if not there.moved().any():
        if _drag is not None:  # moved back, or the tool was cancelled
            there.put(_drag.before)
            there.collection.pop(_BASE, None)
            _drop_drag(scene)
        return False
    _pose(scene, there)
    return True


def _pose(scene: bpy.types.Scene, there: Handles) -> None:
    """Pose the character by handles that were moved, and let the others follow."""
    global _drag
    live = scene.lsmpl_live
    if _drag is None or _drag.key != (live.take.session_uid, live.frame):
        _drag = _Drag(scene, there)
    moved = there.moved()
    posed, follow = _drag.pose(there.locations(), moved)
    if _shows(scene):
        _drag.show(posed)
    there.put(_drag.before + follow, ~moved & ~_drag.locked)


def _drop_drag(scene: bpy.types.Scene) -> None:
    """The character is back in the pose that it had before the drag, if it still shows that frame."""
    global _drag
    live, dropped = scene.lsmpl_live, _drag
    _drag = None
    if dropped is not None and dropped.key == (live.take.session_uid, live.frame) and _shows(scene):
        dropped.put_back()


def settle(scene: bpy.types.Scene) -> bool:
    """Keep what the handles were moved to, and bring everything in line with the scene as it is now.

    Returns whether datablocks were made or removed: an undo step has to follow then, for Blender's undo takes what
    did not change from one step to the next for what it is at present. Raises `LsmplError` where something cannot be
    kept; then the handles are back where they were.
    """
    if not is_sound(scene):
        _end(scene)
        return True
    changed, there = is_pending(scene), handles_of(scene)
    try:
        if there.whole and there.moved().any():
            _pose(scene, there)
            _keep(scene, there)
    finally:
        refresh(scene)
    return changed


def _keep(scene: bpy.types.Scene, there: Handles) -> None:
    """Write the edits of the keypoints that were moved, by hand or by following, and the frame's new pose."""
    global _drag
    drag = _drag
    known, moved, locations = drag.known, there.moved(), there.locations()
    posed, follow = drag.pose(locations, moved)
    with np.errstate(invalid="ignore"):
        short = ~drag.locked & (np.linalg.norm(drag.sites - locations, axis=1) > UNREACHED)
        followed = ~moved & ~drag.locked & known.believed & (np.linalg.norm(follow, axis=1) > FOLLOWED)
    positions = np.where(moved[:, None], np.where(short[:, None], drag.sites, locations), drag.before + follow)
    changed = np.flatnonzero(moved | followed)
    state = np.where(drag.locked[changed], takes.PINNED, takes.MOVED)
    offset = (positions - known.read)[changed]
    _write(scene, changed, state, offset, lambda: posed)
    _drag = None


def _write(scene: bpy.types.Scene, keypoints, state, offset, pose) -> None:
    """Edits of keypoints (N,) in the handles' frame, their states (N,) and offsets (N,3), and the pose that `pose()`
    gives when they are written, or None. If that fails, the edits are as they were."""
    live = scene.lsmpl_live
    take, frame = live.take, live.frame
    before = takes.keypoints_at(take, frame)
    takes.write_edits(take, [frame], keypoints, state, np.asarray(offset)[None])
    try:
        posed = pose()
        if posed is None:
            return
        subject = refining.subject_of(take)
        fixed = sorted({pin.frame for pin in pinned.load(take)} - {frame})
        what = refining.frames_text(take, frame, frame)
        changes.apply(take, subject.body, subject.poser, frame, posed, scene.lsmpl_refine.blend, fixed, what)
    except BaseException:
        takes.write_edits(take, [frame], range(len(before.state)), before.state, before.offset[None])
        raise
    changes.close(take)  # to reject it would leave the edits behind; undo does not
    take.lsmpl.armature.update_tag(refresh={"OBJECT", "DATA", "TIME"})


# The state of keypoints


def set_state(scene: bpy.types.Scene, keypoints: list[int], state: int) -> None:
    """Lock, free, ignore or reset keypoints (`take.PINNED`, `MOVED`, `IGNORED`, `AS_READ`) of the frame.

    Locked ones are held where the body has them. Where keypoints are ignored or reset, the frame is solved anew.
    Raises `LsmplError`; then nothing has changed.
    """
    settle(scene)
    live = scene.lsmpl_live
    known = takes.keypoints_at(live.take, live.frame)
    offset = np.zeros_like(known.offset)
    if state == takes.PINNED:
        sites = refining.subject_of(live.take).poser.sites(_kept(live.take, live.frame))[0]
        keypoints = [k for k in keypoints if np.isfinite(sites[k]).all()]
        offset = sites - known.read
    elif state == takes.MOVED:  # no longer locked
        keypoints = [k for k in keypoints if known.state[k] == takes.PINNED]
        offset = known.offset
    solves = state in (takes.AS_READ, takes.IGNORED)
    _write(scene, keypoints, state, offset[keypoints], lambda: _solved_anew(live.take, live.frame) if solves else None)
    refresh(scene)


def _solved_anew(take: bpy.types.Object, frame: int) -> Poses:
    """A frame's pose by its keypoints, edits, pins and all; as it was solved where there are none."""
    from ...lsmpl_core.by_hand.posing import poses_of
    from ...lsmpl_core.touch_up import touch_up

    if not takes.keypoints_at(take, frame).state.any() and all(pin.frame != frame for pin in pinned.load(take)):
        return poses_of(stages.load_frame(take, frame, Stage.SOLVED))
    subject = refining.subject_of(take)
    motion = stages.load(take, stages.latest(take, before=Stage.CLEANED))
    fixed = pinned.as_core(pinned.load(take))
    return touch_up(takes.load_track(take), subject.body, motion, frame, frame, pins=fixed, poser=subject.poser)


def feet(take: bpy.types.Object) -> list[int]:
    """The keypoints of ankles, heels and toes."""
    layout = takes.layout_of(take)
    return [k for k, site in enumerate(layout.sites) if any(part in site for part in ("ankle", "heel", "toe", "foot"))]


# Poses


def _shows(scene: bpy.types.Scene) -> bool:
    """Whether the scene is at the handles' frame; it may go on while a tool runs."""
    live = scene.lsmpl_live
    return refining.frame_now(live.take, scene) == live.frame


def _kept(take: bpy.types.Object, frame: int) -> Poses:
    """The pose of a frame as it is kept, where the keypoints are."""
    from ...lsmpl_core.by_hand.posing import poses_of

    return _moved(poses_of(stages.load_frame(take, frame)), -_raised(take))


def _raised(take: bpy.types.Object) -> np.ndarray:
    """(3,) metres by which cleaning up has moved the character away from its keypoints, to put it on the floor."""
    cleaned = stages.describe(take, Stage.CLEANED)
    return np.array([0.0, 0.0, cleaned["clean_up"]["raised_m"] if cleaned else 0.0])


def _moved(poses: Poses, by: np.ndarray) -> Poses:
    return type(poses)(poses.rotations, poses.trans + by)


def forget_drag() -> None:
    """After an undo or a redo: the handles and the pose are what they were then."""
    global _drag
    _drag = None


def register() -> None:
    for cls in (HeldObject, LivePosing):
        bpy.utils.register_class(cls)
    bpy.types.Scene.lsmpl_live = PointerProperty(type=LivePosing)


def unregister() -> None:
    for scene in bpy.data.scenes:
        _end(scene)
    del bpy.types.Scene.lsmpl_live
    for cls in (LivePosing, HeldObject):
        bpy.utils.unregister_class(cls)

"""Live posing: handles of the current frame's keypoints, moved with any tool, and the character
follows at once.

While handles move, the frame is solved anew for each change and shown on the character's bones, and
nothing else is written. When the tool is done, `settle` writes the keypoints' edits and keeps the
pose (`watch.py` says when).

Everything that matters is in the .blend: Python holds only what can be made again.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core.solver.poses import Poses
from ..characters import baking
from ..refining import refine as refining
from ..retargeting import following
from ..solving import quality
from ..takes import hands, pinned_joints, playing
from ..takes import take as takes
from . import finger_tips, session
from .drag import UNREACHED, Drag, forget_base, handle_positions, raised, stored_pose
from .handles import SAME_PLACE, Handles, create_handles, remove_handles
from .keeping import solved_anew, write
from .session import handles_of, hold_others, is_live, is_sound, release_others, shows

FOLLOWED = 0.01
"""Metres from which on a keypoint that only followed has moved, too: where it was read, it would
now contradict."""


_drag: Drag | None = None


def is_pending(scene: bpy.types.Scene) -> bool:
    """Whether there is something that `settle` would make or remove datablocks for."""
    if not is_sound(scene):
        return True
    handles = handles_of(scene)
    return not handles.whole or handles.animated or bool(handles.moved().any())


# On and off


def start(take: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Give a solved take handles. Raises `LsmplError`; then nothing has changed."""
    takes.need_local_object_mode(take)
    names = session.names_of(take)
    if take.lsmpl.armature is None or take.lsmpl.armature.name not in scene.objects:
        baking.bake(take, scene)
    stop(scene)  # another take's
    live = scene.lsmpl_live
    live.take = take
    live.handles = create_handles(names, scene)
    handles_of(scene).show_tips(live.fingers)
    hold_others(scene)
    refresh(scene)


def stop(scene: bpy.types.Scene) -> None:
    """Take the handles away; what they were moved to is kept."""
    if is_live(scene):
        settle(scene)
    end(scene)


def end(scene: bpy.types.Scene) -> None:
    """Take the handles away as they are."""
    global _drag
    live = scene.lsmpl_live
    release_others(scene)
    if live.handles is not None:
        remove_handles(live.handles)
    _drag, live.take, live.handles = None, None, None


# While handles move, and afterwards


def refresh(scene: bpy.types.Scene) -> None:
    """Bring the handles in line with the take's keypoints in the current frame; whatever they were
    moved to is lost.

    This is done from handlers, outside of undo steps: it sets numbers, and makes, removes and
    points to no datablock.
    """
    drop_drag(scene)
    live = scene.lsmpl_live
    take = live.take
    live.frame = playing.frame_shown(take, scene)
    handles = handles_of(scene)
    handles.fit(raised(take))
    forget_base(handles)
    handles.put(handle_positions(take, live.frame, takes.keypoints_at(take, live.frame)))


def update(scene: bpy.types.Scene) -> bool:
    """Pose the character by the handles as they are now. Returns whether there is something to
    `settle`."""
    handles = handles_of(scene)
    if not handles.whole or handles.displaced:
        return True
    if not handles.moved().any():
        if _drag is not None:  # moved back, or the tool was cancelled
            handles.put(_drag.before)
            forget_base(handles)
            drop_drag(scene)
        elif not _is_in_line(scene, handles):
            refresh(scene)
        return False
    _pose(scene, handles)
    return True


def _is_in_line(scene: bpy.types.Scene, handles: Handles) -> bool:
    """Whether the handles stand where the take has its keypoints now.

    It may have been solved, refined or cleaned up since, which moves the body and what is on it.
    """
    live = scene.lsmpl_live
    if not shows(scene) or not handles.fits(raised(live.take)):
        return False
    wanted = handle_positions(live.take, live.frame, takes.keypoints_at(live.take, live.frame))
    return bool(np.abs(handles.locations() - wanted).max() < SAME_PLACE)


def _pose(scene: bpy.types.Scene, handles: Handles) -> Drag:
    """Pose the character by handles that were moved, and let the others follow."""
    global _drag
    live = scene.lsmpl_live
    if _drag is None or _drag.key != (live.take.session_uid, live.frame):
        _drag = Drag(scene, handles)
    moved = handles.moved()
    posed, follow = _drag.pose(handles.locations(), moved)
    if shows(scene):
        _drag.show(posed)
    handles.put(_drag.before + follow, ~moved & ~_drag.held)
    return _drag


def drop_drag(scene: bpy.types.Scene) -> None:
    """No handle is being moved any more. The character is back in the pose that it had before the
    drag, if it still shows that frame."""
    global _drag
    live = scene.lsmpl_live
    if _drag is None or live.take is None or _drag.key[0] != live.take.session_uid:
        return
    dropped, _drag = _drag, None
    if dropped.key[1] == live.frame and shows(scene):
        dropped.put_back()


def settle(scene: bpy.types.Scene) -> bool:
    """Keep what the handles were moved to, and bring everything in line with the scene as it is
    now.

    Returns whether datablocks were made or removed: an undo step has to follow then, for Blender's
    undo takes what did not change from one step to the next for what it is at present. Raises
    `LsmplError` where something cannot be kept; then the handles are back where they were.
    """
    if not is_sound(scene):
        end(scene)
        return True
    changed, handles = is_pending(scene), handles_of(scene)
    moved = handles.whole and handles.moved().any()
    try:
        if moved:
            _keep(scene, handles, _pose(scene, handles))
    finally:
        handles = handles_of(scene)
        handles.mend(session.names_of(scene.lsmpl_live.take))
        handles.show_tips(scene.lsmpl_live.fingers)
        refresh(scene)
    if moved:
        _changed(scene)
    return changed


def _keep(scene: bpy.types.Scene, handles: Handles, drag: Drag) -> None:
    """Write the edits of the keypoints that were moved, by hand or by following, and the frame's
    new pose."""
    global _drag
    stored, locations = drag.keypoints, handles.locations()
    moved, tips = np.split(handles.moved(), [handles.first_tip])
    posed, follow = drag.pose(locations, handles.moved())
    locations, follow = locations[: handles.first_tip], follow[: handles.first_tip]
    before = drag.before[: handles.first_tip]

    # What only followed counts from a centimetre on, and what the body could not reach goes to
    # where it came: elsewhere either would contradict the pose that is kept.
    with np.errstate(invalid="ignore"):
        short = ~drag.locked & (np.linalg.norm(drag.sites - locations, axis=1) > UNREACHED)
        followed = (
            ~moved & ~drag.locked & stored.believed & (np.linalg.norm(follow, axis=1) > FOLLOWED)
        )
    positions = np.where(
        moved[:, None], np.where(short[:, None], drag.sites, locations), before + follow
    )

    changed = np.flatnonzero(moved | followed)
    state = np.where(drag.locked[changed], takes.LOCKED, takes.MOVED)
    offset = (positions - stored.read)[changed]
    pins = pinned_joints.load(scene.lsmpl_live.take)
    if tips.any():
        assert posed.fingers is not None, "tips are of fingers"
        frame = scene.lsmpl_live.frame
        pins = finger_tips.pinned(pins, frame, np.flatnonzero(tips).tolist(), posed.fingers[0])
    write(scene, changed.tolist(), state, offset, lambda: posed, pins)
    _drag = None


# The state of keypoints


def set_state(scene: bpy.types.Scene, chosen: list[int], state: int) -> None:
    """Lock, free, ignore or reset what handles of these numbers are of (`take.LOCKED`, `MOVED`,
    `IGNORED`, `AS_READ`), in the frame.

    Locked keypoints are held where the body has them. Where keypoints are ignored or reset, the
    frame is solved anew. Of finger tips the whole finger is locked, which pins it, and free,
    ignored or reset, which takes that back. Raises `LsmplError`; then nothing has changed.
    """
    settle(scene)
    live = scene.lsmpl_live
    take, frame, first_tip = live.take, live.frame, handles_of(scene).first_tip
    keypoints = [number for number in chosen if number < first_tip]
    tips = [number - first_tip for number in chosen if number >= first_tip]
    if state == takes.IGNORED and keypoints and hands.HANDS_KEY not in take.data:
        tips = []  # an estimator's fingers, which had no points
    stored = takes.keypoints_at(take, frame)
    offset = np.zeros_like(stored.offset)
    if state == takes.LOCKED:
        sites = refining.subject_of(take).poser.sites(stored_pose(take, frame))[0]
        keypoints = [k for k in keypoints if np.isfinite(sites[k]).all()]
        offset = sites - stored.read
    elif state == takes.MOVED:  # no longer locked
        keypoints = [k for k in keypoints if stored.state[k] == takes.LOCKED]
        offset = stored.offset
    fingers = stored_pose(take, frame).fingers if state == takes.LOCKED and tips else None
    pins = pinned_joints.load(take)
    pins = finger_tips.pinned(pins, frame, tips, None if fingers is None else fingers[0])
    ignored = hands.ignored_at(take.data, frame)

    def posed() -> Poses | None:
        """The frame's pose, where something is to be solved anew."""
        if state not in (takes.AS_READ, takes.IGNORED):
            return None
        anew = solved_anew(take, frame) if keypoints or state == takes.IGNORED else None
        poses = anew if anew is not None and keypoints else stored_pose(take, frame)
        if state == takes.AS_READ:
            return finger_tips.as_solved(take, frame, poses, tips)
        return poses if anew is None else finger_tips.with_fingers_of(poses, anew.fingers, tips)

    if tips and (state == takes.IGNORED or ignored[tips].any()):
        hands.ignore(take.data, frame, tips, state == takes.IGNORED)
    try:
        write(scene, keypoints, state, offset[keypoints], posed, pins)
    except BaseException:
        for tip in tips if ignored.any() or state == takes.IGNORED else ():
            hands.ignore(take.data, frame, [tip], bool(ignored[tip]))
        raise
    refresh(scene)
    _changed(scene)


def _changed(scene: bpy.types.Scene) -> None:
    """What follows the motion of the take."""
    following.follow(scene.lsmpl_live.take)
    quality.mark_anew(scene.lsmpl_live.take, scene)


def forget_drag() -> None:
    """After an undo or a redo: the handles and the pose are what they were then."""
    global _drag
    _drag = None

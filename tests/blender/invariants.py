"""Runs in Blender, for the random session: what has to be true whenever nothing goes on."""

import bpy
import numpy as np
from bl_ext.user_default.lsmpl.addon import selection
from bl_ext.user_default.lsmpl.addon.characters import actions, assigning, feet, key_times
from bl_ext.user_default.lsmpl.addon.characters import shape as shapes
from bl_ext.user_default.lsmpl.addon.characters.posed import Bones
from bl_ext.user_default.lsmpl.addon.live import drag, live, looks, session
from bl_ext.user_default.lsmpl.addon.reference import playing as pictures_playing
from bl_ext.user_default.lsmpl.addon.refining import baked_keys, pending_edit, refine
from bl_ext.user_default.lsmpl.addon.retargeting import animated, following, remembered
from bl_ext.user_default.lsmpl.addon.rigging import curls, keys, limbs
from bl_ext.user_default.lsmpl.addon.takes import display, layers, other_characters, pinned_joints, playing
from bl_ext.user_default.lsmpl.addon.takes import take as takes
from bl_ext.user_default.lsmpl.addon.takes.layers import Layer
from bl_ext.user_default.lsmpl.addon.takes.motion_mesh import MOTION_KEY
from bl_ext.user_default.lsmpl.lsmpl_core.by_hand.posing import poses_of
from bl_ext.user_default.lsmpl.lsmpl_core.rotation import exp_map

SAME_PLACE = 1e-4
"""Metres; Blender's single precision, and a way through two matrices."""
SAME_TURN = 2e-3
"""Of an element of a rotation matrix: keys are quaternions in single precision, motions axis-angles."""
SAME_STEP = 1e-3
"""Metres of the pelvis."""


def problems() -> list[str]:
    """What is not as it has to be, in words; nothing may go on."""
    scene = bpy.context.scene
    found = [*_live(scene), *_leftovers(scene)]
    for take in takes.takes_in(scene):
        if take.data.is_editmode:  # nothing of it can be read meanwhile
            continue
        of_it = [*_layers(take), *_character(scene, take), *_other_characters(take), *_picture(take)]
        found += [f"{take.name}: {text}" for text in of_it]
    return found


def _live(scene: bpy.types.Scene) -> list[str]:
    objects = [obj for obj in bpy.data.objects if selection.is_handle(obj)]
    own = [obj for take in takes.takes_in(scene) for obj in (take, take.lsmpl.armature, take.lsmpl.body_mesh) if obj]
    held = [obj.name for obj in own if obj.hide_select]
    if not session.has_handles(scene):
        left = [f"{len(objects)} handles are left"] if objects else []
        left += [f"{held} cannot be selected"] if held else []
        left += ["live has a take"] if scene.lsmpl_live.take else []
        return left
    if not session.is_sound(scene):
        return ["what is posed live is not sound"]
    take = scene.lsmpl_live.take
    handles, frame = session.handles_of(scene), scene.lsmpl_live.frame
    if not handles.whole or len(objects) != len(handles.objects):
        return [f"{len(objects)} handles for {len(handles.objects)} keypoints"]
    stored = takes.keypoints_at(take, frame)
    at = drag.handle_positions(take, frame, stored) + drag.raised(take)
    at = at @ np.array(take.matrix_world)[:3, :3].T + np.array(take.matrix_world)[:3, 3]
    off = np.linalg.norm(at - [handle.location for handle in handles.objects], axis=1)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shown = np.array([handle.evaluated_get(depsgraph).matrix_world.translation for handle in handles.objects])
    lost = np.abs(shown - [handle.location for handle in handles.objects]).max(axis=1)
    whole = [handle for handle in handles.objects if handle.mode == "OBJECT"]  # in Edit Mode it is drawn otherwise
    empty = [handle.name for handle in whole if len(handle.evaluated_get(depsgraph).data.vertices) == 0]
    says = [
        (frame != playing.frame_shown(take, scene), f"handles are of frame {frame}, not of the shown one"),
        (live.is_pending(scene), "something was moved and is not kept"),
        (off.max() > SAME_PLACE, f"{_worst(handles, off)} is {off.max():.4f} m from where the take has it"),
        (lost.max() > SAME_PLACE, f"{_worst(handles, lost)} is drawn {lost.max():.4f} m from where it is"),
        (empty, f"{empty} are drawn without a mesh"),
        (live._drag is not None, "a drag goes on"),
        (len({handle.data for handle in handles.objects}) != 1, "handles have several meshes"),
        (len(looks.looks(scene)) != len(objects), "looks are not one a handle"),
        (len(held) != len(own), f"only {held} cannot be selected"),
    ]
    return [text for wrong, text in says if wrong]


def _worst(handles, off: np.ndarray) -> str:
    return handles.objects[int(np.argmax(off))].name


def _layers(take: bpy.types.Object) -> list[str]:
    """Motions, edits and what describes them."""
    facts, found = takes.describe(take), []
    size = facts["frames"] * facts["keypoints"]
    for attribute in ("edit_state", "edit_offset", "residual", "condition"):
        values = take.data.attributes.get(attribute)
        if values is not None and len(values.data) != size:
            found.append(f"{attribute} has {len(values.data)} values, not {size}")
    for layer in Layer:
        if getattr(take.lsmpl, layer):
            motion = layers.load(take, layer)
            if len(motion) != facts["frames"] or not np.isfinite(motion.poses).all():
                found.append(f"the {layer} motion is no motion of this take")
    pinned_joints.load(take)  # which judges them
    if not np.isclose(display.get(take, "Raised", 0.0), layers.raised(take), atol=SAME_PLACE):
        found.append(f"keypoints are shown {display.get(take, 'Raised', 0.0):.4f} m up")
    return found


def _character(scene: bpy.types.Scene, take: bpy.types.Object) -> list[str]:
    """The motion, the keys and the bones say the same, but for what an animator changed."""
    rig, action = take.lsmpl.armature, pending_edit.action_of(take)
    if rig is None or action is None or not assigning.plays(rig, action):
        return ["the character does not play the take's action"]
    body, motion = refine.subject_of(take).body, layers.load(take)
    shape = feet.shape_of(action, np.array(motion.betas))
    bones = Bones(rig, body, shape)
    frames = baked_keys.played_at(take, action, 0, len(motion) - 1)
    keyed, found = bones.in_action(action, frames), []
    if not actions.is_edited(action) and not key_times.are_few(action) and not _moved_by_shape(rig, shape):
        fingers = not _curled_without_keys(rig, action)
        timing = baked_keys.timing_of(take, action)
        times = key_times.key_times(timing, len(motion), key_times.are_whole(action))
        at_keys = bones.in_action(action, times.frames)
        meant = feet.fitted(key_times.sampled_motion(motion, times.at), body, shape)
        found += _differ("keys and motion", at_keys, poses_of(meant), "key", fingers)

    # Under a layer of an animator's the keys are not what is seen. Outside of the take an animator keys controls in
    # some frames, and between these a limb goes where its end goes, not as its bones would turn.
    posed, now = bones.now(), bones.in_action(action, [scene.frame_current_final])
    alone = assigning.curves_of(rig) is not None
    if any(bone.constraints for bone in rig.pose.bones):
        alone = alone and frames[0] <= scene.frame_current_final <= frames[-1]
    wrong = _differ("bones and keys", posed, now, f"frame {scene.frame_current}") if alone else []
    if wrong:
        off = np.abs(keyed.rotations - posed.rotations).max(axis=(1, 2, 3))
        wrong[0] += f"; they are {off.min():.4f} from those of frame {frames[off.argmin()]:g}"

    drawn = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    stale = max(np.abs(np.array(bone.matrix) - np.array(drawn[bone.name].matrix)).max() for bone in rig.pose.bones)
    if stale > SAME_TURN and rig.mode != "EDIT":
        wrong.append(f"bones are drawn {stale:.4f} from where they are")
    return [*found, *wrong]


def _moved_by_shape(rig: bpy.types.Object, keyed_for: np.ndarray) -> bool:
    """Whether limbs follow controls that are keyed for a character of another shape: hands stay where these are."""
    return limbs.are_on(rig) and not np.allclose(shapes.betas_of(rig), keyed_for, atol=SAME_TURN)


def _curled_without_keys(rig: bpy.types.Object, action: bpy.types.Action) -> bool:
    """Whether curls that the action does not key were turned: they bend the fingers in all of its frames."""
    if not curls.are_there(rig.data.bones):
        return False
    keyed = {curve.data_path for curve in actions.fcurves(action)}
    beside = [channel for channel in curls.channels() if keys.data_path(*channel) not in keyed]
    return any(np.abs(values).max() > SAME_TURN for values in keys.read(rig, beside))


UPPER_BODY = "spine1", "spine3", "neck", "left_shoulder", "right_elbow", "left_wrist"
"""Joints whose rotations another character of the same bones has from the take; its legs are bent for its feet."""


def _picture(take: bpy.types.Object) -> list[str]:
    """What shows the picture is there, and shows the frame that goes with the scene's."""
    shown_by = take.lsmpl_picture.shown_by
    if shown_by is None:
        return []
    user, image = pictures_playing.image_user(shown_by), pictures_playing.image_of(shown_by)
    if user is None or image is None:
        return [f"{shown_by.name} shows no image"]
    drivers = user.id_data.animation_data.drivers if user.id_data.animation_data else ()
    wanted = pictures_playing.expression(shown_by)
    found = [curve.driver.expression for curve in drivers]
    return [] if found == [wanted] else [f"{shown_by.name} plays by {found}, not {wanted}"]


def _other_characters(take: bpy.types.Object) -> list[str]:
    """Each once, and what each does."""
    targets = other_characters.targets_of(take)
    found = [f"{take.name} is on {targets}"] if len(set(targets)) != len(targets) else []
    for other in other_characters.all_of(take):
        found += _other_character(take, other)
    return found


def _other_character(take: bpy.types.Object, other) -> list[str]:
    """A character that follows does what the take does, or the panel says why not."""
    told = following.describe(take, other)
    if not told or not other.follow or other.held_back:
        return []
    if remembered.version_of(other.action).partition(" ")[2] != animated.mark(other):
        return []  # layers over the motion changed, which goes along with a bake alone
    if following.is_outdated(take, other):
        return [f"{other.target.name} does not follow: {told}"]
    own = pending_edit.action_of(take)
    if own is None or actions.is_edited(other.action) or animated.is_changed(other):
        return []
    frames = baked_keys.played_at(take, own, 0, takes.describe(take)["frames"] - 1)
    channels = [(f'pose.bones["{name}"].rotation_quaternion', i) for name in UPPER_BODY for i in range(4)]
    shape = len(UPPER_BODY), 4, -1
    one, two = (actions.values_at(action, channels, frames).reshape(shape) for action in (own, other.action))
    off = 1.0 - np.abs((one * two).sum(axis=1))
    return [f"{other.target.name} turns otherwise than the take in {off.max():.4f}"] if off.max() > SAME_TURN else []


def _differ(what: str, one, other, where: str, with_fingers: bool = True) -> list[str]:
    with_fingers = with_fingers and one.fingers is not None and other.fingers is not None
    by_joint = np.abs(_turns(one, with_fingers) - _turns(other, with_fingers)).max(axis=(2, 3))
    turned = by_joint.max(axis=1)
    moved = np.abs(one.trans - other.trans).max(axis=1)
    wrong = np.flatnonzero((turned > SAME_TURN) | (moved > SAME_STEP))
    if not len(wrong):
        return []
    by = f"{turned.max():.4f} in rotation and {moved.max():.4f} m in place"
    joint = int(by_joint.max(axis=0).argmax())
    return [f"{what} differ by {by} ({where} {wrong[:8].tolist()}, joint {joint} most)"]


def _turns(poses, with_fingers: bool) -> np.ndarray:
    """(N,24,3,3) of the body's joints, or (N,54,3,3) with those of the fingers."""
    return np.concatenate([poses.rotations, exp_map(poses.fingers)], axis=1) if with_fingers else poses.rotations


def _leftovers(scene: bpy.types.Scene) -> list[str]:
    """Nothing piles up: what is no longer used goes."""
    count = len(takes.takes_in(scene))
    motions = [mesh.name for mesh in bpy.data.meshes if MOTION_KEY in mesh]
    shapes = [mesh.name for mesh in bpy.data.meshes if "lsmpl_shape" in mesh]
    collections = [c.name for c in bpy.data.collections if c.name.startswith("LSMPL Live")]
    made = [action.name for action in bpy.data.actions if not action.use_fake_user]  # others were edited, and are kept
    is_on = session.has_handles(scene)
    says = [
        (len(motions) > 7 * count, f"motions pile up: {motions}"),
        (len(made) > 6 * count, f"actions pile up: {made}"),
        (len(shapes) != is_on, f"{len(shapes)} meshes of handles, live being {is_on}"),
        (len(collections) != is_on, f"collections of handles: {collections}, live being {is_on}"),
    ]
    return [text for wrong, text in says if wrong]

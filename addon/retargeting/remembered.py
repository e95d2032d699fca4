"""What an action that was baked to another character remembers of how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping

import bpy
import numpy as np

from ...lsmpl_core.retargeting.target_skeleton import TargetSkeleton
from .skeletons import skin_of

_TRAVELS_KEY = "lsmpl_travels"
_ROOT_KEY = "lsmpl_root"
_VERSION_KEY = "lsmpl_version"
_SKELETON_KEY = "lsmpl_skeleton"
"""Of an action: whether it moves the object; which bone travels in it; the motion that it was made
from; the character as it then was, as JSON: `TargetSkeleton` without its skin."""


_LISTS = ("names", "joints", "parents")
_ARRAYS = ("links", "rest", "ends", "to_take", "location_axes")


def note(
    action: bpy.types.Action, skeleton: TargetSkeleton, travels: bool, root: str, version: str
) -> None:
    """Note on an action the character that it was made for, whether the object travels in it, the
    bone that does (""), and of which version of the take's motion it is."""
    action[_TRAVELS_KEY], action[_ROOT_KEY], action[_VERSION_KEY] = travels, root, version
    stored = {name: np.asarray(getattr(skeleton, name)).tolist() for name in (*_LISTS, *_ARRAYS)}
    stored["root"] = None if skeleton.root is None else skeleton.root.tolist()
    action[_SKELETON_KEY] = json.dumps(stored)


def travels(action: bpy.types.Action) -> bool:
    """Whether an action moves the object through the scene."""
    return bool(action.get(_TRAVELS_KEY))


def root_bone_of(action: bpy.types.Action) -> str:
    """The bone above the hips that travels in an action that was baked to a rig; "" if none."""
    return action.get(_ROOT_KEY, "")


def version_of(action: bpy.types.Action) -> str:
    """Of the motion that an action was made from; "" where it was another than a take's own."""
    return action.get(_VERSION_KEY, "")


def skeleton_of(
    action: bpy.types.Action, target: bpy.types.Object, mapped: Mapping[str, str]
) -> TargetSkeleton | None:
    """The character as it was when an action was made; None where its bones, or which are mapped,
    are others now."""
    try:
        stored = json.loads(action[_SKELETON_KEY])
        fields = {name: stored[name] for name in _LISTS} | {
            name: np.array(stored[name], float) for name in _ARRAYS
        }
        fields["root"] = None if stored["root"] is None else np.array(stored["root"], float)
        skeleton = TargetSkeleton(**fields, skin=skin_of(target))
    except (KeyError, TypeError, ValueError):  # made by an earlier version, or damaged
        return None
    if dict(zip(skeleton.names, skeleton.joints)) != mapped:
        return None
    rest = np.array([target.data.bones[name].matrix_local for name in skeleton.names])
    same = rest.shape == skeleton.rest.shape and np.allclose(
        rest, skeleton.rest, rtol=1e-5, atol=1e-6
    )
    return skeleton if same else None

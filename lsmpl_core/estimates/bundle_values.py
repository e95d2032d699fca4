"""What a bundle of SMPL parameters says that `aliases.py` found: whose poses, in which frames, and
what was taken for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..body.skeleton import FINGER_JOINT_NAMES, NUM_BETAS, SMPLH, SMPLX
from ..bounds import are_whole
from ..files.pickle_arrays import to_array
from ..keypoints.track import Decision
from .aliases import Bundle, key_of, names, pose_keys, space
from .rotation_forms import JOINTS, lead_axes, rotations
from .smpl_parameters import numbers

MOST_PEOPLE_IN_ARRAY = 100


@dataclass(frozen=True)
class Parameters:
    """Of somebody in frames (N,): global_orient (N,3), body_pose (N,23,3), transl (N,3) or None,
    betas (M,10) or None, hands (N,30,3), the left one's fingers first, or None.

    joints: how many joints the file has, 24 or fewer being SMPL's.
    """

    frames: np.ndarray
    root: np.ndarray
    body: np.ndarray
    trans: np.ndarray | None
    betas: np.ndarray | None
    joints: int
    hands: np.ndarray | None = None


def read_bundle(bundle: Bundle) -> list[Parameters]:
    """The parameters of everybody in a bundle, who are several where its arrays have an axis of
    people."""
    fields = bundle.fields
    keys = pose_keys(fields)
    if _time_is_last(fields[keys[0]]):
        fields = {key: _time_first(value, fields[keys[0]]) for key, value in fields.items()}
        bundle = replace(bundle, fields=fields)
    if isinstance(fields[keys[0]], (list, tuple)) and _are_arrays(fields[keys[0]]):
        return [_of_arrays(_one_of(fields, i), bundle) for i in range(len(fields[keys[0]]))]
    first = numbers(fields, keys[0])
    lead = lead_axes(first, keys[0], "root" if len(keys) == 2 else "full")
    if len(lead) == 2 and 1 <= lead[0] <= MOST_PEOPLE_IN_ARRAY and first.ndim > 2:
        people = [{key: _row(fields, key, i, lead[0]) for key in fields} for i in range(lead[0])]
        return [_of_arrays(one, bundle) for one in people]
    return [_of_arrays(fields, bundle)]


def _time_is_last(value: object) -> bool:
    """Whether an array is joints x numbers x frames, as motion diffusion has its poses."""
    if not isinstance(value, np.ndarray) or value.ndim != 3:
        return False
    joints, size, frames = value.shape
    return joints in JOINTS and size in (3, 4, 6) and frames not in (3, 4, 6, 9)


def _time_first(value: object, pose: np.ndarray) -> object:
    """A field of as many frames as the pose, along its last axis, with these first."""
    if isinstance(value, np.ndarray) and value.ndim > 1 and value.shape[-1] == pose.shape[-1]:
        return np.moveaxis(value, -1, 0)
    return value


def _are_arrays(values: list | tuple) -> bool:
    return bool(values) and all(
        isinstance(value, np.ndarray) and value.ndim >= 2 for value in values
    )


def _one_of(fields: Mapping, i: int) -> dict:
    """Fields that are lists of arrays, one a person (3DPW), for one of them."""
    return {
        key: value[i] if isinstance(value, (list, tuple)) and i < len(value) else value
        for key, value in fields.items()
    }


def _row(fields: Mapping, key: str, i: int, people: int) -> object:
    """A field's part that is one person's of several: of an array, or of lists in lists (JSON)."""
    value = fields[key]
    if isinstance(value, np.ndarray):
        several = value.ndim > 1
    else:
        several = isinstance(value, list) and all(
            isinstance(one, (list, tuple, np.ndarray)) for one in value
        )
    return value[i] if several and len(value) == people else value


def _of_arrays(fields: Mapping, bundle: Bundle) -> Parameters:
    keys = pose_keys(fields)
    if len(keys) == 2:
        root, body = (
            rotations(numbers(fields, key), key, what) for key, what in zip(keys, ("root", "body"))
        )
        root = root[:, :1]
    else:
        full = rotations(numbers(fields, keys[0]), keys[0], "full")
        root, body = full[:, :1], full[:, 1:]
        # EasyMocap: the first joint of its poses is empty, the root stands beside them.
        if "Rh" in fields:
            root = rotations(numbers(fields, "Rh"), "Rh", "root")[:, :1]
    hands = _hands(fields, body)
    if len(root) != len(body):
        raise ValueError(f"{keys[0]} has {len(root)} frames, {keys[-1]} {len(body)}")
    joints = body.shape[1] + 1
    kept = np.zeros((len(root), 23, 3))
    used = min(joints - 1, 23 if joints == 24 else 21)
    kept[:, :used] = body[:, :used]
    return Parameters(
        _frames(fields, bundle, len(root)),
        root[:, 0],
        kept,
        _trans(fields, bundle, len(root)),
        _betas(fields),
        joints,
        hands,
    )


def _hands(fields: Mapping, body: np.ndarray) -> np.ndarray | None:
    """(N,30,3): the fingers beside a body pose (N,J,3), or at its end where it has so many joints;
    None where there are none, or as principal components."""
    if body.shape[1] + 1 in (len(SMPLH), len(SMPLX)):
        return body[:, -len(FINGER_JOINT_NAMES) :]
    keys = [key_of(fields, what) for what in ("left_hand", "right_hand")]
    sides = []
    for key in keys:
        try:
            found = rotations(numbers(fields, key), key, "hand") if key else np.zeros((0, 15, 3))
        except ValueError:
            return None
        sides.append(found if len(found) == len(body) else np.zeros((len(body), 15, 3)))
    return np.concatenate(sides, axis=1) if any(keys) else None


def _frames(fields: Mapping, bundle: Bundle, count: int) -> np.ndarray:
    """The frames' own numbers, where the bundle or what is around it has as many."""
    for place in (fields, *reversed(bundle.above)):
        for key in names()["frames"]:
            value = place.get(key)
            counted = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu"
            if place is fields and counted and len(value) != count:
                raise ValueError(
                    f"{key} has {len(value)} numbers, {pose_keys(fields)[0]} {count} frames"
                )
            if isinstance(value, (np.ndarray, list)) and np.size(value) == count:
                found = np.ravel(to_array(value))
                kind = found.dtype.kind
                if kind in "iu" or (kind == "f" and are_whole(found)):
                    return found.astype(np.int64)
    return np.arange(count)


def _trans(fields: Mapping, bundle: Bundle, count: int) -> np.ndarray | None:
    """(N,3), of the bundle or of what it stands in; None where neither has one."""
    key = key_of(fields, "trans")
    if key is None:
        around = bundle.above[-1] if bundle.above else {}
        key = key_of(around, "trans")
        if key is None or np.size(around[key]) != 3 * count:
            return None
        fields = around
    trans = numbers(fields, key)
    if trans.size != 3 * count:
        raise ValueError(
            f"{key} has shape {trans.shape}; expected 3 numbers for each of {count} frames"
        )
    scale = key_of(fields, "scaling")
    return trans.reshape(count, 3) / (
        float(np.ravel(numbers(fields, scale))[0]) or 1.0 if scale else 1.0
    )


def _betas(fields: Mapping) -> np.ndarray | None:
    key = key_of(fields, "betas")
    betas = np.atleast_1d(numbers(fields, key)) if key else np.zeros(0)
    if not betas.size:
        return None
    rows = betas.reshape(-1, betas.shape[-1])[:, :NUM_BETAS]
    return np.pad(rows, ((0, 0), (0, NUM_BETAS - rows.shape[1])))  # the first of them are given


def said(bundle: Bundle, parameters: Parameters) -> tuple[Decision, ...]:
    """What was taken for what."""
    keys = ", ".join(
        key for key in (*pose_keys(bundle.fields), key_of(bundle.fields, "trans")) if key
    )
    where = ".".join(str(key) for key in bundle.path if not isinstance(key, int))[:80]
    decisions = [
        Decision(
            "parameters", keys, "detected", f"in {where}" if where else "by their names and shapes"
        )
    ]
    kind = space(bundle.path)
    if kind:
        decisions.append(Decision("space", kind, "detected", f"by the name of {where}"))
    if parameters.trans is None:
        reason = (
            "the file has none: the body stays where it is, unless keypoints tell where it goes"
        )
        decisions.append(Decision("translation", "none", "assumed", reason))
    return tuple(decisions)

"""SMPL parameters of any estimator, found by what they are called and by their shapes, in nests of
any form.

`data/motion_names.json` has the names. A dict with a full pose, or with a root and a body pose,
holds somebody's motion; others like it are other people, other frames or other spaces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from ..body.skeleton import FINGER_JOINT_NAMES, NUM_BETAS, SMPLH, SMPLX
from ..bounds import are_whole
from ..data import DATA
from ..files.pickle_arrays import to_array
from ..files.reals import reals
from ..keypoints.track import Decision
from ..readers.field_words import folded
from .rotation_forms import JOINTS, lead_axes, rotations, split
from .smpl_parameters import MAX_NUMBERS

MOST_BUNDLES = 200_000
MOST_KEYS = 500
DEEPEST = 6
MOST_PEOPLE_IN_ARRAY = 100


@dataclass(frozen=True)
class Bundle:
    """A dict with somebody's parameters, and the keys (path) that lead to it; `above` are the dicts
    on the way."""

    path: tuple
    fields: Mapping
    above: tuple[Mapping, ...]


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


@cache
def names() -> dict[str, Any]:
    return json.loads((DATA / "motion_names.json").read_text(encoding="utf-8"))


def bundles(content: object) -> list[Bundle]:
    """Every dict in a nest of dicts, lists and arrays of objects that holds a pose. Raises
    ValueError for too many."""
    found = []
    for bundle in _walk(content, (), ()):
        found.append(bundle)
        if len(found) > MOST_BUNDLES:
            raise ValueError(f"holds more than {MOST_BUNDLES} poses of their own")
    return found


def _walk(content: object, path: tuple, above: tuple[Mapping, ...]) -> Iterator[Bundle]:
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.item() if content.size == 1 else list(content.flat)
    if isinstance(content, dict):
        if keys := pose_keys(content):
            if frames := _people_of_frames(content, keys[0]):
                for t, fields in enumerate(frames):
                    yield Bundle((*path, t), fields, above)
            else:
                yield Bundle(path, content, above)
            return
        items: Iterable[tuple[Any, Any]] = content.items()
        above = (*above, content)
    elif (
        isinstance(content, (list, tuple))
        and content
        and not isinstance(content[0], (int, float, str))
    ):
        items = enumerate(content)
    else:
        return
    if len(path) < DEEPEST:
        for key, value in items:
            if isinstance(value, (dict, list, tuple)) or (
                isinstance(value, np.ndarray) and value.dtype == object
            ):
                yield from _walk(value, (*path, key), above)


def _people_of_frames(fields: Mapping, key: str) -> list[dict]:
    """Of fields that are lists with an array of everybody in each frame (NLF), those of each frame;
    [] of others, in whose lists each array is somebody's (3DPW)."""
    listed = fields[key]
    if not isinstance(listed, (list, tuple)) or not all(
        isinstance(one, np.ndarray) and one.ndim > 1 for one in listed
    ):
        return []
    count = len(listed)
    if count <= max(map(len, listed), default=0):
        return []
    several = {
        name: value
        for name, value in fields.items()
        if isinstance(value, (list, tuple)) and len(value) == count
    }
    return [
        {name: value[t] for name, value in several.items()} for t in range(count) if len(listed[t])
    ]


def pose_keys(fields: Mapping) -> tuple[str, ...]:
    """The keys of a dict's pose: of the full one, or of root and body; () where it has none."""
    if not fields:
        return ()
    full = _first(fields, "full")
    root, body = _first(fields, "root"), _first(fields, "body")
    if root and body:
        return root, body
    if full is None and body is not None and _fits(fields[body], "full"):
        return (body,)
    return (full,) if full and not (full == "motion" and "text" in fields) else ()


def is_parameter(key: str) -> bool:
    """Whether a key is a usual name of a parameter."""
    parameters = ("root", "body", "full", "trans", "betas")
    return any(folded(key) in _folded_names(what) for what in parameters)


def _first(fields: Mapping, what: str) -> str | None:
    """The key of a parameter: one of its usual names, or else one like them whose shape fits."""
    there: dict[str, str] = {}
    for key in list(fields)[:MOST_KEYS]:
        if isinstance(key, str) and _holds_something(fields[key]):
            there.setdefault(folded(key), key)
    known = next((there[word] for word in _folded_names(what) if word in there), None)
    pattern, never = _pattern(what), _pattern("never")
    if known is not None or pattern is None or never is None:
        return known
    alike = (key for word, key in there.items() if pattern.search(word) and not never.search(word))
    return next((key for key in alike if _fits(fields[key], what)), None)


@cache
def _folded_names(what: str) -> tuple[str, ...]:
    return tuple(map(folded, names()[what]))


@cache
def _pattern(what: str) -> re.Pattern | None:
    found = names()["never"] if what == "never" else names()["patterns"].get(what, "")
    return re.compile(found) if found else None


def _fits(value: Any, what: str) -> bool:
    """Whether a value that is called somewhat like a parameter has its shape."""
    one = value[0] if isinstance(value, (list, tuple)) and len(value) else value
    return shape_fits(np.shape(one), what)


def shape_fits(shape: tuple[int, ...], what: str) -> bool:
    """Whether a parameter may have a shape."""
    if what == "trans":
        return bool(shape) and shape[-1] == 3
    if what == "betas":
        return bool(shape) and 10 <= shape[-1] <= 400
    try:
        split(np.broadcast_to(False, shape), "", what)
    except ValueError:
        return False
    return True


def _holds_something(value: object) -> bool:
    return value is not None and not isinstance(value, (str, int, float, dict))


def space(path: tuple) -> str:
    """ "world", "camera" or "" for what the keys that lead to some parameters say of their
    space."""
    words = "_".join(str(key).lower() for key in path)
    return next(
        (kind for kind in ("world", "camera") if any(word in words for word in names()[kind])), ""
    )


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
    first = _array(fields, keys[0])
    lead = lead_axes(first, keys[0], "root" if len(keys) == 2 else "full")
    if len(lead) == 2 and 1 <= lead[0] <= MOST_PEOPLE_IN_ARRAY and first.ndim > 2:
        people = [{key: _row(fields, key, i, lead[0]) for key in fields} for i in range(lead[0])]
        return [_of_arrays(one, bundle) for one in people]
    return [_of_arrays(fields, bundle)]


def _time_is_last(value: object) -> bool:
    """Whether an array is joints x numbers x frames, as motion diffusion has its poses."""
    if not isinstance(value, np.ndarray) or value.ndim != 3:
        return False
    joints, numbers, frames = value.shape
    return joints in JOINTS and numbers in (3, 4, 6) and frames not in (3, 4, 6, 9)


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
            rotations(_array(fields, key), key, what) for key, what in zip(keys, ("root", "body"))
        )
        root = root[:, :1]
    else:
        full = rotations(_array(fields, keys[0]), keys[0], "full")
        root, body = full[:, :1], full[:, 1:]
        # EasyMocap: the first joint of its poses is empty, the root stands beside them.
        if "Rh" in fields:
            root = rotations(_array(fields, "Rh"), "Rh", "root")[:, :1]
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
    keys = [_first(fields, what) for what in ("left_hand", "right_hand")]
    sides = []
    for key in keys:
        try:
            found = rotations(_array(fields, key), key, "hand") if key else np.zeros((0, 15, 3))
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
                numbers = np.ravel(to_array(value))
                kind = numbers.dtype.kind
                if kind in "iu" or (kind == "f" and are_whole(numbers)):
                    return numbers.astype(np.int64)
    return np.arange(count)


def _trans(fields: Mapping, bundle: Bundle, count: int) -> np.ndarray | None:
    """(N,3), of the bundle or of what it stands in; None where neither has one."""
    key = _first(fields, "trans")
    if key is None:
        around = bundle.above[-1] if bundle.above else {}
        key = _first(around, "trans")
        if key is None or np.size(around[key]) != 3 * count:
            return None
        fields = around
    trans = _array(fields, key)
    if trans.size != 3 * count:
        raise ValueError(
            f"{key} has shape {trans.shape}; expected 3 numbers for each of {count} frames"
        )
    scale = _first(fields, "scaling")
    return trans.reshape(count, 3) / (
        float(np.ravel(_array(fields, scale))[0]) or 1.0 if scale else 1.0
    )


def _betas(fields: Mapping) -> np.ndarray | None:
    key = _first(fields, "betas")
    betas = np.atleast_1d(_array(fields, key)) if key else np.zeros(0)
    if not betas.size:
        return None
    rows = betas.reshape(-1, betas.shape[-1])[:, :NUM_BETAS]
    return np.pad(rows, ((0, 0), (0, NUM_BETAS - rows.shape[1])))  # the first of them are given


def _array(fields: Mapping, key: str) -> np.ndarray:
    try:
        array = to_array(fields[key])
    except ValueError as error:
        raise ValueError(f"{key} is {error}") from error
    if array.dtype.kind not in "biuf" or array.size > MAX_NUMBERS:
        raise ValueError(
            f"{key} is {array.size} values of type {array.dtype}; expected at most {MAX_NUMBERS} "
            "numbers"
        )
    return reals(array)


def said(bundle: Bundle, parameters: Parameters) -> tuple[Decision, ...]:
    """What was taken for what."""
    keys = ", ".join(
        key for key in (*pose_keys(bundle.fields), _first(bundle.fields, "trans")) if key
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

"""SMPL parameters of any estimator, found by what they are called and by their shapes, in nests of
any form.

`data/motion_names.json` has the names. A dict with a full pose, or with a root and a body pose,
holds somebody's motion; others like it are other people, other frames or other spaces.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..data import DATA
from ..files.pickle_arrays import to_array
from ..keypoints.track import Decision
from ..rotation import from_quaternion, log_map, orthonormalise
from .smpl_parameters import MAX_NUMBERS, ROUNDED

MOST_BUNDLES = 200_000
DEEPEST = 6
JOINTS = (22, 24, 52, 53, 54, 55)
"""Joints of a full pose: SMPL's and HumanML3D's 22 and 24, SMPL-H's 52, SMPL-X's 55 with or without
the jaw or eyes."""
BODY_JOINTS = (21, 23)
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
    betas (M,10) or None.

    joints: how many joints the file has, 24 or fewer being SMPL's.
    """

    frames: np.ndarray
    root: np.ndarray
    body: np.ndarray
    trans: np.ndarray | None
    betas: np.ndarray | None
    joints: int


@cache
def names() -> dict[str, list[str]]:
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
        if pose_keys(content):
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


def pose_keys(fields: Mapping) -> tuple[str, ...]:
    """The keys of a dict's pose: of the full one, or of root and body; () where it has none."""
    full = _first(fields, "full")
    root, body = _first(fields, "root"), _first(fields, "body")
    if root and body:
        return root, body
    return (full,) if full and not (full == "motion" and "text" in fields) else ()


def _first(fields: Mapping, what: str) -> str | None:
    return next(
        (key for key in names()[what] if key in fields and _holds_something(fields[key])), None
    )


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
    if isinstance(fields[keys[0]], (list, tuple)) and _are_arrays(fields[keys[0]]):
        return [_of_arrays(_one_of(fields, i), bundle) for i in range(len(fields[keys[0]]))]
    first = _array(fields, keys[0])
    lead = _lead(first, keys[0])
    if len(lead) == 2 and 1 <= lead[0] <= MOST_PEOPLE_IN_ARRAY and first.ndim > 2:
        people = [{key: _row(fields, key, i, lead[0]) for key in fields} for i in range(lead[0])]
        return [_of_arrays(one, bundle) for one in people]
    return [_of_arrays(fields, bundle)]


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
    value = fields[key]
    return (
        value[i]
        if isinstance(value, np.ndarray) and value.ndim > 1 and len(value) == people
        else value
    )


def _of_arrays(fields: Mapping, bundle: Bundle) -> Parameters:
    keys = pose_keys(fields)
    if len(keys) == 2:
        root, body = (_rotations(_array(fields, key), key) for key in keys)
        root = root[:, :1]
    else:
        full = _rotations(_array(fields, keys[0]), keys[0])
        root, body = full[:, :1], full[:, 1:]
        if (
            "Rh" in fields
        ):  # EasyMocap: the first joint of its poses is empty, the root stands beside them
            root = _rotations(_array(fields, "Rh"), "Rh")[:, :1]
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
        _trans(fields, len(root)),
        _betas(fields),
        joints,
    )


def _frames(fields: Mapping, bundle: Bundle, count: int) -> np.ndarray:
    """The frames' own numbers, where the bundle or what is around it has as many."""
    for place in (fields, *reversed(bundle.above)):
        for key in names()["frames"]:
            value = place.get(key)
            if isinstance(value, (np.ndarray, list)) and np.size(value) == count:
                numbers = np.ravel(to_array(value))
                if numbers.dtype.kind in "iu" or (
                    numbers.dtype.kind == "f" and (numbers == np.round(numbers)).all()
                ):
                    return numbers.astype(np.int64)
    return np.arange(count)


def _trans(fields: Mapping, count: int) -> np.ndarray | None:
    key = _first(fields, "trans")
    if key is None:
        return None
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
    if betas.size and betas.shape[-1] >= 10:
        return betas.reshape(-1, betas.shape[-1])[:, :10]
    return None


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
    return array.astype(np.float64)


# Rotations of any form


def _forms(key: str) -> dict[int, tuple[int, str]]:
    """What so many numbers a frame may be: joints and form; axis-angles before what else has the
    count."""
    is_root, is_body = key in names()["root"], key in names()["body"]
    joints = (1,) if is_root else BODY_JOINTS if is_body else JOINTS
    forms: dict[int, tuple[int, str]] = {}
    for form, size in (("axis-angle", 3), ("matrix", 9), ("6d", 6), ("quaternion", 4)):
        for count in joints:
            forms.setdefault(count * size, (count, form))
    return forms


def _split(array: np.ndarray, key: str) -> tuple[int, int, str]:
    """How many of an array's last axes are one frame's, the joints, and the form. Raises ValueError
    for none."""
    forms = _forms(key)
    for axes in range(1, array.ndim + 1):
        size = int(np.prod(array.shape[array.ndim - axes :]))
        if size in forms:
            joints, form = forms[size]
            last = array.shape[-1]
            if (
                axes >= 2
                and array.shape[-2:] == (3, 3)
                and size % 9 == 0
                and size // 9 in (1, *BODY_JOINTS, *JOINTS)
            ):
                return axes, size // 9, "matrix"
            if axes >= 2 and last in (4, 6) and size % last == 0:
                return axes, size // last, {4: "quaternion", 6: "6d"}[last]
            return axes, joints, form
    raise ValueError(
        f"{key} has shape {array.shape}; expected axis-angles, matrices, 6D rotations or "
        "quaternions of "
        f"{', '.join(map(str, sorted({joints for joints, _ in forms.values()})))} joints"
    )


def _lead(array: np.ndarray, key: str) -> tuple[int, ...]:
    """The axes before those of one frame, without those of length 1 where there are several."""
    axes, _, _ = _split(array, key)
    lead = array.shape[: array.ndim - axes]
    while len(lead) > 1 and 1 in lead:
        at = lead.index(1)
        lead = (*lead[:at], *lead[at + 1 :])
    return lead


def _rotations(array: np.ndarray, key: str) -> np.ndarray:
    """(N,J,3) axis-angles of N frames."""
    _, joints, form = _split(array, key)
    size = {"axis-angle": 3, "matrix": 9, "6d": 6, "quaternion": 4}[form]
    values = array.reshape(-1, joints, size)
    if not np.isfinite(values).all():
        raise ValueError(f"{key} holds values that are not finite numbers")
    if form == "axis-angle":
        return values
    if form == "matrix":
        matrices = values.reshape(*values.shape[:2], 3, 3)
        off = np.abs(matrices @ np.swapaxes(matrices, -1, -2) - np.eye(3)).max(initial=0.0)
        if not off <= ROUNDED or (np.linalg.det(matrices) < 0).any():
            raise ValueError(f"{key} holds matrices that are no rotations")
        return log_map(orthonormalise(matrices))
    if form == "quaternion":
        lengths = np.linalg.norm(values, axis=-1, keepdims=True)
        if not (lengths > 0.5).all():
            raise ValueError(f"{key} holds quaternions of length {lengths.min():.2g}")
        last = (
            np.abs(values[..., 3]).mean() > np.abs(values[..., 0]).mean()
        )  # most joints turn little: w is large
        values = np.roll(values / lengths, 1, axis=-1) if last else values / lengths
        return log_map(from_quaternion(values))
    return log_map(_from_6d(values, key))


def _from_6d(values: np.ndarray, key: str) -> np.ndarray:
    """Rotations of the first two columns (Zhou et al., On the continuity of rotation
    representations, 2019)."""
    pairs = values.reshape(*values.shape[:-1], 3, 2)
    a, b = pairs[..., 0], pairs[..., 1]
    x = a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-9)
    b = b - (x * b).sum(axis=-1, keepdims=True) * x
    y = b / np.maximum(np.linalg.norm(b, axis=-1, keepdims=True), 1e-9)
    matrices = np.stack([x, y, np.cross(x, y)], axis=-1)
    if not np.abs(np.linalg.det(matrices) - 1).max(initial=0.0) < ROUNDED:
        raise ValueError(f"{key} holds 6D rotations that are none")
    return matrices


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

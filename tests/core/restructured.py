"""Damage to what a file says, not to its bytes: well-formed files of wrong things.

JSON, pickles, arrays and tables are taken apart, one to three of their parts are changed, lost, doubled, exchanged or
put in from another file, and all is written anew, in any form that the format has. `damage.py` begins with it in some
of its tries; what cannot be taken apart stays as it is.
"""

import contextlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from crafted import NAMES

from lsmpl_core.files import safe_pickle

LOST = object()
"""In place of a part that is to be left out."""
LARGEST = 1 << 18
"""Numbers of an array, at most, after it was made larger."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.0, -0.0, 0.5, 1e-320, 1e300, -1e300, 1e38, 2**31, -(2**31), 2**53 + 1, 2**63, 2**64,
    10**30, 10**4000, float("nan"), float("inf"), float("-inf"), "", " ", "nan", "NaN", "-inf", "1e400", "0x10", "1,5",
    "1_000", "null", "None", "true", "\u0661", "\uff11", "é" * 50, "\ud800", "\0", [], {}, [[]], [{}], {"": None},
    [None], [0], [0, 0, 0], [[0, 0, 0]], {"x": 0}, {"x": 0, "y": 0, "z": 0}, {"0": [0, 0, 0]}, [1, "a", None, [2]],
    b"", b"\xff",
)  # fmt: skip
TYPES = ("f2", "f4", ">f8", "g", "i1", "u1", "i8", "u8", "?", "c16", "U5", "S3", "M8[s]", "m8[ns]", "V8", "O", "f4,i8")


def restructured(content: bytes, rng: np.random.Generator, others: list[bytes]) -> bytes:
    """`content` with one to three of its parts changed, written anew."""
    known = _parts(content)
    if known is None:
        return content
    form, tree = known
    other = _parts(others[rng.integers(len(others))]) or known
    try:
        with np.errstate(all="ignore"):
            for _ in range(rng.integers(1, 4)):
                tree = _changed(tree, rng, other[1])
            return _WRITERS[form](tree, rng)
    except Exception:  # a part that cannot be changed in that way, or what its format has no word for
        return content


# Taking apart


@lru_cache(maxsize=512)
def _parts(content: bytes) -> tuple[str, Any] | None:
    """A file's form, and what is in it as dicts, lists, arrays and single values."""
    try:
        if content[:2] == b"PK":
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return "npz", {name: archive[name] for name in archive.files}
        if content[:6] == b"\x93NUMPY":
            return _array(content)
        if content[:1] == b"\x80":
            return "pickle", safe_pickle.loads(content, name="good.pkl")
        text = content.decode()
        with contextlib.suppress(ValueError):
            if text.lstrip()[:1] in ("{", "["):
                return "json", json.loads(text)
        if "\0" not in text and len(text) < 200_000:
            separator = max("\t,; ", key=text.count)
            return f"table{separator}", [line.split(separator) for line in text.split("\n")]
    except Exception:  # in what was damaged before, NumPy's and Python's readers end in anything
        return None
    return None


def _array(content: bytes) -> tuple[str, Any]:
    """Of an NPY, the array or, where it is an object, that."""
    stream = io.BytesIO(content)
    np.lib.format.read_magic(stream)
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if not dtype.hasobject:
        return "npy", np.load(io.BytesIO(content), allow_pickle=False)
    objects = safe_pickle.loads(stream.read(), name="good.npy")
    return "objects", objects if shape else objects[()]


# Changing


def _changed(tree: Any, rng: np.random.Generator, other: Any) -> Any:
    """The tree with a part somewhere in it changed; what is not on the way there stays the same object."""
    keys = _keys(tree)
    if not len(keys) or rng.random() < 0.2:
        return _part(tree, rng, other)
    if len(keys) > 1 and rng.random() < 0.15:
        return _exchanged(tree, keys, rng)
    key = keys[rng.integers(len(keys))]
    new = _changed(tree[key], rng, other)
    copy = list(tree) if isinstance(tree, tuple) else tree.copy()
    if new is LOST:
        del copy[key]
    else:
        copy[key] = new
    return tuple(copy) if isinstance(tree, tuple) else copy


def _keys(tree: Any):
    if isinstance(tree, dict):
        return list(tree)
    return range(len(tree)) if isinstance(tree, (list, tuple)) else ()


def _exchanged(tree: Any, keys: Any, rng: np.random.Generator) -> Any:
    """Two parts in each other's place."""
    one, two = (keys[rng.integers(len(keys))] for _ in range(2))
    copy = list(tree) if isinstance(tree, tuple) else tree.copy()
    copy[one], copy[two] = tree[two], tree[one]
    return copy


def _part(part: Any, rng: np.random.Generator, other: Any) -> Any:
    """Something else in a part's place."""
    chosen = rng.random()
    if chosen < 0.25:
        return _pick(ODD, rng)
    if chosen < 0.35:
        return LOST
    if chosen < 0.5:
        return _some(other, rng)
    if chosen < 0.6:
        return _pick(_WRAPPED, rng)(part)
    for types, changes in _OF_TYPES:
        if isinstance(part, types):
            return _pick(changes, rng)(part, rng)
    return _pick(ODD, rng)


def _some(tree: Any, rng: np.random.Generator) -> Any:
    """A part of a tree, or all of it."""
    while len(keys := _keys(tree)) and rng.random() < 0.75:
        tree = tree[keys[rng.integers(len(keys))]]
    return tree


def _pick(choices, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


_WRAPPED: tuple[Callable[[Any], Any], ...] = (
    lambda part: [part], lambda part: [part, part], lambda part: {"0": part}, lambda part: {"data": part},
    lambda part: [[part]], lambda part: str(part)[:10_000], lambda part: [part] * 50, lambda part: {0: part, "0": part},
)  # fmt: skip


def _of_dict(part: dict, rng: np.random.Generator) -> Any:
    keys = list(part) or [""]
    one, name = _pick(keys, rng), _pick((*NAMES, *keys), rng)
    return _pick(
        (
            lambda: {name if key == one else key: value for key, value in part.items()},
            lambda: {**part, name: part.get(one)},
            lambda: {str(key).swapcase(): value for key, value in part.items()},
            lambda: {str(number): value for number, value in enumerate(part.values())},
            lambda: dict(reversed(part.items())),
            lambda: list(part.values()),
            lambda: [list(pair) for pair in part.items()],
            lambda: {f"{name}{key}": value for key, value in part.items()},
            lambda: dict(zip(part, [part[keys[i]] for i in rng.permutation(len(part))])),
        ),
        rng,
    )()


def _of_list(part: list | tuple, rng: np.random.Generator) -> Any:
    whole, at = list(part), int(rng.integers(len(part) + 1))
    return _pick(
        (
            lambda: whole[:at],
            lambda: whole[at:],
            lambda: whole[::-1],
            lambda: whole + whole[at:],
            lambda: whole[:at] + [None] + whole[at:],
            lambda: whole[:at] + whole[at : at + 1] * int(_pick((2, 10, 300), rng)) + whole[at:],
            lambda: [whole[i] for i in rng.permutation(len(whole))],
            lambda: {str(number): value for number, value in enumerate(whole)},
            lambda: [value for inner in whole for value in (inner if isinstance(inner, list) else [inner])],
            lambda: [list(row) for row in zip(*whole)],
            lambda: [row[:at] + row[at + 1 :] for row in whole],
            lambda: [row[:at] + row[at : at + 1] * 2 + row[at + 1 :] for row in whole],
            lambda: [row[: len(row) - i % 3] for i, row in enumerate(whole)],
        ),
        rng,
    )()


def _of_number(part: float, rng: np.random.Generator) -> Any:
    """Its sign, its exponent, its type, or a neighbour."""
    return _pick(
        (
            lambda: -part,
            lambda: part * 10.0 ** int(rng.integers(-12, 13)),
            lambda: part * 10.0 ** int(rng.integers(-300, 300)),
            lambda: int(part),
            lambda: str(part),
            lambda: part + 1,
            lambda: part - 1,
            lambda: 2 * part,
            lambda: [part],
            lambda: f"{part} m",
            lambda: np.float32(part).item(),
        ),
        rng,
    )()


def _of_text(part: str, rng: np.random.Generator) -> Any:
    at = int(rng.integers(len(part) + 1))
    return _pick(
        (
            lambda: _pick(NAMES, rng),
            lambda: part[:at],
            lambda: part[at:],
            lambda: part + part,
            lambda: part.swapcase(),
            lambda: part[:at] + "\u624b" + part[at:],
            lambda: f'"{part}"',
            lambda: f"{part} ",
            lambda: part.replace(".", ","),
            lambda: f"-{part}",
            lambda: f"{part}e{int(rng.integers(-300, 400))}",
            lambda: part[:at] + _pick(("\t", ",", ";", ":", "\n", ".", "_"), rng) + part[at:],
            lambda: list(part)[:1000],
        ),
        rng,
    )()


def _of_array(part: np.ndarray, rng: np.random.Generator) -> Any:
    axis = int(rng.integers(max(part.ndim, 1)))
    at = int(rng.integers(part.shape[axis] + 1)) if part.ndim else 0
    times = max(1, min(int(_pick((2, 10, 300), rng)), LARGEST // max(part.size, 1)))
    return _pick(
        (
            lambda: part.astype(_pick(TYPES, rng)),
            lambda: part.astype(_pick(TYPES, rng)),
            lambda: part.reshape(-1),
            lambda: part[None],
            lambda: part[..., None],
            lambda: part.T,
            lambda: np.asfortranarray(part),
            lambda: np.moveaxis(part, axis, 0),
            lambda: np.flip(part, axis),
            lambda: part.reshape(-1)[0],
            lambda: part.reshape(-1)[:1].reshape(()),
            lambda: np.take(part, range(at), axis),
            lambda: np.take(part, [], axis),
            lambda: np.delete(part, min(at, part.shape[axis] - 1), axis),
            lambda: np.insert(part, at, 0, axis),
            lambda: np.repeat(part, times, axis),
            lambda: np.concatenate([part] * times, axis),
            lambda: part[::-1, ...][::2],
            lambda: np.full_like(part, _pick((np.nan, np.inf, 0, 1e300, -1e38, 1e-40), rng)),
            lambda: part * _pick((-1, 1e-3, 1e3, 1e30, 1e300, np.nan), rng),
            lambda: part + _pick((-1, 1e6, 1e18, np.inf), rng),
            lambda: np.where(rng.random(part.shape) < 0.01, _pick((np.nan, np.inf, 1e300), rng), part),
            lambda: part.tolist(),
            lambda: {"data": part, "shape": part.shape},
            lambda: np.array([part, None], dtype=object),
        ),
        rng,
    )()


_OF_TYPES: tuple[tuple[Any, tuple[Callable[[Any, np.random.Generator], Any], ...]], ...] = (
    (dict, (_of_dict,)),
    ((list, tuple), (_of_list,)),
    (np.ndarray, (_of_array,)),
    ((bool, int, float, np.number), (_of_number,)),
    (str, (_of_text,)),
)


# Writing


def _plain(value: Any) -> Any:
    """Of what JSON has no word for."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _as_json(tree: Any, rng: np.random.Generator) -> bytes:
    form: dict[str, Any] = _pick(({}, {}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}), rng)
    return json.dumps(None if tree is LOST else tree, default=_plain, **form).encode("utf-8", "surrogatepass")


def _as_pickle(tree: Any, rng: np.random.Generator) -> bytes:
    return pickle.dumps(None if tree is LOST else tree, protocol=int(rng.integers(6)))


def _as_npy(tree: Any, rng: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.empty(0) if tree is LOST else tree)
    return stream.getvalue()


def _as_objects(tree: Any, rng: np.random.Generator) -> bytes:
    box = np.empty((), dtype=object)
    box[()] = None if tree is LOST else tree
    return _as_npy(tree if isinstance(tree, np.ndarray) and tree.dtype.hasobject else box, rng)


def _as_npz(tree: Any, rng: np.random.Generator) -> bytes:
    members = tree if isinstance(tree, dict) else {"arr_0": tree}
    stream = io.BytesIO()
    method = zipfile.ZIP_STORED if rng.random() < 0.8 else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(stream, "w", method, compresslevel=1) as archive:
        for name, value in members.items():
            archive.writestr(f"{name}.npy", _as_npy(value, rng))
    return stream.getvalue()


def _as_table(separator: str) -> Callable[[Any, np.random.Generator], bytes]:
    def write(tree: Any, rng: np.random.Generator) -> bytes:
        rows = tree if isinstance(tree, list) else [tree]
        between = separator if rng.random() < 0.9 else _pick("\t,; |", rng)
        lines = (between.join(map(str, row)) if isinstance(row, (list, tuple)) else str(row) for row in rows)
        return _pick(("\n", "\n", "\r\n", "\r"), rng).join(lines).encode("utf-8", "surrogatepass")

    return write


_WRITERS = {"json": _as_json, "pickle": _as_pickle, "npy": _as_npy, "npz": _as_npz, "objects": _as_objects} | {
    f"table{separator}": _as_table(separator) for separator in "\t,; "
}

"""What values read from a pickle are as arrays: numbers, lists, chumpy objects, SciPy's sparse
matrices."""

from __future__ import annotations

import numpy as np

from .pickle_budget import Placeholder
from .pickle_tensors import TENSOR, tensor_array

MAX_ELEMENTS = 20_000_000
"""Numbers of a nested list."""
MAX_DENSE = 5_000_000
"""Elements of a sparse matrix, made dense: SMPL-X's joint regressor has 576,000."""


def to_array(value: object) -> np.ndarray:
    """The array that a loaded value is: an array, number, string, (nested) list, chumpy object or
    sparse matrix.

    Sparse matrices become dense. Raises ValueError, with words for the user, for anything else; the
    caller knows the file and the field. The result may share memory with the value and may be
    read-only.
    """
    return _to_array(value, depth=0)


def _to_array(value: object, depth: int) -> np.ndarray:
    if depth > 16:
        raise ValueError("objects nested too deeply")
    if isinstance(value, np.ndarray):
        if value.dtype != object:
            return value
        return _to_array(value.item() if value.size == 1 else value.tolist(), depth + 1)
    if isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return np.asarray(value)
    if isinstance(value, (list, tuple)):
        return _list_to_array(value, depth)
    if isinstance(value, Placeholder) and value.kind == TENSOR:
        return tensor_array(value)
    if isinstance(value, Placeholder) and not value.kind.startswith("torch."):
        return (
            _sparse_to_dense(value)
            if value.kind.startswith("scipy.")
            else _chumpy_to_array(value, depth)
        )
    raise ValueError(f"a {getattr(value, 'kind', type(value).__name__)}, not an array")


def _list_to_array(values: list | tuple, depth: int) -> np.ndarray:
    if all(type(value) in (bool, int, float) for value in values):
        return np.asarray(values)
    items = [_to_array(values[0], depth + 1)]
    # Nested lists may be one list many times.
    if max(items[0].size, 1) * len(values) > MAX_ELEMENTS:
        raise ValueError("nested lists too long")
    for value in values[1:]:
        items.append(_to_array(value, depth + 1))
        if items[-1].shape != items[0].shape:
            raise ValueError(
                f"a list of arrays of different shapes, {items[0].shape} and {items[-1].shape}"
            )
    return np.stack(items)


def _chumpy_to_array(value: Placeholder, depth: int) -> np.ndarray:
    """The array of a chumpy leaf (`Ch` keeps it as `x`) or of one of the reorderings that chumpy
    makes when indexed."""
    kind, state = value.kind.rpartition(".")[2], value.state
    if kind == "Ch" and "x" in state:
        return _to_array(state["x"], depth + 1)
    if kind not in ("Select", "Reshape", "transpose") or "a" not in state:
        raise ValueError(
            f"a {value.kind} expression; save the body again with its arrays evaluated"
        )
    array = _to_array(state["a"], depth + 1)
    try:
        if kind == "Reshape":
            return array.reshape(state["newshape"])
        if kind == "transpose":
            return array.transpose(state.get("axes"))
        picked = array.ravel()[_to_array(state["idxs"], depth + 1)]
        return picked.reshape(state.get("preferred_shape", picked.shape))
    except (LookupError, TypeError, ValueError) as cause:
        raise ValueError(f"a damaged {value.kind} ({cause})") from cause


def _sparse_to_dense(value: Placeholder) -> np.ndarray:
    kind, state = value.kind.rpartition(".")[2], value.state

    def integers(key: str) -> np.ndarray:
        array = to_array(state[key])
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(f"its {key} are no integers")
        return array.astype(np.int64)

    try:
        rows, columns = map(int, state["_shape"] if "_shape" in state else state["shape"])
        data = to_array(state["data"])
        if kind[:3] in ("csc", "csr"):
            minor, starts = integers("indices"), integers("indptr")
            if starts[0] != 0 or starts[-1] != len(minor) or (starts[1:] < starts[:-1]).any():
                raise ValueError("its indptr does not rise from 0 to the number of entries")
            major = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            row, column = (minor, major) if kind[:3] == "csc" else (major, minor)
        elif kind[:3] == "coo":
            if "coords" in state:  # SciPy 1.13 and later
                state = {"row": state["coords"][0], "col": state["coords"][1]}
            row, column = integers("row"), integers("col")
        else:
            raise ValueError("only csc, csr and coo are read")
        if data.shape != row.shape or row.shape != column.shape or data.dtype.kind not in "biuf":
            raise ValueError("its parts do not fit together")
        if min(rows, columns) < 0 or rows * columns > MAX_DENSE:
            raise ValueError(f"its shape is ({rows}, {columns})")
        if row.size and (
            min(row.min(), column.min()) < 0 or row.max() >= rows or column.max() >= columns
        ):
            raise ValueError(f"an index lies outside its shape ({rows}, {columns})")
    except (ArithmeticError, LookupError, TypeError, ValueError) as cause:
        raise ValueError(f"a sparse {value.kind} that cannot be used ({cause})") from cause
    dense = np.zeros((rows, columns))
    np.add.at(dense, (row, column), data)
    return dense

"""Arrays and JSON in a mesh: attributes on its vertices, written and read in bulk, and a custom
property."""

from __future__ import annotations

import json
from collections.abc import Mapping

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ..stored_facts import Fields, check, is_whole, parsed

FORMAT = 1
"""Of what is stored; a newer one is refused."""
_WRITTEN_AS = Fields(format=is_whole)
_FEW_VALUES = 500
"""Values up to which it is quicker to write them one by one."""
_BEYOND_ALL = 1e9
"""Metres, radians and shares are smaller; what is not, or no number, was written by somebody
else."""
_FIELDS = {
    "FLOAT": ("value", np.float32, 1),
    "FLOAT_VECTOR": ("vector", np.float32, 3),
    "QUATERNION": ("value", np.float32, 4),
    "INT": ("value", np.int32, 1),
}
"""Of each kind of attribute the name, type and count of its values."""


def write(mesh: bpy.types.Mesh, name: str, kind: str, values: np.ndarray) -> None:
    field, dtype, _ = _FIELDS[kind]
    attribute = _made(mesh, name, kind)
    attribute.data.foreach_set(field, np.ascontiguousarray(values, dtype=dtype).ravel())


def optional_attribute(mesh: bpy.types.Mesh, name: str, kind: str) -> bpy.types.Attribute | None:
    """An attribute; None where there is none, or where the one of that name is of another kind, and
    so somebody else's."""
    attribute = mesh.attributes.get(name)
    if attribute is None or (attribute.data_type, attribute.domain) != (kind, "POINT"):
        return None
    return attribute


def has_attribute(mesh: bpy.types.Mesh, name: str, kind: str) -> bool:
    return optional_attribute(mesh, name, kind) is not None


def _made(mesh: bpy.types.Mesh, name: str, kind: str) -> bpy.types.Attribute:
    """An attribute, made where there is none; one of another kind gives way."""
    if attribute := optional_attribute(mesh, name, kind):
        return attribute
    if name in mesh.attributes:
        mesh.attributes.remove(mesh.attributes[name])
    return mesh.attributes.new(name, kind, "POINT")


def attribute_of(mesh: bpy.types.Mesh, name: str, kind: str) -> bpy.types.Attribute:
    """Raises `LsmplError` where there is none, or one of another kind."""
    attribute = optional_attribute(mesh, name, kind)
    if attribute is None:
        raise LsmplError(f"{mesh.name}: has lost its attribute {name!r}; import the take again")
    return attribute


def read(mesh: bpy.types.Mesh, name: str, kind: str) -> np.ndarray:
    """All values of an attribute, flat. Raises `LsmplError` where there is none, or its numbers are
    none of ours."""
    field, dtype, count = _FIELDS[kind]
    attribute = attribute_of(mesh, name, kind)
    values = np.empty(len(attribute.data) * count, dtype=dtype)
    attribute.data.foreach_get(field, values)
    return _checked(mesh, name, kind, values)


def read_rows(
    mesh: bpy.types.Mesh, name: str, kind: str, rows: slice, otherwise: float | None = None
) -> np.ndarray:
    """(N,) or (N,3) values of the vertices from one to another; takes no longer where there are
    many. Where there is no such attribute they are `otherwise`, if that is given.

    Raises `LsmplError` as `read` does.
    """
    field, dtype, count = _FIELDS[kind]
    if otherwise is not None and not has_attribute(mesh, name, kind):
        length = rows.stop - rows.start
        return np.full(length if count == 1 else (length, count), otherwise, dtype=dtype)
    data = attribute_of(mesh, name, kind).data
    values = np.array([getattr(item, field) for item in data[rows]], dtype=dtype)
    return _checked(mesh, name, kind, values)


def _checked(mesh: bpy.types.Mesh, name: str, kind: str, values: np.ndarray) -> np.ndarray:
    """Of quaternions who reads them takes those of length one alone."""
    if kind in ("FLOAT", "FLOAT_VECTOR") and not (np.abs(values) < _BEYOND_ALL).all():
        raise LsmplError(
            f"{mesh.name}: its attribute {name!r} has numbers beyond all measure; "
            "import the take again, or, if it is of the solve, solve again"
        )
    return values


def change(
    mesh: bpy.types.Mesh, name: str, kind: str, rows: np.ndarray, values: np.ndarray
) -> None:
    """Write the values of some vertices; those of others stay, or are 0 where there was no such
    attribute."""
    field, _, _ = _FIELDS[kind]
    attribute = _made(mesh, name, kind)
    if len(rows) > _FEW_VALUES:
        everything = read(mesh, name, kind).reshape(len(attribute.data), -1)
        everything[rows] = np.reshape(values, (len(rows), -1))
        write(mesh, name, kind, everything)
        return
    data = attribute.data
    for row, value in zip(rows.tolist(), values.tolist()):
        setattr(data[row], field, value)


def store_json(mesh: bpy.types.Mesh, key: str, facts: Mapping) -> None:
    mesh[key] = json.dumps({**facts, "format": FORMAT})


def load_json(mesh: bpy.types.Mesh, key: str, fields: Fields) -> dict:
    """As it was stored. Raises `LsmplError` where it is not, or was by a newer version."""
    facts = parsed(mesh, key)
    check(mesh, key, _WRITTEN_AS)
    if facts["format"] > FORMAT:
        raise LsmplError(
            f"{mesh.name}: was stored by a newer LSMPL; update the extension to read it"
        )
    check(mesh, key, fields)
    return facts

"""Datablocks over a `yield`: noted while they are there, and looked up again after the user may
have done anything."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Generic, TypeVarTuple, cast

import bpy

from ..lsmpl_core import LsmplError

Blocks = TypeVarTuple("Blocks")


class Held(Generic[*Blocks]):
    """Some datablocks that a job works on; None stands for one that it does without.

    Python must not hold on to a datablock while Blender has its turn: an undo or a deletion leaves
    it pointing at freed memory. This keeps their `session_uid`, which renaming leaves as it is and
    an undo gives back.
    """

    def __init__(self, *blocks: *Blocks, doing: str = "worked on"):
        """doing: what happens to them meanwhile, for the error: "solved", "baked", ..."""
        noted: tuple[Any, ...] = blocks
        self._notes = [
            (type(block), block.session_uid, block.name) if block else None for block in noted
        ]
        self._doing = doing

    @property
    def names(self) -> tuple[str, ...]:
        """What they were called when they were noted."""
        return tuple(note[2] if note else "" for note in self._notes)

    def again(self) -> tuple[*Blocks]:
        """The same datablocks as they are now, under whatever names.

        Raises `LsmplError` where one was deleted, or an undo led to a time when there was none.
        """
        found: tuple[Any, ...] = self.left()
        for note, block in zip(self._notes, found):
            if note and block is None:
                raise LsmplError(
                    f"{note[2]}: was deleted, or an undo took it away, while it was being "
                    f"{self._doing}; nothing was kept"
                )
        return cast(tuple[*Blocks], found)

    def left(self) -> tuple[*Blocks]:
        """As `again`, with None for those that are not there any more."""
        wanted = {note[1] for note in self._notes if note}
        kinds = {note[0] for note in self._notes if note}
        found = {
            block.session_uid: block
            for kind in kinds
            for block in _all(kind)
            if block.session_uid in wanted
        }
        left = tuple(found.get(note[1]) if note else None for note in self._notes)
        return cast(tuple[*Blocks], left)


def _all(kind: type[bpy.types.ID]) -> Iterable[bpy.types.ID]:
    """All datablocks of a type that jobs work on; a scene's own collection is in no list of
    Blender's."""
    data = bpy.data
    if kind is bpy.types.Collection:
        return chain(data.collections, (scene.collection for scene in data.scenes))
    return {
        bpy.types.Object: data.objects,
        bpy.types.Scene: data.scenes,
        bpy.types.Action: data.actions,
        bpy.types.Mesh: data.meshes,
    }[kind]

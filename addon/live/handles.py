"""Handles: an object for each keypoint of the frame that is shown, and for each finger tip, to be
moved with any of Blender's tools.

They are runtime data: undo knows them, but they are never saved. What a handle is for, and where it
was put when it was last brought in line with its take, is kept as custom properties on it, so that
they, too, are undone and redone. They are no children of the take, for Blender would draw a line
from each to its parent.

All have the same mesh for as long as they live, whatever their keypoint is: `looks.py` draws that
over them. Handles go with the frame outside of any undo step, and there a handle must not be given
another mesh: Blender's undo evaluates anew what was tagged between two steps, and steps of the same
kind that follow each other ("Frame Change") become one, with the tags of the last alone. A mesh
swapped between them comes back without its evaluation, and Blender crashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import bmesh
import bpy
import numpy as np

from ..selection import HANDLE_KEY, is_handle

_PUT, _SHAPE = "lsmpl_put", "lsmpl_shape"
_SPACE, _TAKE_AT = "lsmpl_space", "lsmpl_take_at"
COLLECTION = "LSMPL Live"

RADIUS = 0.022
"""Of a handle, in metres of the take."""
_TIP_SIZE = 0.35
"""Of a finger tip's handle, in sizes of the others'."""
SAME_PLACE = 1e-5
"""Metres: Blender keeps places in single precision."""


def create_handles(names: Sequence[str], scene: bpy.types.Scene) -> bpy.types.Collection:
    """A handle for each keypoint, in a collection of their own in the scene."""
    collection = bpy.data.collections.new(COLLECTION)
    collection.is_runtime_data = True
    collection.hide_render = True
    scene.collection.children.link(collection)
    shape = _shape()
    for keypoint, name in enumerate(names):
        _create_one(keypoint, name, collection, shape)
    return collection


def _create_one(keypoint: int, name: str, collection, shape: bpy.types.Mesh) -> bpy.types.Object:
    handle = bpy.data.objects.new(name, shape)
    handle.is_runtime_data = True
    handle.display_type = "WIRE"
    handle.hide_render = handle.show_in_front = True
    handle.lock_rotation = handle.lock_scale = (True, True, True)
    handle[HANDLE_KEY] = keypoint
    handle[_PUT] = [0.0, 0.0, 0.0]
    collection.objects.link(handle)
    return handle


def remove_handles(collection: bpy.types.Collection) -> None:
    """Take all handles away, and what only they used."""
    for handle in list(collection.objects):
        if not is_handle(handle):  # somebody put it there
            if len(handle.users_collection) == 1:
                bpy.context.scene.collection.objects.link(handle)
            continue
        discard(handle)
    bpy.data.collections.remove(collection)
    _discard_lost()


def discard(handle: bpy.types.Object) -> None:
    drop_animation(handle)
    bpy.data.objects.remove(handle)


def _discard_lost() -> None:
    """Handles that somebody took out of their collection, and meshes that no handle has any more:
    that of the last one, and those that came with copies."""
    for obj in list(bpy.data.objects):
        if is_handle(obj) and not any(_SPACE in collection for collection in obj.users_collection):
            discard(obj)
    unused = [mesh for mesh in bpy.data.meshes if _SHAPE in mesh and not mesh.users]
    bpy.data.batch_remove(unused)


def drop_animation(handle: bpy.types.Object) -> None:
    """Auto Keying gives handles keys, which would hold them where they are."""
    action = handle.animation_data.action if handle.animation_data else None
    handle.animation_data_clear()
    if action and not action.users:
        bpy.data.actions.remove(action)


class Handles:
    """The handles of a take as they are now, in the order of its keypoints, then of its finger
    tips, which the last `tips` of them are of."""

    def __init__(
        self, collection: bpy.types.Collection, take: bpy.types.Object, count: int, tips: int = 0
    ):
        self.collection, self.take, self.tips = collection, take, tips
        self.to_world = np.reshape(collection.get(_SPACE, take.matrix_world), (4, 4))
        self.objects: list[Any] = [None] * count  # None stays where one was deleted
        self.strays = []
        for obj in collection.objects:
            keypoint = obj.get(HANDLE_KEY)
            if keypoint is None:
                continue
            if keypoint < count and self.objects[keypoint] is None:
                self.objects[keypoint] = obj
            else:
                self.strays.append(obj)

    @property
    def first_tip(self) -> int:
        """The number of the first handle that is a finger tip's."""
        return len(self.objects) - self.tips

    def show_tips(self, shown: bool) -> None:
        """Show the handles of finger tips, or hide them, where they cannot be selected."""
        for handle in filter(None, self.objects[self.first_tip :]):
            if not shown:
                handle.select_set(False)
            handle.hide_viewport = not shown

    @property
    def whole(self) -> bool:
        return not self.strays and None not in self.objects

    def mend(self, names: Sequence[str]) -> None:
        """Make those anew that were deleted, remove copies, and take away keys. An undo step has to
        follow."""
        for stray in self.strays:
            discard(stray)
        _discard_lost()
        self.strays = []
        for keypoint, handle in enumerate(self.objects):
            if handle is None:
                self.objects[keypoint] = _create_one(
                    keypoint, names[keypoint], self.collection, _shape()
                )
            elif handle.animation_data:
                drop_animation(handle)

    def locations(self) -> np.ndarray:
        """(K,3) metres, in the take's space."""
        return self._in_take([handle.location[:] for handle in self.objects])

    def _in_take(self, world: list) -> np.ndarray:
        return np.linalg.solve(self.to_world[:3, :3], (np.array(world) - self.to_world[:3, 3]).T).T

    def moved(self) -> np.ndarray:
        """(K,) which of them somebody else has moved since."""
        return np.array([handle.location[:] != tuple(handle[_PUT]) for handle in self.objects])

    def put(self, positions: np.ndarray, which: np.ndarray | None = None) -> None:
        """Put them, or those of them that a mask (K,) says, at positions (K,3) in metres, in the
        take's space."""
        world = (positions @ self.to_world[:3, :3].T + self.to_world[:3, 3]).tolist()
        for keypoint, handle in enumerate(self.objects):
            if which is None or which[keypoint]:
                handle.location = world[keypoint]
                handle[_PUT] = handle.location[:]

    @property
    def animated(self) -> bool:
        """Whether Auto Keying has given handles keys."""
        return any(handle.animation_data for handle in self.objects if handle)

    @property
    def displaced(self) -> bool:
        """Whether the take itself was moved since `fit`."""
        fitted_to = np.reshape(self.collection[_TAKE_AT], (4, 4))
        return not _same(fitted_to, np.array(self.take.matrix_world))

    def fit(self, raised: np.ndarray) -> None:
        """From now on be in the space that the take has now, raised in it by (3,) metres, and as
        large as it."""
        self.collection[_TAKE_AT] = np.ravel(self.take.matrix_world).tolist()
        self.to_world = self._space(raised)
        self.collection[_SPACE] = self.to_world.ravel().tolist()
        size = float(np.cbrt(abs(np.linalg.det(self.to_world[:3, :3]))))
        for number, handle in enumerate(self.objects):
            own = size * _TIP_SIZE if number >= self.first_tip else size
            handle.scale = (own, own, own)

    def fits(self, raised: np.ndarray) -> bool:
        """Whether they are in the space that `fit` would put them in."""
        return _same(self.to_world, self._space(raised))

    def _space(self, raised: np.ndarray) -> np.ndarray:
        space = np.array(self.take.matrix_world)
        space[:3, 3] += space[:3, :3] @ raised
        return space

    def selected(self) -> list[int]:
        """The numbers of the handles that are selected."""
        return [keypoint for keypoint, handle in enumerate(self.objects) if handle.select_get()]

    def select(self, keypoints: Iterable[int]) -> None:
        """Select just these handles, of all objects."""
        layer = bpy.context.view_layer
        for obj in filter(None, layer.objects):  # right after a removal, there are gaps
            obj.select_set(False)
        for keypoint in keypoints:
            self.objects[keypoint].select_set(True)
            layer.objects.active = self.objects[keypoint]


def _shape() -> bpy.types.Mesh:
    """The mesh that all handles share; made where the file has none."""
    found = next((mesh for mesh in bpy.data.meshes if _SHAPE in mesh), None)
    if found:
        return found
    mesh = bpy.data.meshes.new("LSMPL Handle")
    mesh.is_runtime_data = True
    mesh[_SHAPE] = True
    form = bmesh.new()
    bmesh.ops.create_icosphere(form, subdivisions=2, radius=RADIUS)
    form.to_mesh(mesh)
    form.free()
    return mesh


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Of matrices (4,4), whether they are the same place. `np.allclose` takes a quarter of a
    millisecond, with every move of a drag."""
    return bool((np.abs(one - other) <= SAME_PLACE).all())

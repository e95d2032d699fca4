"""Viewports that are sent to look through a picture's camera or at a plane, and back.

An undo takes the camera away and leaves viewports where they are, since where they look is no part
of what is undone; Blender then goes on through the scene's own camera. So whoever is sent away
remembers how it looked before, until a file is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..registration import registration

_FROM_IN_FRONT = 2**-0.5, 2**-0.5, 0.0, 0.0
_LOOKS = (
    "view_location",
    "view_rotation",
    "view_distance",
    "view_camera_zoom",
    "view_camera_offset",
    "view_perspective",
)
"""Of a `RegionView3D`; the last one is set last, as setting others may change it."""


@dataclass
class _Sent:
    """A viewport that was sent: to which picture (its session_uid), how it looked before and how it
    looked there, and whether it is back because the picture went."""

    picture: int
    before: dict[str, Any]
    there: dict[str, Any]
    is_back: bool = False


_sent: dict[int, _Sent] = {}
"""By the addresses of viewports' areas, which stay through undo and redo."""


def look_through(
    context: bpy.types.Context, shown_by: bpy.types.Object, toggle: bool = False
) -> None:
    """Let the viewports look through a picture's camera, or at a plane from in front; with
    `toggle`, those that do so already look as before again."""
    for area in context.screen.areas if context.screen else ():
        if area.type != "VIEW_3D":
            continue
        sent = _sent.get(area.as_pointer())
        if toggle and _is_there(area, shown_by):
            _go_back(area, sent)
            continue
        before = _looks(area)
        if sent is not None and not sent.is_back and _is_at(area, sent.picture):
            before = sent.before
        _go(context, area, shown_by)
        _sent[area.as_pointer()] = _Sent(shown_by.session_uid, before, _looks(area))


def let_go() -> None:
    """Viewports that look through a picture's camera that is gone look as before; those whose
    camera is there again look through it again."""
    for area in _viewports():
        sent = _sent.get(area.as_pointer())
        if sent is None:
            continue
        picture = _object(sent.picture)
        if picture is None and not sent.is_back and sent.there["camera"] == sent.picture:
            if area.spaces.active.region_3d.view_perspective == "CAMERA":
                _put(area, sent.before)
                sent.is_back = True
        elif picture is not None and sent.is_back:
            _put(area, sent.there)
            sent.is_back = False


def _go(context: bpy.types.Context, area: bpy.types.Area, shown_by: bpy.types.Object) -> None:
    space, region = area.spaces.active, area.spaces.active.region_3d
    if shown_by.type != "CAMERA":
        region.view_rotation, region.view_perspective = _FROM_IN_FRONT, "ORTHO"
        return
    space.use_local_camera, space.camera = True, shown_by
    region.view_perspective = "CAMERA"
    if not bpy.app.background:  # all of its frame, as large as can be
        window = next(region for region in area.regions if region.type == "WINDOW")
        with context.temp_override(area=area, region=window):
            bpy.ops.view3d.view_center_camera()


def _go_back(area: bpy.types.Area, sent: _Sent | None) -> None:
    if sent is not None:
        _put(area, sent.before)
        del _sent[area.as_pointer()]
        return
    area.spaces.active.use_local_camera = False  # sent in an earlier session
    area.spaces.active.region_3d.view_perspective = "PERSP"


def _is_there(area: bpy.types.Area, shown_by: bpy.types.Object) -> bool:
    """Whether a viewport looks through a picture's camera, or as it was sent to, at its plane."""
    space, region = area.spaces.active, area.spaces.active.region_3d
    if shown_by.type == "CAMERA":
        return region.view_perspective == "CAMERA" and space.camera == shown_by
    sent = _sent.get(area.as_pointer())
    return (
        sent is not None
        and sent.picture == shown_by.session_uid
        and region.view_perspective == "ORTHO"
        and max(abs(a - b) for a, b in zip(region.view_rotation, _FROM_IN_FRONT)) < 1e-4
    )


def _is_at(area: bpy.types.Area, picture: int) -> bool:
    shown_by = _object(picture)
    if shown_by is None:  # removed a moment ago, for another one
        return area.spaces.active.region_3d.view_perspective == "CAMERA"
    return _is_there(area, shown_by)


def _looks(area: bpy.types.Area) -> dict[str, Any]:
    space, region = area.spaces.active, area.spaces.active.region_3d
    found = {name: getattr(region, name) for name in _LOOKS}
    found = {name: look.copy() if hasattr(look, "copy") else look for name, look in found.items()}
    found["view_camera_offset"] = tuple(region.view_camera_offset)
    camera = space.camera.session_uid if space.camera else None
    return {"use_local_camera": space.use_local_camera, "camera": camera, **found}


def _put(area: bpy.types.Area, looks: dict[str, Any]) -> None:
    space, region = area.spaces.active, area.spaces.active.region_3d
    space.use_local_camera = looks["use_local_camera"]
    if looks["use_local_camera"]:
        space.camera = _object(looks["camera"])
    for name in _LOOKS:
        setattr(region, name, looks[name])


def _object(uid: int | None) -> bpy.types.Object | None:
    """One of a scene's, by what stays through undo and renaming."""
    return next((o for o in bpy.data.objects if o.session_uid == uid and o.users_scene), None)


def _viewports() -> list[bpy.types.Area]:
    """All of them, those of workspaces that are not shown, too."""
    areas = (area for screen in bpy.data.screens for area in screen.areas)
    return [area for area in areas if area.type == "VIEW_3D"]


@persistent
def _on_undo(*_) -> None:
    if _sent:
        let_go()


@persistent
def _on_load(*_) -> None:
    _sent.clear()


register, _unregister = registration(
    (), handlers={"undo_post": _on_undo, "redo_post": _on_undo, "load_post": _on_load}
)


def unregister() -> None:
    _unregister()
    _sent.clear()

"""How a take looks in the viewport: a Geometry Nodes modifier that shows the current frame's
keypoints and skeleton, and its settings."""

from __future__ import annotations

import bpy

from .display_nodes import (
    COLOURS,
    GROUP_VERSION,
    MARKERS_FAIR_METRES,
    MARKERS_POOR_METRES,
    node_group,
)

MODIFIER = "LSMPL Keypoints"


def show(take: bpy.types.Object, keypoints: int, markers: bool = False) -> None:
    """Give a take its modifier; `sync` tells it when the take plays. Markers are coloured by
    stricter limits."""
    modifier = take.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = node_group()
    _set_input(modifier, "Keypoints", keypoints)
    if markers:
        _set_input(modifier, "Fair", MARKERS_FAIR_METRES)
        _set_input(modifier, "Poor", MARKERS_POOR_METRES)
    take.show_in_front = True
    take.color = (*COLOURS["Seen"], 1.0)


def sync(take: bpy.types.Object) -> None:
    """Pass on when the take plays (`take.lsmpl.start` and `.step`), after either has changed."""
    if setting_of(take) is not None:
        _set_input(setting_of(take), "Start", take.lsmpl.start)
        _set_input(setting_of(take), "Step", take.lsmpl.step)
        take.update_tag()


def setting_of(take: bpy.types.Object) -> bpy.types.NodesModifier | None:
    """The take's modifier, where it still has it."""
    modifier = take.modifiers.get(MODIFIER)
    return modifier if modifier and modifier.type == "NODES" and modifier.node_group else None


def get(take: bpy.types.Object, name: str, otherwise: float | bool) -> float | bool:
    """One of the display's settings: Size, Missing, Fair or Poor."""
    modifier = setting_of(take)
    return (
        otherwise
        if modifier is None or name not in _inputs(modifier)
        else _get_input(modifier, name)
    )


def put(take: bpy.types.Object, name: str, value: float | bool) -> None:
    """Change one of the display's settings."""
    modifier = setting_of(take)
    if modifier is not None and name in _inputs(modifier):
        _set_input(modifier, name, value)
        take.update_tag()


def upgrade(take: bpy.types.Object) -> bool:
    """Show a take that an older LSMPL stored as this one does, with the settings it has. Returns
    whether it was such a one."""
    modifier = setting_of(take)
    if (
        modifier is None
        or take.library
        or modifier.node_group.get("lsmpl_version") == GROUP_VERSION
    ):
        return False
    old = modifier.node_group
    settings = {name: _get_input(modifier, name) for name in _inputs(modifier)}
    modifier.node_group = node_group()
    for name in settings.keys() & _inputs(modifier):
        _set_input(modifier, name, settings[name])
    if old.users == 0:
        bpy.data.node_groups.remove(old)
    return True


def _inputs(modifier: bpy.types.NodesModifier) -> dict[str, str]:
    """The identifiers of a modifier's inputs, by name."""
    sockets = modifier.node_group.interface.items_tree
    return {
        s.name: s.identifier
        for s in sockets
        if s.item_type == "SOCKET" and s.in_out == "INPUT" and s.socket_type != "NodeSocketGeometry"
    }


def _set_input(modifier: bpy.types.NodesModifier, name: str, value: float | bool) -> None:
    identifier = _inputs(modifier)[name]
    if hasattr(modifier, "properties"):  # Blender 5.2 on
        getattr(modifier.properties.inputs, identifier).value = value
    else:
        modifier[identifier] = value


def _get_input(modifier: bpy.types.NodesModifier, name: str) -> float | bool:
    identifier = _inputs(modifier)[name]
    if hasattr(modifier, "properties"):
        return getattr(modifier.properties.inputs, identifier).value
    return modifier[identifier]

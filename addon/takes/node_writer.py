"""Nodes of a geometry node group, made and linked in a line each."""

from __future__ import annotations

import bpy


class NodeWriter:
    """Adds nodes to a group. Each method returns the new node, or its output where it has one."""

    def __init__(self, group: bpy.types.NodeTree):
        self.group = group

    def join(self, *parts) -> bpy.types.NodeSocket:
        joined = self.node("GeometryNodeJoinGeometry")
        for part in parts:
            self.group.links.new(part, joined.inputs[0])
        return joined.outputs[0]

    def node(self, kind: str, *links, **settings) -> bpy.types.Node:
        """A node with its properties set, and its enabled inputs linked or set in order (None
        leaves one alone)."""
        made = self.group.nodes.new(kind)
        for key, value in settings.items():
            setattr(made, key, value)
        sockets = [socket for socket in made.inputs if socket.enabled]
        for socket, value in zip(sockets, links):
            if isinstance(value, bpy.types.NodeSocket):
                self.group.links.new(value, socket)
            elif value is not None:
                socket.default_value = value
        return made

    def math(self, operation: str, a, b=None) -> bpy.types.NodeSocket:
        return self.node("ShaderNodeMath", a, b, operation=operation).outputs[0]

    def both(self, operation: str, a, b=None) -> bpy.types.NodeSocket:
        return self.node("FunctionNodeBooleanMath", a, b, operation=operation).outputs[0]

    def switch(self, condition, otherwise, value, input_type: str) -> bpy.types.NodeSocket:
        return self.node(
            "GeometryNodeSwitch", condition, otherwise, value, input_type=input_type
        ).outputs[0]

    def compare(self, a, operation: str, b) -> bpy.types.NodeSocket:
        return self.node(
            "FunctionNodeCompare", a, b, data_type="FLOAT", operation=operation
        ).outputs[0]

    def equals(self, state, value: int) -> bpy.types.NodeSocket:
        return self.node(
            "FunctionNodeCompare", state, value, data_type="INT", operation="EQUAL"
        ).outputs[0]

    def of_point(self, name: str, data_type: str) -> bpy.types.NodeSocket:
        """An attribute of the points."""
        return self.named(self.attribute(name, data_type), "Attribute")

    def attribute(self, name: str, data_type: str) -> bpy.types.Node:
        return self.node("GeometryNodeInputNamedAttribute", name, data_type=data_type)

    def sample(
        self, geometry, value, index, data_type: str, domain: str = "POINT"
    ) -> bpy.types.NodeSocket:
        kind = "GeometryNodeSampleIndex"
        return self.node(kind, geometry, value, index, data_type=data_type, domain=domain).outputs[
            0
        ]

    def named(self, node: bpy.types.Node, name: str) -> bpy.types.NodeSocket:
        return next(socket for socket in node.outputs if socket.enabled and socket.name == name)

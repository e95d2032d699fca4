"""How a take looks in the viewport: a Geometry Nodes modifier that shows the current frame's keypoints and skeleton.

The node group reads only the take's mesh and its own inputs, so it plays in a Blender without this add-on.
"""

from __future__ import annotations

import bpy

MODIFIER = "LSMPL Keypoints"
GROUP = "LSMPL Keypoints"
_VERSION = 1

FAIR, POOR = 0.03, 0.06
"""Metres: residuals above these are coloured as fair and as poor."""

_COLOURS = {
    "Seen": (0.05, 0.35, 0.9),
    "Unsure": (0.45, 0.35, 0.75),
    "Good": (0.05, 0.6, 0.15),
    "Fair": (0.95, 0.55, 0.02),
    "Poor": (0.85, 0.03, 0.03),
    "Skeleton": (0.55, 0.6, 0.68),
}


def show(take: bpy.types.Object, keypoints: int) -> None:
    """Give a take its modifier; `sync` tells it when the take plays."""
    modifier = take.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = _node_group()
    _set_input(modifier, "Keypoints", keypoints)
    take.show_in_front = True
    take.color = (*_COLOURS["Seen"], 1.0)


def sync(take: bpy.types.Object) -> None:
    """Pass on when the take plays (`take.lsmpl.start` and `.step`), after either has changed."""
    modifier = take.modifiers.get(MODIFIER)
    if modifier and modifier.type == "NODES" and modifier.node_group:
        _set_input(modifier, "Start", take.lsmpl.start)
        _set_input(modifier, "Step", take.lsmpl.step)
        take.update_tag()


def material(name: str, colour: tuple[float, float, float], roughness: float = 0.5) -> bpy.types.Material:
    """A plain material of that name, made where the file has none."""
    found = bpy.data.materials.get(name)
    if found:
        return found
    made = bpy.data.materials.new(name)
    made.diffuse_color = (*colour, 1.0)
    made.roughness = roughness
    if bpy.app.version < (5, 0, 0):
        made.use_nodes = True
    shader = next((node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader:
        shader.inputs["Base Color"].default_value = (*colour, 1.0)
        shader.inputs["Roughness"].default_value = roughness
    return made


def _set_input(modifier: bpy.types.NodesModifier, name: str, value: float) -> None:
    sockets = modifier.node_group.interface.items_tree
    identifier = next(s.identifier for s in sockets if s.item_type == "SOCKET" and s.name == name)
    if hasattr(modifier, "properties"):  # Blender 5.2 on
        getattr(modifier.properties.inputs, identifier).value = value
    else:
        modifier[identifier] = value


def _node_group() -> bpy.types.NodeTree:
    for group in bpy.data.node_groups:
        if group.get("lsmpl_version") == _VERSION and group.library is None:
            return group
    group = bpy.data.node_groups.new(GROUP, "GeometryNodeTree")
    group["lsmpl_version"] = _VERSION
    _Builder(group).build()
    return group


class _Builder:
    """Writes the node group: K points at the current frame, a sphere on each, a thin tube along each edge."""

    def __init__(self, group: bpy.types.NodeTree):
        self.group = group

    def build(self) -> None:
        self._interface()
        track = self.inputs["Geometry"]
        first = self._first_vertex_of_frame(track)
        points = self._points(track, first)
        shown = self.node("GeometryNodeJoinGeometry")
        for part in (self._tubes(track, points), self._spheres(points)):
            self.group.links.new(part, shown.inputs[0])
        output = self.group.nodes.new("NodeGroupOutput")
        self.group.links.new(shown.outputs[0], output.inputs[0])
        for number, node in enumerate(self.group.nodes):
            node.location = (220 * (number % 12), -260 * (number // 12))

    def node(self, kind: str, *links, into: str | None = None, **settings) -> bpy.types.Node:
        """A node with its properties set, and its enabled inputs linked or set in order (None leaves one alone)."""
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

    def compare(self, a, operation: str, b: float) -> bpy.types.NodeSocket:
        return self.node("FunctionNodeCompare", a, b, data_type="FLOAT", operation=operation).outputs[0]

    def is_state(self, state, value: int) -> bpy.types.NodeSocket:
        return self.node("FunctionNodeCompare", state, value, data_type="INT", operation="EQUAL").outputs[0]

    def attribute(self, name: str, data_type: str) -> bpy.types.Node:
        return self.node("GeometryNodeInputNamedAttribute", name, data_type=data_type)

    def sample(self, geometry, value, index, data_type: str, domain: str = "POINT") -> bpy.types.NodeSocket:
        kind = "GeometryNodeSampleIndex"
        return self.node(kind, geometry, value, index, data_type=data_type, domain=domain).outputs[0]

    def named(self, node: bpy.types.Node, name: str) -> bpy.types.NodeSocket:
        return next(socket for socket in node.outputs if socket.enabled and socket.name == name)

    def _interface(self) -> None:
        new = self.group.interface.new_socket
        new("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
        new("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
        for name, kind, default, tip in (
            ("Keypoints", "Int", 1, "How many keypoints a frame has"),
            ("Start", "Float", 0.0, "The scene frame of the take's first frame"),
            ("Step", "Float", 1.0, "Scene frames from one frame of the take to the next"),
            ("Size", "Float", 0.014, "Radius of a keypoint in metres"),
        ):
            socket = new(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
            socket.default_value, socket.description = default, tip
            if name == "Size":
                socket.subtype, socket.min_value = "DISTANCE", 0.0
        node = self.group.nodes.new("NodeGroupInput")
        self.inputs = {socket.name: socket for socket in node.outputs if socket.name}

    def _first_vertex_of_frame(self, track) -> bpy.types.NodeSocket:
        keypoints = self.inputs["Keypoints"]
        scene_frame = self.named(self.node("GeometryNodeInputSceneTime"), "Frame")
        since = self.math("SUBTRACT", scene_frame, self.inputs["Start"])
        frame = self.math("ROUND", self.math("DIVIDE", since, self.inputs["Step"]))
        vertices = self.node("GeometryNodeAttributeDomainSize", track).outputs["Point Count"]
        last = self.math("SUBTRACT", self.math("DIVIDE", vertices, keypoints), 1.0)
        frame = self.math("MAXIMUM", self.math("MINIMUM", frame, last), 0.0)
        return self.math("MULTIPLY", frame, keypoints)

    def _points(self, track, first) -> bpy.types.NodeSocket:
        """K points with the attributes visible, confidence and residual (-1 where not measured)."""
        index = self.node("GeometryNodeInputIndex").outputs[0]
        vertex = self.node("FunctionNodeFloatToInt", self.math("ADD", first, index), rounding_mode="ROUND").outputs[0]

        def at_frame(name: str, data_type: str):
            value = self.named(self.attribute(name, data_type), "Attribute")
            return self.sample(track, value, vertex, data_type)

        state = at_frame("edit_state", "INT")
        placed = self.both("OR", self.is_state(state, 1), self.is_state(state, 3))
        position = self.sample(track, self.node("GeometryNodeInputPosition").outputs[0], vertex, "FLOAT_VECTOR")
        edit = self.node("ShaderNodeVectorMath", at_frame("edit_offset", "FLOAT_VECTOR"), operation="SCALE")
        self.group.links.new(placed, edit.inputs["Scale"])
        position = self.node("ShaderNodeVectorMath", position, edit.outputs[0], operation="ADD").outputs[0]
        confidence = self.math("MAXIMUM", at_frame("confidence", "FLOAT"), placed)
        seen = self.compare(confidence, "GREATER_THAN", 0.0)
        visible = self.both("AND", seen, self.both("NOT", self.is_state(state, 2)))
        measured = self.sample(track, self.named(self.attribute("residual", "FLOAT"), "Exists"), vertex, "BOOLEAN")
        residual = self.node(
            "GeometryNodeSwitch", measured, -1.0, at_frame("residual", "FLOAT"), input_type="FLOAT"
        ).outputs[0]
        points = self.node("GeometryNodePoints", self.inputs["Keypoints"], position).outputs[0]
        for name, data_type, value in (
            ("visible", "BOOLEAN", visible),
            ("confidence", "FLOAT", confidence),
            ("residual", "FLOAT", residual),
        ):
            store = self.node("GeometryNodeStoreNamedAttribute", points, None, name, data_type=data_type)
            self.group.links.new(value, next(s for s in store.inputs if s.enabled and s.name == "Value"))
            points = store.outputs[0]
        return points

    def _spheres(self, points) -> bpy.types.NodeSocket:
        ball = self.node("GeometryNodeMeshIcoSphere", self.inputs["Size"], 2).outputs["Mesh"]
        ball = self.node("GeometryNodeSetShadeSmooth", ball).outputs[0]
        visible = self.named(self.attribute("visible", "BOOLEAN"), "Attribute")
        balls = self.node("GeometryNodeInstanceOnPoints", points, visible, ball).outputs[0]
        balls = self.node("GeometryNodeRealizeInstances", balls).outputs[0]
        for colour, name, operation, limit in (
            ("Seen", None, None, None),
            ("Unsure", "confidence", "LESS_THAN", 0.5),
            ("Good", "residual", "GREATER_EQUAL", 0.0),
            ("Fair", "residual", "GREATER_THAN", FAIR),
            ("Poor", "residual", "GREATER_THAN", POOR),
        ):
            chosen = None
            if name:
                value = self.named(self.attribute(name, "FLOAT"), "Attribute")
                chosen = self.node("FunctionNodeCompare", value, limit, data_type="FLOAT", operation=operation).outputs[
                    0
                ]
            balls = self._painted(balls, colour, chosen)
        return balls

    def _tubes(self, track, points) -> bpy.types.NodeSocket:
        """A tube for each edge of the track's mesh, both ends of which are visible."""
        index = self.node("GeometryNodeInputIndex").outputs[0]
        ends = self.node("GeometryNodeInputMeshEdgeVertices")
        position = self.node("GeometryNodeInputPosition").outputs[0]
        visible = self.named(self.attribute("visible", "BOOLEAN"), "Attribute")
        vertex = [self.sample(track, ends.outputs[end], index, "INT", "EDGE") for end in (0, 1)]
        a, b = (self.sample(points, position, v, "FLOAT_VECTOR") for v in vertex)
        drawn = self.both("AND", *(self.sample(points, visible, v, "BOOLEAN") for v in vertex))
        along = self.node("ShaderNodeVectorMath", b, a, operation="SUBTRACT").outputs[0]
        length = self.node("ShaderNodeVectorMath", along, operation="LENGTH").outputs["Value"]
        total = self.node("ShaderNodeVectorMath", a, b, operation="ADD").outputs[0]
        middle = self.node("ShaderNodeVectorMath", total, (0.5, 0.5, 0.5), operation="MULTIPLY").outputs[0]
        turn = self.node("FunctionNodeAlignRotationToVector", None, None, along, axis="Z").outputs[0]
        stretch = self.node("ShaderNodeCombineXYZ", 1.0, 1.0, length).outputs[0]
        count = self.node("GeometryNodeAttributeDomainSize", track).outputs["Edge Count"]
        centres = self.node("GeometryNodePoints", count, middle).outputs[0]
        tube = self.node("GeometryNodeMeshCylinder", 8, 1, 1, self.math("MULTIPLY", self.inputs["Size"], 0.3), 1.0)
        tube = self.node("GeometryNodeSetShadeSmooth", tube.outputs["Mesh"]).outputs[0]
        tubes = self.node("GeometryNodeInstanceOnPoints", centres, drawn, tube, None, None, turn, stretch).outputs[0]
        return self._painted(self.node("GeometryNodeRealizeInstances", tubes).outputs[0], "Skeleton")

    def _painted(self, geometry, colour: str, chosen=None) -> bpy.types.NodeSocket:
        node = self.node("GeometryNodeSetMaterial", geometry, chosen)
        node.inputs["Material"].default_value = material(f"LSMPL {colour}", _COLOURS[colour])
        return node.outputs[0]

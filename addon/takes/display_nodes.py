"""The node group that shows a take: built once, and read by Blender alone ever after.

A ball is a keypoint that was seen, coloured by how far the solved body is from it. Hollow is what
was not seen, or not believed, where the body has it. The group reads only the take's mesh and its
own inputs, so it plays in a Blender without this add-on.
"""

from __future__ import annotations

import math

import bpy

from .node_writer import NodeWriter

GROUP = "LSMPL Keypoints"
GROUP_VERSION = 4
"""Of the node group; takes with an older one get the new one when a file is loaded or a take is
solved."""

FAIR_METRES, POOR_METRES = 0.03, 0.06
"""Metres: residuals above these are coloured as fair and as poor."""
MARKERS_FAIR_METRES, MARKERS_POOR_METRES = 0.01, 0.02
"""The same of optical markers, which are measured better."""

COLOURS = {
    "Seen": (0.05, 0.35, 0.9),
    "Unsure": (0.45, 0.35, 0.75),
    "Good": (0.05, 0.6, 0.15),
    "Fair": (0.95, 0.55, 0.02),
    "Poor": (0.85, 0.03, 0.03),
    "Swapped": (0.0, 0.6, 0.6),
    "Rejected": (0.75, 0.03, 0.6),
    "Missing": (1.0, 1.0, 1.0),
    "Filled": (0.25, 0.6, 0.95),
    "Skeleton": (0.55, 0.6, 0.68),
}


def material(
    name: str, colour: tuple[float, float, float], roughness: float = 0.5
) -> bpy.types.Material:
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


def node_group() -> bpy.types.NodeTree:
    """The file's group of this version, made where it has none."""
    for group in bpy.data.node_groups:
        if group.get("lsmpl_version") == GROUP_VERSION and group.library is None:
            return group
    group = bpy.data.node_groups.new(GROUP, "GeometryNodeTree")
    group["lsmpl_version"] = GROUP_VERSION
    _Builder(group).build()
    return group


class _Builder(NodeWriter):
    """Writes the node group: K points at the current frame, each a ball or hollow, a thin tube
    along each edge."""

    def build(self) -> None:
        self._interface()
        track = self.inputs["Geometry"]
        first = self._first_vertex_of_frame(track)
        points = self._points(track, first)
        parts = (
            self._tubes(track, points),
            self._balls(points),
            self._stray(points),
            self._hollow(points),
        )
        up = self.node("ShaderNodeCombineXYZ", 0.0, 0.0, self.inputs["Raised"]).outputs[0]
        shown = self.node("GeometryNodeSetPosition", self.join(*parts), None, None, up).outputs[0]
        output = self.group.nodes.new("NodeGroupOutput")
        self.group.links.new(shown, output.inputs[0])
        for number, node in enumerate(self.group.nodes):
            node.location = (220 * (number % 12), -260 * (number // 12))

    def _interface(self) -> None:
        new = self.group.interface.new_socket
        new("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
        new("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
        for name, kind, default, tip in (
            ("Keypoints", "Int", 1, "How many keypoints a frame has"),
            ("Start", "Float", 0.0, "The scene frame of the take's first frame"),
            ("Step", "Float", 1.0, "Scene frames from one frame of the take to the next"),
            ("Size", "Float", 0.014, "Radius of a keypoint in metres"),
            (
                "Missing",
                "Bool",
                True,
                "Show keypoints that were not seen, hollow, where the solved body has them",
            ),
            ("Fair", "Float", FAIR_METRES, "Keypoints farther than this from the body are orange"),
            ("Poor", "Float", POOR_METRES, "Keypoints farther than this from the body are red"),
            ("Raised", "Float", 0.0, "Metres by which a clean-up moved the body up, to its floor"),
        ):
            socket = new(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
            socket.default_value, socket.description = default, tip
            if name in ("Size", "Fair", "Poor", "Raised"):
                socket.subtype = "DISTANCE"
            if name in ("Size", "Fair", "Poor"):
                socket.min_value = 0.0
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
        """K points with these attributes: visible (a keypoint that was seen, and not ignored or
        rejected), rejected, hollow (shown where the body has it), anchor (where the skeleton goes),
        confidence, residual (-1 where not measured) and condition (-1 where not solved)."""
        index = self.node("GeometryNodeInputIndex").outputs[0]
        vertex = self.node(
            "FunctionNodeFloatToInt", self.math("ADD", first, index), rounding_mode="ROUND"
        ).outputs[0]

        def at_frame(name: str, data_type: str, otherwise=None):
            attribute = self.attribute(name, data_type)
            value = self.sample(track, self.named(attribute, "Attribute"), vertex, data_type)
            if otherwise is None:
                return value
            exists = self.sample(track, self.named(attribute, "Exists"), vertex, "BOOLEAN")
            return self.switch(exists, otherwise, value, data_type)

        # What the user edited counts before what was read: 1 is moved, 3 locked, 2 ignored.
        state = at_frame("edit_state", "INT")
        edited = self.both("OR", self.equals(state, 1), self.equals(state, 3))
        position = self.sample(
            track, self.node("GeometryNodeInputPosition").outputs[0], vertex, "FLOAT_VECTOR"
        )
        edit = self.node(
            "ShaderNodeVectorMath", at_frame("edit_offset", "FLOAT_VECTOR"), operation="SCALE"
        )
        self.group.links.new(edited, edit.inputs["Scale"])
        for moved in (edit.outputs[0], at_frame("travel", "FLOAT_VECTOR")):
            position = self.node("ShaderNodeVectorMath", position, moved, operation="ADD").outputs[
                0
            ]

        # Seen is what has a position; visible, what is believed as well. Condition 4 is rejected.
        confidence = self.math("MAXIMUM", at_frame("confidence", "FLOAT"), edited)
        seen = self.compare(confidence, "GREATER_THAN", 0.0)
        seen = self.both("AND", seen, self.both("NOT", self.equals(state, 2)))
        condition = at_frame("condition", "INT", -1)
        rejected = self.both("AND", self.equals(condition, 4), self.both("NOT", edited))
        rejected = self.both("AND", seen, rejected)
        visible = self.both("AND", seen, self.both("NOT", rejected))

        # Hollow: where the body has what is not visible. A site at the origin is none.
        site = at_frame("site", "FLOAT_VECTOR")
        distance = self.node("ShaderNodeVectorMath", site, operation="LENGTH").outputs["Value"]
        hollow = self.both(
            "AND", self.compare(distance, "GREATER_THAN", 0.0), self.both("NOT", visible)
        )
        hollow = self.both("AND", hollow, self.inputs["Missing"])

        points = self.node("GeometryNodePoints", self.inputs["Keypoints"], position).outputs[0]
        for name, data_type, value in (
            ("visible", "BOOLEAN", visible),
            ("rejected", "BOOLEAN", rejected),
            ("hollow", "BOOLEAN", hollow),
            ("anchor", "FLOAT_VECTOR", self.switch(visible, site, position, "VECTOR")),
            ("confidence", "FLOAT", confidence),
            ("residual", "FLOAT", at_frame("residual", "FLOAT", -1.0)),
            ("condition", "INT", condition),
        ):
            store = self.node(
                "GeometryNodeStoreNamedAttribute", points, None, name, data_type=data_type
            )
            self.group.links.new(
                value, next(s for s in store.inputs if s.enabled and s.name == "Value")
            )
            points = store.outputs[0]
        return points

    def _on_points(self, points, which: str, shape) -> bpy.types.NodeSocket:
        """The shape on each of the points that have the attribute."""
        put = self.node(
            "GeometryNodeInstanceOnPoints", points, self.of_point(which, "BOOLEAN"), shape
        ).outputs[0]
        return self.node("GeometryNodeRealizeInstances", put).outputs[0]

    def _balls(self, points) -> bpy.types.NodeSocket:
        ball = self.node("GeometryNodeMeshIcoSphere", self.inputs["Size"], 2).outputs["Mesh"]
        balls = self._on_points(
            points, "visible", self.node("GeometryNodeSetShadeSmooth", ball).outputs[0]
        )
        residual = self.of_point("residual", "FLOAT")
        swapped = self.equals(self.of_point("condition", "INT"), 3)
        for colour, chosen in (
            ("Seen", None),
            ("Unsure", self.compare(self.of_point("confidence", "FLOAT"), "LESS_THAN", 0.5)),
            ("Good", self.compare(residual, "GREATER_EQUAL", 0.0)),
            ("Swapped", swapped),
            ("Fair", self.compare(residual, "GREATER_THAN", self.inputs["Fair"])),
            ("Poor", self.compare(residual, "GREATER_THAN", self.inputs["Poor"])),
        ):
            balls = self._painted(balls, colour, chosen)
        return balls

    def _stray(self, points) -> bpy.types.NodeSocket:
        """A small cube where a rejected keypoint was seen."""
        side = self.node(
            "ShaderNodeCombineXYZ", *[self.math("MULTIPLY", self.inputs["Size"], 1.5)] * 3
        ).outputs[0]
        cube = self.node("GeometryNodeMeshCube", side).outputs["Mesh"]
        return self._painted(self._on_points(points, "rejected", cube), "Rejected")

    def _hollow(self, points) -> bpy.types.NodeSocket:
        """Three rings where the body has a keypoint that was not seen or not believed."""
        thin = self.node(
            "GeometryNodeCurvePrimitiveCircle", 4, self.math("MULTIPLY", self.inputs["Size"], 0.2)
        )
        round_ = self.node(
            "GeometryNodeCurvePrimitiveCircle", 16, self.math("MULTIPLY", self.inputs["Size"], 1.2)
        )
        ring = self.node("GeometryNodeCurveToMesh", round_.outputs[0], thin.outputs[0]).outputs[0]
        rings = [ring]
        for turn in ((math.pi / 2, 0.0, 0.0), (0.0, math.pi / 2, 0.0)):
            turned = self.node("GeometryNodeTransform", ring)
            turned.inputs["Rotation"].default_value = turn
            rings.append(turned.outputs[0])
        anchored = self.node(
            "GeometryNodeSetPosition", points, None, self.of_point("anchor", "FLOAT_VECTOR")
        ).outputs[0]
        hollow = self._painted(self._on_points(anchored, "hollow", self.join(*rings)), "Missing")
        return self._painted(hollow, "Filled", self.equals(self.of_point("condition", "INT"), 2))

    def _tubes(self, track, points) -> bpy.types.NodeSocket:
        """A tube for each edge of the track's mesh, both ends of which are shown; a thin one if
        either is hollow."""
        index = self.node("GeometryNodeInputIndex").outputs[0]
        ends = self.node("GeometryNodeInputMeshEdgeVertices")
        anchor = self.of_point("anchor", "FLOAT_VECTOR")
        visible = self.of_point("visible", "BOOLEAN")

        # From the points at both ends: where they are, whether they are drawn, and how.
        shown = self.both("OR", visible, self.of_point("hollow", "BOOLEAN"))
        vertex = [self.sample(track, ends.outputs[end], index, "INT", "EDGE") for end in (0, 1)]
        a, b = (self.sample(points, anchor, v, "FLOAT_VECTOR") for v in vertex)
        drawn = self.both("AND", *(self.sample(points, shown, v, "BOOLEAN") for v in vertex))
        whole = self.both("AND", *(self.sample(points, visible, v, "BOOLEAN") for v in vertex))

        # A point in the middle of each edge, and on it a cylinder of unit length, turned and
        # stretched.
        along = self.node("ShaderNodeVectorMath", b, a, operation="SUBTRACT").outputs[0]
        length = self.node("ShaderNodeVectorMath", along, operation="LENGTH").outputs["Value"]
        total = self.node("ShaderNodeVectorMath", a, b, operation="ADD").outputs[0]
        middle = self.node(
            "ShaderNodeVectorMath", total, (0.5, 0.5, 0.5), operation="MULTIPLY"
        ).outputs[0]

        turn = self.node("FunctionNodeAlignRotationToVector", None, None, along, axis="Z").outputs[
            0
        ]
        width = self.switch(whole, 0.4, 1.0, "FLOAT")
        stretch = self.node("ShaderNodeCombineXYZ", width, width, length).outputs[0]

        count = self.node("GeometryNodeAttributeDomainSize", track).outputs["Edge Count"]
        centres = self.node("GeometryNodePoints", count, middle).outputs[0]

        tube = self.node(
            "GeometryNodeMeshCylinder",
            8,
            1,
            1,
            self.math("MULTIPLY", self.inputs["Size"], 0.3),
            1.0,
        )
        tube = self.node("GeometryNodeSetShadeSmooth", tube.outputs["Mesh"]).outputs[0]
        tubes = self.node(
            "GeometryNodeInstanceOnPoints", centres, drawn, tube, None, None, turn, stretch
        ).outputs[0]
        return self._painted(
            self.node("GeometryNodeRealizeInstances", tubes).outputs[0], "Skeleton"
        )

    def _painted(self, geometry, colour: str, chosen=None) -> bpy.types.NodeSocket:
        node = self.node("GeometryNodeSetMaterial", geometry, chosen)
        node.inputs["Material"].default_value = material(f"LSMPL {colour}", COLOURS[colour])
        return node.outputs[0]

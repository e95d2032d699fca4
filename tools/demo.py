"""What `build.py demo` runs in bpy: install the zip, convert the example take with it, and render
the result.

python tools/demo.py EXTENSION.zip TRACK OUT-FOLDER
"""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path

import bpy
import numpy as np

EXTENSION = "bl_ext.user_default.lsmpl"
MOMENTS, SPACING = 6, 0.95
"""How many moments of the take the picture shows, and the metres between them."""
WIDTH, HEIGHT = 1920, 840


def main(archive: Path, track: Path, out: Path) -> int:
    bpy.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=True
    )
    headless = importlib.import_module(f"{EXTENSION}.addon.headless")
    blend, picture = out / "demo.blend", out / "demo.png"
    code = headless.main(
        ["convert", str(track), "-o", str(blend), "--report", str(out / "demo.json"), "-v"]
    )
    if code == 0:
        bpy.ops.wm.open_mainfile(filepath=str(blend))
        render_moments(bpy.context.scene, picture)
        print(
            f"\nthe animated character, for Blender: {blend}\n"
            f"the keypoints drawn over it:         {picture}"
        )
    return code


def render_moments(scene: bpy.types.Scene, picture: Path) -> None:
    """Some moments of the take side by side, as they are in the scene, with the keypoints drawn
    over the body."""
    shown = [obj for obj in scene.objects if obj.type == "MESH"]
    armature = next(obj for obj in scene.objects if obj.type == "ARMATURE")
    for number, frame in enumerate(
        np.linspace(scene.frame_start, scene.frame_end, MOMENTS + 2)[1:-1]
    ):
        scene.frame_set(round(frame))
        pelvis = armature.matrix_world @ armature.pose.bones["pelvis"].head
        place = (SPACING * (number - (MOMENTS - 1) / 2) - pelvis.x, -pelvis.y, 0.0)
        for obj in shown:
            _freeze(scene, obj, place)
    for obj in (*shown, armature):
        obj.hide_render = True
    _set_stage(scene)
    scene.render.filepath = str(picture)
    bpy.ops.render.render(write_still=True)


def _freeze(
    scene: bpy.types.Scene, obj: bpy.types.Object, place: tuple[float, float, float]
) -> None:
    """A copy of an object as it is in this frame."""
    graph = bpy.context.evaluated_depsgraph_get()
    mesh = bpy.data.meshes.new_from_object(obj.evaluated_get(graph), depsgraph=graph)
    copy = bpy.data.objects.new(obj.name, mesh)
    copy.show_in_front = obj.show_in_front
    copy.location = place
    scene.collection.objects.link(copy)


def _set_stage(scene: bpy.types.Scene) -> None:
    """A camera, studio light and a neutral background; Workbench, which also draws without a
    graphics card."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.data.lens, camera.data.sensor_width = 85, 36
    distance = (MOMENTS * SPACING + 0.3) * camera.data.lens / camera.data.sensor_width
    tilt = math.radians(7)
    camera.location = (0.0, -distance * math.cos(tilt), 0.88 + distance * math.sin(tilt))
    camera.rotation_euler = (math.pi / 2 - tilt, 0.0, 0.0)
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"
    scene.display.render_aa = "16"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "MATERIAL"
    shading.show_cavity, shading.cavity_type = True, "BOTH"
    scene.world = scene.world or bpy.data.worlds.new("World")
    scene.world.color = (0.78, 0.80, 0.83)
    scene.render.film_transparent = False


if __name__ == "__main__":
    sys.exit(main(*(Path(argument).resolve() for argument in sys.argv[1:4])))

"""The example takes in a real Blender: imported, solved and seen from the front, as scripted sessions begin."""

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def solve_example(blender, track: Path, frame: int = 60) -> None:
    """Instead of the default cube a take, solved and baked, at a frame, with the panel beside it."""
    shared = blender.share(track)
    blender.run(
        f"""
        bpy.data.objects.remove(bpy.data.objects["Cube"])
        bpy.ops.lsmpl.import_keypoints("EXEC_DEFAULT", True, filepath={shared!r},
            directory={str(Path(shared).parent)!r}, files=[dict(name={track.name!r})])
        bpy.ops.lsmpl.solve("EXEC_DEFAULT", True)
        bpy.context.scene.frame_set({frame})
        bpy.context.preferences.view.smooth_view = 0
        """,
        timeout=240,
    )
    blender.show_tab("LSMPL")


def see_from_front(blender, name: str, bone: str = "", width: float = 1.0) -> None:
    """The take, the active object, in the whole viewport; or what is around a bone of its character, so many metres
    wide."""
    blender.run(f"""
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        region = next(r for r in area.regions if r.type == "WINDOW")
        view = area.spaces[0].region_3d
        bpy.context.view_layer.objects.active = bpy.data.objects[{name!r}]
        with bpy.context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_axis(type="FRONT")
            if not {bone!r}:
                bpy.ops.view3d.view_selected()
        if {bone!r}:
            rig = bpy.data.objects["{name} Rig"]
            view.view_perspective = "ORTHO"
            view.view_location = rig.matrix_world @ rig.pose.bones[{bone!r}].head
            view.view_distance = {width!r}
    """)


def go_live(blender) -> None:
    """Nothing selected, and Live on: what undo comes back to."""
    blender.run("""
        bpy.ops.object.select_all(action="DESELECT")
        bpy.ops.ed.undo_push(message="Ready")
        bpy.ops.lsmpl.live("INVOKE_DEFAULT", True)
    """)
    blender.rest()

"""What is read or written in a scene of its own leaves the viewports as they are."""

import bpy


def test_viewports_look_through_the_camera_that_they_looked_through(baked_take, random_motion, tmp_path):
    baked_take(random_motion(4))
    cameras = [bpy.data.objects.new(name, bpy.data.cameras.new(name)) for name in ("Scene's", "Own")]
    for camera in cameras:
        bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = cameras[0]
    spaces = [
        space
        for area in bpy.context.window_manager.windows[0].screen.areas
        for space in area.spaces
        if space.type == "VIEW_3D"
    ]
    assert spaces
    for space in spaces:
        space.use_local_camera, space.camera = True, cameras[1]
        space.region_3d.view_perspective = "CAMERA"
    assert bpy.ops.lsmpl.export(filepath=str(tmp_path / "walk.fbx")) == {"FINISHED"}
    for space in spaces:
        assert (space.use_local_camera, space.camera) == (True, cameras[1])
        assert space.region_3d.view_perspective == "CAMERA"

"""Takes made of objects that are already in the scene: as other add-ons leave them, and read again."""

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix

FRAMES = 40


def key(addon, obj, path, values, frames=None):
    """Curves for `path` of an object, a key for each row of values (T,3) or (T,) that is finite."""
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    frames = np.arange(1, len(values) + 1) if frames is None else np.asarray(frames)
    actions = addon("characters.actions")
    curves = [actions.Curve(path, i, values[:, i], "keys") for i in range(values.shape[1])]
    addon("characters.assigning").assign(obj, actions.write_action(obj, obj.name, frames, curves))


def empty(name, parent=None, collection=None):
    obj = bpy.data.objects.new(name, None)
    (collection or bpy.context.scene.collection).objects.link(obj)
    obj.parent = parent
    return obj


@pytest.fixture
def walk(body, random_motion):
    """`walk(layout)`: names and world positions (T,K,3) of a person."""

    def make(layout="mediapipe_33", seed=0):
        track = body.keypoints(random_motion(frames=FRAMES, seed=seed), layout)
        return track.layout.keypoints, track.positions

    return make


@pytest.fixture
def freemocap(addon, walk):
    """Empties as FreeMoCap's add-on makes them: MediaPipe's names, below one object; returns (parent, positions)."""

    def make(parent_name="recording_1", seed=0, **change):
        spelled = {"left_toe": "left_foot_index", "right_toe": "right_foot_index", "left_little_knuckle": "left_pinky",
                   "right_little_knuckle": "right_pinky", "left_thumb_knuckle": "left_thumb",
                   "right_thumb_knuckle": "right_thumb", "left_index_knuckle": "left_index",
                   "right_index_knuckle": "right_index"}  # fmt: skip
        names, positions = walk(seed=seed)
        parent = empty(parent_name)
        for name in ("hips_center", "center_of_mass", "right_hand_middle_finger_tip"):
            key(addon, empty(name, parent), "location", positions[:, 0])
        for k, name in enumerate(names):
            key(addon, empty(spelled.get(name, name), parent), "location", positions[:, k])
        bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, FRAMES
        return parent, positions

    return make


def take_from(*objects, **options):
    """Press the button with these objects selected; the new take."""
    bpy.context.view_layer.update()
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in objects)
    assert bpy.ops.lsmpl.take_from_objects(**options) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def test_the_parent_of_freemocaps_empties_is_enough(addon, freemocap):
    parent, positions = freemocap()
    take = take_from(parent)
    known, track = addon("takes.take").describe(take), addon("takes.take").load_track(take)
    assert known["layout"]["name"] == "mediapipe_33"
    assert (known["frames"], known["first_frame"], known["fps"]) == (FRAMES, 1, 24.0)
    np.testing.assert_allclose(track.positions, positions, atol=1e-5)
    assert take.name == "recording_1 Take"
    sources = {s.keypoint: s.object.name for s in take.lsmpl_sources.keypoints}
    assert sources["left_toe"] == "left_foot_index"
    assert len(sources) == 33
    assert addon("importing.scene_tracks").gone(take) == []


def test_a_parent_that_stands_elsewhere_moves_them_all(addon, freemocap):
    parent, positions = freemocap()
    parent.matrix_world = Matrix.Translation((1, 2, 3)) @ Euler((0, 0, 1.0)).to_matrix().to_4x4()
    track = addon("takes.take").load_track(take_from(parent))
    turn = np.array(parent.matrix_world)
    np.testing.assert_allclose(track.positions, positions @ turn[:3, :3].T + turn[:3, 3], atol=1e-5)


@pytest.mark.parametrize("how", ["constraint", "parent moves", "driver", "nla", "delta", "rotated below"])
def test_what_else_moves_them_is_seen_as_blender_shows_it(addon, freemocap, how):
    parent, _ = freemocap()
    obj = bpy.data.objects["left_wrist"]
    if how == "constraint":
        obj.constraints.new("COPY_LOCATION").target = bpy.data.objects["right_wrist"]
    elif how == "parent moves":
        key(addon, parent, "location", np.linspace((0, 0, 0), (1, 0, 0), FRAMES))
    elif how == "driver":
        obj.driver_add("delta_location", 0).driver.expression = "0.25"
    elif how == "nla":
        animation = obj.animation_data
        strip = animation.nla_tracks.new().strips.new("later", 5, animation.action)
        if hasattr(strip, "action_slot"):
            strip.action_slot = animation.action_slot
        animation.action = None
    elif how == "delta":
        obj.delta_location = (0.1, 0, 0)
    else:
        parent.rotation_euler = (0, 0.5, 0)
        obj.matrix_parent_inverse = Matrix.Translation((0.2, 0.1, 0))
    scene, seen = bpy.context.scene, []
    for frame in range(1, FRAMES + 1):
        scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        seen.append(np.array(obj.evaluated_get(graph).matrix_world.translation))
    scene.frame_set(7)
    take = take_from(parent)
    track = addon("takes.take").load_track(take)
    np.testing.assert_allclose(track.positions[:, track.layout.index("left_wrist")], seen, atol=1e-5)
    assert scene.frame_current == 7


def test_the_bones_of_a_c3d_importer_are_taken_for_markers(addon):
    """An armature with an unconnected bone for each marker, keyed where the marker was seen."""
    markers = {"LFHD": (0.1, -0.1, 1.7), "RFHD": (-0.1, -0.1, 1.7), "C7": (0, 0.1, 1.5), "LSHO": (0.2, 0, 1.45),
               "RSHO": (-0.2, 0, 1.45), "LASI": (0.12, -0.1, 1.0), "RASI": (-0.12, -0.1, 1.0), "LKNE": (0.15, 0, 0.5),
               "RKNE": (-0.15, 0, 0.5), "LANK": (0.12, 0, 0.1), "RANK": (-0.12, 0, 0.1), "*7": (2, 0, 0)}  # fmt: skip
    armature = bpy.data.objects.new("walk01", bpy.data.armatures.new("walk01"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name in markers:
        armature.data.edit_bones.new(name).tail = (0, 0, 0.02)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.location = (0, 0, 0.3)
    frames = np.arange(0, 30)
    curves, rest = [], np.array(armature.data.bones["C7"].matrix_local)[:3, :3]
    for name, place in markers.items():
        values = np.array(place) + np.linspace((0, 0, 0), (0, -1, 0), 30)
        if name == "C7":
            values[10:20] = np.nan
        values = values @ rest  # into the bone's own axes
        curves += [
            addon("characters.actions").Curve(f'pose.bones["{name}"].location', i, values[:, i], name) for i in range(3)
        ]
    addon("characters.assigning").assign(
        armature, addon("characters.actions").write_action(armature, "walk01", frames, curves)
    )
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 0, 250
    take = take_from(armature)
    track = addon("takes.take").load_track(take)
    assert track.layout.name == "markers"
    assert len(track) == 30  # as far as they are keyed
    assert "*7" not in track.layout.keypoints
    c7 = track.layout.index("C7")
    assert track.visible[:, c7].tolist() == [not 10 <= t < 20 for t in range(30)]
    np.testing.assert_allclose(track.positions[5, c7], (0, 0.1 - 5 / 29, 1.8), atol=1e-5)
    assert take.lsmpl_sources.keypoints["C7"].bone == "C7"
    take.lsmpl_sources.gaps = False
    bpy.ops.lsmpl.read_again()
    assert addon("takes.take").load_track(take).visible.all()


def test_two_people_are_told_apart_by_what_they_are_below(addon, freemocap):
    ann, _ = freemocap("Ann", seed=0)
    bob, of_bob = freemocap("Bob", seed=1)  # Blender calls these left_hip.001
    take = take_from(ann, bob, person="Bob")
    np.testing.assert_allclose(addon("takes.take").load_track(take).positions, of_bob, atol=1e-5)
    assert take.lsmpl_sources.keypoints["left_hip"].object.name == "left_hip.001"
    bpy.ops.object.select_all(action="DESELECT")
    alone = take_from(bob)
    np.testing.assert_allclose(addon("takes.take").load_track(alone).positions, of_bob, atol=1e-5)


def test_a_scene_in_centimetres_stays_over_its_objects(addon, freemocap):
    parent, positions = freemocap()
    parent.scale = (100, 100, 100)
    take = take_from(parent)
    track = addon("takes.take").load_track(take)
    np.testing.assert_allclose(track.positions, positions, atol=1e-4)
    np.testing.assert_allclose(np.array(take.matrix_world) @ [1, 0, 0, 1], [100, 0, 0, 1], rtol=1e-5)


def test_keyed_visibility_muted_curves_and_nan_keys_are_missing(addon, freemocap):
    parent, _ = freemocap()
    wrist, nose = bpy.data.objects["left_wrist"], bpy.data.objects["nose"]
    actions = addon("characters.actions")
    moved = {c.array_index: actions.keys_of(c)[:, 1] for c in actions.fcurves(wrist.animation_data.action)}
    curves = [actions.Curve("location", i, moved[i], "l") for i in range(3)]
    curves.append(actions.Curve("hide_viewport", 0, np.repeat([0, 1, 0, 0], 10), "h"))
    addon("characters.assigning").assign(wrist, actions.write_action(wrist, "both", np.arange(1, FRAMES + 1), curves))
    for curve in actions.fcurves(nose.animation_data.action):
        curve.mute = True
    bpy.data.objects["left_ear"].hide_viewport = True
    elbow = bpy.data.objects["left_elbow"]
    for curve in actions.fcurves(elbow.animation_data.action):
        curve.keyframe_points[3].co.y = float("nan")
        curve.update()
    track = addon("takes.take").load_track(take_from(parent))
    visible = {name: track.visible[:, k] for k, name in enumerate(track.layout.keypoints)}
    assert visible["left_wrist"].tolist() == [not 10 <= t < 20 for t in range(FRAMES)]
    assert not visible["nose"].any()
    assert not visible["left_ear"].any()
    assert visible["left_elbow"].tolist() == [t != 3 for t in range(FRAMES)]
    assert visible["right_wrist"].all()


def test_keys_set_by_hand_have_no_gaps(addon, freemocap):
    parent, positions = freemocap()
    wrist = bpy.data.objects["left_wrist"]
    at = [1, 4, 15, 19, 30, 40]
    key(addon, wrist, "location", positions[np.array(at) - 1, 15], at)
    track = addon("takes.take").load_track(take_from(parent))
    assert track.visible[:, track.layout.index("left_wrist")].all()


def test_reading_again_follows_edits_of_the_objects_and_keeps_those_of_the_take(addon, freemocap):
    parent, positions = freemocap()
    take = take_from(parent)
    takes = addon("takes.take")
    write = addon("takes.mesh_data").write
    state, offset = np.zeros((FRAMES, 33), dtype=int), np.zeros((FRAMES, 33, 3))
    state[5, 0], offset[5, 0] = takes.MOVED, (0, 0, 1)
    state[6, 1] = takes.IGNORED
    state[20, 2], offset[20, 2] = takes.LOCKED, (1, 0, 0)
    write(take.data, "edit_state", "INT", state)
    write(take.data, "edit_offset", "FLOAT_VECTOR", offset)
    pinned_joints = addon("takes.pinned_joints")
    pinned_joints.store(
        take,
        [
            pinned_joints.PinnedJoint(10, "head", (0.0, 0.1, 0.0)),
            pinned_joints.PinnedJoint(30, "neck", (0.0, 0.1, 0.0)),
        ],
    )
    edited = takes.load_track(take)
    for axis, curve in enumerate(addon("characters.actions").fcurves(bpy.data.objects["nose"].animation_data.action)):
        curve.keyframe_points[5].co.y += 0.5
        curve.keyframe_points[9].co.y += 0.1 * axis
        curve.update()
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 3, 18
    assert bpy.ops.lsmpl.read_again() == {"FINISHED"}
    again = takes.load_track(take)
    assert (len(again), again.first_frame, take.lsmpl.start) == (16, 3, 3)
    np.testing.assert_allclose(again.positions[3, 0], edited.positions[5, 0], atol=1e-5)  # where it had been put
    np.testing.assert_allclose(again.positions[7, 0] - positions[9, 0], (0, 0.1, 0.2), atol=1e-5)
    assert not again.visible[4, 1]
    assert (takes.load_track(take, edits=False).visible).all()
    state = addon("takes.mesh_data").read(take.data, "edit_state", "INT")
    assert np.count_nonzero(state) == 2  # the pin's frame is not read any more
    assert [(pin.frame, pin.joint) for pin in pinned_joints.load(take)] == [(8, "head")]
    assert len(bpy.data.meshes) == 1


def test_what_was_solved_stays_while_the_frames_do(addon, freemocap, body, random_motion):
    parent, _ = freemocap()
    take = take_from(parent)
    motion = random_motion(frames=FRAMES, first_frame=1)
    motion.residual, motion.keypoint_names = np.full((FRAMES, 33), 0.01), addon("takes.take").layout_of(take).keypoints
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    assert not addon("importing.retaking").is_outdated(take)
    bpy.ops.lsmpl.read_again()
    assert addon("importing.retaking").is_outdated(take)
    assert addon("takes.layers").load(take).residual is not None
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    assert not addon("importing.retaking").is_outdated(take)
    bpy.context.scene.frame_end = 20
    bpy.ops.lsmpl.read_again()
    assert not addon("takes.layers").is_solved(take)
    assert take.lsmpl.armature.animation_data.action  # the character keeps its animation


def test_the_mapping_can_be_edited_and_objects_may_go(addon, freemocap):
    parent, positions = freemocap()
    take = take_from(parent)
    wrong = take.lsmpl_sources.keypoints["left_wrist"]
    wrong.object = bpy.data.objects["right_wrist"]
    before = addon("takes.take").load_track(take)
    bpy.data.objects.remove(bpy.data.objects["nose"])
    bpy.context.scene.collection.objects.unlink(bpy.data.objects["left_ear"])  # as Delete in the viewport does
    assert addon("importing.scene_tracks").gone(take) == ["nose", "left_ear"]
    bpy.ops.lsmpl.read_again()
    track = addon("takes.take").load_track(take)
    index = track.layout.index
    np.testing.assert_allclose(track.positions[:, index("left_wrist")], positions[:, index("right_wrist")], atol=1e-5)
    np.testing.assert_allclose(track.positions[:, index("nose")], before.positions[:, index("nose")], atol=1e-6)
    for source in take.lsmpl_sources.keypoints:
        source.object = None
    assert not bpy.ops.lsmpl.read_again.poll()
    np.testing.assert_allclose(addon("takes.take").load_track(take).positions, track.positions)


def test_nothing_useful_selected_says_so_and_changes_nothing(addon, freemocap):
    freemocap()
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    bpy.context.scene.collection.objects.link(lamp)
    before = len(bpy.data.objects), len(bpy.data.meshes)
    with pytest.raises(RuntimeError, match="Nothing is selected that could be keypoints"):
        take_from(lamp)
    with pytest.raises(RuntimeError, match=r"match no known layout|too few to tell"):
        take_from(bpy.data.objects["nose"], bpy.data.objects["left_hip"])
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 500, 600
    with pytest.raises(RuntimeError, match="animated from frame 1 to 40"):
        take_from(bpy.data.objects["recording_1"])
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before


def test_long_takes_are_read_in_bulk(addon, freemocap, count_calls):
    """Off their curves, in as many calls for ten times the frames."""
    parent, _ = freemocap()
    points, _ = addon("importing.scene_tracks").candidates(bpy.context.scene, [parent])

    def calls(count: int) -> int:
        frames = np.arange(1, count + 1)
        for obj in parent.children:
            key(addon, obj, "location", np.tile(np.random.default_rng(0).normal(size=(1, 3)), (count, 1)), frames)
        steps = addon("importing.sampling").positions_of(bpy.context.scene, points, frames.astype(float))
        return count_calls(lambda: np.testing.assert_equal(run_to_end(steps).shape, (count, 37, 3)))

    def run_to_end(steps):
        with pytest.raises(StopIteration) as done:
            next(steps)
        return done.value.value

    calls(100)  # what is imported and cached by the first
    assert calls(5000) < 1.2 * calls(500)


def test_reading_frame_by_frame_can_be_stopped_and_leaves_the_scene_as_it_was(addon, freemocap, core):
    parent, _ = freemocap()
    bpy.data.objects["left_wrist"].constraints.new("COPY_LOCATION").target = bpy.data.objects["right_wrist"]
    scene, tracks = bpy.context.scene, addon("importing.scene_tracks")
    bpy.context.view_layer.update()
    scene.frame_set(7)
    before = len(bpy.data.objects), len(bpy.data.meshes)
    steps = tracks.take_steps(scene, tracks.candidates(scene, [parent]))
    progress = [next(steps) for _ in range(5)]
    assert (progress[-1].done, progress[-1].total) == (5, FRAMES)
    steps.close()
    assert scene.frame_current == 7
    steps = tracks.take_steps(scene, tracks.candidates(scene, [parent]))
    next(steps)
    bpy.data.objects.remove(bpy.data.objects["left_wrist"])  # while it is being read
    with pytest.raises(core.LsmplError, match="were deleted while they were being read"):
        next(steps)
    assert scene.frame_current == 7
    assert (len(bpy.data.objects) + 1, len(bpy.data.meshes)) == before


def test_excluded_collections_are_named(addon, freemocap):
    parent, _ = freemocap()
    away = bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(away)
    wrist = bpy.data.objects["left_wrist"]
    wrist.constraints.new("COPY_LOCATION").target = parent
    bpy.context.scene.collection.objects.unlink(wrist)
    away.objects.link(wrist)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True
    with pytest.raises(RuntimeError, match="left_wrist: in a collection that is excluded"):
        take_from(parent)

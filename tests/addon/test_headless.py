"""`convert` inside Blender: what is written is the motion, in each file type, and failures are told."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import addon_utils
import bpy
import pytest
from conftest import ROOT
from exchange import brought_back, frame_range, largest_errors
from this_code import KERNELS

EXAMPLE = ROOT / "examples" / "walk_and_wave.trc"
FRAMES = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("headless")


@pytest.fixture(scope="module")
def source(folder) -> Path:
    path = folder / "walk.trc"
    path.write_text("".join(EXAMPLE.read_text().splitlines(keepends=True)[: 6 + FRAMES]))
    return path


@pytest.fixture
def convert(addon):
    return lambda *words: addon("headless").main(["convert", *map(str, words)])


@pytest.fixture
def expected(core, body, source, folder):
    """Joints (T,24,3) and vertices (T,V,3), pose correctives aside, of the motion that `lsmpl convert` writes."""
    from dataclasses import replace

    path = folder / "reference.npz"
    if not path.exists():
        track = core.read_keypoints(source)
        core.clean_up(core.solve(track, body), body, lock_feet=False, floor="auto").save(path)
    motion = core.Motion.load(path)
    return body.joints(motion), replace(body, pose_directions=None).vertices(motion)


def test_blend_holds_the_take_and_its_character(convert, addon, core, body, source, folder, expected):
    out = folder / "walk.blend"
    assert convert(source, "-o", out) == 0
    assert sorted(folder.glob("*walk.blend*")) == [out], "no backup and no scratch file"
    bpy.ops.wm.open_mainfile(filepath=str(out))
    scene = bpy.context.scene
    (take,) = addon("takes.take").takes_in(scene)
    assert (scene.frame_start, scene.frame_end, scene.render.fps) == (1, FRAMES, 30)
    assert len(addon("takes.take").load_track(take)) == len(addon("takes.layers").load(take, "solved")) == FRAMES
    assert addon("takes.layers").describe(take)["device"] == "numpy"
    assert addon("takes.layers").describe(take, "cleaned")["clean_up"]["smooth"] == 0.5
    assert max(largest_errors(body, take.lsmpl.armature, take.lsmpl.body_mesh, expected, scene.frame_start)) < 1e-3


@pytest.mark.parametrize("format", ["fbx", "glb", "bvh", "usd", "usdc"])
def test_exchange_formats_come_back_as_the_same_motion(convert, body, source, folder, expected, format):
    out = folder / f"walk.{format}"
    assert convert(source, "-o", out) == 0
    armature, mesh = brought_back(out, fps=30)
    assert set(armature.data.bones.keys()) == set(body.joint_names), "no leaf bones"
    assert (mesh is None) == (format == "bvh")
    assert mesh is None or mesh.data.shape_keys is None
    first, last = frame_range(armature)
    assert last - first == pytest.approx(FRAMES - 1, abs=0.01), "as many frames at the same rate"
    joints, vertices = largest_errors(body, armature, mesh, expected, round(first))
    assert joints < 1e-3 and vertices < 2e-3


def test_a_folder_of_takes_with_a_bad_one(convert, source, folder, capsys):
    bad, out, report = folder / "bad.trc", folder / "many", folder / "report.json"
    bad.write_text("nothing")
    assert convert(source, bad, "-o", out, "--format", "npz", "--report", report) == 1
    assert [path.name for path in out.glob("[!.]*")] == ["walk.npz"]
    assert f"lsmpl: {bad}: " in capsys.readouterr().err
    found = json.loads(report.read_text())
    assert [record["status"] for record in found["files"]] == ["ok", "failed"]
    assert found["versions"]["blender"] == bpy.app.version_string


def test_blend_is_the_default_in_a_folder(convert, source, folder):
    assert convert(source, "-o", folder / "new") == 0
    assert [path.name for path in (folder / "new").glob("[!.]*")] == ["walk.blend"]


def test_wrong_usage_names_what_can_be_written(convert, source, folder, capsys):
    assert convert(source, "-o", folder / "walk.abc") == 2
    assert ".blend, .fbx, .glb, .bvh" in capsys.readouterr().err


def test_the_add_on_is_still_enabled_afterwards(convert, source, folder):
    assert convert(source, "-o", folder / "again.blend") == 0
    assert addon_utils.check("bl_ext.user_default.lsmpl")[1] and hasattr(bpy.types.Scene, "lsmpl")


def test_the_command_comes_and_goes_with_the_add_on(addon):
    headless = addon("headless")
    assert headless._command is not None
    headless.unregister()
    assert headless._command is None
    headless.register()


def test_takes_are_solved_in_blenders_of_their_own(convert, source, folder):
    takes, out, report = folder / "takes", folder / "batch", folder / "batch.json"
    for name in ("mon/a.trc", "tue/b.trc", "tue/bad.trc"):
        (takes / name).parent.mkdir(parents=True, exist_ok=True)
        (takes / name).write_text(source.read_text() if "bad" not in name else "nothing")
    words = [takes, "-o", out, "--jobs", "2", "--resume", "--report", report]
    for expected in ("ok", "skipped"):
        assert convert(*words) == 1
        found = {Path(r["input"]).name: r["status"] for r in json.loads(report.read_text())["files"]}
        assert found == {"a.trc": expected, "b.trc": expected, "bad.trc": "failed"}
        files = [path for path in out.rglob("*") if path.is_file() and path.suffix != ".json"]
        assert {path.relative_to(out).as_posix() for path in files} == {"mon/a.blend", "tue/b.blend"}
    bpy.ops.wm.open_mainfile(filepath=str(out / "tue" / "b.blend"))
    assert any(obj.type == "ARMATURE" for obj in bpy.context.scene.objects)


def test_all_ways_to_run_it_write_the_same_motion(convert, core, addon, source, folder):
    """The command, the script for farms, and `lsmpl` without Blender, on one Python: byte for byte."""
    plain = importlib.import_module(f"{core.__name__}.cli.main").main
    script = Path(addon("headless").__file__).with_name("farm.py")
    options = ["--lock-feet", "--floor", "zero"]
    assert convert(source, "-o", folder / "command.npz", *options) == 0
    assert plain(["convert", str(source), "-o", str(folder / "plain.npz"), *options]) == 0
    words = ["convert", source, "-o", folder / "script.npz", *options, "--jobs", "1"]
    subprocess.run(
        [sys.executable, script, "--", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(KERNELS)},
        check=True,
        timeout=600,
    )
    written = {(folder / f"{way}.npz").read_bytes() for way in ("command", "plain", "script")}
    assert len(written) == 1


def test_every_file_type_can_be_checked(addon):
    front_end = addon("writers").front_end("")
    assert set(front_end.writers) <= set(front_end.checks)


@pytest.mark.parametrize("format", ["blend", "fbx", "glb", "bvh", "usdc", "usd", "npz"])
def test_a_file_that_is_cut_short_is_known(convert, addon, source, folder, format):
    check = addon("writers").front_end("").whole
    if format not in addon("writers").front_end("").writers:
        pytest.skip(f"this Blender was built without .{format}")
    out = folder / f"whole.{format}"
    assert convert(source, "-o", out) == 0
    assert check(format, out)
    data = out.read_bytes()
    nearly = data[: -1000 if format in ("blend", "bvh") else -1]  # these can do without the last byte
    for damaged in (data[: len(data) // 2], nearly, b"", b"x" * len(data)):
        out.write_bytes(damaged)
        assert not check(format, out), len(damaged)

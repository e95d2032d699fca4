"""The devices in the preferences, PyTorch from a folder, and solves whose device is not there."""

import importlib
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

ROOT = "bl_ext.user_default.lsmpl"
SUFFIX = next(s for s in importlib.machinery.EXTENSION_SUFFIXES if "abi3" not in s)
TORCH = """
class _Array:
    def __init__(self, values): self._values = values
    def __getitem__(self, at): return self
    def __mul__(self, by): return self
    def cpu(self): return self
    def numpy(self): return self
    def sum(self): return 1.5
class linalg:
    solve = staticmethod(lambda a, b: a)
def eye(n, device): return _Array(n)
def ones(*n, device): return _Array(n)
class version: cuda, hip = "12.8", None
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 2)
    @staticmethod
    def get_device_properties(number):
        class properties: name, total_memory = f"Card {number}", 8 << 30
        return properties
class backends:
    class mps: is_available = is_built = staticmethod(lambda: False)
__version__ = "9.9"
"""
"""What asks nothing of a machine and answers like PyTorch."""


@pytest.fixture
def chosen(addon):
    """The preferences, put back afterwards."""
    found = addon("package").preferences()
    yield found
    for name in ("device", "gpu", "torch_folder", "threads"):
        found.property_unset(name)
    addon("devices.listing").found = None


@pytest.fixture
def make_torch(tmp_path):
    """`make_torch(code)`: a folder with a package torch of that code, compiled for this Python."""

    def make(code=TORCH, compiled=f"_C{SUFFIX}", where="folder"):
        package = tmp_path / where / "torch"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code)
        if compiled:
            (package / compiled).write_bytes(b"")
        return package.parent

    return make


@pytest.fixture
def no_torch(addon, monkeypatch):
    """As if Blender's own Python had no PyTorch, in this process and in those that it starts."""
    find = importlib.util.find_spec

    def without(name, package=None):
        if name != "torch":
            return find(name, package)
        found = importlib.machinery.PathFinder.find_spec(name, [p for p in sys.path if "site-packages" not in p])
        return found

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    return monkeypatch


@pytest.fixture
def take(addon, body, random_motion):
    motion = random_motion(8)
    motion.poses *= 0.3
    motion.poses[:, 0] = (np.pi / 2, 0, 0)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "body_25"), "Walk")
    bpy.context.view_layer.objects.active = take
    return take


def drawn(addon, chosen) -> str:
    """What the preferences show."""
    texts = []

    class Layout:
        use_property_split = True

        def label(self, text="", icon="NONE", **_):
            texts.append((icon, text))

        def prop(self, data, name, **_):
            texts.append(("PROP", name))

        def operator(self, name, text="", **_):
            texts.append(("OPERATOR", text))

        def box(self):
            return self

        def row(self, **_):
            return self

        def column(self, **_):
            return self

    addon("devices.listing").draw(Layout(), addon("preferences").device())
    return "\n".join(f"{icon} {text}" for icon, text in texts)


def test_nothing_is_looked_for_before_somebody_asks(addon, chosen, monkeypatch):
    def never(*_, **__):
        raise AssertionError("a process was started, or a module looked for, to draw")

    monkeypatch.setattr(subprocess, "Popen", never)
    monkeypatch.setattr(importlib.util, "find_spec", never)
    shown = drawn(addon, chosen)
    assert "CHECKMARK CPU (NumPy)" in shown and "press Check" in shown


def test_check_shows_what_there_is(addon, chosen):
    assert bpy.ops.lsmpl.check_devices() == {"FINISHED"}
    shown = drawn(addon, chosen)
    assert "CHECKMARK CPU (NumPy): works everywhere" in shown
    if importlib.util.find_spec("torch") is None:
        assert "X CPU (PyTorch): PyTorch is not installed in Python" in shown
        assert "X GPU (CUDA): PyTorch is not installed" in shown
    else:
        assert "CHECKMARK CPU (PyTorch): PyTorch" in shown
    chosen.device = "mps"
    missing = "mps is chosen and not there now" in drawn(addon, chosen)
    assert missing == (sys.platform != "darwin")


def test_what_was_found_for_another_folder_is_not_taken_for_this_one(addon, chosen, tmp_path):
    bpy.ops.lsmpl.check_devices()
    chosen.torch_folder, chosen.device = str(tmp_path), "mps"
    shown = drawn(addon, chosen)
    assert "INFO Another folder is chosen by now" in shown and "not there now" not in shown
    bpy.ops.lsmpl.check_devices()
    assert "holds no PyTorch" in drawn(addon, chosen).replace("\nBLANK1", "")


def test_while_it_looks_the_button_says_so(addon, chosen, monkeypatch):
    module, working = addon("devices.listing"), addon("jobs")
    assert "OPERATOR Check" in drawn(addon, chosen).splitlines()
    job = module.LSMPL_OT_check_devices.begin(None, bpy.context)
    monkeypatch.setattr(working, "current", job)
    assert "OPERATOR Checking..." in drawn(addon, chosen).splitlines()
    job.close()


def test_looking_does_not_load_torch(extension):
    script = (
        f"import bpy, sys; bpy.ops.preferences.addon_enable(module={ROOT!r});"
        "print(bpy.ops.lsmpl.check_devices(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "{'FINISHED'} False" in done.stdout, done.stderr


def test_a_choice_stays_when_its_device_is_away(addon, chosen, no_torch, take):
    chosen.device, chosen.gpu = "cuda", 3
    assert addon("preferences").device() == "cuda:3"
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    facts = addon("takes.layers").describe(take)
    assert (facts["device"], facts["device_instead_of"]) == ("numpy", "cuda:3")
    assert "not installed" in facts["device_reason"]
    (decision,) = [d for d in facts["decisions"] if d["what"] == "device"]
    assert decision["basis"] == "fallback"
    assert addon("preferences").device() == "cuda:3"
    told = addon("solving.solve").solve(take, bpy.context.scene, "cuda:3")
    assert [level for level, _ in told] == ["INFO", "WARNING"] and "cuda:3 was not used" in told[1][1]


def test_a_device_that_fails_midway_gives_way_to_numpy(addon, core, take, monkeypatch):
    arrays = importlib.import_module(f"{core.__name__}.backends.arrays")
    fallback = importlib.import_module(f"{core.__name__}.device_fallback")
    tracking = importlib.import_module(f"{core.__name__}.solver.tracking")
    gpu = replace(arrays.choose_backend("numpy"), name="cuda")
    monkeypatch.setattr(fallback, "wanted_backend", lambda device: gpu)
    polish, calls, failed = tracking.polish, [], []

    def failing(model, *args, **named):
        calls.append(model.backend.name)
        if model.backend.name == "cuda" and calls.count("cuda") == 5:
            failed.append(True)
            raise RuntimeError("CUDA error: device-side assert triggered")
        return polish(model, *args, **named)

    monkeypatch.setattr(tracking, "polish", failing)
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    assert failed == [True]
    facts = addon("takes.layers").describe(take)
    assert (facts["device"], facts["device_instead_of"]) == ("numpy", "cuda")
    assert facts["device_reason"].startswith("cuda failed")
    assert take.lsmpl.armature is not None


def test_a_folder_with_pytorch_is_tried_and_then_used(addon, chosen, no_torch, make_torch):
    folder = make_torch()
    chosen.torch_folder, chosen.device, chosen.gpu = str(folder), "cuda", 1
    module = addon("devices.torch_folder")
    no_torch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "torch").is_dir()])
    assert bpy.ops.lsmpl.check_devices() == {"FINISHED"}
    assert "torch" not in sys.modules and str(folder) not in sys.path, "looking changes nothing"
    shown = drawn(addon, chosen)
    assert "CHECKMARK CPU (PyTorch): PyTorch 9.9" in shown
    assert "CHECKMARK GPU 1 (CUDA): Card 1, 8 GB" in shown and "not there now" not in shown
    assert module.use() == ""
    assert sys.path[-1] == str(folder), "behind all that Blender has"
    assert module.use() == "" and sys.path.count(str(folder)) == 1
    module.unregister()
    assert str(folder) not in sys.path


FOREIGN = "_C.cpython-{}{}-x86_64-linux-gnu.so" if os.name == "nt" else "_C.cp{}{}-win_amd64.pyd"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"compiled": "_C.cpython-39-x86_64-linux-gnu.so"}, r"is for Python 3\.9 .*and Blender has Python 3\."),
        ({"compiled": "_C.cp39-win_amd64.pyd"}, r"is for Python 3\.9"),
        ({"compiled": FOREIGN.format(*sys.version_info)}, "on another system"),
        ({"compiled": ""}, "not compiled"),
        ({"code": "raise ImportError('libcudart.so.12: cannot open')"}, r"does not work here: ImportError: libcudart"),
        ({"code": "import os; os.kill(os.getpid(), 11)"}, "made Python stop"),
        ({"code": "import sys; print('bye'); sys.exit(3)"}, "SystemExit"),
        ({"code": TORCH.replace("return 1.5", "return 9.5")}, "wrong numbers"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(addon, chosen, no_torch, make_torch, take, how, message):
    folder = make_torch(**how)
    no_torch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "torch").is_dir()])
    chosen.torch_folder, chosen.device = str(folder), "cpu"
    before = sys.path[:]
    assert addon("devices.torch_folder").use() and sys.path == before
    told = addon("solving.solve").solve(take, bpy.context.scene, "cpu")
    assert told[1][0] == "WARNING"
    assert sys.path == before
    assert re.search(message, told[1][1]), told[1][1]
    assert str(folder) in told[1][1]
    bpy.ops.lsmpl.check_devices()
    assert re.search(message, " ".join(drawn(addon, chosen).replace("BLANK1 ", "").split())), drawn(addon, chosen)


def test_folders_that_are_none_and_those_around_torch(addon, core, chosen, make_torch, tmp_path):
    find = addon("devices.torch_folder").torch_folder
    with pytest.raises(core.LsmplError, match="is no folder"):
        find(str(tmp_path / "none"))
    with pytest.raises(core.LsmplError, match="holds no PyTorch"):
        find(str(tmp_path))
    folder = make_torch()
    assert find(str(folder)) == find(str(folder / "torch")) == folder
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    within = make_torch(where=f"venv/lib/{version}/site-packages")
    assert find(str(tmp_path / "venv")) == within


def test_what_takes_too_long_is_given_up(addon, no_torch, make_torch, monkeypatch):
    folder = make_torch("import time; time.sleep(60)")
    no_torch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "torch").is_dir()])
    module = addon("devices.torch_folder")
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    steps = module.survey_steps(folder)
    with pytest.raises(StopIteration) as stop:
        while True:
            next(steps)
    assert "was not ready" in stop.value.value["error"]


def test_stopping_ends_the_process(addon, no_torch, make_torch, monkeypatch):
    folder, started = make_torch("import time; time.sleep(60)"), []
    no_torch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "torch").is_dir()])
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(start(*a, **k)) or started[-1])
    steps = addon("devices.torch_folder").survey_steps(folder)
    next(steps)
    assert started[0].poll() is None
    steps.close()
    assert started[0].poll() is not None


def test_without_a_python_to_try_with_nothing_is_tried(addon, no_torch, make_torch, monkeypatch):
    """Never Blender itself, which would open another window."""
    monkeypatch.setattr(sys, "executable", "/opt/blender/blender")
    monkeypatch.setattr(sys, "prefix", "/opt/blender/python")
    steps = addon("devices.torch_folder").survey_steps(make_torch())
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert "is not where it should be" in stop.value.value["error"]


def test_the_command_line_in_blender_uses_the_folder_where_torch_is_needed(addon, chosen, monkeypatch):
    asked = []
    monkeypatch.setattr(addon("devices.torch_folder"), "use", lambda: asked.append(True) or "it does not work")
    ready = addon("writers").front_end("blender").ready
    core_cli = importlib.import_module(f"{ROOT}.lsmpl_core.cli.main")
    parser = core_cli.build_parser(addon("writers").front_end("blender"))
    convert = ["convert", "a.trc", "-o", "a.blend"]
    assert ready(parser.parse_args(convert)) == "" and not asked
    assert ready(parser.parse_args([*convert, "--device", "cuda"])) == "it does not work"
    assert ready(parser.parse_args([*convert, "--solver", "published"])) == "it does not work"
    assert ready(parser.parse_args(["refine-motion", "gvhmr.pt", "a.trc", "-o", "a.blend"])) == "it does not work"
    assert len(asked) == 3


def test_threads_are_those_that_were_chosen(addon, chosen, monkeypatch):
    threads = importlib.import_module(f"{ROOT}.lsmpl_core.backends.threads")
    monkeypatch.setenv("LSMPL_THREADS", "2")
    assert threads.worker_threads() == 2
    chosen.threads = 3
    assert threads.worker_threads() == 3
    threads.use_threads(0)
    addon("preferences").use_chosen_threads()
    assert threads.worker_threads() == 3
    chosen.threads = 0
    assert threads.worker_threads() == 2

"""The devices that there are, what becomes of a solve whose device is not there or fails, and its threads."""

import argparse
import json
import subprocess
import sys
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends import devices, threads, torch_probe
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.cli import main as cli
from lsmpl_core.cli.front_end import FrontEnd
from lsmpl_core.device_fallback import made_on, wanted_backend
from lsmpl_core.errors import DeviceError
from lsmpl_core.solver import problem, settling, tracking

FOUND = {d.name: d for d in devices.find_devices()}
EACH = sorted({"cpu", "cuda", "mps"} | {name for name in FOUND if name != "numpy"})


def need(name):
    device = FOUND.get(name) or FOUND.get(f"{name}:0")
    if not device.available:
        pytest.skip(f"{name} is not tested here: {device.fact}")


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("frames", [20, 360], ids=["sequence", "chunks"])
def test_every_device_gives_the_motion_that_numpy_gives(body, stroll, name, frames):
    """0.1 mm; with gaps and noise in the longer take, so that frames are polished together, too."""
    need(name)
    track = body.keypoints(stroll.frames(np.minimum(np.arange(frames) % 118, 117 - np.arange(frames) % 118)))
    if frames > 60:
        shake = 0.005 * np.random.default_rng(0).normal(size=track.positions.shape)
        track = replace(track, positions=track.positions + shake)
    numpy, other = (lsmpl.solve(track, body, device=device) for device in ("numpy", name))
    assert other.decisions == numpy.decisions, "it gave way to NumPy"
    assert np.abs(body.joints(numpy) - body.joints(other)).max() < 1e-4


@pytest.mark.parametrize("name", EACH)
def test_every_device_refines_as_numpy_does(body, stroll, name):
    need(name)
    some = stroll.frames(slice(0, 20))
    rough = replace(some, poses=some.poses + 0.05 * np.random.default_rng(0).normal(size=some.poses.shape))
    numpy, other = (lsmpl.refine_motion(body.keypoints(some), body, rough, device=device) for device in ("numpy", name))
    assert other.decisions == numpy.decisions
    assert np.abs(body.joints(numpy) - body.joints(other)).max() < 1e-4


@pytest.fixture
def gpu():
    """NumPy that goes by the name of a GPU."""
    return replace(choose_backend("numpy"), name="cuda:1")


def fail_at(monkeypatch, call, error):
    """The polish raises in that call on what is no NumPy; returns how often it was called there."""
    polish, calls = tracking.polish, []

    def failing(model, *args, **named):
        if model.backend.name != "numpy":
            calls.append(model.backend.name)
            if len(calls) == call:
                raise type(error)(*error.args)  # a new one, as its traceback would hold on to everything
        return polish(model, *args, **named)

    monkeypatch.setattr(tracking, "polish", failing)
    monkeypatch.setattr(settling, "polish", failing)
    return calls


class OutOfMemoryError(RuntimeError):
    """As torch.OutOfMemoryError is one."""


FAILURES = {
    "no memory": (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "ran out of memory"),
    "host memory": (MemoryError(), "ran out of memory"),
    "lost": (RuntimeError("CUDA error: unspecified launch failure\nlaunch was asynchronous"), "failed"),
    "unplugged": (RuntimeError("CUDA error: the device is no longer attached"), "failed"),
}


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("call", [1, 30])
def test_a_device_that_fails_gives_way_to_numpy(body, stroll, gpu, monkeypatch, kind, call):
    error, what = FAILURES[kind]
    track = body.keypoints(stroll)
    expected = lsmpl.solve(track, body)
    calls = fail_at(monkeypatch, call, error)
    solved = lsmpl.solve(track, body, device=gpu)
    assert len(calls) == call
    np.testing.assert_array_equal(solved.poses, expected.poses)
    (decision,) = solved.decisions
    assert (decision.what, decision.value, decision.basis, decision.doubtful) == ("device", "numpy", "fallback", True)
    assert decision.reason.startswith(f"cuda:1 {what}") and "\n" not in decision.reason
    used = made_on(solved, gpu)
    assert (used.name, used.instead_of, used.reason) == ("numpy", "cuda:1", decision.reason)


def test_so_does_one_that_fails_while_refining(body, stroll, gpu, monkeypatch):
    track = body.keypoints(stroll)
    expected = lsmpl.refine_motion(track, body, stroll)
    fail_at(monkeypatch, 1, RuntimeError("CUDA error: out of memory"))
    refined = lsmpl.refine_motion(track, body, stroll, device=gpu)
    np.testing.assert_array_equal(refined.poses, expected.poses)
    assert "cuda:1 ran out of memory" in refined.decisions[-1].reason


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (
            "cpu",
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        ),
        ("mps", TypeError("Cannot convert a MPS Tensor to float64 dtype")),
        ("mps", NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device")),
    ],
)
def test_other_devices_give_way_as_well(body, stroll, gpu, monkeypatch, name, error):
    calls = fail_at(monkeypatch, 2, error)
    some = stroll.frames(slice(0, 10))
    solved = lsmpl.solve(body.keypoints(some), body, betas=some.betas, device=replace(gpu, name=name))
    assert len(calls) == 2 and solved.decisions[-1].reason.startswith(name)


def test_what_is_not_the_devices_fault_is_not_hidden(body, stroll, gpu, monkeypatch):
    fail_at(monkeypatch, 1, ValueError("a mistake of ours"))
    with pytest.raises(ValueError, match="ours"):
        lsmpl.solve(body.keypoints(stroll), body, device=gpu)
    for backend in (replace(gpu, name="cpu"), choose_backend("numpy")):
        monkeypatch.undo()
        other = replace(backend, xp=backend.xp)

        def failing(model, *args, **named):
            raise RuntimeError("shapes do not match")

        monkeypatch.setattr(settling, "polish", failing)
        with pytest.raises(RuntimeError, match="shapes"):
            lsmpl.solve(body.keypoints(stroll), body, betas=stroll.betas, device=other)


def test_the_devices_arrays_are_let_go_before_numpy_begins(body, stroll, gpu, monkeypatch):
    fail_at(monkeypatch, 5, FAILURES["no memory"][0])
    held, freed = [], []
    build = problem.KeypointModel.build.__func__

    def noted(cls, backend, *args):
        model = build(cls, backend, *args)
        if backend.name == "numpy" and held:
            freed.append(held[-1]() is None)
        elif backend.name != "numpy":
            held.append(weakref.ref(model))
        return model

    monkeypatch.setattr(problem.KeypointModel, "build", classmethod(noted))
    lsmpl.solve(body.keypoints(stroll), body, betas=stroll.betas, device=gpu)
    assert held and freed and all(freed)


def test_a_cancelled_solve_does_not_begin_again(body, stroll, gpu):
    steps = lsmpl.solve_steps(body.keypoints(stroll), body, device=gpu)
    for progress in steps:
        if progress.stage == "solve":
            break
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_a_device_that_is_not_there_is_an_error_or_numpy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeviceError, match="PyTorch, which is not installed"):
        choose_backend("cuda:1")
    backend = wanted_backend("cuda:1")
    assert (backend.name, backend.instead_of) == ("numpy", "cuda:1") and "not installed" in backend.reason
    assert not wanted_backend("auto").instead_of
    for name in ("abacus", "cuda:", "cuda:x", "cuda:-1", "cpu:1", ""):
        with pytest.raises(DeviceError, match="no device is called"):
            wanted_backend(name)


@pytest.fixture
def walk(body, stroll, tmp_path):
    """Two takes as files."""
    track = body.keypoints(stroll.frames(slice(0, 8)))
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", positions=track.positions, fps=30.0)
    return [str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]


def converted(walk, tmp_path, *words):
    report = tmp_path / "report.json"
    words = ["convert", *walk, "-o", str(tmp_path / "out"), "--report", str(report), "--layout", "body_25", *words]
    code = cli.main([*words, "--smooth", "0", "--up", "z", "--unit", "m"])
    return code, json.loads(report.read_text())["files"]


def test_the_command_line_goes_on_without_its_device(walk, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, takes = converted(walk, tmp_path, "--device", "cuda")
    assert code == 0
    for record in takes:
        assert record["device"]["name"] == "numpy" and record["device"]["instead_of"] == "cuda"
        assert "not installed" in record["device"]["reason"] and "calibration" not in record
    assert capsys.readouterr().err.count("not installed") == 1, "told once, not for every take"


def test_a_take_whose_gpu_fails_does_not_stop_the_others(walk, tmp_path, capsys, gpu, monkeypatch):
    monkeypatch.setattr("lsmpl_core.cli.take.wanted_backend", lambda device: gpu)
    fail_at(monkeypatch, 3, FAILURES["no memory"][0])
    code, (first, second) = converted(walk, tmp_path, "--device", "cuda:1")
    assert code == 0 and {first["status"], second["status"]} == {"ok"}
    assert first["device"]["instead_of"] == "cuda:1" and "ran out of memory" in first["device"]["reason"]
    assert second["device"] == {"name": "cuda:1", "reason": gpu.reason}
    assert "a.npz: device: numpy (fallback, cuda:1 ran out of memory" in capsys.readouterr().err


def test_what_a_front_end_says_beforehand_is_told(walk, tmp_path, capsys):
    seen = []

    def ready(options: argparse.Namespace) -> str:
        seen.append(options.device)
        return "the folder does not work"

    front_end = FrontEnd(ready=ready)
    assert cli.main(["convert", *walk, "-o", str(tmp_path / "out"), "--layout", "body_25"], front_end) == 0
    assert seen == ["auto"] and "lsmpl: the folder does not work" in capsys.readouterr().err


SURVEY = {
    "version": "2.9.0", "file": "/t/torch/__init__.py", "cuda": "12.8",
    "mps_built": False, "mps": False, "mps_error": "",
    "gpus": [
        {"name": "A", "memory": 24576, "error": ""},
        {"name": "B", "memory": 8192, "error": "RuntimeError: no kernel image"},
    ],
}  # fmt: skip


def test_devices_are_told_with_what_they_lack(monkeypatch):
    def told(found):
        return {d.name: (d.available, d.fact) for d in devices.describe_devices(found)}

    usable, fact = told({})["numpy"]
    assert usable and "works everywhere" in fact and "compiled kernels" in fact and "BLAS" in fact
    for name in ("cpu", "cuda", "mps"):
        assert told({})[name] == (False, f"PyTorch is not installed in {devices.this_python()}")
        assert told({"error": "ImportError: x"})[name] == (False, "PyTorch does not work: ImportError: x")
    there = told(SURVEY)
    assert list(there) == ["numpy", "cpu", "cuda:0", "cuda:1", "mps"]
    assert there["cuda:0"] == (True, "A, 24 GB")
    assert there["cuda:1"] == (False, "B, 8 GB: RuntimeError: no kernel image")
    none = {**SURVEY, "gpus": []}
    assert not told(none)["cuda"][0] and "driver" in told(none)["cuda"][1]
    assert "without CUDA" in told({**none, "cuda": ""})["cuda"][1]
    monkeypatch.setattr(sys, "platform", "linux")
    assert told(SURVEY)["mps"] == (False, "only Macs have one")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "built without" in told(SURVEY)["mps"][1]
    assert "macOS" in told({**SURVEY, "mps_built": True})["mps"][1]
    assert told({**SURVEY, "mps_built": True, "mps": True})["mps"][0]
    assert told({**SURVEY, "mps_built": True, "mps": True, "mps_error": "x"})["mps"] == (False, "x")


def probe(path):
    words = [sys.executable, "-I", torch_probe.__file__]
    done = subprocess.run(words, input=json.dumps({"path": path}), capture_output=True, text=True, timeout=600)
    line = next(line for line in done.stdout.splitlines() if line.startswith(torch_probe.MARK))
    return json.loads(line.removeprefix(torch_probe.MARK))


def test_the_probe_tells_what_a_torch_can_do_or_lacks(tmp_path):
    assert probe([p for p in sys.path if "site-packages" not in p])["error"].startswith("ModuleNotFoundError")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.12: not found')")
    assert probe([str(tmp_path), *sys.path])["error"] == "ImportError: libcudart.so.12: not found"
    torch = pytest.importorskip("torch")
    found = probe(sys.path)
    assert (found["version"], found["file"]) == (torch.__version__, torch.__file__)
    assert len(found["gpus"]) == (torch.cuda.device_count() if torch.cuda.is_available() else 0)


@pytest.fixture
def knob(monkeypatch):
    """A BLAS of eight threads, whose number is at "now"."""
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    state = {"now": 8, "set": []}

    def put(number):
        state["set"].append(number)
        state["now"] = number

    monkeypatch.setattr(threads, "blas_of_process", lambda: [(lambda: state["now"], put, 1)])
    monkeypatch.setattr(threads, "blas_of_thread", list)
    monkeypatch.setitem(sys.modules, "torch", None)
    return state


def test_steps_have_one_thread_and_what_is_between_them_has_all(knob):
    def work():
        seen.append(knob["now"])
        yield 1
        seen.append(knob["now"])
        with threads.one_thread():
            seen.append(knob["now"])
        seen.append(knob["now"])
        return "done"

    seen, between = [], []
    steps = threads.on_one_thread(work)()
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            assert stop.value == "done"
            break
        between.append(knob["now"])
    assert seen == [1, 1, 1, 1] and between == [8] and knob["now"] == 8


def test_threads_are_put_back_after_an_error_and_by_the_last_of_several(knob):
    def work():
        yield
        raise ValueError

    steps = threads.on_one_thread(work)()
    next(steps)
    with pytest.raises(ValueError):
        next(steps)
    assert knob["now"] == 8
    inside, leave = threading.Event(), threading.Event()

    def other():
        with threads.one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with threads.one_thread():
        thread.start()
        assert inside.wait(10)
    assert knob["now"] == 1
    leave.set()
    thread.join()
    assert knob["now"] == 8


def test_of_a_blas_on_openmp_each_thread_has_its_own_number(knob, monkeypatch):
    local = threading.local()

    def put(number):
        local.now = number

    monkeypatch.setattr(threads, "blas_of_thread", lambda: [(lambda: getattr(local, "now", 8), put, 1)])
    numbers, inside, leave = [], threading.Event(), threading.Event()

    def other():
        with threads.one_thread():
            numbers.append(local.now)
            inside.set()
            leave.wait(600)
        numbers.append(local.now)

    thread = threading.Thread(target=other)
    with threads.one_thread():
        assert local.now == 1
        thread.start()
        assert inside.wait(600)
    assert local.now == 8, "whoever else is still at work"
    leave.set()
    thread.join()
    assert numbers == [1, 8]


@pytest.mark.parametrize("name", threads.VARIABLES)
def test_a_number_of_threads_from_outside_is_left_alone(knob, monkeypatch, name):
    monkeypatch.setenv(name, "4")
    with threads.one_thread():
        assert knob["now"] == 8
    assert not knob["set"]


TELL_PYTORCH = {
    "the old way": "torch.set_float32_matmul_precision('high')",
    "the new way": "card.fp32_precision = 'tf32'",
    "all of it": "torch.backends.fp32_precision = 'tf32'",
    "nothing": "pass",
}


@pytest.mark.parametrize("how", TELL_PYTORCH)
def test_nothing_is_rounded_in_a_solve_whatever_pytorch_was_told(how):
    """In a process of its own: what the new interface was told cannot be taken back for the old one."""
    torch = pytest.importorskip("torch")
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip(f"PyTorch {torch.__version__} cannot tell how it multiplies")
    script = f"""
import torch
from lsmpl_core.backends import precision, threads
card, convolution = torch.backends.cuda.matmul, torch.backends.cudnn.conv
{TELL_PYTORCH[how]}
before = card.fp32_precision, convolution.fp32_precision
for inside in (threads.one_thread, precision.full_precision):
    with inside():
        assert not precision.roundings() and not card.allow_tf32
        assert card.fp32_precision in ("ieee", "none") and convolution.fp32_precision == "ieee"
        torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
    assert (card.fp32_precision, convolution.fp32_precision) == before
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_without_a_blas_nothing_happens(monkeypatch):
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "_libraries", list)
    for found in (threads.blas_of_process, threads.blas_of_thread):
        monkeypatch.setattr(threads, found.__name__, found.__wrapped__)
    assert threads.blas_of_process() == threads.blas_of_thread() == []
    with threads.one_thread():
        pass


def test_the_blas_of_numpys_wheels_is_found_and_put_back_from_any_thread():
    config = str(np.show_config(mode="dicts")["Build Dependencies"]["blas"].get("name", ""))
    if "openblas" not in config:
        pytest.skip(f"NumPy has {config or 'no BLAS'} here, so there is no OpenBLAS to be found")
    script = f"""
import os, threading
for name in {threads.VARIABLES}:
    os.environ.pop(name, None)
from lsmpl_core.backends import threads

((get, put, _),) = threads.blas_of_process()
put(2)
print(get())
inside, leave = threading.Event(), threading.Event()

def other():
    with threads.one_thread():
        inside.set()
        leave.wait(600)

thread = threading.Thread(target=other)
thread.start()
inside.wait(600)
with threads.one_thread():
    leave.set()
    thread.join()
    print(get())
print(get())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert done.stdout.split() in (["2", "1", "2"], ["1", "1", "1"]), done.stderr  # a machine of one core has one


def test_the_command_line_lists_devices(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["devices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("numpy    yes  CPU (NumPy): works everywhere")
    assert [line.split()[:2] for line in lines[1:]] == [["cpu", "no"], ["cuda", "no"], ["mps", "no"]]
    assert all("PyTorch is not installed" in line for line in lines[1:])

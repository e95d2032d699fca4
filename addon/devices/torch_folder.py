"""PyTorch from a folder that the user points at: tried in a process of its own before Blender's
Python gets to see it.

The folder is what `pip install --target FOLDER torch` makes, or the site-packages of a Python of
the same version. It goes to the end of `sys.path`, so that nothing in it takes the place of what
Blender has.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Generator, Iterable
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import bpy

from ...lsmpl_core import LsmplError, Progress
from ...lsmpl_core import device_fallback as fallback
from ...lsmpl_core.backends import torch_probe
from ...lsmpl_core.backends.arrays import Backend
from ...lsmpl_core.backends.devices import this_python
from ...lsmpl_core.progress import run_to_end
from ..package import preferences

PATIENCE_SECONDS = 180.0
"""Seconds that PyTorch may take to be imported, from a slow network drive."""
_POLL_SECONDS = 0.01
_SITE_PACKAGES = ("", "lib/python{0}.{1}/site-packages", "Lib/site-packages")
"""Where torch may be, seen from a folder that somebody chose; the last two: it is a virtual
environment."""
_added: list[str] = []


def chosen() -> str:
    """The folder in the preferences, absolute; "" for none."""
    ours = preferences()
    path = ours.torch_folder if ours else ""
    return bpy.path.abspath(path) if path else ""


def torch_folder(path: str) -> Path:
    """The folder to put on `sys.path`. Raises `LsmplError` where there is no PyTorch for this
    Python and system."""
    folder = Path(path)
    if not folder.is_dir():
        raise LsmplError(f"{path}: is no folder")

    # Chosen may be the folder above torch, a virtual environment, or torch itself.
    places = [(folder / within.format(*sys.version_info)).resolve() for within in _SITE_PACKAGES]
    if folder.name == "torch":
        places.append(folder.resolve().parent)
    found = next((place for place in places if (place / "torch" / "__init__.py").is_file()), None)
    if found is None:
        raise LsmplError(
            f"{path}: holds no PyTorch; expected what pip install --target FOLDER torch "
            "makes, or a site-packages"
        )

    # What is compiled is for one Python and one system; its name says which.
    compiled = sorted(
        file.name for file in (found / "torch").glob("_C.*") if file.suffix in (".so", ".pyd")
    )
    if not compiled:
        raise LsmplError(
            f"{found}: its PyTorch is not compiled (there is no torch/_C); install it by pip"
        )
    if not any(name == f"_C{suffix}" for name in compiled for suffix in EXTENSION_SUFFIXES):
        version = re.search(r"(?:cpython-|cp)(\d)(\d+)", compiled[0])
        theirs = f"Python {version[1]}.{version[2]}" if version else "another system"
        ours = f"cp{sys.version_info[0]}{sys.version_info[1]}"
        if version and f"cp{version[1]}{version[2]}" == ours:
            theirs += " on another system"
        raise LsmplError(
            f"{found}: its PyTorch is for {theirs} ({compiled[0]}), and Blender has {this_python()}"
        )
    return found


def survey_steps(folder: Path | None) -> Generator[Progress, None, dict[str, Any]]:
    """What PyTorch can do here, with that folder, from a process of its own (`torch_probe.survey`).

    {} where there is none, {"error": why} where it does not work. Yields `Progress` while it waits.
    """
    path = [place for place in sys.path if isinstance(place, str)] + (
        [str(folder)] if folder else []
    )
    if not folder and importlib.util.find_spec("torch") is None:
        return {}

    program = _python()
    if program is None:
        return {
            "error": "Blender's Python, to try PyTorch with, is not where it should be "
            f"({sys.executable})"
        }

    # Isolated (-I): nothing of the user's environment, only the path that it is told.
    process = subprocess.Popen(
        [program, "-I", "-B", torch_probe.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin as words:  # it may be gone already
            json.dump({"path": path}, words)
        process.stdin = None
        for _ in range(int(PATIENCE_SECONDS / _POLL_SECONDS)):
            try:
                output, _none = process.communicate(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                yield Progress("torch", 0, 1)
        else:
            return {"error": f"it was not ready after {PATIENCE_SECONDS:.0f} seconds"}
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return _answer(output, process.returncode)


def _answer(output: str, code: int) -> dict[str, Any]:
    for line in output.splitlines():
        if line.startswith(torch_probe.MARK):
            found = json.loads(line.removeprefix(torch_probe.MARK))
            if found.get("error", "").startswith("ModuleNotFoundError: No module named 'torch'"):
                return {}
            return found
    last = " ".join(output.split())[-200:]
    return {"error": f"it made Python stop (exit code {code})" + (f": {last}" if last else "")}


def _python() -> str | None:
    """The Python program that Blender's Python is a library of; never Blender."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    inside = [Path(sys.prefix) / "bin" / name for name in ("python.exe", version, "python3")]
    programs = [Path(sys.executable), *inside, Path(sys.prefix) / "python.exe"]
    return next(
        (str(p) for p in programs if p.name.lower().startswith("python") and p.is_file()), None
    )


def use_steps() -> Generator[Progress, None, str]:
    """Let this process import torch from the chosen folder, if there is one and it works. Returns
    why not, or ""."""
    path = chosen()
    if not path or "torch" in sys.modules:
        return ""
    try:
        folder = torch_folder(path)
    except (LsmplError, OSError) as error:
        return f"PyTorch's folder: {error}"
    if str(folder) in sys.path:
        return ""
    found = yield from survey_steps(folder)
    if "version" not in found:
        return (
            f"PyTorch's folder: {folder}: does not work here: "
            f"{found.get('error', 'nothing can be imported')}"
        )
    # Otherwise Blender has a PyTorch already, which comes first.
    if folder in Path(found["file"]).resolve().parents:
        sys.path.append(str(folder))
        _added.append(str(folder))
        importlib.invalidate_caches()
    return ""


def use() -> str:
    """`use_steps`, waited for."""
    return run_to_end(use_steps())


def is_needed(device: str, solver: str) -> bool:
    """Whether a solve needs PyTorch."""
    return device not in ("auto", "native", "numpy") or solver == "published"


def use_for(paths: Iterable[Path]) -> None:
    """Before files are read, some of which may be PyTorch's. Raises `LsmplError` where the folder
    does not work."""
    if any(path.suffix.lower() in (".pt", ".pth") for path in paths) and (problem := use()):
        raise LsmplError(problem)


def backend_steps(device: str, solver: str = "network") -> Generator[Progress, None, Backend]:
    """What a solve runs on: the device where it is to be had, otherwise NumPy, and then `reason`
    says why."""
    problem = (yield from use_steps()) if is_needed(device, solver) else ""
    backend = fallback.wanted_backend(device)
    return replace(backend, reason=problem) if problem and backend.instead_of else backend


def unregister() -> None:
    while _added:
        folder = _added.pop()
        if folder in sys.path:
            sys.path.remove(folder)


def register() -> None:
    pass

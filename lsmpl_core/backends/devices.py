"""Which devices there are, and why one cannot be used: for preferences and the command line."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .kernel_library import find_kernels
from .threads import blas_name
from .torch_probe import survey


@dataclass(frozen=True)
class Device:
    """A device that one could ask for by its `name` ("cuda:0"); `fact` says what it is, or why it
    cannot be used."""

    name: str
    label: str
    available: bool
    fact: str


def find_devices() -> list[Device]:
    """The devices of this process. This imports torch, where it is installed, and waits for the
    GPUs' drivers."""
    if importlib.util.find_spec("torch") is None:
        return describe_devices({})
    try:
        return describe_devices(survey())
    except Exception as error:  # whatever a broken installation raises
        return describe_devices({"error": f"{type(error).__name__}: {error}"})


def describe_devices(found: Mapping[str, Any]) -> list[Device]:
    """All devices, from a `torch_probe.survey`; {} where PyTorch is not installed, {"error": why}
    where it fails."""
    facts = "works everywhere", find_kernels().fact, f"NumPy's BLAS: {blas_name()}"
    numpy = Device("numpy", "CPU (NumPy)", True, "; ".join(facts))
    if "version" not in found:
        error = found.get("error")
        why = (
            f"PyTorch does not work: {error}"
            if error
            else f"PyTorch is not installed in {this_python()}"
        )
        kinds = (("cpu", "CPU (PyTorch)"), ("cuda", "GPU (CUDA)"), ("mps", "GPU (Apple)"))
        return [numpy, *(Device(name, label, False, why) for name, label in kinds)]
    cpu = Device("cpu", "CPU (PyTorch)", True, f"PyTorch {found['version']}")
    return [numpy, cpu, *_gpus(found), _apple(found)]


def _gpus(found: Mapping[str, Any]) -> list[Device]:
    if not found["gpus"]:
        why = "PyTorch finds no NVIDIA GPU that it can use; is its driver installed?"
        why = why if found["cuda"] else f"PyTorch {found['version']} was built without CUDA"
        return [Device("cuda", "GPU (CUDA)", False, why)]
    return [
        Device(
            f"cuda:{number}",
            f"GPU {number} (CUDA)",
            not gpu["error"],
            f"{gpu['name']}, {gpu['memory'] / 1024:.0f} GB"
            + (f": {gpu['error']}" if gpu["error"] else ""),
        )
        for number, gpu in enumerate(found["gpus"])
    ]


def _apple(found: Mapping[str, Any]) -> Device:
    why = found["mps_error"]
    if sys.platform != "darwin":
        why = "only Macs have one"
    elif not found["mps_built"]:
        why = f"PyTorch {found['version']} was built without it"
    elif not found["mps"]:
        why = (
            "PyTorch finds no Apple GPU that it can use; it needs macOS 12.3 and an Apple processor"
        )
    return Device("mps", "GPU (Apple)", not why, why or "in single precision; not tested by us")


def this_python() -> str:
    """ "Python 3.11 for Linux x86_64"."""
    return (
        f"Python {sys.version_info[0]}.{sys.version_info[1]} for {platform.system()} "
        f"{platform.machine()}"
    )

"""Where the compiled kernels are, and whether they can be relied on here.

They come as a wheel of their own, `lsmpl_kernels`, with a library for the processors that all are
and one for newer ones. A library that does not load, or that computes anything else than NumPy
does, is left alone, and the reason is told.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..files.replacing import replace_when_complete
from . import linear_kernels
from .kernels import Kernels

PACKAGE = "lsmpl_kernels"
SWITCH = "LSMPL_KERNELS"
"""Environment variable that, where it is "0", leaves them alone."""
ENDINGS = {"win32": "dll", "darwin": "dylib"}


@dataclass(frozen=True)
class Found:
    """Kernels, or None, and what there is to say of them."""

    kernels: Kernels | None
    fact: str


@cache
def find_kernels() -> Found:
    """Those of this process, loaded and tried once."""
    if os.environ.get(SWITCH) == "0":
        return Found(None, f"switched off by {SWITCH}=0")
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError) as error:
        return Found(None, f"compiled kernels cannot be looked for: {error}")
    if spec is None or spec.origin is None:
        return Found(None, f"compiled kernels ({PACKAGE}) are not installed")
    folder = Path(spec.origin).parent
    try:
        path = choose_library(folder)
        kernels = Kernels(path)
    except (OSError, AttributeError) as error:
        return Found(None, f"compiled kernels cannot be loaded: {error}")
    return tried(kernels)


def choose_library(folder: Path) -> Path:
    """Of the libraries in a folder, the best one that this processor can run. Raises `OSError`."""
    ending = ENDINGS.get(sys.platform, "so")
    plain, newer = loadable(folder / f"kernels.{ending}"), folder / f"kernels_v3.{ending}"
    has_v3 = ctypes.CDLL(str(plain)).lsmpl_has_v3
    return loadable(newer) if newer.is_file() and has_v3() else plain


def loadable(library: Path) -> Path:
    """What is to be loaded for a library: on Windows a copy among the user's own files, for one
    that is loaded can neither be replaced nor removed there, so that an update of the extension
    would fail. The library itself where no copy can be made."""
    if sys.platform != "win32":
        return library
    data = library.read_bytes()
    copies = Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir(), "lsmpl", "kernels")
    copy = copies / hashlib.sha256(data).hexdigest()[:16] / library.name
    try:
        if not copy.is_file() or copy.read_bytes() != data:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replace_when_complete(copy) as scratch:
                scratch.write_bytes(data)
        for older in copies.glob(f"*/{library.name}"):
            if older != copy:
                with suppress(OSError):  # Another Blender has it loaded.
                    older.unlink()
    except OSError:
        return library
    return copy


def tried(kernels: Kernels) -> Found:
    """The kernels, if they solve a small problem."""
    try:
        fault = self_test(kernels)
    except Exception as error:  # whatever a library that is not ours would lead to
        fault = f"{type(error).__name__}: {error}"
    if fault:
        return Found(None, f"compiled kernels failed their self-test: {fault}")
    return Found(kernels, f"compiled kernels ({kernels.path.stem})")


def self_test(kernels: Kernels) -> str:
    """What is wrong with them, "" if nothing: a body is turned and bent, and has to be found again
    from its joints, and a linear system has to be solved."""
    rng = np.random.default_rng(0)
    rest = np.cumsum(np.full((1, 24, 3), 0.1), axis=1)
    rest[0, :, 1] += 0.05 * np.arange(24) % 7
    one = np.eye(24)
    model = kernels.model(rest, np.zeros((1, 24, 3)), np.ones(24), np.arange(24), one)
    upright = np.broadcast_to(np.eye(3), (9, 24, 3, 3)).copy()
    bent = upright.copy()
    angles = rng.normal(0.0, 0.3, (9, 24))
    for axis, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        some = slice(axis, None, 3)
        bent[:, some, i, i] = bent[:, some, j, j] = np.cos(angles[:, some])
        bent[:, some, j, i] = np.sin(angles[:, some])
        bent[:, some, i, j] = -np.sin(angles[:, some])
    trans = rng.normal(size=(9, 3))
    wanted = kernels.state(model, bent, trans)[5]
    anchor = upright, np.full(24, 1e-9)
    prior = kernels.prior(np.zeros(69), 1e-9 * np.eye(69), None)
    reached, _, _ = kernels.polish(
        model, (upright, np.zeros((9, 3))), (wanted, np.ones((9, 24))), anchor, prior,
        steps=30, more=0, enough=0.0, damping=1e-4, tolerance=1e-12,
    )  # fmt: skip
    miss = float(np.abs(reached[5] - wanted).max())
    if not miss < 1e-4:
        return f"keypoints are missed by {1000.0 * miss:.2f} mm"

    a = rng.normal(size=(2, 10, 10))
    a = np.einsum("bij,bkj->bik", a, a) + np.eye(10)
    x = rng.normal(size=(2, 10, 3))
    off = float(np.abs(linear_kernels.solve(kernels, a, np.einsum("bij,bjk->bik", a, x)) - x).max())
    return "" if off < 1e-9 else f"a system of equations is solved {off:.1e} off"

"""What PyTorch can do here. Run as a program it stands alone, in a process that may crash without
harm to others.

    python -I torch_probe.py < {"path": [folders as in sys.path]}

prints one line, `MARK` and JSON: of `survey`, or {"error": why PyTorch does not work}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MARK = "LSMPL-TORCH "
MIB = 1 << 20


def survey() -> dict[str, Any]:
    """Version, file and devices of the PyTorch that is imported here. Raises whatever importing and
    trying it raises.

    "gpus": of each CUDA device its "name", "memory" in MiB, and "error", why it does not work, ""
    where it does.
    """
    import torch

    _try(torch, "cpu")
    gpus = []
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        gpu = {"name": f"GPU {number}", "memory": 0, "error": ""}
        try:
            properties = torch.cuda.get_device_properties(number)
            gpu.update(name=str(properties.name), memory=int(properties.total_memory // MIB))
            _try(torch, f"cuda:{number}")
        except Exception as error:
            gpu["error"] = _told(error)
        gpus.append(gpu)
    mps, mps_error = torch.backends.mps, ""
    if mps.is_available():
        try:
            _try(torch, "mps")
        except Exception as error:
            mps_error = _told(error)
    return {
        "version": str(torch.__version__),
        "file": str(torch.__file__),
        "cuda": str(torch.version.cuda or torch.version.hip or ""),
        "gpus": gpus,
        "mps_built": bool(mps.is_built()),
        "mps": bool(mps.is_available()),
        "mps_error": mps_error,
    }


def _try(torch, device: str) -> None:
    """A little of what a solve does, and the way back to NumPy."""
    matrices = torch.eye(3, device=device)[None] * 2.0
    solved = torch.linalg.solve(matrices, torch.ones(1, 3, 1, device=device)).cpu().numpy()
    if abs(float(solved.sum()) - 1.5) > 1e-3:
        raise RuntimeError("it computes wrong numbers")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def main() -> None:
    sys.path[:] = json.loads(sys.stdin.read())["path"]
    try:
        found = survey()
    except BaseException as error:
        found = {"error": _told(error)}
    print(MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

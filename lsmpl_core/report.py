"""What a conversion did, as plain data: one record per input, for `--report` and for whoever
watches a farm."""

from __future__ import annotations

import dataclasses
import math
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .frames import runs
from .keypoints.condition import Condition
from .keypoints.track import Decision, KeypointTrack
from .motion import Motion

SCHEMA = 1
"""Raised when a reader of old reports would misread a new one."""
WORST_STRETCHES = 10
"""How many of them a report names."""


def versions() -> dict[str, str]:
    """Of this package and of what it runs on (torch only where it is loaded)."""
    from importlib import metadata  # takes long to load, for reports alone

    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
    }
    if "torch" in sys.modules:
        found["torch"] = str(sys.modules["torch"].__version__)
    for name in ("array-api-compat", "threadpoolctl", "tqdm"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def describe_track(track: KeypointTrack) -> dict[str, Any]:
    """What was read, and what its reader decided."""
    return {
        "layout": track.layout.name,
        "frames": len(track),
        "fps": track.fps,
        "first_frame": track.first_frame,
        "missing_fraction": track.missing_fraction,
        "decisions": describe_decisions(track.decisions),
    }


def describe_decisions(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """What a reader settled, and how sure it is (0 to 1, null where that cannot be said)."""
    return [dataclasses.asdict(decision) for decision in decisions]


def describe_residual(motion: Motion) -> dict[str, Any]:
    """How far the solved body is from its keypoints, in mm, over the take, by frame and by
    keypoint."""
    if motion.residual is None:
        return {}
    millimetres = 1000 * np.asarray(motion.residual)
    by_frame = 1000 * motion.frame_residual
    seen = millimetres[np.isfinite(millimetres)]
    if not seen.size:
        return {}
    worst = int(np.nanargmax(by_frame))
    with warnings.catch_warnings():
        # A keypoint that was never seen has no mean: null in the report.
        warnings.simplefilter("ignore", RuntimeWarning)
        by_keypoint = np.nanmean(millimetres, axis=0)
    return {
        "residual_mm": {
            "mean": seen.mean(),
            "median": np.median(seen),
            "p95": np.percentile(seen, 95),
            "worst_frame": {"frame": motion.first_frame + worst, "mean": by_frame[worst]},
        },
        "keypoint_residual_mm": dict(zip(motion.keypoint_names, by_keypoint)),
    }


def describe_condition(motion: Motion) -> dict[str, Any]:
    """How many keypoints were seen, filled, swapped, ..., and the longest stretches of each kind
    but the first."""
    if motion.condition is None:
        return {}
    counts = {c.name.lower(): int((motion.condition == c).sum()) for c in Condition}
    ever = (motion.condition != Condition.MISSING).any(axis=0)
    stretches: list[dict[str, Any]] = [
        {
            "keypoint": name,
            "condition": c.name.lower(),
            "first_frame": motion.first_frame + first,
            "frames": after - first,
        }
        for k, name in enumerate(motion.keypoint_names)
        if ever[k]
        for c in Condition
        if c != Condition.SEEN
        for first, after in runs(motion.condition[:, k] == c)
    ]
    worst = sorted(stretches, key=lambda stretch: -stretch["frames"])[:WORST_STRETCHES]
    return {"keypoint_conditions": counts, "worst_stretches": worst}


def summary(
    command: Sequence[str],
    program: str,
    files: Sequence[dict],
    started: float,
    seconds: float,
    extra_versions: dict,
) -> dict:
    """The whole report of one run, which `started` at a `time.time()` and took `seconds`."""
    statuses = [record["status"] for record in files]
    return {
        "schema": SCHEMA,
        "program": program,
        "command": list(command),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": seconds,
        "versions": {**versions(), **extra_versions},
        "ok": statuses.count("ok"),
        "failed": statuses.count("failed"),
        "skipped": statuses.count("skipped"),
        "not_run": statuses.count("not run"),
        "files": list(files),
    }


def json_ready(value: Any) -> Any:
    """Plain Python for `json.dumps(..., allow_nan=False)`: NumPy numbers become Python's, NaN and
    infinities None."""
    if isinstance(value, dict):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [json_ready(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value

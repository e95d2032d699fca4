"""LSMPL: 3D keypoint tracks to SMPL motion. `read_keypoints -> solve -> clean_up -> Motion.save`, all without Blender.

import lsmpl_core as lsmpl

body = lsmpl.load_body()
track = lsmpl.read_keypoints("walk.trc")
motion = lsmpl.solve(track, body)
motion = lsmpl.clean_up(motion, body)
motion.save("walk.npz")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    "metrics": "metrics",
    "Body": "body.body",
    "load_body": "body.load_body",
    "Poser": "by_hand.posing",
    "poses_of": "by_hand.posing",
    "calibrate": "marker_calibration.calibrate_markers",
    "calibrate_steps": "marker_calibration.calibrate_markers",
    "Calibration": "calibration.calibration",
    "read_calibration": "calibration_files",
    "save_calibration": "calibration_files",
    "CleanUpReport": "clean_motion",
    "clean_up": "clean_motion",
    "clean_up_steps": "clean_motion",
    "clean_up_with_report": "clean_motion",
    "read_dataset": "datasets",
    "Stretch": "doubtful",
    "doubtful_stretches": "doubtful",
    "LsmplError": "errors",
    "read_motion": "estimates.reading",
    "Condition": "keypoints.condition",
    "LAYOUTS": "keypoints.layouts",
    "Layout": "keypoints.layouts",
    "get_layout": "keypoints.layouts",
    "Decision": "keypoints.track",
    "KeypointTrack": "keypoints.track",
    "Motion": "motion",
    "Progress": "progress",
    "read_keypoints": "readers",
    "read_people": "readers",
    "refine_motion": "refine_estimate",
    "refine_motion_steps": "refine_estimate",
    "Init": "refine_range",
    "refine_frames": "refine_range",
    "refine_frames_steps": "refine_range",
    "Retargeted": "retarget_motion",
    "retarget": "retarget_motion",
    "TargetSkeleton": "retargeting.target_skeleton",
    "solve": "solve_track",
    "solve_steps": "solve_track",
    "SolveOptions": "solver.options",
    "PinnedJoints": "solver.pinned_joints",
    "Poses": "solver.poses",
}
"""The public names and the modules they are from, which are loaded when a name is first asked for (PEP 562)."""

_OLD_NAMES = ("refine", "touch_up", "touch_up_steps", "Begin", "Pins")
"""Those of 0.1, for one version more: see `deprecated.py`."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        return getattr(import_module(".deprecated", __name__), name)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_MODULES[name]}", __name__)
    value = module if name == "metrics" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

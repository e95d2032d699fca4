"""LSMPL: 3D keypoint tracks to SMPL motion. `read_keypoints -> solve -> clean_up -> Motion.save`,
all without Blender.

import lsmpl_core as lsmpl

body = lsmpl.load_body()
track = lsmpl.read_keypoints("walk.trc")
motion = lsmpl.solve(track, body)
motion = lsmpl.clean_up(motion, body)
motion.save("walk.npz")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# For editors, type checkers and the reference; when the program runs, `__getattr__` does it.
if TYPE_CHECKING:
    from . import metrics
    from .body.body import Body
    from .body.load_body import load_body
    from .by_hand.posing import Poser, poses_of
    from .calibration.calibration import Calibration
    from .calibration_files import read_calibration, save_calibration
    from .clean_motion import CleanUpReport, clean_up, clean_up_steps, clean_up_with_report
    from .datasets import read_dataset
    from .doubtful import Stretch, doubtful_stretches
    from .errors import LsmplError
    from .estimates.reading import read_motion
    from .keypoints.condition import Condition
    from .keypoints.layouts import LAYOUTS, Layout, get_layout
    from .keypoints.track import Decision, KeypointTrack
    from .marker_calibration.calibrate_markers import calibrate, calibrate_steps
    from .motion import Motion
    from .progress import Progress
    from .readers import read_keypoints, read_people
    from .refine_estimate import refine_motion, refine_motion_steps
    from .refine_range import Init, refine_frames, refine_frames_steps
    from .retarget_motion import Retargeted, retarget
    from .retargeting.target_skeleton import TargetSkeleton
    from .solve_track import solve, solve_steps
    from .solver.options import SolveOptions
    from .solver.pinned_joints import PinnedJoints
    from .solver.poses import Poses

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
"""The public names and the modules they are from, which are loaded when a name is first asked for
(PEP 562)."""

_OLD_NAMES = ("refine", "touch_up", "touch_up_steps", "Begin", "Pins")
"""Those of 0.1, for one version more: see `deprecated.py`."""

__all__ = [
    "LAYOUTS",
    "Body",
    "Calibration",
    "CleanUpReport",
    "Condition",
    "Decision",
    "Init",
    "KeypointTrack",
    "Layout",
    "LsmplError",
    "Motion",
    "PinnedJoints",
    "Poser",
    "Poses",
    "Progress",
    "Retargeted",
    "SolveOptions",
    "Stretch",
    "TargetSkeleton",
    "calibrate",
    "calibrate_steps",
    "clean_up",
    "clean_up_steps",
    "clean_up_with_report",
    "doubtful_stretches",
    "get_layout",
    "load_body",
    "metrics",
    "poses_of",
    "read_calibration",
    "read_dataset",
    "read_keypoints",
    "read_motion",
    "read_people",
    "refine_frames",
    "refine_frames_steps",
    "refine_motion",
    "refine_motion_steps",
    "retarget",
    "save_calibration",
    "solve",
    "solve_steps",
]


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

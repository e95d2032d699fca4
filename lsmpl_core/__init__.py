"""LSMPL: 3D keypoint tracks to SMPL motion. `read_keypoints -> solve -> clean_up -> Motion.save`, all without Blender.

import lsmpl_core as lsmpl

body = lsmpl.load_body()
track = lsmpl.read_keypoints("walk.trc")
motion = lsmpl.solve(track, body)
motion = lsmpl.clean_up(motion, body)
motion.save("walk.npz")
"""

from . import metrics
from .body import Body, load_body
from .calibration import Calibration, calibrate
from .calibration_files import read_calibration, save_calibration
from .clean_up import clean_up
from .condition import Condition
from .datasets import read_dataset
from .errors import LsmplError
from .estimates import read_motion
from .keypoints import Decision, KeypointTrack
from .layouts import LAYOUTS, Layout, get_layout
from .motion import Motion
from .pins import Pins
from .posing import Poser, poses_of
from .progress import Progress
from .readers import read_keypoints
from .refine import refine
from .solve import solve, solve_steps
from .touch_up import Begin, touch_up, touch_up_steps
from .tracking import SolveOptions

__version__ = "0.1.0"
__all__ = [
    "LAYOUTS",
    "Begin",
    "Body",
    "Calibration",
    "Condition",
    "Decision",
    "KeypointTrack",
    "Layout",
    "LsmplError",
    "Motion",
    "Pins",
    "Poser",
    "Progress",
    "SolveOptions",
    "calibrate",
    "clean_up",
    "get_layout",
    "load_body",
    "metrics",
    "poses_of",
    "read_calibration",
    "read_dataset",
    "read_keypoints",
    "read_motion",
    "refine",
    "save_calibration",
    "solve",
    "solve_steps",
    "touch_up",
    "touch_up_steps",
]

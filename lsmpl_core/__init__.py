"""LSMPL: 3D keypoint tracks to SMPL motion. `read_keypoints -> solve -> clean_up -> Motion.save`, all without Blender.

import lsmpl_core as lsmpl

body = lsmpl.load_body()
track = lsmpl.read_keypoints("walk.trc")
motion = lsmpl.solve(track, body)
motion = lsmpl.clean_up(motion, body)
motion.save("walk.npz")
"""

from . import metrics
from .body.body import Body
from .body.load_body import load_body
from .by_hand.posing import Poser, poses_of
from .calibration.calibrate import Calibration, calibrate
from .calibration.files import read_calibration, save_calibration
from .clean_up import clean_up
from .datasets import read_dataset
from .errors import LsmplError
from .estimates.reading import read_motion
from .keypoints.condition import Condition
from .keypoints.layouts import LAYOUTS, Layout, get_layout
from .keypoints.track import Decision, KeypointTrack
from .motion import Motion
from .progress import Progress
from .readers import read_keypoints, read_people
from .refine import refine
from .solve import solve, solve_steps
from .solver.options import SolveOptions
from .solver.pins import Pins
from .touch_up import Begin, touch_up, touch_up_steps

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
    "read_people",
    "refine",
    "save_calibration",
    "solve",
    "solve_steps",
    "touch_up",
    "touch_up_steps",
]

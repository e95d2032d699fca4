"""LSMPL: 3D keypoint tracks to SMPL motion. `read_keypoints -> solve -> Motion.save`, with nothing from Blender."""

from .errors import LsmplError
from .keypoints import Decision, KeypointTrack
from .layouts import LAYOUTS, Layout, get_layout
from .motion import Motion

__version__ = "0.1.0"
__all__ = ["LAYOUTS", "Decision", "KeypointTrack", "Layout", "LsmplError", "Motion", "get_layout"]

"""A made-up person for the readers' tests: walks ahead along +x, left is +y, up is +z, 1.7 m tall, in metres."""

import numpy as np

from lsmpl_core.keypoints.layouts import Layout

_SIDED = {
    "shoulder": (0.0, 0.19, 1.40), "elbow": (-0.05, 0.24, 1.14), "wrist": (0.10, 0.24, 0.94),
    "carpus": (0.11, 0.24, 0.92), "hand": (0.15, 0.24, 0.87),
    "thumb_knuckle": (0.15, 0.21, 0.88), "index_knuckle": (0.16, 0.23, 0.86), "little_knuckle": (0.12, 0.26, 0.86),
    "collar": (0.0, 0.08, 1.40), "hip": (0.0, 0.10, 0.87), "knee": (0.06, 0.10, 0.49), "ankle": (0.0, 0.10, 0.09),
    "foot": (0.13, 0.11, 0.03), "heel": (-0.06, 0.10, 0.03), "toe": (0.18, 0.11, 0.02),
    "big_toe": (0.19, 0.09, 0.02), "small_toe": (0.15, 0.14, 0.02),
    "eye": (0.08, 0.03, 1.60), "eye_inner": (0.08, 0.02, 1.60), "eye_outer": (0.07, 0.05, 1.60),
    "ear": (0.0, 0.08, 1.58), "middle_tip": (0.19, 0.24, 0.77), "thumb_tip": (0.20, 0.20, 0.84),
}  # fmt: skip
_MIDDLE = {
    "mid_hip": (0.0, 0.0, 0.87), "pelvis": (0.0, 0.0, 0.95), "spine1": (0.0, 0.0, 1.06), "spine2": (0.0, 0.0, 1.19),
    "spine3": (0.0, 0.0, 1.25), "neck": (0.0, 0.0, 1.46), "head": (0.03, 0.0, 1.53), "nose": (0.11, 0.0, 1.56),
    "jaw": (0.06, 0.0, 1.52), "head_top": (0.0, 0.0, 1.70), "mid_ear": (0.0, 0.0, 1.58),
}  # fmt: skip
_ARM, _LEG = ("elbow", "wrist", "hand", "knuckle", "tip"), ("knee", "ankle", "foot", "heel", "toe")


def site_position(site: str) -> np.ndarray:
    """(3,) of one site, standing at the origin."""
    if site in _MIDDLE:
        return np.array(_MIDDLE[site])
    if site.startswith("mouth_"):
        return np.array([0.09, 0.02 if site == "mouth_left" else -0.02, 1.53])
    side, part = site.split("_", 1)
    return np.array(_SIDED[part]) * (1, 1 if side == "left" else -1, 1)


def walking(layout: Layout, frames: int = 40) -> np.ndarray:
    """(T,K,3): limbs swing about hips and shoulders, the body moves 3 cm a frame and turns a little."""
    t = np.arange(frames)
    positions = np.empty((frames, len(layout), 3))
    for k, site in enumerate(layout.sites):
        point = site_position(site)
        side = -1 if site.startswith("right") else 1
        pivot = 0.87 if any(part in site for part in _LEG) else 1.40 if any(part in site for part in _ARM) else None
        offset = np.tile(point, (frames, 1))
        if pivot is not None:
            angle = 0.4 * side * (1 if pivot < 1 else -1) * np.sin(0.3 * t)
            x, z = offset[:, 0].copy(), offset[:, 2] - pivot
            offset[:, 0] = x * np.cos(angle) - z * np.sin(angle)
            offset[:, 2] = x * np.sin(angle) + z * np.cos(angle) + pivot
        yaw = 0.01 * t
        positions[:, k, 0] = offset[:, 0] * np.cos(yaw) - offset[:, 1] * np.sin(yaw) + 0.03 * t
        positions[:, k, 1] = offset[:, 0] * np.sin(yaw) + offset[:, 1] * np.cos(yaw)
        positions[:, k, 2] = offset[:, 2]
    return positions

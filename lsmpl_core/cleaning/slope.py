"""The slope of the ground: feet that stand higher the further somebody goes one way, as on a ramp.

Stairs are none: there a foot's heel and toes are level, which no plane through the treads is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..body.body import Body
from ..motion import Motion
from ..rotation import between, exp_map, log_map
from .contacts import FLAT
from .floor import FEET, RESTING, FootPoints

LEAST, MOST = np.radians(3.0), np.radians(16.0)
"""Inclinations from which on the ground is a slope and no floor that was measured askew, and up to
which it is not stairs."""
LEAST_WAY = 1.2
"""Metres that feet have to come apart up and down the slope for it to be one."""
FEWEST_RESTS = 3
"""Rests at different places without which there is none."""
APART = 0.25
"""Metres between rests at different places."""
OFF, SHARE_OFF = 0.035, 0.5
"""Metres by which four fifths of what stands is off a plane at most, and as a share of what it is
off the level."""
NARROW = 0.15
"""Metres, one standard deviation of places, within which heights say little about a slope."""
ROUNDS, LEAST_OFF = 8, 0.005
"""Of the robust fit, and metres below which residuals are alike."""


def slope_of(points: FootPoints) -> np.ndarray:
    """(3,) unit vector up from the ground: (0, 0, 1) where it is level, or cannot be told."""
    level = np.array([0.0, 0.0, 1.0])
    where = _standing(points)
    if len(where) < 8 or _places(where) < FEWEST_RESTS:
        return level
    middle = np.median(where, axis=0)
    columns = np.column_stack([np.ones(len(where)), (where - middle)[:, :2]])
    height = where[:, 2] - middle[2]
    weight = np.ones(len(where))
    for _ in range(ROUNDS):
        # Least absolute residuals; across a straight way, where feet are close together, the ground
        # is rather level.
        normal = columns.T @ (weight[:, None] * columns)
        normal[[1, 2], [1, 2]] += weight.sum() * NARROW**2
        plane = np.linalg.solve(normal, columns.T @ (weight * height))
        off = np.abs(height - columns @ plane)
        weight = 1.0 / np.maximum(off, LEAST_OFF)
    steep = float(np.arctan(np.linalg.norm(plane[1:])))
    if not LEAST < steep < MOST:
        return level
    way = np.ptp(where[:, :2] @ plane[1:]) / np.linalg.norm(plane[1:])
    by_level = np.quantile(np.abs(height), 0.8)
    by_plane = np.quantile(off, 0.8)
    if way < LEAST_WAY or by_plane > min(OFF, SHARE_OFF * by_level):
        return level
    up = np.array([-plane[1], -plane[2], 1.0])
    return up / np.linalg.norm(up)


def turned(motion: Motion, body: Body, turn: np.ndarray) -> Motion:
    """The motion with the whole world turned (3,3) about the origin."""
    pelvis = body.rest_joints(body.betas_of(motion))[0]
    poses = motion.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    return replace(motion, poses=poses, trans=(motion.trans + pelvis) @ turn.T - pelvis)


def levelling(up: np.ndarray) -> np.ndarray:
    """(3,3): the least turn that takes up (3,) to the vertical."""
    return between(up[None], np.array([[0.0, 0.0, 1.0]]))[0]


def _standing(points: FootPoints) -> np.ndarray:
    """(N,3) metres: where soles are under points of feet that stand still with heel and toes, while
    the other foot is not clearly lower."""
    sole = points.smoothed - points.clearance[:, None] * [0.0, 0.0, 1.0]
    lowest = np.stack([sole[:, list(foot), 2].min(axis=1) for foot in FEET], axis=1)
    found = []
    for number, foot in enumerate(map(list, FEET)):
        still = (points.speed[:, foot] < RESTING).all(axis=1)
        bears = lowest[:, number] < lowest[:, 1 - number] + 2.0 * FLAT
        found.append(sole[still & bears][:, foot].reshape(-1, 3))
    return np.concatenate(found)


def _places(where: np.ndarray) -> int:
    """At how many places that are apart points (N,3) are; no more than `FEWEST_RESTS` are
    counted."""
    left, count = where[:, :2], 0
    while len(left) and count < FEWEST_RESTS:
        left = left[np.linalg.norm(left - left[0], axis=1) > APART]
        count += 1
    return count

"""What any take of a person is within. Numbers beyond it are nobody's, and are refused or missing
wherever they come from."""

from __future__ import annotations

import numpy as np

SLOWEST, FASTEST = 1.0, 10_000.0
"""Frames a second that a take has."""
SMALLEST, TALLEST = 0.3, 3.0
"""Metres that a person is tall."""
SMALLEST_HAND, LARGEST_HAND = 0.5, 2.0
"""Times that a hand is as large as a body of its shape has it."""
FARTHEST = 1e8
"""Metres from the origin that anything is: twice around the Earth, whose survey coordinates are
read."""
MOST_TURN = 1e3
"""Radians of an axis-angle; files have some of a few turns."""
LARGEST_BETA = 100.0
"""Standard deviations of a shape; nobody's is beyond 6 (`judgement.py`)."""
MOST_FRAMES, MOST_GROWTH = 100_000, 10
"""Frames, or times as many as there are, that are made of fewer: seven minutes at 240 a second, or
any take at 300 for 30."""
FEWEST_KEYPOINTS = 3
"""That fix where a body is and which way it is turned."""
LONGEST_NAME = 256
"""Letters in the name of a keypoint."""


def is_rate(fps: float) -> bool:
    """Whether a number is frames a second of a take."""
    return SLOWEST <= fps <= FASTEST


def are_whole(numbers: np.ndarray) -> bool:
    """Whether numbers are whole, and small enough for a double to count them one by one."""
    return bool(((np.abs(numbers) < 2**53) & (numbers == np.round(numbers))).all())

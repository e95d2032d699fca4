"""The 21 points of a hand that detectors see (OpenPose, MediaPipe, COCO, Halpe): the wrist, then
thumb, index, middle, ring and little finger, each from its base to its tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

FINGERS = ("index", "middle", "little", "ring", "thumb")
"""In SMPL-H's and SMPL-X's order."""
SIDES = ("left", "right")
FINGER_WORDS = {finger: finger for finger in FINGERS} | {
    "forefinger": "index", "pinky": "little", "pinkie": "little",
}  # fmt: skip
SIDE_WORDS = {"left": 0, "l": 0, "right": 1, "r": 1}
"""What names call fingers and sides."""
HAND_POINTS = (
    "wrist",
    *(
        f"{finger}{end}"
        for finger in ("thumb", "index", "middle", "ring", "little")
        for end in ("1", "2", "3", "_tip")
    ),
)
"""(21,) names in the detectors' order: joints by SMPL-H's numbers, and tips."""
CHAINS = np.array(
    [[HAND_POINTS.index(f"{finger}{end}") for end in ("1", "2", "3", "_tip")] for finger in FINGERS]
)
"""(5,4): where the points of each finger are among the 21, fingers in SMPL-H's order."""
PALM = (0, *CHAINS[:, 0])
"""The points that turn with the wrist: itself, and the base of each finger."""
TIP_NAMES = tuple(f"{side}_{finger}_tip" for side in SIDES for finger in FINGERS)
"""(10,) fingers in SMPL-H's order."""


@dataclass(frozen=True, eq=False)
class HandPoints:
    """The hands of one person over time: positions (T,2,21,3) in the metres and the world of the
    body's keypoints, left hand first, NaN where a point is missing; confidence (T,2,21) in 0..1,
    exactly 0 there. placed: whether it was seen where the hands are and how large; False for hands
    that had an origin of their own, as MediaPipe's, and were put on the body's wrists. on_skin:
    they are markers on the backs of the fingers, beside those points."""

    positions: np.ndarray
    confidence: np.ndarray
    placed: bool = True
    on_skin: bool = False

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=np.float64)
        confidence = np.array(self.confidence, dtype=np.float64)
        missing = ~np.isfinite(positions).all(axis=-1) | ~(confidence > 0)
        positions[missing], confidence[missing] = np.nan, 0.0
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "confidence", np.clip(confidence, 0.0, 1.0))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def visible(self) -> np.ndarray:
        """(T,2,21) bool."""
        return self.confidence > 0

    @property
    def bone_lengths(self) -> np.ndarray:
        """(T,2,5,3) metres: of each bone of a finger, NaN where an end is missing."""
        return np.linalg.norm(np.diff(self.positions[:, :, CHAINS], axis=3), axis=-1)

    def frames(self, selection: slice | np.ndarray) -> HandPoints:
        """The same hands in some of the frames."""
        return replace(
            self, positions=self.positions[selection], confidence=self.confidence[selection]
        )

    def without(self, hands: Sequence[bool]) -> HandPoints:
        """The same points, none of some hands (2,)."""
        return replace(self, confidence=np.where(np.reshape(hands, (2, 1)), 0.0, self.confidence))

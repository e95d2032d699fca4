"""Whole-body keypoint sets (body, feet, hands, face in one array): which of their columns are body keypoints."""

from __future__ import annotations

from ..keypoints.layouts import BODY_25, COCO_17, HALPE_26, LAYOUTS, MEDIAPIPE_33


def _hand(side: str) -> tuple[str, ...]:
    """The 21 points of a hand: wrist, then four a finger from the thumb on; "" is set aside."""
    knuckles = {2: "thumb", 5: "index", 17: "little"}
    return tuple(f"{side}_{knuckles[i]}_knuckle" if i in knuckles else "" for i in range(21))


_HANDS = (*_hand("left"), *_hand("right"))
_FEET = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel"))
_COCO_FEET = (*COCO_17.keypoints, *_FEET)

WHOLE_BODY_SETS: dict[int, tuple[str, tuple[str, ...]]] = {
    len(names): (label, names)
    for label, names in (
        ("COCO-17 with feet", _COCO_FEET),
        ("COCO-WholeBody", (*_COCO_FEET, *[""] * 68, *_HANDS)),
        ("Halpe-136", (*HALPE_26.keypoints, *[""] * 68, *_HANDS)),
        ("BODY_25 with hands", (*BODY_25.keypoints, *_HANDS)),
        ("BODY_25 with hands and face of 51", (*BODY_25.keypoints, *_HANDS, *[""] * 51)),
        ("BODY_25 with hands and face", (*BODY_25.keypoints, *_HANDS, *[""] * 70)),
        ("MediaPipe pose and hands", (*MEDIAPIPE_33.keypoints, *[""] * 42)),
        ("MediaPipe Holistic", (*MEDIAPIPE_33.keypoints, *[""] * (42 + 468))),
        ("MediaPipe Holistic with irises", (*MEDIAPIPE_33.keypoints, *[""] * (42 + 478))),
    )
}
"""Count of keypoints in the file: what the set is called, and the canonical name of each, "" where set aside."""

KNOWN_COUNTS = frozenset((*(len(layout) for layout in LAYOUTS.values()), *WHOLE_BODY_SETS))
"""Keypoint counts that tell a bare array's layout."""

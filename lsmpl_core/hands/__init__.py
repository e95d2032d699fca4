"""Fingers: their joints on a body, and solving them from hand keypoints."""

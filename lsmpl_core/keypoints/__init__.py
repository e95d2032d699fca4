"""Keypoint tracks and their layouts."""

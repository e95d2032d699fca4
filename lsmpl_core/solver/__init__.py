"""Poses from keypoints: network, polish, and the way through a take."""

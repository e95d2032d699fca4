"""From a take's keypoints to its motion, and how good that is."""

"""The body model: skeleton, files, forward kinematics, and the sites of keypoints on it."""

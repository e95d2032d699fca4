"""A subject: betas, and where on the body each keypoint or marker sits."""

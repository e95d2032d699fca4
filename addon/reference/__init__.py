"""The picture that a take was filmed in: behind the body, or beside it."""

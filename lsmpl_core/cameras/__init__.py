"""Cameras that filmed a take: what files say of them, and where they stand in the take's space."""

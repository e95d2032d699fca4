"""Smoothing, the floor, and feet that stand."""

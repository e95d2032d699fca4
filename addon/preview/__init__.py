"""What Smooth would do, seen before it is applied."""

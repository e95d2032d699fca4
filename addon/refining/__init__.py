"""Some frames of a take, changed by the animator."""

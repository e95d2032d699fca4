"""Live posing: handles that are moved, and a character that follows."""

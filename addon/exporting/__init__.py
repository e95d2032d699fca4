"""A character's animation as files."""

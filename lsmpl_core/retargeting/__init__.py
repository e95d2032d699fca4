"""Characters with other skeletons."""

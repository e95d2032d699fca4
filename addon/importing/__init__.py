"""Takes made of files, and of what is already in the scene."""

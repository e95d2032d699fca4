"""The command line: `lsmpl convert` and its like, in and out of Blender."""

"""Characters: armature, mesh, shape, and the actions that are baked on them."""

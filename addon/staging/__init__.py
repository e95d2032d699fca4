"""Characters in a scene of their own, to be exported or read: no scene of the user is touched."""

"""Takes: what is kept of one in the .blend, and how it is shown."""

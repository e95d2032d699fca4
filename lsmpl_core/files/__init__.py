"""Files of strangers, read by code that executes nothing, and files of our own, never
half-written."""

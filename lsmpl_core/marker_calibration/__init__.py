"""Marker sets: where on a subject's body each marker sits, found on takes."""

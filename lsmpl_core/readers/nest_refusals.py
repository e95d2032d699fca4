"""What is said of nests without keypoints: which keys there are, and what they look like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import KeypointFileError


def nothing_in(content: Any, flat: bool, where: str) -> KeypointFileError:
    """What is said of content without poses."""
    frames = content if isinstance(content, list) else [content]
    full = (one for one in frames if (one.size if isinstance(one, np.ndarray) else one))
    first = next(full, frames[0] if frames else content)
    if flat:
        return KeypointFileError(
            f"{where}: only 2D keypoints are there ({described(first)}). 3D keypoints are needed: "
            "triangulated from several cameras, or lifted by a pose estimator"
        )
    return KeypointFileError(
        f"{where}: no keypoints; it holds "
        f"{described(content if isinstance(content, dict) else first)}; expected keypoints: frames "
        "of [[x, y, z], ...], of names with [x, y, z], or of people with points under a key such "
        "as keypoints3d, joints or landmarks"
    )


def described(data: Any) -> str:
    """Which keys there are, and what they look like, for messages."""
    if isinstance(data, list):
        return f"a list of {len(data)}" + (f", the first {described(data[0])}" if data else "")
    if isinstance(data, dict):
        listed = ", ".join(
            f"{str(key)[:30]} ({_kind(value)})" for key, value in list(data.items())[:10]
        )
        more = ", ..." if len(data) > 10 else ""
        return f"an object with {listed}{more}" if data else "an empty object"
    return _kind(data)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        first = next((one for one in value if one is not None), None)
        kind = {dict: "objects", int: "numbers", float: "numbers"}.get(type(first), "items")
        return f"{len(value)} {kind}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape}"
    return {bool: "true or false", str: "text", type(None): "null"}.get(type(value), "a number")

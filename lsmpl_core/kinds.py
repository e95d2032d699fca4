"""Whether what a public function is given is of the kind that it expects."""

from __future__ import annotations

MADE_BY = {
    "KeypointTrack": "read_keypoints(path) or KeypointTrack(positions, layout=...)",
    "Body": "load_body() or load_body(path)",
    "Motion": "solve(track, body) or read_motion(path)",
}


def check_kinds(**given: tuple[object, str]) -> None:
    """Raises `TypeError` for a value that is no instance of a class of that name, with what makes
    one: paths and arrays are given where tracks are expected, and arguments exchanged.

    given: by the argument's name the value and the name of its class, one of `MADE_BY`. Names, not
    classes, for those of before Blender reloaded the add-on are as good.
    """
    for argument, (value, kind) in given.items():
        if all(cls.__name__ != kind for cls in type(value).__mro__):
            raise TypeError(
                f"{argument} is of type {type(value).__name__}; expected a {kind}, as "
                f"{MADE_BY[kind]} gives"
            )

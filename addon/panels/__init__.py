"""The LSMPL tab of the 3D viewport's sidebar, a module for each section, in the order of the
work."""

from . import (
    animation_rig,
    bones,
    character,
    character_operators,
    clean_up,
    export,
    keypoints,
    live,
    picture,
    quality,
    refine,
    retarget,
    rig_operators,
    shape_operators,
    solve,
    take_list,
    take_operators,
)

_SECTIONS = (
    take_operators,
    take_list,
    keypoints,
    picture,
    shape_operators,
    character,
    solve,
    quality,
    live,
    refine,
    clean_up,
    rig_operators,
    animation_rig,
    character_operators,
    retarget,
    bones,
    export,
)


def register() -> None:
    for section in _SECTIONS:
        section.register()


def unregister() -> None:
    for section in reversed(_SECTIONS):
        section.unregister()

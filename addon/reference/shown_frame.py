"""Pictures keep the number of the frame that they show.

Blender counts it when the scene's frame changes, in a copy of the object. Whatever else changes of
the object, or an undo, has the copy made anew: from an original whose number is that of its
first day, so that a plane shows what is not there, magenta, until the next frame.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ..registration import registration
from ..takes import take as takes
from . import playing


def note(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Let all pictures of a scene's takes know which frame they show; returns them."""
    if not any(image.source in ("SEQUENCE", "MOVIE") for image in bpy.data.images):
        return []
    found = {take.lsmpl_picture.shown_by for take in takes.takes_in(scene)} - {None}
    for shown_by in found:
        user = playing.image_user(shown_by)
        number = playing.number_shown(shown_by, scene.frame_current_final)
        if user is not None and user.frame_current != number and not user.id_data.library:
            user.frame_current = number
    return list(found)


@persistent
def _on_change(scene: bpy.types.Scene, *_) -> None:
    # Blender may count before it has asked the offset's driver, and has to count once more.
    for shown_by in note(scene):
        shown_by.update_tag()


register, unregister = registration(
    (), handlers=dict.fromkeys(("frame_change_post", "undo_post", "redo_post"), _on_change)
)

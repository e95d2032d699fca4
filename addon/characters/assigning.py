"""What an object plays: its own action, and those of its strips in the Nonlinear Animation editor.

The motion of a take is one of them. Animators put layers of their own over it, which stay when the
motion is made anew.
"""

from __future__ import annotations

import bpy

from ...lsmpl_core import LsmplError
from . import actions


def check(owner: bpy.types.Object) -> None:
    """Raises `LsmplError` while what an object plays cannot be changed."""
    if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
        raise LsmplError(f"{owner.name}: has a strip in tweak mode; leave that first (Tab)")


def assign(
    owner: bpy.types.Object, action: bpy.types.Action, old: bpy.types.Action | None = None
) -> bpy.types.Action | None:
    """Let `owner` play the action in the strips of `old`, the one that it is made anew of, or else
    as its own. An action of ours that was there goes, unless it was edited since.

    Returns the action that was there and is kept, if any.
    """
    check(owner)
    animation = owner.animation_data
    if old is not None and _replace_in_strips(owner, action, old):
        if animation.action == old:
            animation.action = None
        return actions.let_go(old)
    current = animation.action if animation else None
    play(owner, action)
    return actions.let_go(current) if current != action else None


def assign_strip(
    owner: bpy.types.Object, action: bpy.types.Action, old: bpy.types.Action | None = None
) -> bpy.types.Action | None:
    """Let `owner` play the action in the strips of `old`, or else from a strip on an NLA track of
    its own.

    Its own action, which would hide all strips, is put away if it is ours. Returns the action that
    was there and is kept, if any.
    """
    check(owner)
    animation = owner.animation_data or owner.animation_data_create()
    current = animation.action
    if old is None or not _replace_in_strips(owner, action, old):
        strip = _add_strip(animation, action)
        # The first strip holds before and after; later ones must not hide those below them.
        strip.extrapolation = "HOLD" if len(animation.nla_tracks) == 1 else "NOTHING"

    # The object's own action would hide the strip: ours goes, another's stays and plays over it.
    if current is not None and (current == old or actions.is_baked(current)):
        animation.action = None
        if current != old:
            return actions.let_go(current)
    return actions.let_go(old) if old is not None and old != action else None


def play(owner: bpy.types.Object, action: bpy.types.Action) -> None:
    """Make it the object's action; whatever that was before stays in the file."""
    animation = owner.animation_data or owner.animation_data_create()
    animation.action = action
    if hasattr(action, "slots"):
        animation.action_slot = action.slots[0]


def play_alone(owner: bpy.types.Object, action: bpy.types.Action) -> None:
    """Make it all that the object plays: no strips, and nothing blended."""
    animation = owner.animation_data or owner.animation_data_create()
    for track in list(animation.nla_tracks):
        animation.nla_tracks.remove(track)
    animation.action_influence, animation.action_blend_type = 1.0, "REPLACE"
    play(owner, action)


def add_layer(owner: bpy.types.Object) -> bpy.types.Action:
    """Put what an object plays into a strip and give it a new action over that, which new keys go
    to and are combined with what is under them. Raises `LsmplError` where it cannot be."""
    check(owner)
    animation = owner.animation_data or owner.animation_data_create()
    if animation.action is not None:
        strip = _add_strip(animation, animation.action, animation)
        strip.blend_type = animation.action_blend_type
        strip.extrapolation = animation.action_extrapolation
        strip.influence = animation.action_influence
    layer = bpy.data.actions.new(f"{owner.name} Layer")
    actions.new_home(layer, owner.name)
    play(owner, layer)
    animation.action_blend_type, animation.action_extrapolation = "COMBINE", "HOLD"
    animation.action_influence = 1.0
    return layer


def play_only_strip(owner: bpy.types.Object) -> None:
    """Where an object plays nothing but one strip of ours at the action's own frames, make that its
    own action again."""
    animation = owner.animation_data
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    if animation.action is not None or len(strips) != 1 or not actions.is_baked(strips[0].action):
        return
    action, strip = strips[0].action, strips[0]
    if abs(strip.frame_start - strip.action_frame_start) > 0.5 or strip.scale != 1.0:
        return
    play_alone(owner, action)


def _add_strip(
    animation: bpy.types.AnimData,
    action: bpy.types.Action,
    playing: bpy.types.AnimData | None = None,
) -> bpy.types.NlaStrip:
    """A strip at the action's own frames on a new track, over all others. playing: what uses the
    action now, which says by which of its slots."""
    first, last = action.frame_range
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(first), action)
    if hasattr(action, "slots"):
        strip.action_slot = playing.action_slot if playing else action.slots[0]
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start_ui, strip.frame_end_ui = first, max(last, first + 1)
    return strip


def _replace_in_strips(
    owner: bpy.types.Object, action: bpy.types.Action, old: bpy.types.Action
) -> bool:
    """Give the strips of an action another one; whether there are some. Where, how fast and how
    blended they play stays as it is; those that played all of it play all of the other."""
    strips, of_old = _strips_of(owner, old), tuple(old.frame_range)
    for strip in strips:
        fits = _is_whole(strip, of_old)
        strip.action = action
        if hasattr(action, "slots"):
            strip.action_slot = action.slots[0]
        if fits:
            _fit(strip, of_old, tuple(action.frame_range))
        strip.name = action.name
    return bool(strips)


def refit_strips(
    owner: bpy.types.Object, action: bpy.types.Action, before: tuple[float, float]
) -> None:
    """Let strips that played all of an action, when its keys were from one frame to another, play
    all of it where they are now."""
    for strip in _strips_of(owner, action):
        if _is_whole(strip, before):
            _fit(strip, before, tuple(action.frame_range))


def _is_whole(strip: bpy.types.NlaStrip, of_action: tuple[float, float]) -> bool:
    ends = (strip.action_frame_start, strip.action_frame_end)
    return all(abs(one - other) < _SAME_FRAME for one, other in zip(ends, of_action))


def _fit(strip: bpy.types.NlaStrip, before: tuple[float, float], now: tuple[float, float]) -> None:
    starts = strip.frame_start + (now[0] - before[0]) * strip.scale
    lasts = max(now[1] - now[0], 1.0) * strip.scale
    strip.action_frame_start, strip.action_frame_end = now
    strip.frame_start_ui, strip.frame_end_ui = starts, starts + lasts


_SAME_FRAME = 1e-2


def _strips_of(owner: bpy.types.Object, action: bpy.types.Action) -> list[bpy.types.NlaStrip]:
    tracks = owner.animation_data.nla_tracks if owner.animation_data else ()
    return [strip for track in tracks for strip in track.strips if strip.action == action]


def in_use(owner: bpy.types.Object) -> list[bpy.types.Action]:
    """The actions of ours that an object plays, its own and those of its strips, which can be
    changed."""
    found = all_of(owner)
    return [action for action in found if actions.is_baked(action) and action.library is None]


def all_of(owner: bpy.types.Object) -> list[bpy.types.Action]:
    """An object's own action and those of its strips, each once."""
    animation = owner.animation_data
    if animation is None:
        return []
    strips = (strip.action for track in animation.nla_tracks for strip in track.strips)
    return [action for action in dict.fromkeys([animation.action, *strips]) if action is not None]


def plays(owner: bpy.types.Object, action: bpy.types.Action) -> bool:
    """Whether it is the object's action, or that of one of its strips."""
    return action in all_of(owner)


def curves_of(owner: bpy.types.Object) -> list[bpy.types.FCurve] | None:
    """The F-curves that animate an object and its pose, where they alone do: None where the NLA,
    layers or a blended action mix with them, so that their values are not what is seen."""
    animation = owner.animation_data
    if animation is None:
        return []
    if animation.use_nla and any(track.strips and not track.mute for track in animation.nla_tracks):
        return None
    action = animation.action
    if action is None:
        return []
    if animation.action_influence != 1.0 or animation.action_blend_type != "REPLACE":
        return None
    if not hasattr(action, "layers"):
        return list(action.fcurves)
    strips = [strip for layer in action.layers for strip in layer.strips]
    if len(strips) > 1:
        return None
    bag = strips[0].channelbag(animation.action_slot) if strips and animation.action_slot else None
    return list(bag.fcurves) if bag else []

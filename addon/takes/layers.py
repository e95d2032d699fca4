"""The motion layers of a take, each made from the one before it: as solved, refined by the
animator, cleaned.

Each is a mesh that the take points to (docs/blend_storage.md). None is ever changed: a new one
takes its place, and what was made from the old one goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.doubtful import Stretch, doubtful_stretches
from ..stored_facts import (
    Fields,
    check,
    is_flag,
    is_number,
    is_text,
    is_whole,
    list_of,
    nullable,
    object_of,
    optional,
)
from . import display, motion_mesh
from .mesh_data import read, write
from .take import describe as describe_take
from .take import ever_seen, need_local_object_mode, set_travel, shape_of

_COMMON_FACTS = (
    "frames", "fps", "first_frame", "body", "gender", "betas", "hand_size", "calibration",
)  # fmt: skip


class Layer(StrEnum):
    """Named as the property of the take that points to the motion."""

    SOLVED = "solved"
    REFINED = "refined"
    CLEANED = "cleaned"


_FACTS_OF = {
    Layer.SOLVED: Fields(
        body_path=is_text,
        keypoint_names=list_of(is_text),
        has_residual=is_flag,
        has_condition=is_flag,
    ),
    Layer.REFINED: Fields(),
    Layer.CLEANED: Fields(
        clean_up=object_of(
            raised_m=is_number,
            floor_m=is_number,
            sliding_before_cm_s=nullable(is_number),
            sliding_after_cm_s=nullable(is_number),
            cutoff_hz=nullable(is_number),
            parted_frames=optional(is_whole),
        )
    ),
}
"""What is known of a layer beside what is known of all."""
_NOT_THERE = {
    Layer.SOLVED: "is not solved yet; press Solve first",
    Layer.REFINED: "has no refined motion",
    Layer.CLEANED: "has no cleaned motion",
}


def is_solved(take: bpy.types.Object) -> bool:
    return take.lsmpl.solved is not None


def latest(take: bpy.types.Object, before: Layer | None = None) -> Layer | None:
    """The last layer that a take has come to, which is what is baked, or the last one before
    another."""
    layers = list(Layer)
    layers = layers[: layers.index(before)] if before else layers
    return next((layer for layer in reversed(layers) if getattr(take.lsmpl, layer)), None)


def describe(take: bpy.types.Object, layer: Layer = Layer.SOLVED) -> dict | None:
    """What is known of a motion without reading its arrays, or None where the take has none.

    Keys of all: version (see `version`), frames, fps, first_frame, body, betas, hand_size,
    gender, calibration (None where there is none). Of the solved one besides: body_path,
    keypoint_names, device, solver, residual_mean and residual_worst (metres, of frames; None
    where nothing was measured), worst_frame (0 for the take's first), doubtful (the stretches
    of doubtful frames), reading (of the track that was solved), and what the solver decided,
    where it did: decisions. Of the cleaned one: clean_up, how it was made, and what that did.
    Of those that were refined by hand: refined, ranges of frames (first and last of each, 0 for
    the take's first), by_hand, single frames that somebody posed, and doubtful and
    residual_mean as they are now.
    """
    mesh = getattr(take.lsmpl, layer)
    if mesh is None:
        return None
    facts = motion_mesh.facts_in(mesh)
    check(mesh, motion_mesh.MOTION_KEY, _FACTS_OF[layer])
    return facts


def facts_of(take: bpy.types.Object, layer: Layer = Layer.SOLVED) -> dict:
    """As `describe`. Raises `LsmplError` where the take has no such motion."""
    facts = describe(take, layer)
    if facts is None:
        raise LsmplError(f"{take.name}: {_NOT_THERE[layer]}")
    return facts


def version(take: bpy.types.Object, layer: Layer | None = None) -> str:
    """What no other motion has but the take's latest, or that of a layer; "" where there is none,
    or an earlier LSMPL stored it."""
    layer = layer or latest(take)
    facts = describe(take, layer) if layer else None
    return facts.get("version", "") if facts else ""


def load(take: bpy.types.Object, layer: Layer | None = None) -> Motion:
    """The motion of a layer, by default the latest; what was baked from it may have been edited
    since.

    The solved one has the residual and the condition of the keypoints, too.
    Raises `LsmplError` where there is none.
    """
    layer = layer or latest(take) or Layer.SOLVED
    facts = facts_of(take, layer)
    motion = motion_mesh.motion_in(getattr(take.lsmpl, layer), facts)
    return _with_residual(take, motion, facts) if layer == Layer.SOLVED else motion


def load_frame(take: bpy.types.Object, frame: int, layer: Layer | None = None) -> Motion:
    """One frame (0 for the take's first) of a layer, by default the latest; takes no longer where
    the take is long.

    Raises `LsmplError` where there is none.
    """
    layer = layer or latest(take)
    mesh = getattr(take.lsmpl, layer) if layer else None
    if mesh is None:
        raise LsmplError(f"{take.name}: has no motion yet; press Solve first")
    return motion_mesh.frame_in(mesh, frame)


def has_fingers(take: bpy.types.Object) -> bool:
    """Whether the latest motion of a take has fingers, without reading its arrays."""
    layer = latest(take)
    mesh = getattr(take.lsmpl, layer) if layer else None
    return mesh is not None and motion_mesh.has_fingers(mesh)


def prepare_solved(
    take: bpy.types.Object,
    motion: Motion,
    joints: np.ndarray | None = None,
    body_path: str = "",
    report: Mapping | None = None,
    sites: np.ndarray | None = None,
    doubtful: Sequence[Stretch] | None = None,
) -> Callable[[], None]:
    """Do all of storing a solved motion that can fail; calling what this returns puts it in place.

    joints (T,24,3) are `body.joints(motion)`, stored for display; sites (T,K,3) are where the body
    has the motion's keypoints, for showing those that are missing; body_path finds a user's own
    body again; report holds further facts as JSON values (device, ...); doubtful are the motion's
    doubtful stretches, which are looked for where not given.
    """
    _need_fits(take, motion)
    residual, of_keypoints = motion.frame_residual, motion.residual
    seen = np.isfinite(residual)
    metadata = {
        **(report or {}),
        "body_path": body_path,
        "keypoint_names": motion.keypoint_names,
        "has_residual": motion.residual is not None,
        "has_condition": motion.condition is not None,
        "residual_mean": None
        if of_keypoints is None or not seen.any()
        else float(np.nanmean(of_keypoints)),
        "residual_worst": float(residual[seen].max()) if seen.any() else None,
        "worst_frame": int(np.nanargmax(residual)) if seen.any() else None,
        "doubtful": [
            stretch.as_dict()
            for stretch in (doubtful_stretches(motion) if doubtful is None else doubtful)
        ],
        "reading": describe_take(take).get("reading", 0),
    }

    # By the vertices of the track, where the display reads it.
    missing = np.nan if motion.residual is None else motion.residual
    measured = _by_vertex(take, motion, np.where(np.isfinite(missing), missing, -1.0), -1.0)
    condition = None if motion.condition is None else _by_vertex(take, motion, motion.condition, 0)
    shown = None if sites is None else _by_vertex(take, motion, sites, 0.0)
    if shown is not None:
        shown[:, ~ever_seen(take)] = 0.0

    in_place = prepare(take, Layer.SOLVED, motion, joints, metadata)

    def put_in_place() -> None:
        write(take.data, "residual", "FLOAT", measured)
        if condition is not None:
            write(take.data, "condition", "INT", condition)
        if shown is not None:
            write(take.data, "site", "FLOAT_VECTOR", shown)
        set_travel(take, motion.travel)
        take.data.update()
        upgrade_display(take)
        in_place()

    return put_in_place


def prepare(
    take: bpy.types.Object,
    layer: Layer,
    motion: Motion,
    joints: np.ndarray | None,
    metadata: Mapping,
) -> Callable[[], None]:
    """Do all of storing a motion that can fail; calling what this returns puts it in place of the
    layer's earlier one, and removes the layers after it.

    joints (T,24,3) are `body.joints(motion)`; known holds further facts as JSON values.
    """
    _need_fits(take, motion)
    mesh = motion_mesh.new_mesh(f"{take.name} {layer.capitalize()}", motion, joints, metadata)

    def put_in_place() -> None:
        remove(take, layer)
        switch(take, layer, mesh)

    return put_in_place


def _need_fits(take: bpy.types.Object, motion: Motion) -> None:
    """Raises `LsmplError` where a motion cannot be a take's now."""
    need_local_object_mode(take)
    frames, _ = shape_of(take)
    if len(motion) != frames:
        raise LsmplError(
            f"{take.name}: the motion has {len(motion)} frames but the take has {frames}"
        )


def changed(
    take: bpy.types.Object,
    layer: Layer,
    first: int,
    motion: Motion,
    joints: np.ndarray,
    by_hand: Collection[int] = (),
) -> bpy.types.Mesh:
    """A copy of a layer, or of what it is to be made from, with the frames from `first` on as in
    `motion`.

    joints (T,24,3) are `body.joints(motion)`; by_hand are the frames that later changes leave
    alone. `switch` puts the copy in place.
    """
    need_local_object_mode(take)
    made_from = latest(take, before=Layer.CLEANED) if layer == Layer.REFINED else layer
    source = getattr(take.lsmpl, made_from or Layer.SOLVED)
    facts = motion_mesh.facts_in(source)
    if layer == Layer.REFINED:
        facts = {key: facts[key] for key in (*_COMMON_FACTS, "refined") if key in facts}
    ranges = _merged([*facts.get("refined", []), [first, first + len(motion) - 1]])
    facts |= {"refined": ranges, "by_hand": sorted(by_hand)}
    name = f"{take.name} {layer.capitalize()}"
    return motion_mesh.with_frames(source, name, first, motion, joints, facts)


def note(take: bpy.types.Object, layer: Layer, **facts) -> None:
    """Add facts, as JSON values, to a motion that was just made."""
    motion_mesh.note(getattr(take.lsmpl, layer), **facts)


def switch(take: bpy.types.Object, layer: Layer, mesh: bpy.types.Mesh | None) -> None:
    """Let a take have another motion as one of its layers, or none. The one that it had stays in
    the file as long as something points to it, and so do the layers after it."""
    setattr(take.lsmpl, layer, mesh)
    _show_raised(take)


def is_refined(take: bpy.types.Object, frame: int) -> bool:
    """Whether a frame (0 for the take's first) was refined by hand, or blends into one that was."""
    refined = describe(take, Layer.REFINED) or {}
    return any(first <= frame <= last for first, last in refined.get("refined", ()))


def raised(take: bpy.types.Object) -> float:
    """Metres by which a clean-up has moved the character up from its keypoints, to its floor."""
    cleaned = describe(take, Layer.CLEANED)
    return cleaned["clean_up"]["raised_m"] if cleaned else 0.0


def upgrade_display(take: bpy.types.Object) -> None:
    """Show a take that an older LSMPL stored as this one does."""
    if display.upgrade(take):
        with suppress(LsmplError):  # a motion that is damaged says so where it is worked on
            _show_raised(take)


def _show_raised(take: bpy.types.Object) -> None:
    """Show the keypoints on the character, wherever a clean-up has put that."""
    display.put(take, "Raised", raised(take))


def _merged(ranges: list[list[int]]) -> list[list[int]]:
    """The same frames in as few ranges as possible."""
    merged: list[list[int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(last, merged[-1][1])
        else:
            merged.append([first, last])
    return merged


def remove(take: bpy.types.Object, layer: Layer) -> None:
    """Take a layer, and those that were made from it, away."""
    layers = list(Layer)
    for gone in reversed(layers[layers.index(layer) :]):  # none shows what one before it has lost
        mesh = getattr(take.lsmpl, gone)
        switch(take, gone, None)
        if mesh and mesh.users == 0:
            bpy.data.meshes.remove(mesh)


def _with_residual(take: bpy.types.Object, motion: Motion, facts: Mapping) -> Motion:
    columns, shape = _columns(take, facts["keypoint_names"]), shape_of(take)
    residual = condition = None
    if facts["has_residual"]:
        residual = (
            read(take.data, "residual", "FLOAT").reshape(shape)[:, columns].astype(np.float64)
        )
        residual[residual < 0] = np.nan
    if facts["has_condition"]:
        condition = read(take.data, "condition", "INT").reshape(shape)[:, columns]
    return replace(
        motion,
        residual=residual,
        condition=condition,
        keypoint_names=tuple(facts["keypoint_names"]),
    )


def _by_vertex(
    take: bpy.types.Object, motion: Motion, values: np.ndarray, otherwise: float
) -> np.ndarray:
    """(T,K) or (T,K,3) for the track's vertices, where the display reads it, from the motion's own
    keypoints."""
    filled = np.full((*shape_of(take), *np.shape(values)[2:]), otherwise)
    filled[:, _columns(take, motion.keypoint_names)] = values
    return filled


def _columns(take: bpy.types.Object, names) -> list[int]:
    keypoints = describe_take(take)["layout"]["keypoints"]
    unknown = [name for name in names if name not in keypoints]
    if unknown:
        raise LsmplError(
            f"{take.name}: the motion measures {', '.join(unknown)}, which the take does not have"
        )
    return [keypoints.index(name) for name in names] or list(range(len(keypoints)))

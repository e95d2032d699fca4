"""Marker sets: the table of their names, and the static trial that they are calibrated on besides
the take itself."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import bpy
import numpy as np
from bpy.props import StringProperty

from ...lsmpl_core import Calibration, KeypointTrack, LsmplError, Progress, read_keypoints
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.marker_calibration.calibrate_markers import calibrate_steps, needs_calibration
from ..paths import FROM_BLEND
from ..registration import registration
from ..takes import take as takes


class MarkerSettings(bpy.types.PropertyGroup):
    """`Object.lsmpl_markers` of a take of optical markers."""

    table: StringProperty(
        name="Marker Table",
        description="JSON file that says where markers of your own names sit on the body",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )
    static_trial: StringProperty(
        name="Static Trial",
        description="A file of the same subject and markers, standing still. By it and the take it "
        "is found out where each marker sits on the body (empty: by the take alone)",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )


def has_markers(take: bpy.types.Object) -> bool:
    """Whether a take is of optical markers, which are calibrated when it is solved."""
    return needs_calibration(takes.layout_of(take))


def static_trial(take: bpy.types.Object) -> KeypointTrack | None:
    """The static trial that was chosen for a take of markers, read; None where there is none.

    Raises `LsmplError` where it cannot be read, or is of no marker set.
    """
    settings = take.lsmpl_markers
    if not settings.static_trial or not has_markers(take):
        return None
    table = bpy.path.abspath(settings.table) or None
    trial = read_keypoints(bpy.path.abspath(settings.static_trial), markers=table)
    if not needs_calibration(trial.layout):
        raise LsmplError(
            f"{settings.static_trial}: is no marker set ({trial.layout.label}), so markers "
            "cannot be calibrated on it"
        )
    return trial


def calibration_steps(
    trial: KeypointTrack | None,
    track: KeypointTrack,
    body: Body,
    betas: Sequence[float] | None = None,
) -> Generator[Progress, None, Calibration | None]:
    """Yields `Progress` and returns the calibration on a static trial and a take; None where there
    is no trial.

    betas (10,) are taken as true; None means estimate.
    """
    if trial is None:
        return None
    return (
        yield from calibrate_steps(
            [trial, track], body, betas=None if betas is None else np.array(betas)
        )
    )


register, unregister = registration(
    (MarkerSettings,), (bpy.types.Object, "lsmpl_markers", MarkerSettings)
)

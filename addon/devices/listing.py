"""What can compute on this machine: a list in the preferences, and a button that looks.

Nothing is looked for unless somebody asks, because that takes seconds; PyTorch is asked in a
process of its own, so that Blender neither loads it nor goes down with it.
"""

from __future__ import annotations

import textwrap
from typing import ClassVar, NamedTuple

import bpy

from ...lsmpl_core import LsmplError
from ...lsmpl_core.backends.devices import Device, describe_devices
from ...lsmpl_core.shown import shown
from .. import jobs
from ..registration import registration
from . import torch_folder

_KIND = "lsmpl.check_devices"


class Found(NamedTuple):
    """The devices, and what is wrong with the folder of PyTorch that was chosen then."""

    devices: list[Device]
    folder: str
    problem: str


found: Found | None = None
"""When somebody last looked in this session."""


def look_steps() -> jobs.Steps[jobs.Messages]:
    """Look for devices. Yields progress, fills `found`, and returns what to tell the user."""
    global found
    _redraw_preferences()  # the button says that it is at work
    path, folder, problem = torch_folder.chosen(), None, ""
    if path:
        try:
            folder = torch_folder.torch_folder(path)
        except (LsmplError, OSError) as error:
            problem = str(error)
    survey = yield from torch_folder.survey_steps(folder)
    if folder and "version" not in survey:
        problem = f"{folder}: does not work here: {survey.get('error', 'nothing can be imported')}"
    found = Found(
        describe_devices({} if problem and "version" not in survey else survey), path, problem
    )
    _redraw_preferences()
    message = "Devices here: " + ", ".join(
        device.label for device in found.devices if device.available
    )
    return [("INFO", message), ("WARNING", f"PyTorch's folder: {problem}")] if problem else message


def draw(layout: bpy.types.UILayout, chosen: str) -> None:
    """What was found, and what that means for the device that is chosen, by the core's name."""
    box = layout.box()
    row = box.row()
    row.label(text="Devices of This Machine", translate=False)
    working = jobs.current is not None and jobs.current.kind == _KIND
    row.operator(_KIND, text="Checking..." if working else "Check", translate=False)
    column = box.column(align=True)
    if found is None:
        _line(column, "CPU (NumPy): works everywhere", "CHECKMARK")
        _line(column, "PyTorch and graphics cards: press Check to see what there is", "QUESTION")
        return
    for device in found.devices:
        _line(column, f"{device.label}: {device.fact}", "CHECKMARK" if device.available else "X")
    if found.folder != torch_folder.chosen():
        _line(column, "Another folder is chosen by now; press Check", "INFO")
        return
    if found.problem:
        _line(column, f"PyTorch's folder: {found.problem}", "ERROR")
    if is_missing(chosen):
        _line(column, f"{chosen} is chosen and not there now, so NumPy solves instead", "ERROR")


def is_missing(chosen: str) -> bool:
    """Whether a device, by the core's name, was looked for and is not there."""
    usable = {device.name for device in found.devices if device.available} if found else set()
    return found is not None and chosen != "auto" and chosen not in usable


def _line(layout: bpy.types.UILayout, text: str, icon: str) -> None:
    """A text that wraps: the preferences are no narrower than this."""
    for number, line in enumerate(textwrap.wrap(shown(text), 90)):
        layout.label(text=line, translate=False, icon=icon if number == 0 else "BLANK1")


def _redraw_preferences() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


class LSMPL_OT_check_devices(jobs.JobOperator, bpy.types.Operator):
    bl_idname = _KIND
    bl_label = "Check Devices"
    bl_description = (
        "Look for PyTorch and for graphics cards that can compute with it, and say why one cannot "
        "be used. PyTorch is run in a process of its own for a few seconds"
    )
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        return jobs.Job(_KIND, "Check Devices", "PyTorch", look_steps())


register, _unregister = registration((LSMPL_OT_check_devices,))


def unregister() -> None:
    global found
    found = None
    _unregister()

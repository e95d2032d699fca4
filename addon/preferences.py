"""What belongs to this machine rather than to a .blend: the compute device, and the body to start
with."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ..lsmpl_core.backends.threads import MOST_WORKERS, use_threads
from . import keymaps
from .devices import listing as devices
from .package import ROOT, preferences
from .paths import FROM_BLEND
from .registration import registration

DEVICES = (
    (
        "auto",
        "Automatic",
        "NumPy and LSMPL's compiled kernels, which are fastest where one frame follows from "
        "another; needs nothing else",
    ),
    ("numpy", "CPU (NumPy)", "Works everywhere, without compiled kernels"),
    (
        "cpu",
        "CPU (PyTorch)",
        "Needs PyTorch: LSMPL's package with it, or a folder of it chosen in the preferences",
    ),
    ("cuda", "GPU (CUDA)", "A graphics card of NVIDIA; needs PyTorch with CUDA"),
    ("mps", "GPU (Apple)", "The graphics processor of a Mac; needs PyTorch"),
)
"""The same whatever the machine has, so that a choice stays when a device is away for a while."""


class Preferences(bpy.types.AddonPreferences):
    bl_idname = ROOT

    device: EnumProperty(
        name="Device", description="What computes the solve", items=DEVICES, default="auto"
    )
    gpu: IntProperty(
        name="GPU",
        description="Which CUDA device, where there are several; 0 is the first one",
        default=0,
        min=0,
        max=63,
    )
    threads: IntProperty(
        name="Threads",
        description="Cores that LSMPL's compiled kernels use; 0 is all but one. The motion does "
        "not depend on it",
        default=0,
        min=0,
        max=MOST_WORKERS,
        update=use_chosen_threads,
    )
    torch_folder: StringProperty(
        name="PyTorch Folder",
        description="A folder with PyTorch for Blender's Python, where LSMPL was installed without "
        "it: what pip install --target makes, or a site-packages. It is tried before it is used; "
        "what is in it is run",
        subtype="DIR_PATH",
        options=FROM_BLEND,
    )
    body_path: StringProperty(
        name="SMPL Body",
        description="Your own SMPL body model (.npz, or the official .pkl) that new scenes "
        "offer to use",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )
    checkpoint: StringProperty(
        name="Published Network",
        description="Learnable SMPLify's checkpoint (best_ckpt.pth.tar), for the solver of "
        "that name. It needs PyTorch",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )

    doubt_strip: BoolProperty(
        name="Strip of Doubt",
        description="Below the ruler of timelines and dope sheets: how far each frame of the "
        "take is off, and its doubtful stretches; click to go there",
        default=True,
        update=_redraw,
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "device")
        if self.device == "cuda":
            self.layout.prop(self, "gpu")
        self.layout.prop(self, "threads")
        self.layout.prop(self, "torch_folder")
        devices.draw(self.layout, device())
        self.layout.prop(self, "body_path")
        self.layout.prop(self, "checkpoint")
        self.layout.prop(self, "doubt_strip")
        self.layout.operator("lsmpl.documentation", icon="HELP")
        self.layout.label(text="Keys", translate=False)
        keymaps.draw(self.layout, context)


def device() -> str:
    """The device that the user chose, by the core's name."""
    chosen = preferences()
    if not chosen:
        return "auto"
    return f"cuda:{chosen.gpu}" if chosen.device == "cuda" else chosen.device


def _redraw(settings: object, context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()


def use_chosen_threads(settings: object = None, context: bpy.types.Context | None = None) -> None:
    """Tell the core of the threads that the user chose."""
    chosen = preferences()
    use_threads(chosen.threads if chosen else 0)


_register, unregister = registration((Preferences,))


def register() -> None:
    _register()
    use_chosen_threads()  # in an earlier session

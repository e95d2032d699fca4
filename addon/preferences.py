"""What belongs to this machine rather than to a .blend: the compute device, and the body to start with."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from .package import ROOT, preferences

DEVICES = (
    ("auto", "Automatic", "The fastest device for the take at hand"),
    ("numpy", "CPU (NumPy)", "Works everywhere"),
    ("cpu", "CPU (PyTorch)", "Needs the LSMPL package with PyTorch, or PyTorch in Blender's Python"),
    ("cuda", "GPU (CUDA)", "An NVIDIA graphics card; needs PyTorch with CUDA"),
    ("mps", "GPU (Apple)", "An Apple graphics processor; needs PyTorch"),
)


class Preferences(bpy.types.AddonPreferences):
    bl_idname = ROOT

    device: EnumProperty(name="Device", description="What computes the solve", items=DEVICES, default="auto")
    body_path: StringProperty(
        name="SMPL Body",
        description="Your own SMPL body model (.npz, or the official .pkl) that new scenes offer to use",
        subtype="FILE_PATH",
    )
    checkpoint: StringProperty(
        name="Published Network",
        description="Learnable SMPLify's checkpoint (best_ckpt.pth.tar), for the solver of that name. It needs PyTorch",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "device")
        self.layout.prop(self, "body_path")
        self.layout.prop(self, "checkpoint")


def device() -> str:
    """The device that the user chose."""
    chosen = preferences()
    return chosen.device if chosen else "auto"


def register() -> None:
    bpy.utils.register_class(Preferences)


def unregister() -> None:
    bpy.utils.unregister_class(Preferences)

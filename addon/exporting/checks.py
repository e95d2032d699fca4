"""Whether a file that was written some time ago is still whole: what `--resume` asks before it
believes in one."""

from __future__ import annotations

import struct
from pathlib import Path

import bpy

from ...lsmpl_core.cli.front_end import check_npz

_FBX_BEGINS = b"Kaydara FBX Binary  \0"
_FBX_ENDS = bytes.fromhex("f85a8c6adef5d97eece90ce375 8f290b".replace(" ", ""))


def check_blend(path: Path) -> None:
    """Raises where Blender cannot read the file to its end, or it holds no character."""
    with bpy.data.libraries.load(str(path)) as (contents, _):
        if not contents.armatures:
            raise ValueError(f"{path}: has no character")


def check_fbx(path: Path) -> None:
    """Raises where the file does not begin and end as a binary FBX does."""
    data = path.read_bytes()
    if not (data.startswith(_FBX_BEGINS) and data.endswith(_FBX_ENDS)):
        raise ValueError(f"{path}: is no whole FBX file")


def check_glb(path: Path) -> None:
    """Raises where the file is not as long as its header says."""
    data = path.read_bytes()
    magic, _, length = struct.unpack("<4sII", data[:12])
    if magic != b"glTF" or length != len(data):
        raise ValueError(f"{path}: is no whole glTF file")


def check_bvh(path: Path) -> None:
    """Raises where the file has not as many frames as it says."""
    head, _, frames = path.read_text(encoding="utf-8").partition("Frame Time:")
    promised = int(head.rpartition("Frames:")[2])
    rows = [line.split() for line in frames.splitlines()[1:] if line.strip()]
    if (
        not head.startswith("HIERARCHY")
        or len(rows) != promised
        or len({len(row) for row in rows}) != 1
    ):
        raise ValueError(f"{path}: is no whole BVH file")


def check_usd(path: Path) -> None:
    """Raises where the file has no table of contents, which a binary USD has at its end."""
    data = path.read_bytes()
    magic, _, contents = struct.unpack("<8s8sq", data[:24])
    (sections,) = struct.unpack("<q", data[contents : contents + 8])
    if magic != b"PXR-USDC" or contents < 24 or len(data) < contents + 8 + 32 * sections:
        raise ValueError(f"{path}: is no whole USD file")


CHECKS = {
    "blend": check_blend,
    "fbx": check_fbx,
    "glb": check_glb,
    "bvh": check_bvh,
    "usdc": check_usd,
    "usd": check_usd,
    "npz": check_npz,
}

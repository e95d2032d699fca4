"""The add-on's tests run on the installed extension, in the bpy module of the Python that runs pytest.

The zip is the one that LSMPL_ZIP names (`build.py test` names one with this machine's compiled kernels), or is built
here without kernels. A process tests one Blender.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
MOCAP = ROOT / "tests" / "data" / "cmu"
"""Short clips of recorded motion, see `tests/data/README.md`."""

_profile = tempfile.TemporaryDirectory(prefix="lsmpl-blender-")
os.environ["BLENDER_USER_RESOURCES"] = _profile.name  # before bpy reads it
bpy = pytest.importorskip("bpy", reason="the bpy module is not installed in this Python")


@pytest.fixture(scope="session")
def extension():
    """The extension, installed from its zip and enabled: its root package."""
    zip_path = os.environ.get("LSMPL_ZIP")
    if not zip_path:
        sys.path.insert(0, str(ROOT))
        from build import build

        zip_path = build(Path(_profile.name) / "dist", platforms=())
    done = bpy.ops.extensions.package_install_files(filepath=str(zip_path), repo="user_default", enable_on_install=True)
    assert done == {"FINISHED"}
    yield importlib.import_module("bl_ext.user_default.lsmpl")
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.lsmpl")


@pytest.fixture(autouse=True)
def empty_scene(extension):
    """Each test begins with a file that has nothing in it."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    if not hasattr(bpy.types.Scene, "lsmpl"):  # factory settings disable add-ons
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")


@pytest.fixture(scope="session")
def core(extension):
    return importlib.import_module("bl_ext.user_default.lsmpl.lsmpl_core")


@pytest.fixture(scope="session")
def addon(extension):
    """`addon("takes.take")` is the module `take` of the installed add-on."""
    return lambda name: importlib.import_module(f"bl_ext.user_default.lsmpl.addon.{name}")


@pytest.fixture(scope="session")
def run_to_end(core):
    """`run_to_end(steps)`: what they return."""
    return importlib.import_module(f"{core.__name__}.progress").run_to_end


@pytest.fixture(scope="session")
def body(core):
    return core.load_body()


@pytest.fixture(scope="session")
def random_motion(core, body):
    """`random_motion(frames)`: every joint turns freely and smoothly, with a shape far from the mean."""

    def make(frames: int = 40, fps: float = 30.0, seed: int = 0, first_frame: int = 0):
        rng = np.random.default_rng(seed)
        keys = rng.normal(scale=0.7, size=(frames // 10 + 2, 24, 3))
        at = np.linspace(0, len(keys) - 1, frames)
        low = np.minimum(at.astype(int), len(keys) - 2)
        mix = (at - low)[:, None, None]
        poses = (1 - mix) * keys[low] + mix * keys[low + 1]
        poses[:, 0] += (np.pi / 2, 0, 0)
        trans = np.cumsum(rng.normal(scale=0.02, size=(frames, 3)), axis=0) + (0, 0, 1)
        betas = rng.normal(scale=1.0, size=10)
        return core.Motion(poses, trans, betas, fps=fps, body=body.key, first_frame=first_frame)

    return make


@pytest.fixture
def baked_take(addon, body):
    """`baked_take(motion)`: a take with the motion's own keypoints, solved by it and baked: (take, Baked).

    Its hands are those of the body's rest pose.
    """

    def make(motion, layout="body_25", match=True):
        scene = bpy.context.scene
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, layout), "Test")
        if match:
            addon("importing.adding").match_scene(scene, [take])
        baked = addon("solving.solve").keep(take, scene, motion, body)
        addon("characters.hand_poses").flatten(baked.armature)
        return take, baked

    return make


@pytest.fixture
def live(addon):
    """What handles do: `live.settle` and others, of tests that pose live."""
    return addon("live.live")


@pytest.fixture
def drawn(addon):
    """`drawn()`: what the whole tab says now, section by section: {panel class: texts}."""
    from recorder import draw_panels  # which imports bpy

    return lambda: draw_panels(addon("panels"))

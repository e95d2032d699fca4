"""Everything of LSMPL that needs Blender. Each feature module brings its own `register` and
`unregister`."""

import importlib
from types import ModuleType

_FEATURES = (
    "devices.torch_folder", "devices.listing", "preferences", "jobs", "settings",
    "reference.settings", "reference.shown_frame", "reference.viewports",
    "takes.showing", "takes.drawn_hands", "characters.shape",
    "characters.tailoring", "characters.surface", "characters.bake_settings",
    "retargeting.bone_mapping", "retargeting.bake_to_other",
    "retargeting.following",
    "solving.marker_trials", "solving.solve", "solving.from_motion", "solving.bake",
    "importing.outcomes", "importing.keypoint_files", "importing.scene_tracks", "importing.rates",
    "importing.taking", "importing.motions",
    "refining.pending_edit", "refining.settings", "refining.refine", "refining.operators",
    "live.session", "live.operators", "live.watch",
    "live.tool", "solving.clean_up", "solving.quality",
    "solving.trust",
    "reference.operators", "doubt.operators", "doubt.drawing", "preview.drawing",
    "importing.example", "exporting.settings", "exporting.operators", "setting_presets", "panels",
    "keymaps", "headless",
)  # fmt: skip
_registered: list[ModuleType] = []


def register() -> None:
    try:
        for name in _FEATURES:
            module = importlib.import_module(f".{name}", __package__)
            module.register()
            _registered.append(module)
    except BaseException:
        unregister()
        raise


def unregister() -> None:
    while _registered:
        _registered.pop().unregister()

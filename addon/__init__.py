"""Everything of LSMPL that needs Blender. Each feature module brings its own `register` and `unregister`."""

import importlib

_FEATURES = (
    "torch_folder", "devices", "preferences", "jobs", "settings", "shape", "baking", "bone_mapping", "retargeting",
    "importing", "showing", "marker_trials", "take_list", "scene_tracks", "taking", "motions", "solving", "changes",
    "refining", "refining_operators", "live", "live_operators", "live_watch", "cleaning", "quality",
    "export_operators", "setting_presets", "panels", "headless",
)  # fmt: skip
_registered = []


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

"""Everything of LSMPL that needs Blender. Each feature module brings its own `register` and `unregister`."""

import importlib

_FEATURES = (
    "preferences", "jobs", "settings", "shape", "baking", "bone_mapping", "retargeting", "importing", "motions",
    "solving", "changes", "refining", "refining_operators", "live", "live_operators", "live_watch", "cleaning",
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

"""Everything of LSMPL that needs Blender. Each feature module brings its own `register` and `unregister`."""

import importlib

_FEATURES = (
    "devices.torch_folder", "devices.listing", "preferences", "jobs", "settings",
    "characters.shape", "characters.shape_operators", "characters.baking",
    "retargeting.bone_mapping", "retargeting.bake_to_other",
    "importing.keypoint_files", "takes.showing", "importing.marker_trials", "takes.take_list",
    "importing.scene_tracks", "importing.taking", "importing.motions",
    "solving.solve", "solving.from_motion", "refining.changes", "refining.refine", "refining.operators",
    "live.session", "live.operators", "live.watch", "solving.clean_up", "solving.quality",
    "exporting.operators", "setting_presets", "panels", "headless",
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

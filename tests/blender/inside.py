"""Runs in Blender: does what the session outside asks for, between two draws, and answers with JSON.

Requests are Python files in the folder named after `--`; one that is done is replaced by its answer.
"""

import json
import sys
import traceback
from pathlib import Path

import bpy

FOLDER = Path(sys.argv[sys.argv.index("--") + 1])
_names = {"bpy": bpy, "Path": Path}


def poll() -> float:
    for request in sorted(FOLDER.glob("*.py")):
        answer = {}
        try:
            scope = dict(_names)
            with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                exec(compile(request.read_text(encoding="utf-8"), request.name, "exec"), scope)
            answer["value"] = scope.get("value")
        except Exception:
            answer["error"] = traceback.format_exc()
        request.unlink()
        scratch = request.with_suffix(".tmp")
        scratch.write_text(json.dumps(answer, default=str), encoding="utf-8")
        scratch.rename(request.with_suffix(".json"))
    return 0.05


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(poll, first_interval=0.5, persistent=True)

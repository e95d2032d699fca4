"""A real Blender with a screen, driven from outside: Python between its draws, a real mouse and real keys, screenshots.

LSMPL_BLENDER is the command that starts a program where Blender is, with a screen: `env` for this machine, or a
wrapper around a chroot or container. LSMPL_BLENDER_FILES is a folder that both sides see, written OUTSIDE=INSIDE.
"""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

BUSY = """
    from bl_ext.user_default.lsmpl.addon import jobs
    from bl_ext.user_default.lsmpl.addon.live import watch
    window = bpy.context.window_manager.windows[0]
    value = [operator.bl_idname for operator in window.modal_operators]
    value += ["a job"] if jobs.current else []
    value += ["playing"] if window.screen.is_animation_playing else []
    value += ["an undo"] if watch._goes_on else []
    value += ["settling"] if bpy.app.timers.is_registered(watch._settle_all) else []
"""
"""What goes on in Blender: tools, jobs, playback, and what Live has still to do."""
QUIET = 3
"""Answers in a row that nothing does: a key may be under way in the first, a timer that it set in the second."""


class BlenderSession:
    """One Blender in its own profile, with the extension's zip installed by `install`.

    size: width and height of its window, in pixels; by default that of the screen.
    """

    def __init__(self, command: str, outside: Path, inside: str, size: tuple[int, int] = (1920, 1080)):
        self.command = shlex.split(command)
        self.outside, self.inside = outside / "lsmpl-session", f"{inside}/lsmpl-session"
        shutil.rmtree(self.outside, ignore_errors=True)
        (self.outside / "requests").mkdir(parents=True)
        self._numbers = itertools.count()
        script = self.share(Path(__file__).with_name("inside.py"))
        profile = f"BLENDER_USER_RESOURCES={self.inside}/profile"
        geometry = ["--window-geometry", "0", "0", *map(str, size)]
        blender = ["blender", "--factory-startup", *geometry, "--python", script]
        self.log = (self.outside / "log.txt").open("w")
        command = [*self.command, "env", profile, *blender, "--", f"{self.inside}/requests"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.run("value = bpy.app.version_string", timeout=90)

    def share(self, path: Path) -> str:
        """Copy a file to where Blender sees it; returns its path there."""
        shutil.copy(path, self.outside / path.name)
        return f"{self.inside}/{path.name}"

    def run(self, code: str, timeout: float = 60):
        """Run Python in Blender; what it leaves in `value` comes back."""
        request = self.outside / "requests" / f"{next(self._numbers):05d}.py"
        scratch = request.with_suffix(".new")
        scratch.write_text(textwrap.dedent(code), encoding="utf-8")
        scratch.rename(request)
        answer = request.with_suffix(".json")
        until = time.monotonic() + timeout
        while not answer.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                log = (self.outside / "log.txt").read_text(errors="replace")[-3000:]
                raise AssertionError(f"Blender gave no answer (exit code {self.process.poll()}):\n{log}")
            time.sleep(0.02)
        result = json.loads(answer.read_text(encoding="utf-8"))
        if "error" in result:
            raise AssertionError(result["error"])
        return result["value"]

    def wait_for(self, condition: str, timeout: float = 60) -> None:
        """Wait until a Python expression is true in Blender."""
        until = time.monotonic() + timeout
        while not self.run(f"value = bool({condition})"):
            if time.monotonic() > until:
                raise AssertionError(f"still not true after {timeout} s: {condition}")
            time.sleep(0.1)

    def rest(self, timeout: float = 60, meanwhile: Callable[[list[str]], None] = lambda busy: None) -> None:
        """Wait until nothing goes on. meanwhile: called with what does."""
        until, quiet = time.monotonic() + timeout, 0
        while quiet < QUIET:
            busy = self.run(BUSY, timeout)
            quiet = 0 if busy else quiet + 1
            meanwhile(busy)
            if time.monotonic() > until:
                raise AssertionError(f"never comes to rest: {busy}")

    def install(self, zip_path: Path) -> None:
        self.run(f"""
            bpy.ops.extensions.package_install_files(
                filepath={self.share(zip_path)!r}, repo="user_default", enable_on_install=True)
        """)

    def show_tab(self, category: str) -> None:
        """Open the 3D viewport's sidebar at one of its tabs."""
        space = "next(a for a in bpy.context.screen.areas if a.type == 'VIEW_3D')"
        self.run(f"{space}.spaces[0].show_region_ui = True")
        time.sleep(1)
        self.run(f"next(r for r in {space}.regions if r.type == 'UI').active_panel_category = {category!r}")
        self.settle()

    def settle(self) -> None:
        """Let Blender finish drawing; panels slide into place only while the mouse moves over them."""
        for x in (1400, 1410, 1420, 1430):
            self.xdotool("mousemove", x, 900)

    def xdotool(self, *words: object, pause: float = 0.3) -> None:
        """Real mouse and keys: `xdotool("mousemove", x, y, "click", 1)`. pause: seconds to wait afterwards."""
        subprocess.run([*self.command, "xdotool", *map(str, words)], check=True)
        time.sleep(pause)

    def screen_size(self) -> tuple[int, int]:
        """Pixels."""
        said = subprocess.run([*self.command, "xdotool", "getdisplaygeometry"], check=True, capture_output=True)
        width, height = map(int, said.stdout.split())
        return width, height

    def click(self, x: float, y: float) -> None:
        """As a hand does: a button is lit once the mouse has moved over it, and pressed then.

        What was lit before is left by one move and the button found by the next. Blender takes moves
        that wait in a row for one, so on a busy machine each has to be heard before the next comes:
        a press that follows the move that left another button is on none, and lost.
        """
        for move in (4, 0):
            self.xdotool("mousemove", round(x) - move, round(y))
            self.heard()
        self.xdotool("click", 1)

    def heard(self) -> None:
        """Wait until Blender has done with all that the mouse and the keys did: it takes up requests
        before events, so what came before the first of two is done with at the second."""
        for _ in range(2):
            self.run("value = None")

    def screenshot(self, path: Path) -> None:
        """The whole screen, as PNG."""
        shot = f"{self.inside}/shot.png"
        subprocess.run([*self.command, "import", "-window", "root", shot], check=True)
        shutil.copy(self.outside / "shot.png", path)

    def tall_button(self, x: int, height: int = 25) -> int:
        """The y of the middle of the first button on the vertical line x that is at least so many pixels high, once the
        panels have come to rest.

        They are laid out differently in each Blender; a large button is what stands out in all of them.
        """
        self.settle()
        before, now = None, self._tall_button(x, height)
        while now != before:
            self.settle()
            before, now = now, self._tall_button(x, height)
        return now

    def _tall_button(self, x: int, height: int) -> int:
        colours = self._pixels(x)
        start = 0
        for y in range(1, len(colours)):
            if colours[y] != colours[start]:
                shade = colours[start]  # grey: a list's chosen row is as high, and blue
                if y - start >= height and min(shade) > 70 and max(shade) - min(shade) < 20:
                    return (start + y) // 2
                start = y
        raise AssertionError(f"no button of {height} pixels at x = {x}")

    def _pixels(self, x: int) -> list[bytes]:
        """The screen's colours down the vertical line x."""
        shot = [*self.command, "import", "-window", "root", "-crop", f"1x1080+{x}+0", f"rgb:{self.inside}/line.rgb"]
        subprocess.run(shot, check=True)
        data = (self.outside / "line.rgb").read_bytes()
        step = len(data) // 1080
        return [data[i : i + step] for i in range(0, len(data), step)]

    def close(self) -> None:
        if self.process.poll() is None:
            try:
                self.run(
                    "bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.2)", timeout=5
                )
                self.process.wait(20)
            except (AssertionError, subprocess.TimeoutExpired):
                self.process.kill()
        self.log.close()

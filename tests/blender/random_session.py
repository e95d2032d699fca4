"""A real Blender used at random with real keys and a real mouse, for as long as wanted; nothing may break.

    python tests/blender/random_session.py --seconds 3600 --seed 1 --blender COMMAND --files OUTSIDE=INSIDE

COMMAND and the folder are as in `session.py`; the screen has to hold a window of 1000 x 700. What is done is drawn by
the seed. After each action everything has to agree with everything (`invariants.py`), the log must have no traceback,
and Blender must be there. If not, the seed and the last actions are printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from session import BlenderSession

TRACK = Path(__file__).resolve().parents[2] / "examples" / "walk_and_wave.trc"
NAME = "Walk"
FRAMES = 60
"""Of the example, from its first: enough to move about in, and quick to clean up."""
SIZE = 1000, 700
"""Pixels of the window; FRAME_FIELD goes with it."""
FRAME_FIELD = 578
"""Pixels from the left to the field with the current frame, in the timeline's header."""

KEYS = {
    "Live": ("l", "lsmpl.live", {}),
    "Refine": ("b", "lsmpl.refine", {}),
    "Clean Up": ("d", "lsmpl.clean_up", {}),
    "Accept": ("e", "lsmpl.accept", {}),
    "Reject": ("f", "lsmpl.reject", {}),
    "Before": ("u", "lsmpl.show_before", {"before": True}),
    "After": ("h", "lsmpl.show_before", {"before": False}),
    "As Solved": ("j", "lsmpl.as_solved", {}),
    "Lock Feet": ("k", "lsmpl.set_keypoints", {"state": "LOCK", "which": "FEET"}),
    "Lock": ("m", "lsmpl.set_keypoints", {"state": "LOCK", "which": "SELECTED"}),
    "Unlock": ("n", "lsmpl.set_keypoints", {"state": "UNLOCK", "which": "SELECTED"}),
    "Ignore": ("p", "lsmpl.set_keypoints", {"state": "IGNORE", "which": "SELECTED"}),
    "Reset": ("r", "lsmpl.set_keypoints", {"state": "RESET", "which": "SELECTED"}),
    "Reset All": ("t", "lsmpl.set_keypoints", {"state": "RESET", "which": "ALL"}),
}
"""Our buttons, on keys that Blender leaves free while HELD is: (key, operator, its options)."""
HELD = "ctrl+alt+shift"


class Failure(AssertionError):
    """Something is not as it has to be."""


class RandomSession:
    """A take solved and posed live in a Blender, and somebody who does anything with it."""

    def __init__(self, blender: BlenderSession, seed: int, say: Callable[[str], None] = print):
        self.blender, self.seed, self.say = blender, seed, say
        self.random = random.Random(seed)
        self.done: list[str] = []
        self._read_log = 0
        self._over_viewport = False
        self._prepare()

    # What can be done, and how often of a hundred times

    def actions(self) -> dict[Callable[[], str], float]:
        return {
            self.drag: 22,
            self.step_frames: 14,
            self.undo: 14,
            self.redo: 10,
            self.back_and_forth: 6,
            self.type_frame: 5,
            self.scrub: 4,
            self.play: 4,
            self.drag_while_it_plays: 2,
            self.press_live: 4,
            self.mark_keypoints: 7,
            self.refine: 3,
            self.decide: 3,
            self.clean_up: 2,
            self.undo_during_a_job: 1,
            self.delete_or_duplicate: 2,
            self.select: 2,
            self.save: 2,
            self.reload: 0.5,
        }

    def drag(self) -> str:
        """A handle is clicked and moved, perhaps with others; or taken back with Esc."""
        handle = self._click_handle()
        if handle is None:
            return "Live, to drag"
        if self._chance(0.2):
            self._click_handle(modifier="shift")
        end = self.random.choice(["click", "click", "click", "Return", "Escape", "number"])
        self._key("g")
        if self._chance(0.2):
            self._key(self.random.choice("xyz"), pause=0.05)
        if end == "number":
            self._key(*f"0.{self.random.randint(1, 3)}".replace(".", " period ").split(), "Return")
            return f"drag {handle} by a number"
        self._move_about()
        self.blender.xdotool(*(("click", 1) if end == "click" else ("key", end)), pause=self._pause())
        return f"drag {handle}, {end}"

    def step_frames(self) -> str:
        keys = [self.random.choice(["Left", "Right"]) for _ in range(self.random.randint(1, 4))]
        if self._chance(0.1):
            keys.append(self.random.choice(["shift+Left", "shift+Right"]))
        for key in keys:
            self._key(key, pause=self._pause())
        return " ".join(keys)

    def undo(self) -> str:
        return self._repeat("ctrl+z")

    def redo(self) -> str:
        return self._repeat("ctrl+shift+z")

    def back_and_forth(self) -> str:
        keys = [
            self.random.choice(["ctrl+z", "ctrl+shift+z", "ctrl+shift+z"]) for _ in range(self.random.randint(3, 8))
        ]
        for key in keys:
            self._key(key, pause=self._pause())
        return " ".join(keys)

    def type_frame(self) -> str:
        frame = self.random.randint(1, FRAMES)
        x, y = self._screen(FRAME_FIELD, self._region("TIMELINE", "HEADER")["middle"])
        self._over_viewport = False
        self.blender.xdotool("mousemove", x, y, "click", "--repeat", 2, "--delay", 60, 1, pause=0.4)
        self.blender.xdotool("key", "ctrl+a", pause=0.1)
        self.blender.xdotool("type", frame, pause=0.1)
        self.blender.xdotool("key", "Return", pause=self._pause())
        return f"type frame {frame}"

    def scrub(self) -> str:
        region = self._region("TIMELINE", "WINDOW")
        self._over_viewport = False
        for number in range(self.random.randint(2, 6)):
            x = region["x"] + self.random.uniform(0.03, 0.3) * region["width"]
            where = self._screen(x, region["y"] + region["height"] - 8)
            self.blender.xdotool("mousemove", *where, *(("mousedown", 1) if number == 0 else ()), pause=0.15)
        self.blender.xdotool("mouseup", 1, pause=self._pause())
        return "scrub"

    def play(self) -> str:
        seconds = self.random.uniform(0.3, 2.0)
        self._key("space", pause=seconds)
        if self._chance(0.2):
            self._key(self.random.choice(["ctrl+z", "ctrl+shift+z", "Right"]))
        self._stop_playing()
        return f"play {seconds:.1f} s"

    def drag_while_it_plays(self) -> str:
        handle = self._click_handle()
        if handle is None:
            return "Live, to drag while it plays"
        self._key("space", pause=0.5)
        self._key("g")
        self._move_about()
        self.blender.xdotool("click", 1)
        self._stop_playing()
        return f"drag {handle} while it plays"

    def press_live(self) -> str:
        return self._press("Live")

    def mark_keypoints(self) -> str:
        if self._chance(0.6):
            self._click_handle()
        return self._press("Lock Feet", "Lock", "Unlock", "Ignore", "Reset", "Reset All")

    def refine(self) -> str:
        return self._press("Refine")

    def decide(self) -> str:
        return self._press("Accept", "Reject", "Before", "After")

    def clean_up(self) -> str:
        return self._press("Clean Up", "As Solved")

    def undo_during_a_job(self) -> str:
        """Whatever somebody does while it works, or Esc."""
        pressed = self._press("Clean Up", "Refine", pause=self.random.uniform(0.1, 0.8))
        key = self.random.choice(["ctrl+z", "ctrl+shift+z", "Right", "Escape"])
        self._key(key, pause=self._pause())
        return f"{pressed} and {key} meanwhile"

    def delete_or_duplicate(self) -> str:
        handle = self._click_handle()
        if handle is None:
            return "Live, to delete"
        if self._chance(0.5):
            self._key("Delete", pause=self._pause())
            return f"delete {handle}"
        self._key("shift+d")
        self._move_about()
        self.blender.xdotool("click", 1, pause=self._pause())
        return f"duplicate {handle}"

    def select(self) -> str:
        key = self.random.choice(["a", "alt+a", "ctrl+i"])
        self._key(key, pause=self._pause())
        return f"select: {key}"

    def save(self) -> str:
        self._key("ctrl+s", pause=self._pause())
        return "save"

    def reload(self) -> str:
        self._key("ctrl+s", pause=0.5)
        self.wait()
        self.blender.run("bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)")
        self._press("Live")
        return "save, open again, Live"

    # Going on

    def run(self, seconds: float) -> int:
        """Returns how many actions were done. Raises `Failure`."""
        until = time.monotonic() + seconds
        self.check()
        while time.monotonic() < until:
            # Of its own, so that it does not depend on how far the actions before it came.
            self.random = random.Random(f"{self.seed}/{len(self.done)}")
            action = self.random.choices(*zip(*self.actions().items()))[0]
            try:
                self.done.append(f"{action.__name__} ...")
                self.done[-1] = action()
                self.wait()
                self.check()
            except AssertionError as error:
                raise self._failed(str(error)) from error
            self.say(f"{len(self.done)}. {self.done[-1]}")
        return len(self.done)

    def wait(self) -> None:
        """Until nothing goes on."""

        def end_tools(busy: list[str]) -> None:
            # Where what was to end a tool or the playing came too early, or went elsewhere.
            if any("_OT_" in name or name == "playing" for name in busy) and "a job" not in busy:
                self._key("Escape")

        self.blender.rest(240, end_tools)

    def check(self) -> None:
        found = self.blender.run(f"import invariants; value = invariants.problems(bpy.data.objects[{NAME!r}])", 120)
        log = (self.blender.outside / "log.txt").read_text(errors="replace")
        new, self._read_log = log[self._read_log :], len(log)
        found += [new] if "Traceback" in new or "Error" in new else []
        if found:
            raise Failure("\n".join(found))

    def _failed(self, why: str) -> Failure:
        last = "\n".join(f"  {number}. {text}" for number, text in list(enumerate(self.done, 1))[-30:])
        return Failure(f"seed {self.seed}, after {len(self.done)} actions:\n{last}\n{why}")

    # How it is done

    def _prepare(self) -> None:
        """A solved take, seen from the front, and Live on; the tab is open, and all buttons have keys."""
        self.blender.share(Path(__file__).with_name("invariants.py"))
        self._window = self.blender.run("value = [bpy.context.window.x, bpy.context.window.y]")
        self._screen_height = self.blender.screen_size()[1]
        track, saved = self.blender.share(TRACK), f"{self.blender.inside}/random.blend"
        self.blender.run(
            f"""
            import sys
            sys.path.insert(0, {self.blender.inside!r})
            bpy.data.batch_remove(list(bpy.data.objects))
            from bl_ext.user_default.lsmpl import lsmpl_core
            from bl_ext.user_default.lsmpl.addon.importing import adding
            track = lsmpl_core.read_keypoints({track!r}).frames(slice(0, {FRAMES}))
            take = adding.add_take(bpy.context.scene, track, {NAME!r})
            adding.match_scene(bpy.context.scene, [take])
            bpy.context.view_layer.objects.active = take
            bpy.ops.lsmpl.solve("EXEC_DEFAULT", True)
            bpy.context.scene.frame_set(20)
            """,
            timeout=600,
        )
        self.blender.show_tab("LSMPL")
        self.blender.run(
            f"""
            keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.new(name="Window")
            for key, operator, options in {list(KEYS.values())!r}:
                item = keymap.keymap_items.new(operator, key.upper(), "PRESS", ctrl=True, alt=True, shift=True)
                for name, value in options.items():
                    setattr(item.properties, name, value)
            bpy.context.preferences.system.viewport_aa = "OFF"
            bpy.context.preferences.view.smooth_view = 0
            area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
            region = next(r for r in area.regions if r.type == "WINDOW")
            overlay = area.spaces[0].overlay
            overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = overlay.show_cursor = False
            with bpy.context.temp_override(area=area, region=region):
                bpy.ops.view3d.view_axis(type="FRONT")
                bpy.ops.view3d.view_all()
            bpy.ops.object.select_all(action="DESELECT")
            bpy.ops.wm.save_as_mainfile(filepath={saved!r})
            bpy.ops.wm.open_mainfile(filepath={saved!r})
            """
        )  # opened, so that nobody undoes the solve
        self._press("Live")
        self.wait()

    def _press(self, *names: str, pause: float | None = None) -> str:
        name = self.random.choice(names)
        self._key(f"{HELD}+{KEYS[name][0]}", pause=self._pause() if pause is None else pause)
        return name

    def _repeat(self, key: str) -> str:
        count = self.random.randint(1, 4)
        for _ in range(count):
            self._key(key, pause=self._pause())
        return f"{count} x {key}"

    def _key(self, *keys: str, pause: float = 0.15) -> None:
        """Over the viewport, where the mouse stays unless it moves something."""
        if not self._over_viewport:
            region = self._region("VIEW_3D", "WINDOW")
            middle = self._screen(region["x"] + region["width"] / 2, region["middle"])
            self.blender.xdotool("mousemove", *middle, pause=0.1)
            self._over_viewport = True
        for key in keys:
            self.blender.xdotool("key", key, pause=pause)

    def _pause(self) -> float:
        """Seconds to the next key: before Blender has drawn the last one, or long after."""
        return self.random.choice([0.0, 0.05, 0.2, 0.6])

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _click_handle(self, modifier: str = "") -> str | None:
        """Click one of those that are in sight, as they stand now; where there are none, Live is pressed instead."""
        there = self.blender.run("""
            from bl_ext.user_default.lsmpl.addon.live import session
            from bpy_extras.view3d_utils import location_3d_to_region_2d
            area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
            region = next(r for r in area.regions if r.type == "WINDOW")
            right = min(r.x for r in area.regions if r.type == "UI" and r.width > 1)
            scene, value = bpy.context.scene, []
            for handle in scene.lsmpl_live.handles.objects if session.is_live(scene) else ():
                where = location_3d_to_region_2d(region, area.spaces[0].region_3d, handle.matrix_world.translation)
                if where and 60 < where.x < right - region.x and 10 < where.y < region.height - 60:
                    value.append([handle.name, where.x + region.x, where.y + region.y])
        """)
        if not there:
            self._press("Live")
            return None
        name, x, y = self.random.choice(sorted(there))
        held = (("keydown", modifier), ("keyup", modifier)) if modifier else ((), ())
        self.blender.xdotool("mousemove", *self._screen(x, y), *held[0], "click", 1, *held[1], pause=0.2)
        self._over_viewport = True
        return name

    def _move_about(self) -> None:
        for _ in range(self.random.randint(2, 6)):
            by = self.random.randint(-25, 25), self.random.randint(-25, 25)
            self.blender.xdotool("mousemove_relative", "--", *by, pause=0.06)

    def _stop_playing(self) -> None:
        if self.blender.run("value = bpy.context.screen.is_animation_playing"):
            self._key(self.random.choice(["space", "space", "Escape"]), pause=self._pause())

    def _region(self, editor: str, kind: str) -> dict[str, float]:
        """Of the window: a region's corner, its size, and the height of its middle, in pixels from below."""
        return self.blender.run(f"""
            area = next(a for a in bpy.context.screen.areas if a.ui_type == {editor!r})
            region = next(r for r in area.regions if r.type == {kind!r})
            value = dict(x=region.x, y=region.y, width=region.width, height=region.height,
                         middle=region.y + region.height / 2)
        """)

    def _screen(self, x: float, y: float) -> tuple[int, int]:
        """From the window, counted from below, to the screen, counted from above."""
        left, bottom = self._window
        return round(left + x), round(self._screen_height - bottom - y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--blender", default=os.environ.get("LSMPL_BLENDER", "env"), help="what starts a program there")
    parser.add_argument("--files", default=os.environ.get("LSMPL_BLENDER_FILES", "/tmp"), help="OUTSIDE=INSIDE")
    parser.add_argument("--zip", type=Path, default=os.environ.get("LSMPL_ZIP"), required="LSMPL_ZIP" not in os.environ)
    options = parser.parse_args()
    outside, _, inside = options.files.partition("=")
    blender = BlenderSession(options.blender, Path(outside), inside or outside, SIZE)
    try:
        blender.install(options.zip)
        print(f"seed {options.seed}, Blender {blender.run('value = bpy.app.version_string')}", flush=True)
        session = RandomSession(blender, options.seed, lambda text: print(text, flush=True))
        print(f"all is well after {session.run(options.seconds)} actions")
    except AssertionError as failure:
        sys.exit(f"FAILED: {failure}")
    finally:
        blender.close()


if __name__ == "__main__":
    main()

"""A real Blender used at random with real keys and a real mouse, for as long as wanted; nothing may break.

    python tests/blender/random_session.py --seconds 3600 --seed 1 --blender COMMAND --files OUTSIDE=INSIDE

COMMAND and the folder are as in `session.py`; the screen has to hold a window of 1000 x 700. What is done is drawn by
the seed from `random_actions.py`. After each action everything has to agree with everything (`invariants.py`), the log
must have no traceback, and Blender must be there. If not, the seed and the last actions are printed, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hands import SIZE, Hands
from random_actions import ACTIONS, FRAMES, HOME
from session import BlenderSession

TRACK = Path(__file__).resolve().parents[2] / "examples" / "walk_and_wave_with_hands.trc"


_NOT_A_NUMBER = re.compile(r"Error evaluating number.*?\n\w*Error:[^\n]*", re.DOTALL)
"""What Blender says where a key ends up in one of its fields, or in a tool that takes numbers."""


_IS_ELSEWHERE = """
    value = bool(bpy.context.scene.name != "Scene" or "Second" in bpy.data.scenes or bpy.data.libraries
                 or any(one.hide_viewport for one in bpy.data.collections)
                 or any(one.exclude for one in bpy.context.view_layer.layer_collection.children))
"""
"""Whether it is no place where everything can be checked."""


class Failure(AssertionError):
    """Something is not as it has to be."""


class RandomSession:
    """Two solved takes and a rig of the user's in a Blender, and somebody who does anything with them."""

    def __init__(self, blender: BlenderSession, seed: int, say: Callable[[str], None] = print):
        self.blender, self.seed, self.say = blender, seed, say
        self.hands = Hands(blender)
        self.done: list[str] = []
        self._read_log = 0
        self._prepare()

    def run(self, seconds: float) -> int:
        """Returns how many actions were done. Raises `Failure`."""
        until = time.monotonic() + seconds
        self.check()
        while time.monotonic() < until:
            # Of its own, so that it does not depend on how far the actions before it came.
            self.hands.random = random.Random(f"{self.seed}/{len(self.done)}")
            action = self.hands.random.choices(*zip(*ACTIONS.items()))[0]
            try:
                self.done.append(f"{action.__name__} ...")
                self.done[-1] = action(self.hands)
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
                self.hands.key("Escape")

        self.blender.rest(240, end_tools)
        # Undos lead elsewhere, too.
        if self.blender.run(_IS_ELSEWHERE):
            self.hands.do(HOME, pause=0.3)
            self.blender.rest(240, end_tools)

    def check(self) -> None:
        found = self.blender.run("import invariants; value = invariants.problems()", 120)
        log = (self.blender.outside / "log.txt").read_text(errors="replace")
        new, self._read_log = log[self._read_log :], len(log)
        new = _NOT_A_NUMBER.sub("", new)
        found += [new] if "Traceback" in new or "Error" in new else []
        if found:
            raise Failure("\n".join(found))

    def _failed(self, why: str) -> Failure:
        last = "\n".join(f"  {number}. {text}" for number, text in list(enumerate(self.done, 1))[-30:])
        return Failure(f"seed {self.seed}, after {len(self.done)} actions:\n{last}\n{why}")

    def _prepare(self) -> None:
        """Two solved takes beside each other, one of them on a rig of the user's, too; seen from the front, and Live
        on."""
        self.blender.share(Path(__file__).with_name("invariants.py"))
        track, saved = self.blender.share(TRACK), f"{self.blender.inside}/random.blend"
        library = f"{self.blender.inside}/library.blend"
        self.blender.run(
            f"""
            import sys
            sys.path.insert(0, {self.blender.inside!r})
            bpy.data.batch_remove(list(bpy.data.objects))
            from bl_ext.user_default.lsmpl import lsmpl_core
            from bl_ext.user_default.lsmpl.addon.characters.shape import CHARACTER_KEY
            from bl_ext.user_default.lsmpl.addon.importing import adding
            scene, track = bpy.context.scene, lsmpl_core.read_keypoints({track!r})
            walk = adding.add_take(scene, track.frames(slice(0, {FRAMES})), "Walk")
            wave = adding.add_take(scene, track.frames(slice(100, 130)), "Wave")
            wave.location.x, wave.lsmpl.start = 1.0, 10
            adding.match_scene(scene, [walk, wave])
            for take in (wave, walk):
                bpy.context.view_layer.objects.active = take
                bpy.ops.lsmpl.solve("EXEC_DEFAULT", True)
            for name, x in (("Third", 2.2), ("Other", -1.5)):
                other = bpy.data.objects.new(name, walk.lsmpl.armature.data.copy())
                scene.collection.objects.link(other)
                other.location.x = x
                for owner in (other, other.data):
                    owner.pop(CHARACTER_KEY, None)
            walk.lsmpl.other.target, walk.lsmpl.other.place = other, "CHARACTER"
            for number in range(1, 31):
                image = bpy.data.images.new("Filmed", 64, 36)
                image.generated_color = (number / 30, 0.5, 0.5, 1.0)
                image.save(filepath=f"{self.blender.inside}/filmed_{{number:02d}}.png")
                bpy.data.images.remove(image)
            scene.frame_set(20)
            """,
            timeout=600,
        )
        self.blender.show_tab("LSMPL")
        self.hands.prepare()
        self.blender.run(
            f"""
            area = next(a for a in bpy.context.screen.areas if a.type == "VIEW_3D")
            region = next(r for r in area.regions if r.type == "WINDOW")
            overlay = area.spaces[0].overlay
            overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = overlay.show_cursor = False
            with bpy.context.temp_override(area=area, region=region):
                bpy.ops.view3d.view_axis(type="FRONT")
                bpy.ops.view3d.view_all()
            view = area.spaces[0].region_3d
            view.view_distance *= 1.3
            view.view_location.x += 0.25 * view.view_distance  # beside the sidebar
            bpy.ops.object.select_all(action="DESELECT")
            bpy.ops.wm.save_as_mainfile(filepath={library!r})
            bpy.ops.wm.save_as_mainfile(filepath={saved!r})
            bpy.ops.wm.open_mainfile(filepath={saved!r})
            """
        )  # opened, so that nobody undoes the solve
        self.hands.press("Live")
        self.wait()


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

"""Files become takes: read on another thread, and put into the scene when all have been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import bpy

from ...lsmpl_core import KeypointTrack, LsmplError, Progress
from ...lsmpl_core.errors import MotionFileError
from ...lsmpl_core.estimates.reading import holds_motion
from ...lsmpl_core.readers import read_keypoints, read_people
from .. import framing, jobs
from ..characters import bodies
from ..held import Held
from ..selection import select
from ..settings import chosen_body_path
from ..solving import adopting
from ..takes import hands, timing
from ..takes import take as takes
from . import adding, outcomes
from .dialogs import FORGETS_FOLDERS

PICKLES = (".pkl", ".pickle", ".pk")
"""Endings of files that hold motions or, as of SAM 3D Body, keypoints."""


class Import:
    """Files that become takes, those that hold SMPL motions with a character.

    Files are read on another thread; nothing is in the scene before all have been read.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        options: Mapping,
        as_motions: bool = False,
        match_scene: bool = False,
        everybody: bool = False,
    ):
        """options: the keyword arguments of `read_keypoints`, or of `adopting.read` if all are to
        be read `as_motions`. match_scene: set the scene's frame range, and its rate, to the takes.
        everybody: of keypoint files, a take for each person."""
        self.paths, self.options = list(paths), dict(options)
        self.as_motions, self.match_scene, self.everybody = as_motions, match_scene, everybody
        self._held: list[Held[bpy.types.Object]] = []
        """The takes that are there so far."""
        self.assumptions: list[str] = []
        self.refused: list[tuple[Path, LsmplError]] = []

    def job(self, context: bpy.types.Context) -> jobs.Job:
        collection = None if context.collection.library else context.collection
        subject = self.paths[0].name if len(self.paths) == 1 else f"{len(self.paths)} files"
        return jobs.Job(
            "lsmpl.import", "Import", subject, self.reported_steps(context.scene, collection)
        )

    def steps(
        self, scene: bpy.types.Scene, collection: bpy.types.Collection | None = None
    ) -> jobs.Steps[None]:
        """Read all files, then make takes of them."""
        held_scene, held_home = Held(scene, doing="imported into"), Held(collection)
        body_path, read = self._body_path(scene), []

        # A file that cannot be read does not stop the others.
        yield Progress("read", 0, len(self.paths))
        for number, path in enumerate(self.paths, start=1):
            try:
                contents = yield from jobs.in_thread(
                    jobs.one_step("read", partial(self._read, path, body_path))
                )
                read += [
                    (_take_name(path, content, len(contents)), content) for content in contents
                ]
            except LsmplError as error:
                self.refused.append((path, error))
            yield Progress("read", number, len(self.paths))

        (scene,), (home,) = held_scene.again(), held_home.left()
        if not read:
            return

        # All takes at once, in the last slice; those of motions are then baked one by one.
        before = timing.timing_of(scene)
        try:
            moving = []
            for name, content in read:
                adopted = content if isinstance(content, adopting.Adopted) else None
                track = content.track if isinstance(content, adopting.Adopted) else content
                take = adding.add_take(scene, track, name, home)
                take.lsmpl_markers.table = str(self.options.get("markers") or "")
                self._held.append(Held(take, doing="imported"))
                self.assumptions += [
                    f"{Path(track.source).name or name}: {d}" for d in track.decisions if d.doubtful
                ]
                if adopted:
                    moving.append((Held(take, scene, doing="imported"), adopted))
            if self.match_scene:
                adding.match_scene(scene, self.imported())
            for held, adopted in moving:
                yield from adopting.keep_steps(*held.again(), adopted)
        except BaseException:
            self._take_back()
            (scene,) = held_scene.left()
            if scene:
                timing.restore(scene, before)
            raise

    def imported(self) -> list[bpy.types.Object]:
        """The takes that were made of the files, as far as they are still there."""
        return [take for held in self._held for take in held.left() if take]

    def _take_back(self) -> None:
        """Remove the takes that are there already, with their characters."""
        for take in self.imported():
            owned, baked = take.lsmpl, take.lsmpl_bake.action
            objects = [obj for obj in (take, owned.armature, owned.body_mesh) if obj]
            datas = [obj.data for obj in objects]
            blocks = [*objects, *datas, hands.points_of(take.data), owned.solved, baked]
            bpy.data.batch_remove([block for block in blocks if block])
        self._held.clear()

    def _body_path(self, scene: bpy.types.Scene) -> str | LsmplError:
        """Of the body that motions are read for; where none is chosen, that is each motion's
        failure."""
        try:
            return chosen_body_path(scene)
        except LsmplError as error:
            return error

    def _read(
        self, path: Path, body_path: str | LsmplError
    ) -> Sequence[KeypointTrack | adopting.Adopted]:
        if len(self.paths) > 1 and not path.exists():
            raise LsmplError(f"{path}: no such file or folder; {FORGETS_FOLDERS}")
        if not self.as_motions and not holds_motion(path):
            return self._keypoints(path)
        if self.as_motions or path.suffix.lower() not in PICKLES:
            return self._motion(path, body_path)
        try:
            return self._motion(path, body_path)
        except MotionFileError as no_motion:  # programs pickle keypoints, too
            try:
                return self._keypoints(path)
            except LsmplError:
                raise no_motion from None

    def _keypoints(self, path: Path) -> Sequence[KeypointTrack]:
        if self.everybody:
            options = {key: value for key, value in self.options.items() if key != "person"}
            return read_people(path, **options)
        return [read_keypoints(path, **self.options)]

    def _motion(self, path: Path, body_path: str | LsmplError) -> Sequence[adopting.Adopted]:
        if isinstance(body_path, LsmplError):
            raise LsmplError(f"{path}: {body_path}")
        up, fps, person = (self.options.get(key) for key in ("up", "fps", "person"))
        return [adopting.read(path, bodies.load(body_path), body_path, up, fps, person)]

    def reported_steps(self, scene: bpy.types.Scene, collection) -> jobs.Steps[jobs.Messages]:
        """As the file dialog has it: the takes end up selected, in view where they are the scene's
        first or would not be seen, and the user is told."""
        held = Held(scene, doing="imported into")
        yield from self.steps(scene, collection)
        taken = self.imported()
        reasons = [(path, str(error)) for path, error in self.refused]
        if len(self.paths) > 1 and (reasons or self.assumptions):
            outcomes.show(reasons, [outcomes.TakenFor.of(take) for take in taken])
        if not taken:
            raise LsmplError(*([reason for _, reason in reasons] or ["Nothing was imported"]))
        select(bpy.context, taken)
        (scene,) = held.again()
        if len(takes.takes_in(scene)) == len(taken):
            framing.look_at_selected(bpy.context.window_manager)
        else:
            framing.bring_into_view(bpy.context, taken)
        messages = [("WARNING", "\n".join(reason for _, reason in reasons))] if reasons else []
        if self.assumptions:
            title = "Assumed or in doubt, because the file does not say:\n"
            messages.append(("WARNING", title + "\n".join(self.assumptions)))
        return messages or f"Imported {', '.join(take.name for take in taken)}"


def _take_name(path: Path, content: KeypointTrack | adopting.Adopted, count: int) -> str:
    """The file's, and who it is where the file gave several takes."""
    if count > 1 and isinstance(content, KeypointTrack):
        return f"{path.stem} {content.person}"
    return path.stem

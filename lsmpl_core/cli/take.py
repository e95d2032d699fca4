"""One take of the `lsmpl` command: read, solved, cleaned up and written, and the record of it for
the report."""

from __future__ import annotations

import argparse
import os
import re
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..body.load_body import load_body
from ..calibration_files import read_calibration
from ..clean_motion import clean_up_steps
from ..cleaning.travel import TRAVEL
from ..device_fallback import WHAT, made_on, wanted_backend
from ..doubtful import describe_doubtful
from ..errors import LONGEST_MESSAGE, LsmplError
from ..files.folders import make_folders
from ..files.replacing import SCRATCH, replace_when_complete
from ..judgement import FEW, NOT_TRUSTED
from ..keypoints.track import Decision, KeypointTrack
from ..keypoints.trust import trusting
from ..motion import Motion
from ..progress import Progress, run_to_end
from ..readers import read_keypoints, read_people
from ..readers.markers import load_markers
from ..readers.wanted import wanted_layout
from ..report import (
    describe_condition,
    describe_decisions,
    describe_residual,
    describe_track,
    json_ready,
)
from ..resampling import resample, resample_track
from ..shown import shortened, shown
from ..solve_track import solve_steps
from ..solver.options import SolveOptions
from .front_end import Converted, Writer
from .inputs import Job
from .resume import Resume, digest
from .signals import defer

_CLEAN_UP = ("smooth", "part_hands", "lock_feet", "floor")
"""Options of the command that are `clean_up`'s."""


@dataclass(frozen=True)
class Listener:
    """Who hears of a take while it is worked on: `say` gets its one line, `complain` messages for
    stderr."""

    say: Callable[[str], None]
    complain: Callable[[str], None]
    progress: Callable[[Progress], None] = lambda progress: None


def people_of(options: argparse.Namespace, path: Path) -> list[str]:
    """Everybody in a take, as its file calls them; nobody where it tells nobody apart, or cannot be
    read."""
    try:
        return [track.person for track in _everybody(options, path) if track.person]
    except (LsmplError, OSError):
        return []  # the take fails with this error when it is its turn


def _everybody(o: argparse.Namespace, path: Path) -> list[KeypointTrack]:
    return read_people(path, o.layout, o.unit, o.up, o.fps, o.markers, _mirror(o))


def _mirror(o: argparse.Namespace) -> bool | None:
    return None if o.mirror is None else o.mirror == "yes"


class TakeConverter:
    """Converts takes, one by one, with the options of one command line.

    A device that is not to be had gives way to NumPy, as one does that fails on the way; nothing
    else does: this raises `LsmplError` where the solver or a file that an option names cannot be
    used, as no take could be converted with it.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        writers: Mapping[str, Writer],
        whole: Callable[[str, Path], bool],
    ) -> None:
        self._options, self._writers = options, writers
        self._solving = SolveOptions(
            solver=options.solver,
            checkpoint=options.checkpoint or "",
            polish=options.polish,
            travel=options.travel,
            hands=options.hands,
            rotations=options.rotations,
        )
        self._solving.checked()
        self._backend = wanted_backend(options.device)
        self._told: set[str] = set()
        # Motion files need no mesh; the published network sees it.
        mesh = set(writers) != {"npz"} or options.solver == "published"
        self._body = load_body(options.body, correctives=mesh)
        wanted_layout(options.layout)
        if options.markers:
            load_markers(options.markers)
        subject = options.command == "convert"
        static, known = (options.calibrate, options.calibration) if subject else (None, None)
        self._trials = [self._read(static)] if static else []
        self._calibration = read_calibration(known) if known else None
        self._resume = Resume(options, whole)
        self._read_last: tuple[Path, int] | None = None
        self._everybody: list[KeypointTrack] = []

    def convert(self, job: Job, listener: Listener) -> dict:
        """Write one output. Returns what the report is to say of it, `status` "ok", "failed" or
        "skipped".

        From when the output takes its place signals wait for `cli_signals.release`, which the
        caller calls once the record is safe.
        """
        began = time.perf_counter()
        record: dict = {}
        try:
            if self._options.resume:
                done, reason = self._resume.done(job)
                if done is not None:
                    listener.say(
                        f"{job.title}: done already{f' ({reason})' if reason else ''} -> "
                        f"{job.output}"
                    )
                    return done | {"status": "skipped"} | ({"note": reason} if reason else {})
                record["made_because"] = reason
                if self._options.verbose:
                    listener.complain(f"{job.title}: {reason}")
            line = self._convert(job, listener, record)
        except (
            Exception
        ) as error:  # the one place: nothing that is wrong with one take may stop the others
            expected = isinstance(error, (LsmplError, OSError, MemoryError))
            message = sentence(error) if expected else f"unexpected {type(error).__name__}: {error}"
            message = re.sub(
                rf"{SCRATCH}\w+[/\\]", "", message
            )  # users know the file by its final name
            record.update(status="failed", error=message, seconds=time.perf_counter() - began)
            if not expected:
                record["traceback"] = traceback.format_exc()
            listener.complain(
                message
                if message.startswith((str(job.source), shown(str(job.source))))
                else f"{job.title}: {message}"
            )
            if not expected and self._options.verbose:
                for line in record["traceback"].splitlines():
                    listener.complain(line)
            return record
        record.update(status="ok", seconds=time.perf_counter() - began)
        listener.say(f"{job.title}: {line}; {record['seconds']:.1f} s -> {job.output}")
        return record

    def _convert(self, job: Job, listener: Listener, record: dict) -> str:
        """Write one output, and say in one line how it came out."""
        options, source, output = self._options, job.source, job.output
        if _same_file(source, output):
            raise LsmplError(
                f"{source}: would be overwritten by its own output; choose another OUT"
            )
        make_folders(output.parent)
        if not os.access(output.parent, os.W_OK | os.X_OK):  # rather now than after the solve
            raise LsmplError(f"{output.parent}: cannot be written to")

        # Read, solve, clean up; the record says of each what was decided.
        keeps = job.in_folder or options.resume
        source_digest = digest(source) if keeps else ""
        track = self._read_person(source, job.person) if job.person else self._read(source)
        if options.trust:
            track = trusting(track, options.trust)
        record.update(describe_track(track))
        self._tell_decisions(source, track.decisions, listener)
        solved = run_to_end(self._steps(track, record, listener), listener.progress)
        motion = self._clean_up(solved, record, listener)
        if options.resample:
            track, solved = (
                resample_track(track, options.resample),
                resample(solved, options.resample),
            )

        # What is to be said of the result.
        backend = made_on(solved, self._backend)
        travels = [decision for decision in solved.decisions if decision.what == TRAVEL]
        if travels:
            record["travel"] = describe_decisions(travels)[0]
        doubts = [decision for decision in solved.decisions if decision.what in (NOT_TRUSTED, FEW)]
        if doubts:
            record["doubts"] = describe_decisions(doubts)
            record["trusted"] = not any(decision.what == NOT_TRUSTED for decision in doubts)
        known = (WHAT, TRAVEL, NOT_TRUSTED, FEW)
        if rest := [decision for decision in solved.decisions if decision.what not in known]:
            record["calibration"] = describe_decisions(rest)
        self._tell_decisions(source, solved.decisions, listener)
        record.update(describe_residual(solved), body=motion.body)
        record.update(describe_condition(solved))
        record.update(describe_doubtful(solved))
        record["betas"] = motion.betas
        record["device"] = {"name": backend.name, "reason": backend.reason}
        if backend.instead_of:
            record["device"]["instead_of"] = backend.instead_of

        body_path = os.path.abspath(options.body) if options.body else ""
        done = record.get("clean_up", {})
        converted = Converted(
            output.stem if job.person else source.stem,
            track,
            self._body,
            motion,
            solved,
            done,
            body_path,
            backend,
        )

        # The record is never older than the output that it is of.
        self._resume.forget(job)
        with replace_when_complete(output) as scratch:
            self._writers[job.format](converted, scratch)
            output_digest = digest(scratch) if keeps else ""  # not another's, who writes it too
            defer()  # until the caller has the record
        if keeps:
            self._resume.keep(job, source_digest, output_digest, record)
        return _in_one_line(track, record)

    def _read(self, path: str | Path) -> KeypointTrack:
        o = self._options
        person = o.person if o.command == "convert" else None  # refine's is a person of MOTION
        return read_keypoints(path, o.layout, o.unit, o.up, o.fps, person, o.markers, _mirror(o))

    def _read_person(self, path: Path, person: str) -> KeypointTrack:
        # Everybody is read for each of them, whose turns come one after the other.
        now = path, path.stat().st_mtime_ns
        if self._read_last != now:
            self._read_last, self._everybody = now, _everybody(self._options, path)
        for track in self._everybody:
            if track.person == person:
                return track
        raise LsmplError(f"{path}: has no person {person!r} any more")

    def _steps(
        self, track: KeypointTrack, record: dict, listener: Listener
    ) -> Generator[Progress, None, Motion]:
        options = self._options
        if options.command == "refine-motion":
            # Whoever converts does without; to load them takes a tenth of a second.
            from ..estimates.reading import read_motion
            from ..refine_estimate import refine_motion_steps

            motion = read_motion(options.motion, options.person, len(track))
            record["motion"] = {
                "input": options.motion,
                "decisions": describe_decisions(motion.decisions),
            }
            self._tell_decisions(options.motion, motion.decisions, listener)
            return refine_motion_steps(
                track, self._body, motion, device=self._backend, options=self._solving
            )
        return solve_steps(
            track,
            self._body,
            device=self._backend,
            options=self._solving,
            calibration=self._calibration,
            trials=self._trials,
        )

    def _clean_up(self, solved: Motion, record: dict, listener: Listener) -> Motion:
        asked = {name: getattr(self._options, name) for name in _CLEAN_UP}
        fps = self._options.resample

        # The floor is looked for where anything else is done, and left alone where nothing is.
        wanted = asked | {"floor": asked["floor"] not in ("auto", "keep")}
        if not any(wanted.values()) and fps is None:
            return solved
        steps = clean_up_steps(solved, self._body, **asked, fps=fps)
        motion, report = run_to_end(steps, listener.progress)
        record["clean_up"] = asked | {"fps": motion.fps} | json_ready(report.as_dict())
        return motion

    def _tell_decisions(
        self, source: str | Path, decisions: Sequence[Decision], listener: Listener
    ) -> None:
        for decision in decisions:
            if decision.what == WHAT:  # what a device lacks it lacks for every take
                if str(decision) in self._told:
                    continue
                self._told.add(str(decision))
            if self._options.verbose or decision.doubtful:
                listener.complain(f"{source}: {decision}")


def sentence(error: BaseException) -> str:
    """What is wrong, for the user."""
    if isinstance(error, OSError) and error.strerror:
        name = shortened(str(error.filename or ""), LONGEST_MESSAGE)
        return f"{name}: {error.strerror}" if name else error.strerror
    return str(error) or type(error).__name__


def _in_one_line(track: KeypointTrack, record: Mapping) -> str:
    decided = {decision.what: decision.value for decision in track.decisions}
    facts = [f"{len(track)} frames", f"{track.fps:g} fps", track.layout.name]
    facts += [decided[what] for what in ("unit",) if what in decided]
    facts += [f"{decided[what]} up" for what in ("up",) if what in decided]
    residual = record.get("residual_mm", {}).get("mean")
    facts.append("no residual" if residual is None else f"mean residual {residual:.1f} mm")
    if travel := record.get("travel"):
        facts.append(f"travel {travel['value']}")
    if not record.get("trusted", True):
        facts.append("NOT TO BE TRUSTED")
    if doubtful := record.get("doubtful_frames"):
        facts.append(f"{doubtful} doubtful frame{'s' * (doubtful > 1)}")
    return ", ".join(facts)


def _same_file(a: Path, b: Path) -> bool:
    return a.exists() and b.exists() and os.path.samefile(a, b)

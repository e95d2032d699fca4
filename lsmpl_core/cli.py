"""The `lsmpl` command: one parser and one loop over inputs, shared with the command inside Blender.

Blender's front end adds writers for more file types (`addon/headless.py`); everything else is the same code.

Exit codes: 0 all converted, 1 at least one input failed (the others are written), 2 wrong usage, 130 interrupted
(128 + the signal's number in general).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import __version__
from .arrays import Backend, choose_backend
from .body import Body, load_body
from .calibration import calibrate_steps, needs_calibration
from .clean_up import clean_up_with_report
from .cli_parser import UsageError, build_parser, plan_outputs
from .errors import LsmplError
from .estimates import read_motion
from .files import replace_when_complete
from .keypoints import Decision, KeypointTrack
from .motion import Motion
from .readers import read_keypoints
from .refine import refine_steps
from .report import describe_condition, describe_decisions, describe_residual, describe_track, json_ready, summary
from .resampling import resample, resample_track
from .solve import run_to_end, solve_steps
from .take import Progress
from .tracking import SolveOptions


@dataclass(frozen=True)
class Converted:
    """One solved input, as writers get it: the motion as it goes out, as it was solved, and what was done between, as
    plain data (empty where nothing was); `body_path` is "" for the open body."""

    name: str
    track: KeypointTrack
    body: Body
    motion: Motion
    solved: Motion
    clean_up: Mapping
    body_path: str
    backend: Backend


Writer = Callable[[Converted, Path], None]


def write_npz(converted: Converted, path: Path) -> None:
    """The motion in the AMASS layout."""
    converted.motion.save(path)


@dataclass(frozen=True)
class FrontEnd:
    """What differs between the plain command and the one inside Blender: its name and the files it can write."""

    program: str = "lsmpl"
    writers: Mapping[str, Writer] = field(default_factory=lambda: {"npz": write_npz})
    default_format: str = "npz"
    versions: Mapping[str, str] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None, front_end: FrontEnd | None = None) -> int:
    """Run the command line and return its exit code."""
    front_end = front_end or FrontEnd()
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(front_end)
    try:
        options = parser.parse_args(argv)
        jobs = plan_outputs(options.inputs, options.output, options.format, front_end)
    except UsageError as error:
        parser.print_usage(sys.stderr)
        _complain(str(error))
        return 2
    except SystemExit as stop:  # argparse: --help, --version or a wrong word
        return int(stop.code or 0)
    return _Conversion(options, jobs, argv, front_end).run()


class _Conversion:
    """One run of `convert`: the loop over inputs, its messages and its report."""

    def __init__(self, options: argparse.Namespace, jobs, argv: Sequence[str], front_end: FrontEnd):
        self.options, self.jobs, self.argv, self.front_end = options, jobs, argv, front_end
        self.solving = SolveOptions(solver=options.solver, checkpoint=options.checkpoint or "", polish=options.polish)
        self.started = time.time()
        self.records = [
            {"input": str(source), "output": str(output), "status": "not run"} for source, output, _ in jobs
        ]

    def run(self) -> int:
        code = 0
        try:
            with _signals_as_exceptions():
                self._check_report_folder()
                self.solving.checked()
                backend = choose_backend(self.options.device)
                body = load_body(self.options.body)
                for number, record in enumerate(self.records):
                    if not self._convert(number, record, body, backend):
                        code = 1
        except _Stopped as stop:
            for record in self.records:
                record["status"] = "interrupted" if record["status"] == "running" else record["status"]
            _complain("interrupted; what was finished is kept")
            code = stop.exit_code
        except (LsmplError, OSError) as error:
            _complain(_sentence(error))
            for record in self.records:
                record.update(status="failed", error=_sentence(error))
            code = 1
        if len(self.records) > 1:
            done = Counter(record["status"] for record in self.records)
            print(", ".join(f"{count} {status}" for status, count in done.items()), flush=True)
        return code if self._write_report() else max(code, 1)

    def _convert(self, number: int, record: dict, body: Body, backend: Backend) -> bool:
        source, output, format = self.jobs[number]
        title = source.name if len(self.jobs) == 1 else f"[{number + 1}/{len(self.jobs)}] {source.name}"
        began = time.perf_counter()
        record["status"] = "running"
        try:
            if _same_file(source, output):
                raise LsmplError(f"{source}: would be overwritten by its own output; choose another OUT")
            output.parent.mkdir(parents=True, exist_ok=True)
            options = self.options
            track = self._read(source)
            record.update(describe_track(track))
            self._print_decisions(source, track.decisions)
            steps = self._steps(track, body, record)
            with _progress_bar(title) as show:
                solved = run_to_end(steps, show)
            motion = self._clean_up(solved, body, record)
            if options.resample:
                track, solved = resample_track(track, options.resample), resample(solved, options.resample)
            body_path = os.path.abspath(options.body) if options.body else ""
            done = record.get("clean_up", {})
            converted = Converted(source.stem, track, body, motion, solved, done, body_path, backend)
            with replace_when_complete(output) as scratch:
                self.front_end.writers[format](converted, scratch)
        except Exception as error:  # the one place: nothing that is wrong with one take may stop the others
            expected = isinstance(error, (LsmplError, OSError, MemoryError))
            message = _sentence(error) if expected else f"unexpected {type(error).__name__}: {error}"
            record.update(status="failed", error=message, seconds=time.perf_counter() - began)
            if not expected:
                record["traceback"] = traceback.format_exc()
            _complain(message if message.startswith(str(source)) else f"{source}: {message}")
            if not expected and self.options.verbose:
                traceback.print_exc()
            return False
        seconds = time.perf_counter() - began
        if solved.decisions:
            record["calibration"] = describe_decisions(solved.decisions)
            self._print_decisions(source, solved.decisions)
        record.update(describe_residual(solved), status="ok", seconds=seconds, body=motion.body)
        record.update(describe_condition(solved))
        record["betas"] = motion.betas
        record["device"] = {"name": backend.name, "reason": backend.reason}
        print(f"{source}: {_in_one_line(track, record)}; {seconds:.1f} s -> {output}", flush=True)
        return True

    def _steps(self, track: KeypointTrack, body: Body, record: dict) -> Iterator[Progress]:
        if self.options.command == "refine":
            motion = read_motion(self.options.motion, self.options.person, len(track))
            record["motion"] = {"input": self.options.motion, "decisions": describe_decisions(motion.decisions)}
            self._print_decisions(self.options.motion, motion.decisions)
            return refine_steps(track, body, motion, self.options.device, self.solving)
        return self._solve_steps(track, body)

    def _read(self, path: str | Path) -> KeypointTrack:
        o = self.options
        person = o.person if o.command == "convert" else None  # refine's is a person of MOTION
        return read_keypoints(path, o.layout, o.unit, o.up, o.fps, person, o.markers)

    def _solve_steps(self, track: KeypointTrack, body: Body) -> Iterator[Progress]:
        calibration = None
        if self.options.calibrate:
            static = self._read(self.options.calibrate)
            for trial in (static, track):
                if not needs_calibration(trial.layout):
                    raise LsmplError(
                        f"{trial.source}: is no marker set ({trial.layout.label}), so --calibrate has nothing to find"
                    )
            calibration = yield from calibrate_steps([static, track], body)
        steps = solve_steps(track, body, device=self.options.device, options=self.solving, calibration=calibration)
        return (yield from steps)

    def _clean_up(self, solved: Motion, body: Body, record: dict) -> Motion:
        options = self.options
        asked = options.smooth, options.lock_feet, options.floor, options.resample
        if asked == (0.0, False, "keep", None):
            return solved
        smooth, lock_feet, floor, fps = asked
        motion, report = clean_up_with_report(solved, body, smooth, lock_feet, floor, fps=fps)
        record["clean_up"] = {"smooth": smooth, "lock_feet": lock_feet, "floor": floor, "fps": motion.fps}
        record["clean_up"] |= json_ready(report.as_dict())
        return motion

    def _print_decisions(self, source: str | Path, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if self.options.verbose or decision.doubtful:
                _complain(f"{source}: {decision}")

    def _check_report_folder(self) -> None:
        """Fail before hours of work rather than after."""
        if self.options.report:
            folder = Path(self.options.report).absolute().parent
            folder.mkdir(parents=True, exist_ok=True)
            if Path(self.options.report).is_dir() or not os.access(folder, os.W_OK):
                raise OSError(0, "the report cannot be written there", self.options.report)

    def _write_report(self) -> bool:
        if not self.options.report:
            return True
        report = summary(self.argv, self.front_end.program, self.records, self.started, dict(self.front_end.versions))
        report["versions"] = {"lsmpl": __version__, **report["versions"]}
        try:
            with replace_when_complete(self.options.report) as scratch:
                scratch.write_text(json.dumps(json_ready(report), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        except OSError as error:
            _complain(_sentence(error))
            return False
        return True


@contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr where that is a terminal, otherwise nothing."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from tqdm import tqdm

    with tqdm(desc=title, leave=False, dynamic_ncols=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            if progress.total != bar.total or progress.done < bar.n:
                bar.reset(progress.total)
            bar.set_description(f"{title}, {progress.stage}", refresh=False)
            bar.update(progress.done - bar.n)

        yield show


def _in_one_line(track: KeypointTrack, record: Mapping) -> str:
    decided = {decision.what: decision.value for decision in track.decisions}
    facts = [f"{len(track)} frames", f"{track.fps:g} fps", track.layout.name]
    facts += [decided[what] for what in ("unit",) if what in decided]
    facts += [f"{decided[what]} up" for what in ("up",) if what in decided]
    residual = record.get("residual_mm", {}).get("mean")
    facts.append("no residual" if residual is None else f"mean residual {residual:.1f} mm")
    return ", ".join(facts)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _complain(message: str) -> None:
    """The one place that writes messages to stderr."""
    print(f"lsmpl: {message}", file=sys.stderr, flush=True)


def _same_file(a: Path, b: Path) -> bool:
    return a.exists() and b.exists() and os.path.samefile(a, b)


class _Stopped(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int):
        self.exit_code = 128 + number


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Ctrl-C and a farm's SIGTERM unwind the stack, so that scratch files go; SIGINT ignored by the parent stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise _Stopped(number)

    watched = [s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) is not signal.SIG_IGN]
    previous = {s: signal.signal(s, stop) for s in watched}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

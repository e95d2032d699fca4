"""The `lsmpl` command: one parser and one loop over inputs, shared with the command inside Blender.

Blender's front end adds writers for more file types (`addon/headless.py`); everything else is the
same code.

Exit codes: 0 all converted, 1 at least one input failed (the others are written), 2 wrong usage, 3
all are written but something is not to be trusted (`judgement.py`), 130 interrupted (128 + the
signal's number in general).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from .. import __version__
from ..backends.devices import find_devices
from ..backends.threads import use_threads
from ..errors import LONGEST_MESSAGE, LsmplError
from ..files.folders import make_folders
from ..files.replacing import replace_when_complete, scratch_folder
from ..report import json_ready, summary
from ..shown import shown
from ..solver.options import SOLVERS
from .bars import TakeBar, TotalBar
from .front_end import FrontEnd
from .inputs import Job, UsageError, check_overwriting, plan_outputs, share
from .parser import build_parser
from .resume import FILE_OPTIONS
from .signals import Stopped, defer, release, signals_as_exceptions, signals_held_back
from .streams import open_streams
from .take import Listener, TakeConverter, people_of, sentence
from .worker_process import work
from .workers import WORKER, Workers

STATUSES = ("ok", "skipped", "failed", "interrupted", "not run")
"""What may have become of a take, as they are counted at the end."""


def main(argv: Sequence[str] | None = None, front_end: FrontEnd | None = None) -> int:
    """Run the command line and return its exit code."""
    open_streams()
    front_end = front_end or FrontEnd()
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv == [WORKER]:
        parser = build_parser(front_end)
        return work(lambda words: _converter(parser.parse_args(words), front_end))
    try:
        with signals_as_exceptions():
            return _run(argv, front_end)
    except Stopped as stop:
        _complain("interrupted; what was finished is kept")
        return stop.exit_code


def _run(argv: list[str], front_end: FrontEnd) -> int:
    """What the words ask for. Raises `Stopped` where a signal ends it."""
    if argv[:1] == ["refine"]:  # Its name in 0.1, for one version more.
        _complain("refine is now refine-motion; the old name goes with the next version")
        argv[0] = "refine-motion"
    parser = build_parser(front_end)
    try:
        options = parser.parse_args(argv)
        if options.command == "devices":
            return _list_devices(front_end)
        if bool(options.checkpoint) != (options.solver == "published"):
            raise UsageError(
                "--solver published and --checkpoint, the path of its authors' best_ckpt.pth.tar, "
                "go together; one was given without the other"
            )
        read = [name for option in FILE_OPTIONS if (name := getattr(options, option, None))]
        leave_out = [*read, *([options.report] if options.report else [])]
        people = partial(people_of, options) if getattr(options, "all_people", False) else None
        jobs = plan_outputs(
            options.inputs, options.output, options.format, front_end, leave_out, people
        )
        if options.command == "refine-motion" and len(jobs) > 1:
            raise UsageError(f"refine-motion takes one take; {options.inputs[0]} holds {len(jobs)}")
        check_overwriting(jobs, read, options.report)
        jobs = share(jobs, options.part)
    except UsageError as error:
        _complain(str(error))
        _print(parser.commands[options.command].in_brief, sys.stderr)
        return 2
    except OSError as error:  # names that no file can have
        _complain(sentence(error))
        return 2
    except SystemExit as stop:  # argparse: --help, --version or a wrong word
        return int(stop.code or 0)
    return _Conversion(options, jobs, argv, front_end).run()


def _list_devices(front_end: FrontEnd) -> int:
    if reason := front_end.ready(argparse.Namespace(device="cuda", solver=SOLVERS[0])):
        _complain(reason)
    for device in find_devices():
        _say(
            f"{device.name:<8} {'yes' if device.available else 'no ':<4} {device.label}: "
            f"{device.fact}"
        )
    return 0


def _converter(options: argparse.Namespace, front_end: FrontEnd) -> TakeConverter:
    if reason := front_end.ready(options):
        _complain(reason)
    use_threads(options.threads)
    return TakeConverter(options, front_end.writers, front_end.whole)


def _not_run(job: Job) -> dict[str, Any]:
    """What the report says of a take before it was its turn."""
    person = {"person": job.person} if job.person else {}
    return {"input": str(job.source), **person, "output": str(job.output), "status": "not run"}


EXIT_NOT_TRUSTED = 3
"""The exit code where all is written, but something of it is not to be trusted."""


class _Conversion:
    """One run: the loop over takes, its messages and its report."""

    def __init__(
        self,
        options: argparse.Namespace,
        jobs: Sequence[Job],
        argv: Sequence[str],
        front_end: FrontEnd,
    ):
        self.options, self.jobs, self.argv, self.front_end = options, jobs, argv, front_end
        # The time of day may be set back meanwhile, so another clock says how long it took.
        self.started, self.clock = time.time(), time.monotonic()
        self.records = [_not_run(job) for job in jobs]
        self.report = options.report

    def run(self) -> int:
        """The exit code. Raises `Stopped` where a signal ends it, once the report says so."""
        try:
            code = self._convert()
            defer()  # from here on the report is written to its end
        except Stopped:
            defer()
            for record in self.records:
                record["status"] = (
                    "interrupted" if record["status"] == "running" else record["status"]
                )
            self._tell_counts()
            self._write_report()
            raise
        self._tell_counts()
        code = code if self._write_report() else max(code, 1)
        release()
        return code

    def _convert(self) -> int:
        """Convert all takes; gives the exit code."""
        code = 0
        try:
            self._check_report_folder()
            converter = _converter(self.options, self.front_end)
            if self.options.jobs is None and self.options.timeout is None:
                self._convert_here(converter)
            else:
                self._convert_in_processes()
        except (LsmplError, OSError) as error:
            _complain(sentence(error))
            for record in self.records:
                if record["status"] in ("not run", "running"):
                    record.update(status="failed", error=sentence(error))
            code = 1
        if not self.options.failed_ok:
            code = code or int(any(record["status"] == "failed" for record in self.records))
            code = code or EXIT_NOT_TRUSTED * any(
                not record.get("trusted", True) for record in self.records
            )
        return code

    def _tell_counts(self) -> None:
        if len(self.records) != 1:
            done = Counter(record["status"] for record in self.records)
            counts = [f"{done[status]} {status}" for status in STATUSES if done[status]]
            _say(", ".join(counts) or "no takes")

    def _convert_here(self, converter: TakeConverter) -> None:
        for number, (job, record) in enumerate(zip(self.jobs, self.records), 1):
            record["status"] = "running"
            with TakeBar(job.source.name, number, len(self.jobs)) as bar:
                listener = Listener(bar.below(_say), bar.below(_complain), bar.show)
                record.update(converter.convert(job, listener))
            release()

    def _convert_in_processes(self) -> None:
        workers = Workers(
            self.front_end.command, self.argv, self.options.jobs or 1, self.options.timeout
        )
        with TotalBar(len(self.jobs)) as bar:
            try:
                for event in workers.convert(self.jobs):
                    self._note(bar, *event) if event else bar.draw()
            finally:
                with signals_held_back():
                    workers.close()
                    for event in workers.unheard():
                        self._note(bar, *event)

    def _note(self, bar: TotalBar, number: int, event: str, value: Any) -> None:
        if event == "started":
            self.records[number]["status"] = "running"
        elif event == "record":
            self.records[number].update(value)
            bar.count(value.get("status", ""))
        else:
            bar.below(_say if event == "say" else _complain, value)

    def _check_report_folder(self) -> None:
        """Fail before hours of work rather than after."""
        if not self.report:
            return
        report, reason = Path(self.report).absolute(), ""
        try:
            make_folders(report.parent)
            with scratch_folder(report):
                reason = "it is a folder" if report.is_dir() else ""
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            self.report = None  # said once
            raise OSError(0, f"the report cannot be written there: {reason}", self.options.report)

    def _write_report(self) -> bool:
        if not self.report:
            return True
        report = summary(
            self.argv,
            self.front_end.program,
            self.records,
            self.started,
            time.monotonic() - self.clock,
            dict(self.front_end.versions),
        )
        report["versions"] = {"lsmpl": __version__, **report["versions"]}
        try:
            with replace_when_complete(self.report) as scratch:
                scratch.write_text(
                    json.dumps(json_ready(report), indent=1, allow_nan=False) + "\n",
                    encoding="utf-8",
                )
        except OSError as error:
            _complain(f"{self.report}: the report cannot be written: {error.strerror or error}")
            return False
        return True


def _say(line: str) -> None:
    _print(shown(line), sys.stdout)


def _complain(message: str) -> None:
    """The one place that writes messages to stderr, with what is not seen as backslash escapes: it
    may be in file names, and would move a terminal's cursor."""
    _print("lsmpl: " + shown(message, 2 * LONGEST_MESSAGE), sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    """Also what the stream has no letters for: file names are any bytes. Where nobody listens any
    more (`| head`, a terminal that was closed), the work goes on and says nothing."""
    encoding = stream.encoding or "ascii"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())

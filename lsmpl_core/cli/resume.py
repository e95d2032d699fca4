"""What each output was made from, kept beside it, so that `--resume` can tell what is done and
still valid.

`OUT/.lsmpl/NAME.json` holds checksums of the input, of the settings and of the output, and the
take's record in the report. Times of files are not looked at: copies to and from a farm change
them.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import LsmplError
from ..files.json_files import read_json
from ..files.opening import open_file
from ..files.replacing import replace_when_complete
from ..report import json_ready
from .inputs import Job, record_path

SCHEMA = 1

# All devices give the same motion, and so does any number of threads.
_NOT_SETTINGS = {
    "inputs", "output", "format", "report", "verbose", "device", "threads", "resume", "overwrite",
    "jobs", "timeout", "part", "failed_ok",
}  # fmt: skip
FILE_OPTIONS = ("body", "markers", "layout", "checkpoint", "calibrate", "calibration", "motion")
"""Options that name files, which count by their content."""


class Resume:
    """Tells what needs no doing, and keeps what was done."""

    def __init__(self, options: argparse.Namespace, whole: Callable[[str, Path], bool]):
        """`whole` says whether a file of a type can be read."""
        self._options, self._whole = options, whole
        self._settings = ""

    def done(self, job: Job) -> tuple[dict | None, str]:
        """The record of a job that is done already, or None; and why it is not, or what is to be
        said of it."""
        if not job.output.exists():
            return None, "there is no output yet"
        try:
            previous = read_json(
                record_path(job.output), "record of what an output was made from", LsmplError
            )
            valid = (
                isinstance(previous, dict)
                and previous.get("schema") == SCHEMA
                and isinstance(previous.get("record"), dict)
            )
        except LsmplError:
            valid = False
        if not valid:
            return None, "it is not known what the output was made from"
        if previous.get("settings") != self._fingerprint(job):
            return None, "the output was made with other settings, or by another version"
        if previous.get("input") != digest(job.source):
            return None, "the input has changed"
        if previous.get("output") == digest(job.output):
            return previous["record"], ""
        if self._whole(job.format, job.output):
            return previous[
                "record"
            ], "the output was changed since; it is kept as it is (--overwrite makes it anew)"
        return None, "the output is damaged"

    def forget(self, job: Job) -> None:
        """Before the output is replaced."""
        with contextlib.suppress(OSError):
            record_path(job.output).unlink()

    def keep(self, job: Job, source_digest: str, output_digest: str, record: dict) -> None:
        """After the output is there. The digests are the input's from before it was read, and the
        output's from before it took its place."""
        path = record_path(job.output)
        path.parent.mkdir(exist_ok=True)
        made_from = {
            "schema": SCHEMA,
            "settings": self._fingerprint(job),
            "input": source_digest,
            "output": output_digest,
            "record": json_ready(record),
        }
        with replace_when_complete(path) as scratch:
            scratch.write_text(json.dumps(made_from, allow_nan=False) + "\n", encoding="utf-8")

    def _fingerprint(self, job: Job) -> str:
        if not self._settings:
            settings: dict[str, Any] = {
                k: v for k, v in vars(self._options).items() if k not in _NOT_SETTINGS
            }
            for name in FILE_OPTIONS:
                if settings.get(name) and os.path.exists(settings[name]):
                    settings[name] = digest(Path(settings[name]))
            self._settings = json.dumps(
                {"lsmpl": __version__, **settings}, sort_keys=True, default=str
            )
        return hashlib.sha256(f"{job.format} {job.person} {self._settings}".encode()).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of the files of a folder; "" where it cannot
    be read."""
    try:
        if path.is_dir():
            files = [
                file
                for file in sorted(path.iterdir(), key=lambda file: file.name)
                if file.is_file()
            ]
            lines = (f"{digest(file)} {file.name}\n" for file in files)
            return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
        found = hashlib.sha256()
        with open_file(path) as file:
            while block := file.read(1 << 20):
                found.update(block)
        return found.hexdigest()
    except OSError:
        return ""

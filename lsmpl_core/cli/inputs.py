"""Which takes a command line means, which file each is written to, and which of them are one
machine's share."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from ..files.names import file_names, name_key
from ..files.replacing import is_special
from ..readers import READERS
from ..readers.json_lists import is_one_file_a_frame
from ..readers.objects import is_one_object_a_frame
from ..readers.table_frames import is_one_table_a_frame
from .front_end import FrontEnd

RECORDS = ".lsmpl"
"""The hidden folder beside outputs."""
_LONGEST_NAME = 255  # bytes that file systems have for the name of a file
_LONGEST_STEM = _LONGEST_NAME - len(".npz")


class UsageError(Exception):
    """Wrong words on the command line."""


@dataclass(frozen=True)
class Job:
    """One take to be written: its file or folder, its output and that one's type.

    in_folder: OUT is a folder of many, in which it is kept what each file was made from
    (`resume.py`). person: whose take it is, of all people in the file; "" where it is not for all
    of them.
    """

    source: Path
    output: Path
    format: str
    in_folder: bool = False
    person: str = ""

    @property
    def title(self) -> str:
        """For messages."""
        return f"{self.source} ({self.person})" if self.person else str(self.source)


@dataclass(frozen=True)
class _Source:
    """A take, and the folder inside OUT that it belongs to."""

    path: Path
    under: Path = Path()
    person: str = ""

    @property
    def stem(self) -> str:
        return self.path.stem + (f"_{file_names([self.person])[0]}" if self.person else "")


def plan_outputs(
    inputs: Sequence[str],
    output: str,
    format: str | None,
    front_end: FrontEnd,
    leave_out: Collection[str] = (),
    people: Callable[[Path], Sequence[str]] | None = None,
) -> list[Job]:
    """The job of each take that `inputs` name, in a fixed order: OUT itself for one file, otherwise
    files in OUT.

    inputs: files, folders and glob patterns. A folder of one JSON file a frame is a take; any other
    is searched, with the folders in it, for files that end as keypoint files do, and OUT gets the
    same folders.
    leave_out: files that are no takes even if they lie among them.
    people: says who is in a file, each of whom gets an output of their own (`walk_Ann.npz`); none
    for one person. Inputs that share a name get distinct outputs: by their extensions
    (`walk_trc.npz`, `walk_c3d.npz`), else by their folders (`monday_walk.npz`, `tuesday_walk.npz`),
    else by a checksum of their path (`Walk` and `walk`, which are one name to Windows and macOS).
    Raises `UsageError`.
    """
    if not output or not all(inputs):
        raise UsageError(
            f"{'OUT' if not output else 'IN'} is an empty name; . is the folder that you are in"
        )
    out, suffix = Path(output), Path(output).suffix.lower().lstrip(".")
    formats = ", ".join(f".{name}" for name in front_end.writers)
    is_folder = out.is_dir() or output.endswith(("/", os.sep)) or not suffix
    sources = _find_sources(inputs, {_real(path) for path in (output, *leave_out)})
    if people is not None:
        sources = [
            replace(source, person=person)
            for source in sources
            for person in people(source.path) or [""]
        ]

    # One take, one file; anything else needs a folder.
    if not is_folder and suffix in front_end.writers and len(sources) == 1:
        if format not in (None, suffix):
            raise UsageError(f"OUT ends in .{suffix} but --format is {format}")
        return [Job(sources[0].path, out, suffix, person=sources[0].person)]
    if not is_folder and len(sources) == 1:
        raise UsageError(
            f"OUT is {output}, but {front_end.cannot_write(suffix)}; end OUT in / to have a folder "
            "of that name"
        )
    if (out.exists() and not out.is_dir()) or (not is_folder and suffix in front_end.writers):
        if len(sources) == 1:
            raise UsageError(f"OUT is {output}, which is no folder and does not end in {formats}")
        several = "several IN" if people is None else "several takes"
        raise UsageError(f"{several} need a folder as OUT; {output} is a file")

    format = format or front_end.default_format
    names = _distinct_names(sources)
    return [
        Job(source.path, out / f"{name}.{format}", format, True, source.person)
        for source, name in zip(sources, names)
    ]


def check_overwriting(jobs: Sequence[Job], read: Collection[str], report: str | None) -> None:
    """Raises `UsageError` where the report would be written onto anything but an earlier report, or
    onto what is an output now, or an output onto one of the files that options name (`read`)."""
    outputs = {_real(job.output): str(job.output) for job in jobs}
    named = {_real(path): path for path in read}
    if report is not None:
        taken = outputs | named | {_real(job.source): str(job.source) for job in jobs}
        if (other := _at_place(report, taken)) is not None:
            raise UsageError(f"--report would overwrite {other}; choose another file")
        if is_special(report):
            raise UsageError(f"--report is {report}, which is no file; choose another")
        if os.path.isfile(report) and not _is_report(report):
            raise UsageError(
                f"--report would overwrite {report}, which is no report; choose another file"
            )
    for output in outputs.values():
        if is_special(output):
            raise UsageError(f"OUT is {output}, which is no file; choose another OUT")
        if (other := _at_place(output, named)) is not None:
            raise UsageError(f"OUT would overwrite {other}, which is read; choose another OUT")


def _is_report(path: str) -> bool:
    """Whether a file begins as our reports do, or is empty."""
    with open(path, "rb") as file:
        begin = file.read(200).split()
    return not begin or begin[:2] == [b"{", b'"schema":']


def _at_place(path: str, others: Mapping[str, str]) -> str | None:
    """Which of some files, by their real paths, a path is: the same name, or a link to the same."""
    if (other := others.get(_real(path))) is not None:
        return other
    if not os.path.isfile(path) or os.stat(path).st_nlink < 2:
        return None
    files = (other for other in others.values() if os.path.isfile(other))
    return next((other for other in files if os.path.samefile(path, other)), None)


def share(jobs: Sequence[Job], part: tuple[int, int] | None) -> list[Job]:
    """Part K of N, K from 1: every N-th job from the K-th. The parts have no job in common and make
    up all of them."""
    return list(jobs) if part is None else list(jobs[part[0] - 1 :: part[1]])


def _find_sources(inputs: Sequence[str], leave_out: set[str]) -> list[_Source]:
    found: dict[str, _Source] = {}
    for name in inputs:
        path = Path(os.path.normpath(name))
        if os.path.isdir(path):
            sources = list(_search(path, Path(), leave_out)) or [_Source(path)]
        elif glob.has_magic(name) and not os.path.exists(path):
            sources = list(_expand(name, leave_out))
            if not sources:
                raise UsageError(f"{name}: no keypoint file has such a name")
        else:
            sources = [_Source(path)]
        for source in sources:
            found.setdefault(os.path.abspath(source.path), source)
    return list(found.values())


def _expand(pattern: str, leave_out: set[str]) -> Iterator[_Source]:
    """The takes that match; they keep the folders that begin with the pattern's first wildcard."""
    parts = Path(os.path.normpath(pattern)).parts
    plain = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[: min(plain, len(parts) - 1)])
    for name in sorted(
        glob.glob(pattern, recursive=True), key=lambda name: Path(os.path.normpath(name)).parts
    ):
        path = Path(os.path.normpath(name))
        under = Path(os.path.relpath(path.parent, base)) if path != base else Path()
        if os.path.isdir(path):
            yield from _search(path, Path(os.path.relpath(path, base)), leave_out)
        elif _is_take(path, leave_out):
            yield _Source(path, under)


def _search(
    folder: Path, under: Path, leave_out: set[str], within: frozenset[str] = frozenset()
) -> Iterator[_Source]:
    """The takes in a folder, whose files go to `under`, and in those below it; links that lead
    round are cut."""
    here = _real(folder)
    if here in within or (within and here in leave_out):
        return
    try:
        is_one = _is_one_take(folder)
        paths = sorted(folder.iterdir(), key=lambda path: path.name)  # on every system the same
        folders = {path for path in paths if path.is_dir()}
    except OSError:  # a locked one fails when it is its turn, and stops no other
        is_one, paths, folders = True, [], set()
    if is_one:
        yield _Source(folder, under.parent)
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path in folders:
            yield from _search(path, under / path.name, leave_out, within | {here})
        elif _is_take(path, leave_out):
            yield _Source(path, under)


def _is_one_take(folder: Path) -> bool:
    """Whether a folder holds the frames of a take; a single JSON file beside other takes is rather
    a mapping."""
    if not is_one_file_a_frame(folder):
        return is_one_object_a_frame(folder) or is_one_table_a_frame(folder)
    endings = [path.suffix.lower() for path in folder.iterdir()]
    return endings.count(".json") > 1 or not any(
        ending in READERS and ending != ".json" for ending in endings
    )


def _is_take(path: Path, leave_out: set[str]) -> bool:
    """Whether a file may hold keypoints, and is not one that we have written."""
    if path.suffix.lower() not in READERS or not os.path.isfile(path) or _real(path) in leave_out:
        return False
    return not os.path.exists(record_path(path))


def record_path(output: Path) -> Path:
    """Where it is kept what an output was made from (`resume.py`)."""
    name = f"{output.name}.json"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{hashlib.sha256(os.fsencode(output.name)).hexdigest()}.json"
    return output.parent / RECORDS / name


def _real(path: str | os.PathLike) -> str:
    return os.path.normcase(os.path.realpath(path))


def _distinct_names(sources: Sequence[_Source]) -> list[str]:
    """Paths in OUT, without an ending."""
    names = [source.stem for source in sources]
    for folders in range(max(len(source.path.absolute().parts) for source in sources) + 1):
        paths = [source.under / name for source, name in zip(sources, names)]
        uses = Counter(name_key(str(path)) for path in paths)
        if max(uses.values()) == 1:
            break
        names = [
            _long_name(source.path.absolute(), source.stem, folders)
            if uses[name_key(str(path))] > 1
            else name
            for source, path, name in zip(sources, paths, names)
        ]
    else:
        names = [
            f"{_long_name(source.path.absolute(), source.stem, 0)}_{_checksum(source)}"
            if uses[name_key(str(path))] > 1
            else name
            for source, path, name in zip(sources, paths, names)
        ]
    return [str(source.under / _fitting(name, source)) for source, name in zip(sources, names)]


def _fitting(name: str, source: _Source) -> str:
    """A name, or what of it and a checksum a file system has room for."""
    if len(os.fsencode(name)) <= _LONGEST_STEM:
        return name
    return f"{os.fsdecode(os.fsencode(name)[: _LONGEST_STEM - 9])}_{_checksum(source)}"


def _checksum(source: _Source) -> str:
    return hashlib.sha256(os.fsencode(source.path.absolute()) + source.person.encode()).hexdigest()[
        :8
    ]


def _long_name(path: PurePath, stem: str, folders: int) -> str:
    """A take's name with so many of the folders above its file; above them all is Windows'
    drive."""
    drive = re.sub(r"\W+", "_", path.drive).strip("_")
    above = [*([drive] if drive else []), *path.parts[1:-1]]
    return "_".join(
        (*above[len(above) - min(folders, len(above)) :], stem, path.suffix[1:])
    ).rstrip("_")

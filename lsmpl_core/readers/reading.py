"""Reading keypoint files of any known format as a `KeypointTrack` in metres, Z up.

A format module reads one format as a `RawTrack`; what it lacks is settled for all formats alike
(`matching.py`, `settling.py`), and each as a `Decision`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from ..errors import KeypointFileError
from ..keypoints.layouts import Layout, Order
from ..keypoints.track import Decision, KeypointTrack
from .bvh import read_bvh
from .c3d import read_c3d
from .csv_table import read_csv
from .exchanged_names import with_names_mended
from .frame_files import frame_files
from .json_lists import is_nest, read_json
from .mapping import Mapping
from .markers import known_markers, load_markers
from .mat import read_matlab
from .matching import Match, match_layout, match_markers
from .missing import mark_frozen, mark_missing, scaled_confidence
from .mvnx import read_mvnx
from .nested_cells import has_nests, read_nested_cells
from .npy import read_npy, read_npz
from .ntu_skeleton import read_skeleton
from .objects import is_folder_of_objects, read_folder_of_objects, read_objects
from .other_formats import instead_of
from .people import one_person, staying
from .point_spaces import in_one_space
from .raw import RawTrack, checked_names
from .settling import settled, settled_in
from .space import check_dimension, check_space
from .table_frames import TABLE_ENDINGS, read_folder_of_tables
from .trc import read_trc
from .wanted import expected_counts, wanted_layout, wanted_person, wanted_world

READERS: dict[str, Callable[[Path, Collection[int]], RawTrack]] = {
    ".trc": read_trc,
    ".c3d": read_c3d,
    ".npy": read_npy,
    ".npz": read_npz,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".dat": read_csv,
    ".sto": read_csv,
    ".mot": read_csv,
    ".json": read_json,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".bvh": read_bvh,
    ".skeleton": read_skeleton,
    ".mvnx": read_mvnx,
    ".mat": read_matlab,
}
"""The reader of each file name ending; a folder is read as one file a frame, of JSON, of tables or
of Python objects."""
_PICKLES = (".pkl", ".pickle")
"""Endings of files that may hold keypoints, but rather hold motions: read where they are named, not
searched for."""

_KNOW_PEOPLE = (
    read_npy,
    read_npz,
    read_json,
    read_skeleton,
    read_mvnx,
    read_matlab,
    read_objects,
    read_folder_of_objects,
    read_nested_cells,
    read_folder_of_tables,
)
"""Readers of formats in which people are kept apart; in the others their keypoints' names tell them
apart."""

MOST_PEOPLE = 100
"""Who are read from a file at once."""
PASSING = 0.1
"""Of the frames in which somebody is seen most, those in which another has to be seen to be read
with them."""


def read_keypoints(
    path: str | Path,
    layout: str | Path | Layout | None = None,
    unit: str | float | None = None,
    up: str | None = None,
    fps: float | None = None,
    person: str | None = None,
    markers: str | Path | None = None,
    mirror: bool | None = None,
) -> KeypointTrack:
    """Read a take of 3D keypoints.

    path: a file whose name ends as one of `READERS`, or a folder with one JSON file a frame.
    layout: a layout's name, a `Layout`, or the path of a JSON mapping (`mapping.py`); found by
    names or count if None. unit: "m", "cm", "mm", "in", "ft", metres per file unit, or "body" (make
    the person an average adult). up: "x", "y", "z", "-x", "-y", "-z", or "body" (make the body's
    own mean upward direction vertical). fps: frames a second.
    person: of several people in the file the one to read, as the file calls them; the one most seen
    if None. markers: the path of a JSON table of marker names (`markers.py`), besides the known
    ones.
    mirror: whether left and right are exchanged by mirroring the space, as of left-handed axes.

    What is None is taken from the mapping, else from the file, else detected, else assumed; the
    track's `decisions` say which, and why. Raises `KeypointFileError` where the file cannot be
    read, and `LayoutError` where its keypoints cannot be matched to a layout.
    """
    path = Path(path)
    mapping, wanted = wanted_layout(layout)
    unit, up, fps = wanted_world(mapping, unit, up, fps, path)
    person = wanted_person(person)
    raw = _read_raw(path, expected_counts(mapping, wanted), person)
    raw.of_person = None  # so that nothing holds on to what the others are read from
    raw, found = _matched(raw, path, mapping, wanted, person, markers)
    return settled(raw, found, str(path), unit, up, fps, mirror)


def read_people(
    path: str | Path,
    layout: str | Path | Layout | None = None,
    unit: str | float | None = None,
    up: str | None = None,
    fps: float | None = None,
    markers: str | Path | None = None,
    mirror: bool | None = None,
) -> list[KeypointTrack]:
    """Read everybody in a take, who is seen most first, all in the same frames and the same world.

    The arguments are those of `read_keypoints`. Unit and up axis are settled on the first. Who is
    seen less than `PASSING` of that is left aside: a detector's ghosts. `KeypointTrack.person` is
    what the file calls each, "" where it tells nobody apart. Raises as `read_keypoints` does.
    """
    path = Path(path)
    mapping, wanted = wanted_layout(layout)
    unit, up, fps = wanted_world(mapping, unit, up, fps, path)
    counts = expected_counts(mapping, wanted)
    whole = _read_raw(path, counts)
    whole = whole if mapping else in_one_space(whole)
    first = one_person(whole, None, path)  # who is seen most
    raws = [first]
    if first.people:
        here, passing = staying(first.people, PASSING)
        if len(here) > MOST_PEOPLE:
            raise KeypointFileError(
                f"{path}: {len(here)} people are in it; at most {MOST_PEOPLE} are read at once. "
                "Choose one of them"
            )
        raws += _others(whole, here[1:], path)
        for name, raw in zip(here, raws):
            beside = ", ".join(other for other in here if other != name)
            known = [decision for decision in raw.decisions if decision.what != "person"]
            raw.decisions = [
                *known,
                Decision("person", name, "file", f"beside {beside}" if beside else ""),
            ]
        if passing:
            reason = (
                f"seen in less than {PASSING:.0%} of the frames of the one most seen: "
                f"{', '.join(passing)}"
            )
            raws[0].decisions.append(
                Decision("left aside", f"{len(passing)} people", "assumed", reason[:200])
            )
    del whole, first
    world, tracks = None, []
    for raw in raws:
        raw.of_person = None
        raw, found = _matched(raw, path, mapping, wanted, None, markers)
        track, world = settled_in(raw, found, str(path), unit, up, fps, mirror, world)
        tracks.append(track)
    return tracks


def _others(whole: RawTrack, names: Collection[str], path: Path) -> list[RawTrack]:
    """The tracks of some more people of a file, where its reader or the keypoints' names tell them
    apart."""
    of_person = whole.of_person
    others = (whole if of_person is None else of_person(name) for name in names)
    return [one_person(other, name, path) for name, other in zip(names, others)]


def matched(
    raw: RawTrack,
    source: str,
    layout: str | Path | Layout | None = None,
    person: str | None = None,
    markers: str | Path | None = None,
) -> tuple[RawTrack, Match]:
    """Of tracks from elsewhere than a file, those of one person with what is missing marked, and
    their layout.

    source opens the messages; the other arguments are those of `read_keypoints`. The match's
    columns are of the track that is returned, whose `origin` says which columns of `raw` those are.
    Raises as `read_keypoints` does.
    """
    mapping, wanted = wanted_layout(layout)
    return _matched(raw, Path(source), mapping, wanted, wanted_person(person), markers)


def _matched(
    raw: RawTrack,
    path: Path,
    mapping: Mapping | None,
    layout: Layout | Order | None,
    person: str | None,
    markers: str | Path | None,
) -> tuple[RawTrack, Match]:
    table = known_markers().extended(load_markers(markers)) if markers is not None else None
    raw = raw if mapping else in_one_space(raw)
    raw = mark_frozen(mark_missing(one_person(raw, person, path), path))
    raw = scaled_confidence(check_dimension(raw, path))
    if table:
        return raw, match_markers(raw, str(path), table)
    match = match_layout(raw, mapping, layout, str(path))
    if match.decision.basis != "given":
        check_space(raw, match.columns, match.layout, path)
    if match.decision.basis == "file":
        match = with_names_mended(raw, match)
    return raw, match


def _read_raw(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    ending = path.suffix.lower()
    try:
        reader = _folder_reader(path) if path.is_dir() else READERS.get(ending)
        reader = read_objects if ending in _PICKLES and reader is None else reader
        reader = _text_reader(path) if reader is read_csv and path.exists() else reader
        if not path.exists():
            raise KeypointFileError(f"{path}: no such file or folder")
        if reader is None:
            instead = instead_of(path) or (
                f"unknown format {ending!r}; keypoint files end in {', '.join(READERS)}"
            )
            raise KeypointFileError(f"{path}: {instead}")
        raw = reader(path, counts, person) if reader in _KNOW_PEOPLE else reader(path, counts)
        return checked_names(raw, str(path))
    except OSError as error:
        raise KeypointFileError(f"{path}: cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise KeypointFileError(f"{path}: there is not enough memory to read it") from None
    except RecursionError:
        raise KeypointFileError(f"{path}: its content nests too deeply to be read") from None


def _text_reader(path: Path) -> Callable:
    """What reads a file that is called a table, by what it holds."""
    return read_json if is_nest(path) else read_nested_cells if has_nests(path) else read_csv


def _folder_reader(folder: Path) -> Callable:
    if is_folder_of_objects(folder):
        return read_folder_of_objects
    return read_folder_of_tables if frame_files(folder, TABLE_ENDINGS) else read_json

"""Reading keypoint files of any known format as a `KeypointTrack` in metres, Z up.

A format module reads one format as a `RawTrack`; the layout, the unit, the up axis and the frame
rate are settled here, for all formats alike, and each as a `Decision`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..bounds import FASTEST, SLOWEST, is_rate
from ..errors import KeypointFileError
from ..keypoints.hand_points import HAND_POINTS, HandPoints
from ..keypoints.hips_centred import travel_decision
from ..keypoints.layouts import Layout, get_layout
from ..keypoints.track import Decision, KeypointTrack
from . import units
from .axes import decide_up
from .axis_cues import AXES
from .bvh import read_bvh
from .c3d import read_c3d
from .csv_table import read_csv
from .hand_columns import hand_columns, join_hands
from .handedness import mirror_warning
from .json_lists import read_json
from .mapping import Mapping, load_mapping
from .markers import LAYOUT_NAME, known_markers, load_markers, stand_ins
from .matching import Match, match_layout, match_markers
from .missing import mark_frozen, mark_missing, scaled_confidence, settle_zero_columns
from .npy import read_npy, read_npz
from .ntu_skeleton import read_skeleton
from .objects import is_folder_of_objects, read_folder_of_objects, read_objects
from .orders import KNOWN_COUNTS
from .people import one_person, staying
from .raw import RawTrack, checked_names
from .space import check_dimension, check_space, checked_stature, found_origin, without_strays
from .trc import read_trc

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
}
"""The reader of each file name ending; a folder is read as one file a frame, of JSON or of Python
objects."""
_PICKLES = (".pkl", ".pickle")
"""Endings of files that may hold keypoints, but rather hold motions: read where they are named, not
searched for."""

_KNOW_PEOPLE = (read_npy, read_npz, read_json, read_skeleton, read_objects, read_folder_of_objects)
"""Readers of formats in which people are kept apart; in the others their keypoints' names tell them
apart."""

UNIT_CHOICES = (*units.UNITS, "body")
UP_CHOICES = (*AXES, "body")
DEFAULT_FPS = 30.0
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
    mapping, layout = _wanted_layout(layout)
    unit, up, fps = _wanted_world(mapping, unit, up, fps, path)
    person = _wanted_person(person)
    raw = _read_raw(path, _expected_counts(mapping, layout), person)
    raw, found = _matched(raw, path, mapping, layout, person, markers)
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
    mapping, layout = _wanted_layout(layout)
    unit, up, fps = _wanted_world(mapping, unit, up, fps, path)
    counts = _expected_counts(mapping, layout)
    whole = _read_raw(path, counts)
    first = one_person(whole, None, path)  # who is seen most
    raws = [first]
    if first.people:
        here, passing = staying(first.people, PASSING)
        known_by_reader = bool(whole.people)  # which then gives one of them at a time
        others = (_read_raw(path, counts, name) if known_by_reader else whole for name in here[1:])
        raws += [one_person(other, name, path) for name, other in zip(here[1:], others)]
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
    world, tracks = None, []
    for raw in raws:
        raw, found = _matched(raw, path, mapping, layout, None, markers)
        track, world = _settled(raw, found, str(path), unit, up, fps, mirror, world)
        tracks.append(track)
    return tracks


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
    mapping, layout = _wanted_layout(layout)
    return _matched(raw, Path(source), mapping, layout, _wanted_person(person), markers)


def _matched(
    raw: RawTrack,
    path: Path,
    mapping: Mapping | None,
    layout: Layout | None,
    person: str | None,
    markers: str | Path | None,
) -> tuple[RawTrack, Match]:
    table = known_markers().extended(load_markers(markers)) if markers is not None else None
    raw = mark_frozen(mark_missing(one_person(raw, person, path), path))
    raw = scaled_confidence(check_dimension(raw, path))
    if table:
        return raw, match_markers(raw, str(path), table)
    match = match_layout(raw, mapping, layout, str(path))
    if match.decision.basis != "given":
        check_space(raw, match.columns, match.layout, path)
    return raw, match


def settled(
    raw: RawTrack,
    match: Match,
    source: str,
    unit: str | float | None = None,
    up: str | None = None,
    fps: float | None = None,
    mirror: bool | None = None,
) -> KeypointTrack:
    """The track of a layout that was matched, in metres, Z up; the arguments are those of
    `read_keypoints`."""
    unit, up, fps = _checked_unit(unit, source), _checked_up(up, source), _checked_fps(fps, source)
    return _settled(raw, match, source, unit, up, fps, mirror)[0]


@dataclass(frozen=True)
class _World:
    """How a file's numbers become metres with Z up, which is the same for everybody in it: p' = R
    (p - origin) metres, and, where it is mirrored, y negated."""

    origin: np.ndarray
    metres: float
    rotation: np.ndarray
    unit: Decision
    up: Decision
    further: tuple[Decision, ...] = ()

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Points (...,3) of the file in metres, Z up, not mirrored."""
        return (points - self.origin) * self.metres @ self.rotation.T

    def matrix(self, mirrored: bool) -> np.ndarray:
        """(4,4) of the whole: what brings a point of the file's numbers to the track."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.metres * self.rotation
        matrix[:3, 3] = self.placed(np.zeros(3))
        return np.diag([1.0, -1.0 if mirrored else 1.0, 1.0, 1.0]) @ matrix


def _settled(
    raw: RawTrack,
    match: Match,
    source: str,
    unit,
    up,
    fps,
    mirror: bool | None = None,
    world: _World | None = None,
) -> tuple[KeypointTrack, _World]:
    positions, confidence = _ordered(raw, match)
    positions, root_decision = settle_zero_columns(positions, match.layout)
    if not np.isfinite(positions).all(axis=2).any():
        raise KeypointFileError(
            f"{source}: not one keypoint of the body is seen in any of its {len(positions)} frames"
        )
    judged = _judged(match.layout, positions)
    if world is None:
        world = _world(raw, match, positions, judged, source, unit, up)
    positions = world.placed(positions)
    positions, lost = without_strays(positions)
    fps, fps_decision = _decide_fps(fps, raw.fps, source)
    positions, mirrored = _mended(positions, match, judged, mirror)
    flipped = mirrored is not None and mirrored.value in ("mended", "yes")
    hands, joined = _hands(raw, match, world, flipped, positions)
    settled = (
        match.decision,
        *match.further,
        world.unit,
        world.up,
        fps_decision,
        *world.further,
        *raw.decisions,
    )
    decisions = tuple(
        decision for decision in (*settled, root_decision, lost, mirrored, joined) if decision
    )
    track = KeypointTrack(
        positions,
        confidence,
        match.layout,
        fps,
        raw.first_frame,
        source,
        decisions,
        hands=hands,
        world=world.matrix(flipped),
    )
    if relative := travel_decision(track):
        track.decisions = (*decisions, relative)
    return track, world


def _hands(
    raw: RawTrack, match: Match, world: _World, flipped: bool, body: np.ndarray
) -> tuple[HandPoints | None, Decision | None]:
    """The points of the hands beside a body's keypoints (T,K,3) in the world, where there are
    some."""
    blocks = hand_columns(raw.positions.shape[1], raw.names, match.layout, match.columns)
    if not blocks:
        return None, None
    points = np.full((len(body), len(blocks), len(HAND_POINTS), 3), np.nan)
    confidence = np.ones(points.shape[:3])
    for hand, columns in enumerate(blocks):
        has = [point for point, column in enumerate(columns) if column is not None]
        taken = raw.take([column for column in columns if column is not None])
        points[:, hand, has] = taken.positions
        if taken.confidence is not None:
            confidence[:, hand, has] = taken.confidence
    points = world.placed(points) * ([1.0, -1.0, 1.0] if flipped else 1.0)
    return join_hands(points, confidence, body, match.layout)


def _world(
    raw: RawTrack, match: Match, positions: np.ndarray, judged: Layout | None, source: str, unit, up
) -> _World:
    """What is settled on the first person of a file."""
    origin, moved = found_origin(positions)
    positions = positions - origin
    metres, unit_decision = units.decide_unit(positions, judged, unit, raw.unit)
    stature = units.measure_stature(positions, judged) * metres
    checked_stature(stature if unit_decision.value != "body" else np.nan, source, unit_decision)
    rotation, up_decision = decide_up(
        positions * metres, judged, up, raw.up, match.layout.keypoints, raw.usual_up
    )
    return _World(origin, metres, rotation, unit_decision, up_decision, (moved,) if moved else ())


def _mended(
    positions: np.ndarray, match: Match, judged: Layout | None, mirror: bool | None
) -> tuple[np.ndarray, Decision | None]:
    """Positions (T,K,3) in metres, Z up, mirrored where that was asked for or is sure; and what was
    decided."""
    warning = mirror_warning(positions, judged) if judged is not None else None
    if mirror is None:
        if warning is None or warning.confidence != 1.0 or match.decision.basis != "file":
            return positions, warning
        mirror = True
        decision = replace(
            warning,
            value="mended",
            reason=f"{warning.reason}; y was negated (--mirror no leaves it)",
        )
    else:
        decision = Decision("mirrored", "yes" if mirror else "no", "given")
    return (positions * [1.0, -1.0, 1.0] if mirror else positions), decision


# What the user asked for


def _wanted_layout(layout: str | Path | Layout | None) -> tuple[Mapping | None, Layout | None]:
    if layout is None or isinstance(layout, Layout):
        return None, layout
    if str(layout).lower().endswith(".json"):
        mapping = load_mapping(layout)
        return mapping, mapping.layout
    return None, get_layout(str(layout))


def _wanted_world(mapping: Mapping | None, unit, up, fps, path: Path) -> tuple:
    """Unit, up axis and rate: those that were asked for, else the mapping's; None is for finding
    out."""
    if mapping is not None:
        unit = mapping.unit if unit is None else unit
        up = mapping.up if up is None else up
        fps = mapping.fps if fps is None else fps
    return _checked_unit(unit, path), _checked_up(up, path), _checked_fps(fps, path)


def _wanted_person(person: str | None) -> str | None:
    return None if person is None or not str(person).strip() else str(person)


def _checked_unit(unit: str | float | None, path: str | Path) -> str | float | None:
    if isinstance(unit, str):
        unit = unit.strip().lower()
        if unit in UNIT_CHOICES:
            return unit
    try:
        number = None if unit is None else float(unit)
    except (TypeError, ValueError):
        number = math.nan
    if number is None or 0 < number < math.inf:
        return number
    raise KeypointFileError(
        f"{path}: no unit {unit!r}; valid: {', '.join(UNIT_CHOICES)}, or metres per unit above 0"
    )


def _checked_up(up: str | None, path: str | Path) -> str | None:
    wanted = up if up is None else str(up).strip().lower().replace("+", "")
    if wanted is None or wanted in UP_CHOICES:
        return wanted
    raise KeypointFileError(f"{path}: no up axis {up!r}; valid: {', '.join(UP_CHOICES)}")


def _checked_fps(fps: float | None, path: str | Path) -> float | None:
    if fps is None or (isinstance(fps, (int, float)) and is_rate(fps)):
        return fps
    raise KeypointFileError(
        f"{path}: the frame rate {str(fps)[:40]} is no number of frames a second from {SLOWEST:g} "
        f"to {FASTEST:,.0f}"
    )


def _expected_counts(mapping: Mapping | None, layout: Layout | None) -> Collection[int]:
    """Keypoint counts that unnamed rows of numbers may have."""
    if mapping is not None:
        return {mapping.count} if mapping.count else KNOWN_COUNTS
    return KNOWN_COUNTS if layout is None else {len(layout), *KNOWN_COUNTS}


# From the file to a layout


def _read_raw(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    ending = path.suffix.lower()
    try:
        reader = _folder_reader(path) if path.is_dir() else READERS.get(ending)
        reader = read_objects if ending in _PICKLES and reader is None else reader
        if not path.exists():
            raise KeypointFileError(f"{path}: no such file or folder")
        if reader is None:
            raise KeypointFileError(
                f"{path}: unknown format {ending!r}; keypoint files end in {', '.join(READERS)}"
            )
        raw = reader(path, counts, person) if reader in _KNOW_PEOPLE else reader(path, counts)
        return checked_names(raw, str(path))
    except OSError as error:
        raise KeypointFileError(f"{path}: cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise KeypointFileError(f"{path}: there is not enough memory to read it") from None
    except RecursionError:
        raise KeypointFileError(f"{path}: its content nests too deeply to be read") from None


def _folder_reader(folder: Path) -> Callable:
    return read_folder_of_objects if is_folder_of_objects(folder) else read_json


def _ordered(raw: RawTrack, match: Match) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions (T,K,3) and confidence (T,K) in the layout's order, NaN and 0 where the file has no
    such keypoint."""
    columns = {k: column for k, column in enumerate(match.columns) if column is not None}
    has = list(columns)
    taken = raw.take(list(columns.values()))
    positions = np.full((len(raw.positions), len(match.layout), 3), np.nan)
    positions[:, has] = taken.positions
    if taken.confidence is None:
        return positions, None
    confidence = np.zeros(positions.shape[:2])
    confidence[:, has] = taken.confidence
    return positions, confidence


def _judged(layout: Layout, positions: np.ndarray) -> Layout | None:
    """What unit and axes are judged by: of a marker set, the joints near its markers, or None where
    those are few."""
    if layout.name != LAYOUT_NAME:
        return layout
    joints = stand_ins(layout)
    return joints if units.measure_stature(positions, joints) > 0 else None


def _decide_fps(given: float | None, stated: float | None, source: str) -> tuple[float, Decision]:
    if given is not None:
        return float(given), Decision("fps", f"{given:g}", "given")
    if stated is not None and math.isfinite(stated) and stated > 0:
        if not is_rate(stated):
            raise KeypointFileError(
                f"{source}: the file states {stated:.6g} frames a second; takes have {SLOWEST:g} "
                f"to {FASTEST:,.0f}. "
                "Say how many with --fps"
            )
        return stated, Decision("fps", f"{stated:g}", "file")
    return DEFAULT_FPS, Decision(
        "fps", f"{DEFAULT_FPS:g}", "assumed", "the file states no frame rate"
    )

"""Marker names: which of a file's points are markers on a body, and where on it each of them is
known to sit.

What is known stands in `data/markers.json`; a user's file of the same form adds to it and wins over
it:

    {"sided": [{"place": "hip..knee 40% front within 5 cm", "names": ["THX"]}],
     "single": [{"place": "left_knee left", "names": ["Marker_12"]}]}

`sided` entries are for the left side, with `lateral` and `medial` as directions; files name them
`LTHX`, `L_thx`, `Left.THX`, `THX_L` and the like, and their right partners accordingly. `single`
names are taken as they are. A place is explained in `body/landmarks.py`; any site will do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from ..body.landmarks import UNPLACED, parse_landmark
from ..body.sites import SITE_NAMES, check_site
from ..data import DATA
from ..errors import LayoutError
from ..files.json_files import read_json
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision
from .finger_markers import bend_with_fingers, finger_markers, knuckle_place
from .keypoint_names import fold, is_generic, split_subject

TABLE_FILE = DATA / "markers.json"
LAYOUT_NAME = "markers"
CLUSTER_SIGMA = 0.09
"""Metres by which one of several markers on a segment (`THI2`, `UA3`) may be off from where the
first one sits."""
FEWEST, FEWEST_REGIONS = 6, 3
"""Recognised markers, and parts of the body they must be on, below which no body can be told from
them."""

MOST_UNKNOWN = 250
"""Points without a known name beyond which they are no markers that anybody wears."""

_UNNAMED = re.compile(
    r"\*\d*|(unlabell?ed|unnamed|ghost|new ?marker|extra|unknown).*|u[_\s]?\d+", re.I
)
_LETTERED = re.compile(r"[a-z]\d{1,2}", re.I)
"""What somebody called the points of a cluster: P1 to P3. Where they sit is found from how they
move."""
_DERIVED = re.compile(
    r".*(ANGLE|FORCE|MOMENT|POWER|CENT(RE|ER)OFMASS|LEGLENG|ARCHHEIGHT|GRF|[HKASEW]JC).*|"
    r".+GROUND|COM|COG|COP|PROJ.+"
)
"""What models compute and write beside the markers: angles, forces, joint centres."""
_SIDES = (
    re.compile(r"(?P<side>left|right|l|r)[\W_]+(?P<base>.+)", re.I),
    re.compile(r"(?P<base>.+?)[\W_]+(?P<side>left|right|l|r)", re.I),
    re.compile(r"(?P<side>left|right)(?P<base>.+)", re.I),
    re.compile(r"(?P<base>.+)(?P<side>left|right)", re.I),
    re.compile(r"(?P<side>l|r)(?P<base>.+)", re.I),
)
_PARTS = tuple(
    sorted({name.removeprefix("left_") for name in SITE_NAMES if name.startswith("left_")})
)
_MIRROR = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class MarkerTable:
    """Places by name: `sided` for the left side, `single` as they are; names are folded
    (`fold`)."""

    sided: dict[str, str]
    single: dict[str, str]

    def site_of(self, name: str) -> str | None:
        """The site of a file's marker name, or None where it is not known."""
        bare = split_subject(name)[1]
        sided = [
            (m["side"][0].lower(), fold(m["base"]))
            for m in (p.fullmatch(bare) for p in _SIDES)
            if m
        ]
        for numbered in (False, True):
            strip = (lambda base: base.rstrip("0123456789")) if numbered else (lambda base: base)
            for folded in (fold(bare), fold(bare).removeprefix("P")):
                if folded and (place := self.single.get(strip(folded))):
                    return _looser(place) if numbered else place
            for side, base in sided:
                place = self.sided.get(strip(base)) or self.single.get(strip(base))
                if place:
                    place = place if side == "l" else mirrored(place)
                    return _looser(place) if numbered else place
        return self.site_of(bare[1:]) if re.match(r"p(Left|Right)", bare) else None

    def extended(self, other: MarkerTable) -> MarkerTable:
        return MarkerTable({**self.sided, **other.sided}, {**self.single, **other.single})


def mirrored(site: str) -> str:
    """The same site on the other side."""
    return re.sub(r"left|right", lambda match: _MIRROR[match[0]], site)


def _looser(site: str) -> str:
    landmark = parse_landmark(site)
    if landmark is None or landmark.sigma >= CLUSTER_SIGMA:
        return site
    return f"{site.split(' within ')[0]} within {100 * CLUSTER_SIGMA:g} cm"


@cache
def known_markers() -> MarkerTable:
    """The table that comes with LSMPL."""
    return load_markers(TABLE_FILE)


def load_markers(path: str | Path) -> MarkerTable:
    """Read a table; `LayoutError` names the entry that is wrong."""
    path = Path(path)
    data = read_json(path, "table of markers", LayoutError)
    keys = {"about", "sided", "single"}
    if not isinstance(data, dict) or not set(data) <= keys or not set(data) & {"sided", "single"}:
        raise LayoutError(
            f'{path}: a table of markers is an object with the lists "sided" and "single"'
        )
    return MarkerTable(
        *(_entries(data.get(key, []), key, str(path)) for key in ("sided", "single"))
    )


def _entries(entries, key: str, where: str) -> dict[str, str]:
    if not isinstance(entries, list):
        raise LayoutError(f'{where}: "{key}" is no list')
    found: dict[str, str] = {}
    for number, entry in enumerate(entries, 1):
        here = f"{where}: {key} entry {number}"
        names = entry.get("names") if isinstance(entry, dict) else None
        if (
            not isinstance(names, list)
            or not names
            or not all(isinstance(n, str) and fold(n) for n in names)
        ):
            raise LayoutError(f'{here}: needs "names", a list of names, and "place"')
        place = entry.get("place")
        site = _left(place) if key == "sided" and isinstance(place, str) else place
        try:
            check_site(str(site))
        except LayoutError as error:
            raise LayoutError(f"{here}: place {place!r}: {error}") from None
        found.update((fold(name), site) for name in names)
    return found


def _left(place: str) -> str:
    """A sided entry's place, on the left side."""
    place = re.sub(
        rf"(?<![a-z_])({'|'.join(map(re.escape, reversed(_PARTS)))})(?![a-z_])", r"left_\1", place
    )
    return place.replace("lateral", "left").replace("medial", "right")


@dataclass(frozen=True)
class Recognised:
    """A file's markers as a layout, the columns (K,) they stand in, and what was decided about the
    rest."""

    layout: Layout
    columns: tuple[int, ...]
    placed: int
    decisions: tuple[Decision, ...]


def recognise(names: Sequence[str], source: str, table: MarkerTable | None = None) -> Recognised:
    """The markers among a file's names: those in the table with their sites, the others `UNPLACED`.

    Model outputs and unlabelled points are set aside. Raises `LayoutError` where too few markers
    are known to tell a body from.
    """
    table = table or known_markers()
    aside = _aside(names, table)
    of_fingers = finger_markers(names)
    aside -= set(of_fingers)
    bending = bend_with_fingers(of_fingers)
    sites = {
        i: _knuckle(of_fingers.get(i)) or table.site_of(name) or UNPLACED
        for i, name in enumerate(names)
        if i not in aside and i not in bending
    }
    placed = [i for i, site in sites.items() if site != UNPLACED]
    unknown = [split_subject(names[i])[1] for i, site in sites.items() if site == UNPLACED]
    if len(placed) < FEWEST or len({_region(sites[i]) for i in placed}) < FEWEST_REGIONS:
        raise LayoutError(
            f"{source}: its {len(names)} points are neither a known keypoint layout nor a known "
            "marker set. Known as "
            f"markers: {_listed([split_subject(names[i])[1] for i in placed])}; not known: "
            f"{_listed(unknown)}; model "
            f"outputs and unlabelled points: {len(aside)}. At least {FEWEST} known markers on "
            f"{FEWEST_REGIONS} parts "
            f"of the body are needed; the others are then found from how they move. {ADVICE}"
        )
    crowd = len(sites) - len(placed) > MOST_UNKNOWN
    if crowd:
        sites = {i: sites[i] for i in placed}
    columns = tuple(sorted(sites))
    layout = Layout(
        LAYOUT_NAME,
        _distinct(names, columns),
        sites=tuple(sites[i] for i in columns),
        label="Marker set",
    )
    decisions = []
    if crowd:
        reason = f"more than {MOST_UNKNOWN} have names that no marker is known by"
        decisions.append(Decision("set aside", f"{len(unknown)} points", "assumed", reason))
    elif unknown:
        reason = (
            f"no known marker is called {_listed(unknown)}; where they sit is found from how they "
            "move"
        )
        decisions.append(
            Decision("markers", f"{len(unknown)} without a known place", "detected", reason)
        )
    if aside:
        reason = (
            "model outputs or unlabelled points: "
            f"{_listed([split_subject(names[i])[1] for i in sorted(aside)])}"
        )
        decisions.append(Decision("set aside", f"{len(aside)} points", "detected", reason))
    return Recognised(layout, columns, len(placed), tuple(decisions))


def _knuckle(at: tuple[int, int] | None) -> str | None:
    return None if at is None else knuckle_place(*at)


ADVICE = (
    "Say where they sit in a JSON table (--markers markers.json): "
    '{"single": [{"place": "left_knee left", "names": ["M12"]}, {"place": "neck back", "names": '
    '["M3"]}, ...]}; '
    "keypoints of a detector go by a JSON mapping (--layout mapping.json)"
)


def _aside(names: Sequence[str], table: MarkerTable) -> set[int]:
    """Columns of model outputs (angles, forces, joint centres, segment axes) and of points that
    nobody labelled."""
    bare = [split_subject(name)[1] for name in names]
    ends: dict[str, set[str]] = {}
    for name in bare:
        if name.endswith(tuple("OALP")):
            ends.setdefault(name[:-1], set()).add(name[-1])
    axes = {stem + end for stem, found in ends.items() if len(found) == 4 for end in found}
    return {
        i
        for i, name in enumerate(bare)
        if fold(name) not in table.single
        and (
            name in axes
            or _UNNAMED.fullmatch(name)
            or _DERIVED.fullmatch(fold(name))
            or _says_nothing(name)
        )
    }


def are_unlabelled(names: Sequence[str]) -> bool:
    """Whether all names are those that capture software gives to what nobody labelled."""
    return bool(names) and all(_UNNAMED.fullmatch(split_subject(name)[1]) for name in names)


def _says_nothing(name: str) -> bool:
    return is_generic(name) and not _LETTERED.fullmatch(name)


@lru_cache(maxsize=4096)
def _region(site: str) -> str:
    landmark = parse_landmark(site)
    return landmark.a if landmark else site


def _distinct(names: Sequence[str], columns: Sequence[int]) -> tuple[str, ...]:
    """Names without their subject, numbered where a file has one twice."""
    found: dict[str, int] = {}
    out = []
    for i in columns:
        name = split_subject(names[i])[1]
        found[name] = found.get(name, 0) + 1
        out.append(name if found[name] == 1 else f"{name} ({found[name]})")
    return tuple(out)


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f", ... {len(names) - most} more" if len(names) > most else ""
    return (", ".join(name[:40] for name in names[:most]) or "none") + more


def stand_ins(layout: Layout) -> Layout:
    """The layout with, for its sites, the joints that its markers are near: enough to tell a take's
    unit and up."""
    return Layout(layout.name, layout.keypoints, sites=tuple(_near(site) for site in layout.sites))


def _near(site: str) -> str:
    landmark = parse_landmark(site)
    if landmark is None or landmark.share > 0.45 or landmark.sigma > 0.03:
        return site if landmark is None else ""
    return landmark.a

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
from dataclasses import dataclass, field
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
from .marker_refusals import on_one_limb, only_numbered, refusal

TABLE_FILE = DATA / "markers.json"
LAYOUT_NAME = "markers"
CLUSTER_SIGMA = 0.09
"""Metres by which one of several markers on a segment (`THI2`, `UA3`) may be off from where the
first one sits."""
FEWEST, FEWEST_REGIONS = 6, 3
"""Recognised markers, and parts of the body they must be on, below which no body can be told from
them."""

NEEDED = (
    f"At least {FEWEST} known markers on {FEWEST_REGIONS} parts of the body are needed; the others "
    "are then found from how they move."
)
MOST_MARKERS = 1_000
"""On one person; suits of the densest captures have 400."""
MOST_UNKNOWN = 250
"""Points without a known name beyond which they are no markers that anybody wears."""

_UNNAMED = re.compile(
    r"\*\d*|(unlabell?ed|unnamed|ghost|new ?marker|extra|unknown).*|u[_\s]?\d+", re.I
)
_LETTERED = re.compile(r"[a-z]{1,2}\d{1,2}", re.I)
"""What somebody called the points of a cluster: P1 to P3, LM1. Where they sit is found from how
they move."""
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
_LEG = re.compile(r"hip\.\.(left|right)_knee|knee|ankle")
"""Sites of thighs, knees, shanks and hindfeet."""
_MIRROR = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class MarkerTable:
    """Places by name: `sided` for the left side, `single` as they are, `without_legs` for the left
    side where no leg has markers; names are folded (`fold`)."""

    sided: dict[str, str]
    single: dict[str, str]
    without_legs: dict[str, str] = field(default_factory=dict)

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

    def sites_of(self, names: Sequence[str]) -> list[str | None]:
        """The sites of a file's names. What legs have and hands, too, is of hands where no other
        marker is on a leg."""
        sites = [self.site_of(name) for name in names]
        if any(site and _LEG.search(site) for site in sites):
            return sites
        of_hands = MarkerTable(self.without_legs, {})
        return [of_hands.site_of(name) or site for name, site in zip(names, sites)]

    def extended(self, other: MarkerTable) -> MarkerTable:
        return MarkerTable(
            {**self.sided, **other.sided},
            {**self.single, **other.single},
            {**self.without_legs, **other.without_legs},
        )


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
    keys = ("sided", "single", "without legs")
    if not isinstance(data, dict) or not set(data) <= {"about", *keys} or not set(data) & set(keys):
        raise LayoutError(
            f'{path}: a table of markers is an object with the lists "sided" and "single"'
        )
    return MarkerTable(*(_entries(data.get(key, []), key, str(path)) for key in keys))


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
        site = _left(place) if key != "single" and isinstance(place, str) else place
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

    # Which columns are markers, and where each sits; what bends with a finger is none of the body.
    aside = _aside(names, table)
    of_fingers = finger_markers(names)
    aside -= set(of_fingers)
    bending = bend_with_fingers(of_fingers)
    sites = {
        i: _knuckle(of_fingers.get(i)) or site or UNPLACED
        for i, site in enumerate(table.sites_of(names))
        if i not in aside and i not in bending
    }

    # Whether that is enough to tell a body from.
    placed = [i for i, site in sites.items() if site != UNPLACED]
    unknown = [split_subject(names[i])[1] for i, site in sites.items() if site == UNPLACED]
    known = {split_subject(names[i])[1]: sites[i] for i in placed}
    regions = len({_region(site) for site in known.values()})
    if len(placed) < FEWEST or regions < FEWEST_REGIONS or on_one_limb(known.values()):
        raise LayoutError(f"{source}: {refusal(names, known, len(aside), NEEDED)}")

    if len(placed) > MOST_MARKERS:
        raise LayoutError(
            f"{source}: {len(placed):,} columns have names of markers; at most {MOST_MARKERS:,} on "
            "one person are solved. Are several people in it?"
        )

    # Many unknown names are no markers of a body; few are, at places that are yet to be found.
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

    # What the user is told of it.
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
    """Whether all names are those that capture software gives to what nobody labelled, or differ
    by their numbers alone (Channel101)."""
    unnamed = bool(names) and all(_UNNAMED.fullmatch(split_subject(name)[1]) for name in names)
    return unnamed or (only_numbered(names) and not all(map(is_generic, names)))


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

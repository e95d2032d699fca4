"""JSON mappings: a user's own keypoints, told to LSMPL.

For a file without names, `keypoints` lists its columns in file order: a site, or a name of its own
with its site, or null for a column that is set aside:

    {"name": "twelve_joints",
     "keypoints": ["left_shoulder", {"name": "LThigh", "site": "left_knee"}, null],
     "edges": [["left_shoulder", "LThigh"]],
     "unit": "cm", "up": "y", "fps": 30}

For a file with names, `keypoints` gives each name's site:

    {"keypoints": {"R.Knee": "right_knee", "R.Ankle": "right_ankle"}}

`name`, `edges`, `unit`, `up` and `fps` may be left out. A site is a place on the body: an SMPL
joint (`left_hip`), a surface point (`nose`, `left_heel`) or a middle (`mid_hip`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..body.sites import check_site
from ..bounds import LONGEST_NAME
from ..errors import LayoutError
from ..files.json_files import read_json
from ..keypoints.layouts import Layout
from ..shown import shortened

MOST_KEYPOINTS = 256
"""What a solve takes grows with the square of their number."""
_EXAMPLE = '{"keypoints": {"R.Knee": "right_knee", "R.Ankle": "right_ankle"}}'
_KEYS = ("name", "keypoints", "edges", "unit", "up", "fps")


@dataclass(frozen=True)
class Mapping:
    """A user's keypoints: their layout, where each stands in the file, and what else the mapping
    states.

    Either `columns` (K,) are set, for a file of `count` keypoints in a fixed order, or `names`
    (K,), for a file with names; the other is None.
    """

    layout: Layout
    columns: tuple[int, ...] | None = None
    count: int | None = None
    names: tuple[str, ...] | None = None
    unit: str | float | None = None
    up: str | None = None
    fps: float | None = None


def load_mapping(path: str | Path) -> Mapping:
    """Read a JSON mapping; `LayoutError` names the entry that is wrong and the closest valid
    sites."""
    path = Path(path)
    data = read_json(path, "mapping", LayoutError)
    return parse_mapping(data, str(path))


def parse_mapping(data: Any, where: str) -> Mapping:
    """The same from parsed JSON; `where` opens the messages."""
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("keypoints"), (list, dict))
        or not data["keypoints"]
    ):
        raise LayoutError(
            f'{where}: a mapping is an object with "keypoints", a list or an object; for example '
            f"{_EXAMPLE}"
        )
    if unknown := sorted(set(data) - set(_KEYS)):
        raise LayoutError(
            f"{where}: unknown key {unknown[0]!r}; a mapping may have: {', '.join(_KEYS)}"
        )

    # Of a list the columns count, of an object the names.
    entries = data["keypoints"]
    wanted = sum(
        entry is not None for entry in (entries.values() if isinstance(entries, dict) else entries)
    )
    if wanted > MOST_KEYPOINTS:
        raise LayoutError(
            f"{where}: {wanted} keypoints; a mapping has at most {MOST_KEYPOINTS}, null the others"
        )
    if isinstance(entries, dict):
        columns, names = None, tuple(entries)
        sites = [_site(site, f"{where}: keypoint {name!r}") for name, site in entries.items()]
        keypoints = [site if sites.index(site) == i else names[i] for i, site in enumerate(sites)]
    else:
        columns, names = tuple(i for i, entry in enumerate(entries) if entry is not None), None
        keypoints, sites = [], []
        for i in columns:
            keypoint, site = _entry(entries[i], f"{where}: keypoint {i + 1}")
            keypoints.append(keypoint)
            sites.append(site)
        if not columns:
            raise LayoutError(f"{where}: every entry of keypoints is null")

    longest = max([*keypoints, *(names or ())], key=len)
    if len(longest) > LONGEST_NAME:
        raise LayoutError(
            f"{where}: the name of a keypoint has {len(longest)} letters ({shortened(longest)}); "
            f"at most {LONGEST_NAME} are read"
        )

    # The layout, whose own complaints name the file, too.
    edges = _edges(data.get("edges"), keypoints, names or (), where)
    title = str(data.get("name") or Path(where).stem)[:LONGEST_NAME]
    try:
        layout = Layout(title, tuple(keypoints), edges=edges, sites=tuple(sites))
    except LayoutError as error:
        raise LayoutError(f"{where}: {error}") from None

    # What the file may say of the space.
    unit, up, fps = data.get("unit"), data.get("up"), data.get("fps")
    if isinstance(unit, bool) or not isinstance(unit, (str, int, float, type(None))):
        raise LayoutError(f"{where}: unit is {unit!r}; expected a unit's name or metres per unit")
    if not isinstance(up, (str, type(None))):
        raise LayoutError(f'{where}: up is {up!r}; expected an axis such as "y"')
    if isinstance(fps, bool) or not isinstance(fps, (int, float, type(None))):
        raise LayoutError(f"{where}: fps is {fps!r}; expected a number")
    return Mapping(
        layout, columns, len(entries) if columns is not None else None, names, unit, up, fps
    )


def _entry(entry: Any, where: str) -> tuple[str, str]:
    """A keypoint's name and site."""
    if isinstance(entry, dict) and isinstance(entry.get("name"), str):
        return entry["name"], _site(entry.get("site", entry["name"]), where)
    site = _site(entry, where)
    return site, site


def _site(site: Any, where: str) -> str:
    try:
        check_site(str(site))
    except LayoutError as error:
        raise LayoutError(f"{where}: {error}") from None
    return str(site)


def _edges(
    edges: Any, keypoints: list[str], names: tuple[str, ...], where: str
) -> tuple[tuple[str, str], ...]:
    if edges is None:
        return ()
    own_name = {**dict(zip(names, keypoints)), **{keypoint: keypoint for keypoint in keypoints}}
    for edge in edges if isinstance(edges, list) else [edges]:
        if not (
            isinstance(edge, list)
            and len(edge) == 2
            and all(isinstance(e, str) and e in own_name for e in edge)
        ):
            raise LayoutError(
                f"{where}: edge {edge!r} is no pair of keypoints; they are: {', '.join(own_name)}"
            )
    return tuple((own_name[a], own_name[b]) for a, b in edges)

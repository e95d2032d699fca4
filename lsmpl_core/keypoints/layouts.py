"""Keypoint layouts: which keypoints a track has, in what order, how they connect, and where each
sits on the body.

A keypoint's **site** is named by a string that every body resolves (`sites.py`): an SMPL joint
(`left_hip`), a surface point (`nose`), or a blend of those (`mid_hip`). Names are the person's own
left and right. The layouts and the orders in which files have them stand in `data/layouts.json`,
each with its public source.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from ..data import DATA
from ..errors import LayoutError
from ..suggestions import plain, suggestion


@dataclass(frozen=True)
class Layout:
    """Named keypoints in file order.

    `keypoints` are the K canonical names; `sites` the K site names on the body (the keypoint names
    where not given); `edges` pairs of keypoint names that a skeleton drawing connects.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...] = ()
    sites: tuple[str, ...] = ()
    label: str = ""
    mirror: tuple[int, ...] = field(init=False)
    """Index of each keypoint's left/right partner, or its own where it has none."""

    def __post_init__(self):
        if len(set(self.keypoints)) != len(self.keypoints):
            twice = sorted({k for k in self.keypoints if self.keypoints.count(k) > 1})
            raise LayoutError(
                f"layout {self.name!r} names these keypoints twice: {', '.join(twice)}"
            )
        if not self.sites:
            object.__setattr__(self, "sites", self.keypoints)
        if len(self.sites) != len(self.keypoints):
            raise LayoutError(
                f"layout {self.name!r} has {len(self.keypoints)} keypoints but {len(self.sites)} "
                "sites"
            )
        for a, b in self.edges:
            self.index(a), self.index(b)
        object.__setattr__(self, "label", self.label or self.name)
        position = {name: i for i, name in enumerate(self.keypoints)}
        partners = (position.get(other_side(name), i) for i, name in enumerate(self.keypoints))
        object.__setattr__(self, "mirror", tuple(partners))

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """Row of a keypoint; `LayoutError` names the valid ones."""
        try:
            return self.keypoints.index(keypoint)
        except ValueError:
            raise LayoutError(
                f"layout {self.name!r} has no keypoint {keypoint!r}; "
                f"{suggestion(str(keypoint), self.keypoints)}"
            ) from None

    def edge_indices(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.index(a), self.index(b)) for a, b in self.edges)


@dataclass(frozen=True)
class Order:
    """The order in which some tool writes keypoints without names.

    names (N,): the keypoint of `layout` in each of the N columns, None where a column is set aside.
    """

    name: str
    label: str
    layout: Layout
    names: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def columns(self) -> tuple[int | None, ...]:
        """For each keypoint of the layout its column, None where the order has none."""
        column = {name: i for i, name in enumerate(self.names) if name is not None}
        return tuple(column.get(keypoint) for keypoint in self.layout.keypoints)

    @cached_property
    def seen(self) -> Order:
        """The order as one of a layout that has no other keypoints: its edges are between those
        that the order has."""
        names = tuple(name for name in self.layout.keypoints if name in self.names)
        if names == self.layout.keypoints:
            return self
        sites = tuple(self.layout.sites[self.layout.index(name)] for name in names)
        return replace(self, layout=Layout(self.name, names, tree_edges(names), sites))


def other_side(name: str) -> str:
    """`left_knee` for `right_knee`; a name without a side stays as it is."""
    for side, other in (("left", "right"), ("right", "left")):
        if side in name.split("_"):
            return "_".join(other if part == side else part for part in name.split("_"))
    return name


def tree_edges(
    keypoints: Sequence[str], parents: Mapping[str, Sequence[str]] | None = None
) -> tuple:
    """Pairs of keypoint names that make a skeleton of them: each with the first of its `parents`
    that is there.

    parents: {"*_elbow": ["*_shoulder"]}, * being either side; those of `data/layouts.json` where
    None.
    """
    edges = []
    for name in keypoints:
        side = name.split("_")[0] if name.startswith(("left_", "right_")) else ""
        pattern = f"*_{name.removeprefix(side + '_')}" if side else name
        above = [
            parent.replace("*", side) for parent in (parents or _TABLE["parents"]).get(pattern, ())
        ]
        if parent := next((parent for parent in above if parent in keypoints), None):
            edges.append((parent, name))
    return tuple(edges)


def _load() -> dict:
    return json.loads((DATA / "layouts.json").read_text(encoding="utf-8"))


def _layout(entry: dict) -> Layout:
    keypoints = tuple(name for name in entry["keypoints"] if name is not None)
    sites = tuple(entry.get("sites", {}).get(name, name) for name in keypoints)
    edges = tuple((a, b) for a, b in entry["edges"]) if "edges" in entry else tree_edges(keypoints)
    return Layout(entry["name"], keypoints, edges, sites, entry["label"])


_TABLE = _load()
LAYOUTS: dict[str, Layout] = {
    entry["name"]: _layout(entry) for entry in _TABLE["layouts"] if "of" not in entry
}
"""The layouts known by name."""
_LISTED = {entry["name"]: entry["keypoints"] for entry in _TABLE["layouts"] if "of" not in entry}
ORDERS: tuple[Order, ...] = tuple(
    Order(
        entry["name"],
        entry["label"],
        LAYOUTS[entry.get("of", entry["name"])],
        (*(entry.get("keypoints") or _LISTED[entry["of"]]), *[None] * entry.get("aside", 0)),
    )
    for entry in _TABLE["layouts"]
)
"""The orders that keypoints without names may be in: those of the layouts, and of whole-body sets
that hold one."""
BODY_25 = LAYOUTS["body_25"]


def get_layout(layout: str | Layout) -> Layout:
    """A layout by name (case, `_`, `-` and spaces do not matter); a `Layout` is itself."""
    if isinstance(layout, Layout):
        return layout
    return _called(layout, LAYOUTS)


def get_order(order: str) -> Order:
    """An order by name, as in `get_layout`: that of a layout, or of some tool."""
    return _called(order, {order.name: order for order in ORDERS})


Named = TypeVar("Named", Layout, Order)


def _called(name: str, known: Mapping[str, Named]) -> Named:
    spelled = {plain(key): found for key, found in known.items()}
    if (found := spelled.get(plain(str(name)))) is None:
        labels = {key: layout.label for key, layout in known.items()}
        raise LayoutError(
            f"no layout is called {name!r} (the path of a mapping, which names the keypoints in "
            f"file order, ends in .json); {suggestion(str(name), known, labels)}"
        )
    return found

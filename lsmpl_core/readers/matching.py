"""Which layout a file's keypoints are: matched by their names, or by their count and whether they
make a body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import LayoutError
from ..keypoints.layouts import LAYOUTS, Layout, Order
from ..keypoints.plausibility import implausibility, some_frames
from ..keypoints.track import Basis, Decision
from .bare_rotations import ADVICE, are_axis_angles
from .bones import (
    LAYOUT_NAME,
    NEEDED,
    NotPlacesError,
    are_axes,
    are_centres_of_mass,
    as_bones,
    joined_rigidly,
    mostly_bones,
    only_a_marker,
)
from .keypoint_names import is_generic, match_names, split_subject, without_affixes
from .mapping import Mapping
from .markers import MarkerTable, are_unlabelled, known_markers, recognise
from .orders import KNOWN_COUNTS, LIST_ADVICE, order_by_geometry, orders_of
from .raw import RawTrack
from .space import WITHIN_PARENTS, are_within_parents, in_order

_BODY_JOINTS = [
    f"{side}_{j}"
    for side in ("left", "right")
    for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
_NEEDED_JOINTS = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_LEAST_BODY_JOINTS = 6
CLEARLY = 0.01
"""By how much less implausible a layout must be than a smaller one with the same names."""


@dataclass(frozen=True)
class Match:
    """A layout, the file's column for each of its keypoints (None where the file has none), how it
    was found, and how much each keypoint counts, 0 to 1, where they do not count alike."""

    layout: Layout
    columns: tuple[int | None, ...]
    decision: Decision
    further: tuple[Decision, ...] = ()
    weights: tuple[float, ...] | None = None

    @classmethod
    def of(cls, layout: Layout, columns: Sequence[int | None], basis: Basis, reason: str) -> Match:
        return cls(layout, tuple(columns), Decision("layout", layout.name, basis, reason))


ONLY_MARKERS = 3
"""Names that only markers have (ASIS, sternum, sacrum) from which on all are those of markers."""
MOSTLY = 0.6
"""Share of the names that are known markers from which on points are markers, however rigid."""
NAMES_ADVICE = (
    "Give a JSON mapping as the layout (--layout mapping.json) that names the site of each "
    "keypoint on the body: "
    '{"keypoints": {"R.Knee": "right_knee", "R.Ankle": "right_ankle", ...}}'
)


def match_by_name(
    names: Sequence[str],
    source: str,
    layouts: Iterable[Layout] | None = None,
    positions: np.ndarray | None = None,
) -> Match:
    """The layout that has most of a file's names: of several, the smallest or, if one fits the
    positions (T,N,3) of the names clearly better, that one. `LayoutError` where too few are body
    keypoints to pose a body."""
    matches = [(layout, match_names(names, layout)) for layout in layouts or LAYOUTS.values()]
    most = max(_count(columns) for _, columns in matches)
    matches = sorted(
        (match for match in matches if _count(match[1]) == most), key=lambda match: len(match[0])
    )
    best, columns = matches[0]
    if positions is not None and len(matches) > 1:
        looked_at = some_frames(positions)
        errors = [
            implausibility(in_order(looked_at, columns), layout) for layout, columns in matches
        ]
        if errors[0] - min(errors) > CLEARLY:
            best, columns = matches[int(np.argmin(errors))]
    found = {site for site, column in zip(best.sites, columns) if column is not None}
    if len(found.intersection(_BODY_JOINTS)) < _LEAST_BODY_JOINTS or not found.issuperset(
        _NEEDED_JOINTS
    ):
        raise _unknown_names(names, len(found.intersection(_BODY_JOINTS)), source)
    return Match.of(best, columns, "file", _names_reason(names, best, columns))


def _unknown_names(names: Sequence[str], recognised: int, source: str) -> LayoutError:
    """What is said of names that match no layout, as those of marker sets do not."""
    return LayoutError(
        f"{source}: its {len(names)} keypoints match no known layout: {_abbreviated(names)}. Of "
        f"the shoulders, elbows, wrists, hips, knees and ankles {recognised} were recognised (at "
        f"least {_LEAST_BODY_JOINTS} are needed, with both shoulders and both hips). {NAMES_ADVICE}"
    )


def _names_reason(names: Sequence[str], layout: Layout, columns: Sequence[int | None]) -> str:
    aside = [split_subject(names[i])[1] for i in range(len(names)) if i not in set(columns)]
    absent = [keypoint for keypoint, column in zip(layout.keypoints, columns) if column is None]
    reason = f"{_count(columns)} of its {len(layout)} keypoints found by name"
    if absent:
        reason += f"; not in the file: {_abbreviated(absent, 8)}"
    if aside:
        reason += f"; set aside: {len(aside)} ({_abbreviated(aside, 6)})"
    return reason


def match_by_count(positions: np.ndarray, source: str) -> Match:
    """The layout of unnamed keypoints (T,K,3): of the orders with that count, the one in which they
    make a body."""
    if are_axis_angles(positions):
        raise LayoutError(
            f"{source}: its {positions.shape[1]} triples of numbers make no body. {ADVICE}"
        )
    order, reason = order_by_geometry(positions, source)
    return Match.of(order.layout, order.columns, "detected", reason)


def by_number(names: Sequence[str]) -> list[int | None] | None:
    """The columns of keypoints that are called by their numbers in some order (X_24, X_26, ...),
    None for those that a file leaves out; None where they stand in turn, or have no numbers."""
    found = [re.search(r"\d{1,4}$", split_subject(name)[1]) for name in names]
    numbers = [int(one[0]) for one in found if one]
    if len(numbers) < len(names) or len(set(numbers)) < len(numbers) or not numbers:
        return None
    first = min(numbers)
    if numbers == list(range(first, first + len(numbers))):
        return None
    if max(numbers) + 1 in KNOWN_COUNTS:
        column = {number: i for i, number in enumerate(numbers)}
        return [column.get(number) for number in range(max(numbers) + 1)]
    return [i for _, i in sorted((number, i) for i, number in enumerate(numbers))]


def _count(columns: Iterable[int | None]) -> int:
    return sum(column is not None for column in columns)


def _abbreviated(names: Sequence[str], most: int = 20) -> str:
    more = f", ... {len(names) - most} more" if len(names) > most else ""
    return ", ".join(str(name)[:40] for name in names[:most]) + more


def match_layout(
    raw: RawTrack, mapping: Mapping | None, layout: Layout | Order | None, source: str
) -> Match:
    count = raw.positions.shape[1]
    names = raw.names or ()
    named = raw.names is not None and not all(map(is_generic, names))
    if mapping is not None:
        return _match_mapping(raw, mapping, source)
    if named:
        names = without_affixes(names)
        raw = replace(raw, names=names)
    if layout is None and are_unlabelled(names):
        raise LayoutError(
            f"{source}: its {count} points are markers that nobody labelled "
            f"({_abbreviated(names, 3)}): label them in the capture software, or say with "
            "--layout mapping.json which point is where"
        )
    if layout is None and not named:
        columns = by_number(names) or list(range(count))
        match = match_by_count(in_order(raw.positions, columns), source)
        placed = (None if column is None else columns[column] for column in match.columns)
        return replace(match, columns=tuple(placed))
    if layout is None:
        if bones := match_bones(raw, source):
            return bones
        try:
            match = match_by_name(names, source, positions=raw.positions)
        except LayoutError:
            return match_bones(raw, source, raw.skeleton, mixed=True) or match_markers(raw, source)
        if not set(NEEDED).issubset(_sites(match)):
            # LeftShoulder beside LeftArm and LeftForeArm is a collar, not a shoulder.
            match = match_bones(raw, source, mixed=True) or match
        if raw.skeleton:
            joints = match_bones(raw, source, joints=True) if None in match.columns else None
            return joints or match
        if match.layout.name == LAYOUT_NAME:
            return match
        if _is_marker_set(names, match):
            return match_markers(raw, source)
        return _with_markers_made_of_them(names, match, source) or match
    if isinstance(layout, Order):
        if count == len(layout) and not named:
            reason = f"{count} keypoints in the order of {layout.label}"
            return Match.of(layout.layout, layout.columns, "given", reason)
        layout = layout.layout
    if named:
        try:
            return _given(match_by_name(names, source, [layout]))
        except LayoutError:
            if count != len(layout):
                raise
    if count == len(layout):
        return Match.of(layout, range(count), "given", f"{count} keypoints in the layout's order")
    others = [order for order in orders_of(count) if order.layout.name != order.name]
    others.sort(key=lambda order: order.layout.name != layout.name)
    if wide := next(iter(others), None):
        return _given(match_by_name([name or "" for name in wide.names], source, [layout]))
    raise LayoutError(
        f"{source}: layout {layout.name} has {len(layout)} keypoints, the file has {count}"
    )


def match_bones(
    raw: RawTrack, source: str, joints: bool = False, mixed: bool = False
) -> Match | None:
    """A skeleton's joints, by the names of its bones, or by those of joints as well, or of some
    (mixed); None where the names are not those of bones. `LayoutError` where their places are not
    those of joints."""
    names = raw.names or ()
    try:
        found = as_bones(names, raw.positions, joints, mixed)
    except NotPlacesError as error:
        raise NotPlacesError(f"{source}: {error}") from None
    if found is None:
        return None
    if are_centres_of_mass(names):
        raise LayoutError(
            f"{source}: its places are those of bodies' centres of mass (OpenSim's "
            "BodyKinematics), not of joints, which are up to 20 cm away. Export the markers, or "
            "the origins of the bodies (PointKinematics)"
        )
    layout, columns = found
    aside = [split_subject(name)[1] for i, name in enumerate(names) if i not in set(columns)]
    reason = f"{len(columns)} of its {len(names)} points are where bones begin, by their names"
    reason += f"; set aside: {len(aside)} ({_abbreviated(aside, 6)})" if aside else ""
    return Match.of(layout, columns, "file", reason)


def _sites(match: Match) -> set[str]:
    """Where the keypoints sit that the file has."""
    return {site for site, column in zip(match.layout.sites, match.columns) if column is not None}


def _is_marker_set(names: Sequence[str], match: Match) -> bool:
    """Whether names that only markers have are among those that a layout leaves aside, and as many
    markers are known as keypoints: laboratories call markers R.Knee and R.Shoulder, too."""
    taken = set(match.columns) - {None}
    aside = [name for i, name in enumerate(names) if i not in taken]
    site_of = known_markers().site_of
    return sum(map(only_a_marker, aside)) >= ONLY_MARKERS and sum(
        site_of(name) is not None for name in names
    ) >= len(taken)


def _with_markers_made_of_them(names: Sequence[str], match: Match, source: str) -> Match | None:
    """Keypoints and the markers that stand beside them under names that share a word, as OpenCap's
    `*_study`: what a program made of the keypoints; None where there are none.

    Places on the skin tell how segments turn and tilt, which keypoints do not; but they know no
    more than the keypoints that they were made of, and all together count as much as these.
    """
    taken = [(k, column) for k, column in enumerate(match.columns) if column is not None]
    aside = sorted(set(range(len(names))) - {column for _, column in taken})
    bare = without_affixes([names[i] for i in aside])
    if bare == [names[i] for i in aside] or sum(map(only_a_marker, bare)) < ONLY_MARKERS:
        return None
    try:
        found = recognise(bare, source)
    except LayoutError:
        return None
    markers = [aside[column] for column in found.columns]
    layout = Layout(
        found.layout.name,
        (*(match.layout.keypoints[k] for k, _ in taken), *(names[i] for i in markers)),
        tuple(
            edge
            for edge in match.layout.edges
            if all(match.columns[match.layout.index(end)] is not None for end in edge)
        ),
        (*(match.layout.sites[k] for k, _ in taken), *found.layout.sites),
        found.layout.label,
    )
    reason = (
        f"{len(taken)} keypoints of {match.layout.label} and {len(markers)} markers beside them, "
        "which count as much all together"
    )
    together = Match.of(layout, [*(column for _, column in taken), *markers], "file", reason)
    share = min(1.0, len(taken) / len(markers))
    weights = (*(1.0 for _ in taken), *(share for _ in markers))
    return replace(together, further=found.decisions, weights=weights)


def match_markers(raw: RawTrack, source: str, table: MarkerTable | None = None) -> Match:
    """A marker set, by the names that `table` knows."""
    if raw.names is None:
        raise LayoutError(
            f"{source}: a table of markers goes by names, but the file has none for its points"
        )
    if mostly_bones(raw.names) and are_within_parents(raw.positions):
        raise LayoutError(f"{source}: {WITHIN_PARENTS}")
    found = recognise(raw.names, source, table)
    few = found.placed < MOSTLY * len(raw.names) and not are_axes(raw.names)
    few = few or mostly_bones(raw.names)
    if table is None and (raw.skeleton or (few and joined_rigidly(raw.positions))):
        raise LayoutError(
            f"{source}: its points keep their distances, as a skeleton's joints do, but the names "
            f"of its bones are not known: {_abbreviated(raw.names)}. {NAMES_ADVICE}"
        )
    reason = f"{found.placed} of its {len(raw.names)} points are known markers"
    match = Match.of(found.layout, found.columns, "file" if table is None else "given", reason)
    return replace(match, further=found.decisions)


def _given(match: Match) -> Match:
    return replace(match, decision=replace(match.decision, basis="given"))


def _match_mapping(raw: RawTrack, mapping: Mapping, source: str) -> Match:
    count = raw.positions.shape[1]
    if mapping.names is None:
        if count != mapping.count:
            raise LayoutError(
                f"{source}: mapping {mapping.layout.name} lists {mapping.count} keypoints, the "
                f"file has {count}"
            )
        listed = mapping.columns or ()
        return Match.of(mapping.layout, listed, "given", f"{len(listed)} of {count} keypoints")
    if raw.names is None:
        raise LayoutError(
            f"{source}: mapping {mapping.layout.name} goes by names, but the file has none for its "
            f"{count} keypoints. " + LIST_ADVICE
        )
    index = {split_subject(name)[1].lower(): i for i, name in reversed(list(enumerate(raw.names)))}
    index |= {name.lower(): i for i, name in reversed(list(enumerate(raw.names)))}
    columns = [index.get(name.lower()) for name in mapping.names]
    absent = [name for name, column in zip(mapping.names, columns) if column is None]
    if len(absent) == len(columns):
        raise LayoutError(
            f"{source}: none of the names in mapping {mapping.layout.name} is in the file, which "
            f"has: {', '.join(raw.names[:20])}"
        )
    reason = f"{len(columns) - len(absent)} of {count} keypoints" + (
        f"; not in the file: {', '.join(absent[:8])}" if absent else ""
    )
    return Match.of(mapping.layout, columns, "given", reason)

"""Several people in one file: told apart by their keypoints' names or by where they are, and one of
them chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .keypoint_names import subjects
from .raw import FARTHEST_NUMBER, RawTrack

_REMEMBERED = 50
_FARTHEST_STEP = (
    1.0  # a person is another one who is farther away than so many times their own extent
)


def choose(seen: Mapping[str, int], person: str | None, what: str, where: str) -> Decision:
    """The person asked for, or the one most seen.

    seen: how many `what` (frames, points) of each there are, by name, in file order.

    Raises `KeypointFileError`, which lists the people, where the person asked for is not there.
    """
    by_count = sorted(seen, key=lambda name: -seen[name])
    listed = ", ".join(
        f"{name or '(no name)'} ({seen[name]} {what})"[:80] for name in by_count[:12]
    )
    listed += f" and {len(seen) - 12} more" if len(seen) > 12 else ""
    if person is not None:
        alike = (lambda name: name, lambda name: name.strip(), lambda name: name.strip().lower())
        name = next(
            (name for same in alike for name in seen if same(name) == same(str(person))), None
        )
        if name is None:
            raise KeypointFileError(
                f"{where}: has no person {str(person)[:80]!r}; there are: {listed}"
            )
        others = [other for other in by_count if other != name]
        return Decision(
            "person", name, "given", f"not chosen: {', '.join(others)[:200]}" if others else ""
        )
    if len(seen) == 1:
        return Decision("person", by_count[0], "file", "there is no other")
    return Decision(
        "person", by_count[0], "assumed", f"the most seen of {listed}; `person` chooses another"
    )


def one_person(raw: RawTrack, person: str | None, path: Path) -> RawTrack:
    """The keypoints of one person, of a file that may name those of several; a reader may have
    chosen already."""
    if any(decision.what == "person" for decision in raw.decisions):
        return raw
    columns = subjects(raw.names or ())
    if len(columns) < 2 and person is None:
        return raw
    if not columns:
        raise KeypointFileError(
            f"{path}: has no person {str(person)[:80]!r}: it holds one person, without a name"
        )
    seen = np.isfinite(raw.positions).all(axis=2).sum(axis=0)
    people = {name: int(seen[at].sum()) for name, at in columns.items()}
    decision = choose(people, person, "points", str(path))
    chosen = raw.take(columns[decision.value])
    prefixes = (f"{decision.value}_", f"{decision.value}.")
    names = [name.strip() for name in chosen.names or ()]
    behind = (f"_{decision.value}", f".{decision.value}")
    if len(columns) > 1 and all(name.endswith(behind) for name in names):
        names = [prefixes[0] + name[: -len(behind[0])] for name in names]
    if len(columns) > 1 and all(name.startswith(prefixes) for name in names):
        bare = [name[len(prefixes[0]) :] for name in names]
        chosen.names = [f"{decision.value}:{name}" for name in bare]
    return replace(chosen, decisions=[*raw.decisions, decision], people=people)


def staying(people: Mapping[str, int], share: float) -> tuple[list[str], list[str]]:
    """Who is seen at least `share` as often as the one most seen, most first; and who is not."""
    by_count = sorted(people, key=lambda name: -people[name])
    least = share * people[by_count[0]]
    return [name for name in by_count if people[name] >= least], [
        name for name in by_count if people[name] < least
    ]


def follow(frames: Sequence[Sequence[np.ndarray]]) -> list[list[str]]:
    """Names ("number 1", ...) for the people of each frame, who come in any order: each goes on as
    the nearest before.

    frames: of each frame the positions (K,3) of each person, NaN where missing.
    """
    tracks: dict[
        int, tuple[np.ndarray, float]
    ] = {}  # where each was last, and the extent; the last seen come last
    known = 0
    named = []
    for people in frames:
        places = [_place(positions) for positions in people]
        pairs = sorted(
            (float(np.linalg.norm(centre - tracks[i][0])), i, j)
            for i in list(tracks)[-_REMEMBERED:]
            for j, (centre, _) in enumerate(places)
        )
        names: dict[int, int] = {}
        for distance, i, j in pairs:
            near = distance <= _FARTHEST_STEP * max(tracks[i][1], places[j][1])
            if near and j not in names and i not in names.values():
                names[j] = i
        for j, place in enumerate(places):
            if j not in names:
                names[j] = known
                known += 1
            tracks.pop(names[j], None)
            tracks[names[j]] = place
        named.append([f"number {names[j] + 1}" for j in range(len(places))])
    return named


def are_of_several(positions: np.ndarray, at: np.ndarray) -> bool:
    """Whether rows (R,K,3) that share a moment are of several people, not of one who was written
    twice: they are farther apart than from rows of the next moment. at (R,): each row's moment,
    from 0, rising."""
    at = at[: np.searchsorted(at, at[0] + _LOOKED_AT)]
    places = [_place(row) for row in positions[: len(at)]]
    middles = np.array([middle for middle, _ in places])
    extent = float(np.median([size for _, size in places]))
    apart, on = [], []
    rows_of = np.split(np.arange(len(at)), np.flatnonzero(np.diff(at)) + 1)
    for here, after in zip(rows_of, rows_of[1:]):
        if 1 < len(here) <= _REMEMBERED:
            between = np.linalg.norm(middles[here][:, None] - middles[here], axis=2)
            apart.append(float(between[np.triu_indices(len(here), 1)].min()))
            on += (
                np.linalg.norm(middles[here][:, None] - middles[after], axis=2).min(axis=1).tolist()
            )
    least = max(_APART * extent, 2 * float(np.median(on))) if on else np.inf
    return bool(apart) and float(np.median(apart)) > least


def told_apart(positions: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Whose each row (R,K,3) is (R,), and their names, by where they are. at (R,): as above."""
    rows_of = np.split(np.arange(len(at)), np.flatnonzero(np.diff(at)) + 1)
    named = follow([[positions[row] for row in rows] for rows in rows_of])
    number = {name: i for i, name in enumerate(gathered(named))}
    return np.array([number[name] for names in named for name in names]), list(number)


_LOOKED_AT, _APART = 200, 0.15
"""Moments by which rows of several people are known, and the share of the body's extent by which
these are apart at least."""


def _place(positions: np.ndarray) -> tuple[np.ndarray, float]:
    seen = positions[(np.abs(positions) < FARTHEST_NUMBER).all(axis=1)]
    if not len(seen):
        return np.zeros(3), 0.0
    return np.median(seen, axis=0), float(np.linalg.norm(np.ptp(seen, axis=0)))


def gathered(frames: Sequence[Sequence[str]]) -> dict[str, int]:
    """In how many frames each name is, in order of appearance."""
    counts: dict[str, int] = defaultdict(int)
    for names in frames:
        for name in dict.fromkeys(names):
            counts[name] += 1
    return dict(counts)

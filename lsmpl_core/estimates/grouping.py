"""Whose the poses in a nest of dicts and lists are, and in which frames: what `aliases.py` found as
`Estimates`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..keypoints.track import Decision
from ..readers.field_words import WORDS, folded, value_of
from .aliases import Bundle, bundles, names, space
from .bundle_values import Parameters, read_bundle, said

SLOWEST, FASTEST = 1.0, 10_000.0
"""Frames a second that a take has."""
WORLD_FIRST, CAMERA_FIRST = ("world", "", "camera"), ("camera", "", "world")
FEW = 20
"""Poses in a dict of a list from which on they are one person's frames, not a frame's people."""


@dataclass
class Found:
    """Poses of everybody: for each person the parameters of their frames; what was decided on the
    way."""

    people: dict[str, Parameters] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    numbered: bool = False
    tracked: bool = True
    fps: float | None = None


def found_in(content: object, preferred: Sequence[str] = WORLD_FIRST) -> Found | None:
    """Everybody whose parameters are in some content, None where there are none.

    preferred: of several spaces, which rather than which. Raises ValueError with words for the
    user.
    """
    there = bundles(content)
    if not there:
        return None
    best = min(preferred.index(space(bundle.path)) for bundle in there)
    chosen = [bundle for bundle in there if preferred.index(space(bundle.path)) == best]
    read = _read_once(chosen)
    rows = max(len(one.root) for _, several in read for one in several)
    if len(read) > 1 and rows <= FEW and len(read) > rows:
        people, tracked = _by_frame(read), _has_ids(read)
    else:
        people, tracked = _by_person(read), True
    first_bundle, first = read[0][0], read[0][1][0]
    numbered = any((one.frames != np.arange(len(one.frames))).any() for one in people.values())
    return Found(people, said(first_bundle, first), numbered, tracked, _rate(first_bundle))


def _read_once(chosen: Sequence[Bundle]) -> list[tuple[Bundle, list[Parameters]]]:
    """The parameters of each bundle; of bundles that hold the same arrays, as pickles can again and
    again in a few bytes, those of the first."""
    known: dict[tuple, list[Parameters]] = {}
    read = []
    for bundle in chosen:
        above = tuple(map(id, bundle.above))
        same = (above, tuple((key, id(value)) for key, value in bundle.fields.items()))
        if same not in known:
            known[same] = read_bundle(bundle)
        read.append((bundle, known[same]))
    return read


def _rate(bundle: Bundle) -> float | None:
    """Frames a second, where the parameters or what is around them states them."""
    for place in (bundle.fields, *reversed(bundle.above)):
        value = value_of(place, WORDS["rates"])
        if isinstance(value, (int, float, np.ndarray, np.number)) and np.size(value) == 1:
            rate = float(np.ravel(np.asarray(value, dtype=float))[0])
            if SLOWEST <= rate <= FASTEST:
                return rate
    return None


def _by_person(read: Sequence[tuple[Bundle, list[Parameters]]]) -> dict[str, Parameters]:
    """Each dict, or each row of its axis of people, is somebody's; rows with identities are split
    by them."""
    people: dict[str, Parameters] = {}
    level = _first_that_differs([bundle.path for bundle, _ in read])
    used: Counter[str] = Counter()
    for bundle, several in read:
        own = (
            str(bundle.path[level])[:40]
            if level is not None and level < len(bundle.path)
            else _named(bundle.fields) or _number_in(bundle.path)
        )
        for i, one in enumerate(several):
            for name, part in _by_identity(bundle.fields, one).items():
                label = (
                    name or (own if len(several) == 1 else f"{own}_{i}" if own else str(i)) or "0"
                )
                people[_unused(label, people, used)] = part
    return people


def _first_that_differs(paths: Sequence[tuple]) -> int | None:
    """How many keys on the way all paths share; None where they share all."""
    longest = max(map(len, paths))
    return next((i for i in range(longest) if len({path[: i + 1] for path in paths}) > 1), None)


def _number_in(path: tuple) -> str:
    """The key of a dict of people that has one."""
    return next((str(int(key)) for key in path if isinstance(key, (int, np.integer))), "")


def _unused(label: str, people: Mapping, used: Counter[str]) -> str:
    """A name that nobody has; `used` counts how many were called so."""
    name = label
    while name in people:
        used[label] += 1
        name = f"{label}_{used[label] + 1}"
    return name


def _named(fields: Mapping) -> str:
    value = next((fields[key] for key in names()["person"] if key in fields), None)
    return str(value)[:40] if isinstance(value, (int, str, np.integer)) else ""


def _by_identity(fields: Mapping, one: Parameters) -> dict[str, Parameters]:
    """The parts of rows that belong to different people, where a column says whose each row is
    (CoMotion)."""
    for key in names()["person"]:
        value = fields.get(key)
        if (
            isinstance(value, np.ndarray)
            and value.size == len(one.root)
            and value.dtype.kind in "iu"
        ):
            whose = np.ravel(value)
            who, first = np.unique(np.sort(whose), return_index=True)
            if len(who) > 1:
                rows = np.split(np.argsort(whose, kind="stable"), first[1:])
                return {str(name): _some(one, own) for name, own in zip(who, rows)}
    return {"": one}


def _some(one: Parameters, rows: np.ndarray) -> Parameters:
    each = one.betas is not None and len(one.betas) == len(one.root)
    betas = one.betas[rows] if one.betas is not None and each else one.betas
    trans = None if one.trans is None else one.trans[rows]
    hands = None if one.hands is None else one.hands[rows]
    return Parameters(
        one.frames[rows], one.root[rows], one.body[rows], trans, betas, one.joints, hands
    )


def _by_frame(read: Sequence[tuple[Bundle, list[Parameters]]]) -> dict[str, Parameters]:
    """Each dict is a frame, or somebody in a frame: the outermost key that differs counts the
    frames."""
    level = _frame_level([bundle.path for bundle, _ in read])
    order = {
        key: i for i, key in enumerate(dict.fromkeys(bundle.path[level] for bundle, _ in read))
    }
    named = [_named(bundle.fields) for bundle, _ in read]
    numbers = len(set(named)) == len(read)  # an id of its own for each frame is the frame's number
    rows: dict[str, list[tuple[int, Parameters, int]]] = {}
    for bundle, several in read:
        frame = order[bundle.path[level]]
        rest = (*bundle.path[:level], *bundle.path[level + 1 :])
        inner = next((str(key) for key in rest if isinstance(key, int)), "0")
        inner = next((name for one in reversed(bundle.above) if (name := _named(one))), inner)
        for one in several:
            for i in range(len(one.root)):
                own = "" if numbers else _named(bundle.fields)
                name = own or (str(i) if len(one.root) > 1 else inner)
                rows.setdefault(name, []).append((frame, one, i))
    return {name: _stacked(own) for name, own in rows.items()}


def _frame_level(paths: Sequence[tuple]) -> int:
    """Which of the keys on the way counts the frames: of those that differ the one that is no
    person's and has most values, the outer one of several."""
    counts = {i: len({path[i] for path in paths}) for i in range(min(map(len, paths)))}
    differ = [i for i, count in counts.items() if count > 1]
    frames = [i for i in differ if i == 0 or folded(paths[0][i - 1]) not in WORDS["people"]]
    return max(frames or differ, key=lambda i: (counts[i], -i))


def _has_ids(read: Sequence[tuple[Bundle, list[Parameters]]]) -> bool:
    alone = all(sum(len(one.root) for one in several) == 1 for _, several in read)
    level = _frame_level([bundle.path for bundle, _ in read])
    frames = [bundle.path[level] for bundle, _ in read]
    return all(_named(bundle.fields) for bundle, _ in read) or (
        alone and len(set(frames)) == len(frames)
    )


def _stacked(own: list[tuple[int, Parameters, int]]) -> Parameters:
    betas = [
        one.betas[min(i, len(one.betas) - 1)]
        for _, one, i in own
        if one.betas is not None and len(one.betas)
    ]
    trans = [np.zeros(3) if one.trans is None else one.trans[i] for _, one, i in own]
    return Parameters(
        np.array([frame for frame, _, _ in own]),
        np.stack([one.root[i] for _, one, i in own]),
        np.stack([one.body[i] for _, one, i in own]),
        None if own[0][1].trans is None else np.stack(trans),
        np.stack(betas) if betas else None,
        own[0][1].joints,
        None
        if any(one.hands is None for _, one, _ in own)
        else np.stack([one.hands[i] for _, one, i in own if one.hands is not None]),
    )

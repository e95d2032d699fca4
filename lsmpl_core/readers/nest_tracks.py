"""A person's track out of a nest of poses: `nests.py` finds them, `nest_roles.py` tells frames from
people, `nest_points.py` reads their points.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .field_words import WORDS
from .nest_people import NOBODY, Person
from .nest_points import has_names, named_track, number_in, places_of, positions_of, unnamed_track
from .nest_refusals import nothing_in
from .nest_roles import MOST_PEOPLE, arranged, roles_of
from .nest_statements import fitting_names, stated, stated_number, without_head
from .nest_texts import unquoted
from .nest_turns import turns_of_frames
from .nests import InVainError, Kind, everything, kinds_of, likeliest, passed_over
from .people import choose, follow, gathered
from .point_rows import frames_of_rows
from .raw import RawTrack, of_everybody
from .times import placed_in_time

_MOST_NAMELESS = 100


def track_of(
    content: Any, counts: Collection[int], where: str, person: str | None, files: bool = False
) -> RawTrack:
    """The keypoints of one person in some content, and the names, rate, unit and up that it states.

    files: whether the content is a list of those of files, one a frame, whose numbers are then told
    by the caller.
    """
    content = content if files else frames_of_rows(content, counts) or content
    try:
        head, content = ({}, content) if files else without_head(content)
        kinds, flat = _kinds_of_numbers(content)
        kind = likeliest(kinds, frozenset(counts))
        if kind is None and not flat:
            content = unquoted(content)
            kinds, flat = kinds_of(content)
            kind = likeliest(kinds, frozenset(counts))
        if kind is None:
            raise nothing_in(content, flat, where)
        frames = arranged(kind, files)
    except ValueError as error:
        raise KeypointFileError(f"{where}: {error}") from None
    everyone = with_ids(frames.people, counts, where)
    others = passed_over(kinds, kind)
    objects = [*everything(head), *everything(content[0] if files and content else content)]

    def of_person(name: str | None) -> RawTrack:
        raw = stating(people_track(everyone, counts, where, name), objects)
        if others:
            raw.decisions.append(other_points(".".join(filter(None, kind.fields)), others))
        return raw if files else placed_in_time(raw, frames.numbers, frames.times)

    return of_everybody(of_person, person)


def _kinds_of_numbers(content: Any) -> tuple[list[Kind], bool]:
    """As `kinds_of`, but none of what is in vain, for its numbers may be texts."""
    try:
        return kinds_of(content)
    except InVainError:
        return [], False


def is_frame(content: Any) -> bool:
    """Whether a file's content is one frame; people are taken for those of one frame, not for
    frames of one person. What is too much to be looked through is none."""
    try:
        kind = likeliest(kinds_of(content)[0], frozenset())
    except ValueError:
        return False
    if kind is None:
        return not isinstance(content, (list, np.ndarray)) or not len(content)
    for role, level in zip(roles_of(kind), kind.levels):
        objects = all(isinstance(one, dict) for one in level.values())
        if role == "time" or (
            role == "" and not (objects and len(level) <= MOST_PEOPLE) and len(level) > 1
        ):
            return False
    return True


def stating(raw: RawTrack, objects: Sequence[dict]) -> RawTrack:
    """The track with the names, rate, unit and up that some objects state of all."""
    raw.names = raw.names or fitting_names(objects, raw.positions.shape[1])
    rate, step = (stated_number(objects, WORDS[words]) for words in ("rates", "steps"))
    rate = 1 / step if rate is None and step else rate
    if rate is not None and 0 < rate < 1e6:
        raw.fps = float(rate)
    raw.unit = raw.unit or stated(objects, WORDS["units"], str)
    up = stated(objects, WORDS["up"], str)
    raw.up = up.lower() if up else raw.up
    return raw


def other_points(chosen: str, others: Sequence[str]) -> Decision:
    """What is said of points that a file has beside those that are read."""
    listed = ", ".join(name[:40] for name in others[:6]) + (", ..." if len(others) > 6 else "")
    reason = f"it has others of as many points, which are left aside: {listed}"
    return Decision("points", chosen[:60] or "the first", "assumed", reason)


def people_track(
    everyone: list[list[Person]], counts: Collection[int], where: str, person: str | None
) -> RawTrack:
    """The keypoints of one of the people of each frame, who have an id each."""
    seen = gathered([[one.id for one in people] for people in everyone])
    alone = len(seen) == 1
    nameless = alone and (person is None or next(iter(seen)) in ("", "number 1"))
    chosen = None if nameless else choose(seen, person, "frames", where)
    name = next(iter(seen)) if chosen is None else chosen.value
    tracked = [
        next((one for one in reversed(people) if one.id == name), None) for people in everyone
    ]
    points = [None if one is None else one.points for one in tracked]
    raw = (
        named_track(points, where)
        if any(map(has_names, points))
        else unnamed_track(points, counts, where)
    )
    named = raw.names is not None
    places = [None if one is None or named else places_of(one.points, counts) for one in tracked]
    _add_scores(raw, tracked, places, where)
    rotations = [
        one and one.rotations and one.rotations.placed(at) for one, at in zip(tracked, places)
    ]
    raw.turns = turns_of_frames(rotations, raw.positions, raw.names)
    if chosen is not None:
        raw.decisions.append(chosen)
        raw.people = seen
    return raw


def _add_scores(
    raw: RawTrack, tracked: list[Person | None], places: list[np.ndarray | None], where: str
) -> None:
    """Confidence that stands beside the points, which are in other `places` where these are
    numbered."""
    if raw.confidence is None:
        return
    for t, (one, at) in enumerate(zip(tracked, places)):
        if one is None or not one.scores:
            continue
        scores = [number_in(score, f"{where}: frame {t}: a score") for score in one.scores]
        if at is not None and at.max() < len(scores):
            scores = [scores[i] if i >= 0 else np.nan for i in at]
        if len(scores) == raw.positions.shape[1]:
            raw.confidence[t] = scores


def with_ids(frames: list[list[Person]], counts: Collection[int], where: str) -> list[list[Person]]:
    """The same people with an id each: those that have none are followed from frame to frame."""
    if not any(len(people) > 1 and any(one.id == NOBODY for one in people) for people in frames):
        return [
            [replace(one, id="number 1" if one.id == NOBODY else one.id) for one in p]
            for p in frames
        ]
    nameless = [[one for one in people if one.id == NOBODY] for people in frames]
    if (most := max(map(len, nameless))) > _MOST_NAMELESS:
        raise KeypointFileError(
            f"{where}: {most} people without an id in one frame; at most {_MOST_NAMELESS} are told"
        )
    places = [
        [positions_of(one.points, counts, f"{where}: frame {t}") for one in p]
        for t, p in enumerate(nameless)
    ]
    named = [
        [replace(one, id=name) for name, one in zip(names, people)]
        for names, people in zip(follow(places), nameless)
    ]
    return [
        [one for one in people if one.id != NOBODY] + more for people, more in zip(frames, named)
    ]

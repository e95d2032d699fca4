"""MVNX, the XML of Xsens MVN: of each frame where each segment begins and how it is turned, in the
world.

Format: Xsens MVN user manual, "MVNX"; metres, Z up, quaternions with w first.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..errors import KeypointFileError
from .people import choose
from .raw import MOST_POINTS, RawTrack, of_everybody, read_bytes
from .rotations import turns_of
from .rows import is_number
from .times import placed_in_time

MOST_SUBJECTS = 100
_NUMBERS = ("position", "orientation")
"""Of a frame's elements those that are read at its end."""
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
"""What no MVNX file has, and files that are made to fill the memory do."""


@dataclass
class _Subject:
    """Somebody in a file: the segments' names, the rate, and of each frame its number, the places
    (3N,) and the quaternions (4N,) or None."""

    name: str
    rate: float | None
    segments: list[str] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    places: list[np.ndarray] = field(default_factory=list)
    quaternions: list[np.ndarray | None] = field(default_factory=list)


def read_mvnx(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one of a file's subjects: `person`, or who has most frames."""
    data = read_bytes(path)
    if _DECLARED.search(data) or b"\0" in data:  # in UTF-16 they look otherwise
        raise KeypointFileError(
            f"{path}: declares entities, or is not in UTF-8; no MVNX file is so"
        )
    try:
        subjects = [one for one in _subjects(data) if one.places]
    except ElementTree.ParseError as error:
        line, column = error.position
        raise KeypointFileError(
            f"{path}: is no MVNX file, or a damaged one: line {line}, letter {column + 1} is no XML"
        ) from None
    except ValueError as error:
        raise KeypointFileError(f"{path}: {error}") from None
    if not subjects:
        raise KeypointFileError(
            f"{path}: no frame has the positions of its segments. Export it with them in MVN "
            "(File > Export), or as BVH or C3D"
        )
    by_name = {one.name or f"subject {i + 1}": one for i, one in enumerate(subjects)}
    seen = {name: len(one.places) for name, one in by_name.items()}

    def of_person(name: str | None) -> RawTrack:
        decision = None if len(by_name) == 1 and name is None else choose(
            seen, name, "frames", str(path)
        )  # fmt: skip
        chosen = by_name[decision.value] if decision else next(iter(by_name.values()))
        raw = _track(chosen)
        if decision:
            raw.decisions.append(decision)
            raw.people = seen
        return raw

    return of_everybody(of_person, person)


def _track(subject: _Subject) -> RawTrack:
    positions = np.array(subject.places).reshape(len(subject.places), -1, 3)
    turns = None
    if all(
        one is not None and 3 * len(one) == 4 * positions[0].size for one in subject.quaternions
    ):
        turns = turns_of(np.array(subject.quaternions).reshape(*positions.shape[:2], 4))
    raw = RawTrack(positions, subject.segments, fps=subject.rate, unit="m", up="z", turns=turns)
    return placed_in_time(raw, np.array(subject.numbers), None)


def _subjects(data: bytes) -> list[_Subject]:
    """Who is in a file; calibration's poses, whose frames are of another type, are none of the
    take. Raises ValueError where frames do not fit the segments."""
    subjects: list[_Subject] = []
    # In UTF-8 whatever the file says, for in others declarations look otherwise.
    parser = ElementTree.XMLParser(encoding="utf-8")
    above: list[ElementTree.Element] = []
    for event, element in ElementTree.iterparse(io.BytesIO(data), ("start", "end"), parser):
        tag = element.tag.rpartition("}")[2]
        if event == "start":
            above.append(element)
            if tag == "subject":
                subjects.append(_Subject(element.get("label", "")[:80], _rate(element)))
        elif tag == "segment" and subjects:
            subjects[-1].segments.append(element.get("label", ""))
        elif tag == "frame" and subjects and element.get("type", "normal") == "normal":
            _add_frame(subjects[-1], element)
        if event == "end":
            above.pop()
            if above and (
                tag not in _NUMBERS or len(above[-1]) > len(_NUMBERS)
            ):  # they take thirty times their text
                above[-1].remove(element)
        if len(subjects) > MOST_SUBJECTS or (subjects and len(subjects[-1].segments) > MOST_POINTS):
            raise ValueError("has more subjects or segments than are read")
    return subjects


def _add_frame(subject: _Subject, frame: ElementTree.Element) -> None:
    numbers = {child.tag.rpartition("}")[2]: child.text for child in frame}
    if "position" not in numbers:
        return
    places = _floats(numbers["position"], 3 * len(subject.segments))
    if len(places) != 3 * len(subject.segments):
        raise ValueError(
            f"a frame has {len(places)} numbers of positions for {len(subject.segments)} segments"
        )
    index = frame.get("index", "")
    numbered = re.fullmatch("[0-9]{1,15}", index)
    subject.numbers.append(float(index) if numbered else float(len(subject.numbers)))
    subject.places.append(places)
    turned = "orientation" in numbers
    subject.quaternions.append(
        _floats(numbers["orientation"], 4 * len(subject.segments)) if turned else None
    )


def _floats(text: str | None, count: int) -> np.ndarray:
    """The numbers in a text that should be so many."""
    words = (text or "").split(maxsplit=count)
    if not all(map(is_number, words)):
        raise ValueError("a frame has words where numbers belong, or more numbers than segments")
    return np.array([float(word) for word in words])


def _rate(element: ElementTree.Element) -> float | None:
    text = element.get("frameRate", "")
    return float(text) if re.fullmatch(r"\d{1,5}(?:\.\d{1,9})?", text) and float(text) else None

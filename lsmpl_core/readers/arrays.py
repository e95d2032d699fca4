"""NPY and NPZ arrays: (T,K,3), (T,K,4) with confidence, (T,P,K,3) of P people, (T,K*3), or one
frame (K,3); and what `array_axes.py` makes one of these of.

Nothing in them is executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..files.npz import Npz
from ..files.reals import reals
from ..keypoints.track import Decision
from .array_axes import in_order, without_padding
from .field_words import WORDS, folded
from .motion_features import are_features, joints_of_features, rate_of_samples
from .nest_turns import is_of_turns, turns_of_take
from .people import choose
from .plain_rows import leads_of, placed_by_leads
from .point_forms import NOT_POINTS, USUAL
from .raw import RawTrack, changed, of_everybody, opened_archive, unflatten
from .times import placed_in_time

POSITION_KEYS = (
    "pred_keypoints_3d", "keypoints3d", "keypoints_3d", "joints3d", "joints_3d", "poses_3d",
    "positions_3d", "keypoints", "joints", "positions", "points", "points3d", "points_3d",
    "kpts3d", "kpts_3d", "landmarks", "markers", "reconstruction", "data", "pred", "arr_0",
)  # fmt: skip
TRANSLATION_KEYS = ("pred_cam_t",)
"""What brings points that are relative to the body to where it is."""
_CONFIDENCE_KEYS = (
    "confidence",
    "confidences",
    "conf",
    "scores",
    "score",
    "visibility",
    "likelihood",
)
_NAME_KEYS = (
    "names", "keypoint_names", "joint_names", "labels", "marker_names", "keypoints_names",
    "body_names", "link_names", "bone_names",
)  # fmt: skip
_MOST_PEOPLE = 100
_FPS_KEYS = ("fps", "frame_rate", "framerate", "mocap_framerate", "mocap_frame_rate", "rate")


WITH_MORE = (5, 6, 7, 8, 10)
"""Numbers of each keypoint of which the first three may be its place: before a score and how
visible it is, Euler angles, a velocity, a quaternion. Nine are a rotation."""


class NoKeypointsError(KeypointFileError):
    """An archive has no array that could be keypoints."""


def read_arrays(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read an archive's array of keypoints, and its confidence, names, fps and unit where it has
    them."""
    with opened_archive(path) as archive:
        return _read_archive(_Arrays(archive, path), counts, path, person)


def _read_archive(
    arrays: _Arrays, counts: Collection[int], path: Path, person: str | None
) -> RawTrack:
    key = arrays.first(POSITION_KEYS) or arrays.only_candidate()
    if key is None or arrays.is_one_of_many(key):
        instead = (
            "this is an SMPL motion, which refine-motion takes as MOTION, and Blender by File > "
            "Import > SMPL Motion"
            if arrays.first(("poses",)) and arrays.first(("trans",))
            else "expected, for example, keypoints3d (T,K,3)"
        )
        raise NoKeypointsError(
            f"{path}: no array of keypoints; it has {arrays.listing()}; {instead}"
        )
    position, confidence, names = arrays[key], None, None
    if translation_key := arrays.first(TRANSLATION_KEYS):
        position = translated(position, arrays[translation_key])
    if confidence_key := arrays.first(_CONFIDENCE_KEYS):
        confidence = arrays[confidence_key]
    if names_key := arrays.first(_NAME_KEYS):
        names = arrays[names_key]
    raw = array_track(position, confidence, counts, f"{path}: {key}", person)
    moved = arrays[translation_key] if translation_key else None
    stating = _stating(arrays, key, names_key if names is not None else None, names, moved, path)
    return changed(raw, stating)


def _stating(
    arrays: _Arrays,
    key: str,
    names_key: str | None,
    names: np.ndarray | None,
    moved: np.ndarray | None,
    path: Path,
) -> Callable[[RawTrack], RawTrack]:
    """What an archive says of a track in it: others of its shape, turns, names, rate and unit.
    moved: the translation that was added to its points."""
    others = ", ".join(other[:40] for other in arrays.alike(key)[:6])
    texts = None if names is None else _texts(names, f"{path}: {names_key}")
    fps_key, unit_key = arrays.first(_FPS_KEYS), arrays.first(("unit", "units"))
    fps = arrays[fps_key] if fps_key else np.empty(0)
    unit = arrays[unit_key] if unit_key else np.empty(0)
    units = _texts(unit.ravel()[:1], f"{path}: {unit_key}") if unit.dtype.kind == "U" else []

    turned = arrays.of_turns()
    numbers, times = arrays.moments(WORDS["numbers"]), arrays.moments(WORDS["times"])

    def stating(raw: RawTrack) -> RawTrack:
        raw.turns = turns_of_take(turned, raw.positions, moved)
        if others:
            reason = f"it has others of that shape, which are left aside: {others}"
            raw.decisions.append(Decision("points", key[:60], "assumed", reason))
        if texts is not None:
            if len(texts) != raw.positions.shape[1]:
                raise KeypointFileError(
                    f"{path}: {len(texts)} {names_key} for {raw.positions.shape[1]} keypoints"
                )
            raw.names = texts
        if fps.dtype.kind in "fiu" and fps.size == 1:
            raw.fps = float(fps.reshape(()))
        raw.unit = next(iter(units), raw.unit)
        fitting = [
            one if one is not None and len(one) == len(raw.positions) else None
            for one in (numbers, times)
        ]
        return placed_in_time(raw, *fitting)

    return stating


def translated(points: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Points (K,3) or (T,K,3) with a translation (3,) or (T,3) added, where that is what it is;
    else as they are."""
    shapes = {(3,), (1, 3), (len(points), 3)} if points.ndim == 3 else {(3,), (1, 3)}
    fits = points.ndim in (2, 3) and points.shape[-1] == 3 and translation.shape in shapes
    if not fits or points.dtype.kind != "f" or translation.dtype.kind != "f":
        return points
    return points + (
        translation
        if translation.ndim == 1
        else translation[:, None]
        if points.ndim == 3
        else translation
    )


def _texts(array: np.ndarray, where: str) -> list[str]:
    try:
        names = [str(text) for text in np.ravel(array).astype("U")]
        "".join(names).lower().encode("utf-8", "surrogatepass")
        return names
    except ValueError as error:
        raise KeypointFileError(f"{where} is no valid text: {error}") from None


class _Arrays:
    """The arrays of an npz by lower-case name; errors name the file and the array."""

    def __init__(self, archive: Npz, path: Path):
        self._archive, self._path = archive, path
        self._names = {name.lower(): name for name in archive.names}

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            return self._archive[self._names[key]]
        except ValueError as error:
            raise KeypointFileError(f"{self._path}: {key} {error}") from None

    def first(self, wanted: Collection[str]) -> str | None:
        """The first of some names that an array of numbers or texts has."""
        names = (key for key in wanted if key in self._names)
        return next((key for key in names if not self._has_more(key)), None)

    def moments(self, words: Collection[str]) -> np.ndarray | None:
        """The first array (T,) under one of some words, or more of it: numbers or times of
        frames."""
        for key in self._names:
            called = folded(key) in words or folded(key).removesuffix("s") in words
            if called and len(self._shape(key)) == 1 and not self._has_more(key):
                found = self[key]
                return reals(found) if found.dtype.kind in "fiu" else None
        return None

    def of_turns(self) -> dict[str, np.ndarray]:
        """Those that say how bones are turned, or of which joints."""
        names = (key for key in self._names if is_of_turns(key) and not self._has_more(key))
        return {key: self[key] for key in names}

    def _has_more(self, key: str) -> bool:
        name = self._names[key]
        return self._archive.has_objects(name) or self._archive.is_structured(name)

    def only_candidate(self) -> str | None:
        """The one array that could be keypoints by its shape; of several (beside rotations and
        velocities, as of robots' bodies) the one that could be by its name, or is called places."""
        fits = [
            key for key in self._names if len(shape := self._shape(key)) == 3 and shape[2] in (3, 4)
        ]
        placed = [key for key in fits if not NOT_POINTS.search(key[:80])]
        named = [key for key in placed if USUAL.search(key[:80])]
        return next((some[0] for some in (fits, placed, named) if len(some) == 1), None)

    def is_one_of_many(self, key: str) -> bool:
        """Whether an array is of one frame, as others are whose names differ in a number alone."""
        shape, (name, numbers) = self._shape(key), re.subn(r"\d+", "#", key)
        if len(shape) != 2 or shape[1] not in (3, 4) or not numbers:
            return False
        others = (one for one in self._names if one != key and re.sub(r"\d+", "#", one) == name)
        return any(self._shape(one) == shape for one in others)

    def alike(self, key: str) -> list[str]:
        """The other arrays of an array's shape, if that could be points'."""
        shape = self._shape(key)
        fits = len(shape) >= 3 and shape[-1] in (3, 4)
        return [name for name in self._names if fits and name != key and self._shape(name) == shape]

    def listing(self) -> str:
        return (
            ", ".join(f"{key[:40]} {self._shape(key)}" for key in list(self._names)[:20])
            or "no arrays"
        )

    def _shape(self, key: str) -> tuple[int, ...]:
        return self._archive.shape(self._names[key])


def array_track(
    array: np.ndarray,
    confidence: np.ndarray | None,
    counts: Collection[int],
    where: str,
    person: str | None,
) -> RawTrack:
    if array.dtype.kind not in "fiu":
        raise KeypointFileError(f"{where} holds {array.dtype}; expected numbers")
    if not array.size:
        raise KeypointFileError(f"{where} is empty (shape {array.shape})")
    rate = rate_of_samples(array)
    array, padding = without_padding(array)
    array = in_order(array, counts)

    def of_person(name: str | None) -> RawTrack:
        one, scores, people, decisions = _one_of(array, confidence, where, name)
        decisions += [padding] if padding else []
        return _track_of_one(one, scores, counts, where, people, decisions, rate)

    return of_everybody(of_person, person)


def _one_of(
    array: np.ndarray, confidence: np.ndarray | None, where: str, person: str | None
) -> tuple[np.ndarray, np.ndarray | None, dict[str, int], list[Decision]]:
    """Of points of several people those of one, and their confidence; who there is; and who was
    chosen, where there are others."""
    people: dict[str, int] = {}
    decisions: list[Decision] = []
    if array.ndim == 4 and array.shape[3] in (3, 4):
        axis = int(array.shape[1] <= array.shape[0])  # there are fewer people than frames
        if array.shape[axis] > 1:
            people = _seen(array[..., :3], axis, where)
            decisions = [choose(people, person, "frames", where)]
        chosen = int(decisions[0].value) - 1 if decisions else 0
        if (
            confidence is not None
            and confidence.ndim >= 3
            and confidence.shape[:3] == array.shape[:3]
        ):
            confidence = np.take(confidence, chosen, axis)
        array = np.take(array, chosen, axis)
    return array, confidence, people, decisions


def _track_of_one(
    array: np.ndarray,
    confidence: np.ndarray | None,
    counts: Collection[int],
    where: str,
    people: dict[str, int],
    decisions: list[Decision],
    rate: float | None,
) -> RawTrack:
    """The track of one person's points, whatever their form."""
    if array.ndim == 2 and array.shape[1] in (3, 4):
        array = array[None]
    if are_features(array):
        return joints_of_features(reals(array), where)
    lead = leads_of(array, counts) if array.ndim == 2 else 0
    leads, array = (array[:, :lead], array[:, lead:]) if lead else (None, array)
    if array.ndim == 2:
        positions, own = unflatten(reals(array), counts, where)
    elif array.ndim == 3 and array.shape[2] in (3, 4, *WITH_MORE):
        if array.shape[2] > 4:
            reason = f"of the {array.shape[2]} numbers of each keypoint the first three are read"
            aside = f"{array.shape[2] - 3} numbers"
            decisions.append(Decision("columns", f"{aside} set aside", "assumed", reason))
        positions = reals(array[..., :3])
        own = reals(array[..., 3]) if array.shape[2] == 4 else None
    else:
        raise KeypointFileError(
            f"{where} has shape {array.shape}; expected (frames, keypoints, 3), (frames, "
            "keypoints, 4) with "
            "confidence, (frames, people, keypoints, 3), (frames, keypoints * 3), or (keypoints, "
            "3) for one frame"
        )
    if confidence is not None:
        confidence = (
            confidence.reshape(confidence.shape[:2]) if confidence.shape[2:] == (1,) else confidence
        )
        if confidence.shape != positions.shape[:2] or confidence.dtype.kind not in "fiub":
            raise KeypointFileError(
                f"{where}: confidence has shape {confidence.shape}; expected {positions.shape[:2]}"
            )
        own = reals(confidence)
    raw = RawTrack(positions, confidence=own, decisions=decisions, people=people, usual_fps=rate)
    return raw if leads is None else placed_by_leads(raw, reals(leads))


def _seen(positions: np.ndarray, axis: int, where: str) -> dict[str, int]:
    """In how many frames the people along an axis are seen, who are called 1, 2 and so on; points
    at 0 0 0 are not."""
    count = positions.shape[axis]
    if count > _MOST_PEOPLE:
        raise KeypointFileError(
            f"{where} has shape {positions.shape}, which would be {count} people"
        )
    seen = [np.take(positions, i, axis) for i in range(count)]
    frames = [
        int((np.isfinite(one).all(axis=2) & (one != 0).any(axis=2)).any(axis=1).sum())
        for one in seen
    ]
    return {str(i + 1): n for i, n in enumerate(frames)}

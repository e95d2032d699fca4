"""Estimates of SMPL motion and keypoints of the same frames, in folders side by side, paired by
name.

    estimates/<take>.npz, .pkl, .pt or a folder     what `read_motion` reads
    keypoints/<take>.trc, .npy, .json, ...          what `read_keypoints` reads
    truth/<take>.npz, ...                           the true motions, where they are known

Takes may lie in folders, the same ones in each of the three; the folder above a take is its
subject. LucidAction and one's own recordings are evaluated in this form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..body.body import Body
from ..errors import DatasetError
from ..estimates.reading import read_motion
from ..keypoints.track import KeypointTrack
from ..motion import Motion
from ..readers import READERS, read_keypoints
from .takes import EvaluationTake, LeftOut, attempt

ESTIMATES, KEYPOINTS, TRUTH = "estimates", "keypoints", "truth"


def holds(folder: Path) -> bool:
    """Whether the folder has the two folders that are needed."""
    return all((folder / name).is_dir() for name in (ESTIMATES, KEYPOINTS))


def takes(folder: Path, body: Body | None = None) -> Iterator[EvaluationTake | LeftOut]:
    """Every estimate that has keypoints, and word of keypoints and estimates without each other.

    Estimates and truth keep their own worlds, so `body` is not used. Raises `DatasetError` where a
    folder is missing.
    """
    missing = [name for name in (ESTIMATES, KEYPOINTS) if not (folder / name).is_dir()]
    if missing:
        raise DatasetError(f"{folder}: has no folder {' and no folder '.join(missing)}")
    return (_entry(folder, entry) for entry in _entries(folder, Path()))


@dataclass(frozen=True)
class _Entry:
    """A name, and the files or folders that have it."""

    name: Path
    keypoints: Path | None
    estimate: Path | None
    truth: Path | None


def _entries(folder: Path, place: Path) -> Iterator[_Entry]:
    keypoints, estimates, truth = (
        _named(folder / side / place) for side in (KEYPOINTS, ESTIMATES, TRUTH)
    )
    for name in sorted(keypoints.keys() | estimates.keys()):
        entry = _Entry(place / name, keypoints.get(name), estimates.get(name), truth.get(name))
        # A folder is one take with a file for each frame, or, if names in it have partners, a
        # folder of takes.
        if (
            entry.keypoints
            and entry.estimate
            and _named(entry.keypoints).keys() & _named(entry.estimate).keys()
        ):
            yield from _entries(folder, entry.name)
        else:
            yield entry


def _named(folder: Path) -> dict[str, Path]:
    """What is in a folder, by name without ending; nothing if it is no folder."""
    paths = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
    return {
        path.name if path.is_dir() else path.stem: path
        for path in paths
        if not path.name.startswith(".")
    }


def _entry(folder: Path, entry: _Entry) -> EvaluationTake | LeftOut:
    name = entry.name.as_posix()
    if entry.keypoints is None:
        where = entry.estimate or folder / entry.name
        return LeftOut(where, f"there are no keypoints of the name {name}", broken=False)
    if entry.estimate is None:
        return LeftOut(entry.keypoints, f"there is no estimate of the name {name}", broken=False)
    return attempt(entry.keypoints, partial(_take, entry, entry.keypoints, entry.estimate))


def _take(entry: _Entry, keypoints: Path, estimated: Path) -> EvaluationTake:
    if keypoints.is_file() and keypoints.suffix.lower() not in READERS:
        raise DatasetError(
            f"{keypoints}: is no keypoint file; expected one that ends in {', '.join(READERS)}"
        )
    track = read_keypoints(keypoints)
    estimate = _motion(estimated, track)
    above = entry.name.parent.as_posix()
    return EvaluationTake(
        name=entry.name.as_posix(),
        subject=entry.name.name.split("_")[0] if above == "." else above,
        truth=None if entry.truth is None else _motion(entry.truth, track),
        valid=track.visible.any(axis=1),
        estimate=estimate,
        track=track,
        decisions=(*track.decisions, *estimate.decisions),
    )


def _motion(path: Path, track: KeypointTrack) -> Motion:
    """The motion at a path, one pose for each frame of the track."""
    motion = read_motion(path, frames=len(track))
    if len(motion) != len(track):
        raise DatasetError(
            f"{path}: has {len(motion)} frames, but its keypoints in {track.source} have "
            f"{len(track)}"
        )
    return replace(motion, fps=track.fps)

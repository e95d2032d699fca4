"""RICH: SMPL-X parameters in a pickle for each person and frame,
`<sequence>/<frame>/<subject>.pkl`.

Each holds transl (1,3), global_orient (1,3), body_pose (1,63), betas (1,10) and more, of which the
body's joints are taken (public: paulchhuang/rich_toolkit, `smplx2images.py`). Sequences lie in
`bodies/<split>` or `<split>_body`.

Their world is that of the first camera: about Y down, and tilted as the camera was.
`multicam2world.zip` of the same download says how the scanned scene, whose floor is level and which
is Z up, lies to it: row vectors x' = c x R + t. If its files are in a folder `multicam2world` in
the given folder or up to three above, they are used, but for the scale c, for the bodies' sizes are
right in the cameras' metres; without them Y is taken to point straight down.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..body.body import Body
from ..errors import DatasetError
from ..estimates.reading import nearest
from ..estimates.smpl_parameters import MAX_FRAMES, PARAMETERS, listed, parameters, stacked
from ..files import safe_pickle
from ..files.opening import file_size, read_file
from ..keypoints.track import Decision
from ..motion import Motion
from .takes import EXPECTED_ERRORS, EvaluationTake, LeftOut, attempt, sentence
from .worlds import Y_DOWN_TO_Z_UP, moved

FRAME_RATE = 30.0
WOMEN = {9, 10, 12, 13, 16, 17, 18, 19, 21}
"""Subjects whose parameters are of the female body; the others' are of the male one (rich_toolkit's
`gender.json`)."""
LEVEL = 1e-2  # how far from orthonormal a scene's rotation may be
MAX_SCENE_BYTES = 1 << 20

Sequence = dict[str, dict[int, Path]]
"""Each subject's files by frame."""


def holds(folder: Path) -> bool:
    """Whether there is a file `<sequence>/<frame>/<subject>.pkl` below the folder."""
    return next(_sequences(folder), None) is not None


def takes(folder: Path, body: Body | None = None) -> Iterator[EvaluationTake | LeftOut]:
    """One take for each subject of each sequence below the folder; a frame that cannot be read is a
    gap."""
    for place, subjects in _sequences(folder):
        for subject, files in sorted(subjects.items()):
            read, broken = {}, []
            for frame, path in sorted(files.items()):
                try:
                    read[frame] = _frame(path)
                except EXPECTED_ERRORS as error:
                    broken.append(LeftOut(path, sentence(error)))
            yield from broken
            yield attempt(place, partial(_take, place, folder, subject, read, body))


def _sequences(folder: Path) -> Iterator[tuple[Path, Sequence]]:
    for place, folders, _ in os.walk(folder):
        folders.sort()
        subjects: Sequence = {}
        for name in [
            name for name in folders if name.isascii() and name.isdigit() and len(name) < 10
        ]:
            for path in (Path(place) / name).glob("*.pkl"):
                if path.stem.isascii() and path.stem.isdigit():
                    subjects.setdefault(path.stem, {})[int(name)] = path
        if subjects:
            folders.clear()
            yield Path(place), subjects


def _frame(path: Path) -> dict[str, object]:
    content = safe_pickle.load(path, what="frame of RICH", error=DatasetError)
    if not isinstance(content, dict) or not content.keys() >= set(PARAMETERS):
        found = listed(content) if isinstance(content, dict) else f"a {type(content).__name__}"
        raise ValueError(f"holds {found}; expected {', '.join(PARAMETERS)}")
    fields = {name: content[name] for name in PARAMETERS}
    Motion(*parameters(stacked([fields]), 1)[:3])
    return fields


def _take(
    place: Path, folder: Path, subject: str, read: dict[int, dict], body: Body | None
) -> EvaluationTake:
    if not read:
        raise ValueError(f"not one frame of subject {subject} can be read")
    known = np.array(list(read))
    wanted = np.arange(known[0], known[-1] + 1)
    if len(wanted) > MAX_FRAMES:
        raise ValueError(
            f"numbers its frames {known[0]} to {known[-1]}; expected at most {MAX_FRAMES}"
        )
    poses, trans, betas, name = parameters(stacked(list(read.values())), len(known))
    at, valid = nearest(known, wanted), np.isin(wanted, known)
    gender = "female" if int(subject) in WOMEN else "male"
    motion = Motion(
        poses[at], trans[at], betas, FRAME_RATE, body=name, gender=gender, first_frame=int(known[0])
    )
    rotation, offset, world = _world(place, folder)
    decisions = [world, Decision("fps", "30", "assumed", "as all of RICH")]
    gender_reason = f"subject {int(subject)} in RICH's list"
    decisions.append(Decision("gender", gender, "assumed", gender_reason))
    if not valid.all():
        held = f"the nearest pose in {np.count_nonzero(~valid)} of {len(valid)} frames"
        decisions.append(
            Decision("held", held, "assumed", "there is no file of them that can be read")
        )
    motion = replace(moved(motion, rotation, offset, body), decisions=decisions)
    where = place.relative_to(folder).as_posix()
    take = place.name if where == "." else where
    return EvaluationTake(f"{take}/{subject}", subject, motion, valid, decisions=decisions)


def _world(place: Path, folder: Path) -> tuple[np.ndarray, np.ndarray | float, Decision]:
    """Rotation and offset from a sequence's world into one that is Z up."""
    scene = place.name.split("_")[0]
    names = [f"{scene}_multicam2world.json"]
    names.append(f"{scene}_{'chair' if 'chair' in place.name else 'yoga'}_multicam2world.json")
    folder = folder.absolute()
    for path in [
        root / "multicam2world" / name for root in (folder, *folder.parents[:3]) for name in names
    ]:
        if path.is_file():
            rotation, offset = _scene(path)
            return rotation, offset, Decision("up", "z of the scanned scene", "file", str(path))
    reason = f"as its first camera stood, up to its tilt; no {names[0]} is there"
    return Y_DOWN_TO_Z_UP, 0.0, Decision("up", "-y", "assumed", reason)


def _scene(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if (size := file_size(path)) > MAX_SCENE_BYTES:
        raise DatasetError(f"{path}: has {size} bytes, too many for a rotation and a translation")
    try:
        content = json.loads(read_file(path))
        rows, shift, scale = (np.array(content[key], dtype=np.float64) for key in ("R", "t", "c"))
        off = np.abs(rows @ rows.T - np.eye(3)).max()
        if (
            rows.shape != (3, 3)
            or not off < LEVEL
            or np.linalg.det(rows) < 0
            or shift.size != 3
            or not scale > 0
        ):
            raise ValueError("R is no rotation, t no point, or c no scale above 0")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"{path}: {error}; expected R (3,3), t (3,) and c, as RICH distributes them"
        ) from error
    return rows.T, shift.ravel() / float(scale)

"""3DPW: `sequenceFiles/{train,validation,test}/<sequence>.pkl`, Python 2 pickles, one for each
sequence.

Of each, what its readme describes and its `demo.py` reads: poses, a list of one (T,72) for each
person, trans (T,3), betas (10,) or more, genders "m" or "f", and campose_valid (T,), at the 30 Hz
of the video (poses_60Hz is left). Its world is Y up; x, y, z become x, -z, y. Frames whose camera
was not aligned to the image are no valid ones, as in all published evaluations. People are not
identified across sequences, so each counts as a subject of his or her own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..body.body import Body
from ..body.skeleton import NUM_BETAS
from ..errors import DatasetError
from ..estimates.smpl_parameters import MAX_FRAMES, listed, numbers
from ..files import safe_pickle
from ..keypoints.track import Decision
from ..motion import Motion
from .takes import EXPECTED_ERRORS, EvaluationTake, LeftOut, attempt, gender_of, sentence
from .worlds import Y_UP_TO_Z_UP, moved

FRAME_RATE = 30.0
SPLITS = ("train", "validation", "test")
MAX_PEOPLE = 100
DECISIONS = (
    Decision("up", "y", "assumed", "as all of 3DPW; turned to Z up"),
    Decision("fps", "30", "assumed", "as all of 3DPW"),
)


def holds(folder: Path) -> bool:
    """Whether the folder is 3DPW, its `sequenceFiles`, or one of the splits in that."""
    named = folder.name == "sequenceFiles" or (
        folder.name in SPLITS and folder.parent.name == "sequenceFiles"
    )
    return (folder / "sequenceFiles").is_dir() or (
        named and next(folder.rglob("*.pkl"), None) is not None
    )


def takes(folder: Path, body: Body | None = None) -> Iterator[EvaluationTake | LeftOut]:
    """One take for each person of each sequence below the folder."""
    root = folder / "sequenceFiles" if (folder / "sequenceFiles").is_dir() else folder
    for path in sorted(root.rglob("*.pkl")):
        try:
            content: Any = safe_pickle.load(path, what="3DPW sequence", error=DatasetError)
            count = _people(content)
        except EXPECTED_ERRORS as error:
            yield LeftOut(path, sentence(error))
            continue
        name = path.relative_to(root).with_suffix("").as_posix()
        for person in range(count):
            yield attempt(path, partial(_take, path, content, person, f"{name}_{person}", body))


def _people(content: object) -> int:
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("poses"), list)
        or "trans" not in content
    ):
        found = listed(content) if isinstance(content, dict) else f"a {type(content).__name__}"
        raise ValueError(f"holds {found}; expected a 3DPW sequence, with lists of poses and trans")
    if len(content["poses"]) > MAX_PEOPLE:
        raise ValueError(f"holds more than {MAX_PEOPLE} people")
    return len(content["poses"])


def _take(
    path: Path, content: Mapping, person: int, name: str, body: Body | None
) -> EvaluationTake:
    try:
        poses, trans = _of(content, "poses", person), _of(content, "trans", person)
        betas = np.ravel(_of(content, "betas", person))[:NUM_BETAS]
        valid = (
            np.ravel(_of(content, "campose_valid", person))
            if "campose_valid" in content
            else np.ones(len(poses))
        )
        if len(valid) != len(poses):
            raise ValueError(
                f"campose_valid has {len(valid)} frames; expected {len(poses)}, as poses have"
            )
        genders = content.get("genders")
        gender = (
            gender_of(genders[person])
            if isinstance(genders, list) and person < len(genders)
            else "neutral"
        )
        motion = Motion(poses, trans, betas, FRAME_RATE, gender=gender)
    except EXPECTED_ERRORS as error:
        raise DatasetError(f"{path}: person {person}: {sentence(error)}") from error
    motion = moved(motion, Y_UP_TO_Z_UP, body=body)
    return EvaluationTake(
        name, name, replace(motion, decisions=DECISIONS), valid > 0, decisions=DECISIONS
    )


def _of(content: Mapping, field: str, person: int) -> np.ndarray:
    """The array of one person, of at most `MAX_FRAMES` frames."""
    people = content.get(field)
    if not isinstance(people, list) or person >= len(people):
        raise ValueError(f"has no {field}; it holds {listed(content)}")
    array = numbers({field: people[person]}, field)
    if array.ndim == 0 or len(array) > MAX_FRAMES:
        raise ValueError(f"{field} has shape {array.shape}; expected at most {MAX_FRAMES} frames")
    return array

"""AMASS: folders of npz files, one for each clip, in a folder for each subject.

`<data set>/<subject>/<clip>_poses.npz` holds SMPL+H's poses (T,156), trans (T,3), betas (16,),
gender and mocap_framerate; the newer `<clip>_stageii.npz` holds SMPL-X's poses (T,165), with
mocap_frame_rate and surface_model_type (public: nghorbani/amass, `src/amass/data/prepare_data.py`).
Z up, metres. A folder of clips named `<subject>_<clip>.npz`, without folders for subjects, is read
too.

Betas of SMPL+H are taken for SMPL's, as the field does; those of SMPL-X are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..body.body import Body
from ..files.npz import npz_names
from ..keypoints.track import Decision
from ..motion import Motion
from .takes import EvaluationTake, LeftOut, attempt, gender_of
from .worlds import moved


def holds(folder: Path) -> bool:
    """Whether there is an npz file below the folder."""
    return next(folder.rglob("*.npz"), None) is not None


def takes(folder: Path, body: Body | None = None) -> Iterator[EvaluationTake | LeftOut]:
    """Every clip below the folder, and word of the files that hold no motion (`shape.npz`,
    `*_stagei.npz`)."""
    for path in sorted(folder.rglob("*.npz")):
        yield attempt(path, partial(_take, path, folder, body))


def subject_of(path: Path, folder: Path) -> str:
    """The folders above a clip or, right in `folder`, the part of its name before the first
    underscore."""
    above = path.relative_to(folder).parent.as_posix()
    return path.stem.split("_")[0] if above == "." else above


def _take(path: Path, folder: Path, body: Body | None) -> EvaluationTake | LeftOut:
    names = npz_names(path)
    if not {"poses", "trans"} <= set(names):
        return LeftOut(
            path, f"holds no motion but {', '.join(names[:12]) or 'nothing'}", broken=False
        )
    motion = Motion.load(path)
    motion = replace(motion, gender=gender_of(motion.gender))
    decisions = [Decision("up", "z", "assumed", "as all of AMASS")]
    if motion.is_smplx:
        motion = moved(motion, np.eye(3), body=body)
        decisions.append(
            Decision(
                "betas", "not SMPL's", "file", "its parameters are SMPL-X's; body joints are kept"
            )
        )
    return EvaluationTake(
        name=path.relative_to(folder).with_suffix("").as_posix(),
        subject=subject_of(path, folder),
        truth=motion,
        valid=np.ones(len(motion), dtype=bool),
        decisions=decisions,
    )

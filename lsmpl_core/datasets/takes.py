"""What every data set gives: takes to evaluate on, and word of the files that give none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import LsmplError
from ..keypoints.track import Decision, KeypointTrack
from ..motion import Motion

EXPECTED_ERRORS = (
    LsmplError,
    OSError,
    ArithmeticError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)
"""What reading damaged files raises."""
GENDERS = {"m": "male", "male": "male", "f": "female", "female": "female"}


@dataclass(frozen=True)
class EvaluationTake:
    """One person's take: the true motion, or an estimate and the keypoints to refine it by, or all
    three.

    name: unique in the data set, the file's path in it; subject: who it is, where the data set
    tells, for splits. truth, estimate, track: of the same T frames, Z up but for an estimate, which
    keeps its estimator's world. valid (T,) bool: the frames that the data set vouches for; errors
    are to be averaged over these alone. decisions: what the reader settled.
    """

    name: str
    subject: str
    truth: Motion | None
    valid: np.ndarray
    estimate: Motion | None = None
    track: KeypointTrack | None = None
    decisions: Sequence[Decision] = ()

    @property
    def gender(self) -> str:
        """Of the body that the motion is of: "male", "female" or "neutral"."""
        motion = self.estimate if self.truth is None else self.truth
        return "neutral" if motion is None else motion.gender

    def __len__(self) -> int:
        return len(self.valid)


@dataclass(frozen=True)
class LeftOut:
    """A file that gave no take, or no frame of one, and why: it is `broken`, or there is nothing of
    use in it."""

    path: Path
    reason: str
    broken: bool = True

    def __str__(self) -> str:
        return (
            self.reason if self.reason.startswith(str(self.path)) else f"{self.path}: {self.reason}"
        )


def attempt(path: Path, read: Callable[[], EvaluationTake | LeftOut]) -> EvaluationTake | LeftOut:
    """What `read` gives, or, where the file at `path` is damaged, word of that."""
    try:
        return read()
    except EXPECTED_ERRORS as error:
        return LeftOut(path, sentence(error))


def sentence(error: BaseException) -> str:
    """What went wrong, for the user."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return str(error) or type(error).__name__


def gender_of(word: object) -> str:
    """ "male" or "female" of a body, as files name it ("m", "f", "Male"); "neutral" for anything
    else."""
    return GENDERS.get(str(word).lower(), "neutral")

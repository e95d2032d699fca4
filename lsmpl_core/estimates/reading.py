"""Motions of other SMPL estimators, read as `Motion` with one pose for each frame of the video.

`estimates/formats.py` says what is read. Worlds differ (a camera's, Y down, Y up) and are left as
they are: `refine` turns a motion into its track's world.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..body.skeleton import NUM_JOINTS
from ..errors import MotionFileError
from ..files.npz import open_npz, read_array, read_header
from ..files.opening import file_size, open_file, read_file
from ..keypoints.track import Decision
from ..motion import DEFAULT_FPS, NO_RATE, Motion
from .aliases import MOST_KEYS, pose_keys
from .bare_poses import are_poses, may_be_poses
from .contents import MOTION_X
from .formats import Estimates, Person, read_estimates
from .smpl_parameters import MAX_FRAMES, fingers, parameters

MAX_PEOPLE = 10_000
ENDINGS = (".pkl", ".pickle", ".pk", ".pth", ".pt", ".smpl")
"""Of files that hold motions, whatever else they might."""


def read_motion(
    path: str | os.PathLike, person: str | int | None = None, frames: int | None = None
) -> Motion:
    """The motion in a file of ours (AMASS layout) or in what WHAM, 4DHumans, GVHMR or SMPLer-X
    wrote.

    The content decides the format. `person` is one of several people, as the file calls them;
    without it, the one estimated in most frames. `frames` is how many there should be, for results
    that do not tell how long the video was (WHAM, SMPLer-X); without it these end with the last
    estimate. Frames without an estimate hold the nearest one. World coordinates are preferred to a
    camera's; betas are the mean over the frames; `decisions` says what was chosen. Pickles are read
    by `safe_pickle`, PyTorch files by torch's reader of mere weights: nothing in a file is run.
    Raises `MotionFileError` naming the file and what is wrong, also where a PyTorch file needs
    torch.
    """
    path = Path(path)
    try:
        estimates = read_estimates(path)
        if estimates is None:
            return _amass(path, person)
        return _motion(estimates, person, frames)
    except OSError as error:
        raise MotionFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (
        MotionFileError,
        ArithmeticError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
    ) as error:
        message = str(error)
        raise MotionFileError(
            message if message.startswith(str(path)) else f"{path}: {message}"
        ) from error


def motion_of(estimates: Estimates, person: str | None, frames: int, where: str) -> Motion:
    """`read_motion` of what was read already, of a take of so many frames. Raises
    `MotionFileError`."""
    try:
        return _motion(estimates, person, frames)
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise MotionFileError(f"{where}: {error}") from error


def holds_motion(path: str | os.PathLike) -> bool:
    """Whether a file is one that `read_motion` reads, and no keypoint file, by its content; an npz
    may be either.

    False where it cannot be read at all. Only the names and the shapes of arrays are looked at,
    and of bare ones their numbers.
    """
    path = Path(path)
    if path.suffix.lower() in ENDINGS:
        return True
    if path.suffix.lower() == ".npy":
        return _object_npy_of_poses(path) or _npy_of_poses(path)
    if path.suffix.lower() != ".npz":
        return False
    try:
        with open_npz(path, file_size(path)) as archive:
            shapes = {name: archive.shape(name) for name in archive.names[:MOST_KEYS]}
            single = [name for name, shape in shapes.items() if shape == ()]
            if any(_names_poses(archive.raw(name)[:LOOKED_AT]) for name in single[:MOST_OBJECTS]):
                return True
    except (OSError, ValueError):
        return False
    fields = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    keys = pose_keys(fields)
    if len(keys) == 2:
        return True
    shape = shapes[keys[0]] if keys and "trans" in shapes else ()
    return len(shape) == 2 or (len(shape) == 3 and shape[1:] == (NUM_JOINTS, 3))


def _object_npy_of_poses(path: Path) -> bool:
    """Whether an npy holds objects, not numbers, and among them a pose by its name."""
    try:
        start = read_file(path, LOOKED_AT)
    except OSError:
        return False
    return _names_poses(start) or f", {MOTION_X})".encode() in start[:256]


def _npy_of_poses(path: Path) -> bool:
    """Whether an npy holds rotations of SMPL's joints alone. Its numbers are looked at where its
    shape fits, for joints' places have the same."""
    try:
        size = file_size(path)
        with open_file(path) as stream:
            if not may_be_poses(read_header(stream)[0]):
                return False
            stream.seek(0)
            return are_poses(read_array(stream, size))
    except (OSError, ValueError):
        return False


def _names_poses(start: bytes) -> bool:
    """Whether an npy that begins so holds objects with a pose among them."""
    return b"'|O'" in start[:256] and any(name.encode() in start for name in _POSES)


_POSES = ("pred_rotmat", "smpl_poses", "body_pose", "root_orient", "smpl_thetas", "thetas")
LOOKED_AT, MOST_OBJECTS = 1 << 16, 8
"""Bytes of an array of objects, and such arrays of an archive, that are looked at."""


def _amass(path: Path, person: str | int | None) -> Motion:
    if person is not None:
        raise ValueError("holds one motion in the AMASS layout, so there is no person to choose")
    return Motion.load(path)


def _motion(estimates: Estimates, person: str | int | None, frames: int | None) -> Motion:
    people = {name: seen for name, seen in estimates.people.items() if len(seen.frames)}
    if not people:
        raise ValueError("holds no estimate of anybody")
    if len(people) > MAX_PEOPLE or max(len(seen.frames) for seen in people.values()) > MAX_FRAMES:
        raise ValueError(
            f"holds more than {MAX_PEOPLE} people, or more than {MAX_FRAMES} frames of one"
        )

    # Whose motion it is, and what was settled about it.
    chosen = _chosen(people, person)
    decisions = [
        Decision("estimator", estimates.estimator, "detected", "from what the file holds"),
        chosen,
        *estimates.decisions,
    ]
    if not estimates.tracked:
        reason = "people are numbered anew in each frame, so a number may go from one to another"
        decisions.append(Decision("identity", "the person's number", "assumed", reason))

    # The frames that are wanted, and the poses that are known.
    first, end = _span(estimates, people, frames)
    if first != estimates.first:
        decisions.append(
            Decision(
                "first frame", str(first), "detected", f"from there on there are {frames} frames"
            )
        )
    seen = people[chosen.value]
    known, read = np.unique(seen.frames, return_index=True)
    fields = seen.read(read)
    poses, trans, betas, body = parameters(fields, len(known))
    bent = fingers(fields, len(known))

    # Frames without an estimate hold the nearest one.
    wanted = np.arange(first, end)
    held = len(wanted) - np.isin(wanted, known).sum()
    if held:
        reason = f"person {chosen.value} was not estimated in them"
        decisions.append(
            Decision(
                "held", f"the nearest pose in {held} of {len(wanted)} frames", "assumed", reason
            )
        )

    if estimates.fps is not None:
        decisions.append(Decision("fps", f"{estimates.fps:g}", "file"))
    else:
        decisions.append(Decision("fps", f"{DEFAULT_FPS:g}", "assumed", NO_RATE))

    at = nearest(known.astype(np.int64), wanted)
    return Motion(
        poses[at],
        trans[at],
        betas,
        fps=estimates.fps or DEFAULT_FPS,
        body=body,
        fingers=None if bent is None else bent[at],
        first_frame=first,
        decisions=tuple(decisions),
    )


def _chosen(people: Mapping[str, Person], person: str | int | None) -> Decision:
    """The person asked for, or the one in most frames."""
    by_frames = sorted(people, key=lambda name: -len(people[name].frames))
    listed = ", ".join(f"{name} ({len(people[name].frames)} frames)" for name in by_frames[:12])
    listed += f" and {len(people) - 12} more" if len(people) > 12 else ""
    if person is not None:
        if str(person) not in people:
            raise ValueError(f"has no person {person}; there are: {listed}")
        return Decision("person", str(person), "given")
    if len(people) == 1:
        return Decision("person", by_frames[0], "file", "there is no other")
    return Decision("person", by_frames[0], "assumed", f"estimated in most frames of: {listed}")


def nearest(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Indices into `known`, which rises, of what is nearest to each of `wanted`; the earlier of
    two."""
    after = np.clip(np.searchsorted(known, wanted), 0, len(known) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(np.abs(known[after] - wanted) < np.abs(wanted - known[before]), after, before)


FREE_FRAMES, MOST_GAP = 20_000, 100
"""Frames that a file may number, however few it has, and for each one that it has: those between
hold the nearest, and would fill the memory."""


def _span(
    estimates: Estimates, people: Mapping[str, Person], frames: int | None
) -> tuple[int, int]:
    """(first, end) of the frames that get a pose."""
    first, end = estimates.first, estimates.end
    earliest = int(min(person.frames.min() for person in people.values()))
    last = int(max(person.frames.max() for person in people.values()))
    if earliest < first or last - first >= MAX_FRAMES:
        raise ValueError(
            f"numbers its frames {earliest} to {last}; expected at most {MAX_FRAMES}, from {first} "
            "on"
        )
    estimated = sum(len(person.frames) for person in people.values())
    if last - first >= FREE_FRAMES + MOST_GAP * estimated:
        raise ValueError(
            f"numbers its frames {earliest} to {last}, but holds only {estimated} estimates"
        )
    if end is None and frames is not None:
        if last - earliest + 1 == frames:
            first = earliest
        if last - first >= frames:
            raise ValueError(
                f"numbers its frames {earliest} to {last}, which are no frames of a take of "
                f"{frames}"
            )
        return first, first + frames
    return first, last + 1 if end is None else end

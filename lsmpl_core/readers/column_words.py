"""What single cells above a table's numbers say: an axis, a unit, a kind of number, a rate."""

from __future__ import annotations

import re

from .field_words import WORDS
from .keypoint_names import fold
from .units import SPELLED_UNITS
from .units import UNITS as METRES

AXES = ("x", "y", "z")
CONFIDENCE = frozenset(
    ("confidence", "conf", "visibility", "likelihood", "score", "probability", "presence", "c", "v",
     "p")
)  # fmt: skip
UNIT_WORDS = {**{unit: unit for unit in METRES}, **SPELLED_UNITS}
"""What labels and rows call units of length, and the unit."""
UNITS = frozenset(UNIT_WORDS)
FRAME = frozenset(
    map(fold, ("frame", "frames", "fnum", "frame number", "frame id", "frame idx", "frame index",
    "frameno", "item"))
)  # fmt: skip
IMAGE = frozenset(
    map(fold, ("file", "filename", "file name", "image", "image name", "image path", "image id",
    "img", "img name", "img path", "frame name", "frame file", "picture"))
)  # fmt: skip
TIME = frozenset(
    map(fold, ("time", "times", "timestamp", "timestamps", "t", "time s", "time seconds",
    "seconds", "time ms", "timestamp ms", "timestamp ns", "timestamp us", "timecode", "smpte"))
)  # fmt: skip
RATE = tuple(
    map(fold, ("export frame rate", "frame rate", "capture frame rate", "frequency", "fps",
    "data rate", "sample rate", "sampling rate", "sampling frequency", "camera rate",
               "frames per second", "rate",
               "capture rate", "camera frame rate", "video frame rate", "video fps", "export rate"))
)  # fmt: skip
STEP = tuple(map(fold, ("frame time", "dt", "delta t", "time step", "sample time")))
"""What files call the time from a frame to the next, in s."""
_TIME_WORDS = frozenset(("time", "times", "timestamp", "timestamps", "t", "elapsed"))
_TIME_BESIDE = frozenset(
    ("s", "sec", "secs", "seconds", "ms", "msec", "millis", "milliseconds", "us", "usec",
     "microseconds", "ns", "nanoseconds", "in", "relative", "video", "capture", "recording",
     "system", "unix", "epoch", "utc", "device", "sensor", "camera", "frame", "since", "start")
)  # fmt: skip
LENGTH_UNIT = tuple(map(fold, ("length units", "length unit", "units", "unit")))
POSITION = frozenset(
    ("position", "pos", "translation", "location", "positions", "crd", "coord", "coords",
    "coordinate", "coordinates", "xyz")
)  # fmt: skip
OTHER = frozenset(
    ("rotation", "rot", "quat", "quaternion", "orientation", "euler", "angle", "angles",
    "velocity", "vel", "speed", "acceleration", "acc", "force", "moment", "power", "error",
     "torque", "gyro", "mag", "flexion", "unc", "uncertainty", "std", "sigma", "cov", "covariance",
     "variance")
)  # fmt: skip
TURNING = frozenset(("rotation", "rot", "quat", "quaternion", "orientation"))
"""Of these, words for how bones are turned."""
QUATERNION = ("qw", "qx", "qy", "qz")
"""Keys of a quaternion's numbers."""
KINDS = ("BONE", "MARKER", "BONEMARKER", "RIGIDBODY", "RIGIDBODYMARKER")
"""What Motive's row of types says, likeliest to be a person's first."""
NAMES_ROW = frozenset(
    ("NAME", "NAMES", "BODYPARTS", "BODYPART", "NODE", "NODES", "MARKERNAMES", "MARKERS")
)
SUBJECT_ROW = frozenset(
    ("INDIVIDUALS", "INDIVIDUAL", "SUBJECT", "SUBJECTS", "TRACK", "TRACKS", "PERSON")
)
POINT_COLUMNS = frozenset(map(str.upper, WORDS["keypoint columns"]))
PERSON_COLUMNS = frozenset(map(str.upper, WORDS["person columns"]))
"""Labels, folded, of columns that say which keypoint a row is of, and whose."""
SEPARATORS = re.compile(r"[\s_.,'\"\-/\[\]()]+")
SPACES = frozenset(
    word for word in (*WORDS["wanted spaces"], *WORDS["other spaces"]) if len(word) > 1
)
"""What may stand behind an axis and tells several places of one keypoint apart: `nose_x_raw`."""
LONGEST_LABEL = 256
_TURN = re.compile(r"(?:q[xyzws0-3]|r[xyz]|rot[xyz]|w)\d{0,6}", re.I)


def axis_of(cell: str) -> str:
    """The key of a cell of a row of axes: `X`, `x`, `X12`, or c for a confidence; "" where it is
    none."""
    word = cell.strip().lower()
    if found := re.fullmatch(r"[tp]?([xyz])\d{0,6}", word):
        return found[1]
    return "c" if word in CONFIDENCE else ""


def quaternion_key(cell: str) -> str:
    """The key of a cell that is of a quaternion's number where it is known to be one's: `W`, `qw`;
    "" where it is none."""
    word = cell.strip().lower()
    key = word if word.startswith("q") else f"q{word}"
    return key if key in QUATERNION else ""


def is_frame(label: str) -> bool:
    """Whether a column's label says that it counts frames, or names an image for each."""
    return fold(label) in FRAME | IMAGE


def is_time(label: str) -> bool:
    """Whether a column's label says that it is of times: `Time (s)`, `t_ms`, `elapsed_time`."""
    words = [word for word in SEPARATORS.split(label.lower().strip("#% ")) if word]
    known = _TIME_WORDS.intersection(words) and _TIME_BESIDE.union(_TIME_WORDS).issuperset(words)
    return fold(label) in TIME or bool(known)


def is_turn(cell: str) -> bool:
    """Whether a cell is a component of a rotation: `QX`, `RX`, `W`."""
    return _TURN.fullmatch(cell.strip()) is not None


def is_other(cell: str) -> bool:
    """Whether a cell above columns says that they are of no places; a legend ("x = angle") does
    not."""
    return "=" not in cell and not OTHER.isdisjoint(SEPARATORS.split(cell[:LONGEST_LABEL].lower()))


def unit_word(cell: str) -> str:
    return cell.strip("()[] ").lower()

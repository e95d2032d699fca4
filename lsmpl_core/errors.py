"""The errors a user can meet, under one base class, so that each front end catches and reports them
in one place."""

from .shown import shown

LONGEST_MESSAGE = 2_000
"""Letters of a line; words of a file stand in messages, and may be of any length."""


class LsmplError(Exception):
    """Something the user can act on.

    The message is a sentence (or a few) for the user: it names the file and the field, what was
    found, and what would have been valid. Operators hand it to `self.report`, the command line
    prints it to stderr. Names and paths in it are shown as all of others' words are (`shown.py`):
    nothing in them moves a cursor or turns a line, and where one is endless, the middle of the
    line is left out. Several lines, of several files for instance, are given each by itself.
    """

    def __init__(self, *lines: object) -> None:
        super().__init__("\n".join(shown(str(line), LONGEST_MESSAGE) for line in lines))


class KeypointFileError(LsmplError):
    """A file of keypoint tracks cannot be read."""


class BodyFileError(LsmplError):
    """A body model file cannot be read, or is not an SMPL body."""


class MotionFileError(LsmplError):
    """A motion file cannot be read or written."""


class CalibrationError(LsmplError):
    """A stored calibration is damaged, or none."""


class CameraError(LsmplError):
    """A file of cameras cannot be read, or says nothing of where they stood."""


class DatasetError(LsmplError):
    """A folder is no data set of a known kind, or a file of one cannot be read."""


class NetworkFileError(LsmplError):
    """A file of network weights cannot be read, or holds another network."""


class LayoutError(LsmplError):
    """Keypoints cannot be matched to a known layout, or a mapping to one is wrong."""


class BoneMapError(LsmplError):
    """A bone map cannot be read, or a character's bones cannot be told."""


class RetargetError(LsmplError):
    """A motion cannot be put on a character: its skeleton or its mapping does not allow it."""


class SolveError(LsmplError):
    """A take cannot be solved: too little of it is seen, or its numbers make no sense."""


class DeviceError(LsmplError):
    """The compute device asked for is not available."""

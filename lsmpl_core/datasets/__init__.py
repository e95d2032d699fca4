"""Evaluation data sets, read as their owners distribute them, for those who have them.

    for take in read_dataset("auto", folder):
        if isinstance(take, LeftOut): ...

Nothing in a file is run; files that cannot be read are reported, and stop nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..body.body import Body
from ..errors import DatasetError
from . import amass, paired, rich, threedpw
from .takes import EvaluationTake, LeftOut

KINDS = {"3dpw": threedpw, "rich": rich, "paired": paired, "amass": amass}
"""Modules that know whether a folder `holds` the kind, and the `takes` in it; the surest to be told
comes first."""

__all__ = ["KINDS", "EvaluationTake", "LeftOut", "detect_kind", "read_dataset"]


def read_dataset(
    kind: str, folder: str | os.PathLike, body: Body | None = None
) -> Iterator[EvaluationTake | LeftOut]:
    """The takes of a data set, one after the other as they are read.

    kind: one of `KINDS`, or "auto", which goes by the folder's files. body: the one that the
    motions are to be used on; turning a motion to Z up needs its rest pelvis, for which the mean
    shape's stands in where it is None (`worlds.moved`). A file that gives no take gives a `LeftOut`
    instead.
    Raises `DatasetError` where the folder is not there, is of no known kind, or the kind is
    unknown.
    """
    folder = Path(folder)
    if kind == "auto":
        kind = detect_kind(folder)
    if kind not in KINDS:
        raise DatasetError(
            f"no data set is called {kind!r}; choose one of: auto, {', '.join(KINDS)}"
        )
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is no folder")
    return KINDS[kind].takes(folder, body)


def detect_kind(folder: str | os.PathLike) -> str:
    """The kind of data set in a folder. Raises `DatasetError` if it is none that is known."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is no folder")
    for kind, module in KINDS.items():
        if module.holds(folder):
            return kind
    raise DatasetError(
        f"{folder}: holds no known data set; expected 3DPW (sequenceFiles/*/*.pkl), RICH "
        "(<sequence>/<frame>/"
        "<subject>.pkl), paired estimates (folders estimates and keypoints) or AMASS (*.npz)"
    )

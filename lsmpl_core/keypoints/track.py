"""`KeypointTrack`: the 3D keypoints of one take, in metres, Z up, in the order of their layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from ..bounds import FARTHEST, FASTEST, SLOWEST, is_rate
from ..concise import concise_repr
from ..errors import KeypointFileError
from ..medians import within
from .hand_points import HandPoints
from .layouts import Layout, get_layout

Basis = Literal["given", "file", "detected", "assumed", "fallback"]
DOUBTFUL = 0.8
HARDLY_TRUSTED = 0.2
"""Share of the usual confidence below which a keypoint is hardly trusted."""


@dataclass(frozen=True)
class Decision:
    """One thing a reader had to settle (`what`: layout, unit, up, fps, ...): the `value`, on which
    `basis`, and why.

    `basis` runs from surest to least sure: "given" by the user, stated in the "file", "detected"
    from the numbers, "assumed" because nothing tells; "fallback" is instead of what was asked for
    and could not be had. `confidence` is the estimated probability that it is right, where one can
    be given.
    """

    what: str
    value: str
    basis: Basis
    reason: str = ""
    confidence: float | None = None

    @property
    def doubtful(self) -> bool:
        """Whether the user should be told without asking."""
        return self.basis in ("assumed", "fallback") or (
            self.confidence is not None and self.confidence < DOUBTFUL
        )

    def __str__(self) -> str:
        return f"{self.what}: {self.value} ({self.explanation})"

    @property
    def explanation(self) -> str:
        """Basis, how sure, and why: "detected, 98 % sure, the segments are those of a person 1.72 m
        tall"."""
        sure = None
        if self.confidence is not None:
            sure = f"{'only ' if self.doubtful else ''}{min(100 * self.confidence, 99):.0f} % sure"
        return ", ".join(part for part in (self.basis, sure, self.reason) if part)


@dataclass(init=False)
class KeypointTrack:
    """Keypoints over time.

    positions (T,K,3) in metres, right-handed, Z up; a missing keypoint is NaN, and so is one that
    is farther away than anything is (`bounds.py`).
    confidence (T,K) in 0..1 (1 where not given); exactly 0 where a keypoint is missing.
    layout: a `Layout` or the name of one; fps in frames a second; first_frame: the number of the
    take's first frame as its file counts; source: where it came from, for messages; decisions: what
    its reader settled. trusted (T,K) bool: keypoints that somebody placed by hand, which are not
    doubted and count more; believed (T,K) bool: keypoints that somebody said are right, which are
    not doubted; None for none. hands: the points of the hands beside the layout's keypoints, where
    there are some. world (4,4): what brings a point of the file's own numbers (x, y, z, 1) to the
    track's space, such as a camera that was calibrated with them; None where there is no such file.
    turns (T,K,3): axis-angles by which the bones that begin at the keypoints are turned in the
    track's space, each from any rest of its own, where the file says so, NaN where it does not;
    None for none.
    """

    positions: np.ndarray
    confidence: np.ndarray
    layout: Layout
    fps: float
    first_frame: int
    source: str
    decisions: Sequence[Decision]
    trusted: np.ndarray | None
    believed: np.ndarray | None
    hands: HandPoints | None
    world: np.ndarray | None
    turns: np.ndarray | None
    __repr__ = concise_repr

    def __init__(
        self,
        positions: np.ndarray,
        confidence: np.ndarray | None = None,
        layout: Layout | str = "body_25",
        fps: float = 30.0,
        first_frame: int = 0,
        source: str = "",
        decisions: Sequence[Decision] = (),
        trusted: np.ndarray | None = None,
        believed: np.ndarray | None = None,
        hands: HandPoints | None = None,
        world: np.ndarray | None = None,
        turns: np.ndarray | None = None,
        copy: bool = True,
    ):
        """copy: False where positions and confidence are given away, and may become the track's own
        arrays. Raises `KeypointFileError` for shapes that do not fit, `LayoutError` for a layout
        that nobody knows."""
        own = np.array if copy else partial(np.require, requirements=("C", "W"))
        self.layout = get_layout(layout)
        self.positions = own(positions, dtype=np.float64)
        shape, where = self.positions.shape[:2], f"{source}: " if source else ""
        if self.positions.ndim != 3 or self.positions.shape[1:] != (len(self.layout), 3):
            expected = f"(T, {len(self.layout)}, 3) for layout {self.layout.name}"
            raise KeypointFileError(
                f"{where}positions have shape {self.positions.shape}; expected {expected}"
            )
        self.confidence = (
            np.ones(shape) if confidence is None else own(confidence, dtype=np.float64)
        )
        if self.confidence.shape != shape:
            raise KeypointFileError(
                f"{where}confidence has shape {self.confidence.shape}; expected {shape}"
            )

        for name, mask in (("trusted", trusted), ("believed", believed)):
            if mask is not None and np.shape(mask) != shape:
                raise KeypointFileError(
                    f"{where}{name} has shape {np.shape(mask)}; expected {shape}"
                )
        self.trusted = None if trusted is None else np.array(trusted, dtype=bool)
        self.believed = None if believed is None else np.array(believed, dtype=bool)

        if not is_rate(fps):
            raise KeypointFileError(
                f"{where}the frame rate is {fps:.6g}; takes have {SLOWEST:g} to {FASTEST:,.0f} "
                "frames a second"
            )
        self.fps, self.first_frame, self.source, self.decisions = (
            fps,
            first_frame,
            source,
            decisions,
        )

        if hands is not None and len(hands) != len(self.positions):
            raise KeypointFileError(
                f"{where}hands have {len(hands)} frames; expected {len(self.positions)}"
            )
        if turns is not None and np.shape(turns) != self.positions.shape:
            raise KeypointFileError(
                f"{where}turns have shape {np.shape(turns)}; expected {self.positions.shape}"
            )
        self.hands, self.world = hands, world
        self.turns = None if turns is None else np.array(turns, dtype=np.float32)

        # a keypoint is there with all it has, or not at all
        missing = ~within(self.positions, np.zeros(3), FARTHEST) | ~(self.confidence > 0)
        self.positions[missing] = np.nan
        self.confidence[missing] = 0.0
        np.clip(self.confidence, 0.0, 1.0, out=self.confidence)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def person(self) -> str:
        """Who of several people in the file this is, as the file calls them; "" where there was
        nobody to choose."""
        return next(
            (decision.value for decision in self.decisions if decision.what == "person"), ""
        )

    @property
    def visible(self) -> np.ndarray:
        """(T,K) bool: which keypoints were seen."""
        return self.confidence > 0

    @property
    def user_edited(self) -> np.ndarray:
        """(T,K) bool: which keypoints somebody placed by hand."""
        return (
            np.zeros(self.visible.shape, dtype=bool)
            if self.trusted is None
            else self.trusted & self.visible
        )

    @property
    def undoubted(self) -> np.ndarray:
        """(T,K) bool: which keypoints are not to be doubted: those placed by hand, and those said
        to be right."""
        return (
            self.user_edited
            if self.believed is None
            else self.user_edited | (self.believed & self.visible)
        )

    @property
    def firm(self) -> KeypointTrack:
        """The track without keypoints that are hardly trusted, against what is usual in it: they
        may show something, but nothing is to be measured on them (a shape, how noisy the others
        are)."""
        usual = np.median(self.confidence[self.visible]) if self.visible.any() else 0.0
        hardly = self.visible & (self.confidence < HARDLY_TRUSTED * usual) & ~self.undoubted
        return (
            replace(self, confidence=np.where(hardly, 0.0, self.confidence))
            if hardly.any()
            else self
        )

    @property
    def missing_fraction(self) -> float:
        """Share of the keypoints that are missing, of those that are seen at least once in the
        take."""
        ever = self.visible.any(axis=0)
        return float(1.0 - self.visible[:, ever].mean()) if ever.any() else 1.0

    def frames(self, selection: slice | np.ndarray) -> KeypointTrack:
        """The same track with only some frames (a slice with step 1 keeps `first_frame` right)."""
        start = selection.indices(len(self))[0] if isinstance(selection, slice) else 0
        return replace(
            self,
            positions=self.positions[selection],
            confidence=self.confidence[selection],
            trusted=None if self.trusted is None else self.trusted[selection],
            believed=None if self.believed is None else self.believed[selection],
            hands=None if self.hands is None else self.hands.frames(selection),
            turns=None if self.turns is None else self.turns[selection],
            first_frame=self.first_frame + start,
        )

"""`SolveOptions`: what a user can choose about a solve."""

from __future__ import annotations

import importlib.util
from dataclasses import InitVar, dataclass, replace

from ..errors import DeviceError, SolveError
from ..renaming import warn_renamed

SOLVERS = ("network", "polish", "published")
TRAVELS = ("auto", "keep", "feet")
HANDS = ("auto", "off")
ROTATIONS = ("auto", "no")

MORE_STEPS = 8
"""Steps of the polish that a frame may take beyond its own, until its keypoints are met."""


@dataclass(frozen=True)
class SolveOptions:
    """Options of the solver; the defaults are the measured best.

    solver: "network" predicts each frame by the residual network, "polish" by the frame before it,
    and "published" by Learnable SMPLify's network from `checkpoint`, as its authors run it. polish:
    Levenberg-Marquardt steps a frame; 0 leaves the prediction as it is; None is 0 for "published"
    and 1 for the others. noise: how far keypoints are off in each axis, in metres, one standard
    deviation; None measures it on the take. anchor: weight of the predicted pose, in m²/rad², and
    prior: weight of the pose prior, in m² (see `polish.py`), both for keypoints that are off by
    `EXACT_NOISE`; they grow with the square of the noise. shape_frames: how many frames the shape
    is refined on. repair: find swapped sides, outliers and short gaps before solving (`repair/`).
    optimise_sequence: polish all frames together afterwards (`sequence_optimisation.py`); None does
    so where keypoints are noisy, missing or not believed, and there is polish at all. travel:
    "keep" leaves the body where the keypoints are, "feet" finds its way and height from the feet
    that stand (`cleaning/travel.py`), and "auto" does so for takes that are relative to the hips.
    hands: "auto" gives the motion fingers where the take has points of hands, "off" leaves them.
    rotations: "auto" takes how the file says that bones are turned for a hint where that helps
    (`bone_turns.py`), "no" leaves it.
    estimate_sigma: by how many radians each axis of a joint is off in a motion that is refined, one
    standard deviation; None judges it by the keypoints (`estimate_errors.py`).
    """

    solver: str = "network"
    checkpoint: str = ""
    polish: int | None = None
    noise: float | None = None
    anchor: float = 1e-6
    prior: float = 1e-8
    shape_frames: int = 80
    repair: bool = True
    optimise_sequence: bool | None = None
    travel: str = "auto"
    hands: str = "auto"
    rotations: str = "auto"
    estimate_sigma: float | None = None
    mend: InitVar[bool | None] = None
    couple: InitVar[bool | None] = None

    def __post_init__(self, mend: bool | None, couple: bool | None) -> None:
        # The names of `repair` and `optimise_sequence` in 0.1, for one version more.
        for old, new, value in (("mend", "repair", mend), ("couple", "optimise_sequence", couple)):
            if value is not None:
                warn_renamed(f"SolveOptions({old}=...)", f"SolveOptions({new}=...)", stacklevel=5)
                object.__setattr__(self, new, value)

    @property
    def more_steps(self) -> int:
        """Of the polish at most, where keypoints are not met yet."""
        return 0 if self.steps == 0 or self.solver == "published" else MORE_STEPS

    @property
    def hinted(self) -> bool:
        """Whether what a file says of how bones are turned is taken for a hint."""
        return self.rotations == "auto" and self.steps > 0 and self.solver != "published"

    @property
    def steps(self) -> int:
        """Of the polish, a frame."""
        return (0 if self.solver == "published" else 1) if self.polish is None else self.polish

    def checked(self) -> SolveOptions:
        """These options. Raises `SolveError` or `DeviceError` where they cannot be met."""
        if self.solver not in SOLVERS:
            raise SolveError(
                f"no solver is called {self.solver!r}; choose one of: {', '.join(SOLVERS)}"
            )
        if self.travel not in TRAVELS:
            raise SolveError(f"travel is {self.travel!r}; expected one of: {', '.join(TRAVELS)}")
        if self.hands not in HANDS:
            raise SolveError(f"hands is {self.hands!r}; expected one of: {', '.join(HANDS)}")
        if self.rotations not in ROTATIONS:
            raise SolveError(
                f"rotations is {self.rotations!r}; expected one of: {', '.join(ROTATIONS)}"
            )
        if self.solver == "published":
            if not self.checkpoint:
                raise SolveError(
                    "solver 'published' needs its checkpoint, the path of a best_ckpt.pth.tar"
                )
            if importlib.util.find_spec("torch") is None:
                raise DeviceError(
                    "solver 'published' needs PyTorch, which is not installed here (for the "
                    "command: pip install torch; in Blender: PyTorch Folder in the preferences)"
                )
        return self

    @property
    def preparing(self) -> SolveOptions:
        """For what comes before a take is tracked: its shape, its start and its noise."""
        if self.solver != "published":
            return self
        return replace(self, solver=SolveOptions.solver, polish=SolveOptions.polish)

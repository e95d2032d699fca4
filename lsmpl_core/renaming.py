"""The warning of names of 0.1 that later ones took the place of."""

from __future__ import annotations

import warnings


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Tell the caller of who calls this that `old` is `new` now."""
    warnings.warn(
        f"{old} is now {new}; the old name goes with the next version",
        DeprecationWarning,
        stacklevel,
    )

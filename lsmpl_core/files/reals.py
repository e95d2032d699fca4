"""Arrays of files in double precision."""

import numpy as np


def reals(array: np.ndarray) -> np.ndarray:
    """In double precision, without the warnings of signalling NaNs and long doubles."""
    with np.errstate(invalid="ignore", over="ignore"):
        return array.astype(np.float64)

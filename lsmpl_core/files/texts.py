"""Arrays of texts in files."""

import sys

import numpy as np


def checked_texts(array: np.ndarray) -> np.ndarray:
    """The array; `ValueError` where it is of texts with letters that there are none of, which NumPy
    does not look at and Python fails over in many ways."""
    if array.dtype.kind == "U" and array.size:
        codes = np.frombuffer(array.tobytes(), np.uint32)
        swapped = array.dtype.byteorder == ("<" if sys.byteorder == "big" else ">")
        if (codes.byteswap() if swapped else codes).max(initial=0) > sys.maxunicode:
            raise ValueError("holds no valid text")
    return array

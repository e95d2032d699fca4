"""Medians of what is seen are NumPy's, and silent where nothing is."""

import warnings

import numpy as np
import pytest

from lsmpl_core.medians import seen_median


@pytest.mark.parametrize("length", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("axis", [0, 1])
def test_they_are_numpys(rng, length, axis):
    values = np.moveaxis(rng.normal(size=(length, 4, 3)), 0, axis)
    values[rng.random(values.shape) < 0.4] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmedian(values, axis=axis)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(seen_median(values, axis=axis), expected)

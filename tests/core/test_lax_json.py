"""Texts that mean JSON, and what comes of them; endless ones take a time that is linear in their length."""

import json
from contextlib import suppress

import pytest

from lsmpl_core.files.lax_json import as_json


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("{a: 1,}", {"a": 1}),
        ("[.5, +2, 3.,]", [0.5, 2.0, 3.0]),
        ("{'a': (1, 2), 'b': None, 3: nan, 'c': True}", {"a": [1, 2], "b": None, "3": None, "c": True}),
        ("array([[0.1, 0.2],\n [1. 2.]], dtype=float32)", [[0.1, 0.2], [1.0, 2.0]]),
        ("[np.float64(3.5), Landmark(x=0.1, y=-.5)]", [3.5, {"x": 0.1, "y": -0.5}]),
        ("[{'a': tensor([1.], device='cuda:0', grad_fn=<A(1)>)}]", [{"a": [1.0]}]),
        ('// a\n# b\n{/* c */ "u": "http://d"} // e', {"u": "http://d"}),
        ('var d = ["it\'s", \'"x"\', "C:\\Data"];', ["it's", '"x"', "C:\\Data"]),
        ('12.5\t{"a": 1}', {"time": 12.5, "data": {"a": 1}}),
        ('[{"a": 1},\n{"a": 2},\n', [{"a": 1}, {"a": 2}]),
    ],
)
def test_is_what_it_means(text, means):
    assert json.loads(as_json(text)) == means


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a":', "[1,, 2]", "{'a': 1", "[1 ... 2]", "nothing", "{]}", '["a'])
def test_what_means_nothing_or_is_cut_off_is_refused(text):
    with pytest.raises(ValueError):
        json.loads(as_json(text))


@pytest.mark.parametrize("piece", ['\\"', "\\'", "1", "'", '"', "/*", "//", "a.", "-", "\\", "(", ")", "# "])
@pytest.mark.parametrize("begin", ["{} ", "["])
def test_many_of_the_same_are_not_looked_at_again_from_each(piece, begin):
    with suppress(ValueError, RecursionError):
        as_json(begin + '"' * (piece[0] == "\\") + 200_000 * piece + "x]")  # their square would take minutes

"""JSON with its lists of numbers as arrays holds what Python reads, and its errors say the same."""

import json

import numpy as np
import pytest

from lsmpl_core.files.json_arrays import load_json

FIVE = "[[1,2,3],[4,5,6],[1.5,-2e-3,0],[1,null,3],[NaN,Infinity,-Infinity]]"
FIFTEEN = ", ".join(map(str, range(15)))


def plain(value):
    """With lists for arrays, and None for NaN."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if value != value else value


@pytest.mark.parametrize(
    "text",
    [
        FIVE,
        f'{{"a": -Infinity, "rows": [{FIVE}, {FIVE}], "b": -Infinity, "flat": [{FIFTEEN}], "c": [-Infinity]}}',
        f'{{"in a text": "{FIVE} -Infinity \\" [{FIFTEEN}]", "{FIVE}": [{FIFTEEN}], "end": -Infinity}}',
        "[[1,2],[1,2,3,4],[1,2,3],[1,2,3],[1,2,3],-Infinity]",
        "[[1,2],[1,2,3,4],[1,2,3],[1,2,-Infinity],[1,2,3]]",
        f"[[{FIFTEEN}],\n[{FIFTEEN}] , [1, 2]]",
        f'[[1,2,3],[4,5,6],[1,2,3],[1,2,3],["x", {FIVE}, -Infinity]]',
        "[]", "5", '"\\u0000"', '{"a": {"b": [1, 2, [3]]}}',
    ],
)  # fmt: skip
def test_values_are_those_that_python_reads(text):
    assert plain(load_json(text)) == plain(json.loads(text))


def test_lists_of_numbers_are_arrays_and_short_ones_lists():
    content = load_json(f'{{"rows": {FIVE}, "flat": [{FIFTEEN}], "box": [1, 2, 3, 4], "pair": [[1, 2], [3, 4]]}}')
    assert content["rows"].shape == (5, 3) and content["flat"].dtype == np.float64
    assert content["box"] == [1, 2, 3, 4] and content["pair"] == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "", "[1, 2", f"{FIVE} x", f'{{"a": {FIVE}, b}}', "[1.5.2, 1]", f"[01, {FIFTEEN}]", f"[+1, {FIFTEEN}]",
        f"[.5, {FIFTEEN}]", f"[1., {FIFTEEN}]", f"[1,\v{FIFTEEN}]", f"[\uff11, {FIFTEEN}]", f"[1_0, {FIFTEEN}]",
        f"[0x10, {FIFTEEN}]", f"[{FIFTEEN},]", f"[{FIFTEEN} 1]", "1 2", f'{{"a": [{FIFTEEN}], "b": {FIVE} {FIVE}}}',
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_at_the_same_place(text):
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(text)
    with pytest.raises(json.JSONDecodeError) as raised:
        load_json(text)
    if not text.startswith(FIVE):  # what follows a list could be another value
        assert str(raised.value) == str(expected.value)


def test_one_value_a_line():
    assert plain(load_json(f'{{"t": 0, "joints": {FIVE}}}\n{{"t": 1, "joints": {FIVE}}}\n')) == [
        {"t": t, "joints": plain(load_json(FIVE))} for t in (0, 1)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, "[[1,2,3],[1,2,3]," * 30_000, "[1,1,1," * 50_000, "[[1,2,3]" + ",[1,2,3]" * 100_000 + ",x]",
        "[1," + " " * 500_000, '"' + '\\"' * 500_000, f"[{FIFTEEN}]" + '"' * 100_001,
    ],
)  # fmt: skip
def test_texts_that_nearly_match_are_refused(text):
    with pytest.raises((ValueError, RecursionError)):
        load_json(text)

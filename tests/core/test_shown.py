"""Names of strangers as they are shown."""

import pytest

from lsmpl_core.shown import shortened


@pytest.mark.parametrize("gap", ["...", "\N{HORIZONTAL ELLIPSIS}"])
def test_a_long_name_keeps_its_end(gap):
    """Of a take for each person of a file, that is what tells them apart."""
    assert shortened("walk", 12, gap) == "walk"
    one, other = (shortened(f"a_very_long_recording_of_a_duet Human{n}", 16, gap) for n in (1, 2))
    assert len(one) == 16
    assert one != other
    assert one.startswith("a_very") and one.endswith("Human1")


def test_however_short_a_name_is_to_be_both_ends_are_left():
    assert shortened("a_very_long_recording_of_a_duet", 2) == "a_...uet"

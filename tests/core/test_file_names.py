"""Names of files that Windows, macOS and Linux all allow and tell apart, and outputs that are named after takes."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from lsmpl_core.cli.inputs import _long_name
from lsmpl_core.files.names import file_names


@pytest.mark.parametrize("title", ["walk", "Walk 2.v3", "Gänger", "歩く", "a'b (1) [x] #%&", "-x"])
def test_what_may_be_a_name_stays_as_it_is(title):
    assert file_names([title]) == [title]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("subject:walk", "subject_walk"), ('a<b>c"d|e?f*g', "a_b_c_d_e_f_g"), ("..\\up/there", "_._up_there"),
        ("tab\there\n", "tab_here_"), ("ends in dots...", "ends in dots"), (" blanks ", "blanks"), ("a. .", "a"),
        ("", "_"), ("..", "_"), (".hidden", "_hidden"),
        ("con", "_con"), ("AUX", "_AUX"), ("nul.take", "_nul.take"), ("COM1", "_COM1"), ("lpt9 .x", "_lpt9 .x"),
        ("console", "console"), ("com10", "com10"),
    ],
)  # fmt: skip
def test_what_windows_forbids_is_replaced(title, name):
    assert file_names([title]) == [name]
    if name != "_lpt9 .x":
        assert not PureWindowsPath(name + ".npz").is_reserved()


def test_names_are_told_apart_where_case_and_composed_accents_do_not_count():
    assert file_names(["walk", "Walk", "WALK", "walk_2"]) == ["walk", "Walk_2", "WALK_3", "walk_2_2"]
    assert file_names(["é", "e\u0301"]) == ["é", "e\u0301_2"], "macOS opens the same file for both"
    assert file_names(["a:b", "a?b", "歩く", "走る"]) == ["a_b", "a_b_2", "歩く", "走る"]


def test_long_names_are_cut_between_letters_and_stay_different():
    (name, other) = file_names(["歩" * 100, "歩" * 101])
    assert set(name) == {"歩"} and name != other
    assert all(len(f"{each}.fbx".encode()) <= 255 for each in (name, other))


def test_takes_of_one_name_on_two_drives_are_told_apart_by_the_drive():
    takes = [PureWindowsPath(f"{drive}\\mon\\walk.trc") for drive in ("D:", "E:", "\\\\server\\share")]
    assert [_long_name(take, take.stem, 1) for take in takes] == ["mon_walk_trc"] * 3
    assert [_long_name(take, take.stem, 2) for take in takes] == [
        "D_mon_walk_trc", "E_mon_walk_trc", "server_share_mon_walk_trc"
    ]  # fmt: skip
    assert _long_name(PurePosixPath("/mon/walk.trc"), "walk_Ann", 9) == "mon_walk_Ann_trc"

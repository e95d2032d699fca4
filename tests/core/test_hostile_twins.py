"""Each small file that once did harm ends as `hostile_twins.py` says, shown on a made-up twin."""

from pathlib import Path

import hostile_twins as twins
import pytest
from hostile_twins import PEOPLE, REFUSED, SOLVED, TWINS


def made(tmp_path: Path, name: str) -> Path:
    TWINS[name].write(tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_the_reason(tmp_path, capsys, name):
    twins.is_refused(made(tmp_path, name), tmp_path, capsys)


@pytest.mark.parametrize("name", SOLVED)
def test_is_solved_and_loaded_again(tmp_path, capsys, name):
    twins.is_solved(made(tmp_path, name), tmp_path, capsys)


def test_a_motion_of_absurd_rates_is_refused(tmp_path):
    twins.has_absurd_rates(made(tmp_path, "bad_motion_1216.npz"))


def test_millimetres_as_metres_are_refused(tmp_path):
    twins.is_no_person_in_metres(made(tmp_path, "mm_read_as_m.npz"))


def test_three_keypoints_name_what_they_leave_open(tmp_path, capsys):
    twins.leaves_limbs_open(made(tmp_path, "map3.npz"), made(tmp_path, "map3.json"), tmp_path, capsys)


@pytest.mark.parametrize("name", PEOPLE)
def test_people_whose_names_differ_by_little_are_two(tmp_path, name):
    twins.are_two_people(made(tmp_path, name), tmp_path)

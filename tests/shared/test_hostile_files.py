"""Every small file that once did harm ends as its made-up twin does (`tests/core/hostile_twins.py`)."""

import hostile_twins as twins
import pytest
from hostile_twins import PEOPLE, REFUSED, SOLVED, TWINS


@pytest.fixture(scope="module")
def hostile(keypoint_files):
    if not (keypoint_files / "hostile").is_dir():
        pytest.skip("needs the folder of hostile files")
    return keypoint_files / "hostile"


def test_each_file_has_a_twin(hostile):
    assert {path.name for path in hostile.iterdir()} == set(TWINS)


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_the_reason(hostile, tmp_path, capsys, name):
    twins.is_refused(hostile / name, tmp_path, capsys)


@pytest.mark.parametrize("name", SOLVED)
def test_is_solved_and_loaded_again(hostile, tmp_path, capsys, name):
    twins.is_solved(hostile / name, tmp_path, capsys)


def test_a_motion_of_absurd_rates_is_refused(hostile):
    twins.has_absurd_rates(hostile / "bad_motion_1216.npz")


def test_millimetres_as_metres_are_refused(hostile):
    twins.is_no_person_in_metres(hostile / "mm_read_as_m.npz")


def test_three_keypoints_name_what_they_leave_open(hostile, tmp_path, capsys):
    twins.leaves_limbs_open(hostile / "map3.npz", hostile / "map3.json", tmp_path, capsys)


@pytest.mark.parametrize("name", PEOPLE)
def test_people_whose_names_differ_by_little_are_two(hostile, tmp_path, name):
    twins.are_two_people(hostile / name, tmp_path)

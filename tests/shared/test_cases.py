"""Inputs as other tools write them: read right, or refused with the reason; `benchmarks/cases.py` says what is right.

What is read of all of them is looked at here; LSMPL_SOLVE_CASES=1 solves them, too, and compares with their truths.
"""

import os
import sys
from pathlib import Path

import pytest

import lsmpl_core as lsmpl

sys.path.append(str(Path(__file__).resolve().parents[2]))
from benchmarks.cases import CASES, REFINED, tried


@pytest.fixture(scope="module")
def cases(keypoint_files) -> Path:
    if not (keypoint_files / "cases").is_dir():
        pytest.skip("needs the folder of cases")
    return keypoint_files / "cases"


def test_the_table_has_every_case(cases):
    known = {*CASES, *REFINED, "README.md", "refine_keypoints_body25.npy"}
    assert {path.name for path in cases.iterdir() if not path.name.startswith("truth_")} == known


@pytest.mark.parametrize("name", CASES)
def test_is_read_with_its_frames_and_rate_or_refused(cases, name):
    case = CASES[name]
    if case.refused:
        with pytest.raises(lsmpl.LsmplError, match=case.refused):
            lsmpl.read_keypoints(cases / name)
        return
    track = lsmpl.read_keypoints(cases / name, person=case.person)
    assert (len(track), track.first_frame) == (case.frames, case.first)
    assert case.fps is None or track.fps == pytest.approx(case.fps, rel=0.02)


@pytest.mark.parametrize("name", REFINED)
def test_motions_of_estimators_are_read(cases, name):
    motion = lsmpl.read_motion(cases / name, None, REFINED[name].frames)
    truth = lsmpl.Motion.load(cases / f"truth_{REFINED[name].truth}.npz")
    assert abs(motion.poses[:, 1:22] - truth.poses[:, 1:22]).max() < 0.2  # estimates, a few degrees off


@pytest.mark.skipif("LSMPL_SOLVE_CASES" not in os.environ, reason="LSMPL_SOLVE_CASES does not ask for it")
@pytest.mark.parametrize("name", [*CASES, *REFINED])
def test_comes_out_right(cases, body, name):
    outcome = tried(cases, name, body)
    assert outcome.right, outcome

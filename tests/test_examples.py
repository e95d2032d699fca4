"""The examples run as they stand, on what comes with them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from this_code import with_this_code

import lsmpl_core as lsmpl

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = {
    "01_solve_a_track.py": "walk_and_wave.npz",
    "02_clean_up.py": "cleaned.npz",
    "03_refine_another_estimate.py": "refined.npz",
    "04_keypoints_of_your_own.py": "twelve_joints.npz",
    "05_pose_by_hand.py": "posed.npz",
}


@pytest.fixture(scope="module", params=EXAMPLES)
def ran(request, tmp_path_factory) -> tuple[str, str, lsmpl.Motion]:
    """An example's name, what it printed, and the motion that it saved."""
    out = tmp_path_factory.mktemp("out")
    words = [sys.executable, ROOT / "examples" / request.param, out]
    environment = with_this_code(PYTHONIOENCODING="utf-8")
    done = subprocess.run(words, env=environment, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    return request.param, done.stdout, lsmpl.Motion.load(out / EXAMPLES[request.param])


def test_it_leaves_a_motion_and_no_warning(ran):
    _, printed, motion = ran
    assert np.isfinite(motion.poses).all() and len(motion) > 100
    assert "nan" not in printed


def test_its_figures_are_good(ran):
    name, printed, _ = ran
    millimetres = [float(figure) for figure in re.findall(r"([\d.]+) mm", printed)]
    if name.startswith("03"):
        assert max(millimetres[2:]) < 5.0 < 40.0 < min(millimetres[:2]), "refined beside the estimate"
    elif millimetres:
        assert millimetres[0] < 6.0


def test_all_numbered_examples_are_listed():
    found = {path.name for path in (ROOT / "examples").glob("[0-9]*.py")}
    listed = re.findall(r"`(\d\d_\w+\.py)`", (ROOT / "examples" / "README.md").read_text(encoding="utf-8"))
    assert found == set(listed) == set(EXAMPLES)

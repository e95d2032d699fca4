"""Clean-up as steps: the same result, with progress, and it can be dropped midway."""

import numpy as np

from lsmpl_core import Motion, load_body
from lsmpl_core.clean_motion import clean_up_steps, clean_up_with_report
from lsmpl_core.progress import run_to_end


def test_clean_up_in_steps_is_clean_up():
    body = load_body()
    poses = np.random.default_rng(0).normal(scale=0.4, size=(300, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    motion = Motion(poses, np.tile((0.0, 0.0, 1.0), (300, 1)), body=body.key)
    reports = []
    cleaned, told = run_to_end(clean_up_steps(motion, body), reports.append)
    expected, expected_told = clean_up_with_report(motion, body)
    np.testing.assert_array_equal(cleaned.poses, expected.poses)
    assert told == expected_told
    assert {"limit", "smooth", "contacts"} <= {report.stage for report in reports}
    assert all(0 <= report.done <= report.total for report in reports)
    clean_up_steps(motion, body).close()

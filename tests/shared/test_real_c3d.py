"""C3D files of many makers, checked against two other readers."""

import numpy as np
import pytest
from test_readers_c3d import read_with_c3d, read_with_ezc3d

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.readers import c3d
from lsmpl_core.readers.c3d import read_c3d


@pytest.fixture
def every_point(monkeypatch):
    """As other readers do, which know nothing of what points stand for: angles and forces, too."""
    monkeypatch.setattr(c3d, "_NO_PLACES", ())


def test_agrees_with_ezc3d(keypoint_files, every_point):
    agreed = 0
    for path in sorted(keypoint_files.rglob("*.c3d")):
        if path.name == "bad_parameter_section.c3d":
            continue  # it takes half a minute to refuse this one
        try:
            expected = read_with_ezc3d(path)
        except (OSError, RuntimeError, ValueError):
            continue
        ours = read_c3d(path).positions
        if np.isfinite(expected).any():
            assert np.array_equal(np.isnan(ours), np.isnan(expected)), path.name
            assert np.allclose(ours, expected, atol=1e-6, equal_nan=True), path.name
        agreed += 1
    assert agreed >= 8


def test_labels_and_rates_are_those_of_ezc3d(keypoint_files, every_point):
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed")
    for name in ("gait-pig.c3d", "basketball.c3d", "cmu_dribble_shoot_basketball.c3d", "squat.c3d"):
        ours, theirs = read_c3d(keypoint_files / "c3d" / name), ezc3d.c3d(str(keypoint_files / "c3d" / name))
        pages = [theirs["parameters"]["POINT"].get(key, {}).get("value", []) for key in ("LABELS", "LABELS2")]
        assert ours.names == [*pages[0], *pages[1]][: len(ours.names)], name
        assert ours.fps == pytest.approx(theirs["header"]["points"]["frame_rate"])


def test_agrees_with_c3d(keypoint_files, every_point):
    agreed = 0
    for path in sorted(keypoint_files.rglob("*.c3d")):
        try:
            expected = read_with_c3d(path)
        except Exception:  # whatever it stumbles over, it is not this that is tested
            continue
        ours = read_c3d(path).positions
        if np.isfinite(expected).any():
            assert np.array_equal(np.isnan(ours), np.isnan(expected)), path.name
            assert np.allclose(ours, expected, atol=1e-3, equal_nan=True), path.name
        agreed += 1
    assert agreed >= 8


def test_model_outputs_are_set_aside(keypoint_files):
    raw = read_c3d(keypoint_files / "c3d" / "gait-pig.c3d")
    assert raw.positions.shape[1] == len(raw.names) == 49 and "28 model outputs" in [d.value for d in raw.decisions]
    assert not any(name.endswith(("Angles", "Force", "Moment", "Power")) for name in raw.names)


def test_one_recording_in_two_byte_orders_is_the_same(keypoint_files):
    dec, sgi = (read_c3d(keypoint_files / "c3d" / name) for name in ("dec_int.c3d", "sgi_real.c3d"))
    assert dec.names == sgi.names and np.allclose(dec.positions, sgi.positions, atol=0.2, equal_nan=True)


def test_reads_past_a_damaged_parameter_section(keypoint_files):
    for name, points in (("badParameterOffset.c3d", 41), ("bad_parameter_section.c3d", 45)):
        assert read_c3d(keypoint_files / "c3d" / name).positions.shape[1] == points


@pytest.mark.parametrize("name", ["Empty.c3d", "simple.c3d"])
def test_files_without_points_are_refused(keypoint_files, name):
    with pytest.raises(KeypointFileError, match=name):
        read_c3d(keypoint_files / "c3d" / name)

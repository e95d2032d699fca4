"""MATLAB's files are read, as SciPy writes them, and damaged ones are refused."""

import numpy as np
import pytest
from field_inputs import FRAMES, LAYOUTS, Input, Right, Take
from test_field_inputs import judged

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.files.mat_files import read_mat
from lsmpl_core.readers import read_keypoints

scipy_io = pytest.importorskip("scipy.io", reason="SciPy is not installed")

NAMES, SITES = LAYOUTS["coco_17"].keypoints, LAYOUTS["coco_17"].sites


def cells(values) -> np.ndarray:
    found = np.empty((1, len(values)), dtype=object)
    found[0] = list(values)
    return found


def labelled(points) -> dict:
    data = np.insert(1000 * points, 3, 1, axis=2).transpose(1, 2, 0)
    return {"Labels": cells(NAMES), "Data": data}


FORMS = {
    "frames_last": (lambda x: {"joints": x.transpose(1, 2, 0), "fps": 50.0}, 50),
    "x_y_z_first": (lambda x: {"xyz": x.transpose(2, 1, 0)}, None),
    "a_table": (lambda x: {"data": x.reshape(FRAMES, -1)}, None),
    "a_structure_of_ways": (
        lambda x: {"markers": {n: x[:, k] for k, n in enumerate(NAMES)}, "info": {"frequency": 100.0}},
        100,
    ),
    "a_structure_a_frame": (
        lambda x: {"frames": np.array([(dict(zip(NAMES, f)),) for f in x], dtype=[("joints", object)])},
        None,
    ),
    "qualisys": (lambda x: {"Q": {"FrameRate": 200.0, "Trajectories": {"Labeled": labelled(x)}}}, 200),
    "a_cell_a_frame": (lambda x: {"frames": cells(x)}, None),
    "names_in_rows": (lambda x: {"names": list(NAMES), "positions": x.transpose(1, 0, 2)}, None),
    "dannces_predictions": (lambda x: {"pred": x.transpose(0, 2, 1)[:, None], "sampleID": np.arange(FRAMES)}, None),
}


@pytest.fixture(scope="module")
def take(body) -> Take:
    return Take(body)


@pytest.mark.parametrize("packed", (False, True), ids=("plain", "packed"))
@pytest.mark.parametrize("name", FORMS)
def test_is_read_right(tmp_path, take, name, packed):
    content, fps = FORMS[name]
    path = tmp_path / "take.mat"
    scipy_io.savemat(path, content(take.points(SITES)), do_compression=packed)
    assert judged(Input(name, 7, path.name, None, Right("coco_17", fps=fps)), path, [take]) == ""


def test_every_kind_of_value_is_what_scipy_reads(tmp_path):
    path = tmp_path / "values.mat"
    rng = np.random.default_rng(0)
    numbers = {f"n_{kind}": rng.integers(0, 100, (2, 3, 4)).astype(kind) for kind in ("f8", "f4", "i2", "u1", "i4")}
    scipy_io.savemat(path, {**numbers, "text": "knee", "rows": ["hip", "ankle"], "few": {"a": cells(["x", 1.5])}})
    found = read_mat(path.read_bytes())
    for name, array in numbers.items():
        assert np.array_equal(found[name], array) and found[name].dtype == array.dtype
    assert found["text"] == "knee" and found["rows"] == ["hip", "ankle"]
    assert found["few"]["a"][0] == "x" and found["few"]["a"][1] == 1.5


def test_damaged_ones_are_refused_with_a_reason(tmp_path, take):
    path = tmp_path / "take.mat"
    scipy_io.savemat(path, {"Q": labelled(take.points(SITES))}, do_compression=True)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole[: int(rng.integers(100, len(whole)))] if rng.random() < 0.3 else whole)
        damaged[int(rng.integers(124, len(damaged)))] ^= int(rng.integers(1, 256)) if len(damaged) > 124 else 0
        path.write_bytes(damaged)
        try:
            read_keypoints(path)
        except KeypointFileError as error:
            assert str(path) in str(error)


def test_version_7_3_is_told_how_to_be_saved(tmp_path):
    path = tmp_path / "take.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM" + b"\0" * 400)
    with pytest.raises(KeypointFileError, match="-v7"):
        read_keypoints(path)

"""Body files become checked arrays, whichever way they were written; what is wrong with one is said in words."""

import io
import pickle
import sys
import types
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python2_pickle import Python2Pickler

from lsmpl_core.body.body_files import read_body_file
from lsmpl_core.body.load_body import OPEN_BODY
from lsmpl_core.body.skeleton import PARENTS
from lsmpl_core.errors import BodyFileError, LsmplError

VERTICES = 60
REQUIRED = ["v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f"]


def smpl_like(components: int = 10) -> dict:
    """The fields of a small body in the form of the official files."""
    rng = np.random.default_rng(0)
    weights = rng.random((VERTICES, 24)) ** 8
    regressor = rng.random((24, VERTICES)) * (rng.random((24, VERTICES)) < 0.2)
    regressor[:, 0] += 0.1
    return {
        "v_template": rng.random((VERTICES, 3)),
        "shapedirs": rng.normal(size=(VERTICES, 3, components)),
        "posedirs": rng.normal(size=(VERTICES, 3, 207)) * 1e-3,
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], range(24)]),
        "f": rng.integers(VERTICES, size=(100, 3)).astype(np.uint32),
        "bs_style": "lbs",
    }


def check(body: dict[str, np.ndarray], fields: dict, rtol: float = 1e-6) -> None:
    for key in ("v_template", "posedirs", "weights", "J_regressor"):
        np.testing.assert_allclose(body[key], fields[key], rtol=rtol, atol=1e-7, err_msg=key)
    np.testing.assert_allclose(body["shapedirs"], fields["shapedirs"][:, :, :10], rtol=rtol)
    assert all(body[key].dtype == np.float32 and body[key].flags.c_contiguous for key in REQUIRED[:4])
    assert body["f"].tolist() == fields["f"].tolist()
    assert tuple(body["parents"]) == PARENTS


@contextmanager
def fake_modules(**classes: str):
    """Classes by name whose pickles say that they come from the given modules, which exist only inside the block."""
    made = {name: type(name, (), {"__module__": module}) for name, module in classes.items()}
    before = {}
    for name, module in classes.items():
        for n in range(1, module.count(".") + 2):
            part = ".".join(module.split(".")[:n])
            if part not in before:
                before[part] = sys.modules.get(part)
                sys.modules[part] = types.ModuleType(part)
        setattr(sys.modules[module], name, made[name])
    try:
        yield types.SimpleNamespace(**made)
    finally:
        for part, value in before.items():
            if value is None:
                del sys.modules[part]
            else:
                sys.modules[part] = value


def official_pickle(fields: dict, protocol: int = 2, sparse_module: str = "scipy.sparse.csc") -> bytes:
    """The pickle of a body as it is distributed: shape directions a chumpy Select, template a Ch, regressor sparse."""
    with fake_modules(Ch="chumpy.ch", Select="chumpy.reordering", csc_matrix=sparse_module) as classes:
        chumpy = {}
        for key in ("v_template", "weights", "shapedirs"):
            chumpy[key] = classes.Ch()
            chumpy[key].__dict__.update(x=fields[key], _dirty_vars=set(), _itr=None, _status="new", _make_dense=False)
        select = classes.Select()
        shape = (VERTICES, 3, min(10, fields["shapedirs"].shape[-1]))
        numbers = np.arange(fields["shapedirs"].size).reshape(fields["shapedirs"].shape)[..., : shape[2]]
        select.__dict__.update(a=chumpy["shapedirs"], idxs=numbers.ravel(), preferred_shape=shape)
        dense = fields["J_regressor"]
        column, row = np.nonzero(dense.T)
        regressor = classes.csc_matrix()
        regressor.__dict__.update(
            _shape=dense.shape, data=dense[row, column], indices=row.astype(np.int32), format="csc", maxprint=50,
            indptr=np.searchsorted(column, np.arange(dense.shape[1] + 1)).astype(np.int32),
        )  # fmt: skip
        stream = io.BytesIO()
        chumpy["shapedirs"] = select
        Python2Pickler(stream, protocol).dump(
            fields | chumpy | {"J_regressor": regressor, "J_regressor_prior": regressor}
        )
    return stream.getvalue()


def write(path: Path, fields: dict) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **fields)
    else:
        path.write_bytes(pickle.dumps(fields, 2))
    return path


# What is read


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("components", [10, 12])
def test_reads_the_official_pickle_without_chumpy_and_scipy(tmp_path, protocol, components):
    fields = smpl_like(components)
    path = tmp_path / "basicModel_f.pkl"
    path.write_bytes(official_pickle(fields, protocol))
    assert "chumpy" not in sys.modules
    check(read_body_file(path), fields)


@pytest.mark.parametrize("module", ["scipy.sparse.csc", "scipy.sparse._csc"])
def test_reads_pickles_that_python_3_wrote(tmp_path, module):
    fields = smpl_like()
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(official_pickle(fields, 4, module))
    check(read_body_file(path), fields)


@pytest.mark.parametrize("form", ["csc", "csr", "coo"])
def test_reads_the_regressor_in_scipys_forms(tmp_path, form):
    sparse = pytest.importorskip("scipy.sparse")
    fields = smpl_like()
    regressor = getattr(sparse, f"{form}_matrix")(fields["J_regressor"])
    check(read_body_file(write(tmp_path / "body.pkl", fields | {"J_regressor": regressor})), fields)
    # savez wraps a matrix that it does not know into an array of objects
    check(read_body_file(write(tmp_path / "body.npz", fields | {"J_regressor": regressor})), fields)


@pytest.mark.parametrize("suffix", [".npz", ".pkl", ".NPZ"])
def test_reads_plain_arrays(tmp_path, suffix):
    fields = smpl_like(300)
    path = write(tmp_path / f"body{suffix.lower()}", fields)
    check(read_body_file(path.rename(tmp_path / f"other{suffix}")), fields)


def test_a_zip_named_pkl_is_read_as_what_it_is(tmp_path):
    fields = smpl_like()
    check(read_body_file(str(write(tmp_path / "a.npz", fields).rename(tmp_path / "a.pkl"))), fields)


@pytest.mark.parametrize("dtype", [np.int64, np.uint32, np.uint64, np.int32, np.float64])
def test_knows_the_root_in_every_type(tmp_path, dtype):
    table = np.array([PARENTS, range(24)]).astype(np.int64)
    for field in (table.astype(dtype), (table % 2**32).astype(np.uint64 if dtype == np.int32 else dtype)):
        fields = smpl_like() | {"kintree_table": field}
        assert tuple(read_body_file(write(tmp_path / "body.npz", fields))["parents"]) == PARENTS


def test_pose_directions_and_the_open_body_s_own_fields_are_optional(tmp_path):
    fields = smpl_like()
    del fields["posedirs"]
    body = read_body_file(write(tmp_path / "body.npz", fields))
    assert sorted(body) == sorted([*REQUIRED[:4], "f", "parents"])
    extras = {
        "quads": np.arange(8).reshape(2, 4), "site_names": np.array(["nose", "left_éar"]), "name": "open",
        "site_vertices": np.array([[1, 2], [3, 0]]), "site_weights": np.array([[0.5, 0.5], [1, 0]], np.float16),
        "license": "CC0",
    }  # fmt: skip
    for path in ("body.npz", "body.pkl"):
        body = read_body_file(write(tmp_path / path, fields | extras))
        assert all(body[key].tolist() == np.asarray(value).tolist() for key, value in extras.items())


def test_takes_the_rounding_out_of_half_precision_weights(tmp_path):
    fields = smpl_like()
    fields["weights"] = fields["weights"].astype(np.float16)
    weights = read_body_file(write(tmp_path / "body.npz", fields))["weights"]
    np.testing.assert_allclose(weights.sum(axis=1, dtype=float), 1, atol=1e-6)


def test_reads_the_bundled_body():
    body = read_body_file(OPEN_BODY)
    assert body["shapedirs"].shape == (len(body["v_template"]), 3, 10)
    assert 1.5 < np.ptp(body["v_template"][:, 1]) < 2
    assert len(body["site_names"]) == len(body["site_vertices"]) == len(body["site_weights"]) > 0


# What is refused


def changed(field: str, index, value) -> np.ndarray:
    array = smpl_like()[field].copy()
    array[index] = value
    return array


WRONG = [
    ("v_template", np.zeros((VERTICES, 2)), r"shape \(60, 2\).*shape \(any, 3\)"),
    ("v_template", np.zeros((0, 3)), "spans 0 m.*metres"),
    ("v_template", smpl_like()["v_template"] * 170, "spans 1.* m.*metres"),
    ("v_template", changed("v_template", (3, 1), np.nan), "1 values that are not finite"),
    ("v_template", np.array(["a"]), "type <U1.*numbers"),
    ("shapedirs", np.zeros((VERTICES, 3, 6)), "6 shape components.*at least 10"),
    ("shapedirs", np.zeros((VERTICES + 1, 3, 10)), r"shape \(61, 3, 10\).*shape \(60, 3, any\)"),
    ("shapedirs", changed("shapedirs", (3, 1, 0), np.inf), "not finite"),
    ("posedirs", np.zeros((VERTICES, 3, 459)), r"shape \(60, 3, 459\).*shape \(60, 3, 207\)"),
    ("weights", np.zeros((VERTICES, 24)), "sums to 0 in row 0.*sum to one"),
    ("weights", changed("weights", (5, slice(None)), 0.5), "sums to 12 in row 5"),
    ("weights", changed("weights", (5, slice(2)), [3, -2]) * 1, "sums to|negative"),
    ("weights", np.zeros((VERTICES, 23)), r"shape \(60, 23\).*shape \(60, 24\)"),
    ("J_regressor", smpl_like()["J_regressor"].T, r"shape \(60, 24\).*shape \(24, 60\)"),
    ("J_regressor", np.zeros((24, VERTICES)), "sums to 0 in row 0"),
    ("J_regressor", changed("J_regressor", (1, 1), np.nan), "not finite"),
    ("f", changed("f", (4, 2), VERTICES), "vertex number 60.*0 to 59"),
    ("f", np.full((5, 3), -1), "vertex number -1.*0 to 59"),
    ("f", np.full((5, 3), 0.5), "no whole numbers"),
    ("f", np.full((5, 3), np.nan), "no whole numbers"),
    ("f", np.zeros((5, 4), int), r"shape \(5, 4\).*shape \(any, 3\)"),
    ("f", np.zeros((0, 3), int), "is empty"),
    ("quads", np.full((5, 4), 77), "vertex number 77"),
    ("kintree_table", np.zeros((1, 24), int), r"shape \(1, 24\).*shape \(2, any\)"),
    ("kintree_table", changed("kintree_table", (0, 0), 3), "root the parent 3"),
    ("kintree_table", changed("kintree_table", (0, 4), 9), "joint 4 the parent 9.*tree in order.*0 to 3"),
    ("kintree_table", changed("kintree_table", (0, 4), -1), "joint 4 the parent -1.*0 to 3"),
    ("kintree_table", changed("kintree_table", (0, 4), 2), "joint 4 the parent 2.*1 there"),
    ("kintree_table", changed("kintree_table", (1, 4), 7), "out of order"),
    ("site_weights", np.ones((2, 2)), "sums to 2 in row 0"),
    ("name", np.zeros(3), "type float64.*text"),
]


@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
@pytest.mark.parametrize("field, value, words", WRONG)
def test_names_the_field_what_was_found_and_what_is_valid(tmp_path, field, value, words, suffix):
    path = write(tmp_path / f"wrong{suffix}", smpl_like() | {field: value})
    with pytest.raises(BodyFileError, match=rf"(?s)wrong{suffix}.*{field}.*{words}"):
        read_body_file(path)


@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
@pytest.mark.parametrize("field", REQUIRED)
def test_names_a_missing_field(tmp_path, field, suffix):
    fields = smpl_like()
    del fields[field]
    with pytest.raises(BodyFileError, match=f"has no field {field}; found was"):
        read_body_file(write(tmp_path / f"wrong{suffix}", fields))


def test_sites_come_with_their_vertices_and_names(tmp_path):
    fields = smpl_like() | {"site_weights": np.ones((2, 1))}
    with pytest.raises(BodyFileError, match="field 'site_vertices' is missing"):
        read_body_file(write(tmp_path / "body.npz", fields))
    fields |= {"site_vertices": np.zeros((2, 1), int), "site_names": np.array(["nose"])}
    with pytest.raises(BodyFileError, match=r"field 'site_names' has shape \(1,\); valid is shape \(2\)"):
        read_body_file(write(tmp_path / "body.npz", fields))


@pytest.mark.parametrize("joints, model", [(16, "MANO"), (5, "FLAME"), (30, "another model")])
def test_names_other_body_models(tmp_path, joints, model):
    fields = smpl_like() | {"kintree_table": np.array([[0] * joints, range(joints)])}
    with pytest.raises(BodyFileError, match=f"{joints} joints .*{model}.* valid is an SMPL body, which has 24"):
        read_body_file(write(tmp_path / "model.npz", fields))


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("missing.npz", None, "does not exist"),
        ("missing.pkl", None, "does not exist"),
        ("empty.npz", b"", "is empty"),
        ("empty.pkl", b"", "is empty"),
        ("page.npz", b"<!DOCTYPE html>", "no .npz archive: it starts with b'<!DOCTYPE"),
        ("page.pkl", b"<!DOCTYPE html>", "no pickle"),
        ("body.obj", b"v 0 0 0", "ends in '.obj'; a body file is an SMPL .npz or .pkl"),
        ("body", b"v 0 0 0", "a body file is an SMPL .npz or .pkl"),
        ("list.pkl", pickle.dumps([1, 2]), "holds a list; an SMPL .pkl holds a dict of v_template"),
        ("result.pkl", pickle.dumps({"poses": 1, "trans": 2}), "has no field v_template.*found was poses, trans"),
        ("nothing.npz", b"PK\x05\x06" + b"\0" * 18, "has no field"),
        ("hostile.pkl", b"cos\nsystem\n(Vtrue\ntR.", "nothing in it was run.*'os.system'"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path, name, data, words):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BodyFileError, match=rf"{name}.*{words}"):
        read_body_file(tmp_path / name)


@pytest.mark.parametrize("name", ["folder", "folder.npz", "folder.pkl"])
def test_a_folder_is_no_body(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(BodyFileError, match=f"{name} is a folder"):
        read_body_file(tmp_path / name)


def test_runs_no_pickle_inside_an_npz(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    fields = smpl_like() | {"J_regressor": np.array(Hostile(), object)}
    with pytest.raises(BodyFileError, match=r"body\.npz.*J_regressor.*nothing in it was run"):
        read_body_file(write(tmp_path / "body.npz", fields))
    assert not (tmp_path / "ran").exists()


def npz_with(path: Path, shape: str, data: bytes) -> Path:
    """A body file whose template's header claims a shape."""
    write(path, {key: value for key, value in smpl_like().items() if key != "v_template"})
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v_template.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data)
    return path


@pytest.mark.parametrize("shape", ["(1000000000000, 3)", "(60, 3)", "(-1, 3)", "()", "(2, 9223372036854775807)", "'x'"])
def test_refuses_arrays_that_claim_other_than_their_bytes(tmp_path, shape):
    with pytest.raises(BodyFileError, match=r"body\.npz.*v_template"):
        read_body_file(npz_with(tmp_path / "body.npz", shape, bytes(100)))


def test_refuses_archives_that_unpack_to_too_much(tmp_path):
    path = npz_with(tmp_path / "body.npz", "(2000000, 3)", bytes(48_000_000))
    with pytest.raises(BodyFileError, match=r"body\.npz.*unpacks to 4\d MB"):
        read_body_file(path)


# Damage


def files(tmp_path: Path) -> dict[str, bytes]:
    fields = smpl_like()
    return {
        "npz": write(tmp_path / "whole.npz", fields).read_bytes(),
        "pkl": official_pickle(fields, 2),
        "0.pkl": official_pickle(fields, 0),
        "4.pkl": official_pickle(fields, 4),
    }


@pytest.mark.parametrize("kind", ["npz", "pkl", "0.pkl", "4.pkl"])
def test_truncated_files_are_refused(tmp_path, kind):
    data = files(tmp_path)[kind]
    path = tmp_path / f"cut.{kind}"
    for part in range(50):
        path.write_bytes(data[: len(data) * part // 50])
        with pytest.raises(BodyFileError, match=r"cut\."):
            read_body_file(path)
    path.write_bytes(data[:-1])
    with pytest.raises(BodyFileError, match=r"cut\."):
        read_body_file(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, files(folder)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_mutated_files_give_a_body_or_a_clear_error(whole, data):
    folder, contents = whole
    kind = data.draw(st.sampled_from(sorted(contents)))
    changed = bytearray(contents[kind])
    # most of a file is numbers; the structure is at the ends and around names
    names = [i for word in (b"v_template", b"shape", b"numpy", b"dtype", b"PK", b"descr") for i in finds(changed, word)]
    places = st.one_of(
        st.integers(0, len(changed) - 1), st.sampled_from(names).flatmap(lambda i: st.integers(i, i + 60))
    )
    for _ in range(data.draw(st.integers(1, 5))):
        changed[min(data.draw(places), len(changed) - 1)] = data.draw(st.integers(0, 255))
    path = folder / f"mutated.{kind}"
    path.write_bytes(changed)
    with suppress(LsmplError):
        body = read_body_file(path)
        assert all(np.isfinite(body[key]).all() for key in REQUIRED[:4])


def finds(data: bytes, word: bytes) -> list[int]:
    places, at = [], data.find(word)
    while at >= 0:
        places.append(at)
        at = data.find(word, at + 1)
    return places

"""Pickles are read as data: what they hold comes out, and nothing that they ask for is run."""

import base64
import bz2
import copyreg
import io
import lzma
import os
import pickle
import struct
import sys
import types
import zlib
from collections import OrderedDict, defaultdict
from contextlib import contextmanager, suppress
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsmpl_core.errors import BodyFileError, LsmplError, MotionFileError
from lsmpl_core.files import pickle_budget, safe_pickle
from lsmpl_core.files.pickle_arrays import to_array
from lsmpl_core.files.pickle_budget import Placeholder
from lsmpl_core.files.safe_pickle import load, loads

# Written by Python 2.7 with chumpy 0.70 and SciPy 1.2, protocol 2: a Select of a Ch, a csc_matrix and an array.
PYTHON2_PICKLE = zlib.decompress(
    base64.b64decode(
        "eNp1kt9u0zAUxpuktF3abQU2GDC2boyRbVBg4oILJCZxt0i9GPLl5OWPN0dr0xzbgfaiElx0U96SR+AN4KTxVgUxS87Pie0v5zvn/DAnYDikeUwFuxBM"
        "yqEAM5BBlIy7MvGEZF18s3HSgadENLLB2vsJ1Qncc0g9isMoYBJqQZwO8EYwFKw7SPsq8oTwxjaKBsNYKpEGyoZ6ccqOw2IXGm5lSgz/+gQWHNdwrak+"
        "EKpxwmywiRl9cCuugQeajmsR41Ov1zv+g2P2cCvKz0jLqMyH8kk19JQHLV7nc/nFQp6j4vlHrbh0p+JaofX7c8Fft0T1xsAbJSKKFSy7h6RGJfcSBm3X"
        "dK0rUsN8JErA/dLPH+Q/r055MyPtXCeP18RpzeJNfbJ4iXqCMao8v8/gYen2Sn7bdM2rPPjoJvjVO4Pv5MvKf4YxT9HCLOowEhIeBQGflU6woQgZOruw"
        "v7I+y+v1GAu9NoEnDjG8m2MBt79wG57i1rMJrDukhX1xyWjRK/A8I02KwmpMv+EH2Ago9dMIGyKm1JYMVTdPpyfQIVUaYaa2eqRNQ5awOJR0GOdLCdsT"
        "eIEyM92QxSi7kxFjVErLS50W17rmSxk5K3u9KV3lqEBDs625ormmua7Z0dzW3NHcPcKs1alUnkol7BIrZt/hFZau7N7J+AbfPIU9h1SjcCRhHzNHlhPB"
        "zpkQLNTdcsAwA6/5Vo+j0zdlp92MH8x8mdfwlu+XPL/LPTemfDUjR/9W1dKsatY065oLmvZtF2D0DV+ipzH23Hti9X0Jh2n3Lyq0HFc="
    )
)


@contextmanager
def fake_class(module: str, name: str):
    """A class that pickles as `module.name`, importable only inside the block."""
    cls = type(name, (), {"__module__": module})
    parts = module.split(".")
    names = [".".join(parts[: n + 1]) for n in range(len(parts))]
    before = {key: sys.modules.get(key) for key in names}
    for key in names:
        sys.modules[key] = types.ModuleType(key)
    setattr(sys.modules[module], name, cls)
    try:
        yield cls
    finally:
        for key, value in before.items():
            if value is None:
                del sys.modules[key]
            else:
                sys.modules[key] = value


def read(data: bytes):
    return loads(data, name="test.pkl")


def equal(a, b) -> bool:
    if isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and (a == b).all()
    return a == b


# What is read


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 255, 70000, -(2**31), 2**40, 2**64 - 1, 1.5, float("inf"), "", "é\n'\"\\", "a" * 300,
        b"", b"\x00\xff" * 200, (), (1,), (1, 2, 3), (1, 2, 3, 4), [], [1, [2]], {}, {"a": {1: (2, "b")}},
        {1, 2}, frozenset(["a"]), 1 + 2j, OrderedDict(a=1, b=2), {(1, 2): 3},
        np.float32(2.5), np.int64(-3), np.array(5.0), np.zeros((0, 3)), np.arange(6, dtype=">u4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(["a", "bc"]), np.array([b"a"]), np.array([True]),
    ],
    ids=repr,
)  # fmt: skip
def test_reads_plain_data_as_pickle_does(value, protocol):
    assert equal(read(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("protocol", range(6))
def test_shared_values_stay_shared_and_byte_orders_right(protocol):
    array = np.arange(3, dtype=">f8")
    result = read(pickle.dumps([array, array, np.ones(2, ">f8")], protocol))
    assert result[0] is result[1]
    assert equal(result[0], array) and equal(result[2], np.ones(2, ">f8"))


@pytest.mark.parametrize("protocol", range(6))
def test_reads_default_dicts_and_arrays_of_objects(protocol):
    source = defaultdict(dict, {np.int64(1): {"pose": np.ones(3)}})
    assert read(pickle.dumps(source, protocol))[1]["pose"].tolist() == [1, 1, 1]
    objects = read(pickle.dumps(np.array([None, "a", [1]], object), protocol))
    assert objects.dtype == object and objects.tolist() == [None, "a", [1]]


def test_reads_what_python_2_wrote_with_chumpy_and_scipy():
    fields = read(PYTHON2_PICKLE)
    assert fields["bs_style"] == "lbs"
    assert isinstance(fields["shapedirs"], Placeholder) and fields["shapedirs"].kind == "chumpy.reordering.Select"
    assert to_array(fields["shapedirs"]).tolist() == [[[0, 1], [3, 4]], [[6, 7], [9, 10]]]
    assert fields["J_regressor"].kind == "scipy.sparse.csc.csc_matrix"
    assert to_array(fields["J_regressor"]).tolist() == [[0, 0.5, 0.5], [1, 0, 0]]
    assert fields["kintree_table"].tolist() == [[4294967295, 0], [0, 1]]


@pytest.mark.parametrize("form", ["csc", "csr", "coo"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("protocol", range(6))
def test_reads_what_scipy_writes_today(form, kind, protocol):
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.random.default_rng(0).random((5, 9)) * (np.arange(9) % 3 == 0)
    value = getattr(sparse, f"{form}_{kind}")(dense)
    assert equal(to_array(read(pickle.dumps(value, protocol))), dense)


@pytest.mark.parametrize("name", ["Select", "Reshape", "transpose"])
@pytest.mark.parametrize("protocol", range(3))
def test_reads_chumpy_reorderings(name, protocol):
    array = np.arange(12.0).reshape(3, 4)
    state = {
        "Select": {"idxs": np.array([1, 5, 9]), "preferred_shape": (3, 1)},
        "Reshape": {"newshape": (2, 6)},
        "transpose": {"axes": None},
    }
    expected = {"Select": array[:, 1:2], "Reshape": array.reshape(2, 6), "transpose": array.T}
    with fake_class("chumpy.ch", "Ch") as leaf, fake_class("chumpy.reordering", name) as cls:
        inner, outer = leaf(), cls()
        inner.__dict__.update(x=array, _dirty_vars=set(), _itr=None)
        outer.__dict__.update(a=inner, **state[name])
        data = pickle.dumps(outer, protocol)
    assert "chumpy" not in sys.modules
    assert equal(to_array(read(data)), expected[name])


def test_other_chumpy_expressions_say_so_only_when_they_are_needed():
    with fake_class("chumpy.ch_ops", "add") as cls:
        data = pickle.dumps({"J": cls(), "f": 1})
    fields = read(data)
    assert fields["f"] == 1
    with pytest.raises(ValueError, match=r"chumpy\.ch_ops\.add"):
        to_array(fields["J"])


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3)])
def test_reads_joblib_files(tmp_path, compress):
    joblib = pytest.importorskip("joblib")
    value = {
        "poses": np.random.default_rng(0).random((4, 3)),
        "F": np.asfortranarray(np.ones((2, 3))),
        "z": np.zeros(0),
    }
    value["objects"] = np.array([np.ones(2), None, "x"], object)
    joblib.dump(value, tmp_path / "wham.pkl", compress=compress)
    result = load(tmp_path / "wham.pkl")
    assert all(equal(result[key], value[key]) for key in ("poses", "F", "z"))
    assert result["objects"][0].tolist() == [1, 1] and result["objects"][1:].tolist() == [None, "x"]


def test_reads_the_array_that_joblib_puts_into_the_stream():
    with fake_class("joblib.numpy_pickle", "NumpyArrayWrapper") as cls:
        wrapper = cls()
        wrapper.__dict__.update(subclass=np.ndarray, shape=(2, 2), order="F", dtype=np.dtype("f8"))
        wrapper.numpy_array_alignment_bytes = 16
        data = pickle.dumps([wrapper, "end"], 2)
    at = data.index(b"ub", data.rindex(b"numpy_array_alignment_bytes")) + 2
    data = data[:at] + b"\x03\xff\xff\xff" + np.arange(4.0).tobytes() + data[at:]
    array, end = read(data)
    assert array.tolist() == [[0, 2], [1, 3]] and end == "end"


def test_reads_open_files_and_compressed_ones():
    assert load(io.BytesIO(pickle.dumps([1]))) == [1]
    assert load(io.BytesIO(zlib.compress(pickle.dumps([1])))) == [1]


# What is refused


def call(function: str, *args: str, protocol: int = 0) -> bytes:
    """A pickle that calls `module name` on strings when an ordinary unpickler reads it."""
    module, name = function.split(" ")
    if protocol == 4:
        words = b"".join(b"\x8c" + bytes([len(w)]) + w.encode() for w in (module, name))
        return b"\x80\x04" + words + b"\x93(" + b"".join(b"\x8c" + bytes([len(a)]) + a.encode() for a in args) + b"tR."
    return f"c{module}\n{name}\n(".encode() + b"".join(f"V{_escaped(a)}\n".encode() for a in args) + b"tR."


def _escaped(text: str) -> str:
    return text.replace("\\", "\\u005c")


SINK: list = []


class Victim:
    """A class of ours whose methods tell when they run."""

    def __init__(self, *args):
        SINK.append("init")

    def __setstate__(self, state):
        SINK.append("setstate")

    def append(self, item):
        SINK.append("append")


VICTIM = f"{__name__}\nVictim\n".encode()


@pytest.mark.parametrize("protocol", [0, 4])
@pytest.mark.parametrize(
    "function",
    [
        "os system", "posix system", "nt system", "subprocess call", "subprocess Popen", "builtins eval",
        "builtins exec", "__builtin__ eval", "__builtin__ execfile", "builtins getattr", "builtins __import__",
        "builtins dict.update", "importlib import_module", "operator attrgetter", "pickle loads", "types CodeType",
        "numpy os.system", "numpy core.os.system", "numpy load", "numpy.core.multiarray fromfile",
        "numpy.core.multiarray _reconstruct.__globals__", "numpy.lib.npyio load", "numpy.f2py.diagnose run_command",
        "numpy.testing._private.utils runstring", "codecs encode", "_codecs decode", "chumpyx.ch Ch",
        "chumpy.os system.__call__;", "scipy.sparse.csc save_npz", "scipy.sparse._sparsetools csc_tocsr",
        "collections Counter", "collections namedtuple",
    ],
)  # fmt: skip
def test_refuses_calls_of_functions_and_runs_none(function, protocol, tmp_path):
    sentinel = tmp_path / "ran"
    command = f"touch {sentinel}"
    with pytest.raises(BodyFileError, match=r"test\.pkl.*nothing in it was run.*asks for"):
        read(call(function, command, protocol=protocol))
    assert not sentinel.exists()


def test_the_hostile_pickles_would_run_elsewhere(tmp_path):
    for protocol in (0, 4):
        sentinel = tmp_path / f"ran{protocol}"
        command = f'echo > "{sentinel}"'  # in every system's shell
        pickle.loads(call("os system", command, protocol=protocol))
        assert sentinel.exists()


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
HOSTILE = {
    "INST": b"(Vtouch\nios\nsystem\n.",
    "INST of ours": b"(i" + VICTIM + b".",
    "OBJ": b"(cos\nsystem\nVtouch\no.",
    "OBJ of a listed class": b"(c__builtin__\nset\no.",
    "EXT1": b"\x82\x01.",
    "EXT2": b"\x83\x01\x00.",
    "EXT4": b"\x84\x01\x00\x00\x00.",
    "PERSID": b"Ptouch\n.",
    "BINPERSID": b"Vtouch\nQ.",
    "NEXT_BUFFER": b"\x97.",
    "NEWOBJ of ours": b"c" + VICTIM + b")\x81.",
    "NEWOBJ_EX with keywords": b"cnumpy\ndtype\n)}Vdtype\nVO\ns\x92.",
    "BUILD on ours": b"c" + VICTIM + b")\x81}b.",
    "BUILD on a class": b"cchumpy.ch\nCh\n}V__setstate__\nVx\nsb.",
    "BUILD on a list": b"]}V__class__\nVx\nsb.",
    "BUILD on a dict": b"}}V__class__\nVx\nsb.",
    "APPEND on a placeholder": b"cchumpy.ch\nCh\n)\x81Vx\na.",
    "APPEND on a class": b"cchumpy.ch\nCh\nVx\na.",
    "SETITEM on an array": pickle.dumps(np.ones(3))[:-1] + b"K\x00K\x01s.",
    "ADDITEMS on a list": b"](Vx\n\x90.",
    "REDUCE of a string": b"Vx\n)R.",
    "REDUCE of a placeholder": b"cchumpy.ch\nCh\n)\x81)R.",
    "REDUCE with a list of arguments": b"c__builtin__\nset\n]R.",
    "codecs other than Latin-1": b"c_codecs\nencode\n(Vx\nVzlib\ntR.",
    "a class as a result": b"cnumpy\nndarray\n.",
    "ndarray called": b"cnumpy\nndarray\n((K\x05ttR.",
    "list called": b"c__builtin__\nlist\n(]tR.",
    "bytearray of a size": b"c__builtin__\nbytearray\n(J\xff\xff\xff\x7ftR.",
    "_reconstruct of ours": RECONSTRUCT + b"(c" + VICTIM + b"(K\x00tVb\ntR.",
    "_reconstruct of a dtype": RECONSTRUCT + b"(cnumpy\ndtype\n(K\x00tVb\ntR.",
    "_reconstruct of a placeholder": RECONSTRUCT + b"(cchumpy.ch\nCh\n(K\x00tVb\ntR.",
    "_reconstruct left unbuilt": RECONSTRUCT + b"(cnumpy\nndarray\n(K\x00tVb\ntR.",
    "_reconstructor of a set": b"ccopy_reg\n_reconstructor\n(c__builtin__\nset\nc__builtin__\nobject\nNtR.",
    "_reconstructor of a list": b"ccopy_reg\n_reconstructor\n(c__builtin__\nlist\nc__builtin__\nlist\n]tR.",
    "dtype of fields": pickle.dumps(np.zeros(2, [("a", "f8")])),
    "dtype of dates": pickle.dumps(np.zeros(2, "M8[s]")),
    "dtype of commas": b"cnumpy\ndtype\n(Vf8,O\nK\x00K\x01tR(K\x03V<\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.",
    "dtype of a dict": b"cnumpy\ndtype\n(}tR.",
    "a defaultdict that calls ours": b"ccollections\ndefaultdict\n(c" + VICTIM + b"tR.",
    "a list as a key": b"}]Vx\ns.",
    "a placeholder as a key": b"}cchumpy.ch\nCh\n)\x81Vx\ns.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refuses_hostile_instructions(name):
    SINK.clear()
    with pytest.raises(BodyFileError, match=r"test\.pkl"):
        read(HOSTILE[name])
    assert SINK == []


def test_refuses_registered_extensions():
    copyreg.add_extension(__name__, "Victim", 200)
    try:
        with pytest.raises(BodyFileError, match="EXT1"):
            read(b"\x82\xc8)R.")
    finally:
        copyreg.remove_extension(__name__, "Victim", 200)


def test_the_state_of_a_placeholder_is_only_recorded():
    SINK.clear()
    value = read(b"cchumpy.ch\nCh\n)\x81}(V__class__\nVx\nV__setstate__\nVy\nub.")
    assert type(value) is Placeholder and value.state == {"__class__": "x", "__setstate__": "y"}
    assert read(b"cchumpy.ch\nCh\n)\x81.").state == {}


# Bounds


def array_pickle(shape: tuple[int, ...]) -> bytes:
    """An array of float64 that claims `shape` and holds the eight bytes of one number."""
    parts = pickle.dumps(shape, 0)[:-1] + pickle.dumps(np.dtype("f8"), 0)[:-1]
    return RECONSTRUCT + b"(cnumpy\nndarray\n(K\x00tVb\ntR(K\x01" + parts + b"I00\nV12345678\ntb."


@pytest.mark.parametrize("shape", [(10**12,), (2**62, 8), (3,), (-1,), (0,), (10**20, 10**30), (1,) * 40])
def test_refuses_arrays_that_claim_other_than_their_bytes(shape):
    assert read(array_pickle((1, 1))).shape == (1, 1)
    with pytest.raises(BodyFileError, match=r"shape|64 bits"):
        read(array_pickle(shape))


def test_refuses_sparse_matrices_of_absurd_shape():
    state = {"_shape": (10**6, 10**6), "data": np.ones(1), "row": np.zeros(1, int), "col": np.zeros(1, int)}
    with pytest.raises(ValueError, match="shape"):
        to_array(Placeholder("scipy.sparse.coo.coo_matrix", state))


@pytest.mark.parametrize(
    "change",
    [
        {"indptr": np.array([0, 100, 2])},
        {"indptr": np.array([0, 100, 2], np.uint32)},
        {"indices": np.array([0, 9])},
        {"indices": np.array([0.0, 1.0])},
        {"indices": np.array([-1, 0])},
        {"data": np.ones(3)},
        {"data": np.ones((2, 1))},
        {"_shape": 5},
        {"_shape": (2, 1)},
        {"data": None},
    ],
)
def test_refuses_damaged_sparse_matrices(change):
    state = {"_shape": (2, 2), "data": np.ones(2), "indices": np.array([0, 1]), "indptr": np.array([0, 1, 2])}
    assert to_array(Placeholder("scipy.sparse._csr.csr_matrix", state)).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="sparse"):
        to_array(Placeholder("scipy.sparse._csr.csr_matrix", state | change))


BOMBS = {
    "a long string announced": b"\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "a frame announced": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N",
    "a far memo entry": b"Nr\xff\xff\xff\xffh\x00.",
    "a long number": b"\x8b\xff\xff\x00\x00" + b"\x01" * 0xFFFF + b".",
    "a number of many digits": b"I" + b"9" * 100_000 + b"\n.",
    "one string encoded often": b"X\x00\x00\x08\x00" + b"a" * 0x80000 + b"q\x000"
    + b"c_codecs\nencode\n(h\x00Vlatin1\ntR" * 1000 + b".",
    "one list made into sets": b"](" + b"K\x00" * 100_000 + b"eq\x000" + b"c__builtin__\nset\n(h\x00tR" * 1000 + b".",
    "a key of nested tuples": b"(" + b"N" * 1000 + b"tq\x00" + b"0(" + b"h\x00" * 1000 + b"t" + b"}2s.",
    "a deep key": b")" + b"\x85" * 500_000 + b"q\x000}h\x00Ns.",
    "a compressed run of marks": zlib.compress(b"(" * (1 << 20)),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_refuses_small_files_that_claim_much(name):
    with pytest.raises(BodyFileError):
        read(BOMBS[name])


def test_deep_nesting_does_not_crash():
    with pytest.raises(BodyFileError, match="nests its content more than 200 deep"):
        read(b"]" * 90_000 + b"a" * 89_999 + b".")
    deep: list = []
    for _ in range(20):
        deep = [deep]
    with pytest.raises(ValueError, match="deep"):
        to_array(deep)
    wide = [0.0] * 9999
    with pytest.raises(ValueError, match="too long"):
        to_array([wide] * 9999)


def test_refuses_too_many_parts_and_too_many_bytes(monkeypatch):
    monkeypatch.setattr(pickle_budget, "MOST_STEPS", 100)
    with pytest.raises(BodyFileError, match="too many parts"):
        read(b"]" * 200 + b".")
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 100)
    for data in (b"]" * 200 + b".", zlib.compress(b"]" * 2000)):
        with pytest.raises(BodyFileError, match="more than"):
            read(data)


def test_a_file_over_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 1 << 20)
    path = tmp_path / "big.pkl"
    with open(path, "wb") as file:
        file.truncate(3 << 20)
    with pytest.raises(BodyFileError, match=r"big\.pkl has 3 MB.*at most 1 MB"):
        load(path)


# Damage


def test_names_file_and_kind_with_the_error_class_asked_for(tmp_path):
    for name, data, words in [
        ("missing.pkl", None, "does not exist"),
        ("empty.pkl", b"", "is empty"),
        ("page.pkl", b"<!DOCTYPE html>\n<html>", "no pickle"),
        ("short.pkl", pickle.dumps("abc" * 100)[:-20], "incomplete"),
        ("zlib.pkl", b"\x78\x9cxxxxxxxx", "damaged"),
    ]:
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(MotionFileError, match=rf"{name}.*{words}"):
            load(tmp_path / name, what="motion file", error=MotionFileError)
    with pytest.raises(MotionFileError, match="is a folder; choose a motion file"):
        load(tmp_path, what="motion file", error=MotionFileError)
    with pytest.raises(LsmplError, match="cannot be read"):
        load("a\0b.pkl")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_pickles_give_a_result_or_a_clear_error(data):
    protocol = data.draw(st.integers(-1, 5))
    base = PYTHON2_PICKLE
    if protocol >= 0:
        base = pickle.dumps({"a": [1, 2.5, np.ones((2, 3)), np.float32(1)], "b": (None, {"x"}, b"y", 2**40)}, protocol)
    base = bytearray(base)
    for _ in range(data.draw(st.integers(1, 6))):
        base[data.draw(st.integers(0, len(base) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = read(bytes(base))
    except LsmplError:
        return
    for value in result.values() if isinstance(result, dict) else [result]:
        with suppress(ValueError):
            to_array(value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes_give_a_result_or_a_clear_error(data):
    with suppress(LsmplError):
        read(data)


def test_nothing_of_the_host_is_changed():
    before = dict(vars(Placeholder)), os.getcwd()
    modules = set(sys.modules)
    for data in HOSTILE.values():
        with pytest.raises(BodyFileError):
            read(data)
    assert (dict(vars(Placeholder)), os.getcwd()) == before
    imported = set(sys.modules) - modules
    assert all(name.startswith("encodings.") for name in imported)  # the codecs of pickled text


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, partial(lzma.compress, format=lzma.FORMAT_ALONE)])
def test_pickles_that_are_packed_as_none_is_read_say_so(pack):
    with pytest.raises(BodyFileError, match=r"b\.pkl is packed with (bzip2|xz|lzma); of packed pickles those by gzip"):
        safe_pickle.loads(pack(pickle.dumps([0.0])), name="b.pkl")

"""Fuzzers of what tools write, in every form that is known: files, folders of a file a frame, data sets.

The good ones are those of the readers' tests: keypoints with and without hands as tools export them
(`field_inputs.py`), estimators' motions (`test_estimator_forms.py`), data sets as their owners distribute them
(`test_datasets.py`). Of a folder, files are damaged, doubled under odd names and numbers, emptied or lost.
"""

import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import test_datasets
import test_estimates
import test_estimator_forms as estimators
from damage import damaged
from field_inputs import Take
from fuzz_files import load_motion, read_everybody, read_track, use_body
from fuzzing import Fuzzer, failure, fuzz, in_our_words, is_traced, judge, kept
from stick_figure import walking
from test_family import SMPLH, SMPLX, family_file, written
from test_field_inputs import INPUTS
from test_network import random_weights

import lsmpl_core as lsmpl
from lsmpl_core.datasets import LeftOut, read_dataset
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.solver.network import read_weights

Files = dict[str, bytes]
"""The contents of a file, under its own name, or of the files of a folder, by their paths in it."""
FOLDER = "take"
THINNED = 16
"""Bodies with hands are tried with one of so many vertices: with all, most of the time would go into copying them."""
ODD_NAMES = (
    "00000.npz", "999999999.npz", "1_999999999.npz", "00001_0.npz", "2147483648.pkl", "-1.json", "1e3.npy", "a.pkl",
    "frame_00001.json", "frame_00001.npz", "\u0661\u0662.npz", "x\n1.npz", "\u202e3.pkl", "n" * 240 + "1.npz", ".npz",
    "1.NPZ", "1 .npz", "1..npz", "img0001_subj99.npz", "smplx", "0/0.pkl", "00003/000.pkl", "notes.txt",
)  # fmt: skip


@cache
def _people() -> tuple[Take, Take]:
    body = lsmpl.load_body()
    return Take(body, frames=slice(10, 40)), Take(body, "08_01", slice(5, 35), (0.3, 2.5, 0))


@cache
def _estimated() -> tuple[estimators.Someone, estimators.Someone]:
    return tuple(estimators.Someone(lsmpl.load_body(), clip, first) for clip, first in (("07_01", 10), ("08_01", 5)))


def _contents(place: Path) -> Files:
    """What is in a folder; files may be in folders in it."""
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def keypoint_forms(folder: Path) -> dict[str, Files]:
    """Each form of `field_inputs`, by its name, and MATLAB's files, where SciPy can write them."""
    writers = {f"{given.name} {given.file}": partial(given.write, list(_people())) for given in INPUTS}
    with suppress(ImportError, pytest.skip.Exception):
        import test_mat_files as mat

        places = walking(LAYOUTS["coco_17"], mat.FRAMES)
        writers |= {
            f"{name} take.mat": partial(mat.scipy_io.savemat, mdict=make(places), do_compression=name < "n")
            for name, (make, _) in mat.FORMS.items()
        }
    return _forms(folder, writers)


def estimate_forms(folder: Path) -> dict[str, Files]:
    """Each form of the estimators, and SMPLer-X's folder."""
    one, two = _estimated()
    pickled = {f"{name} m.pkl": make(one, two) for name, make in (estimators.PICKLES | estimators.TWO).items()}
    writers: dict[str, Callable[[Path], object]] = {
        name: lambda path, content=content: path.write_bytes(pickle.dumps(content)) for name, content in pickled.items()
    }
    writers |= {name: partial(write, one) for name, (write, _) in estimators.FILES.items()}
    seen = {name: test_estimates.take(12, name) for name in (0, 1)}
    frames = {0: list(range(1, 13)), 1: list(range(3, 15))}
    writers["smplerx"] = lambda path: test_estimates.write_smplerx(path, seen, frames)
    writers["wham.pkl"] = lambda path: test_estimates.write_wham(path, seen, frames)
    writers["phalp.pkl"] = lambda path: test_estimates.write_phalp(path, seen, frames, 15)
    return _forms(folder, writers)


def _forms(folder: Path, writers: dict[str, Callable[[Path], object]]) -> dict[str, Files]:
    forms = {}
    for number, (name, write) in enumerate(writers.items()):
        place = folder / str(number)
        place.mkdir(parents=True)
        path = place / name.rpartition(" ")[2]
        write(path)
        forms[name] = _contents(path) if path.is_dir() else _contents(place)
    return forms


def family_bodies(folder: Path) -> dict[str, bytes]:
    """Bodies with hands, of fewer vertices than they have."""
    rng, body = np.random.default_rng(0), lsmpl.load_body()
    vertices = len(np.unique(np.concatenate(body.fingers.vertices)))
    fields = [_thinned(family_file(body, skeleton, vertices, rng)) for skeleton in (SMPLH, SMPLX)]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [written(fields[0], folder / "smplh.pkl"), written(fields[1], folder / "smplx.npz")]
    return {path.name: path.read_bytes() for path in paths}


def _thinned(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    few = {name: fields[name][::THINNED] for name in ("v_template", "shapedirs", "weights")}
    few["posedirs"] = fields["posedirs"][::THINNED].astype(np.float16)
    few["J_regressor"] = fields["J_regressor"][:, ::THINNED] + 1 / len(few["weights"])
    few["J_regressor"] /= few["J_regressor"].sum(axis=1, keepdims=True)
    return {**fields, **few, "f": fields["f"] % len(few["weights"])}


def networks(folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "network.npz", **random_weights(8, 1))
    return {"network.npz": (folder / "network.npz").read_bytes()}


def datasets(folder: Path) -> dict[str, Files]:
    """AMASS, 3DPW, RICH, and estimates beside keypoints."""
    body = lsmpl.load_body()
    motion = _people()[0].motion.frames(slice(0, 6))
    test_datasets.write_amass(folder / "amass", motion)
    test_datasets.write_3dpw(
        folder / "3dpw" / "sequenceFiles" / "test" / "walk_00.pkl", [motion], [np.zeros(3)], np.ones(6, bool)
    )
    test_datasets.write_rich(folder / "rich" / "Hall_009_021_walk", motion, "009", [*range(6)], np.eye(3))
    test_datasets.write_paired(folder / "paired", body, motion, ["S1/vault"])
    return {place.name: _contents(place) for place in sorted(folder.iterdir())}


# What reads them


def read_network(path: Path) -> None:
    read_weights.cache_clear()
    assert all(np.isfinite(value).all() for value in read_weights(path).values())


def read_set(path: Path) -> None:
    """What a file of a data set does is told of that file, and stops no other."""
    for found in read_dataset("auto", path):
        if isinstance(found, LeftOut):
            in_our_words(found.reason)
        else:
            for motion in filter(None, (found.truth, found.estimate)):
                assert np.isfinite(motion.poses).all() and np.isfinite(motion.trans).all()


def read_both(path: Path) -> None:
    """One person's track, or all; a file that gives the one gives the others."""
    read_track(path)
    read_everybody(path)


# Tries


def damage_folder(files: Files, rng: np.random.Generator) -> Files:
    """One to three kinds of damage: to some files' contents, names, numbers, or to which there are."""
    files = dict(files)
    for _ in range(rng.integers(1, 4)):
        if not files:
            return files
        names = sorted(files)
        name = names[rng.integers(len(names))]
        others = [files[names[rng.integers(len(names))]] for _ in range(2)]
        what = rng.integers(10)
        if what < 5:
            for one in {name, *(names[i] for i in rng.integers(len(names), size=rng.integers(0, 3)))}:
                files[one] = damaged(files[one], rng, others)
        elif what < 7:
            odd = str(rng.choice(ODD_NAMES))
            files[odd if rng.random() < 0.5 else str(Path(name).parent / odd)] = files[name]
        elif what == 7:
            del files[name]
        elif what == 8:
            files[name] = others[0]
        else:
            files = {one: files[one] for one in names[: rng.integers(0, len(names))]}
    return files


def _written(path: Path, files: Files) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for name, content in files.items():
        place = path / name
        if not place.exists() and not any(parent.is_file() for parent in place.parents):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def fuzz_folder(folder: Path, name: str, files: Files, read: Callable, seed: int) -> None:
    """One damaged copy of one folder, judged."""
    path = folder / FOLDER
    _written(path, damage_folder(files, np.random.default_rng(seed)))
    try:
        judge(path, read, traced=is_traced(seed))
    except Exception as error:
        raise AssertionError(f"{name}, seed {seed}, {kept(path, seed)}: {failure(error)}") from error
    finally:
        shutil.rmtree(path, ignore_errors=True)


def of_forms(name: str, make: Callable[[Path], dict[str, Files]], read: Callable[[Path], object]) -> Fuzzer:
    """Tries the forms one after the other, files and folders, each damaged by the seed."""

    @cache
    def forms(folder: Path) -> dict[str, Files]:
        return make(folder / f"made {name}")

    def attempt(folder: Path, seed: int) -> str:
        known = forms(folder)
        one = sorted(known)[seed % len(known)]
        files = known[one]
        file = one.rpartition(" ")[2]
        if list(files) == [file]:
            fuzz(folder, file, {**files, **_others(known, seed)}, read, seed)
            return file
        fuzz_folder(folder, one, files, read, seed)
        return "folder"

    return Fuzzer(name, attempt)


def _others(known: dict[str, Files], seed: int) -> dict[str, bytes]:
    """Another form's content, to be spliced with."""
    other = sorted(known)[seed * 7 % len(known)]
    return {"other": next(iter(known[other].values()))}


def each_alone(make: Callable[[Path], dict[str, bytes]]) -> Callable[[Path], dict[str, Files]]:
    return lambda folder: {name: {name: content} for name, content in make(folder).items()}


FORMS = (
    of_forms("keypoint forms", keypoint_forms, read_both),
    of_forms("estimate forms", estimate_forms, load_motion),
    of_forms("data sets", datasets, read_set),
    of_forms("bodies with hands", each_alone(family_bodies), use_body),
    of_forms("networks", each_alone(networks), read_network),
)

"""Several people in one file are told apart, the one most seen is read, and `person` chooses another."""

import json

import numpy as np
import pytest
from stick_figure import walking
from test_readers import csv_text, decided, trc_text
from test_readers_c3d import c3d_bytes

from lsmpl_core.cli.main import main
from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.motion import Motion
from lsmpl_core.readers import read_keypoints, read_people

COCO = LAYOUTS["coco_17"]
ANN, BOB = walking(COCO), walking(COCO) + (0.5, 1.5, 0.0)
FRAMES = len(ANN)
SEPARATORS = {"colon": ":", "underscore": "_", "dot": "."}
FORMS = [*SEPARATORS, "c3d", "csv", "array", "people first", "ids", "in any order"]


def people_file(folder, form: str):
    """Ann in all frames, Bob from the fifth on, in one of the ways that files keep people; and what they are called."""
    bob = BOB.copy()
    bob[:5] = np.nan
    both = np.concatenate([ANN, bob], axis=1)
    names = [f"{who}{SEPARATORS.get(form, '_')}{name}" for who in ("Ann", "Bob") for name in COCO.keypoints]
    if form in SEPARATORS:
        (folder / "take.trc").write_text(trc_text(names, both))
        return folder / "take.trc", "Ann", "Bob"
    if form == "c3d":
        (folder / "take.c3d").write_bytes(c3d_bytes(names, both))
        return folder / "take.c3d", "Ann", "Bob"
    if form == "csv":
        (folder / "take.csv").write_text(csv_text(names, both).replace("nan", ""))
        return folder / "take.csv", "Ann", "Bob"
    if form == "array":
        np.save(folder / "take.npy", np.nan_to_num(np.stack([ANN, bob], axis=1)))
        return folder / "take.npy", "1", "2"
    if form == "people first":
        np.savez(folder / "take.npz", keypoints3d=np.stack([ANN, bob]))
        return folder / "take.npz", "1", "2"
    ids = form == "ids"
    for t in range(FRAMES):
        people = [{"keypoints3d": ANN[t].tolist()} | ({"id": 7} if ids else {})]
        if t >= 5:
            people.insert(t % 2, {"keypoints3d": BOB[t].tolist()} | ({"id": 3} if ids else {}))
        (folder / f"{t:06d}.json").write_text(json.dumps(people))
    return (folder, "7", "3") if ids else (folder, "number 1", "number 2")


@pytest.mark.parametrize("form", FORMS)
def test_the_one_most_seen_is_read_and_another_can_be_chosen(tmp_path, form):
    path, ann, bob = people_file(tmp_path, form)
    track = read_keypoints(path)
    assert np.allclose(track.positions, ANN, atol=1e-6) and track.layout is COCO
    assert (decided(track)["person"].value, decided(track)["person"].basis) == (ann, "assumed")
    assert bob in decided(track)["person"].reason

    track = read_keypoints(path, person=bob.upper())
    assert np.allclose(track.positions[5:], BOB[5:], atol=1e-6) and not track.visible[:5].any()
    assert (decided(track)["person"].value, decided(track)["person"].basis) == (bob, "given")
    with pytest.raises(KeypointFileError, match="'Zoe'") as error:
        read_keypoints(path, person="Zoe")
    assert path.name in str(error.value) and ann in str(error.value) and bob in str(error.value)


@pytest.mark.parametrize("form", ["names", "one prefix", "array"])
def test_files_of_one_person_say_so_where_another_is_asked_for(tmp_path, form):
    path = tmp_path / ("take.npy" if form == "array" else "take.trc")
    if form == "array":
        np.save(path, ANN)
    else:
        path.write_text(trc_text([("Ann:" if form == "one prefix" else "") + name for name in COCO.keypoints], ANN))
    assert "person" not in decided(read_keypoints(path)) and "person" not in decided(read_keypoints(path, person=" "))
    with pytest.raises(KeypointFileError, match=r"take.*has no person 'Bob'"):
        read_keypoints(path, person="Bob")
    if form == "one prefix":
        assert decided(read_keypoints(path, person="ann"))["person"].basis == "given"


@pytest.mark.parametrize("form", FORMS)
def test_everybody_is_read_in_one_world(tmp_path, form):
    path, ann, bob = people_file(tmp_path, form)
    first, second = read_people(path)
    assert (first.person, second.person) == (ann, bob)
    np.testing.assert_allclose(first.positions, ANN, atol=1e-6)
    np.testing.assert_allclose(second.positions[5:], BOB[5:], atol=1e-6)
    assert np.isnan(second.positions[:5]).all() and second.layout is COCO
    for what in ("unit", "up"):
        assert decided(first)[what] == decided(second)[what]
    assert (decided(second)["person"].basis, decided(second)["person"].reason) == ("file", f"beside {ann}")


def test_a_small_person_is_not_enlarged_beside_a_tall_one(tmp_path):
    child = 0.6 * (BOB - BOB.mean(axis=(0, 1))) + BOB.mean(axis=(0, 1))
    np.save(tmp_path / "family.npy", 1000.0 * np.stack([ANN, child], axis=1))
    for unit in (None, "body"):
        first, second = read_people(tmp_path / "family.npy", unit=unit)
        heights = [np.ptp(track.positions[..., 2], axis=1).mean() for track in (first, second)]
        assert heights[1] / heights[0] == pytest.approx(0.6, abs=0.02)


def test_ghosts_are_left_aside_and_named(tmp_path):
    ghost = np.full_like(BOB, np.nan)
    ghost[7] = BOB[7]
    np.save(tmp_path / "take.npy", np.stack([ghost, ANN, BOB], axis=1))
    tracks = read_people(tmp_path / "take.npy")
    assert [track.person for track in tracks] == ["2", "3"]
    assert decided(tracks[0])["left aside"].reason.endswith(": 1")


def test_reading_people_of_a_file_of_one(tmp_path):
    (tmp_path / "take.trc").write_text(trc_text(COCO.keypoints, ANN))
    (track,) = read_people(tmp_path / "take.trc")
    assert track.person == "" and decided(track).keys() == decided(read_keypoints(tmp_path / "take.trc")).keys()
    np.testing.assert_array_equal(track.positions, read_keypoints(tmp_path / "take.trc").positions)


def test_things_with_markers_are_no_people(tmp_path):
    names = [f"Ann:{name}" for name in COCO.keypoints] + ["Ball:1", "Ball:2"]
    (tmp_path / "take.trc").write_text(trc_text(names, np.concatenate([ANN, ANN[:, :2] + 3], axis=1)))
    track = read_keypoints(tmp_path / "take.trc")
    assert "person" not in decided(track) and np.allclose(track.positions, ANN, atol=1e-6)


def test_people_without_ids_who_pass_each_other_stay_who_they_are(tmp_path):
    still = ANN - ANN[:, :1] * (1, 1, 0)
    way = np.linspace(-2, 2, FRAMES)[:, None, None] * (1, 0, 0)
    ahead, back = still + way + (0, 0.4, 0), still - way - (0, 0.4, 0)
    frames = [[{"keypoints3d": p[t].tolist()} for p in ((ahead, back) if t % 3 else (back, ahead))] for t in range(40)]
    (tmp_path / "take.json").write_text(json.dumps({"frames": frames}))
    tracks = [read_keypoints(tmp_path / "take.json", person=f"number {i}", up="z").positions for i in (1, 2)]
    assert np.allclose(tracks[0], back) and np.allclose(tracks[1], ahead)


def test_the_command_solves_the_person_asked_for(tmp_path, capsys):
    path, _, _ = people_file(tmp_path, "colon")
    arguments = ["convert", str(path), "-o", str(tmp_path / "bob.npz"), "--report", str(tmp_path / "r.json")]
    assert main([*arguments, "--person", "Zoe"]) == 1
    assert "Ann (680 points), Bob (595 points)" in capsys.readouterr().err
    assert main([*arguments, "--person", "Bob", "--solver", "polish", "--polish", "1"]) == 0
    record = json.loads((tmp_path / "r.json").read_text())["files"][0]
    assert next(d for d in record["decisions"] if d["what"] == "person")["value"] == "Bob"


QUICK = "--solver", "polish", "--polish", "1"


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")])
def test_the_command_solves_all_people_of_all_files(tmp_path, capsys, jobs):
    takes, out = tmp_path / "takes", tmp_path / "out"
    takes.mkdir()
    people_file(takes, "colon")
    (takes / "alone.trc").write_text(trc_text(COCO.keypoints, ANN))
    (takes / "broken.trc").write_text("PathFileType")
    words = ["convert", str(takes), "-o", str(out), "--all-people", *jobs, *QUICK, "--report", str(tmp_path / "r.json")]
    assert main(words) == 1
    assert sorted(path.name for path in out.glob("*.npz")) == ["alone.npz", "take_Ann.npz", "take_Bob.npz"]
    told = capsys.readouterr()
    assert "take.trc (Bob): " in told.out and "broken.trc" in told.err
    files = {file["output"]: file for file in json.loads((tmp_path / "r.json").read_text())["files"]}
    assert files[str(out / "take_Bob.npz")]["person"] == "Bob" and "person" not in files[str(out / "alone.npz")]
    ann, bob = (Motion.load(out / f"take_{name}.npz") for name in ("Ann", "Bob"))
    apart = np.median(bob.trans[5:] - ann.trans[5:], axis=0)
    np.testing.assert_allclose(apart[:2], (0.5, 1.5), atol=0.05)
    assert main([*words, "--resume"]) == 1
    assert "3 skipped, 1 failed" in capsys.readouterr().out


def test_all_people_of_one_file_need_a_folder(tmp_path, capsys):
    path, _, _ = people_file(tmp_path, "colon")
    assert main(["convert", str(path), "-o", str(tmp_path / "all.npz"), "--all-people", *QUICK]) == 2
    assert "several takes need a folder" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["array", "ids", "in any order"])
def test_a_file_is_read_once_whoever_is_in_it(tmp_path, form, monkeypatch):
    path, *_ = people_file(tmp_path, form)
    opened, as_it_is = [], open

    def counting(file, *given, **more):
        opened.append(str(file))
        return as_it_is(file, *given, **more)

    monkeypatch.setattr("builtins.open", counting)
    everybody = read_people(path)
    opened = [file for file in opened if file.startswith(str(path))]
    assert len(everybody) == 2 and len(opened) == len(set(opened)) > 0
    for track in everybody:
        alone = read_keypoints(path, person=track.person)
        assert np.array_equal(track.positions, alone.positions, equal_nan=True)

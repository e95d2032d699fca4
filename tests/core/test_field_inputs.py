"""Whatever people really have is read right, or refused with the reason: inputs as other tools write them."""

import json

import field_inputs_in_nests  # noqa: F401  registers its inputs
import field_inputs_of_data_frames  # noqa: F401
import field_inputs_of_exporters  # noqa: F401
import field_inputs_of_scripts  # noqa: F401
import field_inputs_of_tools  # noqa: F401
import numpy as np
import pytest
from field_inputs import INPUTS, Input, Right, Take, bvh_text

import lsmpl_core as lsmpl
from lsmpl_core.errors import LsmplError
from lsmpl_core.readers import read_keypoints
from lsmpl_core.readers.reading import read_people

PARTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
LIMBS = [f"{side}_{part}" for side in ("left", "right") for part in PARTS]


def judged(given: Input, path, people) -> str:
    """What is wrong of how an input is read; "" where all is right."""
    right = given.right
    try:
        tracks = read_people(path, **right.options) if right.people > 1 else [read_keypoints(path, **right.options)]
    except LsmplError as error:
        if right.refused and right.refused in str(error):
            return ""
        return f"refused: {error}"
    track = tracks[0]
    said = {decision.what for decision in track.decisions}
    got = f"{track.layout.name}, {len(track)} frames from {track.first_frame}, {track.fps:g} fps, {sorted(said)}"
    if right.refused:
        return f"read as {got}"
    if right.layout and track.layout.name not in right.layout.split("|"):
        return f"layout: {got}"
    if (len(track), track.first_frame) != (right.frames, right.first):
        return f"frames: {got}"
    if right.fps is not None and abs(track.fps - right.fps) > 0.01 * right.fps:
        return f"fps: {got}"
    if not said.issuperset(right.said):
        return f"not said: {got}"
    if len(tracks) != right.people:
        return f"{len(tracks)} people: {got}"
    gone = tuple(int(t) for t in np.flatnonzero(~track.visible.any(axis=1)))
    if gone != right.missing:
        return f"frames {gone} are missing: {got}"
    return next((wrong for track in tracks if (wrong := misplaced(track, people, right))), "")


def misplaced(track: lsmpl.KeypointTrack, people: list[Take], right) -> str:
    """Where keypoints are not at their sites of one of the people, in one world that stands upright; "" where all
    are."""
    if track.layout.name == "markers":
        return upright(track.positions, None)
    layout = track.layout
    columns = [
        (layout.sites if limb in layout.sites else layout.keypoints).index(limb)
        for limb in LIMBS
        if limb in layout.sites or limb in layout.keypoints
    ]
    found = [layout.sites[column] for column in columns]
    seen = track.visible[:, columns]
    if sum(seen.any(axis=0)) < right.points:
        return f"only {sum(seen.any(axis=0))} of the limbs' keypoints"
    wrongs = []
    for person in people:
        truth = person.points(found)
        rows = ~np.isin(np.arange(len(truth)), right.missing)
        error, turn = off(track.positions[:, columns][rows], truth[rows], seen[rows], right.travels, right.scaled)
        tilt = np.degrees(np.arccos(np.clip(turn[2, 2], -1, 1)))
        if error < right.tolerance_mm and tilt < 30:
            return ""
        wrongs.append(f"{error:.1f} mm off, {tilt:.0f} degrees tilted")
    return "; ".join(wrongs)


def off(positions, truth, seen, travels: bool, scaled: bool = False) -> tuple[float, np.ndarray]:
    """The worst keypoint's mean distance in mm after the one rigid motion that suits best, or those of each frame where
    it does not travel; and that motion's rotation."""
    where = (0, 1) if travels else 1
    middles = [np.nanmean(np.where(seen[..., None], p, np.nan), axis=where, keepdims=True) for p in (positions, truth)]
    a, b = positions - middles[0], truth - middles[1]
    a, b = np.where(seen[..., None], a, 0.0), np.where(seen[..., None], b, 0.0)
    left, _, right = np.linalg.svd(a.reshape(-1, 3).T @ b.reshape(-1, 3))
    turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    a, size = a @ turn, np.linalg.norm(b) / np.linalg.norm(a)
    if not (scaled or 0.8 < size < 1.25):
        return np.inf, turn
    return 1000 * float((np.linalg.norm(size * a - b, axis=2).sum(axis=0) / seen.sum(axis=0)).max()), turn


def upright(positions, _) -> str:
    heights = np.nanmax(positions, axis=1) - np.nanmin(positions, axis=1)
    tall = float(np.nanmedian(heights[:, 2]))
    return "" if 1.3 < tall < 2.0 else f"{tall:.2f} m tall"


@pytest.fixture(scope="module")
def people(body) -> list[Take]:
    return [Take(body), Take(body, "08_01", slice(5, 35), (0.3, 2.5, 0))]


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: f"{given.kind}-{given.name}")
def test_is_read_right_or_refused_with_the_reason(tmp_path, people, given):
    path = tmp_path / given.file
    given.write(people, path)
    assert judged(given, path, people) == ""


GERMAN = {
    "hip": "Oberschenkel", "knee": "Unterschenkel", "ankle": "Fuss", "shoulder": "Oberarm", "elbow": "Unterarm",
    "wrist": "Hand", "collar": "Schluesselbein", "foot": "Zehen", "hand": "Finger",
}  # fmt: skip


def test_bones_of_a_users_own_names_are_read_by_a_mapping(tmp_path, people):
    names = {
        f"{side}_{part}": f"{name}_{side[0].upper()}" for part, name in GERMAN.items() for side in ("left", "right")
    }
    names |= {"pelvis": "Becken", "neck": "Hals", "head": "Kopf", "spine1": "W1", "spine2": "W2", "spine3": "W3"}
    (tmp_path / "walk.bvh").write_text(bvh_text(people[0], names))
    with pytest.raises(LsmplError, match=r"--layout mapping\.json|--markers"):
        read_keypoints(tmp_path / "walk.bvh")
    limbs = {bone: joint for joint, bone in names.items() if joint in LIMBS}
    (tmp_path / "german.json").write_text(json.dumps({"keypoints": limbs, "fps": 30}))
    track = read_keypoints(tmp_path / "walk.bvh", layout=tmp_path / "german.json")
    assert misplaced(track, people, Right()) == ""

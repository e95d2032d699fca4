"""Legs of other characters: `python benchmarks/retarget.py MOCAP_FOLDER`.

Recorded motion, cleaned, on eleven characters (`characters.py`), with Feet on Floor and without, beside the motion on
its own body. Everything is measured on the skin of the soles, by linear blend skinning, which retargeting does not see
moving. Half of the clips are there to choose constants by (`--half tuning`), the others, of other people where there
are any, to report what they come to.

Columns: what slides, mean cm/s of heels and toes while the recording's stand, and of whatever skin is within 1 cm of
the floor; sole under and over it, mean and 99th percentile in mm of how deep each foot's lowest skin is, and how high
it is while the foot stands; tilt, mean mm by which heel and toes differ in height while both stand; thighs' and shins'
angle to the recording's, mean and most; pops, 99th percentile and most: by how much knees' angular acceleration (1000
degrees/s²) and ankles' and hips' acceleration (m/s², for a body of the recording's size) are more than the recording's
within two frames; and how far in mm the hips are from where the recording's are for that size, mean and most.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from characters import Character, characters  # noqa: E402

import lsmpl_core as lsmpl  # noqa: E402
from lsmpl_core.body.skeleton import JOINT_NAMES  # noqa: E402
from lsmpl_core.cleaning.contacts import contact_mask, find_contacts  # noqa: E402
from lsmpl_core.cleaning.floor import estimate_floor, foot_points  # noqa: E402
from lsmpl_core.frames import runs  # noqa: E402
from lsmpl_core.retarget_motion import Retargeted, retarget  # noqa: E402
from lsmpl_core.retargeting.target_skeleton import SIDES  # noqa: E402

FRAMES = 240
CLIPS = {
    "tuning": {
        "walk": ("07_02", 0), "run": ("35_22", 0), "jump": ("16_02", 0), "turn": ("16_18", 0), "dance": ("05_10", 0),
        "karate": ("135_04", 60), "crouch": ("14_14", 0), "stairs": ("14_21", 0),
    },
    "report": {
        "walk": ("08_05", 0), "run": ("02_03", 0), "jump": ("13_13", 0), "turn": ("127_17", 0),
        "dance": ("salsa_05", 0), "karate": ("135_05", 60), "crouch": ("127_31", 0), "stairs": ("13_35", 0),
    },
}  # fmt: skip
"""A recording of each kind and the frame that it is looked at from."""
DOWN = 0.01
"""Metres from its usual height up to which a point stands."""
TOUCHING = 0.01
"""Metres above the floor up to which skin touches it."""
COLUMNS = (
    "heel, toe slide", "skin slides", "under", "99 %", "over", "99 %", "tilt", "legs off", "most", "knees", "most",
    "ankles", "most", "hips", "most", "hips off", "most",
)  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """A cleaned motion and what is known of it: its joints (T,24,3), when its heels and toes stand (T,2,2), its floor.

    level says whether all standing is on that floor: on stairs, heights are measured from where the recording's are.
    """

    name: str
    motion: lsmpl.Motion
    joints: np.ndarray
    standing: np.ndarray
    floor: float
    level: bool


def recordings(folder: Path, body: lsmpl.Body, half: str, only: Iterable[str] = ()) -> list[Recording]:
    found = []
    for kind, (name, first) in CLIPS[half].items():
        if only and kind not in only:
            continue
        motion = lsmpl.Motion.load(folder / f"{name}.npz").frames(slice(first, first + FRAMES))
        motion = lsmpl.clean_up(replace(motion, betas=np.zeros(10), body=body.key), body, floor="zero")
        points = foot_points(motion, body)
        floor = estimate_floor(points)
        standing = contact_mask(find_contacts(points, floor, motion.fps), len(motion))
        for point, start, stop in (
            (p, start, stop) for p in range(4) for start, stop in runs(standing[:, p])
        ):  # heels that have already risen are not said to slide
            height = points.positions[start:stop, point, 2]
            standing[start:stop, point] = np.abs(height - np.median(height)) < DOWN
        standing = standing.reshape(-1, 2, 2)
        found.append(Recording(f"{kind} {name}", motion, body.joints(motion), standing, floor.height, kind != "stairs"))
    return found


def measured(recording: Recording, character: Character, done: Retargeted) -> np.ndarray:
    """The figures of `COLUMNS`."""
    fps = recording.motion.fps
    rotations, places = character.played(done)
    soles = character.soles(rotations, places)
    slides, touching, under, over, tilt = [], [], [], [], []
    for side, skin in enumerate(soles):
        patches = np.stack([skin[:, rows].mean(axis=1) for rows in character.ends(side)], axis=1)
        low = np.stack([skin[:, rows, 2].min(axis=1) for rows in character.ends(side)], axis=1)
        speed = np.linalg.norm(np.diff(patches[..., :2], axis=0), axis=2) * fps
        stays = recording.standing[:, side]
        slides.append(speed[stays[1:] & stays[:-1]])
        tilt.append(np.abs(low[:, 0] - low[:, 1])[stays.all(axis=1)])
        if not recording.level:
            continue
        height = skin[..., 2] - recording.floor
        moved = np.linalg.norm(np.diff(skin[..., :2], axis=0), axis=2) * fps
        touch = (height[1:] < TOUCHING) & (height[:-1] < TOUCHING)
        some = touch.any(axis=1)
        touching.append((moved * touch).sum(axis=1)[some] / touch.sum(axis=1)[some])
        under.append(np.maximum(-height.min(axis=1), 0.0))
        over.append(np.maximum(height.min(axis=1), 0.0)[stays.any(axis=1)])
    off, knees, ankles = [], [], []
    for side in SIDES:
        hip, knee, ankle = (places[:, character.bone(f"{side}_{part}")] for part in ("hip", "knee", "ankle"))
        theirs = [recording.joints[:, JOINT_NAMES.index(f"{side}_{part}")] for part in ("hip", "knee", "ankle")]
        off += [angle(knee - hip, theirs[1] - theirs[0]), angle(ankle - knee, theirs[2] - theirs[1])]
        bend = [angle(b - a, c - b) for a, b, c in ((hip, knee, ankle), theirs)]
        knees.append(jolts(*(np.abs(second(b)) for b in bend)) * fps**2 / 1000.0)
        ankles.append(jolts(*(np.linalg.norm(second(a), axis=1) for a in (ankle / done.scale, theirs[2]))) * fps**2)
    hips = [p[:, rows].mean(axis=1) for p, rows in (
        (places, [character.bone("left_hip"), character.bone("right_hip")]), (recording.joints, [1, 2]),
    )]  # fmt: skip
    jolt = jolts(*(np.linalg.norm(second(p), axis=1) for p in (hips[0] / done.scale, hips[1]))) * fps**2
    low = (hips[0][:, 2] - recording.floor) - done.scale * (hips[1][:, 2] - recording.floor)
    off, knees, ankles, low = np.concatenate(off), np.concatenate(knees), np.concatenate(ankles), np.abs(low)
    touching, under, over = (np.concatenate(v) if v else np.zeros(0) for v in (touching, under, over))
    return np.array([
        100 * _mean(np.concatenate(slides)), 100 * _mean(touching),
        1000 * _mean(under), 1000 * _most(under, 99), 1000 * _mean(over), 1000 * _most(over, 99),
        1000 * _mean(np.concatenate(tilt)), _mean(off), _most(off), _most(knees, 99), _most(knees),
        _most(ankles, 99), _most(ankles), _most(jolt, 99), _most(jolt), 1000 * _mean(low), 1000 * _most(low),
    ])  # fmt: skip


def second(values: np.ndarray) -> np.ndarray:
    return np.diff(values, 2, axis=0)


def jolts(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(T,): by how much ours (T,) is more than the most of theirs in the two frames before and after."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(theirs, 2, mode="edge"), 5).max(axis=1)
    return np.maximum(ours - around, 0.0)


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) degrees."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(axis=1)))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan


def _most(values: np.ndarray, percentile: float = 100) -> float:
    return float(np.percentile(values, percentile)) if values.size else np.nan


def _table(title: str, rows: dict[str, list[np.ndarray]]) -> None:
    print(f"\n### {title}\n\n| | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 1)}")
    for name, values in rows.items():
        table = np.array(values)
        known = np.isfinite(table)
        shown = np.where(known, table, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        worst = np.where(known, table, -np.inf).max(axis=0)
        shown = [w if name_of == "most" else s for s, w, name_of in zip(shown, worst, COLUMNS)]
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in shown)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="motion in the AMASS layout (.npz)")
    parser.add_argument("--half", choices=tuple(CLIPS), default="report", help="of the recordings")
    parser.add_argument("--only", nargs="*", default=(), help="kinds of recordings: walk, run, ...")
    arguments = parser.parse_args()
    body = lsmpl.load_body()
    rigs = characters(body)
    by_clip: dict[str, list[np.ndarray]] = {}
    by_rig: dict[str, list[np.ndarray]] = {}
    total: dict[str, list[np.ndarray]] = {}
    for recording in recordings(arguments.folder, body, arguments.half, arguments.only):
        for rig in rigs:
            for feet in (False, True):
                way = "Feet on Floor" if feet else "rotations alone"
                figures = measured(recording, rig, retarget(recording.motion, body, rig.skeleton, feet=feet))
                own = rig is rigs[0]
                by_rig.setdefault(f"{rig.name}, {way}", []).append(figures)
                if own and not feet:
                    total.setdefault("the recording on its own body", []).append(figures)
                    by_clip.setdefault(f"{recording.name}, its own body", []).append(figures)
                if not own:
                    total.setdefault(way, []).append(figures)
                    by_clip.setdefault(f"{recording.name}, {way}", []).append(figures)
    _table("recordings, over the characters", by_clip)
    _table("characters, over the recordings", by_rig)
    _table("all", total)


if __name__ == "__main__":
    main()

"""How motion stands on the ground and how far it goes: `python benchmarks/ground.py FOLDER [FOLDER ...]`.

Motion in the AMASS layout as others recorded or solved it, nothing of it solved anew:

* floor: what `clean_up` makes of it with feet locked and the floor that it finds ("auto").
* hips: the same motion put around its hips, as what lifts one video to 3D has it; travel and height from its feet
  (`with_travel`), then cleaned up. Truth is where the motion was.

In % of frames: "hovers", feet stand (by the contacts that were found) and the lowest skin is more than 2 cm over the
floor; "sinks", skin is more than 2 cm under it. Whoever climbs steps hovers by this measure, rightly. Slides: cm/s, of
what stands. Went, found: metres from the first frame to the last; off: between where it got to and where it should
have, in % of the way along the path, which is at least a metre here. "Rises": centimetres, 95th percentile, between
the heights of the pelvis found and true, the median taken off. "Air": % of the frames without a bearing foot.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import validation  # noqa: F401 (puts the repository on the path)

import lsmpl_core as lsmpl
from lsmpl_core.clean_motion import clean_up_with_report
from lsmpl_core.cleaning.contacts import contact_mask
from lsmpl_core.cleaning.lowest_skin import lowest_skin
from lsmpl_core.cleaning.travel import travel_from_feet

LEAST_OFF = 0.02
"""Metres from the floor that count."""
LEAST_PATH = 1.0
"""Metres of path below which how far it is off is a share of this."""
STEPS_A_SECOND = 5.0
"""At which a path is measured, for what sways not to count as way."""
MOST_RATE = 60.0
FLOOR = ("hovers", "sinks", "worst", "slides")
HIPS = ("went", "found", "off", "rises", "air", *FLOOR)


def on_floor(motion: lsmpl.Motion, body: lsmpl.Body) -> list[float]:
    """The figures of `FLOOR` after a clean-up; worst: the 99th percentile of how far standing or sunk skin is off the
    floor, in cm."""
    clean, report = clean_up_with_report(motion, body, floor="auto")
    off = lowest_skin(clean, body) - (report.floor + report.raised)
    standing = contact_mask(list(report.contacts), len(motion)).any(axis=1)
    away = np.where(standing, np.abs(off), np.maximum(-off, 0.0))
    return [
        100.0 * np.mean(standing & (off > LEAST_OFF)),
        100.0 * np.mean(off < -LEAST_OFF),
        100.0 * np.percentile(away, 99.0),
        100.0 * (report.sliding_after or 0.0),
    ]


def around_hips(motion: lsmpl.Motion, body: lsmpl.Body) -> list[float]:
    """The figures of `HIPS`."""
    centred = replace(motion, trans=np.zeros_like(motion.trans))
    hips = body.world(centred)[1][:, 1:3].mean(axis=1)
    centred = replace(centred, trans=-hips)
    travel = travel_from_feet(centred, body)
    found = replace(centred, trans=centred.trans + travel.offset)
    true, went = motion.trans - motion.trans[0], found.trans - found.trans[0]
    stride = max(1, round(motion.fps / STEPS_A_SECOND))
    path = np.linalg.norm(np.diff(true[::stride, :2], axis=0), axis=1).sum()
    height = true[:, 2] - went[:, 2]
    return [
        float(np.linalg.norm(true[-1, :2])),
        float(np.linalg.norm(went[-1, :2])),
        100.0 * float(np.linalg.norm(true[-1, :2] - went[-1, :2])) / max(path, LEAST_PATH),
        100.0 * float(np.percentile(np.abs(height - np.median(height)), 95.0)),
        100.0 * float((travel.bearing < 0).mean()),
        *on_floor(found, body),
    ]


TABLES = {"floor": (FLOOR, on_floor), "hips": (HIPS, around_hips)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="motion in the AMASS layout (.npz)")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--names", nargs="+", default=[""], metavar="START", help="only motion whose names begin so")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth motion")
    parser.add_argument("--most-frames", type=int, default=900, metavar="N", help="from the beginning of each")
    arguments = parser.parse_args()
    body = lsmpl.load_body()
    paths = [path for folder in arguments.folders for path in sorted(folder.rglob("*.npz"))]
    paths = [p for p in paths if p.stem.startswith(tuple(arguments.names))]
    for title in arguments.tables:
        columns, figures = TABLES[title]
        print(f"\n### {title}\n\n| | frames | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 2)}")
        rows = []
        for path in paths[:: arguments.every]:
            motion = _prepared(path, body, arguments.most_frames)
            rows.append(figures(motion, body))
            print(f"| {path.stem} | {len(motion)} | {' | '.join(f'{v:.1f}' for v in rows[-1])} |", flush=True)
        for name, row in (("median", np.median(rows, axis=0)), ("mean", np.mean(rows, axis=0))):
            print(f"| {name} of {len(rows)} | | {' | '.join(f'{v:.1f}' for v in row)} |")


def _prepared(path: Path, body: lsmpl.Body, most: int) -> lsmpl.Motion:
    motion = replace(lsmpl.Motion.load(path), body=body.key)
    step = max(1, round(motion.fps / MOST_RATE))
    return replace(motion.frames(slice(0, most * step, step)), fps=motion.fps / step)


if __name__ == "__main__":
    main()

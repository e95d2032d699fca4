"""The words of the `lsmpl` command: its subcommands and options."""

from __future__ import annotations

import argparse
import os
import re
from typing import NoReturn

from .. import __version__
from ..backends.arrays import DEVICES
from ..backends.threads import MOST_WORKERS
from ..bounds import FASTEST, SLOWEST, is_rate
from ..clean_motion import FLOORS, STRENGTH
from ..keypoints.layouts import ORDERS
from ..shown import shown
from ..solver.options import HANDS, ROTATIONS, SOLVERS, TRAVELS, SolveOptions
from .front_end import FrontEnd

LONGEST_TIMEOUT = 366.0 * 86_400
"""Seconds; the operating system has a limit of its own."""
MOST_STEPS, MOST_JOBS = 10, 1024
LONGEST_COMPLAINT = 1_000
"""Letters of what is said of a word that is none of ours."""


class _Parser(argparse.ArgumentParser):
    """With words that were not understood shown as all words of others are."""

    def error(self, message: str) -> NoReturn:
        super().error(shown(message, LONGEST_COMPLAINT))


def build_parser(front_end: FrontEnd) -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    parser = _Parser(front_end.program, description="3D keypoint tracks to SMPL motion.")
    parser.add_argument("--version", action="version", version=f"lsmpl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    convert = commands.add_parser(
        "convert",
        help="solve keypoint files and write motions",
        description="Solve keypoint files (TRC, C3D, NPY/NPZ, CSV, JSON, rows of numbers) and "
        "write one file for each. "
        "One input that fails does not stop the others; the exit code is then 1.",
    )
    convert.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help="keypoint files, folders of one JSON file a frame, folders of takes (OUT gets the "
        "same folders), or "
        'patterns such as "takes/**/*.trc"',
    )
    whom = convert.add_mutually_exclusive_group()
    whom.add_argument(
        "--person",
        metavar="NAME",
        help="of several people in IN, whom to solve, as IN calls them (default: most seen)",
    )
    whom.add_argument(
        "--all-people",
        action="store_true",
        help="solve everybody in IN, each to an output of their own, where they stood to one "
        "another",
    )
    _add_options(convert, front_end)
    subject = convert.add_mutually_exclusive_group()
    subject.add_argument(
        "--calibrate",
        metavar="STATIC",
        help="a static trial of the same subject with the same markers, to find by it, too, where "
        "the markers are",
    )
    subject.add_argument(
        "--calibration",
        metavar="FILE",
        help="a motion (.npz) that was solved of the same subject, or a calibration as JSON: the "
        "body's shape, and "
        "where its keypoints or markers are on the body",
    )
    _add_batch_options(convert)
    refine = commands.add_parser(
        "refine-motion",
        help="draw another estimator's motion onto keypoints",
        description="Refine an SMPL motion by the keypoints of the same frames. The motion may be "
        "in the AMASS layout "
        "or as WHAM, 4DHumans, GVHMR or SMPLer-X write it.",
    )
    refine.add_argument(
        "motion",
        metavar="MOTION",
        help="the motion to refine: .npz (AMASS layout), .pkl (WHAM, 4DHumans), .pt (GVHMR; needs "
        "PyTorch), or a "
        "folder of SMPLer-X's .npz files",
    )
    refine.add_argument(
        "inputs",
        nargs=1,
        metavar="IN",
        help="its keypoint file, or a folder of one JSON file a frame",
    )
    refine.add_argument(
        "--person",
        metavar="NAME",
        help="whose motion, as MOTION calls them (default: who is in most frames)",
    )
    _add_options(refine, front_end)
    commands.add_parser(
        "devices",
        help="list what can compute here",
        description="List what --device can choose on this machine, and why it cannot be used.",
    )
    refine.set_defaults(
        resume=False, overwrite=False, jobs=None, timeout=None, part=None, failed_ok=False
    )
    return parser


def _add_options(command: argparse.ArgumentParser, front_end: FrontEnd) -> None:
    """What all subcommands that solve take."""
    formats = ", ".join(f".{name}" for name in front_end.writers)
    add = command.add_argument
    add(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help=f"a file ({formats}) or, always for several IN, a folder",
    )
    add(
        "--format",
        choices=list(front_end.writers),
        help=f"type of the files in the folder OUT (default: {front_end.default_format})",
    )
    add(
        "--layout",
        metavar="NAME|MAPPING.json",
        help=f"{', '.join(order.name for order in ORDERS)}, or a JSON mapping (default: detect)",
    )
    add(
        "--body",
        metavar="FILE",
        help="an SMPL body, .npz or .pkl (default: the open body that comes with LSMPL)",
    )
    add(
        "--markers",
        metavar="FILE.json",
        help="a table of marker names and their places, besides those that are known",
    )
    add("--unit", metavar="UNIT", help="m, cm, mm, ... (default: from the file, or detect)")
    add(
        "--up",
        metavar="AXIS",
        help="the axis that points up: x, y, z, -x, -y or -z (default: detect)",
    )
    add(
        "--mirror",
        choices=("yes", "no"),
        help="exchange left and right by mirroring the space, as of left-handed axes (default: "
        "where that is sure)",
    )
    add("--fps", type=_rate, metavar="RATE", help="frames a second (default: from the file)")
    add("--device", default="auto", metavar="|".join(DEVICES), help="what computes (default: auto)")
    add(
        "--solver",
        choices=SOLVERS,
        default=SolveOptions.solver,
        help="what predicts each pose (default: %(default)s)",
    )
    add(
        "--checkpoint",
        metavar="FILE",
        help="best_ckpt.pth.tar of Learnable SMPLify, for --solver published",
    )
    add(
        "--polish",
        type=_steps,
        default=SolveOptions.polish,
        metavar="STEPS",
        help=f"steps of the polish a frame, 0 to {MOST_STEPS}; 0 leaves the prediction as it is "
        "(default: 1; published: 0)",
    )
    add(
        "--smooth",
        type=_strength,
        nargs="?",
        const=STRENGTH,
        default=STRENGTH,
        metavar="STRENGTH",
        help="0 to 1: how much to smooth; 0.5 is what the noise in the motion calls for, more "
        "makes any motion calmer "
        "(default: %(default)s)",
    )
    add(
        "--part-hands",
        action="store_true",
        help="move hands that go through each other apart until they touch, each by 3 cm at most",
    )
    add(
        "--lock-feet",
        action="store_true",
        help="hold standing heels and toes still by solving the legs anew",
    )
    add(
        "--floor",
        type=_floor,
        default="auto",
        metavar="auto|keep|zero|HEIGHT",
        help="leave the motion where it is (keep), move it so that its soles stand at height 0 "
        "(zero), or say how high "
        "the floor is, in metres; auto moves it where the floor is less than 10 cm from 0 "
        "(default: %(default)s)",
    )
    add(
        "--travel",
        choices=TRAVELS,
        default=SolveOptions.travel,
        help="where the body goes: as the keypoints do (keep), or as the feet that stand say, on a "
        "floor at height 0 "
        "(feet); auto does the latter for takes whose positions are relative to the hips (default: "
        "%(default)s)",
    )
    add(
        "--hands",
        choices=HANDS,
        default=SolveOptions.hands,
        help="fingers: where a take has the points of hands (auto), or never (off) "
        "(default: %(default)s)",
    )
    add(
        "--rotations",
        choices=ROTATIONS,
        default=SolveOptions.rotations,
        help="how bones are turned, where a file says so: a hint where it helps (auto), or "
        "left aside (no) (default: %(default)s)",
    )
    add(
        "--trust",
        metavar="NAMES",
        help="keypoints that are right whatever they look like, and are not to be rejected: "
        "left_wrist,nose or "
        "left_wrist@120-180 for a range of frames, or all",
    )
    add(
        "--resample",
        type=_rate,
        metavar="FPS",
        help="frames a second of what is written (default: IN's)",
    )
    add(
        "--threads",
        type=_threads,
        metavar="N",
        help="threads that the compiled kernels of each process use; the motion does not depend on "
        "it (default: all cores but one, one with --jobs)",
    )
    add("--report", metavar="FILE.json", help="write what was done, with residuals, as JSON")
    add("-v", "--verbose", action="store_true", help="print all that was detected or decided")


def _add_batch_options(command: argparse.ArgumentParser) -> None:
    """For folders of takes, and for farms."""
    group = command.add_argument_group("many takes")
    add, either = group.add_argument, group.add_mutually_exclusive_group()
    either.add_argument(
        "--resume",
        action="store_true",
        help="skip takes whose output is there, whole, and was made from the same IN with the same "
        "settings",
    )
    either.add_argument("--overwrite", action="store_true", help="make every output anew (default)")
    add(
        "--jobs",
        type=_jobs,
        metavar="N|auto",
        help="solve N takes at a time, each in a process of its own, so that one that crashes "
        "fails alone; auto: one "
        "for each CPU core (default: one after the other, in this process)",
    )
    add(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help="give up a take that is not done by then (it fails; solves in processes, as --jobs 1 "
        "does)",
    )
    add(
        "--failed-ok",
        action="store_true",
        help="end with exit code 0 also if takes have failed, for farms that would try the whole "
        "task again",
    )
    add(
        "--part",
        type=_part,
        metavar="K/N",
        help="of all takes only the K-th of N equal shares, for a farm's N tasks (K from 1 to N)",
    )


def _counted(text: str, first: int, last: int) -> int | None:
    """A whole number from `first` to `last`, or None where the text is none."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not first <= int(text) <= last:
        return None
    return int(text)


def _steps(text: str) -> int:
    if (steps := _counted(text, 0, MOST_STEPS)) is None:
        raise argparse.ArgumentTypeError(
            f"{text} is no number of steps; expected one from 0 to {MOST_STEPS}"
        )
    return steps


def _jobs(text: str) -> int:
    if text == "auto":
        return _usable_cores()
    if (jobs := _counted(text, 1, MOST_JOBS)) is None:
        raise argparse.ArgumentTypeError(
            f"{text} is neither auto nor a number of processes from 1 to {MOST_JOBS}"
        )
    return jobs


def _threads(text: str) -> int:
    if (threads := _counted(text, 1, MOST_WORKERS)) is None:
        raise argparse.ArgumentTypeError(
            f"{text} is no number of threads; expected one from 1 to {MOST_WORKERS}"
        )
    return threads


def _usable_cores() -> int:
    """CPU cores that this process may use, which on a farm may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _part(text: str) -> tuple[int, int]:
    words = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not words or not 1 <= int(words[1]) <= int(words[2]):
        raise argparse.ArgumentTypeError(
            f"{text} is no share; expected K/N with K from 1 to N, such as 3/20"
        )
    return int(words[1]), int(words[2])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None


def _positive(text: str) -> float:
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _rate(text: str) -> float:
    value = _positive(text)
    if not is_rate(value):
        raise argparse.ArgumentTypeError(
            f"{text} is no rate; takes have {SLOWEST:g} to {FASTEST:,.0f} frames a second"
        )
    return value


def _seconds(text: str) -> float:
    value = _positive(text)
    if value > LONGEST_TIMEOUT:
        raise argparse.ArgumentTypeError(
            f"{text} is more than {LONGEST_TIMEOUT:,.0f} seconds, a year"
        )
    return value


def _strength(text: str) -> float:
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _floor(text: str) -> str | float:
    if text in FLOORS:
        return text
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(
            f"{text} is neither {', nor '.join(FLOORS)}, nor a height in metres"
        )
    return value

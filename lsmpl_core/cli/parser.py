"""The words of the `lsmpl` command: its subcommands and options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from .. import __version__
from ..backends.arrays import DEVICES
from ..clean_motion import STRENGTH
from ..keypoints.layouts import ORDERS
from ..readers.wanted import UNIT_CHOICES
from ..shown import shown
from ..solver.options import HANDS, ROTATIONS, SOLVERS, TRAVELS, SolveOptions
from ..suggestions import suggestion
from . import option_values as values
from .front_end import FrontEnd

LONGEST_COMPLAINT = 1_000
"""Letters of what is said of a word that is none of ours."""


class CommandParser(argparse.ArgumentParser):
    """With what is wrong said first and the usage in a line, as the options fill a screen; words
    that were not understood are shown as all words of others are."""

    def __init__(self, *args: Any, brief: str = "COMMAND ...", **options: Any):
        """brief: what is to be given, in short."""
        super().__init__(*args, **options)
        self._brief = brief
        self.commands: Mapping[str, CommandParser] = {}

    @property
    def in_brief(self) -> str:
        """The usage in a line."""
        return f"usage: {self.prog} {self._brief}     ({self.prog} --help says all)"

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Words that are not known are an error of the subcommand to which they were given, which
        knows what may have been meant."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown and unknown[0].startswith("-"):
            option = unknown[0].partition("=")[0]
            self.error(f"no option {option}; {suggestion(option, self._option_string_actions)}")
        if unknown:
            self.error(f"a word too many: {unknown[0]}")
        for name, value in vars(found).items():
            if value == []:  # of `--fps=--`, until Python 3.13, whatever type the option asks for
                self.error(f"argument --{name.replace('_', '-')}: -- is no value")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        said = shown(message, LONGEST_COMPLAINT)
        self.exit(2, f"{self.prog}: error: {said}\n{self.in_brief}\n")


def build_parser(front_end: FrontEnd) -> CommandParser:
    """The parser of all subcommands."""
    parser = CommandParser(front_end.program, description="3D keypoint tracks to SMPL motion.")
    parser.add_argument("--version", action="version", version=f"lsmpl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_convert(commands, front_end)
    _add_refine_motion(commands, front_end)
    commands.add_parser(
        "devices",
        help="list what can compute here",
        description="List what --device can choose on this machine, and why it cannot be used.",
        brief="",
    )
    parser.commands = commands.choices
    return parser


def _add_convert(commands: argparse._SubParsersAction, front_end: FrontEnd) -> None:
    convert = commands.add_parser(
        "convert",
        help="solve keypoint files and write motions",
        description="Solve keypoint files (TRC, C3D, NPY/NPZ, CSV, JSON, rows of numbers) and "
        "write one file for each. One input that fails does not stop the others; the exit code is "
        "then 1.",
        brief="IN [IN ...] -o OUT [options]",
    )
    convert.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help="keypoint files, folders of one JSON file a frame, folders of takes (OUT gets the "
        'same folders), or patterns such as "takes/**/*.trc"',
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
    _add_shared_options(convert, front_end)
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
        "body's shape, and where its keypoints or markers are on the body",
    )
    _add_batch_options(convert)


def _add_refine_motion(commands: argparse._SubParsersAction, front_end: FrontEnd) -> None:
    refine = commands.add_parser(
        "refine-motion",
        help="draw another estimator's motion onto keypoints",
        description="Refine an SMPL motion by the keypoints of the same frames. The motion may be "
        "in the AMASS layout, or as WHAM, GVHMR, TRAM and some forty other estimators and data "
        "sets write it; what a file holds decides.",
        brief="MOTION IN -o OUT [options]",
    )
    refine.add_argument(
        "motion",
        metavar="MOTION",
        help="the motion to refine: .npz, .pkl, .npy, .json or .pt (needs PyTorch), or a folder of "
        "one file a frame",
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
    _add_shared_options(refine, front_end)

    # What is for many takes; here there is one.
    refine.set_defaults(
        resume=False, overwrite=False, jobs=None, timeout=None, part=None, failed_ok=False
    )


def _add_shared_options(command: argparse.ArgumentParser, front_end: FrontEnd) -> None:
    """What all subcommands that solve take, in the order in which --help lists it."""
    _add_output(command, front_end)
    _add_reading(command)
    _add_solver(command)
    _add_clean_up(command)
    _add_solving(command)
    _add_results(command)


def _add_output(command: argparse.ArgumentParser, front_end: FrontEnd) -> None:
    add = command.add_argument
    formats = ", ".join(f".{name}" for name in front_end.writers)
    add(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help=f"a file ({formats}) or, always for several IN, a folder",
    )
    add(
        "--format",
        type=partial(values.format_of, front_end),
        metavar="|".join(front_end.writers),
        help=f"type of the files in the folder OUT (default: {front_end.default_format})",
    )


def _add_reading(command: argparse.ArgumentParser) -> None:
    """What IN does not say, or says wrongly, and the body."""
    add = command.add_argument
    add(
        "--layout",
        type=values.layout,
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
    add(
        "--unit",
        type=values.unit,
        metavar="UNIT",
        help=f"{', '.join(UNIT_CHOICES[:-1])}, metres a unit (0.0254), or body for positions that "
        "have no unit (default: from the file, or detect)",
    )
    add(
        "--up",
        type=values.up,
        metavar="AXIS",
        help="the axis that points up: x, y, z, -x, -y or -z (default: detect)",
    )
    add(
        "--mirror",
        choices=("yes", "no"),
        help="exchange left and right by mirroring the space, as of left-handed axes (default: "
        "where that is sure)",
    )
    add("--fps", type=values.rate, metavar="RATE", help="frames a second (default: from the file)")


def _add_solver(command: argparse.ArgumentParser) -> None:
    """What predicts and polishes, and on what."""
    add = command.add_argument
    add(
        "--device",
        type=values.device,
        default="auto",
        metavar="|".join(DEVICES),
        help="what computes; lsmpl devices says what there is (default: auto)",
    )
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
        type=values.steps,
        default=SolveOptions.polish,
        metavar="STEPS",
        help=f"steps of the polish a frame, 0 to {values.MOST_STEPS}; 0 leaves the prediction as "
        "it is (default: 1; published: 0)",
    )


def _add_clean_up(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--smooth",
        type=values.strength,
        nargs="?",
        const=STRENGTH,
        default=STRENGTH,
        metavar="STRENGTH",
        help="0 to 1: how much to smooth; 0.5 is what the noise in the motion calls for, more "
        "makes any motion calmer (default: %(default)s)",
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
        type=values.floor,
        default="auto",
        metavar="auto|keep|zero|HEIGHT",
        help="leave the motion where it is (keep), move it so that its soles stand at height 0 "
        "(zero), or say how high the floor is, in metres; auto moves it where the floor is less "
        "than 10 cm from 0 (default: %(default)s)",
    )


def _add_solving(command: argparse.ArgumentParser) -> None:
    """What a solve makes of travel, hands, rotations and doubt."""
    add = command.add_argument
    add(
        "--travel",
        choices=TRAVELS,
        default=SolveOptions.travel,
        help="where the body goes: as the keypoints do (keep), or as the feet that stand say, on a "
        "floor at height 0 (feet); auto does the latter for takes whose positions are relative to "
        "the hips (default: %(default)s)",
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
        "left_wrist,nose or left_wrist@120-180 for a range of frames, or all",
    )


def _add_results(command: argparse.ArgumentParser) -> None:
    """Of what is written and told, and at what price."""
    add = command.add_argument
    add(
        "--resample",
        type=values.rate,
        metavar="FPS",
        help="frames a second of what is written (default: IN's)",
    )
    add(
        "--threads",
        type=values.threads,
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
        type=values.jobs,
        metavar="N|auto",
        help="solve N takes at a time, each in a process of its own, so that one that crashes "
        "fails alone; auto: one for each CPU core (default: one after the other, in this process)",
    )
    add(
        "--timeout",
        type=values.seconds,
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
        type=values.part,
        metavar="K/N",
        help="of all takes only the K-th of N equal shares, for a farm's N tasks (K from 1 to N)",
    )

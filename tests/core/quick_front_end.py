"""`lsmpl` with a solver that takes no time, for tests of what is around it; names of takes say what happens to them.

Run as a script it is what `--jobs` starts.
"""

import faulthandler
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import lsmpl_core as lsmpl
from lsmpl_core.cli import main as command
from lsmpl_core.cli import take
from lsmpl_core.cli.front_end import FrontEnd, write_npz


def quick_steps(track, body, **options):
    """A generator of progress that returns a motion, as `solve_steps` does."""
    name = Path(track.source).stem
    if name.startswith("crash"):
        faulthandler._read_null() if os.name == "nt" else os.kill(os.getpid(), signal.SIGSEGV)
    if name.startswith("leave"):
        print("the last words", file=sys.stderr, flush=True)
        os._exit(3)
    if name.startswith("hang"):
        Path(track.source).with_suffix(".begun").touch()
        time.sleep(600)
    if name.startswith("slow"):
        time.sleep(0.1)
    print("what a library prints")
    os.write(1, b"noise")
    return lsmpl.Motion(np.zeros((len(track), 24, 3)), np.zeros((len(track), 3)), fps=track.fps, body=body.key)
    yield


def write_slowly(converted, path):
    """Half a file, and for some of them never more than that."""
    path.write_text("half")
    if converted.name.startswith("stuck"):
        time.sleep(600)
    if converted.name.startswith("torn"):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows that one is as abrupt
    converted.motion.save(path)


def main(argv=None) -> int:
    take.solve_steps = quick_steps
    writers = {"npz": write_npz, "slow": write_slowly}
    return command.main(argv, FrontEnd(writers=writers, command=(sys.executable, __file__)))


if __name__ == "__main__":
    sys.exit(main())

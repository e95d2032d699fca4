"""Anything in any order in a real Blender, for some minutes; `random_session.py` goes on for as long as one likes.

LSMPL_RANDOM_SECONDS says for how long, and LSMPL_RANDOM_SEED repeats one that failed.
"""

import os

from hands import SIZE
from random_session import RandomSession


def test_nothing_breaks_whatever_is_done(running):
    seed, seconds = (
        int(os.environ.get(f"LSMPL_RANDOM_{name}", default)) for name, default in (("SEED", 1), ("SECONDS", 180))
    )
    with running(size=SIZE) as blender:
        assert RandomSession(blender, seed).run(seconds) > 0

"""Standard streams that are there, whatever started the process."""

import os
import sys


def open_streams() -> None:
    """Whatever goes to a stream that is closed (`>&-`, services) goes nowhere.

    It keeps the stream's number, too, which the next file that is opened would have otherwise, and
    with it all that other libraries say.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, for good
            setattr(sys, name, nowhere)

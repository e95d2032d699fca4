"""What all tests share: a measure of work that no other process on the machine changes."""

import sys
import threading
from collections.abc import Callable

import pytest
from this_code import KERNELS

if KERNELS.is_dir():
    sys.path.append(str(KERNELS))


@pytest.fixture
def count_calls():
    """`count_calls(work)`: how many functions, Python's and C's, `work()` calls, in threads that it starts as well."""

    def count(work: Callable[[], object]) -> int:
        calls = 0

        def note(frame, event, argument):
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            work()
        finally:
            sys.setprofile(before)
            threading.setprofile(None)
        return calls

    return count

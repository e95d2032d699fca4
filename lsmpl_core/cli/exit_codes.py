"""What the exit code of a process tells."""

from __future__ import annotations

import signal

from .signals import STOPPING_NUMBERS

ASKED_TO_END = {
    sign * code for number in STOPPING_NUMBERS for sign, code in ((1, 128 + number), (-1, number))
}
"""Exit codes of a process that was told to end by a signal, whether it heard of it or not."""
_WINDOWS_CRASHES = {
    0xC0000005: "access violation",
    0xC0000017: "out of memory",
    0xC00000FD: "stack overflow",
    0xC0000135: "a DLL was not found",
    0xC000013A: "Ctrl-C, or its window was closed",
    0xC0000374: "heap corruption",
    0xC0000409: "abort",
}
"""Exit codes of processes that Windows ended:
https://learn.microsoft.com/openspecs/windows_protocols/ms-erref"""


def in_words(code: int) -> str:
    """How a process ended that has this exit code; negative is the number of a signal."""
    if code in _WINDOWS_CRASHES:
        return f"exit code 0x{code:08X} ({_WINDOWS_CRASHES[code]})"
    if code >= 0:
        return f"exit code 0x{code:08X}" if code >> 31 else f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"signal {-code} ({name})" + (
        ", perhaps for want of memory" if name == "SIGKILL" else ""
    )

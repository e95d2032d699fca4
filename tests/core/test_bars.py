"""What a terminal shows while takes are solved: bars on stderr, which is a terminal, and nothing of them elsewhere."""

import codecs
import os
import re
import signal
import subprocess
import sys

import pytest
import quick_front_end
from test_batch import make_takes, wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")


class Terminal:
    """A command whose stderr is a terminal of 100 columns, and whose stdout is a file."""

    def __init__(self, *words):
        import fcntl
        import pty
        import struct
        import termios

        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        os.set_blocking(self._ours, False)
        command = [sys.executable, quick_front_end.__file__, "convert", *map(str, words)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),  # what is typed there reaches the command
        )
        os.close(theirs)
        self.shown, self._decoder = "", codecs.getincrementaldecoder("utf-8")()

    def press_control_c(self) -> None:
        os.write(self._ours, b"\x03")

    def read(self) -> str:
        try:
            while chunk := os.read(self._ours, 1 << 16):
                self.shown += self._decoder.decode(chunk)
        except OSError:  # nothing more, for now or for good
            pass
        return self.shown

    def end(self) -> str:
        """What stdout got; `shown` is then what the terminal got."""
        said = self.process.communicate(timeout=600)[0]
        self.read()
        return said


def last_line(shown: str) -> str:
    """What is left on the terminal's last line: each carriage return begins it anew, over what was there."""
    line = ""
    for part in shown.rpartition("\n")[2].split("\r"):
        line = part + line[len(part) :]
    return line.rstrip()


def test_the_bar_counts_takes_and_failures_while_lines_go_to_stdout(tmp_path):
    takes = make_takes(tmp_path / "in", *(f"slow{n}.trc" for n in range(12)))
    (takes / "bad.trc").write_text("nothing")
    terminal = Terminal(takes, "-o", tmp_path / "out", "--jobs", "2")
    said = terminal.end()
    assert said.count(" -> ") == 12 and "12 ok, 1 failed" in said and "takes/min" not in said
    counts = [int(found) for found in re.findall(r"(\d+)/13 takes", terminal.shown)]
    assert counts[0] == 0 and counts == sorted(counts) and counts[-1] >= 8
    assert re.search(r"takes, 1 failed \[00:\d\d<00:\d\d, [\d.e+]+ takes/min\]", terminal.shown)
    assert "bad.trc" in terminal.shown and last_line(terminal.shown) == ""


def test_takes_that_were_done_before_are_not_counted_in_the_rate(tmp_path):
    takes, words = make_takes(tmp_path / "in", *(f"{n}.trc" for n in range(8))), ["-o", tmp_path / "out", "--jobs", "1"]
    Terminal(takes, *words).end()
    make_takes(takes, *(f"hang{n}.trc" for n in range(4)))
    terminal = Terminal(takes, *words, "--resume", "--part", "1/2", "--timeout", "1")
    said = terminal.end()
    assert said.count("done already") == 4 and "4 skipped, 2 failed" in said
    assert re.search(r"4/6 takes \[00:\d\d<\?\]", terminal.shown), "nothing is known of the rate yet"
    rates = [float(rate) for rate in re.findall(r", ([\d.e+]+) takes/min", terminal.shown)]
    assert rates and max(rates) < 100.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Control-C", "SIGTERM"])
def test_interrupted_it_leaves_the_terminal_in_order(tmp_path, number):
    takes = make_takes(tmp_path / "in", "a.trc", "hang1.trc", "hang2.trc", "z.trc")
    terminal = Terminal(takes, "-o", tmp_path / "out", "--jobs", "2")
    wait_for(lambda: "1/4 takes" in terminal.read())
    shown = max(len(part) for part in re.split(r"[\r\n]", terminal.shown))
    assert 80 < shown < 98, "as wide as the terminal, but for the ^C that it shows"
    terminal.press_control_c() if number == signal.SIGINT else terminal.process.send_signal(number)
    assert "1 ok, 2 interrupted, 1 not run" in terminal.end()
    assert terminal.process.returncode == 128 + number
    before, _, after = terminal.shown.rpartition("lsmpl: interrupted")
    assert ("^C" in before) == (number == signal.SIGINT)
    assert last_line(before) == "" and after.count("\n") == 1 and last_line(after) == ""


def test_the_bar_tells_the_time_while_nothing_is_done(tmp_path):
    takes = make_takes(tmp_path / "in", "hang1.trc", "hang2.trc")
    terminal = Terminal(takes, "-o", tmp_path / "out", "--jobs", "2")
    try:
        wait_for(lambda: re.search(r"0/2 takes \[00:(0[2-9]|\d\d)<\?\]", terminal.read()))
    finally:
        terminal.process.send_signal(signal.SIGTERM)
        terminal.end()


def test_without_a_terminal_nothing_of_it_is_written(tmp_path):
    takes = make_takes(tmp_path / "in", "slow1.trc", "slow2.trc")
    words = [sys.executable, quick_front_end.__file__, "convert", takes, "-o", tmp_path / "out", "--jobs", "2"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 3

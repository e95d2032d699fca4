"""Text that means JSON without being it: as programs print their objects, and people write files
by hand.

Comments, commas behind the last item or between two objects of no list, words for no number
(`nan`, `None`), single quotes, fields without quotes, Python's tuples and calls
(`array([...], dtype=float32)`, `Landmark(x=0.1, y=0.2)`), JavaScript's `var data = ...;`, and what
a logger or a clock wrote before each line's object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .json_arrays import load_json

_TOKEN = re.compile(
    r"""(?P<gap>[ \t\r\n\ufeff]++)
    |(?P<text>"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))
    |(?P<quoted>'(?:[^'\\\n]++|\\.)*+(?:'|(?=\n)|\\?\Z))
    |(?P<comment>//[^\n]*+|\#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z))
    |(?P<number>[-+]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+(?![\w.]))
    |(?P<word>[-+]?[A-Za-z_$][\w$]*+(?:\.[A-Za-z_][\w$]*+)*+)
    |(?P<open>[\[({])|(?P<close>[\])}])|(?P<comma>,)|(?P<sign>[:=])|(?P<end>;)
    |(?P<other>[^\s\[\](){},:=;"'#/]++|.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"true": "true", "false": "false"} | dict.fromkeys(
    (
        "nan",
        "nil",
        "none",
        "null",
        "undefined",
        "inf",
        "+inf",
        "-inf",
        "-nan",
        "infinity",
        "-infinity",
    ),
    "null",
)
"""What words mean in JSON, whatever their case; all others are texts."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+")
_ESCAPE = re.compile(r"\\([\"\\/bfnrtu]?)")
_CONTROL = re.compile(r"[\0-\x1f]")
_ENDS = {"[": "]", "{": "}"}
_CALL = "("
_PREFIXES = ("u", "b", "r")
"""Of Python's texts: `u'nose'`."""
DEEPEST = 500
MOST_LETTERS = 32 << 20
"""Longer texts have to be JSON: their tokens take ten times their size."""


def load_meant(text: str, load: Callable[[str], Any] = load_json) -> Any:
    """What a text holds that is JSON, or means it. Raises ValueError or RecursionError, of the text
    as JSON, where it is neither.

    load: reads JSON, and raises these.
    """
    try:
        return load(text)
    except (ValueError, RecursionError):
        with suppress(ValueError, RecursionError):
            return load(as_json(text))
        raise


def as_json(text: str) -> str:
    """The JSON that a text means, values that follow one another one after the other. Raises
    ValueError where it means none, or is cut off within an object, and RecursionError where it
    nests too deeply."""
    if len(text) > MOST_LETTERS:
        raise ValueError(f"is longer than {MOST_LETTERS >> 20} MB")
    writer = _Writer()
    for token in _TOKEN.finditer(text):
        writer.take(str(token.lastgroup), token[0])
    return writer.finished()


class _Writer:
    """Writes JSON token by token.

    What is open is a list, an object, or a call whose brackets do not count (`array([...])`) unless
    what is in them has names (`Landmark(x=0.1)`): an object. Behind the first thing that such a
    call is of, names are its options (`dtype=float32`), and dropped.
    """

    def __init__(self) -> None:
        self._out: list[str] = []
        self._open: list[str] = []
        self._comma = self._value = False  # one is due before the next value; a value ends here
        self._word = ""  # what follows tells whether it is a field, a call or a value
        self._leads: list[str] = []  # numbers before an outermost value, since its line began
        self._wrapped = False
        self._dropped = 0  # brackets that are open in what is dropped, and that of the call

    def take(self, kind: str, part: str) -> None:
        if self._dropped:
            self._dropped += (kind == "open") - (kind == "close")
            if self._dropped:
                return
        if kind in ("gap", "comment"):
            self._leads = self._leads if self._open or "\n" not in part else []
        elif kind == "open":
            self._opened(part)
        elif kind == "sign":
            self._named(part)
        elif kind in ("text", "quoted"):
            self._word = "" if self._word in _PREFIXES else self._word
            self._settle_word()
            if len(part) < 2 or part[-1] != part[0]:
                raise ValueError("has a text that does not end")
            self._write(_text_of(part))
        else:
            self._settle_word()
            if kind == "word":
                self._word = part
            elif kind == "number":
                number = part if _NUMBER.fullmatch(part) else repr(float(part))
                self._leads += [] if self._open else [number]
                self._write(number)
            elif kind == "close":
                self._closed(part)
            elif kind == "comma":
                self._comma_between()
            elif self._open:
                raise ValueError(f"has {part!r} where a number or a text belongs")

    def finished(self) -> str:
        stopped = self._open == ["["] and self._out[-1] in _ENDS.values()
        if stopped:  # as of a recorder, between two frames
            self._closed("]")
        if self._open or not self._out:
            raise ValueError("is no text of objects and lists, or is cut off within one")
        return "".join(self._out)

    def _opened(self, bracket: str) -> None:
        if len(self._open) >= DEEPEST:
            raise RecursionError
        called = bracket == "(" and bool(self._word)
        if (
            called and not self._open
        ):  # `print(`, of which the closing bracket does not count either
            self._word = ""
            return
        if not called:
            self._settle_word()
        self._word = ""
        if not self._open:
            self._begin()
        self._before()
        opened = _CALL if called else "[" if bracket == "(" else bracket
        self._open.append(opened)
        self._out.append("" if called else opened)

    def _begin(self) -> None:
        """Begins an outermost value: in an object of its own, where a number stands before it in
        its line."""
        self._out += ["\n"] if self._out else []
        self._wrapped = len(self._leads) == 1
        if self._wrapped:
            field = "time" if "." in self._leads[0] else "frame"
            self._out.append(f'{{"{field}": {self._leads[0]}, "data": ')
        self._leads = []

    def _closed(self, bracket: str) -> None:
        if not self._open:
            if bracket != ")":
                raise ValueError(f"has {bracket} where nothing is open")
            return
        self._out.append(_ENDS.get(self._open.pop(), ""))
        self._comma, self._value = False, True
        if not self._open:
            self._out += ["}"] if self._wrapped else []
            self._value = False

    def _before(self) -> None:
        """Writes the comma that is due: also one that is missing, as between the numbers of a
        printed array."""
        if self._comma or self._value:
            self._out.append(", ")
        self._comma = self._value = False

    def _comma_between(self) -> None:
        if self._comma:
            raise ValueError("has two commas with nothing between them")
        self._comma = bool(self._open)

    def _write(self, value: str) -> None:
        if self._open:
            self._before()
            self._out.append(value)
            self._value = True

    def _settle_word(self) -> None:
        """Writes a word that nothing made a field or a call."""
        word, self._word = self._word, ""
        if word:
            self._write(_WORDS.get(word.lower()) or json.dumps(word))

    def _named(self, sign: str) -> None:
        """A field's name ends here."""
        word, self._word = self._word, ""
        if not self._open:
            return
        if sign == "=" and self._open[-1] == _CALL:
            if self._value:
                self._comma, self._dropped = False, 1
                return
            self._open[-1] = "{"
            self._out.append("{")
        if word:
            self._before()
            self._out.append(json.dumps(word))
        elif not self._out[-1].startswith('"'):
            self._out[-1] = json.dumps(self._out[-1])  # a number: of Python's
        self._out.append(": ")
        self._value = False


def _text_of(part: str) -> str:
    """A text in any quotes as JSON has it: without letters that are not shown, and with no
    backslash that escapes nothing."""
    if part[0] == "'":
        part = '"' + part[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    part = _ESCAPE.sub(lambda found: found[0] if found[1] else r"\\", part)
    return _CONTROL.sub(" ", part)

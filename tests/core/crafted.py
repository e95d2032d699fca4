"""Damage by somebody who knows the formats: records of C3D, archives in archives, nests without end, pickles that copy
themselves, anchors of YAML, and names that are not what they look like. `damage.py` mixes them with what just happens.
"""

import io
import pickle
import re
import struct
import zipfile
from collections.abc import Callable

import numpy as np

NAMES = (
    "left\u202eeenk", "\u2066nose\u2069", "no\u200bse", "\u200d\u200d\u200d", "n\u0300" * 40, "Z" + "\u0335" * 400,
    "l_" * 40_000, "nose ", "nose.", " nose", "Nose", "NOSE", "no\u017fe", "\u0130", "\ufb01nger", "CON", "nul.txt",
    "COM1", "LPT9.npz", "a/b", "..\\..\\x", "../../x", "/etc/passwd", "C:\\x", "~", "$HOME", "%TEMP%", "-o", "--help",
    "a\tb", "a\rb", "\x1b[2J", "\x9b31m", "\x07", "\x7f", "\u2028", "\ufeffnose", "\U0001f9d1\u200d\U0001f9bd", "", " ",
    "__proto__", "constructor", "None", "nan", "1e5", "0", "-1", "'", "\"", "`id`", "{0}", "%s%n", "<b>", "\udcff",
    "\u0645\u0639\u0635\u0645", "\u624b\u9996", "a" * 255, "a" * 256, "\U0001f600" * 64, "left_knee:right_knee",
)  # fmt: skip
"""Of keypoints, bones, people and files."""
_WORD = re.compile(rb"[A-Za-z_]{3,40}")
_NUMBER = re.compile(rb"-?\d+\.?\d*")
_DEPTHS = (15, 25, 300, 1_000, 100_000)


def _pick(choices, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


def _name(content, rng, others):
    """A word of a text, at one place or everywhere, is another name; or two different words are one."""
    found = sorted({match[0] for match in _WORD.finditer(content[: 1 << 14])})
    if not found:
        return content
    name = _pick(NAMES, rng).encode("utf-8", "surrogatepass")
    if content.lstrip()[:1] in (b"{", b"[") and rng.random() < 0.5:
        name = name.decode("utf-8", "replace").encode("unicode-escape").replace(b"\\x", b"\\u00")
    word = _pick(found, rng)
    if rng.random() < 0.3:
        name = _pick(found, rng).swapcase() if rng.random() < 0.5 else _pick(found, rng)
    if len(content) + len(name) * content.count(word) > 1 << 18:
        return content.replace(word, name, 1)
    return content.replace(word, name) if rng.random() < 0.5 else content.replace(word, name, 1)


def _nest(content, rng, others):
    """A number, a word or all of a text inside of brackets, deeper than anybody reads."""
    depth = _pick(_DEPTHS, rng)
    opening, closing = _pick(((b"[", b"]"), (b'{"a":', b"}"), (b"(", b")"), (b'[{"frames":', b"}]")), rng)
    if rng.random() < 0.3 or not (found := list(_NUMBER.finditer(content[: 1 << 14]))):
        return opening * depth + content + closing * (depth if rng.random() < 0.8 else 0)
    at = _pick(found, rng)
    return content[: at.start()] + opening * depth + at[0] + closing * depth + content[at.end() :]


def _record(content, rng, others):
    """C3D: one parameter's lengths, group, offset, type, dimensions or text."""
    if len(content) < 1024 or content[1:2] != b"\x50":
        return content
    changed = bytearray(content)
    at = 512 * (content[0] - 1) + 4
    places = []
    while 0 < at < len(content) - 6 and len(places) < 60:
        length = abs(struct.unpack_from("b", content, at)[0])
        places.append((at, length))
        step = struct.unpack_from("<h", content, min(at + 2 + length, len(content) - 2))[0]
        if step <= 0:
            break
        at += 2 + length + step
    if not places:
        return content
    for _ in range(rng.integers(1, 4)):
        at, length = _pick(places, rng)
        body = at + 2 + length
        where = _pick((at, at + 1, at + 2, body, body + 1, body + 2, body + 3, body + 4, body + 5, body + 8), rng)
        if where < len(changed):
            changed[where] = int(_pick((0, 1, 2, 4, 127, 128, 200, 254, 255), rng))
    return bytes(changed)


def _records(content, rng, others):
    """C3D: thousands of parameters, each a few bytes on from the one before, that claim what follows them."""
    if len(content) < 1024 or content[1:2] != b"\x50":
        return content
    at = 512 * (content[0] - 1) + 4
    kind, sizes = _pick((b"\xff", b"\x01", b"\x02", b"\x04"), rng), _pick((b"\xff\xff", b"\x10\xff", b"\x00\x01"), rng)
    group = _pick((b"\x01", b"\x02", b"\xff"), rng)
    one = (
        b"\x01" + group + _pick((b"A", b"\0"), rng) + struct.pack("<h", _pick((6, 1, 40), rng)) + kind + b"\x02" + sizes
    )
    return content[:at] + one * int(_pick((50, 3_000, 30_000), rng)) + content[at:] + bytes(_pick((0, 70_000), rng))


def _hierarchy(content, rng, others):
    """BVH: joints without channels, braces that are not closed or opened again and again, rows and joints without
    end."""
    if not content.startswith(b"HIERARCHY"):
        return content
    end = rb"End Site\s*\{[^}]*\}"
    return _pick(
        (
            lambda: re.sub(rb"[^\n]*CHANNELS[^\n]*\n", b"", content),
            lambda: re.sub(rb"[^\n]*CHANNELS[^\n]*\n", b"", content) + b"0 0 0\n" * 20_000,
            lambda: re.sub(rb"CHANNELS \d+[^\n]*", b"CHANNELS 6" + b" Xrotation" * int(rng.integers(9)), content),
            lambda: content.replace(b"}", b"", int(rng.integers(1, 20))),
            lambda: re.sub(end, b"End Site {" * int(_pick((2, 300, 20_000), rng)), content, count=1),
            lambda: re.sub(end, b"JOINT n {" * int(_pick((2, 300, 3_000), rng)), content, count=1),
            lambda: content.replace(b"JOINT", b"ROOT"),
            lambda: content + content.rsplit(b"\n", 2)[-2] * 2 + b"\n" + b"0\n" * 5_000,
        ),
        rng,
    )()


def _header(content, rng, others):
    """NPY: the header's length, version and text."""
    at = content.find(b"\x93NUMPY")
    if at < 0:
        return content
    head = _pick((b"\x01\x00\xff\xff", b"\x02\x00\xff\xff\xff\xff", b"\x03\x00\x76\x00\x00\x00", b"\x01\x00\x00\x00",
                  b"\x09\x00\x76\x00", b"\x02\x00\x00\x00\x00\x7f"), rng)  # fmt: skip
    if rng.random() < 0.5:
        return content[: at + 6] + head + content[at + 6 + len(head) :]
    text = _pick((b"{" * 70, b"[" * 70, b"9" * 70, b"-" * 70, b"{'descr': '<f8', 'shape': (1,)*10}", b"0" * 70,
                  b"{'descr': [('a', [('b', '<f8')])], 'fortran_order': False, 'shape': (3,)}"), rng)  # fmt: skip
    return content[: at + 10] + text + content[at + 10 + len(text) :]


def _boxed(content, rng, others):
    """Archives: in one another, of links, with paths that lead out, twins, claimed sizes, or endless comments."""
    stream, what = io.BytesIO(), _pick(_TRICKS, rng)
    members = {"keypoints3d.npy": content}
    if content[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = {name: archive.read(name) for name in archive.namelist()[:50]}
        except Exception:
            members = {"poses.npy": content}
    out = _Pipe(stream) if what == "streamed" else stream
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            if what == "link":
                info.external_attr = 0o120777 << 16
                data = _pick((b"/etc/passwd", b"poses.npy", b"../x"), rng)
            elif what == "path":
                info.filename = _pick(("/", "../../", "C:\\", "a/../../", "\\\\host\\", "./"), rng) + name
            elif what == "nested":
                data = content if rng.random() < 0.5 else data
            elif what == "spam":
                info.extra = struct.pack("<HH", 1, 24) + b"\xff" * 24
            archive.writestr(info, data)
            if what == "twins":
                archive.writestr(_pick((name.upper(), name + " ", "./" + name), rng), data[: len(data) // 2])
        if what == "comment":
            archive.comment = b"PK\x05\x06" * 10_000
    data = stream.getvalue()
    if what == "again":
        return _listed_again(data, int(_pick((2, 100, 3_000), rng)), rng.random() < 0.5)
    return b"x" * int(rng.integers(1, 5000)) + data if what == "prefix" else data


_TRICKS = ("nested", "link", "path", "twins", "comment", "spam", "prefix", "streamed", "again")


class _Pipe(io.RawIOBase):
    """Where nobody can go back, so that sizes follow what they are of."""

    def __init__(self, stream: io.BytesIO):
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        return self._stream.write(data)


def _listed_again(data: bytes, times: int, renamed: bool) -> bytes:
    """An archive whose listing has each member many times, perhaps by other names of the same length."""
    start, end = data.find(b"PK\x01\x02"), data.rfind(b"PK\x05\x06")
    if start < 0 or end < start:
        return data
    entries = data[start:end]
    names = [b"%05d.npy" % n for n in range(times)]
    listed = b"".join(re.sub(rb".{5}\.npy", name, entries, flags=re.DOTALL) if renamed else entries for name in names)
    count = min(65_535, times * entries.count(b"PK\x01\x02"))
    return data[:start] + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(listed), start, 0)


def _self_copying(content, rng, others):
    """Pickles: lists of the same list again and again, of themselves, nested, of long keys, or with a memo without
    end; instead of the whole or before the end."""
    if content[:1] != b"\x80":
        return content
    bomb = _pick((_doubling, _in_itself, _deep, _memo, _wide_keys, _many_empty, _long_integer, _torn), rng)(rng)
    if rng.random() < 0.5:
        return b"\x80\x04" + bomb + b"."
    return content[:-1] + pickle.POP + bomb + b"."


def _doubling(rng) -> bytes:
    return b"]" + b"q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(int(rng.integers(5, 120))))


def _in_itself(rng) -> bytes:
    return _pick((b"]q\x00h\x00a", b"}q\x00U\x01ah\x00s", b"]q\x00(h\x00h\x00e", b"]q\x00]q\x01h\x00ah\x01a"), rng)


def _deep(rng) -> bytes:
    depth = _pick(_DEPTHS, rng)
    return _pick((b"]" * depth + b"a" * (depth - 1), b"(" * depth + b"t" * depth, b")" + b"\x85" * depth), rng)


def _memo(rng) -> bytes:
    return b"N" + b"".join(b"r" + struct.pack("<I", int(n)) for n in rng.integers(2**32, size=20_000))


def _wide_keys(rng) -> bytes:
    keys = (b"G" + struct.pack(">d", k) + b"K\x00" for k in range(20_000))
    return _pick((b"}(" + b"".join(keys) + b"u", b"}(" + b"X" + struct.pack("<I", 9999) + b"k" * 9999 + b"Nu"), rng)


def _many_empty(rng) -> bytes:
    return b"](" + _pick((b"]", b"}", b"\x8f", b"N", b")"), rng) * 200_000 + b"e"


def _long_integer(rng) -> bytes:
    return _pick((b"\x8b" + struct.pack("<i", 50_000) + b"\x7f" * 50_000, b"I" + b"9" * 50_000 + b"\n"), rng)


def _torn(rng) -> bytes:
    return _pick((b"X\xff\xff\xff\x7f", b"B\xff\xff\xff\xff", b"\x8d" + b"\xff" * 8, b"T\xff\xff\xff\xff", b"U"), rng)


_LINES = (
    b"a: &a [1, 2, 3]", b"b: *a", b"<<: *a", b"k: !!python/object/apply:os.system ['id']", b"m: !!opencv-matrix",
    b"? key", b"- - - - 1", b"%TAG ! tag:x,2000:", b"---", b"...", b"k: |", b"  text", b"k: >-", b"k: {a: 1, b: [1,",
    b"\tk: 1", b"k:: 1", b": 1", b"k: 'it''s", b'k: "\\x41', b"k: 1_000", b"k: 0o17", b"k: .inf", b"k: 190:20:30",
    b"k: 2001-12-14t21:59:43.10-05:00", b"a.b.c.d.e = 1", b"[a.b]", b"[[a]]", b"k = 0x_1", b"k = 1979-05-27T07:32:00Z",
    b"k = {a = {b = {c = 1}}}", b"k = '''", b'k = """', b"k = [[[[[[", b"k = +inf", b"[", b"[]", b"'' = 1",
    b"k = 9" + b"9" * 5_000, b"a" + b".a" * 5_000 + b" = 1", b"[" + b"a." * 5_000 + b"a]", b"k = " + b"[" * 50_000,
    b"k: " + b"[" * 50_000, b"- " * 20_000, b"a: " * 5_000, b"- a: 1\n" * 60_000, b"k: 1\n" * 60_000, b"[a]\n" * 9_000,
)  # fmt: skip


def _line(content, rng, others):
    """Lines of YAML and TOML among those of a text: anchors, tags, texts, keys of keys, and the laughs of billions."""
    lines = content[: 1 << 16].split(b"\n")
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(lines) + 1))
        lines[at:at] = [_pick(_LINES, rng)]
    if rng.random() < 0.1:
        lines.append(b"l0: &l0 [x]")
        lines += [b"l%d: &l%d [%s]" % (n, n, b",".join([b"*l%d" % (n - 1)] * 9)) for n in range(1, 12)]
    return b"\n".join(lines)


CRAFTED: tuple[Callable[[bytes, np.random.Generator, list[bytes]], bytes], ...] = (
    _name, _name, _nest, _record, _records, _hierarchy, _header, _boxed, _self_copying, _line,
)  # fmt: skip
"""As those of `damage.py`: what has not the form that they know stays as it is."""

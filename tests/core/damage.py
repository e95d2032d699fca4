"""Damage as files suffer it, and damage as somebody malicious would do it, for the readers' tests.

`damaged` changes the bytes of a good file: cut, flipped, spliced with another, its numbers and header counts replaced,
its encoding changed, its byte order swapped. The same generator gives the same damage.
"""

import io
import re
import struct
import zipfile

import numpy as np
from crafted import CRAFTED
from restructured import restructured

NUMBERS = (
    b"nan", b"-nan(ind)", b"inf", b"-inf", b"1e999", b"-1e308", b"1e-320", b"99999999999999999999", b"-1", b"0", b"",
    b"1,5", b"0x10", b"1_000", b"\xef\xbc\x91", b"NaN", b"Infinity", b"null", b"true", b"9" * 400, b'"', b"[", b"{}",
    b"\t", b"\r", b"\n", b";", b"#", b"\0", b"\xff\xfe", b"1e300", b"-1e300", b"1e38", b"1e-300", b"9999999", b"-9999",
    b"9223372036854775808", b"not a number", b"minus one", b"1.2.3", b"1/0", b"+-1", b"1e", b"12:03:04.5", b"1 2 3",
    b"4.9e-324", b"1e400", b"-1e-400", b"1,234.5", b"1.234,5", b"1'234.5", "1\u202f234".encode(), "\u22121".encode(),
    "\uff11.\uff15".encode(), "\u0661\u0662".encode(), b"0x1p3", b"0b1", b"0o7", b"1e5_0", b"1__0", b"1d3", b"1.#QNAN",
    b"-1.#IND", b"NULL", b"N/A", b"--", b"+inf", b"infinity", b"#DIV/0!", b"1e+", b"$1", b"50%", "\u00bd".encode(),
    b"17976931348623157" + b"0" * 292, b"-0", b"00012", b"2147483648", b"-9223372036854775809", b"0." + b"3" * 5000,
)  # fmt: skip
WORDS = (
    *(struct.pack(order + kind, value) for order in "<>" for kind, value in (
        ("H", 0), ("H", 1), ("H", 0x7FFF), ("H", 0x8000), ("H", 0xFFFF), ("I", 0), ("I", 0x7FFFFFFF), ("I", 0xFFFFFFFF),
        ("f", float("nan")), ("f", float("inf")), ("f", 3e38), ("f", -1e-40), ("f", 0.0), ("d", 1e308),
    )),
)  # fmt: skip
SHAPES = (
    b"(1000000, 1000000, 3)", b"(17, 3)", b"(-1, 17, 3)", b"(8, 17, 3, 1)", b"()", b"(0, 17, 3)", b"(True, 3)",
    b"(1" + b"0" * 40 + b",)", b"(4294967296, 4294967296)", b"(8, 51)", b"(408,)", b"(3, 17, 8)", b"[8, 17, 3]",
    b"(0, 1000000000, 3)", b"(1000000000, 0)", b"(1000000000, 17, 0)", b"(8, 0, 1000000000)", b"(1000000000, 0, 24, 3)",
)  # fmt: skip
TYPES = (
    b"'|O'", b"'<U1000000000'", b"'|V99999999'", b"'>f8'", b"'<f2'", b"'|b1'", b"'<c16'", b"'<M8[s]'", b"'|S0'",
    b"'<i8'", b"'|u1'", b"[('a', '<f8')]", b"'<f16'", b"'nonsense'",
)  # fmt: skip
_WORD = re.compile(rb"[A-Za-z_]{2,40}")
_NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


def damaged(content: bytes, rng: np.random.Generator, others: list[bytes]) -> bytes:
    """The content with one to four kinds of damage; `others` are what it may be spliced with. A third of the time the
    first is to what it says, and half of these have no other."""
    count = int(rng.integers(1, 5))
    if rng.random() < 0.35:
        content, count = restructured(content, rng, others), int(rng.integers(0, 2)) * (count - 1)
    for _ in range(count):
        content = _DAMAGES[rng.integers(len(_DAMAGES))](content, rng, others)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    """Anywhere, but half of the time in the first 2 kB, where headers are."""
    end = len(content) if rng.random() < 0.5 else min(len(content), 2048)
    return int(rng.integers(0, end + 1))


def _pick(choices, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


def _cut(content, rng, others):
    return content[: _place(content, rng)]


def _flip(content, rng, others):
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9) if changed else 0):
        changed[min(_place(content, rng), len(changed) - 1)] ^= 1 << rng.integers(8)
    return bytes(changed)


def _drop(content, rng, others):
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 200)) :]


def _double(content, rng, others):
    at = _place(content, rng)
    return content[:at] + content[at : at + int(rng.integers(1, 600))] * int(rng.integers(2, 6)) + content[at:]


def _noise(content, rng, others):
    at = _place(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 40))) + content[at:]


def _splice(content, rng, others):
    other = _pick(others, rng)
    return content[: _place(content, rng)] + other[_place(other, rng) :]


def _word(content, rng, others):
    """Counts, offsets and floats of binary headers."""
    word, at = _pick(WORDS, rng), _place(content, rng) & ~1
    return content[:at] + word + content[at + len(word) :]


def _swap(content, rng, others):
    """The other byte order, of some or of all."""
    size = _pick((2, 4, 8), rng)
    at = _pick((0, 512, 1024, _place(content, rng)), rng)
    end = at + (len(content) - at) // size * size
    if end <= at:
        return content
    part = np.frombuffer(content[at:end], np.uint8).reshape(-1, size)[:, ::-1].tobytes()
    return content[:at] + part + content[end:]


def _number(content, rng, others):
    found = list(_NUMBER.finditer(content[: 1 << 16]))
    for match in sorted((_pick(found, rng) for _ in range(rng.integers(1, 6)) if found), key=lambda m: -m.start()):
        content = content[: match.start()] + _pick(NUMBERS, rng) + content[match.end() :]
    return content


def _huge_numbers(content, rng, others):
    """Many numbers of a text at once by a factor: another unit, or none at all."""
    factor = _pick((1e-300, 1e-6, -1.0, 1e3, 1e9, 1e38, 1e300), rng)
    share = _pick((0.02, 0.5, 1.0), rng)

    def changed(match: re.Match) -> bytes:
        return match[0] if rng.random() > share else b"%r" % (float(match[0]) * factor)

    return _NUMBER.sub(changed, content[: 1 << 15]) + content[1 << 15 :]


def _length(content, rng, others):
    """A word, a number or a line of a text again and again, up to 80,000 bytes of it."""
    found = list(_pick((_WORD, _NUMBER, re.compile(rb"[^\n]+\n")), rng).finditer(content[: 1 << 14]))
    if not found:
        return content
    match = _pick(found, rng)
    times = max(1, _pick((10, 1_000, 80_000), rng) // max(1, len(match[0])))
    return content[: match.start()] + match[0] * times + content[match.end() :]


def _count(content, rng, others):
    """Columns of a text a hundred times over: each line's cells once more, up to 200 kB of them."""
    lines = content[: 1 << 16].split(b"\n")
    times = int(_pick((2, 10, 100), rng))
    if len(content) * times > 200_000:
        return content
    separator = _pick((b",", b"\t", b" ", b";"), rng)
    return b"\n".join(separator.join([line] * times) for line in lines)


def _encoding(content, rng, others):
    text = content.decode("utf-8", errors="replace")
    encode = _pick(
        (
            lambda: text.encode("utf-16"),
            lambda: b"\xfe\xff" + text.encode("utf-16-be"),
            lambda: text.encode("utf-16-le"),
            lambda: b"\xef\xbb\xbf" + content,
            lambda: text.replace("e", "é").encode("latin-1", errors="replace"),
            lambda: text.encode("utf-32"),
            lambda: text.encode("utf-7"),
            lambda: _torn_letter(text.replace("e", "\u624b").encode(), rng),
            lambda: _torn_letter(text.replace("a", "\u00e9").encode(), rng),
            lambda: text.encode("cp037", errors="replace"),
            lambda: text.encode("shift-jis", errors="replace"),
            lambda: text.replace(" ", "\u00a0").replace(",", "\u3001").encode(),
            lambda: text.replace("e", "\u202e\x1b[31m").encode(),
            lambda: content[: len(content) // 2] + b"\xef\xbb\xbf" + content[len(content) // 2 :],
            lambda: content.replace(b"\n", b"\r\n"),
            lambda: content.replace(b"\n", b"\r"),
            lambda: content.replace(b".", b","),
            lambda: content.replace(b"\t", b" "),
            lambda: content.replace(b" ", b"\0"),
            lambda: content.replace(b"\n", b"\x0b\x1c\x85"),
            lambda: text.encode("utf-16-be"),
            lambda: text.encode("utf-32-le"),
            lambda: b"\x00\x00\xfe\xff" + text.encode("utf-32-be"),
            lambda: text.replace("\n", "\u2028").encode(),
            lambda: text.replace("\n", "\u0085").encode("latin-1", errors="replace"),
            lambda: content.replace(b"\n", b"\n\0"),
            lambda: content.replace(b"\n", b"\n\n\r"),
            lambda: content + b"\x1a",
        ),
        rng,
    )
    return encode()


def _torn_letter(content: bytes, rng) -> bytes:
    """Cut in the middle of a letter that has several bytes."""
    inner = [at for at in range(len(content[: 1 << 14])) if content[at] >> 6 == 0b10]
    return content[: _pick(inner, rng)] if inner else content


def _array_header(content, rng, others):
    """Shapes and types that NPY headers claim; the header keeps its length where that can be."""
    pattern, choices = _pick(((rb"'shape': (\([^)]*\))", SHAPES), (rb"'descr': ('[^']*')", TYPES)), rng)
    match = re.search(pattern, content[:4096])
    if match is None:
        return content
    new = _pick(choices, rng)
    longer = len(new) - len(match[1])
    rest = content[match.end(1) :]
    padding = re.search(rb" +\n", rest[:200])
    if padding and 0 < longer < len(padding[0]):
        rest = rest[: padding.start()] + padding[0][longer:] + rest[padding.end() :]
    elif padding and longer < 0:
        rest = rest[: padding.start()] + b" " * -longer + rest[padding.start() :]
    return content[: match.start(1)] + new + rest


def _archive(content, rng, others):
    """Archives packed anew with damaged, doubled or huge members, or with other flags."""
    if content[:2] != b"PK":
        return content
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return content
    damaged_one = _pick(sorted(members), rng) if members else "arr_0.npy"
    what = _pick(("member", "member", "bomb", "claim", "rename", "many", "flag"), rng)
    method = _pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), rng)
    if len(content) < 20_000 and rng.random() < 0.1:  # which NumPy never writes, and which take long to pack
        method = _pick((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA), rng)
    if what == "member":
        members[damaged_one] = _pick((_array_header, _cut, _flip, _word), rng)(
            members.get(damaged_one, b"x"), rng, others
        )
    elif what == "bomb":
        members[damaged_one] = npy_of_zeros(int(rng.integers(10_000, 120_000)))
        method = zipfile.ZIP_DEFLATED
    elif what == "rename":
        members["../" + damaged_one] = members.pop(damaged_one, b"")
    elif what == "many":
        members.update((f"extra{i}.npy", b"\x93NUMPY\x01\x00") for i in range(300))
    with zipfile.ZipFile(packed, "w", method, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    data = bytearray(packed.getvalue())
    central = data.find(b"PK\x01\x02")
    if what == "claim" and central >= 0:
        data[central + 20 : central + 28] = _pick((b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f" * 2), rng)
    if what == "flag" and central >= 0:
        data[central + 8] ^= _pick((1, 8, 64), rng)
        data[central + 10] = _pick((0, 8, 12, 14, 99), rng)
    return bytes(data)


def npy_of_zeros(frames: int) -> bytes:
    """An NPY of a take of 17 keypoints at the origin, which deflates a thousandfold."""
    stream = io.BytesIO()
    np.save(stream, np.zeros((frames, 17, 3)))
    return stream.getvalue()


_DAMAGES = (
    _cut, _flip, _flip, _drop, _double, _noise, _splice, _word, _word, _swap, _number, _number, _encoding,
    _array_header, _archive, _huge_numbers, _length, _count,
    *CRAFTED,
)  # fmt: skip

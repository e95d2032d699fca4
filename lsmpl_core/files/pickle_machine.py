"""An interpreter of the pickle format that knows only plain data; `safe_pickle.py` is what others
use.

A class or function in a file is only a name, compared with a short list, and what it would have
built is built here from checked parts. The instructions are those of the standard library's
`pickletools`.
"""

from __future__ import annotations

import math
import pickle
import re
from dataclasses import dataclass, field

import numpy as np

from .pickle_budget import Budget, Placeholder, Refused
from .pickle_names import INERT, Global, allowed
from .pickle_stream import LITERALS, Stream
from .texts import checked_texts

_DTYPE = re.compile(r"[<>|=]?([biufc](1|2|4|8|16)|O8?|[SU]\d{1,6}|\?)", re.ASCII)
_LATIN1 = {"latin1", "latin-1", "latin_1", "iso-8859-1", "iso8859-1"}


@dataclass(eq=False, repr=False)
class _Unbuilt:
    """A NumPy or joblib object between its creation and the BUILD instruction that says what it
    holds."""

    kind: str
    code: str = ""
    memo_keys: list[int] = field(default_factory=list)


class Machine(Stream):
    """One run over one pickle: a stack, a memo, and nothing that is not made here."""

    def __init__(self, data: bytes, file_size: int | None = None):
        """file_size: bytes of the file, which may be less than the data where it is compressed."""
        super().__init__(data)
        self.budget = Budget.of(len(data) if file_size is None else file_size, len(data))
        self.stack: list = []
        self.marked: list[list] = []
        self.memo: dict[int, object] = {}

    # Stack and memo

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        return self.stack.pop()

    def pop_mark(self) -> list:
        items, self.stack = self.stack, self.marked.pop()
        return items

    def put(self, key: int) -> None:
        value = self.memo[key] = self.stack[-1]
        if isinstance(value, _Unbuilt):
            value.memo_keys.append(key)

    def run(self) -> object:
        """Follow the instructions up to STOP; gives the object on top of the stack."""
        while True:
            self.budget.step()
            code = self.take(1)
            if code == pickle.STOP:
                result = self.pop()
                if isinstance(result, (Global, _Unbuilt)):
                    raise ValueError("an unfinished object")
                return result
            self.step(code)

    def step(self, code: bytes) -> None:
        if literal := LITERALS.get(code):
            self.push(literal(self))
            return
        match code:
            # memo
            case pickle.BINPUT:
                self.put(self.unsigned(1))
            case pickle.LONG_BINPUT:
                self.put(self.unsigned(4))
            case pickle.PUT:
                self.put(self.decimal())
            case pickle.MEMOIZE:
                self.put(len(self.memo))
            case pickle.BINGET:
                self.push(self.memo[self.unsigned(1)])
            case pickle.LONG_BINGET:
                self.push(self.memo[self.unsigned(4)])
            case pickle.GET:
                self.push(self.memo[self.decimal()])
            # containers
            case pickle.MARK:
                self.marked.append(self.stack)
                self.stack = []
            case pickle.TUPLE1 | pickle.TUPLE2 | pickle.TUPLE3:
                size = b"\x85\x86\x87".index(code) + 1
                self.push(tuple(self.pop() for _ in range(size))[::-1])
            case pickle.TUPLE:
                self.push(tuple(self.pop_mark()))
            case pickle.LIST:
                self.push(self.pop_mark())
            case pickle.APPEND:
                self.extend([self.pop()])
            case pickle.APPENDS:
                self.extend(self.pop_mark())
            case pickle.DICT:
                pairs = self.pop_mark()
                self.push({})
                self.set_items(pairs)
            case pickle.SETITEM:
                value, key = self.pop(), self.pop()
                self.set_items([key, value])
            case pickle.SETITEMS:
                self.set_items(self.pop_mark())
            case pickle.ADDITEMS:
                items = self.pop_mark()
                if not isinstance(self.stack[-1], set):
                    raise TypeError("items added to what is no set")
                self.stack[-1].update(self.budget.keys(items))
            case pickle.FROZENSET:
                self.push(frozenset(self.budget.keys(self.pop_mark())))
            # objects
            case pickle.GLOBAL:
                module = self.line().decode()
                self.push(allowed(module, self.line().decode()))
            case pickle.STACK_GLOBAL:
                called = self.pop()
                self.push(allowed(self.pop(), called))
            case pickle.REDUCE | pickle.NEWOBJ:
                args, what = self.pop(), self.pop()
                self.push(self.make(what, args))
            case pickle.NEWOBJ_EX:
                keywords, args, what = self.pop(), self.pop(), self.pop()
                if keywords:
                    raise Refused("makes an object with keyword arguments")
                self.push(self.make(what, args))
            case pickle.BUILD:
                state, value = self.pop(), self.pop()
                self.push(self.build(value, state))
            # the rest
            case pickle.PROTO:
                if self.unsigned(1) > 5:
                    raise ValueError("an unknown pickle protocol")
            case pickle.FRAME:
                self.take(8)
            case pickle.POP:
                if self.stack:
                    self.pop()
                else:
                    self.pop_mark()
            case pickle.POP_MARK:
                self.pop_mark()
            case pickle.DUP:
                self.push(self.stack[-1])
            case _ if refused := _REFUSED_CODES.get(code):
                raise Refused(
                    f"uses the pickle instruction {refused}, which plain data does not need"
                )
            case _:
                raise ValueError(f"unknown instruction {code!r}")

    def extend(self, items: list) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError("items added to what is no list")
        self.stack[-1].extend(items)

    def set_items(self, items: list) -> None:
        if not isinstance(self.stack[-1], dict) or len(items) % 2:
            raise TypeError("items set in what is no dict")
        self.stack[-1].update(zip(self.budget.keys(items[::2]), items[1::2], strict=True))

    # Objects

    def make(self, what: object, args: object) -> object:
        """What calling the class or function `what` (a `Global`) on `args` would give, if that is
        plain data."""
        if not isinstance(what, Global) or not isinstance(args, tuple):
            raise TypeError("a call of what is no class")
        if INERT.fullmatch(what.name):
            return Placeholder(what.name, {"args": args} if what.name.startswith("torch.") else {})
        match what, args:
            case Global("copyreg._reconstructor"), (Global(name), Global("builtins.object"), None):
                if INERT.fullmatch(name):
                    return Placeholder(name)
            case Global("numpy.core.multiarray._reconstruct"), (Global("numpy.ndarray"), *_):
                return _Unbuilt("array")
            case Global("joblib.numpy_pickle.NumpyArrayWrapper"), ():
                return _Unbuilt("joblib array")
            case Global("numpy.dtype"), (str(code), *_):
                return _Unbuilt("dtype", code)
            case Global("numpy.core.multiarray.scalar"), (
                np.dtype() as dtype,
                bytes() | str() as raw,
            ):
                self.budget.copy(dtype.itemsize)
                return self.array((), dtype, "C", raw)[()]
            case Global("numpy.core.numeric._frombuffer"), (
                bytes(raw),
                np.dtype() as dtype,
                shape,
                str(order),
            ):
                return self.array(shape, dtype, order, raw)
            case Global("_codecs.encode" | "builtins.bytes" | "builtins.bytearray"), (
                str(text),
                str(codec),
            ):
                if codec.lower() in _LATIN1:
                    return self.raw_bytes(text)
            case Global("builtins.bytes" | "builtins.bytearray"), ():
                return b""
            case Global("builtins.bytes" | "builtins.bytearray"), (bytes(raw),):
                return raw
            case Global("builtins.set" | "builtins.frozenset" as name), () | (list() | tuple(),):
                items = self.budget.keys(args[0]) if args else []
                return set(items) if name == "builtins.set" else frozenset(items)
            case Global("builtins.complex"), (float(real), float(imaginary)):
                return complex(real, imaginary)
            case Global("collections.OrderedDict"), () | (list(),):
                pairs = args[0] if args else []
                self.budget.step(len(pairs))
                keys = self.budget.keys([key for key, _ in pairs])
                return dict(zip(keys, [value for _, value in pairs], strict=True))
            case Global("collections.defaultdict"), () | (Global() | None,):
                return {}
        raise Refused(f"uses '{what.name}' in a way that plain data does not need")

    def build(self, value: object, state: object) -> object:
        """`value` with the `state` that the file gives it; replaces what the memo holds of an
        unbuilt value."""
        if isinstance(value, Placeholder) and isinstance(state, dict):
            value.state = state
            return value
        if not isinstance(value, _Unbuilt):
            raise Refused("sets the state of something that is no plain data")
        built: np.ndarray | np.dtype
        match value, state:
            case _Unbuilt("array"), (_, shape, np.dtype() as dtype, fortran, raw):
                built = self.array(shape, dtype, "F" if fortran else "C", raw)
            case _Unbuilt("joblib array"), {
                "shape": shape,
                "dtype": np.dtype() as dtype,
                "order": str(order),
                **more,
            }:
                built = self.joblib_array(
                    shape, dtype, order, more.get("numpy_array_alignment_bytes") is not None
                )
            case _Unbuilt("dtype", code), (_, "<" | ">" | "|" | "=" as order, None, None, None, *_):
                if not _DTYPE.fullmatch(code):
                    raise Refused(
                        f"holds an array of type {code[:20]!r}; arrays of numbers and strings are "
                        "read"
                    )
                built = np.dtype(code).newbyteorder(order)
            case _Unbuilt("dtype"), _:
                raise Refused("holds a structured array; arrays of numbers and strings are read")
            case _:
                raise Refused("sets the state of something that is no plain data")
        while value.memo_keys:
            self.memo[value.memo_keys.pop()] = built
        return built

    def array(self, shape: object, dtype: np.dtype, order: str, raw: object) -> np.ndarray:
        """An array over the bytes (or, for objects, the list) `raw`, which must be exactly as long
        as `shape` says."""
        sizes = _sizes(shape)
        count = math.prod(sizes)
        if order not in ("C", "F"):
            raise ValueError(f"an array in the order {order[:20]!r}")
        if dtype.hasobject:
            if not isinstance(raw, list) or len(raw) != count:
                raise ValueError(f"an array of shape {shape} over another number of objects")
            self.budget.step(count)
            array = np.empty(count, object)
            for i, item in enumerate(raw):
                array[i] = item
            return array.reshape(sizes, order="F" if order == "F" else "C")
        data = self.raw_bytes(raw)
        if len(data) != count * dtype.itemsize:
            raise ValueError(f"an array of shape {shape} and type {dtype} over {len(data)} bytes")
        return checked_texts(np.ndarray(sizes, dtype, data, order="F" if order == "F" else "C"))

    def joblib_array(self, shape: object, dtype: np.dtype, order: str, aligned: bool) -> np.ndarray:
        """The array whose bytes joblib writes into the stream, after some padding; arrays of
        objects are a pickle."""
        if dtype.hasobject:
            outer = self.stack, self.marked, self.memo
            self.stack, self.marked, self.memo = [], [], {}
            array = self.run()
            self.stack, self.marked, self.memo = outer
            if not isinstance(array, np.ndarray):
                raise TypeError("something else instead of an array")
            return array
        if aligned:
            self.take(self.unsigned(1))
        return self.array(shape, dtype, order, self.take(math.prod(_sizes(shape)) * dtype.itemsize))

    def raw_bytes(self, raw: object) -> bytes:
        """The bytes of a bytes object or of a Python 2 string."""
        if isinstance(raw, bytes):
            return raw
        if not isinstance(raw, str):
            raise TypeError("an array without data")
        self.budget.copy(len(raw))
        return raw.encode("latin1")


_REFUSED = [
    "INST",
    "OBJ",
    "EXT1",
    "EXT2",
    "EXT4",
    "PERSID",
    "BINPERSID",
    "NEXT_BUFFER",
    "READONLY_BUFFER",
]
_REFUSED_CODES = {getattr(pickle, name): name for name in _REFUSED}


def _sizes(shape: object) -> tuple[int, ...]:
    """The `shape` of an array, which must be a tuple of at most 32 sizes."""
    if (
        not isinstance(shape, tuple)
        or len(shape) > 32
        or not all(type(n) is int and n >= 0 for n in shape)
    ):
        raise ValueError("an array without a valid shape")
    return shape

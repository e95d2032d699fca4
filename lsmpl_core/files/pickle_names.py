"""The names of classes and functions that a pickle may mention: those of plain data and arrays, and
of what stands beside them and is never built."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .pickle_budget import Refused

_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_BUILTINS = [
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "set",
    "str",
]
ALLOWED = {
    *(f"builtins.{name}" for name in _BUILTINS),
    "_codecs.encode",
    "collections.OrderedDict",
    "collections.defaultdict",
    "copyreg._reconstructor",
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy.dtype",
    "numpy.ndarray",
}
INERT = re.compile(
    r"chumpy(\.\w+)+|scipy\.sparse\.(_?\w+\.)?(bsr|coo|csc|csr|dia|dok|lil)_(matrix|array)"
    # tensors beside what we need, never opened
    r"|torch\._utils\._rebuild_tensor_v2|torch\.storage\._load_from_bytes",
    re.ASCII,
)


@dataclass(frozen=True)
class Global:
    """The dotted name of a class or function that a pickle mentions; never the thing itself."""

    name: str


_INSTEAD = {
    "pandas": "Of a data frame to_csv and to_json write what is read",
    "xarray": "Of a data set numpy.save writes what is read, an array at a time",
}
"""What to do instead with libraries' own objects."""


def allowed(module: object, name: object) -> Global:
    """The name as a `Global`, in today's spelling, if it is on the list."""
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError("a class without a name")
    full = f"{_RENAMED.get(module, module)}.{name}".replace("numpy._core.", "numpy.core.", 1)
    if full not in ALLOWED and not INERT.fullmatch(full):
        advice = _INSTEAD.get(full.split(".")[0], "Delete it unless you trust its source")
        raise Refused(f"asks for '{full[:80]}', which plain data does not need. {advice}")
    return Global(full)

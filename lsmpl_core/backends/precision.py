"""Matrix products and convolutions in full precision, whatever else in the process told PyTorch.

Another add-on in the same Blender may let it round what they are made of to 10 bits or fewer (TF32
on NVIDIA's cards, bfloat16 on some CPUs), and for convolutions it does so by itself. That is enough
for a network, and millimetres in a skeleton.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

Setting = tuple[Callable[[], Any], Callable[[Any], object], Any]
"""What tells a setting, what sets it, and what it should be."""


@contextmanager
def full_precision() -> Iterator[None]:
    """For the whole process; afterwards all is as it was."""
    before = [(setting, setting[0]()) for setting in roundings()]
    for (_, put, wanted), _found in before:
        put(wanted)
    try:
        yield
    finally:
        for (_, put, _wanted), found in before:
            put(found)


def roundings() -> list[Setting]:
    """Those of PyTorch, where it is loaded, that are not what they should be."""
    torch: Any = sys.modules.get("torch")
    if not hasattr(torch, "get_float32_matmul_precision"):
        return []
    matmul = torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"
    libraries = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul
    try:
        found: list[Setting] = [matmul]
        matmul[0]()
    except RuntimeError:  # PyTorch's older interface to them refuses what the newer one was told
        found = [(*_attribute(library, "fp32_precision"), "ieee") for library in libraries]
    cudnn = torch.backends.cudnn
    new = hasattr(cudnn, "conv")  # from PyTorch 2.9 on
    found.append(
        (*_attribute(cudnn.conv, "fp32_precision"), "ieee")
        if new
        else (*_attribute(cudnn, "allow_tf32"), False)
    )
    return [setting for setting in found if setting[0]() != setting[2]]


def _attribute(of, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return partial(getattr, of, name), partial(setattr, of, name)

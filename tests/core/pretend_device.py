"""A GPU that is none, for machines without one: tensors that say they are on a device, and what is refused there.

Inside `PretendGpu`, a dispatch mode, what is made on device "pretend" is `OnGpu`: its numbers are on the CPU, and torch
computes with them there. But an operation that mixes it with a CPU tensor fails as it does on a GPU, and so does NumPy
on it; and, where the GPU has no double precision (MPS), a number in double precision. The mode counts the kernels that
a GPU would launch, and how often the host waits for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from lsmpl_core.backends.arrays import Backend, choose_backend

_setup_privateuseone_for_python_backend("pretend")
aten = torch.ops.aten
ASKS = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten._linalg_check_errors.default,
}
"""What the host waits for on a GPU, besides copies from one device to the other."""
COPIES = {aten._to_copy.default, aten.copy_.default}
TAKE_CPU_INDICES = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}
FREE = {"detach", "_unsafe_view", "empty", "empty_strided", "new_empty_strided"}
"""Operations that launch no kernel, besides views and the above."""


class OnGpu(torch.Tensor):
    """A tensor on device "pretend"; its numbers are `held`, on the CPU."""

    @staticmethod
    def __new__(cls, held: torch.Tensor):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device("pretend", 0),
        )
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} on a tensor of a GPU that is gone")


class PretendGpu(TorchDispatchMode):
    """launched: how often each kernel was; waits: what the host waited for, and how often."""

    def __init__(self, double: bool = True):
        super().__init__()
        self.double = double
        self.launched, self.waits = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = list(_tensors((*args, *kwargs.values())))
        here = any(type(tensor) is OnGpu for tensor in tensors)
        device = kwargs.get("device")
        there = here if device is None else torch.device(device).type == "pretend"
        if not (here or there):
            return func(*args, **kwargs)
        name = func._schema.name.removeprefix("aten::")
        if func in COPIES:
            if len({type(t) is OnGpu for t in tensors} | {there}) == 2:
                self.waits["copy"] += 1
            else:
                self.launched[name] += 1
        elif func in ASKS:
            self.waits[name] += 1
        elif not (func.is_view or name in FREE):
            self.launched[name] += 1
        self._check_indices(func, args) if func in TAKE_CPU_INDICES else self._check_devices(func, tensors)
        kwargs = {key: _each(_held, value) for key, value in kwargs.items()}
        if device is not None:
            kwargs["device"] = torch.device("cpu")
        made = func(*_each(_held, args), **kwargs)
        if func._schema.is_mutable:  # all that are used here change the first one; there is no `out=`
            return args[0]
        if not there:  # a copy of what it holds, not the same
            return _each(torch.clone, made)
        self._check_precision(name, _tensors((made,)))
        return _each(OnGpu, made)

    def _check_devices(self, func, tensors) -> None:
        mixed = {type(t) is OnGpu for t in tensors if t.dim() or func in (aten.cat.default, aten.stack.default)}
        if len(mixed) == 2 and func not in COPIES:
            raise RuntimeError(f"{func}: expected all tensors to be on the same device, found pretend:0 and cpu")

    def _check_indices(self, func, args) -> None:
        for index in (index for index in args[1] if index is not None):
            self.waits["copy"] += type(index) is not OnGpu
            self.waits["nonzero"] += index.dtype in (torch.bool, torch.uint8)
        self._check_devices(func, [args[0], *args[2:3]])

    def _check_precision(self, name, made) -> None:
        if not self.double and any(tensor.dtype == torch.float64 for tensor in made):
            raise TypeError(f"{name}: cannot convert a tensor to float64, as this GPU has no double precision")

    @property
    def backend(self) -> Backend:
        """As `choose_backend` makes one for CUDA, or, without double precision, for MPS."""
        name, float_type = ("cuda", torch.float64) if self.double else ("mps", torch.float32)
        return replace(choose_backend("cpu"), name=name, device=torch.device("pretend"), float_type=float_type)


def _tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


def _each(change, value):
    if isinstance(value, (tuple, list)):
        return type(value)([_each(change, inner) for inner in value])
    return change(value) if isinstance(value, torch.Tensor) else value


def _held(tensor):
    return tensor.held if type(tensor) is OnGpu else tensor


_kernels = torch.library.Library("aten", "IMPL")
"""What torch calls below its dispatch modes, where it makes tensors of lists."""


def _empty(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return OnGpu(torch.empty_strided(size, stride, dtype=dtype))


def _copy(source, to, non_blocking=False):
    _held(to).copy_(_held(source))
    return to


_kernels.impl("empty_strided", _empty, "PrivateUse1")
_kernels.impl("_copy_from", _copy, "PrivateUse1")

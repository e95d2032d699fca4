"""A GPU that is none, for machines without one: tensors that say they are on another device, and what they refuse there.

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
from torch.utils._pytree import tree_leaves, tree_map_only
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
FREE = {"detach", "alias", "empty", "empty_strided", "empty_like", "new_empty", "new_empty_strided", "_reshape_alias"}
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
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        here = any(isinstance(tensor, OnGpu) for tensor in tensors)
        device = kwargs.get("device")
        there = here if device is None else torch.device(device).type == "pretend"
        if not (here or there):
            return func(*args, **kwargs)
        name = func._schema.name.removeprefix("aten::")
        if func in COPIES:
            if len({here and isinstance(t, OnGpu) for t in tensors} | {there}) == 2:
                self.waits["copy"] += 1
            else:
                self.launched[name] += 1
        elif func in ASKS:
            self.waits[name] += 1
        elif not (func.is_view or name in FREE):
            self.launched[name] += 1
        self._check_indices(func, args) if func in TAKE_CPU_INDICES else self._check_devices(func, tensors)
        held = tree_map_only(OnGpu, lambda tensor: tensor.held, (args, dict(kwargs)))
        if device is not None:
            held[1]["device"] = torch.device("cpu")
        made = func(*held[0], **held[1])
        if func._schema.is_mutable:
            return kwargs.get("out", args[0])
        if not there:  # a copy of what it holds, not the same
            return tree_map_only(torch.Tensor, torch.clone, made)
        self._check_precision(name, tree_leaves(made))
        return tree_map_only(torch.Tensor, OnGpu, made)

    def _check_devices(self, func, tensors) -> None:
        mixed = {type(t) is OnGpu for t in tensors if t.dim() or func in (aten.cat.default, aten.stack.default)}
        if len(mixed) == 2 and func not in COPIES:
            raise RuntimeError(f"{func}: expected all tensors to be on the same device, found pretend:0 and cpu")

    def _check_indices(self, func, args) -> None:
        for index in (index for index in args[1] if index is not None):
            self.waits["copy"] += not isinstance(index, OnGpu)
            self.waits["nonzero"] += index.dtype in (torch.bool, torch.uint8)
        self._check_devices(func, [args[0], *args[2:3]])

    def _check_precision(self, name, made) -> None:
        if not self.double and any(isinstance(t, torch.Tensor) and t.dtype == torch.float64 for t in made):
            raise TypeError(f"{name}: cannot convert a tensor to float64, as this GPU has no double precision")

    @property
    def backend(self) -> Backend:
        """As `choose_backend` makes one for CUDA, or, without double precision, for MPS."""
        name, float_type = ("cuda", torch.float64) if self.double else ("mps", torch.float32)
        return replace(choose_backend("cpu"), name=name, device=torch.device("pretend"), float_type=float_type)


_kernels = torch.library.Library("aten", "IMPL")
"""What torch calls below its dispatch modes, where it makes tensors of lists."""


def _empty(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return OnGpu(torch.empty_strided(size, stride, dtype=dtype))


def _copy(source, to, non_blocking=False):
    held = [t.held if isinstance(t, OnGpu) else t for t in (source, to)]
    held[1].copy_(held[0])
    return to


_kernels.impl("empty_strided", _empty, "PrivateUse1")
_kernels.impl("_copy_from", _copy, "PrivateUse1")

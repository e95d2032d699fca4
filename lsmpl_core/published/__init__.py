"""Learnable SMPLify's network as published."""

from typing import Any

from ..renaming import warn_renamed


def __getattr__(name: str) -> Any:
    # Its place in 0.1, for one version more. PyTorch is loaded only for who asks.
    if name != "PublishedNetwork":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .network import PublishedNetwork

    warn_renamed(
        "lsmpl_core.published.PublishedNetwork", "lsmpl_core.published.network.PublishedNetwork"
    )
    return PublishedNetwork

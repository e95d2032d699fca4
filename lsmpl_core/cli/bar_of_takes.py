"""The bar of all takes of a command, as `tqdm` draws it."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm


class BarOfTakes(tqdm):
    """Of all takes: how many failed, and takes a minute."""

    monitor_interval = 0  # no thread that writes between our lines

    def __init__(self, **options: Any):
        self.failed = 0
        super().__init__(
            leave=False,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} takes{how_many_failed}"
            " [{elapsed}<{remaining}{a_minute}]",
            **options,
        )

    @property
    def format_dict(self) -> dict[str, Any]:
        facts = super().format_dict
        done, seconds = facts["n"] - facts["initial"], facts["elapsed"]
        rate = 60 * done / seconds if done and seconds else 0.0
        facts["a_minute"] = f", {rate:.3g} takes/min" if rate else ""
        # Room for the ^C that a terminal shows, which would begin a new line.
        facts["ncols"] = facts["ncols"] and max(facts["ncols"] - 3, 1)
        facts["how_many_failed"] = f", {self.failed} failed" if self.failed else ""
        return facts

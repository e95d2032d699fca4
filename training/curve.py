"""The training curve as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw_curve(log: list[dict[str, float]], path: Path) -> None:
    """Losses on the left axis, validation errors on the right."""
    figure, left = plt.subplots(figsize=(7, 4))
    right = left.twinx()
    at = [row["iteration"] for row in log]
    left.plot(at, [row["rotation"] for row in log], "C0", label="rotation loss, rad")
    left.plot(at, [row["position"] for row in log], "C1", label="position loss, m")
    right.plot(at, [row["mean"] for row in log], "C3", label="validation, mm in sequence")
    right.plot(at, [row["degrees"] for row in log], "C4", label="validation, degrees in sequence")

    left.set_xlabel("iteration")
    left.set_yscale("log")
    right.set_yscale("log")
    lines = left.get_lines() + right.get_lines()
    left.legend(lines, [str(line.get_label()) for line in lines], fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)

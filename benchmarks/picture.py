"""The picture of how the cost of a step grows."""

from pathlib import Path
from typing import Any

import keras
from matplotlib.figure import Figure

from benchmarks.cost import exponent_of


def draw_growth(results: dict[str, tuple[list[Any], list[float]]], path: Path) -> None:
    """Draws milliseconds a step against each size, and for each order."""
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    figure.suptitle(f"A training step on {keras.backend.backend()}, in milliseconds")
    for axes, (name, (values, seconds)) in zip(
        figure.subplots(2, 3).flat, results.items(), strict=True
    ):
        milliseconds = [1e3 * value for value in seconds]
        if name == "order":
            axes.bar(values, milliseconds)
            axes.set_title("order of 4 x 4 patches")
            continue
        axes.loglog(values, milliseconds, "o-")
        axes.set_xticks(values, [str(value) for value in values], minor=False)
        axes.minorticks_off()
        axes.set_title(f"{name}: exponent {exponent_of(values, seconds):.2f}")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)

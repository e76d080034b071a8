"""The picture of how the cost of a step grows."""

from pathlib import Path
from typing import Any

import keras
from matplotlib.figure import Figure

from benchmarks.cost import exponent_of

TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]


def draw_growth(results: dict[str, tuple[list[Any], list[float]]], path: Path) -> None:
    """Draws milliseconds a step against each size and order, all on the same scale."""
    all_milliseconds = [1e3 * value for _, seconds in results.values() for value in seconds]
    limits = min(all_milliseconds) / 1.5, max(all_milliseconds) * 1.5
    ticks = [tick for tick in TICKS if limits[0] <= tick <= limits[1]]
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    figure.suptitle(f"A training step on {keras.backend.backend()}, in milliseconds")
    for axes, (name, (values, seconds)) in zip(
        figure.subplots(2, 3).flat, results.items(), strict=True
    ):
        milliseconds = [1e3 * value for value in seconds]
        if name == "order":
            axes.plot(values, milliseconds, "o")
            axes.set_yscale("log")
            axes.set_title("order of 4 x 4 patches")
        else:
            axes.loglog(values, milliseconds, "o-")
            axes.set_xticks(values, [str(value) for value in values])
            axes.set_title(f"{name}: exponent {exponent_of(values, seconds):.2f}")
        axes.minorticks_off()
        axes.set_ylim(limits)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)

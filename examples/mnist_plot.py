"""Draws how a training went, and how the model reads one digit."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from mnist_data import Digits
from mnist_recipes import Run, belief


def plot_run(run: Run, digits: Digits, path: Path) -> None:
    """Draws accuracy and loss by epoch, and the belief in each class after every row."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplot_mosaic([["accuracy", "loss"], ["image", "belief"]])
    for name in ("accuracy", "loss"):
        epochs = [epoch + 1 for epoch in run.epochs]
        axes[name].plot(epochs, run.history.get(name, []), "o-", label="training")
        axes[name].plot(epochs, run.history.get(f"val_{name}", []), "o-", label="validation")
        axes[name].set(title=name.capitalize(), xlabel="epoch")
        axes[name].xaxis.get_major_locator().set_params(integer=True)
        axes[name].grid(alpha=0.3)
        axes[name].legend()

    image, label = digits.x_test[0], digits.y_test[0]
    probabilities = belief(run.model, image)
    axes["image"].imshow(image, cmap="gray_r")
    axes["image"].set(title=f"The first test digit, a {label}", ylabel="row", xticks=[])
    drawn = axes["belief"].imshow(probabilities, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes["belief"].set(
        title="Belief in each class after every row",
        xlabel="class",
        ylabel="row",
        xticks=np.arange(probabilities.shape[1]),
    )
    figure.colorbar(drawn, ax=axes["belief"], label="probability")
    figure.savefig(path, dpi=120)

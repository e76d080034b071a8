"""Draws how a training went, and how the model reads one digit."""

from pathlib import Path

from matplotlib.figure import Figure
from mnist_data import Digits
from mnist_recipes import Run

from keras_imgseq import plot


def plot_run(run: Run, digits: Digits, path: Path) -> None:
    """Draws accuracy and loss by epoch, and the belief in each class after every row."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplot_mosaic([["accuracy", "loss"], ["image", "belief"]])
    for name in ("accuracy", "loss"):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            values = run.trained.history.get(key, [])
            axes[name].plot(range(1, len(values) + 1), values, "o-", label=label)
        axes[name].set(title=name.capitalize(), xlabel="epoch")
        axes[name].xaxis.get_major_locator().set_params(integer=True)
        axes[name].grid(alpha=0.3)
        axes[name].legend()

    plot.plot_belief(run.trained.model, digits.x_test[0], ax=(axes["image"], axes["belief"]))
    axes["image"].set_title(f"The first test digit, a {digits.y_test[0]}")
    axes["belief"].set(title="Belief in each class after every row", ylabel="row")
    figure.savefig(path, dpi=120)

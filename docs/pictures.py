"""Draws the pictures of the documentation from the code that they are about.

Run `python docs/pictures.py` after a change of the readings; it writes `docs/images`.
"""

from pathlib import Path

import keras
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_imgseq import ImageAsSequence

DOCS = Path(__file__).parent
MNIST = DOCS.parent / "examples" / "data" / "mnist.npz"


def main() -> None:
    """Draws every picture."""
    (DOCS / "images").mkdir(exist_ok=True)
    save(draw_readings(), "readings")
    save(draw_digit(), "digit")
    save(draw_wrong_reshape(), "wrong_reshape")


def save(figure: Figure, name: str) -> None:
    """Saves a figure where the pages look for it."""
    figure.savefig(DOCS / "images" / f"{name}.png", dpi=120, facecolor="white")


def draw_readings() -> Figure:
    """The steps and the paths of version 0.1.0."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    calls = [
        'step="row"',
        'step="column"',
        'step="pixel"',
        "step=(2, 3)",
        "step=2, transpose=True",
        'step="row", reverse=True',
    ]
    for axes, call in zip(figure.subplots(2, 3).flat, calls, strict=True):
        layer = eval(f"ImageAsSequence({call})", {"ImageAsSequence": ImageAsSequence})
        draw_reading(axes, layer, 4, 6)
        axes.set_title(f"ImageAsSequence({call})", family="monospace", fontsize=9)
    return figure


def draw_reading(axes: Axes, layer: ImageAsSequence, height: int, width: int) -> None:
    """What each step sees, numbered and coloured by time."""
    pixels = np.arange(height * width).reshape(1, height, width)
    steps = keras.ops.convert_to_numpy(layer(pixels))[0]
    colours = colormaps["viridis"](np.linspace(0.05, 0.7, len(steps)))
    for time, step in enumerate(steps, start=1):
        top, left = divmod(int(step.min()), width)
        bottom, right = divmod(int(step.max()), width)
        size = right - left + 1, bottom - top + 1
        axes.add_patch(
            Rectangle((left, top), *size, color=colours[time - 1], ec="white", linewidth=2)
        )
        centre = left + size[0] / 2, top + size[1] / 2
        axes.text(*centre, str(time), ha="center", va="center", color="white")
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.axis("off")


def draw_digit() -> Figure:
    """A digit, and what the recurrent layer gets of it."""
    image = _digit()
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 3)
    axes[0].imshow(image, cmap="gray_r")
    axes[0].set(title="The image", xlabel="width", ylabel="height")
    for ax, step in zip(axes[1:], ("row", "column"), strict=True):
        sequence = keras.ops.convert_to_numpy(ImageAsSequence(step)(image[None]))[0]
        ax.imshow(sequence, cmap="viridis")
        ax.set(title=f'step="{step}"', xlabel="features", ylabel="time steps")
    return figure


def draw_wrong_reshape() -> Figure:
    """Why a reshape is not a transpose."""
    image = _digit()[:, 6:20]
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[14, 28, 28])
    axes[0].imshow(image, cmap="gray_r")
    axes[0].set(title="28 rows of 14 pixels", xlabel="width", ylabel="height")
    columns = keras.ops.convert_to_numpy(ImageAsSequence("column")(image[None]))[0]
    for ax, title, sequence in (
        (axes[1], 'step="column"', columns),
        (axes[2], "image.reshape(14, 28)", image.reshape(14, 28)),
    ):
        ax.imshow(sequence, cmap="viridis")
        ax.set(title=title, xlabel="features", ylabel="time steps")
    return figure


def _digit() -> np.ndarray:
    with np.load(MNIST, allow_pickle=False) as arrays:
        return arrays["x_test"][0]


if __name__ == "__main__":
    main()

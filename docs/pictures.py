"""Draws the pictures of the documentation from the code that they are about.

Run `python docs/pictures.py` after a change of the readings; it writes `docs/images`.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from test_back_again import drawn_shapes, trained_to_mark_the_inside

from keras_imgseq import ImageAsSequence
from keras_imgseq._reading.orders import ORDERS
from keras_imgseq.plot import plot_reading

DOCS = Path(__file__).parent
MNIST = DOCS.parent / "examples" / "data" / "mnist.npz"


def main() -> None:
    """Draws every picture."""
    (DOCS / "images").mkdir(exist_ok=True)
    save(draw_steps(), "steps")
    save(draw_orders(), "orders")
    save(draw_marked(), "marked")
    save(draw_digit(), "digit")
    save(draw_wrong_reshape(), "wrong_reshape")


def save(figure: Figure, name: str) -> None:
    """Saves a figure where the pages look for it."""
    figure.savefig(DOCS / "images" / f"{name}.png", dpi=120, facecolor="white")


def draw_steps() -> Figure:
    """What one step may see."""
    return _drawn(
        ImageAsSequence("row"),
        ImageAsSequence("column"),
        ImageAsSequence("pixel"),
        ImageAsSequence((2, 3)),
        titles=['step="row"', 'step="column"', 'step="pixel"', "step=(2, 3)"],
        size=(4, 6),
    )


def draw_orders() -> Figure:
    """The orders of a grid of 8 x 8 cells."""
    seeds = {"random": 0}
    orders = [*ORDERS, "random"]
    layers = [ImageAsSequence("pixel", order, seed=seeds.get(order)) for order in orders]
    return _drawn(
        *layers,
        ImageAsSequence("pixel", "snake", transpose=True, reverse=True),
        titles=[f'order="{order}"' for order in orders]
        + ['order="snake",\ntranspose=True, reverse=True'],
        size=(8, 8),
        font_size=5,
    )


def _drawn(
    *layers: ImageAsSequence, titles: list[str], size: tuple[int, int], font_size: int = 8
) -> Figure:
    rows = -(-len(layers) // 4)
    figure = Figure(figsize=(10, 0.4 + rows * 2.6 * size[0] / size[1]), layout="constrained")
    for axes, layer, title in zip(figure.subplots(rows, 4).flat, layers, titles, strict=True):
        plot_reading(layer, size, ax=axes)
        axes.set_title(title, family="monospace", fontsize=9)
        axes.axis("off")
        for text in axes.texts:
            text.set_fontsize(font_size)
    return figure


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


def draw_marked() -> Figure:
    """Outlines, and what the model of "Mark each pixel" marks as their inside."""
    keras.utils.set_random_seed(0)
    images, _ = drawn_shapes(8, seed=2)
    marked = trained_to_mark_the_inside().predict(images, verbose=0)
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    for column, pair in zip(figure.subplots(2, 8).T, zip(images, marked, strict=True), strict=True):
        for axes, picture in zip(column, pair, strict=True):
            axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
    return figure


def _digit() -> np.ndarray:
    with np.load(MNIST, allow_pickle=False) as arrays:
        return arrays["x_test"][0]


if __name__ == "__main__":
    main()

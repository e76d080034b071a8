"""Draws the pictures of the documentation from the code and the figures that they are about.

Run `python docs/pictures.py` after a change. It writes `docs/images`, each picture for a light page
and for a dark one. `--reader FILE` names a reader of numbers that `examples/text_lines.py` saved,
for the picture of a line.
"""

import argparse
import base64
import functools
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import matplotlib
import numpy as np
import sklearn.datasets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import folder_of_images
from line_numbers import write_numbers
from mark_pixels import drawn_shapes, trained
from mnist_data import load_digits
from moving_picture import moving_picture
from scanned_web import make_web

from keras_imgseq import ImageAsSequence, build_image_rnn
from keras_imgseq._reading.orders import ORDERS
from keras_imgseq.plot import plot_line, plot_reading

DOCS = Path(__file__).parent
# A picture is as wide as a narrow screen, so that its words can be read there.
WIDTH = 5.6
# Ten pixels of a screen of 390.
FONT = 11.5
THEMES = {"": ("#222222", "#1565c0", "#b34700"), "-dark": ("#e0e0e0", "#82b1ff", "#ffab70")}
GROUND = 'style="background:#1e2129"'
# The place of a four among the digits of scikit-learn.
FOUR = 4
BACKENDS = {"TensorFlow": "TensorFlow", "JAX": "JAX", "Torch": "PyTorch"}
# From the last colour to the first, so that each has its colour of the page "Read a digit".
NETWORKS = {"last": "trained to answer at the end", "every": "trained to answer after every row"}


def main() -> None:
    """Draws every picture."""
    parser = argparse.ArgumentParser(description="Draws the pictures of the documentation.")
    parser.add_argument("--reader", type=Path, help="a saved reader of numbers (default: no line)")
    options = parser.parse_args()
    (DOCS / "images").mkdir(exist_ok=True)
    draw(steps, "steps")
    draw(orders, "orders")
    draw(marked, "marked")
    draw(digit, "digit")
    draw(wrong_reshape, "wrong_reshape")
    draw(belief, "belief")
    draw(by_row, "by_row")
    draw(web, "web")
    draw(folder, "folder")
    draw(functools.partial(orders_compared, "orders.json"), "orders_compared")
    draw(functools.partial(orders_compared, "orders-fashion.json"), "orders_compared_fashion")
    draw(speed, "speed")
    if options.reader:
        draw(lambda colours: line(options.reader), "line")
    (DOCS / "images" / "reading.svg").write_text(reading(), encoding="utf-8")


def draw(picture: Callable[[tuple[str, ...]], Figure], name: str) -> None:
    """Draws a picture in both themes. `picture` is given the colours of text and of two lines."""
    for ending, colours in THEMES.items():
        words = {f"{part}color": colours[0] for part in ("text.", "axes.label", "xtick.", "ytick.")}
        same = {"svg.hashsalt": "keras-imgseq", "svg.fonttype": "none"}
        same |= {"font.size": FONT, "axes.titlesize": FONT}
        with matplotlib.rc_context({**words, **same, "axes.edgecolor": colours[0]}):
            figure = picture(colours)
            file = DOCS / "images" / f"{name}{ending}.svg"
            figure.savefig(file, transparent=True, metadata={"Date": None})
            # Opened by itself, it would stand on white: its words are light.
            if ending:
                svg = file.read_text(encoding="utf-8")
                file.write_text(svg.replace("<svg ", f"<svg {GROUND} ", 1), encoding="utf-8")


def steps(colours: tuple[str, ...]) -> Figure:
    """What one step may see."""
    return drawn(
        [
            (ImageAsSequence("row"), 'step="row"'),
            (ImageAsSequence("column"), 'step="column"'),
            (ImageAsSequence("pixel"), 'step="pixel"'),
            (ImageAsSequence((2, 3)), "step=(2, 3)"),
        ],
        size=(4, 6),
        num_columns=2,
    )


def orders(colours: tuple[str, ...]) -> Figure:
    """The orders of a grid of 8 x 8 cells."""
    layers = [(ImageAsSequence("pixel", order), f'"{order}"') for order in ORDERS]
    layers += [
        (ImageAsSequence("pixel", "random", seed=0), '"random", seed=0'),
        (ImageAsSequence("pixel", transpose=True), '"raster",\ntranspose=True'),
        (ImageAsSequence("pixel", "snake", reverse=True), '"snake",\nreverse=True'),
    ]
    return drawn(layers, size=(8, 8), num_columns=3, has_numbers=False)


def drawn(
    layers: list[tuple[ImageAsSequence, str]],
    size: tuple[int, int],
    num_columns: int,
    has_numbers: bool = True,
) -> Figure:
    """Readings side by side. Without numbers only the first step and the last are named."""
    num_rows = -(-len(layers) // num_columns)
    height = WIDTH / num_columns * size[0] / size[1] + 0.5
    figure = Figure(figsize=(WIDTH, num_rows * height), layout="constrained")
    all_axes = figure.subplots(num_rows, num_columns).flat
    for axes, (layer, title) in zip(all_axes, layers, strict=True):
        plot_reading(layer, size, ax=axes)
        axes.set_title(title, family="monospace")
        axes.axis("off")
        # Early steps are too dark for a dark page.
        axes.axhspan(0, size[0], color="white", zorder=-1)
        if not has_numbers:
            # The path is what counts.
            axes.collections[0].set_alpha(0.2)
        for text in axes.texts:
            text.set_fontsize(FONT)
            text.set_visible(has_numbers or text.get_text() in {"1", str(size[0] * size[1])})
    return figure


def digit(colours: tuple[str, ...]) -> Figure:
    """A digit, and what the recurrent layer gets of it."""
    image = first_digit()
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots(1, 3)
    axes[0].imshow(image, cmap="gray_r")
    axes[0].set(title="the image", xlabel="width", ylabel="height")
    for ax, step in zip(axes[1:], ("row", "column"), strict=True):
        sequence = keras.ops.convert_to_numpy(ImageAsSequence(step)(image[None]))[0]
        ax.imshow(sequence, cmap="viridis")
        ax.set(title=f'step="{step}"', xlabel="features", ylabel="time steps")
    return figure


def wrong_reshape(colours: tuple[str, ...]) -> Figure:
    """Why a reshape is not a transpose."""
    image = first_digit()[:, 6:20]
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=[18, 28, 28])
    axes[0].imshow(image, cmap="gray_r")
    axes[0].set(title="28 x 14", xlabel="width", ylabel="height")
    columns = keras.ops.convert_to_numpy(ImageAsSequence("column")(image[None]))[0]
    for ax, title, sequence in (
        (axes[1], 'step="column"', columns),
        (axes[2], "reshape(14, 28)", image.reshape(14, 28)),
    ):
        ax.imshow(sequence, cmap="viridis")
        ax.set(title=title, xlabel="features", ylabel="time steps")
    return figure


def marked(colours: tuple[str, ...]) -> Figure:
    """Outlines, and what the network of "Mark each pixel" marks as their inside."""
    images, _ = drawn_shapes(5, seed=2)
    answers = trained_to_mark().predict(images, verbose=0)
    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    pairs = zip(images, answers, strict=True)
    for column, pair in zip(figure.subplots(2, 5).T, pairs, strict=True):
        for axes, picture in zip(column, pair, strict=True):
            axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
    return figure


@functools.cache
def trained_to_mark() -> keras.Model:
    """The network of `examples/mark_pixels.py`."""
    keras.utils.set_random_seed(0)
    return trained()


def belief(colours: tuple[str, ...]) -> Figure:
    """A digit uncovered row by row, and the belief of both networks beside it."""
    image = first_digit()
    figure = Figure(figsize=(WIDTH, 10.4), layout="constrained")
    rows = (7, 10, 14, 21, 28)
    all_axes = figure.subplots(len(rows), 3)
    beliefs = {name: beliefs_of(name, image) for name in NETWORKS}
    for axes, row in zip(all_axes, rows, strict=True):
        covered = np.where(np.arange(28)[:, None] < row, image, np.nan)
        colours_of_image = matplotlib.colormaps["gray"].with_extremes(bad="#54607a")
        axes[0].imshow(covered, cmap=colours_of_image, vmin=0, vmax=1)
        axes[0].set(xticks=[], yticks=[], ylabel=f"after row {row}")
        for ax, name, colour in zip(axes[1:], NETWORKS, colours[:0:-1], strict=True):
            add_bars(ax, beliefs[name][row - 1], colour)
    for ax, name in zip(all_axes[0, 1:], NETWORKS, strict=True):
        ax.set_title(NETWORKS[name].replace("answer ", "answer\n"))
    return figure


def add_bars(axes: Axes, probabilities: np.ndarray, colour: str) -> None:
    """A bar for each digit, as long as it is probable."""
    axes.barh(range(10), probabilities, color=colour)
    axes.set(xlim=(0, 1), ylim=(9.5, -0.5), xticks=[0, 1], yticks=range(0, 10))


def beliefs_of(name: str, image: np.ndarray) -> np.ndarray:
    """The belief of a network of the page "Read a digit" after each row."""
    content = page_data()["networks"][name]
    values = np.frombuffer(base64.b64decode(content["weights"]), "<i2") * content["unit"]
    model = build_image_rnn((28, 28), 10, return_sequences=True)
    weights, start = [], 0
    for weight in model.get_weights():
        weights.append(values[start : start + weight.size].reshape(weight.shape))
        start += weight.size
    model.set_weights(weights)
    return model.predict(image[None], verbose=0)[0]


@functools.cache
def page_data() -> Any:
    """What `docs/read_a_digit.py` wrote."""
    text = (DOCS / "javascripts" / "data.js").read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


def by_row(colours: tuple[str, ...]) -> Figure:
    """The share of test digits that both networks have right after each row."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for (name, words), colour in zip(NETWORKS.items(), colours[:0:-1], strict=True):
        accuracies = page_data()["networks"][name]["accuracies"]
        axes.plot(range(1, 29), [100 * value for value in accuracies], color=colour, label=words)
    axes.set(xlabel="rows read", ylabel="right, %", xticks=[1, 7, 14, 21, 28], ylim=(0, 100))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def web(colours: tuple[str, ...]) -> Figure:
    """A piece of the web of `examples/line_scan.py` with its defects."""
    made = make_web(600, (0, 2))
    figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(made.rows.T, cmap="gray", aspect="auto")
    for defect in made.defects:
        axes.axvspan(defect.first, defect.last, color=colours[2], alpha=0.4)
        axes.text(defect.last + 4, -3, defect.kind)
    axes.set(xlabel="rows, in the order in which they are read", yticks=[])
    return figure


def folder(colours: tuple[str, ...]) -> Figure:
    """An image of `examples/folder_of_images.py`, and what its network answers."""
    digits = sklearn.datasets.load_digits()
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    image_axes, belief_axes = figure.subplots(1, 2)
    image = np.round(digits.images[FOUR] * 255 / 16)
    image_axes.imshow(image, cmap="gray")
    image_axes.set(title="an image", xticks=[], yticks=[])
    add_bars(belief_axes, network_of_folder().predict(image[None], verbose=0)[0], colours[1])
    belief_axes.set_title("belief after the last row")
    return figure


@functools.cache
def network_of_folder() -> keras.Model:
    """The network that the example trains on scikit-learn's digits."""
    with tempfile.TemporaryDirectory() as trained_in:
        folder_of_images.main(["--output", trained_in])
        return keras.saving.load_model(Path(trained_in) / "model.keras")


def orders_compared(file: str, colours: tuple[str, ...]) -> Figure:
    """The accuracy of each order, cell by cell, with the range of the seeds."""
    content = json.loads((DOCS / "data" / file).read_text(encoding="utf-8"))
    found = content["as they are"]
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    cells = list(next(iter(found.values())))
    for number, (cell, marker) in enumerate(zip(cells, "os^", strict=True)):
        values = np.array([of_cells[cell] for of_cells in found.values()]) * 100
        places = np.arange(len(found)) + 0.22 * (number - 1)
        colour = (*colours[1:], colours[0])[number]
        axes.hlines(places, values.min(axis=1), values.max(axis=1), colors=colour)
        axes.plot(np.median(values, axis=1), places, marker, color=colour, label=cell)
    axes.set(yticks=range(len(found)), xlabel="right on the test images, %")
    axes.set_yticklabels(list(found))
    axes.invert_yaxis()
    axes.grid(alpha=0.3, axis="x")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def speed(colours: tuple[str, ...]) -> Figure:
    """How many times as fast a training step is as with Keras' own layer."""
    files = {name: DOCS / "data" / f"speed-{name.lower()}.json" for name in BACKENDS}
    found = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items()}
    networks = list(found["TensorFlow"])
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    for number, (name, colour) in enumerate(zip(BACKENDS, (*colours[1:], "#808080"), strict=True)):
        places = np.arange(len(networks)) + 0.27 * (number - 1)
        ratios = [found[name][network] for network in networks]
        bars = axes.barh(places, ratios, 0.25, color=colour, label=BACKENDS[name])
        axes.bar_label(bars, fmt=" %.1f")
    axes.axvline(1, color=colours[0], linewidth=1)
    axes.margins(x=0.1)
    axes.set_yticks(range(len(networks)), [name.replace(", ", ",\n", 1) for name in networks])
    axes.set_xlabel("times as fast as with Keras' layer")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def line(reader: Path) -> Figure:
    """A number, and what a reader of numbers reads in it."""
    figure = Figure(figsize=(WIDTH, 1.8), layout="constrained")
    images, _ = write_numbers(*test_digits(), 1, seed=4)
    plot_line(keras.saving.load_model(reader, compile=False), images[0], ax=figure.subplots())
    return figure


def test_digits() -> tuple[np.ndarray, np.ndarray]:
    """The test digits of MNIST as bytes, and their labels."""
    digits = load_digits()
    return np.round(digits.x_test * 255).astype("uint8"), digits.y_test


@functools.cache
def first_digit() -> np.ndarray:
    """The first test digit of MNIST."""
    return load_digits().x_test[0]


def reading() -> str:
    """The moving picture: a digit read row by row, and the belief after each row."""
    image = first_digit()
    beliefs = beliefs_of("every", image)
    return moving_picture(image, beliefs)


if __name__ == "__main__":
    main()

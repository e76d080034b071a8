"""A line of text and what a reader reads above it."""

from typing import Any

from keras_imgseq._lines.line_image import light_of
from keras_imgseq._lines.line_reader import LineReader
from keras_imgseq._plot.canvas import checked_axes, ink_on, loaded_matplotlib
from keras_imgseq._reading.arguments import shown


def plot_line(reader: LineReader, image: Any, *, ax: Any = None) -> Any:
    """Draws a line of text with what a reader reads above it, coloured by its certainty.

    Args:
        reader: A `LineReader`.
        image: An array of one line, as `LineReader.prepare` takes it.
        ax: The matplotlib axes to draw on. By default, those of a new figure.

    Returns:
        The axes. The line is grey, each character stands above its place, and thin lines mark its
        edges.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the image is none that the reader takes, or if `ax` is no axes.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import LineReader, plot
        >>> reader = LineReader("0123456789", height=16, units=4)
        >>> axes = plot.plot_line(reader, np.full((16, 60), 255, "uint8"))
        >>> axes.get_xlabel()
        'width'
    """
    matplotlib = loaded_matplotlib()
    if not isinstance(reader, LineReader):
        raise ValueError(f"A line is drawn of a LineReader. Received: reader={shown(reader)}.")
    picture = light_of(image)
    places = reader.locate(image)
    height, width = picture.shape
    if ax is None:
        size = (min(16, 2 + width / 60), 2.2)
        ax = matplotlib.pyplot.subplots(figsize=size, layout="constrained")[1]
    (line_axes,) = checked_axes([ax], 1)
    frame = {"extent": (0, width, height, 0), "vmin": 0, "vmax": 1}
    line_axes.imshow(picture, cmap="gray", aspect="auto", **frame)
    colours = matplotlib.colormaps["viridis"]
    for character, left, right, certainty in places:
        colour = colours(certainty)
        line_axes.vlines([left, right], 0, height, colors=[colour], linewidth=0.7, alpha=0.6)
        line_axes.text(
            (left + right) / 2,
            -0.06 * height,
            character,
            ha="center",
            va="bottom",
            color=ink_on(colour),
            bbox={"boxstyle": "round,pad=0.15", "facecolor": colour, "linewidth": 0},
        )
    line_axes.set(xlim=(0, width), ylim=(height, 0), yticks=[], xlabel="width")
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), colours)
    line_axes.figure.colorbar(scale, ax=line_axes, label="certainty")
    return line_axes

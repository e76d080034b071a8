"""The path of a reading over an image."""

from typing import Any

import numpy as np

from keras_imgseq._plot.canvas import as_image, as_picture, checked_axes, ink_on, loaded_matplotlib
from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.image_as_sequence import ImageAsSequence

MOST_NUMBERS = 256


def plot_reading(layer: ImageAsSequence, image_or_size: Any, *, ax: Any = None) -> Any:
    """Draws the path of a reading over an image: numbered and coloured by time.

    Args:
        layer: An `ImageAsSequence`.
        image_or_size: One image, `(height, width)` or with channels as in the data format of
            the layer. Or its size: `(height, width)` in pixels, or the shape of one image with
            its channels.
        ax: The matplotlib axes to draw on. By default, those of a new figure.

    Returns:
        The axes. Each patch is outlined. The steps are numbered from 1: all of them up to 256
        steps, and beyond that the first and the last.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the layer cannot read such an image, or if `ax` is no axes.

    Examples:
        >>> from keras_imgseq import ImageAsSequence, plot
        >>> layer = ImageAsSequence(step=7, order="hilbert")
        >>> axes = plot.plot_reading(layer, (28, 28))
        >>> len(axes.texts)
        16
    """
    matplotlib = loaded_matplotlib()
    if not isinstance(layer, ImageAsSequence):
        raise ValueError(
            "A reading is drawn of an ImageAsSequence. "
            f"Received: layer={shown(layer)}. For a model, write model.get_layer('as_sequence')."
        )
    image = as_image(image_or_size)
    shape: Any = image.shape
    if image.ndim == 1:
        axes.size_of(image_or_size, layer.data_format)
        shape = tuple(image.tolist())
    if image.ndim not in (1, 2, 3):
        raise ValueError(
            "A reading is drawn of one image, (height, width) or with channels. Received: "
            f"shape={image.shape}. For the first of several images, write images[0]."
        )
    layer.compute_output_shape((None, *shape))
    _, (height, width), _ = axes.sizes_of((None, *shape), layer.data_format)
    patch_height, patch_width = layer.reading.patch_size((height, width))
    grid: Any = layer.reading.grid_size((height, width))

    row, column = np.divmod(layer.reading.path(*grid), grid[1])
    corners = np.stack([column * patch_width, row * patch_height], axis=1)
    centres = corners + np.array([patch_width, patch_height]) / 2
    num_steps = len(centres)

    (ax,) = [matplotlib.pyplot.subplots()[1]] if ax is None else checked_axes([ax], 1)
    if image.ndim > 1:
        picture = as_picture(image, layer.data_format)
        ax.imshow(picture, cmap="gray_r", extent=(0, width, height, 0), alpha=0.5)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, num_steps))
    patches = [
        matplotlib.patches.Rectangle(corner, patch_width, patch_height) for corner in corners
    ]
    collections = matplotlib.collections
    ax.add_collection(collections.PatchCollection(patches, facecolor="none", edgecolor=colours))
    segments = np.stack([centres[:-1], centres[1:]], axis=1)
    ax.add_collection(collections.LineCollection(list(segments), colors=colours[:-1], linewidths=2))
    numbered = range(num_steps) if num_steps <= MOST_NUMBERS else (0, num_steps - 1)
    for time in numbered:
        box = {"boxstyle": "round", "facecolor": colours[time], "edgecolor": "none"}
        ax.text(
            *centres[time],
            str(time + 1),
            bbox=box,
            color=ink_on(colours[time]),
            fontsize=8,
            ha="center",
            va="center",
        )
    ax.set(
        xlim=(0, grid[1] * patch_width),
        ylim=(grid[0] * patch_height, 0),
        aspect="equal",
        xlabel="width",
        ylabel="height",
    )
    return ax

"""Pictures of readings, and of what a network believes step by step; they need matplotlib."""

from typing import Any

import keras
import numpy as np

from keras_imgseq import _data_format
from keras_imgseq._image_as_sequence import ImageAsSequence

MOST_NUMBERS = 256


def plot_reading(layer: ImageAsSequence, image_or_size: Any, *, ax: Any = None) -> Any:
    """Draws the path of a reading over an image: numbered and coloured by time.

    Args:
        layer: An `ImageAsSequence`.
        image_or_size: One image, `(height, width)` or with channels as in the data format of
            the layer, or `(height, width)` in pixels as two ints.
        ax: The matplotlib axes to draw on; by default, those of a new figure.

    Returns:
        The axes. Each patch is outlined, the steps are numbered from 1, up to 256 steps all of
        them and beyond that the first and the last.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the layer cannot read such an image.

    Examples:
        >>> from keras_imgseq import ImageAsSequence, plot
        >>> layer = ImageAsSequence(step=7, order="hilbert")
        >>> axes = plot.plot_reading(layer, (28, 28))
        >>> len(axes.texts)
        16
    """
    matplotlib = _matplotlib()
    if not isinstance(layer, ImageAsSequence):
        raise ValueError(
            "A reading is drawn of an ImageAsSequence. "
            f"Received: layer={layer!r}. For a model, write model.get_layer('as_sequence')."
        )
    image = np.asarray(image_or_size)
    if image.shape == (2,):
        shape: Any = _data_format.size_of(image_or_size, layer.data_format)
    else:
        shape = image.shape
    layer.compute_output_shape((None, *shape))
    _, (height, width), _ = _data_format.sizes_of((None, *shape), layer.data_format)
    patch_height, patch_width = layer.reading.patch_size((height, width))
    grid: Any = layer.reading.grid_size((height, width))

    row, column = np.divmod(layer.reading.path(*grid), grid[1])
    corners = np.stack([column * patch_width, row * patch_height], axis=1)
    centres = corners + np.array([patch_width, patch_height]) / 2
    num_steps = len(centres)

    ax = ax or matplotlib.pyplot.subplots()[1]
    if image.ndim > 1:
        picture = _as_picture(image, layer.data_format)
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
            color="white",
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


def plot_belief(model: keras.Model, image: Any, *, ax: Any = None) -> Any:
    """Draws one image beside the probability of each class after every step.

    A model of `build_image_rnn` that answers after the last step is asked after every step: what
    it says before is a by-product of its training. In a bidirectional layer one direction has
    then read the rest of the image already.

    Args:
        model: A classifier of `build_image_rnn`.
        image: One image, of the shape that the model reads.
        ax: Two matplotlib axes to draw on; by default, those of a new figure.

    Returns:
        The two axes: of the image, and of the probabilities (steps down, classes across).

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the image is not one that the model reads, or if the model has no
            recurrent layers to ask at every step.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import build_image_rnn, plot
        >>> model = build_image_rnn((28, 28), 10)
        >>> image_axes, belief_axes = plot.plot_belief(model, np.zeros((28, 28)))
        >>> belief_axes.images[0].get_array().shape
        (28, 10)
    """
    matplotlib = _matplotlib()
    image = np.asarray(image)
    expected = model.input_shape[1:]
    if image.ndim != len(expected) or any(
        side not in (None, received) for side, received in zip(expected, image.shape, strict=True)
    ):
        raise ValueError(
            f"The model reads images of shape {expected}. Received: shape={image.shape}. Write "
            "one image, such as images[0]."
        )
    probabilities = np.asarray(_answering_at_every_step(model).predict(image[None], verbose=0)[0])
    image_axes, belief_axes = ax if ax is not None else _two_axes(matplotlib.pyplot)
    image_axes.imshow(_as_picture(image, _data_format_of(model)), cmap="gray_r")
    image_axes.set(xlabel="width", ylabel="height")
    drawn = belief_axes.imshow(probabilities, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    belief_axes.set(xlabel="class", ylabel="step", xticks=range(probabilities.shape[1]))
    belief_axes.figure.colorbar(drawn, ax=belief_axes, label="probability")
    return image_axes, belief_axes


def _matplotlib() -> Any:
    try:
        import matplotlib.pyplot  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which is not installed. "
            'Write `pip install "keras-imgseq[plot]"`.'
        ) from error
    return matplotlib


def _two_axes(pyplot: Any) -> Any:
    return pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")[1]


def _as_picture(image: Any, data_format: str) -> Any:
    """An image as matplotlib shows it: grey, or with three or four channels at the end."""
    if image.ndim == 2:
        return image
    if data_format == "channels_first":
        image = np.moveaxis(image, 0, -1)
    return image if image.shape[-1] in (3, 4) else image.mean(axis=-1)


def _data_format_of(model: keras.Model) -> str:
    readings = [layer for layer in model.layers if isinstance(layer, ImageAsSequence)]
    return readings[0].data_format if readings else "channels_last"


def _answering_at_every_step(model: keras.Model) -> keras.Model:
    if len(model.output_shape) == 3:
        return model

    def at_every_step(layer: Any) -> Any:
        config = layer.get_config()
        wrapped = [config[name]["config"] for name in ("layer", "backward_layer") if name in config]
        for recurrent in (config, *wrapped):
            if "return_sequences" in recurrent:
                recurrent["return_sequences"] = True
        return type(layer).from_config(config)

    answering = keras.models.clone_model(model, clone_function=at_every_step)
    if len(answering.output_shape) != 3:
        raise ValueError(
            "Belief is drawn of a classifier with recurrent layers. Received: a model whose output "
            f"has shape {model.output_shape}. Write a model of build_image_rnn."
        )
    answering.set_weights(model.get_weights())
    return answering

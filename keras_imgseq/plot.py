"""Pictures of readings, and of what a network believes step by step; they need matplotlib."""

from typing import Any

import keras
import numpy as np

from keras_imgseq._lines.line_reader import LineReader
from keras_imgseq._network.model import all_layers, gives_probabilities
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
    matplotlib = _matplotlib()
    if not isinstance(layer, ImageAsSequence):
        raise ValueError(
            "A reading is drawn of an ImageAsSequence. "
            f"Received: layer={shown(layer)}. For a model, write model.get_layer('as_sequence')."
        )
    image = _as_image(image_or_size)
    shape: Any = image.shape
    if image.ndim == 1:
        axes.size_of(image_or_size, layer.data_format)
        shape = tuple(image.tolist())
    layer.compute_output_shape((None, *shape))
    _, (height, width), _ = axes.sizes_of((None, *shape), layer.data_format)
    patch_height, patch_width = layer.reading.patch_size((height, width))
    grid: Any = layer.reading.grid_size((height, width))

    row, column = np.divmod(layer.reading.path(*grid), grid[1])
    corners = np.stack([column * patch_width, row * patch_height], axis=1)
    centres = corners + np.array([patch_width, patch_height]) / 2
    num_steps = len(centres)

    (ax,) = [matplotlib.pyplot.subplots()[1]] if ax is None else _checked_axes([ax], 1)
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
            color=_ink_on(colours[time]),
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
    """Draws one image beside the answer of a network after every step.

    A network that was trained to answer after the last step is asked after every step. Only its
    last answer was trained; treat earlier ones as guesses. In a bidirectional layer the other
    direction has begun at the end of the image. At each step it has read the rest, and after the
    last step one step alone, so that the last answer drawn is not that of `model.predict`.

    Args:
        model: A model of `build_image_rnn`, or one that holds such a network.
        image: One image, of the shape that the model reads.
        ax: Two matplotlib axes to draw on. By default, those of a new figure.

    Returns:
        The two axes: of the image, and of the answers. Rows are drawn with the steps down,
        beside the image. Columns are drawn with the steps across, below the image.
        Probabilities have a scale from 0 to 1. Other answers, as logits and measurements, have
        the scale of their values, and the word "answer" beside it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If the image is not one that the model reads, if the model has no
            recurrent layers to ask at every step, or if `ax` is no pair of axes.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import build_image_rnn, plot
        >>> model = build_image_rnn((28, 28), 10)
        >>> image_axes, belief_axes = plot.plot_belief(model, np.zeros((28, 28)))
        >>> belief_axes.images[0].get_array().shape
        (28, 10)
    """
    matplotlib = _matplotlib()
    _check_model(model)
    image = _as_image(image)
    expected = model.input_shape[1:]
    if image.ndim != len(expected) or any(
        side not in (None, received) for side, received in zip(expected, image.shape, strict=True)
    ):
        raise ValueError(
            f"The model reads images of shape {expected}. Received: shape={image.shape}. "
            f"{_cure_of_shape(image.shape, expected)}"
        )
    layers = list(all_layers(model))
    readings = [layer for layer in layers if isinstance(layer, ImageAsSequence)]
    along_the_width = bool(readings) and all(r.reading.step == "column" for r in readings)
    answers = np.asarray(_answering_at_every_step(model).predict(image[None], verbose=0)[0])
    if ax is None:
        rows = 2 if along_the_width else 1
        size = (7, 6) if along_the_width else (9, 4)
        ax = matplotlib.pyplot.subplots(rows, 3 - rows, figsize=size, layout="constrained")[1]
    image_axes, belief_axes = _checked_axes(ax, 2)
    data_format = readings[0].data_format if readings else "channels_last"
    aspect = "auto" if along_the_width else "equal"
    image_axes.imshow(_as_picture(image, data_format), cmap="gray_r", aspect=aspect)
    image_axes.set(xlabel="width", ylabel="height")
    are_probabilities = gives_probabilities(layers[-1])
    scale = {"vmin": 0, "vmax": 1} if are_probabilities else {}
    label = "probability" if are_probabilities else "answer"
    table = answers.T if along_the_width else answers
    drawn = belief_axes.imshow(table, cmap="viridis", aspect="auto", **scale)
    classes = range(answers.shape[1])
    if along_the_width:
        belief_axes.set(xlabel="step", ylabel="class", yticks=classes)
    else:
        belief_axes.set(xlabel="class", ylabel="step", xticks=classes)
    belief_axes.figure.colorbar(drawn, ax=belief_axes, label=label)
    return image_axes, belief_axes


def plot_line(reader: LineReader, image: Any, *, ax: Any = None) -> Any:
    """Draws a line of text with what a reader reads above it, coloured by its certainty.

    Args:
        reader: A `LineReader`.
        image: An array of one line, as `LineReader.prepare` takes it.
        ax: The matplotlib axes to draw on. By default, those of a new figure.

    Returns:
        The axes. Each character stands above its place, and thin lines mark its edges.

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
    matplotlib = _matplotlib()
    if not isinstance(reader, LineReader):
        raise ValueError(f"A line is drawn of a LineReader. Received: reader={shown(reader)}.")
    image = _as_image(image)
    places = reader.locate(image)
    height, width = image.shape[:2]
    if ax is None:
        size = (min(16, 2 + width / 60), 2.2)
        ax = matplotlib.pyplot.subplots(figsize=size, layout="constrained")[1]
    (line_axes,) = _checked_axes([ax], 1)
    picture = _as_picture(image, "channels_last")
    line_axes.imshow(picture, cmap="gray", extent=(0, width, height, 0), aspect="auto")
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
            color=_ink_on(colour),
            bbox={"boxstyle": "round,pad=0.15", "facecolor": colour, "linewidth": 0},
        )
    line_axes.set(xlim=(0, width), ylim=(height, 0), yticks=[], xlabel="width")
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), colours)
    line_axes.figure.colorbar(scale, ax=line_axes, label="certainty")
    return line_axes


def _ink_on(colour: Any) -> str:
    """White on dark colours, black on light ones, by the relative luminance of WCAG 2."""
    luminance = np.array(colour[:3]) ** 2.2 @ [0.2126, 0.7152, 0.0722]
    return "black" if luminance > 0.18 else "white"


def _matplotlib() -> Any:
    try:
        import matplotlib.pyplot  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which is not installed. "
            'Write `pip install "keras-imgseq[plot]"`.'
        ) from error
    return matplotlib


def _checked_axes(ax: Any, number: int) -> list[Any]:
    """Axes of matplotlib, or an error that says how to make them."""
    from matplotlib.axes import Axes  # noqa: PLC0415

    given = list(ax.flat) if isinstance(ax, np.ndarray) else ax
    is_right = isinstance(given, (list, tuple)) and len(given) == number
    if not is_right or not all(isinstance(one, Axes) for one in given):
        raise ValueError(
            "`ax` is the axes of matplotlib to draw on, one for a reading and two for a belief. "
            f"Received: ax={shown(ax)}. Write plt.subplots()[1] or plt.subplots(1, 2)[1]."
        )
    return list(given)


def _cure_of_shape(received: Any, expected: Any) -> str:
    if received == (*expected, 1):
        return "For a last axis of one channel, write image[..., 0]."
    if len(received) == len(expected) + 1:
        return "Write one image, as in images[0]."
    return "Scale the image to this size first."


def _as_image(image: Any) -> Any:
    if keras.ops.is_tensor(image):
        image = keras.ops.convert_to_numpy(image)
    try:
        array = np.asarray(image)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A picture is drawn of one image. Received: {shown(image)}. Write an array of "
            "(height, width) or with channels."
        ) from error
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"A picture is drawn of one image of numbers. Received: {shown(image)}. Write an "
            "array of (height, width) or with channels, or an image size like (28, 28)."
        )
    return array


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model) or not isinstance(
        getattr(model, "input_shape", None), tuple
    ):
        raise ValueError(
            f"Belief is drawn of a model with one image as its input. Received: {shown(model)}. "
            "Write a model of build_image_rnn."
        )


def _as_picture(image: Any, data_format: str) -> Any:
    """An image as matplotlib shows it: grey, or with three or four channels at the end."""
    if image.ndim == 2:
        return image
    if data_format == "channels_first":
        image = np.moveaxis(image, 0, -1)
    return image if image.shape[-1] in (3, 4) else image.mean(axis=-1)


def _is_recurrent(layer: Any) -> bool:
    layer = getattr(layer, "forward_layer", layer)
    return isinstance(layer, keras.layers.RNN)


def _answering_at_every_step(model: keras.Model) -> keras.Model:
    if len(model.output_shape) == 3 and any(map(_is_recurrent, all_layers(model))):
        return model

    def at_every_step(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=at_every_step)
        config = layer.get_config()
        wrapped = [config[name]["config"] for name in ("layer", "backward_layer") if name in config]
        for recurrent in (config, *wrapped):
            if "return_sequences" in recurrent:
                recurrent["return_sequences"] = True
        return type(layer).from_config(config)

    error = answering = None
    try:
        answering = at_every_step(model)
    except Exception as raised:
        error = raised
    has_steps = answering is not None and len(answering.output_shape) == 3
    if not has_steps or not any(map(_is_recurrent, all_layers(model))):
        raise ValueError(
            "Belief is drawn of a network with recurrent layers, which can answer at every step. "
            f"Received: a model whose output has shape {model.output_shape}. Write a model of "
            "build_image_rnn whose readings have the same number of steps, without functions of "
            "your own that are not registered with Keras."
        ) from error
    assert answering is not None
    answering.set_weights(model.get_weights())
    return answering

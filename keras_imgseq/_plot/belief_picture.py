"""What a network answers after every step."""

from typing import Any

import keras
import numpy as np

from keras_imgseq._network.model import all_layers, gives_probabilities
from keras_imgseq._plot.canvas import as_image, as_picture, checked_axes, loaded_matplotlib
from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.image_as_sequence import ImageAsSequence


def plot_belief(model: keras.Model, image: Any, *, ax: Any = None) -> Any:
    """Draws one image beside the answer of a network after every step.

    A network that was trained to answer after the last step is asked after every step. Only its
    last answer was trained. Treat earlier ones as guesses. In a bidirectional layer the other
    direction has begun at the end of the image. At each step it has read the rest, and after the
    last step one step alone, so that the last answer drawn is not that of `model.predict`.

    Args:
        model: A model of `build_image_rnn`, or one that holds such a network.
        image: One image, of the shape that the model reads.
        ax: Two matplotlib axes to draw on. By default, those of a new figure.

    Returns:
        The two axes: of the image, and of the answers. Steps that run along the width, as
        columns do, are drawn across, below the image. All others are drawn down, beside it. Rows
        and columns that are read from the end begin at the end there too. Probabilities have a
        scale from 0 to 1. Other answers, as logits and measurements, have the scale of their
        values, and the word "answer" beside it.

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
    matplotlib = loaded_matplotlib()
    _check_model(model)
    image = as_image(image)
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
    along_the_width = bool(readings) and all(map(_runs_along_the_width, readings))
    # So each answer stands beside what was read last.
    from_the_end = bool(readings) and all(map(_runs_from_the_end, readings))
    answers = np.asarray(_answering_at_every_step(model).predict(image[None], verbose=0)[0])
    if ax is None:
        rows = 2 if along_the_width else 1
        size = (7, 6) if along_the_width else (9, 4)
        ax = matplotlib.pyplot.subplots(rows, 3 - rows, figsize=size, layout="constrained")[1]
    image_axes, belief_axes = checked_axes(ax, 2)
    data_format = readings[0].data_format if readings else "channels_last"
    aspect = "auto" if along_the_width else "equal"
    image_axes.imshow(as_picture(image, data_format), cmap="gray_r", aspect=aspect)
    image_axes.set(xlabel="width", ylabel="height")
    are_probabilities = gives_probabilities(layers[-1])
    scale = {"vmin": 0, "vmax": 1} if are_probabilities else {}
    label = "probability" if are_probabilities else "answer"
    num_steps, num_classes = answers.shape
    table = answers.T if along_the_width else answers
    # Steps count from 1, classes from 0.
    steps, classes = (0.5, num_steps + 0.5), (-0.5, num_classes - 0.5)
    extent = (*steps, *classes[::-1]) if along_the_width else (*classes, *steps[::-1])
    drawn = belief_axes.imshow(table, cmap="viridis", aspect="auto", extent=extent, **scale)
    if along_the_width:
        belief_axes.set(xlabel="step", ylabel="class", yticks=range(num_classes))
        of_steps = belief_axes.xaxis
    else:
        belief_axes.set(xlabel="class", ylabel="step", xticks=range(num_classes))
        of_steps = belief_axes.yaxis
    of_steps.set_major_locator(matplotlib.ticker.MaxNLocator("auto", integer=True))
    if from_the_end:
        of_steps.set_inverted(not of_steps.get_inverted())
    belief_axes.figure.colorbar(drawn, ax=belief_axes, label=label)
    return image_axes, belief_axes


def _cure_of_shape(received: Any, expected: Any) -> str:
    if received == (*expected, 1):
        return "For a last axis of one channel, write image[..., 0]."
    if (*received, 1) == expected:
        return "For a grey image, write image[..., None]."
    if len(received) == len(expected) + 1:
        return "Write one image, as in images[0]."
    return "Scale the image to this size first."


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model) or not isinstance(
        getattr(model, "input_shape", None), tuple
    ):
        raise ValueError(
            f"Belief is drawn of a model with one image as its input. Received: {shown(model)}. "
            "Write a model of build_image_rnn."
        )


def _grid_of(layer: ImageAsSequence) -> Any:
    """Patches down and across in the images that the layer was built for."""
    shape = layer.get_build_config()["input_shape"]
    return layer.reading.grid_size(axes.sizes_of(shape, layer.data_format)[1])


def _runs_along_the_width(layer: ImageAsSequence) -> bool:
    down, across = _grid_of(layer)
    return bool(down == 1 and across != 1)


def _runs_from_the_end(layer: ImageAsSequence) -> bool:
    return layer.reading.reverse and 1 in _grid_of(layer)


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

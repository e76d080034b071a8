"""Which layers a streamed network may have: those that answer for a part as for the whole image."""

from typing import Any

import keras
import numpy as np
from keras import layers as keras_layers

from keras_imgseq._network.conv_stem import ConvStem
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._recurrent.cells import CELLS

# Layers that look at one step, and so answer for a part as for the whole image.
OF_ONE_STEP = (
    keras_layers.Activation,
    keras_layers.BatchNormalization,
    keras_layers.Dense,
    keras_layers.Dropout,
    keras_layers.LayerNormalization,
    keras_layers.LeakyReLU,
    keras_layers.ReLU,
    keras_layers.Rescaling,
    keras_layers.Softmax,
)
MERGES = (
    keras_layers.Add,
    keras_layers.Average,
    keras_layers.Concatenate,
    keras_layers.Maximum,
)
# A subclass may do something else.
RECURRENT = (
    keras_layers.RNN,
    *(layer for row in CELLS.values() for layer in (row.layer, row.faster_layer)),
)


def check_layers(model: keras.Model, readings: list[ImageAsSequence]) -> None:
    """Refuses layers that a stream cannot have, each with its reason."""
    for kind in type(model).__mro__:
        if kind.__module__.split(".")[0] in ("keras", "keras_imgseq"):
            break
        if {"call", "__call__"} & set(vars(kind)):
            raise ValueError(
                "A stream is made of the layers of a network, and knows nothing of a `call` of its "
                f"own. Received: a model of {kind.__name__}. Put what that does into layers, or "
                "into your program."
            )
    for layer in model.layers:
        if isinstance(layer, keras_layers.Bidirectional) or getattr(layer, "go_backwards", False):
            raise ValueError(
                "A stream cannot be read in both directions: the end of the image comes last. "
                f"Received: the layer {layer.name!r}. Train a network with "
                "bidirectional=False."
            )
        if isinstance(layer, ConvStem):
            raise ValueError(
                "A convolution also sees the rows below, which come later. Received: a "
                "network with `filters`. Train one of build_image_rnn with filters=None and "
                "bidirectional=False."
            )
        if getattr(layer, "stateful", False) or getattr(layer, "return_state", False):
            raise ValueError(
                "A stream keeps the states itself. Received: the layer "
                f"{layer.name!r} with stateful=True or return_state=True. Write a network of "
                "build_image_rnn."
            )
        known = (keras_layers.InputLayer, ImageAsSequence, *RECURRENT, *OF_ONE_STEP, *MERGES)
        if type(layer) not in known or _mixes_steps(layer) or _answers_apart(layer):
            raise ValueError(
                "In a stream, each layer after the reading must treat every step by itself. "
                f"Received: the layer {layer.name!r} of type {type(layer).__name__}. Write a "
                "network of build_image_rnn."
            )
        if isinstance(layer, keras_layers.RNN) and not _has_plain_states(layer):
            raise ValueError(
                "Each state of a streamed cell is one row of numbers. Received: the layer "
                f"{layer.name!r}, whose cell has state_size={layer.cell.state_size}. Stack "
                "layers instead of cells: units=(16, 16)."
            )
    recurrent = [layer for layer in model.layers if isinstance(layer, keras_layers.RNN)]
    if not readings or not recurrent:
        missing = "a recurrent layer" if readings else "ImageAsSequence"
        raise ValueError(
            "A step model is made of a network that reads images. Received: a model without "
            f"{missing}. Write build_step_model(build_image_rnn(...))."
        )
    if len({layer.data_format for layer in readings}) > 1:
        raise ValueError(
            "All readings of a stream have the same data format. Received: readings of both. "
            "Write the same data_format in all of them."
        )


def in_front_of(layer: ImageAsSequence) -> str:
    """What is said of a layer between the images and a reading."""
    return (
        "A stream reads the pixels as they are given. Received: a layer in front of the reading "
        f"{layer.name!r}. For a Rescaling, write scale=1/255 in build_image_rnn."
    )


def _mixes_steps(layer: Any) -> bool:
    """Whether a layer looks along another axis than that of the features."""
    if type(layer) in MERGES:
        shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(layer.input)]
        num_axes = {len(shape) for shape in shapes}
        axis = getattr(layer, "axis", -1)
        return len(num_axes) > 1 or axis not in (-1, max(num_axes) - 1)
    axis = getattr(layer, "axis", -1)
    last = len(layer.output.shape) - 1
    return any(place not in (-1, last) for place in keras.tree.flatten(axis))


def _answers_apart(layer: Any) -> bool:
    """Whether a layer gives another answer for one step alone than for several steps."""
    is_alone = isinstance(layer, OF_ONE_STEP) and len(layer.input.shape) == 3
    if not is_alone or None in layer.input.shape[2:]:
        return False
    steps = np.random.default_rng(0).random((1, 3, layer.input.shape[-1]), "float32")
    try:
        together = keras.ops.convert_to_numpy(layer(steps, training=False))
        alone = [
            keras.ops.convert_to_numpy(layer(steps[:, place : place + 1], training=False))[:, 0]
            for place in range(3)
        ]
    except Exception:
        # Each backend raises an error of its own if a layer takes only another number of steps.
        return True
    expected, found = (np.asarray(a, "float32") for a in (together, np.stack(alone, axis=1)))
    # Half precision adds in another order for another number of steps.
    most = 1e-2 * max(float(np.nanmax(np.abs(expected), initial=0)), 1e-2)
    return not np.allclose(found, expected, rtol=0, atol=most, equal_nan=True)


def _has_plain_states(layer: Any) -> bool:
    sizes = layer.cell.state_size
    sizes = list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]
    return all(isinstance(size, int) for size in sizes)


def is_from_one_to_one(model: keras.Model) -> bool:
    ends = [getattr(model, name, None) or () for name in ("inputs", "outputs")]
    return [len(tensors) for tensors in ends] == [1, 1]

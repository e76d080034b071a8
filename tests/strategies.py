"""What the properties range over; every value that is drawn here is valid."""

import math

import keras
import numpy as np
import reading_oracle
from hypothesis import settings
from hypothesis import strategies as st

from keras_imgseq._reading.orders import ORDERS

DATA_FORMATS = ("channels_last", "channels_first")
DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "float16",
    "float32",
    *([] if keras.backend.backend() == "jax" else ["int64", "float64"]),
]


def fewer(count, compiled):
    """Fewer examples than the profile has, for what builds a network: ten times as many in many.

    `compiled` is for what compiles each network. With many, TensorFlow takes its time.
    """
    many = settings().max_examples >= 300
    slow = ("jax",) if many else ("jax", "tensorflow")
    number = compiled if keras.backend.backend() in slow else count
    return settings(max_examples=number * (10 if many else 1))


data_formats = st.sampled_from(DATA_FORMATS)
dtypes = st.sampled_from(DTYPES)
named_steps = st.sampled_from(["row", "column", "pixel"])
sides = st.integers(1, 3)


grids = st.tuples(st.integers(1, 5), st.integers(1, 5))
named_orders = st.sampled_from(list(ORDERS))


@st.composite
def paths(draw, num_cells):
    """The arguments that decide in which order the steps of a grid are read."""
    order = draw(named_orders | st.just("random") | st.permutations(range(num_cells)).map(tuple))
    return {
        "order": order,
        "transpose": draw(st.booleans()),
        "reverse": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**32 - 1)) if order == "random" else None,
    }


@st.composite
def steps_and_sizes(draw, padding=None):
    """What one step sees, and an image size that it divides, or nearly with padding."""
    step = draw(st.one_of(named_steps, sides, st.tuples(sides, sides)))
    patch = (step, step) if isinstance(step, int) else (1, 1) if isinstance(step, str) else step
    grid = draw(grids)
    missing = [draw(st.integers(0, side - 1)) if padding else 0 for side in patch]
    height, width = (n * side - m for n, side, m in zip(grid, patch, missing, strict=True))
    return step, (height, width)


@st.composite
def readings_and_images(draw, dtype="int32"):
    """The arguments of a reading, and images that it can read, of all different pixels."""
    padding = draw(st.sampled_from([None, "same"]))
    step, size = draw(steps_and_sizes(padding))
    patch = reading_oracle.patch_size(step, size)
    num_cells = math.prod(-(-side // p) for side, p in zip(size, patch, strict=True))
    reading = {
        "step": step,
        **draw(paths(num_cells)),
        "padding": padding,
        "data_format": draw(data_formats),
    }
    num_channels = draw(st.none() | st.integers(1, 3))
    shape = (draw(st.integers(1, 2)), *size)
    if num_channels is not None:
        shape = (*shape, num_channels)
        if reading["data_format"] == "channels_first":
            shape = (shape[0], shape[3], shape[1], shape[2])
    return reading, np.arange(1, np.prod(shape) + 1).astype(dtype).reshape(shape)


@st.composite
def architectures(draw):
    """The arguments of `build_image_rnn`, with a cell that has a formula."""
    step, size = draw(steps_and_sizes())
    data_format = draw(data_formats)
    num_channels = draw(st.none() | st.integers(1, 3))
    image = size if num_channels is None else (*size, num_channels)
    if num_channels is not None and data_format == "channels_first":
        image = (num_channels, *size)
    return_sequences = draw(st.booleans())
    path = {"order": draw(named_orders), "transpose": draw(st.booleans())}
    classes = draw(st.none() | st.integers(1, 4))
    # A softmax of one class is always 1.
    activations = ["sigmoid", None] if classes == 1 else ["softmax", "sigmoid", None]
    return {
        "input_shape": image,
        "classes": classes,
        "units": draw(st.integers(1, 5) | st.lists(st.integers(1, 5), min_size=1, max_size=3)),
        "cell": draw(st.sampled_from(["simple_rnn", "gru", "lstm"])),
        "activation": draw(st.sampled_from([None, "relu", "tanh"])),
        "reading": draw(network_readings(step, path, data_format, return_sequences)),
        "merge": draw(st.sampled_from(["concat", "sum", "mean", "max"])),
        "bidirectional": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.2])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.2])),
        "return_sequences": return_sequences,
        "classifier_activation": draw(st.sampled_from(activations)),
        "scale": draw(st.sampled_from([None, 1 / 255])),
        "unroll": draw(st.sampled_from(["auto", True, False])),
        "data_format": data_format,
        "name": draw(st.sampled_from([None, "reader"])),
    }


def network_readings(step, path, data_format, return_sequences):
    """Everything that `reading` may be for images that the step divides."""
    import keras_imgseq

    layer = keras_imgseq.ImageAsSequence(step, **path, data_format=data_format)
    crosses = [("cross", step), "cross"]
    equally_long = [None, "row", step, layer, [layer], [layer, step], *crosses]
    unequally_long = [["row", "column"], ["column", layer, "pixel"]]
    return st.sampled_from(equally_long if return_sequences else equally_long + unequally_long)

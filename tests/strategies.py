"""What the properties range over; every value that is drawn here is valid."""

import keras
import numpy as np
from hypothesis import strategies as st

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

data_formats = st.sampled_from(DATA_FORMATS)
dtypes = st.sampled_from(DTYPES)
named_steps = st.sampled_from(["row", "column", "pixel"])
sides = st.integers(1, 3)


@st.composite
def paths(draw):
    """The arguments that decide in which order the steps are read."""
    return {"order": "raster", "transpose": draw(st.booleans()), "reverse": draw(st.booleans())}


@st.composite
def steps_and_sizes(draw):
    """What one step sees, and an image size that it divides."""
    step = draw(st.one_of(named_steps, sides, st.tuples(sides, sides)))
    patch = (step, step) if isinstance(step, int) else (1, 1) if isinstance(step, str) else step
    grid_height, grid_width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return step, (grid_height * patch[0], grid_width * patch[1])


@st.composite
def readings_and_images(draw, dtype="int32"):
    """The arguments of a reading, and images that it can read, of all different pixels."""
    step, size = draw(steps_and_sizes())
    data_format = draw(data_formats)
    reading = {"step": step, "data_format": data_format, **draw(paths())}
    num_channels = draw(st.none() | st.integers(1, 3))
    shape = (draw(st.integers(1, 2)), *size)
    if num_channels is not None:
        shape = (*shape, num_channels)
        if data_format == "channels_first":
            shape = (shape[0], shape[3], shape[1], shape[2])
    return reading, np.arange(np.prod(shape)).astype(dtype).reshape(shape)


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
    path = draw(paths())
    return {
        "input_shape": image,
        "classes": draw(st.none() | st.integers(1, 4)),
        "units": draw(st.integers(1, 5) | st.lists(st.integers(1, 5), min_size=1, max_size=3)),
        "cell": draw(st.sampled_from(["simple_rnn", "gru", "lstm"])),
        "activation": draw(st.sampled_from([None, "relu", "tanh"])),
        "reading": draw(network_readings(step, path, data_format, return_sequences)),
        "merge": draw(st.sampled_from(["concat", "sum", "mean", "max"])),
        "bidirectional": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.2])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.2])),
        "return_sequences": return_sequences,
        "classifier_activation": draw(st.sampled_from(["softmax", "sigmoid", None])),
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

"""The layers that the argument `reading` of a network stands for."""

from typing import Any

import keras

from keras_imgseq._reading import arguments, axes
from keras_imgseq._reading.arguments import listed, shown
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._reading.orders import ORDERS
from keras_imgseq._reading.reading_arguments import STEPS

CROSS: list[dict[str, Any]] = [
    {"transpose": transpose, "reverse": reverse}
    for reverse in (False, True)
    for transpose in (False, True)
]


def readings_of(reading: Any, data_format: str | None) -> list[ImageAsSequence]:
    """One layer for each reading, all in one data format. A layer that is given is not copied."""
    if reading is None:
        readings: list[Any] = ["row"]
    elif _is_cross(reading):
        step = "pixel" if reading == "cross" else reading[1]
        resolved = axes.resolved(data_format)
        readings = [ImageAsSequence(step, data_format=resolved, **path) for path in CROSS]  # type: ignore[arg-type]
    else:
        readings = reading if isinstance(reading, list) else [reading]
    if not readings:
        raise ValueError(
            "A network needs at least one reading. Received: reading=[]. Write "
            'reading=None for rows, or a list like ["row", "column"].'
        )
    if any(map(_is_cross, readings)):
        raise ValueError(
            '"cross" already holds four readings, and stands alone. Received: '
            f'reading={shown(reading)}. Write reading="cross" for single pixels, or '
            'reading=("cross", 4), in round brackets, for patches.'
        )
    given = [one for one in readings if isinstance(one, ImageAsSequence)]
    resolved = given[0].data_format if given else axes.resolved(data_format)
    layers = [_as_layer(one, resolved) for one in readings]
    data_formats = {layer.data_format for layer in layers}
    if data_format is not None:
        data_formats.add(axes.resolved(data_format))
    if len(data_formats) > 1:
        raise ValueError(
            "All readings of one network have the same data format. Received: "
            f"data_format={data_format!r} and readings with "
            f"{listed(sorted({layer.data_format for layer in layers}))}. Write the same "
            "data_format everywhere."
        )
    return layers


def _is_cross(reading: Any) -> bool:
    if isinstance(reading, tuple) and len(reading) == 2:
        reading = reading[0]
    return isinstance(reading, str) and reading == "cross"


def _as_layer(reading: Any, data_format: str) -> ImageAsSequence:
    # A copy needs the configuration, and to write one Keras imports TensorFlow on every backend.
    if isinstance(reading, ImageAsSequence):
        return reading
    if isinstance(reading, str):
        otherwise = ", a patch of (4, 4), or an ImageAsSequence"
        if reading in ORDERS:
            otherwise += f", as ImageAsSequence((4, 4), {reading!r})"
        arguments.choice("reading", reading, [*STEPS, "cross"], otherwise)
    is_pair = isinstance(reading, tuple) and len(reading) == 2
    is_pair = is_pair and not any(isinstance(side, (str, keras.layers.Layer)) for side in reading)
    if not is_pair and not isinstance(reading, str) and not arguments.is_whole_number(reading):
        raise ValueError(
            "`reading` is what one step sees, or an ImageAsSequence. A pair of ints in round "
            "brackets is one patch: (4, 4). A list holds several readings: "
            f'["row", "column"]. Received: reading={shown(reading)}.'
        )
    return ImageAsSequence(reading, data_format=data_format)  # type: ignore[arg-type]

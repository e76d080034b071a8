"""Whether an exported file answers as Keras does, on random inputs."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_imgseq import ConvStem, ImageAsSequence
from keras_imgseq._export.targets import Arrays, Inputs
from keras_imgseq._network.model import all_layers


def scaling_of(model: keras.Model) -> tuple[Any, Any]:
    """What the network multiplies pixels with and then adds, as lists where channels differ."""
    scale, offset = np.asarray(1.0), np.asarray(0.0)
    has_reading, is_counted = False, False
    for layer in all_layers(model):
        # What comes behind scales answers.
        if isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)):
            break
        has_reading = has_reading or isinstance(layer, ImageAsSequence)
        is_scaling = isinstance(layer, (ConvStem, keras.layers.Rescaling))
        factor = getattr(layer, "scale", None) if is_scaling else None
        # Several readings have a scaling each, all the same.
        if factor is None or (has_reading and is_counted):
            continue
        is_counted = has_reading
        factor = np.asarray(factor, "float64")
        before = offset * factor if offset.any() else 0.0
        added = np.asarray(getattr(layer, "offset", 0.0), "float64")
        scale, offset = scale * factor, np.asarray(before + added)
    return np.asarray(scale).tolist(), np.asarray(offset).tolist()


def data_format_of(model: keras.Model) -> str:
    """Where the channels of the images stand."""
    formats = [
        layer.data_format
        for layer in all_layers(model)
        if isinstance(layer, (ConvStem, ImageAsSequence))
    ]
    return formats[0] if formats else "channels_last"


def padding_of(model: keras.Model) -> float | None:
    """The value that the network takes for padding."""
    values = [
        layer.mask_value
        for layer in all_layers(model)
        if getattr(layer, "mask_value", None) is not None
    ]
    return values[0] if values else None


def random_inputs(
    model: keras.Model, signature: Sequence[Any], *, batch: int = 3, side: int = 64
) -> Inputs:
    """Inputs for a model, as its scaling expects them, the last image with padding.

    Args:
        model: Whose inputs they are.
        signature: The shapes of the inputs in the file.
        batch: Number of images where it is unknown. More than 1, to see that it may vary.
        side: Pixels of a side that is unknown.
    """
    random = np.random.default_rng(0)
    inputs: Inputs = {}
    for tensor, spec in zip(model.inputs, signature, strict=True):
        num_images, *others = spec.shape
        sizes = [num_images or batch, *(number or side for number in others)]
        values = random.random(sizes) / np.abs(scaling_of(model)[0]).max()
        padding = padding_of(model)
        if padding is not None and len(sizes) > 2:
            is_first = len(sizes) == 4 and data_format_of(model) == "channels_first"
            image = np.moveaxis(values[-1], 0, -1) if is_first else values[-1]
            height, width, *_ = image.shape
            image[height // 2 :] = image[:, width // 2 :] = padding
        inputs[tensor.name] = values.astype(spec.dtype)
    return inputs


def largest_difference(model: keras.Model, answers: Arrays, inputs: Inputs) -> float:
    """The largest difference from the answers of Keras, relative where those are larger than 1."""
    given = list(inputs.values())
    expected = model.predict_on_batch(given[0] if len(given) == 1 else given)
    expected = expected if isinstance(expected, list) else [expected]
    # OpenVINO lists results of inner steps behind the outputs.
    answers = answers[: len(expected)]
    if [answer.shape for answer in answers] != [array.shape for array in expected]:
        return float("inf")
    differences = [
        (np.abs(answer - array) / np.maximum(1, np.abs(array))).max()
        for answer, array in zip(answers, expected, strict=True)
    ]
    # NaN is the largest.
    return float(np.max(differences))

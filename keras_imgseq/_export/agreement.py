"""Whether an exported file answers as Keras does, on random inputs."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_imgseq._export.pixels import data_format_of, padding_of, scaling_of
from keras_imgseq._export.targets import Arrays, Inputs
from keras_imgseq._network.model import all_layers

# No patch divides the second: there padding is added, where a network pads.
SIDES = (64, 61)


def random_inputs(
    model: keras.Model,
    signature: Sequence[Any],
    *,
    whole: keras.Model | None = None,
    batch: int = 3,
    side: int = SIDES[0],
) -> Inputs:
    """Inputs for a model, as its scaling expects them, the last image with padding.

    Args:
        model: Whose inputs they are.
        signature: The shapes of the inputs in the file.
        whole: The network that a model of one step is of.
        batch: Number of images where it is unknown. More than 1, to see that it may vary.
        side: Pixels of a side that is unknown.
    """
    random = np.random.default_rng(0)
    scale, _ = scaling_of(whole or model)
    brightest = 1 if scale is None else 1 / np.abs(scale).max()
    padding = padding_of(model)
    inputs: Inputs = {}
    for spec in signature:
        num_images, *others = spec.shape
        sizes = [num_images or batch, *(number or side for number in others)]
        largest = brightest
        if "int" in str(spec.dtype):
            # Fractions would all become black.
            largest = max(largest, min(255, np.iinfo(spec.dtype).max))
            # An embedding knows as many numbers, from 0 on.
            largest = min([largest, *_numbers_known(whole or model)])
        values = random.random(sizes) * largest
        if padding is not None and len(sizes) > 2:
            is_first = len(sizes) == 4 and data_format_of(model) == "channels_first"
            image = np.moveaxis(values[-1], 0, -1) if is_first else values[-1]
            height, width, *_ = image.shape
            image[height // 2 :] = image[:, width // 2 :] = padding
        inputs[spec.name] = values.astype(spec.dtype)
    return inputs


def _numbers_known(model: keras.Model) -> list[int]:
    """How many numbers each embedding of a model knows."""
    layers = all_layers(model)
    return [layer.input_dim for layer in layers if isinstance(layer, keras.layers.Embedding)]


def inputs_to_compare(
    model: keras.Model, signature: Sequence[Any], whole: keras.Model
) -> Iterator[Inputs]:
    """Random inputs of each kind of size that the file takes."""
    is_open = any(None in spec.shape[1:] for spec in signature)
    for side in SIDES if is_open else SIDES[:1]:
        inputs = random_inputs(model, signature, whole=whole, side=side)
        if side != SIDES[0]:
            try:
                model.predict_on_batch(_as_keras_takes(inputs))
            except Exception:
                # A network that takes multiples alone, as some with convolutions of a user.
                return
        yield inputs


def largest_difference(model: keras.Model, answers: Arrays, inputs: Inputs) -> float:
    """The largest difference from the answers of Keras, relative where those are larger than 1."""
    expected = model.predict_on_batch(_as_keras_takes(inputs))
    expected = expected if isinstance(expected, list) else [expected]
    # OpenVINO lists results of inner steps behind the outputs.
    answers = answers[: len(expected)]
    if [answer.shape for answer in answers] != [array.shape for array in expected]:
        return float("inf")
    pairs = zip(answers, expected, strict=True)
    # Of answers that are true or false, too.
    in_float = [[np.asarray(array, "float64") for array in pair] for pair in pairs]
    differences = [
        (np.abs(answer - array) / np.maximum(1, np.abs(array))).max() for answer, array in in_float
    ]
    # NaN is the largest.
    return float(np.max(differences))


def _as_keras_takes(inputs: Inputs) -> Any:
    given = list(inputs.values())
    return given[0] if len(given) == 1 else given

"""Activations that a network cannot have, refused before anything is built."""

import contextlib
from typing import Any

import keras

from keras_imgseq._reading.arguments import shown


def check_activation(name: str, value: Any, num_values: int) -> None:
    """Refuses what is no activation, or gives another number of values than it takes."""
    error, shape = None, (1, num_values)
    try:
        # A class is callable too, but it makes an activation and is none.
        is_known = not isinstance(value, type)
        activation = keras.activations.get(value)
        if isinstance(activation, keras.layers.Layer):
            # Not called, which would build it. A layer of one's own need not know its shape.
            with contextlib.suppress(NotImplementedError):
                is_known = tuple(activation.compute_output_shape(shape)) == shape
        elif is_known:
            # A variable, because a gradient is asked for when a network is trained.
            values = keras.Variable("zeros", shape=shape).value
            is_known = tuple(activation(values).shape) == shape
    except Exception as raised:
        is_known, error = False, raised
    if not is_known:
        raise ValueError(
            "Unknown activation. Write the name of a Keras activation, for example 'relu', or a "
            "function of one tensor that gives as many values as it takes. Received: "
            f"{name}={shown(value)}"
        ) from error


def check_single_output(activation: Any) -> None:
    """Refuses an activation that makes the same of every single output."""
    if _is_always_the_same(activation):
        raise ValueError(
            "With one output, this activation always gives the same answer, as a softmax is "
            "always 1. Received: classes=1, "
            f"classifier_activation={shown(activation)}. Write "
            'classifier_activation="sigmoid" for the probability of one of two classes, '
            "classifier_activation=None for a number, or classes=2."
        )


def _is_always_the_same(activation: Any) -> bool:
    if isinstance(activation, keras.layers.Layer) and activation.weights:
        return False
    values = keras.activations.get(activation)(keras.ops.convert_to_tensor([[-2.0], [0.5], [3.0]]))
    low, middle, high = keras.ops.convert_to_numpy(values).ravel().tolist()
    return bool(low == middle == high)

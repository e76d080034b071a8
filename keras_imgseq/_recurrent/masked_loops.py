"""A loop without a mask for sequences with one: the real steps first, then back to their places.

Keras' rule for a masked step: the states stay, and the output is that of the step before, or zero
with `zero_output_for_mask`. So the real steps alone are what a loop has to run over.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# The loop runs over the padding too. There a linear state may grow beyond all numbers.
FINITE_IN_PADDING = (keras.activations.tanh, keras.activations.sigmoid, keras.activations.relu)
# What a relu makes 0 of, whatever is added.
FAR_BELOW_ZERO = -1e30


def with_mask(
    loop: Callable[..., tuple[Any, Any, list[Any]]],
    layer: Any,
    sequences: Any,
    states: list[Any],
    mask: Any,
) -> tuple[Any, Any, list[Any]]:
    """What a layer answers by a loop that knows no mask.

    The states that are returned are not those of the last real step: for layers whose states
    nobody asks for.
    """
    is_real = ops.cast(mask, "bool")
    ones = ops.ones_like(is_real, dtype="int32")
    places = ops.cumsum(ones, axis=1)
    num_steps = ops.shape(is_real)[1]
    # A loop that reads backwards meets the last steps first.
    real_last = bool(layer.go_backwards)
    moves = ops.logical_not(is_real) if real_last else is_real
    order = ops.argsort(ops.where(moves, places, places + num_steps), axis=1)
    packed = ops.take_along_axis(sequences, order[:, :, None], axis=1)
    kernel = layer.cell.kernel
    if layer.cell.activation is keras.activations.relu:
        # One more feature, which only padding has, keeps the states of padding at 0.
        is_padding = ops.logical_not(ops.take_along_axis(is_real, order, axis=1))[:, :, None]
        packed = ops.where(is_padding, ops.zeros_like(packed), packed)
        packed = ops.concatenate([packed, ops.cast(is_padding, packed.dtype)], -1)
        row = ops.full((1, kernel.shape[1]), FAR_BELOW_ZERO, packed.dtype)
        kernel = ops.concatenate([kernel, row])
    _, outputs, states = loop(layer, kernel, packed, states, True)
    in_reading_order = ops.flip(is_real, axis=1) if real_last else is_real
    num_real = ops.cumsum(ops.cast(in_reading_order, "int32"), axis=1)
    # Before the first real step the output is zero.
    outputs = ops.concatenate([ops.zeros_like(outputs[:, :1]), outputs], axis=1)
    if not layer.return_sequences:
        num_real, in_reading_order = num_real[:, -1:], in_reading_order[:, -1:]
    outputs = ops.take_along_axis(outputs, num_real[:, :, None], axis=1)
    if layer.zero_output_for_mask:
        outputs = ops.where(in_reading_order[:, :, None], outputs, ops.zeros_like(outputs))
    return outputs[:, -1], outputs, states

"""Runs a loop without a mask on masked sequences: the real steps first, then back to their places.

Keras' rule for a masked step: the states stay, and the output is that of the step before, or zero
with `zero_output_for_mask`. So the real steps alone are what a loop has to run over.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# The loop runs over the padding too. There a linear state may grow beyond all numbers.
FINITE_IN_PADDING = (keras.activations.tanh, keras.activations.sigmoid, keras.activations.relu)
# A relu makes 0 of this number, even after another is added.
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
    is_relu = layer.cell.activation is keras.activations.relu
    if not is_relu:
        # Padding may hold NaN, whose gradient would reach the real steps.
        sequences = ops.where(is_real[:, :, None], sequences, ops.zeros_like(sequences))
    if _is_in_front(layer, is_real):
        _, outputs, states = loop(layer, layer.cell.kernel, sequences, states, True)
        return _at_their_places(layer, outputs, states, is_real)
    ones = ops.ones_like(is_real, dtype="int32")
    places = ops.cumsum(ones, axis=1)
    num_steps = ops.shape(is_real)[1]
    # A loop that reads backwards meets the last steps first.
    real_last = bool(layer.go_backwards)
    moves = ops.logical_not(is_real) if real_last else is_real
    order = ops.argsort(ops.where(moves, places, places + num_steps), axis=1)
    # The number of the first row of each sequence, where all steps lie in one matrix.
    starts = (ops.cumsum(ones[:, :1], axis=0) - 1) * num_steps
    rows, kernel = ops.reshape(sequences, (-1, sequences.shape[-1])), layer.cell.kernel
    order = order + starts
    if is_relu:
        # One more feature, which only padding has, keeps the states of padding at 0.
        rows, kernel = _with_a_row_of_padding(rows, kernel)
        num_padded = num_steps - ops.sum(ops.cast(is_real, "int32"), axis=1, keepdims=True)
        is_padding = places <= num_padded if real_last else places > num_steps - num_padded
        order = ops.where(is_padding, ops.shape(rows)[0] - 1, order)
    packed = ops.take(rows, order, axis=0)
    _, outputs, states = loop(layer, kernel, packed, states, True)
    in_reading_order = ops.flip(is_real, axis=1) if real_last else is_real
    return _at_their_places(layer, outputs, states, in_reading_order)


def _is_in_front(layer: Any, is_real: Any) -> bool:
    """Whether no step needs to be moved, as far as that can be known before the loop runs."""
    is_known = keras.backend.backend() == "torch" and not layer.go_backwards
    if not is_known or layer.cell.activation is keras.activations.relu:
        return False
    # Keras looks for shapes with tensors without values.
    if is_real.device.type != "cpu":
        return False
    return bool(ops.all(ops.logical_or(is_real[:, :-1], ops.logical_not(is_real[:, 1:]))))


def _at_their_places(
    layer: Any, outputs: Any, states: Any, in_reading_order: Any
) -> tuple[Any, Any, list[Any]]:
    """The outputs of the real steps in front, as Keras gives them for all steps."""
    num_steps = ops.shape(in_reading_order)[1]
    starts = ops.cumsum(ops.ones_like(in_reading_order[:, :1], dtype="int32"), axis=0) - 1
    num_real = ops.cumsum(ops.cast(in_reading_order, "int32"), axis=1)
    if not layer.return_sequences:
        num_real, in_reading_order = num_real[:, -1:], in_reading_order[:, -1:]
    rows = ops.reshape(outputs, (-1, layer.units))
    outputs = ops.take(rows, ops.maximum(num_real - 1, 0) + starts * num_steps, axis=0)
    # Before the first real step the output is zero.
    is_shown = in_reading_order if layer.zero_output_for_mask else num_real > 0
    outputs = ops.where(is_shown[:, :, None], outputs, ops.zeros_like(outputs))
    return outputs[:, -1], outputs, states


def _with_a_row_of_padding(rows: Any, kernel: Any) -> tuple[Any, Any]:
    """Rows with a last one that a relu makes 0 of, and the kernel that does so."""
    zeros = ops.zeros_like(rows[:, :1])
    rows = ops.concatenate([rows, zeros], axis=1)
    of_padding = ops.concatenate([ops.zeros_like(rows[:1, :-1]), ops.ones_like(zeros[:1])], axis=1)
    below = ops.full((1, kernel.shape[1]), FAR_BELOW_ZERO, rows.dtype)
    return ops.concatenate([rows, of_padding]), ops.concatenate([kernel, below])

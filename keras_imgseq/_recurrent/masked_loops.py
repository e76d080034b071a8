"""Runs a loop without a mask on masked sequences: the real steps side by side.

Keras' rule for a masked step: the states stay, and the output is that of the step before, or zero
with `zero_output_for_mask`. So the real steps alone are what a loop has to run over.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

Loop = Callable[..., tuple[Any, Any, list[Any]]]

# The loop runs over the padding too. There other states may grow beyond all numbers.
BOUNDED = (keras.activations.tanh, keras.activations.sigmoid)
# A relu makes 0 of this number, even after another is added.
FAR_BELOW_ZERO = -1e30


def with_mask(
    loop: Loop, layer: Any, sequences: Any, states: list[Any], mask: Any
) -> tuple[Any, Any, list[Any]]:
    """What a layer answers by a loop that knows no mask: the real steps first.

    The states that are returned are not those of the last real step: for layers whose states
    nobody asks for.
    """
    # A copy: a caller may change the mask before the gradient is computed.
    is_real = ops.logical_or(mask, mask)
    # Padding may hold NaN, whose gradient would reach the real steps.
    sequences = ops.where(is_real[:, :, None], sequences, ops.zeros_like(sequences))
    # A loop that reads backwards meets the last steps first.
    real_last = bool(layer.go_backwards)
    rows = ops.reshape(sequences, (-1, sequences.shape[-1]))
    packed = ops.take(rows, _order(is_real, real_last=real_last), axis=0)
    _, outputs, states = loop(layer, layer.cell.kernel, packed, states, True)
    in_reading_order = ops.flip(is_real, axis=1) if real_last else is_real
    return _at_their_places(layer, outputs, states, in_reading_order)


def relu_with_mask(
    loop: Loop, layer: Any, sequences: Any, states: list[Any], mask: Any
) -> tuple[Any, Any, list[Any]]:
    """The same for relu and states that begin with zeros: the padding first.

    A state of zeros stays what it is in the padding, so the last state is the answer.
    """
    is_real, num_steps = ops.cast(mask, "bool"), ops.shape(mask)[1]
    backwards = bool(layer.go_backwards)
    places = ops.cumsum(ops.ones_like(is_real, dtype="int32"), axis=1)
    num_padded = num_steps - ops.sum(ops.cast(is_real, "int32"), axis=1, keepdims=True)
    is_padding = places > num_steps - num_padded if backwards else places <= num_padded
    # One more row, and one more feature that only this row has. Padding itself is not read: it
    # may hold NaN.
    rows, kernel = _with_a_row_of_padding(
        ops.reshape(sequences, (-1, sequences.shape[-1])), layer.cell.kernel
    )
    order = _order(is_real, real_last=not backwards)
    order = ops.where(is_padding, ops.shape(rows)[0] - 1, order)
    packed = ops.take(rows, order, axis=0)
    last, outputs, states = loop(layer, kernel, packed, states, layer.return_sequences)
    in_reading_order = ops.flip(is_real, axis=1) if backwards else is_real
    if layer.return_sequences:
        # Before the first real step this is a step of padding, whose output is zero.
        num_read = ops.cumsum(ops.cast(in_reading_order, "int32"), axis=1)
        places = ops.maximum(num_padded + num_read - 1, 0) + _starts(is_real)
        outputs = ops.take(ops.reshape(outputs, (-1, layer.units)), places, axis=0)
    else:
        outputs, in_reading_order = last[:, None], in_reading_order[:, -1:]
    if layer.zero_output_for_mask:
        outputs = ops.where(in_reading_order[:, :, None], outputs, ops.zeros_like(outputs))
    return outputs[:, -1], outputs, states


def _order(is_real: Any, *, real_last: bool) -> Any:
    """The rows with the real steps on one side, where all steps lie in one matrix."""
    places = ops.cumsum(ops.ones_like(is_real, dtype="int32"), axis=1)
    come_first = ops.logical_not(is_real) if real_last else is_real
    num_steps = ops.shape(is_real)[1]
    order = ops.argsort(ops.where(come_first, places, places + num_steps), axis=1)
    return order + _starts(is_real)


def _starts(is_real: Any) -> Any:
    """The number of the first row of each sequence."""
    of_each = ops.ones_like(is_real[:, :1], dtype="int32")
    return (ops.cumsum(of_each, axis=0) - 1) * ops.shape(is_real)[1]


def _at_their_places(
    layer: Any, outputs: Any, states: Any, in_reading_order: Any
) -> tuple[Any, Any, list[Any]]:
    """The outputs of the real steps in front, as Keras gives them for all steps."""
    starts = _starts(in_reading_order)
    num_real = ops.cumsum(ops.cast(in_reading_order, "int32"), axis=1)
    if not layer.return_sequences:
        num_real, in_reading_order = num_real[:, -1:], in_reading_order[:, -1:]
    rows = ops.reshape(outputs, (-1, layer.units))
    outputs = ops.take(rows, ops.maximum(num_real - 1, 0) + starts, axis=0)
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

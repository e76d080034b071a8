"""Keras' recurrent layers, run the fastest way that has been measured on each backend.

Weights, names, configuration and results are those of Keras' own layers; only the loop over
the time steps differs. `fastest_loop` is the rule; everything that it does not name runs
Keras' own loop.
"""

from collections.abc import Callable
from typing import Any

import keras

Loop = Callable[..., tuple[Any, Any, list[Any]]]


def fastest_loop(layer: Any, sequences: Any, mask: Any, training: bool) -> Loop | None:
    """The loop that trains fastest; `None` for Keras' own."""
    drops = training and (layer.dropout or layer.recurrent_dropout)
    # In half precision another order of adding shows.
    if mask is not None or drops or layer.unroll or layer.compute_dtype != "float32":
        return None
    backend = keras.backend.backend()
    if backend == "torch":
        from keras_imgseq import _torch_loops  # noqa: PLC0415

        return _torch_loops.loop_of(layer, sequences)
    num_steps = sequences.shape[1]
    loop, most_steps = UNROLLED.get(backend, (None, 0))
    is_short = num_steps is not None and num_steps <= most_steps
    return loop if is_short and isinstance(layer, SimpleRNN) else None


def projected_loop(
    layer: Any, sequences: Any, states: list[Any], training: bool
) -> tuple[Any, Any, list[Any]]:
    """A SimpleRNN, unrolled, whose inputs are projected in one product, before the loop."""
    cell = layer.cell
    projections = keras.ops.matmul(sequences, cell.kernel)
    if cell.use_bias:
        projections = projections + cell.bias
    recurrent_kernel = keras.ops.convert_to_tensor(cell.recurrent_kernel)
    (state,) = states
    outputs = []
    for projection in _in_time(layer, projections):
        state = cell.activation(projection + keras.ops.matmul(state, recurrent_kernel))
        outputs.append(state)
    return _as_keras_returns(layer, outputs, [state])


def unrolled_loop(
    layer: Any, sequences: Any, states: list[Any], training: bool
) -> tuple[Any, Any, list[Any]]:
    """The cell itself, unrolled."""
    outputs = []
    for step in _in_time(layer, sequences):
        output, states = layer.cell(step, states, training=training)
        outputs.append(output)
    return _as_keras_returns(layer, outputs, list(states))


# The loop of a SimpleRNN, and the longest sequence for which it gains more than it costs to
# compile: beyond, XLA's own loop is as fast on JAX, and TensorFlow's graph grows too large.
UNROLLED: dict[str, tuple[Loop, int]] = {
    "tensorflow": (projected_loop, 400),
    "jax": (unrolled_loop, 64),
}


def _in_time(layer: Any, sequences: Any) -> Any:
    steps = keras.ops.unstack(sequences, axis=1)
    return reversed(steps) if layer.go_backwards else steps


def _as_keras_returns(
    layer: Any, outputs: list[Any], states: list[Any]
) -> tuple[Any, Any, list[Any]]:
    whole = keras.ops.stack(outputs if layer.return_sequences else outputs[-1:], axis=1)
    return outputs[-1], whole, states


class _FastestLoop:
    """Chooses the loop over the time steps; to be mixed into a recurrent layer of Keras."""

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> Any:
        loop = fastest_loop(self, sequences, mask, training)
        if loop is None:
            return super().inner_loop(  # type: ignore[misc]
                sequences, initial_state, mask=mask, training=training
            )
        return loop(self, sequences, keras.tree.flatten(initial_state), training)


# The names are those of Keras, because they are the names in its files of weights.


@keras.saving.register_keras_serializable(package="keras_imgseq")
class SimpleRNN(_FastestLoop, keras.layers.SimpleRNN):  # type: ignore[misc]
    """`keras.layers.SimpleRNN`, faster on TensorFlow, JAX and PyTorch."""


@keras.saving.register_keras_serializable(package="keras_imgseq")
class GRU(_FastestLoop, keras.layers.GRU):  # type: ignore[misc]
    """`keras.layers.GRU`, faster on PyTorch."""


@keras.saving.register_keras_serializable(package="keras_imgseq")
class LSTM(_FastestLoop, keras.layers.LSTM):  # type: ignore[misc]
    """`keras.layers.LSTM`, faster on PyTorch."""

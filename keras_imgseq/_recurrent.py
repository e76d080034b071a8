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
    is_on_cpu = keras.distribution.list_devices()[0].startswith("cpu")
    # With more units the products take the time, whatever the loop.
    if not is_on_cpu or not isinstance(layer, SimpleRNN) or layer.units > 128:
        return None
    if backend == "jax":
        return scanned_loop
    num_steps = sequences.shape[1]
    # Compiling takes longer with each step: what was measured is won back in some 200 batches.
    is_worth_unrolling = num_steps is not None and num_steps <= 1024
    return unrolled_loop if backend == "tensorflow" and is_worth_unrolling else None


def unrolled_loop(
    layer: Any, sequences: Any, states: list[Any], training: bool
) -> tuple[Any, Any, list[Any]]:
    """A SimpleRNN whose inputs are projected in one product; the rest is unrolled."""
    cell = layer.cell
    projections = _projected(layer, sequences)
    if cell.use_bias:
        projections = projections + cell.bias
    projections = keras.ops.reshape(projections, (-1, sequences.shape[1], layer.units))
    recurrent_kernel = keras.ops.convert_to_tensor(cell.recurrent_kernel)
    steps = keras.ops.unstack(projections, axis=1)
    (state,) = states
    outputs = []
    for projection in reversed(steps) if layer.go_backwards else steps:
        state = cell.activation(projection + keras.ops.matmul(state, recurrent_kernel))
        outputs.append(state)
    whole = keras.ops.stack(outputs if layer.return_sequences else outputs[-1:], axis=1)
    return state, whole, [state]


def scanned_loop(
    layer: Any, sequences: Any, states: list[Any], training: bool
) -> tuple[Any, Any, list[Any]]:
    """A SimpleRNN whose inputs are projected in one product; a scan does the rest."""
    cell = layer.cell
    steps = keras.ops.transpose(sequences, (1, 0, 2))
    if layer.go_backwards:
        steps = keras.ops.flip(steps, axis=0)
    projections = keras.ops.reshape(_projected(layer, steps), (*steps.shape[:2], layer.units))
    recurrent_kernel = keras.ops.convert_to_tensor(cell.recurrent_kernel)

    def step(state: Any, projection: Any) -> tuple[Any, Any]:
        product = projection + keras.ops.matmul(state, recurrent_kernel)
        # Not added to all projections at once: XLA does it with the activation, for nothing.
        state = cell.activation(product + cell.bias if cell.use_bias else product)
        return state, state

    state, outputs = keras.ops.scan(step, states[0], projections)
    return state, keras.ops.transpose(outputs, (1, 0, 2)), [state]


def _projected(layer: Any, sequences: Any) -> Any:
    """The features of all steps times the kernel, as one product of two matrices."""
    features = keras.ops.reshape(sequences, (-1, sequences.shape[2]))
    return keras.ops.matmul(features, layer.cell.kernel)


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

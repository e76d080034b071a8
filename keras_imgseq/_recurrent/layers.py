"""Keras' recurrent layers, run the fastest way that has been measured on each backend.

Weights, names, configuration and results are those of Keras' own layers. Only the loop over
the time steps differs. `fastest_loop` is the rule: a call that it does not know runs Keras'
own loop.
"""

from functools import partial
from typing import Any

import keras

from keras_imgseq._recurrent import cudnn_loop, projected_loops
from keras_imgseq._recurrent.masked_loops import BOUNDED, Loop, relu_with_mask, with_mask

# With more units the products take nearly all of the time, in every loop.
MOST_UNITS = 128
# Of all layers of a network. Compiling takes longer with each step: more would keep a beginner
# waiting on a slow machine.
MOST_UNROLLED_STEPS = 512


def fastest_loop(layer: Any, sequences: Any, states: Any, mask: Any, training: bool) -> Loop | None:
    """The loop that trains fastest, or `None` for Keras' own."""
    loop: Loop | None
    if _is_as_keras_made_it(layer) and cudnn_loop.is_taken(layer, sequences):
        is_of_keras = mask is None and not layer.go_backwards
        loop = None if is_of_keras else partial(cudnn_loop.run, training=training)
    else:
        loop = _loop_without_mask(layer, sequences, states, training)
    if loop is None or mask is None:
        return loop
    return loop if _is_covered(layer, sequences, states, mask) else None


def _loop_without_mask(layer: Any, sequences: Any, states: Any, training: bool) -> Loop | None:
    cell = layer.cell
    drops = training and (layer.dropout or layer.recurrent_dropout)
    is_known = _is_as_keras_made_it(layer) and _are_single(layer, sequences, states)
    if drops or layer.unroll or not is_known:
        return None
    backend = keras.backend.backend()
    if backend == "torch":
        from keras_imgseq._recurrent import torch_loops  # noqa: PLC0415

        return torch_loops.loop_of(layer, sequences, states)
    fits = len(sequences.shape) == 3 and sequences.shape[-1] == cell.kernel.shape[0]
    if backend not in ("tensorflow", "jax") or type(layer) is not SimpleRNN or not fits:
        return None
    is_covered = cell.activation in projected_loops.ACTIVATIONS and layer.units <= MOST_UNITS
    if not is_covered or not keras.distribution.list_devices()[0].startswith("cpu"):
        return None
    if backend == "jax":
        return projected_loops.scanned_loop
    num_steps = sequences.shape[1]
    is_worth_unrolling = num_steps is not None and num_steps <= layer.most_unrolled_steps
    return projected_loops.unrolled_loop if is_worth_unrolling else None


def _is_covered(layer: Any, sequences: Any, states: list[Any], mask: Any) -> bool:
    """Whether a loop can run with a mask, as far as nobody asks for the last states."""
    backend = keras.backend.backend()
    # On JAX Keras' loop with a mask is as fast as any without.
    is_asked_for = layer.return_state or layer.stateful
    if backend == "jax" or is_asked_for or tuple(mask.shape) != tuple(sequences.shape[:2]):
        return False
    # PyTorch's loop of a SimpleRNN stops where a sequence ends.
    stops = backend == "torch" and isinstance(layer, SimpleRNN)
    is_relu = layer.cell.activation is keras.activations.relu
    return stops or (is_relu and _are_zeros(states)) or layer.cell.activation in BOUNDED


def _is_as_keras_made_it(layer: Any) -> bool:
    cell: Any = layer.cell
    is_exact = type(layer) in KERAS_CELLS and type(cell) is KERAS_CELLS[type(layer)]
    has_its_bias: bool = cell.use_bias == (cell.bias is not None)
    return is_exact and has_its_bias and not {"call", "get_initial_state"} & vars(cell).keys()


def _are_zeros(states: list[Any]) -> bool:
    return all(hasattr(state, "_keras_imgseq_zeros") for state in states)


def _are_single(layer: Any, sequences: Any, states: list[Any]) -> bool:
    """Whether all is in single precision. In half precision another order of adding shows."""
    dtypes = {keras.backend.standardize_dtype(array.dtype) for array in (sequences, *states)}
    return dtypes | {layer.compute_dtype, layer.cell.compute_dtype} == {"float32"}


class _FastestLoop:
    """Chooses the loop over the time steps, mixed into a recurrent layer of Keras."""

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        super().build(sequences_shape)  # type: ignore[misc]
        cell = self.cell  # type: ignore[attr-defined]
        for activation in (cell.activation, getattr(cell, "recurrent_activation", None)):
            # An optimizer and a file know only the weights that are there when they begin.
            if isinstance(activation, keras.layers.Layer) and not activation.built:
                activation(keras.KerasTensor((None, cell.units)))

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> Any:
        states = keras.tree.flatten(initial_state)
        if mask is not None:
            (mask,) = keras.tree.flatten(mask)
        loop = fastest_loop(self, sequences, states, mask, training)
        if loop is None:
            # cuDNN takes no mask that begins late or is all false.
            may_take_cudnn = mask is None or getattr(self, "use_cudnn", "auto") is True
            inner_loop = _FastestLoop.keras_loop if may_take_cudnn else keras.layers.RNN.inner_loop
            return inner_loop(self, sequences, initial_state, mask, training)
        if mask is None:
            return loop(self, self.cell.kernel, sequences, states, self.return_sequences)  # type: ignore[attr-defined]
        run = with_mask
        if keras.backend.backend() == "torch":
            from keras_imgseq._recurrent import torch_masks  # noqa: PLC0415

            if torch_masks.is_covered(states):
                return torch_masks.with_mask(self, sequences, states, mask)
        elif self.cell.activation is keras.activations.relu:  # type: ignore[attr-defined]
            run = relu_with_mask
        return run(loop, self, sequences, states, mask)

    def get_initial_state(self, batch_size: Any) -> Any:
        """Zeros, which are known again in a graph, where nobody can look at them."""
        states = super().get_initial_state(batch_size)  # type: ignore[misc]
        if keras.backend.backend() == "tensorflow":
            for state in keras.tree.flatten(states):
                state._keras_imgseq_zeros = True
        return states

    def keras_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        """What Keras would run."""
        return super().inner_loop(  # type: ignore[misc]
            sequences, initial_state, mask=mask, training=training
        )

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        # Keras forgets it, and a loaded layer would take cuDNN again.
        given = vars(self).get("_use_cudnn", getattr(self, "use_cudnn", "auto"))
        if given != "auto":
            config["use_cudnn"] = given
        return config


# The names are those of Keras, because they are the names in its files of weights.


@keras.saving.register_keras_serializable(package="keras_imgseq")
class SimpleRNN(_FastestLoop, keras.layers.SimpleRNN):  # type: ignore[misc]
    """`keras.layers.SimpleRNN`, faster on TensorFlow, JAX and PyTorch.

    Args:
        most_unrolled_steps: The steps up to which TensorFlow compiles one operation for each.
    """

    def __init__(
        self, *args: Any, most_unrolled_steps: int = MOST_UNROLLED_STEPS, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.most_unrolled_steps = most_unrolled_steps

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.most_unrolled_steps != MOST_UNROLLED_STEPS:
            config["most_unrolled_steps"] = self.most_unrolled_steps
        return config


@keras.saving.register_keras_serializable(package="keras_imgseq")
class GRU(_FastestLoop, keras.layers.GRU):  # type: ignore[misc]
    """`keras.layers.GRU`, faster on PyTorch."""


@keras.saving.register_keras_serializable(package="keras_imgseq")
class LSTM(_FastestLoop, keras.layers.LSTM):  # type: ignore[misc]
    """`keras.layers.LSTM`, faster on PyTorch."""

    @property
    def use_cudnn(self) -> str | bool:
        """As it was given, but on JAX only where it was asked for."""
        # There it is given axes as a layer in front turned them, and half precision fails.
        is_left_out = keras.backend.backend() == "jax" and self._use_cudnn == "auto"
        return False if is_left_out else self._use_cudnn

    @use_cudnn.setter
    def use_cudnn(self, value: str | bool) -> None:
        self._use_cudnn = value


KERAS_CELLS: dict[type, type] = {
    SimpleRNN: keras.layers.SimpleRNNCell,
    GRU: keras.layers.GRUCell,
    LSTM: keras.layers.LSTMCell,
}

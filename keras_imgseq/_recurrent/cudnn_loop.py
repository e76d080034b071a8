"""Runs a GRU and an LSTM with cuDNN on a GPU, masks and backward readings too.

cuDNN takes no mask that begins late or is all false. So Keras runs it on sequences without a
mask, in the order in which they are read. On JAX it can give wrong answers, and is left out.
"""

from typing import Any

import keras

# With earlier versions the way to cuDNN was not measured, and some cut its gradients.
IS_MEASURED = [*map(int, keras.__version__.split(".")[:2])] >= [3, 15]


def is_taken(layer: Any, sequences: Any) -> bool:
    """Whether Keras may run this call with cuDNN, if it had no mask."""
    return (
        IS_MEASURED
        and getattr(layer, "use_cudnn", False) is not False
        and layer.cell.activation is keras.activations.tanh
        and not layer.unroll
        and not layer.recurrent_dropout
        and _is_on_gpu(layer, sequences)
    )


def _is_on_gpu(layer: Any, sequences: Any) -> bool:
    backend = keras.backend.backend()
    if backend == "torch":
        from keras_imgseq._recurrent import torch_loops  # noqa: PLC0415

        return torch_loops.may_run_cudnn(layer.cell, sequences)
    is_tensorflow: bool = backend == "tensorflow"
    return is_tensorflow and keras.distribution.list_devices()[0].lower().startswith("gpu")


def run(
    layer: Any,
    kernel: Any,
    sequences: Any,
    states: list[Any],
    return_sequences: bool,
    *,
    training: bool,
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs and the last states. The `kernel` is the layer's."""
    x = keras.ops.flip(sequences, axis=1) if layer.go_backwards else sequences
    # The layer with the same weights and two other options: nothing of it is changed.
    view = object.__new__(type(layer))
    view.__dict__.update(vars(layer), return_sequences=return_sequences, go_backwards=False)
    last_output, outputs, states = view.keras_loop(x, states, None, training)
    # TensorFlow cannot compile a model in which cuDNN runs.
    layer.supports_jit = view.supports_jit
    return last_output, outputs, states

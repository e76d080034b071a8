"""Which recurrent layers run in a loop of this package on PyTorch, and what these loops share.

A step of a small network takes less time than the dispatch of its operations. So PyTorch's
kernel runs an LSTM, and a SimpleRNN and a GRU have a gradient that is written by hand. Only
plain tensors in plain calls take these loops. A call that is traced, transformed, wrapped, cast
or on another device takes Keras' loop.
"""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch.nn.modules import module as torch_module

from keras_imgseq._recurrent import torch_gru, torch_lstm, torch_simple_rnn
from keras_imgseq._recurrent.torch_gradients import is_in_memory

try:
    from torch._C import _are_functorch_transforms_active, _len_torch_function_stack
    from torch.utils._python_dispatch import is_in_torch_dispatch_mode

    def is_transformed() -> bool:
        """Whether a mode or a transform of PyTorch sees every operation."""
        return bool(
            _are_functorch_transforms_active()
            or _len_torch_function_stack()
            or is_in_torch_dispatch_mode()
        )
except ImportError:
    # Another PyTorch does not tell. Keras' loop is right in every case.
    def is_transformed() -> bool:
        """What is not known is left to Keras' loop."""
        return True

    def is_in_torch_dispatch_mode(include_infra_modes: bool = True) -> bool:
        """What is not known is left to Keras' loop."""
        return include_infra_modes


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
# Fewer steps of a gated cell take longer in the loops of this package than in Keras'.
FEWEST_GATED_STEPS = 6


def loop_of(
    layer: Any, sequences: Any, states: list[Any]
) -> Callable[..., tuple[Any, Any, list[Any]]] | None:
    """The loop of a recurrent layer of Keras, or `None` for what only Keras' own can do."""
    if torch.compiler.is_compiling():
        return None
    if sequences.device.type == "meta":
        # Without steps, unless somebody counts the operations.
        return None if is_in_torch_dispatch_mode() else loop_of_shapes
    cell, is_simple = layer.cell, isinstance(layer, keras.layers.SimpleRNN)
    if is_simple:
        is_covered = cell.activation in (keras.activations.relu, keras.activations.tanh)
    else:
        is_covered = (
            cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and getattr(cell, "reset_after", True)
        )
    weights = weights_of(cell)
    if (
        not is_covered
        or _is_watched(cell, "cpu")
        or not all(map(is_plain, [sequences, *states, *weights]))
        or not _fit_together(sequences, states, weights)
    ):
        return None
    return torch_loop if is_simple or sequences.shape[1] >= FEWEST_GATED_STEPS else None


def may_run_cudnn(cell: Any, tensor: Any) -> bool:
    """Whether a call on a GPU is neither traced nor watched."""
    is_on_gpu = tensor.device.type == "cuda"
    return is_on_gpu and not torch.compiler.is_compiling() and not _is_watched(cell, "cuda")


def is_plain(tensor: Any) -> bool:
    """Whether a tensor is nothing but numbers of single precision in the memory of the CPU."""
    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        and tensor.layout is torch.strided
        # A tensor of inference mode cannot be kept for a gradient.
        and not (tensor.is_inference() and torch.is_grad_enabled())
        and is_in_memory(tensor)
    )


def _fit_together(sequences: Any, states: list[Any], weights: list[Any]) -> bool:
    """Whether every shape is the expected one: nothing is to be broadcast, and none is wrong."""
    kernel, recurrent_kernel, *_ = weights
    units = recurrent_kernel.shape[0]
    return (
        sequences.ndim == 3
        and sequences.shape[1] > 0
        and sequences.shape[2] == kernel.shape[0]
        and kernel.shape[1] == recurrent_kernel.shape[1]
        and all(tuple(state.shape) == (sequences.shape[0], units) for state in states)
    )


def _is_watched(cell: Any, device: str) -> bool:
    """Whether PyTorch records, transforms or casts what is computed."""
    # Hooks of another PyTorch, which may name them otherwise, are taken for used.
    return (
        any(
            vars(cell).get(hooks) or getattr(torch_module, f"_global{hooks}", True)
            for hooks in HOOKS
        )
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or torch.is_autocast_enabled(device)
        or is_transformed()
    )


def torch_loop(
    layer: Any, kernel: Any, sequences: Any, states: list[Any], return_sequences: bool
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs and the last states, as Keras' loops return them."""
    x = torch.flip(sequences, (1,)) if layer.go_backwards else sequences
    weights = [keras.ops.convert_to_tensor(kernel), *weights_of(layer.cell)[1:]]
    if isinstance(layer, keras.layers.LSTM):
        outputs, states = torch_lstm.run(x, states, weights, return_sequences)
        last = states[0]
    else:
        batch, num_steps = x.shape[:2]
        rows, batch_sizes = x.transpose(0, 1).flatten(0, 1), [batch] * num_steps
        outputs, last = run_of(layer)(rows, batch_sizes, states[0], weights, return_sequences)
        states = [last]
        if return_sequences:
            outputs = outputs.unflatten(0, (num_steps, batch)).transpose(0, 1)
        else:
            outputs = last[:, None]
    # Keras' outputs and states are tensors of their own, which a caller may change.
    is_kept = layer.return_state or layer.stateful
    return last.clone() if is_kept else last, outputs, states


def run_of(layer: Any) -> Any:
    """The function that runs the steps of a GRU or a SimpleRNN, as `torch_packed` has them."""
    if isinstance(layer, keras.layers.GRU):
        return torch_gru.run
    is_relu = layer.cell.activation is keras.activations.relu
    return torch_simple_rnn.run_relu if is_relu else torch_simple_rnn.run_tanh


def loop_of_shapes(
    layer: Any, kernel: Any, sequences: Any, states: list[Any], return_sequences: bool
) -> tuple[Any, Any, list[Any]]:
    """The same for tensors without values, by which Keras finds out shapes: no step is run."""
    batch, num_steps = sequences.shape[:2]
    outputs = sequences.new_empty((batch, num_steps if return_sequences else 1, layer.units))
    return outputs[:, -1], outputs, states


def weights_of(cell: Any) -> list[Any]:
    """The weights of a cell as tensors. The bias is last, where there is one."""
    weights = [cell.kernel, cell.recurrent_kernel, *([cell.bias] if cell.use_bias else [])]
    return [keras.ops.convert_to_tensor(weight) for weight in weights]

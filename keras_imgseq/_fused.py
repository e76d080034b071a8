"""PyTorch's own kernels for whole recurrent layers.

Nothing else comes near their speed on a CPU: one call of PyTorch instead of one for each
operation of each step. On other devices Keras calls them, or cuDNN, by itself.
"""

from typing import Any

import keras


def has_fused_kernel(layer: Any, sequences: Any) -> bool:
    """Whether PyTorch has a kernel for a recurrent layer of Keras."""
    import torch  # noqa: PLC0415

    cell = layer.cell
    if sequences.device.type != "cpu" or sequences.dtype != torch.float32:
        return False
    if torch.compiler.is_compiling() or sequences.shape[1] == 0:
        return False
    if isinstance(layer, keras.layers.SimpleRNN):
        return cell.activation in (keras.activations.relu, keras.activations.tanh)
    return (
        cell.activation is keras.activations.tanh
        and cell.recurrent_activation is keras.activations.sigmoid
        and getattr(cell, "reset_after", True)
    )


def fused_loop(
    layer: Any, sequences: Any, states: list[Any], training: bool
) -> tuple[Any, Any, list[Any]]:
    """All steps in one call of PyTorch."""
    import torch  # noqa: PLC0415

    cell = layer.cell
    kernels = [keras.ops.convert_to_tensor(w) for w in (cell.kernel, cell.recurrent_kernel)]
    biases = [keras.ops.convert_to_tensor(cell.bias)] if cell.use_bias else []
    if isinstance(layer, keras.layers.GRU):
        # PyTorch keeps the reset gate before the update gate, Keras after it.
        kernels = [_reordered(torch, kernel) for kernel in kernels]
        biases = [_reordered(torch, bias) for bias in biases]
        biases = [half for bias in biases for half in bias]
    elif biases:
        biases.append(torch.zeros_like(biases[0]))
    weights = [kernel.T for kernel in kernels] + biases

    if layer.go_backwards:
        sequences = torch.flip(sequences, (1,))
    states = [state[None] for state in states]
    if isinstance(layer, keras.layers.SimpleRNN):
        name = f"rnn_{cell.activation.__name__}"
    else:
        name = "lstm" if isinstance(layer, keras.layers.LSTM) else "gru"
    outputs, *states = getattr(torch, name)(
        sequences,
        states if name == "lstm" else states[0],
        weights,
        has_biases=bool(biases),
        num_layers=1,
        dropout=0.0,
        train=torch.is_grad_enabled(),
        bidirectional=False,
        batch_first=True,
    )
    return outputs[:, -1], outputs, [state[0] for state in states]


def _reordered(torch: Any, weight: Any) -> Any:
    update, reset, new = torch.chunk(weight, 3, dim=-1)
    return torch.cat([reset, update, new], dim=-1)

"""Masks of a SimpleRNN and a GRU on PyTorch: the padding first, where a state stays what it is.

What `masked_loops` does for every loop, with fewer operations: the last state is the answer.
"""

from typing import Any

import keras
import torch

from keras_imgseq._recurrent.torch_loops import run_of, weights_of


def is_covered(layer: Any, states: list[Any]) -> bool:
    """Whether the states begin with zeros, and nobody asks for their gradient."""
    is_known = isinstance(layer, (keras.layers.SimpleRNN, keras.layers.GRU))
    # Keras looks for shapes with tensors without values.
    has_values = is_known and states[0].device.type == "cpu"
    return has_values and not states[0].requires_grad and not bool(states[0].any())


def with_mask(
    layer: Any, sequences: Any, states: list[Any], mask: Any
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs and the last states, as `masked_loops.with_mask`."""
    is_real, x = mask.to(torch.bool), sequences
    if layer.go_backwards:
        is_real, x = is_real.flip(1), x.flip(1)
    num_steps = x.shape[1]
    num_padded = num_steps - is_real.sum(1, keepdim=True)
    padding = torch.arange(num_steps) < num_padded
    if not torch.equal(padding, ~is_real):
        order = torch.argsort(is_real.to(torch.uint8), dim=1, stable=True)
        x = _taken(x, order)
    # Padding may hold NaN, such as the logarithm of a black pixel.
    x = x.masked_fill(padding[:, :, None], 0)
    weights = weights_of(layer.cell)
    outputs, states = run_of(layer)(x, states, weights, layer.return_sequences, padding)
    if layer.return_sequences:
        # Before the first real step this is a step of padding, whose output is zero.
        num_real = is_real.cumsum(1)
        places = (num_padded - 1 + num_real).clamp_(min=0)
        outputs = _taken(outputs, places).masked_fill(num_real[:, :, None] == 0, 0)
        if layer.zero_output_for_mask:
            outputs = outputs.masked_fill(~is_real[:, :, None], 0)
    elif layer.zero_output_for_mask:
        outputs = outputs.masked_fill(~is_real[:, -1:, None], 0)
    return outputs[:, -1], outputs, states


def _taken(x: Any, places: Any) -> Any:
    """The steps of each sequence at these places."""
    starts = torch.arange(len(x))[:, None] * x.shape[1]
    return x.flatten(0, 1).index_select(0, (places + starts).flatten()).unflatten(0, places.shape)

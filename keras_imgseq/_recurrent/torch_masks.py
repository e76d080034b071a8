"""Masks of a SimpleRNN with relu and of a GRU on PyTorch: the padding first.

What `masked_loops` does for every loop, with fewer operations. A state of zeros stays what it is
in the padding, so the last state is the answer.
"""

from typing import Any

import keras
import torch

from keras_imgseq._recurrent.torch_loops import run_of, weights_of

# A sigmoid makes exactly 1 of it, and a relu exactly 0 of its opposite, with any bias.
CERTAIN = 1e30


def is_covered(layer: Any, states: list[Any]) -> bool:
    """Whether padding leaves the states as they are: zeros, whose gradient nobody asks for."""
    is_known = isinstance(layer, keras.layers.GRU) or (
        isinstance(layer, keras.layers.SimpleRNN)
        and layer.cell.activation is keras.activations.relu
    )
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
    num_padded = x.shape[1] - is_real.sum(1, keepdim=True)
    order = _places_among_all(torch.argsort(is_real.to(torch.uint8), dim=1, stable=True))
    # One more row, and one more feature that only this row has. Padding itself is not read: it
    # may hold NaN, such as the logarithm of a black pixel.
    rows = torch.nn.functional.pad(x.flatten(0, 1), (0, 1, 0, 1))
    rows[-1, -1] = 1
    order.masked_fill_(torch.arange(x.shape[1]) < num_padded, len(rows) - 1)
    w, u, *bias = weights_of(layer.cell)
    of_padding = w.new_zeros((1, w.shape[1]))
    # The update gate of a GRU is open, the state of a SimpleRNN is 0.
    of_padding[:, : layer.units] = CERTAIN if isinstance(layer, keras.layers.GRU) else -CERTAIN
    weights = [torch.cat([w, of_padding]), u, *bias]
    outputs, states = run_of(layer)(_taken(rows, order), states, weights, layer.return_sequences)
    if layer.return_sequences:
        # Before the first real step this is a step of padding, whose output is zero.
        num_real = is_real.cumsum(1)
        places = (num_padded - 1 + num_real).clamp_(min=0)
        outputs = _taken(outputs.flatten(0, 1), _places_among_all(places))
        outputs = outputs.masked_fill(num_real[:, :, None] == 0, 0)
        if layer.zero_output_for_mask:
            outputs = outputs.masked_fill(~is_real[:, :, None], 0)
    elif layer.zero_output_for_mask:
        outputs = outputs.masked_fill(~is_real[:, -1:, None], 0)
    return outputs[:, -1], outputs, states


def _places_among_all(places: Any) -> Any:
    """The places of steps, where the steps of all sequences lie in one matrix."""
    return places + torch.arange(len(places))[:, None] * places.shape[1]


def _taken(rows: Any, places: Any) -> Any:
    return rows.index_select(0, places.flatten()).unflatten(0, places.shape)

"""Masks of a SimpleRNN and of a GRU on PyTorch: the loops run over the real steps alone.

What `masked_loops` does for every loop, with less to compute. Padding is not read: it may hold
NaN, such as the logarithm of a black pixel.
"""

from typing import Any

import keras
import torch

from keras_imgseq._recurrent.torch_loops import run_of, weights_of


def is_covered(layer: Any, states: list[Any]) -> bool:
    """Whether a layer has a loop that stops at the end of each sequence."""
    # Keras looks for shapes with tensors without values.
    has_values = states[0].device.type == "cpu"
    return has_values and not isinstance(layer, keras.layers.LSTM)


def with_mask(
    layer: Any, sequences: Any, states: list[Any], mask: Any
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs and the last states, as `masked_loops.with_mask`."""
    is_real = mask.to(torch.bool)
    if layer.go_backwards:
        is_real = is_real.flip(1)
    num_steps = is_real.shape[1]
    num_real, order = is_real.sum(1).sort(descending=True, stable=True)
    ranks = torch.argsort(order)
    # The real steps of each sequence, in the order in which they are read.
    steps = torch.argsort(is_real.to(torch.uint8), dim=1, descending=True, stable=True)
    if layer.go_backwards:
        steps = num_steps - 1 - steps
    is_step = torch.arange(num_steps)[:, None] < num_real
    places = (order[:, None] * num_steps + steps[order]).T[is_step]
    rows = sequences.flatten(0, 1).index_select(0, places)
    sizes = is_step.sum(1)
    outputs, last = run_of(layer)(
        rows,
        [size for size in sizes.tolist() if size],
        states[0].index_select(0, order),
        weights_of(layer.cell),
        layer.return_sequences,
    )
    last = last.index_select(0, ranks)
    num_read = is_real.cumsum(1)
    is_shown = is_real if layer.zero_output_for_mask else num_read > 0
    if not layer.return_sequences:
        # Before the first real step the output is zero.
        outputs = torch.where(is_shown[:, -1:], last, 0)[:, None]
        return outputs[:, -1], outputs, [last]
    num_rows_before = sizes.cumsum(0) - sizes
    places = num_rows_before[num_read - 1] + ranks[:, None]
    # One more row, of zeros.
    places = torch.where(is_shown, places, len(outputs)).flatten()
    outputs = torch.nn.functional.pad(outputs, (0, 0, 0, 1)).index_select(0, places)
    outputs = outputs.view(*is_real.shape, layer.units)
    return outputs[:, -1], outputs, [last]

"""Masks of the loops on PyTorch, each in the way that costs it least.

What `masked_loops` does for every loop, with less to compute. What padding holds reaches nothing:
it may be NaN, such as the logarithm of a black pixel.
"""

from typing import Any

import keras
import torch

from keras_imgseq._recurrent import torch_lstm, torch_simple_rnn
from keras_imgseq._recurrent.torch_loops import run_of, weights_of


def is_covered(states: list[Any]) -> bool:
    """Whether the states have values. Keras looks for shapes with tensors without them."""
    has_values: bool = states[0].device.type == "cpu"
    return has_values


def with_mask(
    layer: Any, sequences: Any, states: list[Any], mask: Any
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs and the last states, as `masked_loops.with_mask`."""
    # A caller may change the mask before the gradient is computed.
    is_real = mask.to(torch.bool, copy=True)
    if _may_begin_with_padding(layer, states[0]) and _is_behind_real_steps(is_real):
        return _padding_first(layer, sequences, states, is_real)
    if layer.go_backwards:
        is_real = is_real.flip(1)
    if isinstance(layer, keras.layers.LSTM):
        return _real_steps_first(layer, sequences, states, is_real)
    return _real_steps_alone(layer, sequences, states, is_real)


def _may_begin_with_padding(layer: Any, state: Any) -> bool:
    """Whether a state stays zero in padding, and the last one is the answer."""
    is_simple = isinstance(layer, keras.layers.SimpleRNN)
    if not is_simple or layer.cell.activation is not keras.activations.relu:
        return False
    asks_for_more = (
        layer.return_sequences
        or layer.go_backwards
        or layer.zero_output_for_mask
        or state.requires_grad
    )
    return not asks_for_more and not state.any()


def _padding_first(
    layer: Any, sequences: Any, states: list[Any], is_real: Any
) -> tuple[Any, Any, list[Any]]:
    """For sequences that end with padding: no step has fewer rows than another."""
    batch, num_steps = is_real.shape
    steps = torch.arange(num_steps) - (num_steps - is_real.sum(1))[:, None]
    # The first step stands where padding is read, which may be NaN.
    places = (steps.clamp_min(0) + _starts(is_real)).T.flatten()
    _, last = torch_simple_rnn.run_relu(
        sequences.flatten(0, 1).index_select(0, places),
        [batch] * num_steps,
        states[0],
        weights_of(layer.cell),
        False,
        _places_of(steps.T < 0),
    )
    return last, last[:, None], [last]


def _real_steps_first(
    layer: Any, sequences: Any, states: list[Any], is_real: Any
) -> tuple[Any, Any, list[Any]]:
    """For an LSTM, whose kernel runs over the padding too. The answers are picked out."""
    num_read, is_padding, rows = is_real.cumsum(1), ~is_real, sequences.flatten(0, 1)
    if layer.go_backwards or not _is_in_front(is_real):
        num_steps = is_real.shape[1]
        steps = torch.argsort(is_padding, dim=1, stable=True)
        if layer.go_backwards:
            steps = num_steps - 1 - steps
        rows = rows.index_select(0, (steps + _starts(is_real)).flatten())
        is_padding = torch.arange(num_steps) >= num_read[:, -1:]
    rows = rows.index_fill(0, _places_of(is_padding), 0)
    outputs, states = torch_lstm.run(
        rows.view(sequences.shape), states, weights_of(layer.cell), True
    )
    is_shown = _is_shown(layer, is_real, num_read)
    places = (num_read - 1).clamp_min_(0) + _starts(is_real)
    if not layer.return_sequences:
        places, is_shown = places[:, -1:], is_shown[:, -1:]
    outputs = outputs.flatten(0, 1).index_select(0, places.flatten())
    outputs = outputs.index_fill_(0, _places_of(~is_shown), 0).view(*places.shape, layer.units)
    return outputs[:, -1], outputs, states


def _real_steps_alone(
    layer: Any, sequences: Any, states: list[Any], is_real: Any
) -> tuple[Any, Any, list[Any]]:
    """For a SimpleRNN and a GRU, whose loops stop where a sequence ends."""
    num_steps = is_real.shape[1]
    num_real, order = is_real.sum(1).sort(descending=True, stable=True)
    ranks = torch.argsort(order)
    # The real steps of each sequence, in the order in which they are read.
    steps = torch.argsort(~is_real, dim=1, stable=True)
    if layer.go_backwards:
        steps = num_steps - 1 - steps
    is_step = torch.arange(num_steps)[:, None] < num_real
    places = (steps + _starts(is_real))[order].T[is_step]
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
    is_shown = _is_shown(layer, is_real, num_read)
    if not layer.return_sequences:
        outputs = torch.where(is_shown[:, -1:], last, 0)[:, None]
        return outputs[:, -1], outputs, [last]
    num_rows_before = sizes.cumsum(0) - sizes
    places = num_rows_before[num_read - 1] + ranks[:, None]
    # One more row, of zeros.
    places = torch.where(is_shown, places, len(outputs)).flatten()
    outputs = torch.nn.functional.pad(outputs, (0, 0, 0, 1)).index_select(0, places)
    outputs = outputs.view(*is_real.shape, layer.units)
    return outputs[:, -1], outputs, [last]


def _is_behind_real_steps(is_real: Any) -> bool:
    """Whether padding ends each sequence, and no sequence is nothing else."""
    return bool(is_real[:, 0].all()) and _is_in_front(is_real)


def _is_in_front(is_real: Any) -> bool:
    """Whether padding ends each sequence, and stands nowhere else."""
    return bool((is_real[:, :-1] >= is_real[:, 1:]).all())


def _is_shown(layer: Any, is_real: Any, num_read: Any) -> Any:
    """Where the output is that of a real step. Elsewhere it is zero."""
    return is_real if layer.zero_output_for_mask else num_read > 0


def _starts(is_real: Any) -> Any:
    """The place of the first step of each sequence, where sequence follows sequence."""
    batch, num_steps = is_real.shape
    return torch.arange(0, batch * num_steps, num_steps)[:, None]


def _places_of(is_one: Any) -> Any:
    return is_one.flatten().nonzero()[:, 0]

"""Whole recurrent layers in PyTorch's own operations, which Keras' are too slow for on a CPU.

A step of a small network takes less time than the dispatch of its operations. So PyTorch's
kernel runs an LSTM, and a SimpleRNN and a GRU get a gradient written by hand: what does not
hang on the step before is computed for all steps at once, and the loop over the steps backwards
holds the recurrent product alone. On other devices Keras calls cuDNN by itself. Nothing else in
the package imports PyTorch, and this only once a layer runs on it.
"""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch.autograd.function import once_differentiable


def loop_of(layer: Any, sequences: Any) -> Callable[..., tuple[Any, Any, list[Any]]] | None:
    """The loop of a recurrent layer of Keras; `None` for what only Keras' own can do."""
    cell = layer.cell
    if sequences.device.type != "cpu" or sequences.dtype != torch.float32:
        return None
    # A few steps of a gated cell are over before the kernel or the gradient by hand is under way.
    fewest_steps = 1 if isinstance(layer, keras.layers.SimpleRNN) else 6
    if torch.compiler.is_compiling() or sequences.shape[1] < fewest_steps:
        return None
    if isinstance(layer, keras.layers.SimpleRNN):
        is_covered = cell.activation in (keras.activations.relu, keras.activations.tanh)
    else:
        is_covered = (
            cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and getattr(cell, "reset_after", True)
        )
    return torch_loop if is_covered else None


def torch_loop(
    layer: Any, sequences: Any, states: list[Any], training: bool
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs and the last states, as Keras' loops return them."""
    if layer.go_backwards:
        sequences = torch.flip(sequences, (1,))
    weights = [keras.ops.convert_to_tensor(weight) for weight in layer.cell.weights]
    if isinstance(layer, keras.layers.LSTM):
        return _lstm(sequences, states, weights)
    kernel, recurrent_kernel, *bias = weights
    bias = bias[0] if bias else kernel.new_zeros(kernel.shape[1])
    if isinstance(layer, keras.layers.GRU):
        # A reset scales the second bias of the new state; the gates' can be added beforehand.
        bias, second = bias.expand(2, -1)
        gates, new = second.split([2 * layer.units, layer.units])
        bias, argument = bias + torch.nn.functional.pad(gates, [0, layer.units]), new
    else:
        argument = layer.cell.activation is keras.activations.relu
    batch, num_steps, num_features = sequences.shape
    steps = sequences.transpose(0, 1).reshape(-1, num_features)
    projections = torch.addmm(bias, steps, kernel).view(num_steps, batch, -1)
    run: Any = _GRU if isinstance(layer, keras.layers.GRU) else _SimpleRNN
    outputs = run.apply(projections, recurrent_kernel, states[0], argument)
    return outputs[-1], outputs.transpose(0, 1), [outputs[-1]]


def _lstm(sequences: Any, states: list[Any], weights: list[Any]) -> tuple[Any, Any, list[Any]]:
    kernel, recurrent_kernel, *bias = weights
    outputs, *states = torch.lstm(
        sequences,
        [state[None] for state in states],
        [kernel.T, recurrent_kernel.T, *bias, *(torch.zeros_like(b) for b in bias)],
        has_biases=bool(bias),
        num_layers=1,
        dropout=0.0,
        train=torch.is_grad_enabled(),
        bidirectional=False,
        batch_first=True,
    )
    return outputs[:, -1], outputs, [state[0] for state in states]


def _gradients(to_outputs: Any, slopes: Any, carried: Any, kernel: Any) -> tuple[Any, ...]:
    """The gradients of the states, of their recurrent products, and of the initial state.

    The slopes, `(steps, batch, gates, units)`, are those of a state by its recurrent
    products, and become the gradients of these; what is carried is the slope of a state
    by the one before, beside the products.
    """
    to_states = to_outputs.clone(memory_format=torch.contiguous_format)
    to_initial = torch.zeros_like(to_states[0])
    each = [to_initial, *to_states.unbind(0)]
    backwards, all_products = kernel.T, slopes.flatten(2)
    slopes, products = slopes.unbind(0), all_products.unbind(0)
    for t in reversed(range(len(slopes))):
        slopes[t].mul_(each[t + 1][:, None])
        each[t].addmm_(products[t], backwards)
        if carried is not None:
            each[t].addcmul_(carried[t], each[t + 1])
    return to_states, all_products, to_initial


def _to_kernel(states: Any, to_products: Any) -> Any:
    return states[:-1].flatten(0, 1).T @ to_products.flatten(0, 1)


class _SimpleRNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projections: Any, kernel: Any, initial: Any, is_relu: bool) -> Any:
        states = initial.new_empty((len(projections) + 1, *initial.shape))
        states[0] = initial
        each = states.unbind(0)
        for t, projection in enumerate(projections.unbind(0)):
            torch.addmm(projection, each[t], kernel, out=each[t + 1])
            each[t + 1].relu_() if is_relu else each[t + 1].tanh_()
        ctx.save_for_backward(states, kernel)
        ctx.is_relu = is_relu
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Any) -> Any:
        states, kernel = ctx.saved_tensors
        outputs = states[1:]
        slopes = (outputs > 0).to(outputs.dtype) if ctx.is_relu else 1 - outputs**2
        _, products, to_initial = _gradients(to_outputs, slopes[:, :, None], None, kernel)
        return products, _to_kernel(states, products), to_initial, None


class _GRU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projections: Any, kernel: Any, initial: Any, bias: Any) -> Any:
        units = initial.shape[1]
        states = initial.new_empty((len(projections) + 1, *initial.shape))
        states[0] = initial
        news = torch.empty_like(states[1:])
        # The gates, and the product of the new state, which a reset is still to scale.
        parts = torch.empty_like(projections)
        each = states.unbind(0)
        gates, to_gates = (x[:, :, : 2 * units].unbind(0) for x in (parts, projections))
        products, to_news = (x[:, :, 2 * units :].unbind(0) for x in (parts, projections))
        updates, resets, _ = (x.unbind(0) for x in parts.chunk(3, dim=2))
        for t, (part, new) in enumerate(zip(parts.unbind(0), news.unbind(0), strict=True)):
            torch.mm(each[t], kernel, out=part)
            gates[t].add_(to_gates[t]).sigmoid_()
            products[t].add_(bias)
            torch.addcmul(to_news[t], resets[t], products[t], out=new).tanh_()
            torch.lerp(new, each[t], updates[t], out=each[t + 1])
        ctx.save_for_backward(states, kernel, parts, news)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_outputs: Any) -> Any:
        states, kernel, parts, news = ctx.saved_tensors
        update, reset, product = parts.chunk(3, dim=2)
        slopes = parts.new_empty(*news.shape[:2], 3, news.shape[2])
        by_update, by_reset, by_product = slopes.unbind(2)
        keep = 1 - update
        by_new = keep * (1 - news.square())
        torch.mul(states[:-1] - news, keep.mul_(update), out=by_update)
        torch.mul(by_new, reset, out=by_product)
        torch.mul(by_product, product, out=by_reset).mul_(1 - reset)
        to_states, products, to_initial = _gradients(to_outputs, slopes, update, kernel)
        kernel, bias = _to_kernel(states, products), by_product.sum((0, 1))
        torch.mul(to_states, by_new, out=by_product)
        return products, kernel, to_initial, bias

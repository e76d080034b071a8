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
    projections = (sequences.flatten(0, 1) @ kernel).add_(bias)
    projections = projections.unflatten(0, sequences.shape[:2])
    run: Any = _GRU if isinstance(layer, keras.layers.GRU) else _SimpleRNN
    last, outputs = run.apply(projections, recurrent_kernel, states[0], argument)
    return last, outputs.transpose(0, 1), [last]


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
    states = [state[0] for state in states]
    return states[0], outputs, states


def _to_kernel(states: Any, to_products: Any) -> Any:
    return states[:-1].flatten(0, 1).T @ to_products.flatten(0, 1)


class _SimpleRNN(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projections: Any, kernel: Any, initial: Any, is_relu: bool) -> Any:
        states = initial.new_empty((projections.shape[1] + 1, *initial.shape))
        states[0] = initial
        each = states.unbind(0)
        for t, projection in enumerate(projections.unbind(1)):
            torch.addmm(projection, each[t], kernel, out=each[t + 1])
            each[t + 1].relu_() if is_relu else each[t + 1].tanh_()
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(states, kernel)
        ctx.is_relu = is_relu
        return states[-1].clone(), states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_state: Any, to_outputs: Any) -> Any:
        states, kernel = ctx.saved_tensors
        outputs = states[1:]
        # They become the gradients of the recurrent products, step by step.
        slopes = outputs.sign() if ctx.is_relu else 1 - outputs.square()
        each, backwards = slopes.unbind(0), kernel.T
        for t in reversed(range(len(each))):
            if to_outputs is not None:
                to_state = to_outputs[t] if to_state is None else to_outputs[t] + to_state
            to_state = each[t].mul_(to_state) @ backwards
        return slopes.transpose(0, 1), _to_kernel(states, slopes), to_state, None


class _GRU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projections: Any, kernel: Any, initial: Any, bias: Any) -> Any:
        units = initial.shape[1]
        states = initial.new_empty((projections.shape[1] + 1, *initial.shape))
        states[0] = initial
        news = torch.empty_like(states[1:])
        # The gates, and the product of the new state, which a reset is still to scale.
        parts = initial.new_empty((*news.shape[:2], 3 * units))
        each = states.unbind(0)
        gates, products = (x.unbind(0) for x in parts.split([2 * units, units], dim=2))
        to_gates, to_news = (x.unbind(1) for x in projections.split([2 * units, units], dim=2))
        updates, resets, _ = (x.unbind(0) for x in parts.chunk(3, dim=2))
        for t, (part, new) in enumerate(zip(parts.unbind(0), news.unbind(0), strict=True)):
            torch.mm(each[t], kernel, out=part)
            gates[t].add_(to_gates[t]).sigmoid_()
            products[t].add_(bias)
            torch.addcmul(to_news[t], resets[t], products[t], out=new).tanh_()
            torch.lerp(new, each[t], updates[t], out=each[t + 1])
        ctx.save_for_backward(states, kernel, parts, news)
        return states[-1].clone(), states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_last: Any, to_outputs: Any) -> Any:
        states, kernel, parts, news = ctx.saved_tensors
        update, reset, product = parts.chunk(3, dim=2)
        # They become the gradients of the recurrent products, step by step.
        slopes = parts.new_empty(*news.shape[:2], 3, news.shape[2])
        by_update, by_reset, by_product = slopes.unbind(2)
        keep = 1 - update
        by_new = keep * (1 - news.square())
        torch.mul(states[:-1] - news, keep.mul_(update), out=by_update)
        torch.mul(by_new, reset, out=by_product)
        torch.mul(by_product, product, out=by_reset).mul_(1 - reset)
        to_products, backwards = slopes.flatten(2), kernel.T
        each, products, updates = (x.unbind(0) for x in (slopes, to_products, update))
        to_states = torch.nn.functional.pad(to_outputs, [0, 0, 0, 0, 1, 0])
        to_states[-1] += to_last
        to_each = to_states.unbind(0)
        for t in reversed(range(len(each))):
            each[t].mul_(to_each[t + 1][:, None])
            to_each[t].addmm_(products[t], backwards).addcmul_(updates[t], to_each[t + 1])
        to_kernel, to_bias = _to_kernel(states, to_products), by_product.sum((0, 1))
        # From here on they are those of the projections.
        torch.mul(to_states[1:], by_new, out=by_product)
        return to_products.transpose(0, 1), to_kernel, to_each[0], to_bias

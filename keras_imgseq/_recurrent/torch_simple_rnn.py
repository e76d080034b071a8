"""A SimpleRNN in PyTorch, with its gradient written by hand.

    a[t] = x[t] W + h[t-1] U + b
    h[t] = f(a[t])                              f: relu or tanh

With the gradient of every output, grad_y[t], and of the last state, grad_h[T]:

    grad_h[t]   += grad_y[t]
    grad_a[t]    = f'(a[t]) grad_h[t]           relu: 1 or 0, tanh: 1 - h[t]^2
    grad_h[t-1]  = grad_a[t] U^T
    grad_x[t]    = grad_a[t] W^T
    grad_W       = sum x[t]^T grad_a[t]
    grad_U       = sum h[t-1]^T grad_a[t]
    grad_b       = sum grad_a[t]

`x W` does not depend on the previous step, so it is computed for all steps at once. The steps
lie one below the other, as `torch_packed` says.
"""

from itertools import pairwise
from typing import Any

import torch

from keras_imgseq._recurrent.torch_gradients import must_be_recorded, recorded_gradients
from keras_imgseq._recurrent.torch_packed import in_turn, last_rows, states_before


def run_relu(
    x: Any,
    batch_sizes: list[int],
    initial: Any,
    weights: list[Any],
    return_sequences: bool,
    padding: Any = None,
) -> Any:
    """All outputs, or `None`, and the last states, with relu.

    Rows of padding come first, if any. A state of zeros stays zero there.
    """
    return _run(x, batch_sizes, initial, weights, return_sequences, torch.relu, padding)


def run_tanh(
    x: Any, batch_sizes: list[int], initial: Any, weights: list[Any], return_sequences: bool
) -> Any:
    """All outputs, or `None`, and the last states, with tanh."""
    return _run(x, batch_sizes, initial, weights, return_sequences, torch.tanh)


def _run(
    x: Any,
    batch_sizes: list[int],
    initial: Any,
    weights: list[Any],
    return_sequences: bool,
    f: Any,
    padding: Any = None,
) -> Any:
    w, u, *bias = weights
    b = bias[0] if bias else w.new_zeros(w.shape[1])
    return _SimpleRNN.apply(x, w, u, b, initial, f, batch_sizes, return_sequences, padding)  # type: ignore[no-untyped-call]


def _step_by_step(
    f: Any, batch_sizes: list[int], padding: Any, x: Any, w: Any, u: Any, b: Any, h: Any
) -> tuple[Any, Any]:
    """The equations, in operations that PyTorch can differentiate."""
    projections = x @ w + b
    if padding is not None:
        projections = projections.index_fill(0, padding, 0)
    each = [h]
    for projection in projections.split(batch_sizes):
        each.append(f(projection + each[-1][: len(projection)] @ u))
    states = torch.cat(each)
    return states[len(h) :], torch.cat(last_rows(states, [len(h), *batch_sizes]))


class _SimpleRNN(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        w: Any,
        u: Any,
        b: Any,
        initial: Any,
        f: Any,
        batch_sizes: list[int],
        return_sequences: bool,
        padding: Any,
    ) -> Any:
        batch, sizes = len(initial), [len(initial), *batch_sizes]
        h = initial.new_empty((batch + len(x), initial.shape[1]))
        h[:batch] = initial
        # Each state is made where its projection lies, which costs a third less.
        projections = torch.addmm(b, x, w, out=h[batch:])
        if padding is not None:
            projections.index_fill_(0, padding, 0)
        activate = torch.relu_ if f is torch.relu else torch.tanh_
        for before, state in pairwise(in_turn(h, sizes)):
            size = len(state)
            activate(state.addmm_(before if len(before) == size else before[:size], u))
        ctx.set_materialize_grads(False)
        # A stateful layer overwrites its state. What needs no gradient is read from h.
        ctx.save_for_backward(x, w, u, b, initial if ctx.needs_input_grad[4] else h[:batch], h)
        ctx.f, ctx.batch_sizes, ctx.padding = f, batch_sizes, padding
        # Copies, so that a caller may change them, and the last does not keep the others.
        last = torch.cat(last_rows(h, sizes))
        return h[batch:].clone() if return_sequences else None, last

    @staticmethod
    def backward(ctx: Any, grad_y: Any, grad_last: Any) -> Any:
        *inputs, h = ctx.saved_tensors
        batch_sizes, needed = ctx.batch_sizes, ctx.needs_input_grad[:5]
        if grad_y is None and grad_last is None:
            return (None,) * 9

        def recorded() -> tuple[Any, ...]:
            found = recorded_gradients(
                lambda *given: _step_by_step(ctx.f, batch_sizes, ctx.padding, *given),
                inputs,
                needed,
                (grad_y, grad_last),
            )
            return *found, None, None, None, None

        if must_be_recorded([grad_y, grad_last]):
            return recorded()
        x, w, u, _, initial = inputs
        batch, is_relu = len(initial), ctx.f is torch.relu
        grad_h = torch.zeros_like(initial) if grad_last is None else grad_last.clone()
        # The slopes, which become the gradients step by step.
        grad_a = h[batch:].sign() if is_relu else 1 - h[batch:].square()
        backwards = u.T
        first_rows = {size: grad_h[:size] for size in set(batch_sizes)}
        each = in_turn(grad_a, batch_sizes, backwards=True)
        if grad_y is None:
            for part in each:
                grad = first_rows[len(part)]
                torch.mm(part.mul_(grad), backwards, out=grad)
        else:
            outputs = in_turn(grad_y, batch_sizes, backwards=True)
            for part, output in zip(each, outputs, strict=True):
                grad = first_rows[len(part)].add_(output)
                torch.mm(part.mul_(grad), backwards, out=grad)
        # What a dead unit hands back is 0, but the product of 0 and infinity is not.
        if is_relu and not grad_h.isfinite().all():
            return recorded()
        grad_u = states_before(h, [batch, *batch_sizes]).T @ grad_a
        grad_x = grad_a @ w.T if needed[0] else None
        return grad_x, x.T @ grad_a, grad_u, grad_a.sum(0), grad_h, None, None, None, None

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
lie one below the other: first the first steps of all sequences, then all second steps.

Steps of padding come before the real ones. There h[t] = f(0) = 0, and grad_a[t] = 0.
"""

from itertools import pairwise
from typing import Any

import torch

from keras_imgseq._recurrent.torch_gradients import must_be_recorded, recorded_gradients
from keras_imgseq._recurrent.torch_packed import in_turn


def run(
    x: Any,
    num_steps: int,
    initial: Any,
    weights: list[Any],
    is_relu: bool,
    return_sequences: bool,
    padding: Any = None,
) -> Any:
    """All outputs, or `None`, and the last states.

    With padding the states begin with zeros.
    """
    w, u, *bias = weights
    b = bias[0] if bias else w.new_zeros(w.shape[1])
    options = padding, num_steps, is_relu, return_sequences
    return _SimpleRNN.apply(x, w, u, b, initial, *options)  # type: ignore[no-untyped-call]


def _step_by_step(
    padding: Any, num_steps: int, is_relu: bool, x: Any, w: Any, u: Any, b: Any, h: Any
) -> tuple[Any, Any]:
    """The equations, in operations that PyTorch can differentiate."""
    activate, sizes = torch.relu if is_relu else torch.tanh, [len(h)] * num_steps
    is_real: Any = torch.ones((len(x), 1), dtype=torch.bool)
    if padding is not None:
        is_real.index_fill_(0, padding, False)
    outputs = []
    for projection, is_step in zip((x @ w + b).split(sizes), is_real.split(sizes), strict=True):
        h = torch.where(is_step, activate(projection + h @ u), h)
        outputs.append(h)
    return torch.cat(outputs), h


class _SimpleRNN(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        w: Any,
        u: Any,
        b: Any,
        initial: Any,
        padding: Any,
        num_steps: int,
        is_relu: bool,
        return_sequences: bool,
    ) -> Any:
        batch = len(initial)
        h = initial.new_empty((batch + len(x), initial.shape[1]))
        h[:batch] = initial
        # Each state is made where its projection lies, which costs a third less.
        projections = h[batch:]
        torch.addmm(b, x, w, out=projections)
        if padding is not None:
            projections.index_fill_(0, padding, 0)
        activate = torch.relu_ if is_relu else torch.tanh_
        for before, state in pairwise(in_turn(h, [batch] * (num_steps + 1))):
            activate(state.addmm_(before, u))
        ctx.set_materialize_grads(False)
        # A stateful layer overwrites its state. What needs no gradient is read from h.
        initial = initial if ctx.needs_input_grad[4] else h[:batch]
        ctx.save_for_backward(x, w, u, b, initial, padding, h)
        ctx.num_steps, ctx.is_relu = num_steps, is_relu
        # Copies, so that a caller may change them, and the last does not keep the others.
        last = h[len(x) :].clone()
        return h[batch:].clone() if return_sequences else None, last

    @staticmethod
    def backward(ctx: Any, grad_y: Any, grad_last: Any) -> Any:
        *inputs, padding, h = ctx.saved_tensors
        num_steps, is_relu, needed = ctx.num_steps, ctx.is_relu, ctx.needs_input_grad[:5]
        if grad_y is None and grad_last is None:
            return (None,) * 9

        def recorded() -> tuple[Any, ...]:
            found = recorded_gradients(
                lambda *given: _step_by_step(padding, num_steps, is_relu, *given),
                inputs,
                needed,
                (grad_y, grad_last),
            )
            return *found, None, None, None, None

        if must_be_recorded([grad_y, grad_last]):
            return recorded()
        x, w, u, _, initial = inputs
        batch = len(initial)
        grad_h = torch.zeros_like(initial) if grad_last is None else grad_last.clone()
        # The slopes, which become the gradients step by step.
        states = h[batch:]
        grad_a = states.sign() if is_relu else 1 - states.square()
        # The slope of a relu is 0 in the padding.
        has_slopes = padding is not None and not is_relu
        if has_slopes:
            # Else gradients fade on through the padding, and numbers near zero are slow.
            grad_a.index_fill_(0, padding, 0)
        backwards, sizes = u.T, [batch] * num_steps
        each = in_turn(grad_a, sizes, backwards=True)
        if grad_y is None:
            for part in each:
                torch.mm(part.mul_(grad_h), backwards, out=grad_h)
        else:
            outputs = in_turn(grad_y, sizes, backwards=True)
            for part, output in zip(each, outputs, strict=True):
                torch.mm(part.mul_(grad_h.add_(output)), backwards, out=grad_h)
        # What a dead unit hands back is 0, but the product of 0 and infinity is not.
        if is_relu and not grad_h.isfinite().all():
            return recorded()
        if has_slopes:
            # What is not finite is not 0 when it is multiplied by 0.
            grad_a.index_fill_(0, padding, 0)
        grad_x = grad_a @ w.T if needed[0] else None
        grad_u = h[: len(x)].T @ grad_a
        return grad_x, x.T @ grad_a, grad_u, grad_a.sum(0), grad_h, None, None, None, None

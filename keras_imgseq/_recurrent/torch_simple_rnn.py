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

`x W` does not depend on the previous step, so it is computed for all steps at once.
"""

from typing import Any

import torch

from keras_imgseq._recurrent.torch_gradients import must_be_recorded, recorded_gradients


def run_relu(x: Any, states: list[Any], weights: list[Any], return_sequences: bool) -> Any:
    """All outputs, or the last one, and the last state, with relu."""
    return _run(x, states, weights, return_sequences, torch.relu)


def run_tanh(x: Any, states: list[Any], weights: list[Any], return_sequences: bool) -> Any:
    """All outputs, or the last one, and the last state, with tanh."""
    return _run(x, states, weights, return_sequences, torch.tanh)


def _run(x: Any, states: list[Any], weights: list[Any], return_sequences: bool, f: Any) -> Any:
    w, u, *bias = weights
    b = bias[0] if bias else w.new_zeros(w.shape[1])
    y, h = _SimpleRNN.apply(x, w, u, b, states[0], f, return_sequences)  # type: ignore[no-untyped-call]
    return (y if return_sequences else h[:, None]), [h]


def _step_by_step(f: Any, x: Any, w: Any, u: Any, b: Any, h: Any) -> tuple[Any, Any]:
    """The equations, in operations that PyTorch can differentiate."""
    outputs = []
    for projection in (x @ w + b).unbind(1):
        h = f(projection + h @ u)
        outputs.append(h)
    return torch.stack(outputs, dim=1), h


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
        return_sequences: bool,
    ) -> Any:
        projections = (x.flatten(0, 1) @ w).add_(b).unflatten(0, x.shape[:2])
        h = initial.new_empty((x.shape[1] + 1, *initial.shape))
        h[0] = initial
        each, activate = h.unbind(0), torch.relu_ if f is torch.relu else torch.tanh_
        for t, projection in enumerate(projections.unbind(1)):
            activate(torch.addmm(projection, each[t], u, out=each[t + 1]))
        ctx.set_materialize_grads(False)
        # A stateful layer overwrites its state. What needs no gradient is read from h.
        ctx.save_for_backward(x, w, u, b, initial if ctx.needs_input_grad[4] else h[0], h)
        ctx.f = f
        # Copies, so that a caller may change them, and the last does not keep the others.
        y = h[1:].transpose(0, 1).contiguous() if return_sequences else None
        return y, h[-1].clone()

    @staticmethod
    def backward(ctx: Any, grad_y: Any, grad_h: Any) -> Any:
        *inputs, h = ctx.saved_tensors
        needed = ctx.needs_input_grad[:5]
        if grad_y is None and grad_h is None:
            return (None,) * 7
        if must_be_recorded([grad_y, grad_h]):
            found = recorded_gradients(
                lambda *given: _step_by_step(ctx.f, *given),
                inputs,
                needed,
                (grad_y, grad_h),
            )
            return *found, None, None
        x, w, u, _, _ = inputs
        is_relu, grad_a, zero = ctx.f is torch.relu, torch.empty_like(h[1:]), h.new_zeros(())
        slopes = (h[1:] <= 0 if is_relu else 1 - h[1:].square()).unbind(0)
        each, backwards = grad_a.unbind(0), u.T
        for t in reversed(range(len(each))):
            if grad_y is not None:
                grad_h = grad_y[:, t] if grad_h is None else grad_y[:, t] + grad_h
            if is_relu:
                # Not a product: what a dead unit hands back is 0, even for an infinite gradient.
                torch.where(slopes[t], zero, grad_h, out=each[t])
            else:
                torch.mul(slopes[t], grad_h, out=each[t])
            grad_h = each[t] @ backwards
        grad_u = h[:-1].flatten(0, 1).T @ grad_a.flatten(0, 1)
        flat = grad_a.transpose(0, 1).flatten(0, 1)
        grad_x = (flat @ w.T).unflatten(0, x.shape[:2]) if needed[0] else None
        grad_w = x.flatten(0, 1).T @ flat
        return grad_x, grad_w, grad_u, flat.sum(0), grad_h, None, None

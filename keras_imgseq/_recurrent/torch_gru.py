"""A GRU in PyTorch, with its gradient written by hand.

    z[t] = sigmoid(x[t] W_z + h[t-1] U_z + b_z)              the update gate
    r[t] = sigmoid(x[t] W_r + h[t-1] U_r + b_r)              the reset gate
    q[t] = h[t-1] U_n + c
    n[t] = tanh(x[t] W_n + b_n + r[t] q[t])                  the new state
    h[t] = z[t] h[t-1] + (1 - z[t]) n[t]

With the gradient of every output, grad_y[t], and of the last state, grad_h[T]:

    grad_h[t]   += grad_y[t]
    grad_n[t]    = grad_h[t] (1 - z[t]) (1 - n[t]^2)         before tanh
    grad_z[t]    = grad_h[t] (h[t-1] - n[t]) z[t] (1 - z[t]) before the sigmoid
    grad_r[t]    = grad_n[t] q[t] r[t] (1 - r[t])            before the sigmoid
    grad_q[t]    = grad_n[t] r[t]
    grad_h[t-1]  = grad_h[t] z[t] + [grad_z[t] grad_r[t] grad_q[t]] U^T
    grad_x[t]    = [grad_z[t] grad_r[t] grad_n[t]] W^T
    grad_W       = sum of x[t]^T [grad_z[t] grad_r[t] grad_n[t]]
    grad_b       = sum of [grad_z[t] grad_r[t] grad_n[t]]
    grad_U       = sum of h[t-1]^T [grad_z[t] grad_r[t] grad_q[t]]
    grad_c       = sum of grad_q[t]

`x W` does not depend on the previous step, so it is computed for all steps at once. The steps
lie one below the other, as `torch_packed` says.
"""

from itertools import pairwise
from typing import Any

import torch

from keras_imgseq._recurrent.torch_gradients import must_be_recorded, recorded_gradients
from keras_imgseq._recurrent.torch_packed import in_turn, last_rows, states_before


def run(
    x: Any, batch_sizes: list[int], initial: Any, weights: list[Any], return_sequences: bool
) -> Any:
    """All outputs, or `None`, and the last states."""
    w, u, *bias = weights
    units = u.shape[0]
    # Keras adds two biases. The reset gate scales the second one of the new state only.
    b, c = bias[0] if bias else w.new_zeros((2, 3 * units))
    b = b + torch.nn.functional.pad(c[: 2 * units], [0, units])
    c = c[2 * units :]
    return _GRU.apply(x, w, u, b, c, initial, batch_sizes, return_sequences)  # type: ignore[no-untyped-call]


def _step_by_step(
    batch_sizes: list[int], x: Any, w: Any, u: Any, b: Any, c: Any, h: Any
) -> tuple[Any, Any]:
    """The equations, in operations that PyTorch can differentiate."""
    each = [h]
    for projection in (x @ w + b).split(batch_sizes):
        before = each[-1][: len(projection)]
        (z_x, r_x, n_x), (z_h, r_h, n_h) = (
            part.chunk(3, dim=-1) for part in (projection, before @ u)
        )
        z, r, q = torch.sigmoid(z_x + z_h), torch.sigmoid(r_x + r_h), n_h + c
        n = torch.tanh(n_x + r * q)
        each.append(z * before + (1 - z) * n)
    states = torch.cat(each)
    return states[len(h) :], torch.cat(last_rows(states, [len(h), *batch_sizes]))


class _GRU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Any,
        w: Any,
        u: Any,
        b: Any,
        c: Any,
        initial: Any,
        batch_sizes: list[int],
        return_sequences: bool,
    ) -> Any:
        batch, units = initial.shape
        h = initial.new_empty((batch + len(x), units))
        h[:batch] = initial
        n, zrq = initial.new_empty((len(x), units)), initial.new_empty((len(x), 3 * units))

        gates_x, n_x = (x @ w).add_(b).split([2 * units, units], dim=1)
        gates, q = zrq.split([2 * units, units], dim=1)
        z, r, _ = zrq.chunk(3, dim=1)
        sizes = [batch, *batch_sizes]
        parts = (in_turn(part, batch_sizes) for part in (zrq, gates, gates_x, q, n_x, r, z, n))
        states = pairwise(in_turn(h, sizes))
        for (before, state), zrq_t, gates_t, gates_x_t, q_t, n_x_t, r_t, z_t, n_t in zip(
            states, *parts, strict=True
        ):
            first = before if len(before) == len(state) else before[: len(state)]
            torch.mm(first, u, out=zrq_t)
            gates_t.add_(gates_x_t).sigmoid_()
            q_t.add_(c)
            torch.addcmul(n_x_t, r_t, q_t, out=n_t).tanh_()
            torch.lerp(n_t, first, z_t, out=state)
        ctx.set_materialize_grads(False)
        # A stateful layer overwrites its state. What needs no gradient is read from h.
        initial = initial if ctx.needs_input_grad[5] else h[:batch]
        ctx.save_for_backward(x, w, u, b, c, initial, h, zrq, n)
        ctx.batch_sizes = batch_sizes
        # Copies, so that a caller may change them, and the last does not keep the others.
        last = torch.cat(last_rows(h, sizes))
        return h[batch:].clone() if return_sequences else None, last

    @staticmethod
    def backward(ctx: Any, grad_y: Any, grad_last: Any) -> Any:
        *inputs, h, zrq, n = ctx.saved_tensors
        batch_sizes, needed = ctx.batch_sizes, ctx.needs_input_grad[:6]
        if grad_y is None and grad_last is None:
            return (None,) * 8
        if must_be_recorded([grad_y, grad_last]):
            found = recorded_gradients(
                lambda *given: _step_by_step(batch_sizes, *given),
                inputs,
                needed,
                (grad_y, grad_last),
            )
            return *found, None, None
        x, w, u, _, _, initial = inputs
        batch = len(initial)
        sizes = [batch, *batch_sizes]
        before = states_before(h, sizes)
        z, r, q = zrq.chunk(3, dim=1)
        # All that does not depend on grad_h, multiplied by it in the loop below.
        grad_zrq = zrq.new_empty((len(n), 3, n.shape[1]))
        grad_z, grad_r, grad_q = grad_zrq.unbind(1)
        keep = 1 - z
        by_n = keep * (1 - n.square())
        torch.mul(before - n, keep.mul_(z), out=grad_z)
        torch.mul(by_n, r, out=grad_q)
        torch.mul(grad_q, q, out=grad_r).mul_(1 - r)
        flat, backwards = grad_zrq.flatten(1), u.T
        grad_h = torch.zeros_like(h)
        if grad_y is not None:
            grad_h[batch:] = grad_y
        if grad_last is not None:
            ends = last_rows(grad_h, sizes)
            for end, grad in zip(ends, grad_last.split([*map(len, ends)]), strict=True):
                end.add_(grad)
        parts = (in_turn(part, batch_sizes, backwards=True) for part in (grad_zrq, flat, z))
        grads = pairwise(in_turn(grad_h, sizes, backwards=True))
        for (grad, grad_before), part, product, update in zip(grads, *parts, strict=True):
            size = len(grad)
            first = grad_before if len(grad_before) == size else grad_before[:size]
            part.mul_(grad[:, None])
            first.addmm_(product, backwards).addcmul_(update, grad)
        grad_u = before.T @ flat
        grad_c = grad_q.sum(0)
        # From here on the last part is grad_n instead of grad_q.
        torch.mul(grad_h[batch:], by_n, out=grad_q)
        grad_x = flat @ w.T if needed[0] else None
        return grad_x, x.T @ flat, grad_u, flat.sum(0), grad_c, grad_h[:batch].clone(), None, None

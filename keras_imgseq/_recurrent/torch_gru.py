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

`x W` does not depend on the previous step, so it is computed for all steps at once.
"""

from typing import Any

import torch

from keras_imgseq._recurrent.torch_gradients import must_be_recorded, recorded_gradients


def run(x: Any, states: list[Any], weights: list[Any], return_sequences: bool) -> Any:
    """All outputs, or the last one, and the last state."""
    w, u, *bias = weights
    units = u.shape[0]
    # Keras adds two biases. The reset gate scales the second one of the new state only.
    b, c = bias[0] if bias else w.new_zeros((2, 3 * units))
    b = b + torch.nn.functional.pad(c[: 2 * units], [0, units])
    c = c[2 * units :]
    y, h = _GRU.apply(x, w, u, b, c, states[0], return_sequences)  # type: ignore[no-untyped-call]
    return (y if return_sequences else h[:, None]), [h]


def _step_by_step(x: Any, w: Any, u: Any, b: Any, c: Any, h: Any) -> tuple[Any, Any]:
    """The equations, in operations that PyTorch can differentiate."""
    outputs = []
    parts = (x @ w + b).chunk(3, dim=-1)
    for z_x, r_x, n_x in zip(*(part.unbind(1) for part in parts), strict=True):
        z_h, r_h, q = (h @ u).chunk(3, dim=-1)
        z, r = torch.sigmoid(z_x + z_h), torch.sigmoid(r_x + r_h)
        n = torch.tanh(n_x + r * (q + c))
        h = z * h + (1 - z) * n
        outputs.append(h)
    return torch.stack(outputs, dim=1), h


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
        return_sequences: bool,
    ) -> Any:
        units = initial.shape[1]
        projections = (x.flatten(0, 1) @ w).add_(b).unflatten(0, x.shape[:2])
        h = initial.new_empty((x.shape[1] + 1, *initial.shape))
        h[0] = initial
        n = torch.empty_like(h[1:])
        zrq = initial.new_empty((*n.shape[:2], 3 * units))
        each = h.unbind(0)
        gates, products = (part.unbind(0) for part in zrq.split([2 * units, units], dim=2))
        gates_x, n_x = (part.unbind(1) for part in projections.split([2 * units, units], dim=2))
        z, r, _ = (part.unbind(0) for part in zrq.chunk(3, dim=2))
        for t, (product, new) in enumerate(zip(zrq.unbind(0), n.unbind(0), strict=True)):
            torch.mm(each[t], u, out=product)
            gates[t].add_(gates_x[t]).sigmoid_()
            products[t].add_(c)
            torch.addcmul(n_x[t], r[t], products[t], out=new).tanh_()
            torch.lerp(new, each[t], z[t], out=each[t + 1])
        ctx.set_materialize_grads(False)
        # A stateful layer overwrites its state. What needs no gradient is read from h.
        initial = initial if ctx.needs_input_grad[5] else h[0]
        ctx.save_for_backward(x, w, u, b, c, initial, h, zrq, n)
        # Copies, so that a caller may change them, and the last does not keep the others.
        y = h[1:].transpose(0, 1).contiguous() if return_sequences else None
        return y, h[-1].clone()

    @staticmethod
    def backward(ctx: Any, grad_y: Any, grad_last: Any) -> Any:
        *inputs, h, zrq, n = ctx.saved_tensors
        needed = ctx.needs_input_grad[:6]
        if grad_y is None and grad_last is None:
            return (None,) * 7
        if must_be_recorded([grad_y, grad_last]):
            return *recorded_gradients(_step_by_step, inputs, needed, (grad_y, grad_last)), None
        x, w, u, *_ = inputs
        z, r, q = zrq.chunk(3, dim=2)
        # All that does not depend on grad_h, multiplied by it in the loop below.
        grad_zrq = zrq.new_empty(*n.shape[:2], 3, n.shape[2])
        grad_z, grad_r, grad_q = grad_zrq.unbind(2)
        keep = 1 - z
        by_n = keep * (1 - n.square())
        torch.mul(h[:-1] - n, keep.mul_(z), out=grad_z)
        torch.mul(by_n, r, out=grad_q)
        torch.mul(grad_q, q, out=grad_r).mul_(1 - r)
        flat, backwards = grad_zrq.flatten(2), u.T
        each, products, updates = (part.unbind(0) for part in (grad_zrq, flat, z))
        grad_h = torch.zeros_like(h)
        if grad_y is not None:
            grad_h[1:] = grad_y.transpose(0, 1)
        if grad_last is not None:
            grad_h[-1] += grad_last
        grad_each = grad_h.unbind(0)
        for t in reversed(range(len(each))):
            each[t].mul_(grad_each[t + 1][:, None])
            grad_each[t].addmm_(products[t], backwards).addcmul_(updates[t], grad_each[t + 1])
        grad_u = h[:-1].flatten(0, 1).T @ flat.flatten(0, 1)
        grad_c = grad_q.sum((0, 1))
        # From here on the last part is grad_n instead of grad_q.
        torch.mul(grad_h[1:], by_n, out=grad_q)
        flat = flat.transpose(0, 1).flatten(0, 1)
        grad_x = (flat @ w.T).unflatten(0, x.shape[:2]) if needed[0] else None
        grad_w = x.flatten(0, 1).T @ flat
        return grad_x, grad_w, grad_u, flat.sum(0), grad_c, grad_each[0].clone(), None

"""An LSTM in PyTorch, by its kernel for the whole sequence.

    i[t], f[t], o[t] = sigmoid(x[t] W + h[t-1] U + b)        the input, forget and output gates
    g[t] = tanh(x[t] W_g + h[t-1] U_g + b_g)                 what is new
    c[t] = f[t] c[t-1] + i[t] g[t]
    h[t] = o[t] tanh(c[t])

Keras' kernels hold the gates in the order i, f, g, o, as PyTorch's do.

The kernel has a gradient, but no gradient of it. Where one is needed, the equations run step
by step.
"""

from typing import Any

import torch

from keras_imgseq._recurrent.torch_gradients import (
    gradients_of,
    must_be_recorded,
    recorded_gradients,
)


def run(x: Any, states: list[Any], weights: list[Any], return_sequences: bool) -> Any:
    """All outputs, or the last one, and the last states."""
    w, u, *bias = weights
    b = bias[0] if bias else w.new_zeros(w.shape[1])
    y, h, c = _LSTM.apply(x, w, u, b, *states, return_sequences)  # type: ignore[no-untyped-call]
    return (y if return_sequences else h[:, None]), [h, c]


def _by_the_kernel(x: Any, w: Any, u: Any, b: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
    y, h, c = torch.lstm(
        x,
        [h[None], c[None]],
        [w.T, u.T, b, torch.zeros_like(b)],
        has_biases=True,
        num_layers=1,
        dropout=0.0,
        train=torch.is_grad_enabled(),
        bidirectional=False,
        batch_first=True,
    )
    return y, h[0], c[0]


def _step_by_step(x: Any, w: Any, u: Any, b: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
    """The equations, in operations that PyTorch can differentiate."""
    outputs = []
    for projection in (x @ w + b).unbind(1):
        i, f, g, o = (projection + h @ u).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs, dim=1), h, c


def _recorded(inputs: Any, needed: Any) -> tuple[Any, Any]:
    """Copies of the inputs, and the outputs of the kernel with their own gradient."""
    copies = [
        tensor.detach().requires_grad_(is_needed)
        for tensor, is_needed in zip(inputs, needed, strict=True)
    ]
    with torch.set_grad_enabled(any(needed)):
        return copies, _by_the_kernel(*copies)


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Any, w: Any, u: Any, b: Any, h: Any, c: Any, return_sequences: bool
    ) -> Any:
        # A stateful layer overwrites its states.
        h, c = (
            state if needed else state.clone()
            for state, needed in zip((h, c), ctx.needs_input_grad[4:6], strict=True)
        )
        # So may a caller with a buffer of images.
        x = x if ctx.needs_input_grad[0] else x.clone()
        inputs = x, w, u, b, h, c
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs)
        ctx.recorded = _recorded(inputs, ctx.needs_input_grad[:6])
        y, h, c = (output.detach() for output in ctx.recorded[1])
        # Copies, so that a caller may change them, and the last does not keep the others.
        return y.clone() if return_sequences else None, h.clone(), c.clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        inputs, needed = ctx.saved_tensors, ctx.needs_input_grad[:6]
        if all(gradient is None for gradient in grad_outputs):
            return (None,) * 7
        if must_be_recorded(grad_outputs):
            return *recorded_gradients(_step_by_step, inputs, needed, grad_outputs), None
        # Freed at once, as PyTorch frees its graph. A second backward pass runs the kernel again.
        copies, recorded = ctx.recorded or _recorded(inputs, needed)
        ctx.recorded = None
        return *gradients_of(recorded, grad_outputs, copies, needed), None

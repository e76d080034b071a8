"""Gradients of loops that are written by hand, where they are to be differentiated again."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad


def must_be_recorded(gradients: Sequence[Any]) -> bool:
    """Whether a gradient is to be differentiated again, or is one of a batch of gradients."""
    return torch.is_grad_enabled() or not all(map(_has_memory, gradients))


def recorded_gradients(
    run: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    needs_gradient: Sequence[bool],
    grad_outputs: Sequence[Any],
) -> list[Any]:
    """The gradients of `run`, in operations of PyTorch that it can differentiate again."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # Views end the graph here: one input may depend on another, or have a hook.
        inputs = [tensor.view_as(tensor) for tensor in inputs]
        outputs = run(*inputs)
    given = [
        (output, gradient)
        for output, gradient in zip(outputs, grad_outputs, strict=True)
        if gradient is not None
    ]
    wanted = [x for x, needed in zip(inputs, needs_gradient, strict=False) if needed]
    gradients = iter(
        torch.autograd.grad(
            [output for output, _ in given],
            wanted,
            [gradient for _, gradient in given],
            create_graph=create_graph,
            allow_unused=True,
        )
    )
    return [next(gradients) if needed else None for needed in needs_gradient]


def _has_memory(tensor: Any) -> bool:
    if tensor is None:
        return True
    try:
        tensor.data_ptr()
    except RuntimeError:
        return False
    return forward_ad.unpack_dual(tensor).tangent is None  # type: ignore[no-untyped-call]

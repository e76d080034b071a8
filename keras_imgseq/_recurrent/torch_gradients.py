"""Gradients of loops that are written by hand, where they are to be differentiated again."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad


def must_be_recorded(gradients: Sequence[Any]) -> bool:
    """Whether a gradient is to be differentiated again, or is one of a batch of gradients."""
    is_plain = all(gradient is None or is_in_memory(gradient) for gradient in gradients)
    return torch.is_grad_enabled() or not is_plain


def is_in_memory(tensor: Any) -> bool:
    """Whether a tensor is nothing but numbers: no other is wrapped in it."""
    try:
        # The tensors of torch.func have no memory of their own.
        tensor.data_ptr()
    except RuntimeError:
        return False
    return forward_ad.unpack_dual(tensor).tangent is None  # type: ignore[no-untyped-call]


def recorded_gradients(
    run: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    needed: Sequence[bool],
    grad_outputs: Sequence[Any],
) -> list[Any]:
    """The gradients of `run`, in operations of PyTorch that it can differentiate again."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # Views end the graph here: one input may depend on another, or have a hook.
        inputs = [tensor.view_as(tensor) for tensor in inputs]
        outputs = run(*inputs)
    return gradients_of(outputs, grad_outputs, inputs, needed, create_graph=create_graph)


def gradients_of(
    outputs: Sequence[Any],
    grad_outputs: Sequence[Any],
    inputs: Sequence[Any],
    needed: Sequence[bool],
    *,
    create_graph: bool = False,
) -> list[Any]:
    """The gradients of the inputs that need one, and `None` for the others.

    Where all steps are masked, no step has used the inputs: their gradient is zero.
    """
    given = [
        (output, gradient)
        for output, gradient in zip(outputs, grad_outputs, strict=True)
        if gradient is not None and output.requires_grad
    ]
    gradients = iter(
        torch.autograd.grad(
            [output for output, _ in given],
            [tensor for tensor, is_needed in zip(inputs, needed, strict=True) if is_needed],
            [gradient for _, gradient in given],
            create_graph=create_graph,
            allow_unused=True,
            materialize_grads=True,
        )
    )
    return [next(gradients) if is_needed else None for is_needed in needed]

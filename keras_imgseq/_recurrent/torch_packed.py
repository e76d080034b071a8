"""Sequences in one matrix, as PyTorch's `PackedSequence` has them.

First come the first steps of all sequences, then all second steps. The longest sequence is the
first. `batch_sizes[t]` is how many sequences have a step t, so a step runs over the first
`batch_sizes[t]` rows of the states before it.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import torch

# Tens of thousands of tensors at once keep Python's garbage collector busy.
STEPS_AT_ONCE = 512


def in_turn(rows: Any, sizes: list[int], *, backwards: bool = False) -> Iterator[Any]:
    """The rows of each step, from the first step or from the last."""
    starts = range(0, len(sizes), STEPS_AT_ONCE)
    parts = [sizes[start : start + STEPS_AT_ONCE] for start in starts]
    blocks = rows.split([*map(sum, parts)])
    order = slice(None, None, -1 if backwards else 1)
    for block, part in [*zip(blocks, parts, strict=True)][order]:
        yield from block.split(part)[order]


def states_before(h: Any, sizes: list[int]) -> Any:
    """The state before each step, row by row, out of `h`: the first states, then all others."""
    batch, *batch_sizes = sizes
    num_steps = sum(batch_sizes)
    if num_steps == batch * len(batch_sizes):
        return h[:num_steps]
    each = zip(in_turn(h, sizes), batch_sizes, strict=False)
    return torch.cat([state[:size] for state, size in each])


def last_rows(h: Any, sizes: list[int]) -> list[Any]:
    """The rows after which a sequence ends, in the order of the sequences."""
    ends = zip(accumulate(sizes), sizes, [*sizes[1:], 0], strict=True)
    parts = [h[end - size + after : end] for end, size, after in ends if after < size]
    return parts[::-1] or [h[:0]]

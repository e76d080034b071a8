"""Sequences in one matrix, as PyTorch's `PackedSequence` has them.

First come the first steps of all sequences, then all second steps. The longest sequence is the
first. `batch_sizes[t]` is how many sequences have a step t, so a step runs over the first
`batch_sizes[t]` rows of the states before it.
"""

from collections.abc import Sequence
from typing import Any

import torch


def states_before(h: Any, each: Sequence[Any], batch_sizes: list[int]) -> Any:
    """The state before each step, row by row, out of `h`: the first states, then all others."""
    num_steps = sum(batch_sizes)
    if num_steps == len(each[0]) * len(batch_sizes):
        return h[:num_steps]
    return torch.cat([state[:n] for state, n in zip(each, batch_sizes, strict=False)])


def last_rows(each: Sequence[Any], batch_sizes: list[int]) -> list[Any]:
    """The rows after which a sequence ends, in the order of the sequences."""
    sizes, sizes_after = [len(each[0]), *batch_sizes], [*batch_sizes, 0]
    steps = zip(each, sizes, sizes_after, strict=True)
    parts = [state[after:] for state, size, after in steps if after < size]
    return parts[::-1] or [each[-1]]

"""The filters and pool sizes of a stem, as plain tuples."""

from collections.abc import Sequence
from typing import Any

from keras_imgseq._reading import arguments
from keras_imgseq._reading.arguments import shown

PoolSizes = tuple[tuple[int, int], ...]


def checked_stem(filters: Any, pool_sizes: Any) -> tuple[tuple[int, ...], PoolSizes]:
    """A number of filters and a pool size for each convolution."""
    meaning = "the number of filters of each convolution"
    examples = "filters=16 or filters=(16, 32)"
    counts = arguments.counts("filters", filters, meaning, examples)
    if pool_sizes is None:
        return counts, ((2, 2),) * len(counts)
    meaning = "a pair of ints (height, width) for each convolution"
    pairs, halves = arguments.items_of(pool_sizes), shown(((2, 2),) * len(counts))
    if pairs is None or len(pairs) != len(counts):
        raise ValueError(
            f"`pool_sizes` is {meaning}. Received: pool_sizes={shown(pool_sizes)} for "
            f"{len(counts)} of them. Write pool_sizes={halves}."
        )
    if not all(map(_is_pair, pairs)):
        raise ValueError(
            f"`pool_sizes` is {meaning}, both at least 1. Received: "
            f"pool_sizes={shown(pool_sizes)}. For example, write "
            f"pool_sizes={halves}: (2, 2) halves both sides, (1, 1) keeps them."
        )
    return counts, tuple((int(pair[0]), int(pair[1])) for pair in map(list, pairs))


def _is_pair(value: Any) -> bool:
    sides = arguments.items_of(value)
    return sides is not None and len(sides) == 2 and all(map(arguments.is_positive, sides))


def num_stem_params(filters: Sequence[int], num_channels: int) -> int:
    """The weights of 3 x 3 convolutions without bias, and four numbers a filter to normalize."""
    num_params = 0
    for number in filters:
        num_params += 9 * num_channels * number + 4 * number
        num_channels = number
    return num_params

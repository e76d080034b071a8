"""The arguments of a reading, checked: what one step sees, the order of the steps, and its seed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from keras_imgseq._reading import arguments
from keras_imgseq._reading.arguments import LARGEST, is_whole_number, listed, shown
from keras_imgseq._reading.orders import ORDERS, OrderName

Size = tuple[int | None, int | None]
StepName = Literal["row", "column", "pixel"]
Step = StepName | int | tuple[int, int]
Order = OrderName | Literal["random"] | Sequence[int]
Padding = Literal["same"]

# The patch that each named step sees. None stands for the whole side of the image.
STEPS: dict[str, Size] = {
    "row": (1, None),
    "column": (None, 1),
    "pixel": (1, 1),
}
PATCHES = ", an int or a pair of ints (patch_height, patch_width)"
OTHER_ORDERS = ", or the cells of the grid as a sequence of ints, as in order=[2, 0, 3, 1]"


class Cells(tuple[int, ...]):
    """An explicit order, hashed once: it may be long, and every call looks its path up."""

    _hash: int | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = super().__hash__()
        return self._hash


def checked_step(step: Any) -> Any:
    """What one step sees: a name, an int or a pair of ints."""
    if isinstance(step, str):
        return arguments.choice("step", step, STEPS, PATCHES)
    items = [step] if is_whole_number(step) else arguments.items_of(step)
    is_patch = items is not None and (len(items) == 2 or is_whole_number(step))
    if items is None or not is_patch or not all(is_whole_number(side) for side in items):
        raise ValueError(
            f"`step` is what one time step sees: {listed(STEPS)}{PATCHES}. "
            f"Received: step={shown(step)}"
        )
    if min(items) < 1 or max(items) > LARGEST:
        raise ValueError(
            f"A patch has from 1 to {LARGEST} pixels on each side. Received: step={shown(step)}. "
            "Write positive numbers, for example step=4 or step=(1, 7)."
        )
    return int(step) if is_whole_number(step) else (int(items[0]), int(items[1]))


def checked_order(order: Any) -> Any:
    """The order of the steps: a name, or the cells of the grid."""
    if isinstance(order, str):
        return arguments.choice("order", order, [*ORDERS, "random"], OTHER_ORDERS)
    if isinstance(order, Cells):
        return order
    cells = _cells_of(order)
    if cells is None:
        raise ValueError(
            f"`order` is one of {listed([*ORDERS, 'random'])}{OTHER_ORDERS}. "
            f"Received: order={shown(order)}"
        )
    if not cells.size or not np.array_equal(np.sort(cells), np.arange(cells.size)):
        if not cells.size:
            raise ValueError(
                "An explicit order names each cell of the grid once. Received: "
                f"order={shown(order)}. For example, write order=[2, 0, 3, 1] for a grid of 4 "
                'cells, or order="raster".'
            )
        raise ValueError(
            f"An explicit order names each cell of the grid once. {_fault(cells.tolist())} "
            f"Received: an order of {cells.size} cells. Write a permutation of "
            f"range({cells.size})."
        )
    return Cells(cells.tolist())


def _cells_of(order: Any) -> Any:
    """Cell numbers as one array of ints, read row by row where they lie as the grid does."""
    items = arguments.items_of(order)
    is_odd = isinstance(order, (np.matrix, np.ma.MaskedArray))
    if items is None or is_odd or any(isinstance(item, (bool, np.bool_)) for item in items):
        return None
    try:
        cells = np.asarray(order if isinstance(order, np.ndarray) else items)
    except (TypeError, ValueError, OverflowError):
        return None
    if not cells.size:
        return np.zeros(0, int)
    return cells.ravel() if cells.ndim in (1, 2) and cells.dtype.kind in "iu" else None


def _fault(cells: list[int]) -> str:
    missing = min(set(range(len(cells))) - set(cells))
    surplus, times = max(Counter(cells).items(), key=lambda item: (item[1], abs(item[0])))
    wrong = "comes more than once" if times > 1 else f"is not in a grid of {len(cells)} cells"
    return f"Cell {missing} is missing, and cell {surplus} {wrong}."


def checked_seed(seed: Any, order: Any) -> int | None:
    """The seed of a random order, which no other order has."""
    if order == "random" and seed is None:
        raise ValueError(
            'order="random" needs a seed. Received: seed=None. For example, write seed=0.'
        )
    if order != "random" and seed is not None:
        given = repr(order) if isinstance(order, str) else f"a list of {len(order)} cells"
        raise ValueError(
            f'Only order="random" takes a seed. Received: order={given}, seed={shown(seed)}. '
            'Omit the seed, or write order="random".'
        )
    if seed is not None and not (is_whole_number(seed) and 0 <= seed < 2**32):
        raise ValueError(f"`seed` is an int from 0 to 2**32 - 1. Received: seed={shown(seed)}")
    return None if seed is None else int(seed)

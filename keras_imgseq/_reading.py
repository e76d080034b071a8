"""A reading: what one time step sees, and in which order the steps are read.

In einops' notation every reading is `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`,
followed by one permutation of time.
"""

import dataclasses
import functools
import numbers
import operator
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from keras_imgseq._orders import ORDERS, Path, random, transposed

Size = tuple[int | None, int | None]
Step = str | int | tuple[int, int]
Order = str | tuple[int, ...]

# The patch that each named step sees; None stands for the whole side of the image.
STEPS: dict[str, Size] = {
    "row": (1, None),
    "column": (None, 1),
    "pixel": (1, 1),
}


class Route(NamedTuple):
    """How a reading is carried out: along a path, or else by rows or columns.

    A snake has a path too, but on a grid of unknown size it is left to be computed.
    """

    by_columns: bool = False
    backwards: bool = False
    is_snake: bool = False
    path: Path | None = None


@dataclasses.dataclass(frozen=True)
class Reading:
    """Step and order together, checked."""

    step: Step = "row"
    order: Order = "raster"
    transpose: bool = False
    reverse: bool = False
    seed: int | None = None
    padding: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", _checked_step(self.step))
        object.__setattr__(self, "order", _checked_order(self.order))
        object.__setattr__(self, "seed", _checked_seed(self.seed, self.order))
        for name in ("transpose", "reverse"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}")
        if self.padding not in (None, "same"):
            raise ValueError(
                '`padding` is "same", for zeros at the bottom and the right, or None. '
                f"Received: padding={self.padding!r}"
            )

    def patch_size(self, image_size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Height and width of a patch, in pixels; None where the image's own is unknown."""
        if isinstance(self.step, str):
            patch = STEPS[self.step]
        elif isinstance(self.step, int):
            patch = (self.step, self.step)
        else:
            patch = self.step
        height, width = (side or whole for side, whole in zip(patch, image_size, strict=True))
        return height, width

    def grid_size(self, image_size: Size) -> Size:
        """Patches down and across; None where it follows from an unknown side."""
        sides = zip(("height", "width"), image_size, self.patch_size(image_size), strict=True)
        down, across = (self._num_patches(name, side, patch) for name, side, patch in sides)
        return down, across

    def num_steps(self, image_size: Size) -> int | None:
        """Number of time steps; None where it follows from an unknown side."""
        grid = self.grid_size(image_size)
        self.route(grid)
        return None if grid[0] is None or grid[1] is None else grid[0] * grid[1]

    def num_features(self, image_size: Size, num_channels: int) -> int:
        """Values in one time step; an unknown number is an error."""
        height, width = self.patch_size(image_size)
        if height is None or width is None:
            side = "height" if height is None else "width"
            raise ValueError(
                f"step={self.step!r} sees the whole {side} of the image, so the {side} must be "
                f"known: it decides the number of features. Received: image_size={image_size}. "
                f"Write the {side} as a number, or take a step that does not depend on it."
            )
        return int(height * width * num_channels)

    def route(self, grid_size: Size) -> Route:
        """How to read a grid; computed once for each reading and size."""
        # Whatever the length of a single row or column, a named path runs along it.
        if 1 in grid_size and self.order in ORDERS:
            return Route(backwards=self.reverse)
        is_snake = self.order == "snake" and None in grid_size
        if self.order == "raster" or is_snake:
            return Route(self.transpose, self.reverse, is_snake)
        if None in grid_size:
            raise ValueError(
                f"This order needs the size of the grid. Received: order={self._short_order()}, "
                f"grid={grid_size}. Write the height and width of the images as numbers, or take "
                'order="raster" or order="snake".'
            )
        return _route(self, *grid_size)

    def path(self, grid_height: int, grid_width: int) -> Path:
        """The cells of the grid, numbered in raster order, in the order of reading."""
        num_cells = grid_height * grid_width
        across = (grid_width, grid_height) if self.transpose else (grid_height, grid_width)
        if self.order == "random":
            assert self.seed is not None
            path = random(num_cells, self.seed)
        elif isinstance(self.order, str):
            path = ORDERS[self.order](*across)
        elif len(self.order) == num_cells:
            path = np.array(self.order, np.intp)
        else:
            raise ValueError(
                f"An explicit order names each cell of the grid once. Received: an order of "
                f"{len(self.order)} cells for a grid of {grid_height} x {grid_width}, which has "
                f"{num_cells}. Write an order for that grid, or a step that makes "
                f"{len(self.order)} patches of the image."
            )
        if self.transpose:
            path = transposed(path, grid_height, grid_width)
        return path[::-1] if self.reverse else path

    def _num_patches(self, name: str, side: int | None, patch: int | None) -> int | None:
        if side == patch:
            return 1
        if patch is None or side is None:
            if patch == 1 or self.padding == "same":
                return None
            raise ValueError(
                f"An unknown {name} may not be a multiple of the patch's {name} {patch}. "
                f"Received: step={self.step!r}. Write the {name} of the images as a number, "
                f'or padding="same", or take a step that is one pixel in {name}.'
            )
        if side % patch and self.padding is None:
            whole = side - side % patch
            crop = f"crop the images to {whole} or " if whole else ""
            raise ValueError(
                f"The patch's {name} {patch} does not divide the image's {name} {side}. "
                f'Received: step={self.step!r}. Write padding="same" to add zeros, or a step '
                f"that divides it, or {crop}pad them to {whole + patch} pixels in {name} first."
            )
        return -(-side // patch)

    def _short_order(self) -> str:
        return repr(self.order) if isinstance(self.order, str) else f"{len(self.order)} cells"


@functools.lru_cache(maxsize=32)
def _route(reading: Reading, grid_height: int, grid_width: int) -> Route:
    path = reading.path(grid_height, grid_width)
    for by_columns in (False, True):
        raster = Reading("pixel", transpose=by_columns).path(grid_height, grid_width)
        for backwards in (False, True):
            if np.array_equal(path, raster[::-1] if backwards else raster):
                return Route(by_columns, backwards)
    return Route(path=path)


def listed(names: Iterable[Any]) -> str:
    """Names for an error message."""
    return ", ".join(repr(name) for name in names)


KNOWN_STEPS = f"{listed(STEPS)}, an int or a pair of ints (patch_height, patch_width)"
KNOWN_ORDERS = f'{listed(ORDERS)}, "random", or the cells of the grid as a sequence of ints'


def _checked_step(step: Any) -> Step:
    if isinstance(step, str):
        if step not in STEPS:
            raise ValueError(f"Unknown step. Write one of {KNOWN_STEPS}. Received: step={step!r}")
        return step
    is_pair = isinstance(step, (tuple, list)) and len(step) == 2
    sides = step if is_pair else [step]
    if not all(is_whole_number(side) for side in sides):
        raise ValueError(
            f"`step` is what one time step sees: {KNOWN_STEPS}. Received: step={step!r}"
        )
    if min(sides) < 1:
        raise ValueError(
            f"A patch has at least one pixel on each side. Received: step={step!r}. "
            f"Write positive numbers, such as step=4 or step=(1, 7)."
        )
    return (int(sides[0]), int(sides[1])) if is_pair else int(step)


def _checked_order(order: Any) -> Order:
    if isinstance(order, str):
        if order not in ORDERS and order != "random":
            raise ValueError(
                f"Unknown order. Write one of {KNOWN_ORDERS}. Received: order={order!r}"
            )
        return order
    try:
        cells = tuple(operator.index(cell) for cell in order)
    except TypeError:
        raise ValueError(f"`order` is one of {KNOWN_ORDERS}. Received: order={order!r}") from None
    if sorted(cells) != list(range(len(cells))) or not cells:
        raise ValueError(
            f"An explicit order names each cell of the grid once. {_fault(cells)} Received: "
            f"an order of {len(cells)} cells. Write a permutation of range({len(cells)})."
        )
    return cells


def _fault(cells: tuple[int, ...]) -> str:
    if not cells:
        return "There is none."
    missing = min(set(range(len(cells))) - set(cells))
    surplus, times = max(Counter(cells).items(), key=lambda item: (item[1], abs(item[0])))
    wrong = "comes more than once" if times > 1 else f"is not in a grid of {len(cells)} cells"
    return f"Cell {missing} is missing, and cell {surplus} {wrong}."


def _checked_seed(seed: Any, order: Order) -> int | None:
    if (seed is None) != (order != "random"):
        raise ValueError(
            '`seed` goes with order="random", which needs one, and with no other order. Received: '
            f"order={order if isinstance(order, str) else 'cells'!r}, seed={seed!r}. Write "
            'order="random", seed=0.'
        )
    if seed is not None and not (is_whole_number(seed) and 0 <= seed < 2**32):
        raise ValueError(f"`seed` is an int from 0 to 2**32 - 1. Received: seed={seed!r}")
    return None if seed is None else int(seed)


def is_whole_number(value: Any) -> bool:
    """Whether a value is an int of Python or NumPy, and no bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)

"""A reading: what one time step sees, and in which order the steps are read.

In einops' notation every reading is `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`,
followed by one permutation of time.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from keras_imgseq._reading import arguments
from keras_imgseq._reading.arguments import LARGEST, is_whole_number, listed, shown
from keras_imgseq._reading.kept_arrays import kept
from keras_imgseq._reading.orders import ORDERS, OrderName, Path, random, transposed

Size = tuple[int | None, int | None]
StepName = Literal["row", "column", "pixel"]
Step = StepName | int | tuple[int, int]
Order = OrderName | Literal["random"] | Sequence[int]
Padding = Literal["same"]
PathArguments = tuple[Any, bool, bool, int | None]

# The patch that each named step sees. None stands for the whole side of the image.
STEPS: dict[str, Size] = {
    "row": (1, None),
    "column": (None, 1),
    "pixel": (1, 1),
}
# Padding below and on the right leaves the order of the other cells as it is.
ORDERS_OF_PADDED_IMAGES = ("raster", "snake", "zigzag", "morton")


# Values of one step. More do not fit into memory.
MOST_FEATURES = 2**31


class Cells(tuple[int, ...]):
    """An explicit order, hashed once: it may be long, and every call looks its path up."""

    _hash: int | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = super().__hash__()
        return self._hash


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

    step: Any = "row"
    order: Any = "raster"
    transpose: bool = False
    reverse: bool = False
    seed: int | None = None
    padding: str | None = None

    def __post_init__(self) -> None:
        def keep(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        keep("step", _checked_step(self.step))
        keep("order", _checked_order(self.order))
        keep("seed", _checked_seed(self.seed, self.order))
        keep("transpose", arguments.flag("transpose", self.transpose))
        keep("reverse", arguments.flag("reverse", self.reverse))
        if self.padding is not None:
            otherwise = ", for zeros at the bottom and the right, or None"
            keep("padding", arguments.choice("padding", self.padding, ["same"], otherwise))

    @property
    def path_arguments(self) -> PathArguments:
        """What a path is made from, besides the size of the grid."""
        return self.order, self.transpose, self.reverse, self.seed

    def patch_size(self, image_size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Height and width of a patch, in pixels, or None where the image's own is unknown."""
        if isinstance(self.step, str):
            patch = STEPS[self.step]
        elif isinstance(self.step, int):
            patch = (self.step, self.step)
        else:
            patch = self.step
        height, width = (
            whole if side is None else side for side, whole in zip(patch, image_size, strict=True)
        )
        return height, width

    def grid_size(self, image_size: Size) -> Size:
        """Patches down and across, or None where it follows from an unknown side."""
        sides = zip(("height", "width"), image_size, self.patch_size(image_size), strict=True)
        down, across = (self._num_patches(name, side, patch) for name, side, patch in sides)
        return down, across

    def num_steps(self, image_size: Size) -> int | None:
        """Number of time steps, or None where it follows from an unknown side."""
        grid = self.grid_size(image_size)
        self.route(grid)
        return None if grid[0] is None or grid[1] is None else grid[0] * grid[1]

    def num_features(self, image_size: Size, num_channels: int) -> int:
        """Values in one time step. An unknown number is an error."""
        height, width = self.patch_size(image_size)
        if height is None or width is None:
            side = "height" if height is None else "width"
            raise ValueError(
                f"step={self.step!r} sees the whole {side} of the image, so the {side} must be "
                f"known: it decides the number of features. Received: image_size={image_size}. "
                f"Write the {side} as a number, or take a step that does not depend on it."
            )
        num_features = int(height * width * num_channels)
        if num_features > MOST_FEATURES:
            raise ValueError(
                f"One step would hold {num_features} values. Received: step={shown(self.step)}. "
                "Write a smaller patch."
            )
        return num_features

    def route(self, grid_size: Size) -> Route:
        """How to read a grid. Computed once for each reading and size."""
        # Whatever the length of a single row or column, a named path runs along it.
        if 1 in grid_size and self.order in ORDERS:
            return Route(backwards=self.reverse)
        is_snake = self.order == "snake" and None in grid_size
        if self.order == "raster" or is_snake:
            return Route(self.transpose, self.reverse, is_snake)
        grid_height, grid_width = grid_size
        if grid_height is None or grid_width is None:
            raise ValueError(
                f"This order needs the size of the grid. Received: order={self._short_order()}, "
                f"grid={grid_size}. Write the height and width of the images as numbers, or take "
                'order="raster" or order="snake".'
            )
        return route_of(self.path_arguments, grid_height, grid_width)

    def path(self, grid_height: int, grid_width: int) -> Path:
        """The cells of the grid, numbered in raster order, in the order of reading."""
        return path_of(self.path_arguments, grid_height, grid_width)

    def keeps_its_path_on_padded_images(self, grid_size: Size) -> bool:
        """Whether padding below and on the right leaves the order of the other cells as it is."""
        is_line = 1 in grid_size and self.order in ORDERS
        return is_line or self.order in ORDERS_OF_PADDED_IMAGES

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


# torch.compile hands over objects that it made itself without their attributes, but plain values
# as they are.
@kept(lambda route: [] if route.path is None else [route.path])
def route_of(path_arguments: PathArguments, grid_height: int, grid_width: int) -> Route:
    """How to read a grid of known size."""
    path = path_of(path_arguments, grid_height, grid_width)
    for by_columns in (False, True):
        raster = path_of(("raster", by_columns, False, None), grid_height, grid_width)
        for backwards in (False, True):
            if np.array_equal(path, raster[::-1] if backwards else raster):
                return Route(by_columns, backwards)
    return Route(path=np.ascontiguousarray(path))


def path_of(path_arguments: PathArguments, grid_height: int, grid_width: int) -> Path:
    """The cells of the grid, numbered in raster order, in the order of reading."""
    order, transpose, reverse, seed = path_arguments
    num_cells = grid_height * grid_width
    across = (grid_width, grid_height) if transpose else (grid_height, grid_width)
    if order == "random":
        assert seed is not None
        path = random(num_cells, seed)
    elif isinstance(order, str):
        path = ORDERS[order](*across)
    elif len(order) == num_cells:
        path = np.array(order, np.intp)
    else:
        raise ValueError(
            f"An explicit order names each cell of the grid once. Received: an order of "
            f"{len(order)} cells for a grid of {grid_height} x {grid_width}, which has "
            f"{num_cells}. Write an order for that grid, or a step that makes "
            f"{len(order)} patches of the image."
        )
    if transpose:
        path = transposed(path, grid_height, grid_width)
    return path[::-1] if reverse else path


KNOWN_STEPS = f"{listed(STEPS)}, an int or a pair of ints (patch_height, patch_width)"
OTHER_ORDERS = ", or the cells of the grid as a sequence of ints, as in order=[2, 0, 3, 1]"


def _checked_step(step: Any) -> Any:
    if isinstance(step, str):
        otherwise = ", an int or a pair of ints (patch_height, patch_width)"
        return arguments.choice("step", step, STEPS, otherwise)
    items = [step] if is_whole_number(step) else arguments.items_of(step)
    is_patch = items is not None and (len(items) == 2 or is_whole_number(step))
    if items is None or not is_patch or not all(is_whole_number(side) for side in items):
        raise ValueError(
            f"`step` is what one time step sees: {KNOWN_STEPS}. Received: step={shown(step)}"
        )
    if min(items) < 1 or max(items) > LARGEST:
        raise ValueError(
            f"A patch has from 1 to {LARGEST} pixels on each side. Received: step={shown(step)}. "
            "Write positive numbers, for example step=4 or step=(1, 7)."
        )
    return int(step) if is_whole_number(step) else (int(items[0]), int(items[1]))


def _checked_order(order: Any) -> Any:
    if isinstance(order, str):
        return arguments.choice("order", order, [*ORDERS, "random"], OTHER_ORDERS)
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


def _checked_seed(seed: Any, order: Any) -> int | None:
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

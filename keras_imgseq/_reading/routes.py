"""How a grid is read: along a path of its cells, or by whole rows or columns."""

from typing import Any, NamedTuple

import numpy as np

from keras_imgseq._reading.kept_arrays import kept
from keras_imgseq._reading.orders import ORDERS, Path, random, transposed

PathArguments = tuple[Any, bool, bool, int | None]


class Route(NamedTuple):
    """How a reading is carried out: along a path, or else by rows or columns.

    A snake has a path too, but on a grid of unknown size it is left to be computed.
    """

    by_columns: bool = False
    backwards: bool = False
    is_snake: bool = False
    path: Path | None = None


# torch.compile hands over objects that it made itself without their attributes, but plain values
# as they are.
@kept(lambda route: [] if route.path is None else [route.path])
def route_of(grid_height: int, grid_width: int, *path_arguments: Any) -> Route:
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

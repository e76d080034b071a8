"""Orders: the paths along which the cells of a grid are visited.

An order is a function of the grid's height and width. It returns the cells, numbered
in raster order, in the order of the visit. NumPy is all that this module needs.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Path = npt.NDArray[np.intp]


def raster(grid_height: int, grid_width: int) -> Path:
    """Left to right, then the next row."""
    return np.arange(grid_height * grid_width)


ORDERS: dict[str, Callable[[int, int], Path]] = {
    "raster": raster,
}

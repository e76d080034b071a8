"""Orders: the paths along which the cells of a grid are visited.

An order is a function of the grid's height and width. It returns the cells, numbered in
raster order, in the order of the visit. NumPy is all that this module needs.
"""

import functools
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Path = npt.NDArray[np.intp]
OrderName = Literal["raster", "snake", "zigzag", "spiral", "hilbert", "morton"]


def raster(grid_height: int, grid_width: int) -> Path:
    """Left to right, then the next row."""
    return np.arange(grid_height * grid_width)


def snake(grid_height: int, grid_width: int) -> Path:
    """Left to right, then the next row right to left."""
    cells = _cells(grid_height, grid_width)
    cells[1::2] = cells[1::2, ::-1]
    return cells.ravel()


def zigzag(grid_height: int, grid_width: int) -> Path:
    """Along the anti-diagonals, as in JPEG: every second one upwards."""
    row, column = np.divmod(raster(grid_height, grid_width), grid_width)
    diagonal = row + column
    return np.lexsort((np.where(diagonal % 2, row, column), diagonal))


def spiral(grid_height: int, grid_width: int) -> Path:
    """Clockwise, inwards."""
    cells = _cells(grid_height, grid_width)
    rows = []
    while cells.size:
        rows.append(cells[0])
        cells = np.rot90(cells[1:])
    return np.concatenate(rows)


def hilbert(grid_height: int, grid_width: int) -> Path:
    """The generalised Hilbert curve for any rectangle: gilbert, by Jakub Červený."""
    if grid_width >= grid_height:
        column, row = _gilbert(grid_width, grid_height, (1, 1))
    else:
        row, column = _gilbert(grid_height, grid_width, (1, 1))
    # The pieces are shared within one curve. Kept for longer, they would hold its memory.
    _gilbert.cache_clear()
    return row * grid_width + column


def morton(grid_height: int, grid_width: int) -> Path:
    """By the interleaved bits of (row, column), row the more significant."""
    row, column = np.divmod(raster(grid_height, grid_width), grid_width)
    code = np.zeros_like(row)
    for bit in range(max(grid_height, grid_width).bit_length()):
        code |= (column >> bit & 1) << 2 * bit | (row >> bit & 1) << 2 * bit + 1
    return np.argsort(code)


ORDERS: dict[str, Callable[[int, int], Path]] = {
    "raster": raster,
    "snake": snake,
    "zigzag": zigzag,
    "spiral": spiral,
    "hilbert": hilbert,
    "morton": morton,
}


def random(num_cells: int, seed: int) -> Path:
    """A permutation that NumPy promises to be the same for ever."""
    return np.random.RandomState(seed).permutation(num_cells)


def transposed(path: Path, grid_height: int, grid_width: int) -> Path:
    """A path over the transposed grid, in the cells of the grid itself."""
    column, row = np.divmod(path, grid_height)
    return row * grid_width + column


def _cells(grid_height: int, grid_width: int) -> Path:
    return raster(grid_height, grid_width).reshape(grid_height, grid_width)


@functools.cache
def _gilbert(length: int, breadth: int, signs: tuple[int, int]) -> tuple[Path, Path]:
    """The curve from one corner of a rectangle to the other end of its first side.

    Returns the coordinates along the two sides. The signs are the directions in which the
    sides lie in the grid. They matter only where a side is halved and its length is odd.
    """
    if breadth == 1 or length == 1:
        line, zeros = np.arange(length * breadth), np.zeros(length * breadth, np.intp)
        return (line, zeros) if breadth == 1 else (zeros, line)
    first_sign, second_sign = signs
    half_length, half_breadth = _half(length, first_sign), _half(breadth, second_sign)
    if 2 * length > 3 * breadth:
        half_length += half_length % 2
        near = _gilbert(half_length, breadth, signs)
        far = _gilbert(length - half_length, breadth, signs)
        return _joined(near, (half_length + far[0], far[1]))
    half_breadth += half_breadth % 2 if breadth > 2 else 0
    up = _gilbert(half_breadth, half_length, (second_sign, first_sign))
    along = _gilbert(length, breadth - half_breadth, signs)
    down = _gilbert(half_breadth, length - half_length, (-second_sign, -first_sign))
    return _joined(
        (up[1], up[0]),
        (along[0], half_breadth + along[1]),
        (length - 1 - down[1], half_breadth - 1 - down[0]),
    )


def _half(length: int, sign: int) -> int:
    return abs(sign * length // 2)


def _joined(*pieces: tuple[Path, Path]) -> tuple[Path, Path]:
    first, second = zip(*pieces, strict=True)
    return np.concatenate(first), np.concatenate(second)

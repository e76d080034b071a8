"""Lines of different widths in few shapes, because each shape is compiled."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from keras_imgseq._lines.line_image import Line

# Widths are rounded up to a multiple of this, in pixels, and to one of few for long lines.
STEP = 32
WIDTHS_OF_A_SET = 8


def rounded_up(width: int) -> int:
    """One of few widths that holds a line: at most a fifth longer than it, or 32 pixels."""
    rounded = STEP
    while rounded < width:
        rounded += max(STEP, rounded // 6 // STEP * STEP)
    return rounded


def widths_of_set(widths: Sequence[int]) -> list[int]:
    """Few widths that hold all lines of a set, each for as many lines."""
    shares = np.linspace(0, 1, WIDTHS_OF_A_SET + 1)[1:]
    quantiles = np.quantile(widths, shares, method="higher")
    return sorted({-(-int(width) // STEP) * STEP for width in quantiles})


def width_groups(widths: Sequence[int], num_lines: int) -> Iterator[tuple[list[int], int]]:
    """Places of lines of like width, and a width that holds them."""
    order = np.argsort(widths, kind="stable").tolist()
    for start in range(0, len(order), num_lines):
        places = order[start : start + num_lines]
        yield places, rounded_up(widths[places[-1]])


def stacked(lines: Iterable[Line], width: int) -> npt.NDArray[np.float32]:
    """Lines as one batch, padded with paper on the right."""
    return np.stack([np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line in lines])

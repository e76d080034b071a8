"""Lines of different widths in few shapes, because each shape is compiled."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._lines.line_image import Line

# Widths are rounded up to a multiple of this, in pixels, and to one of few for long lines.
WIDTH_UNIT = 32
WIDTHS_OF_A_SET = 8


class OneWidth(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a prediction whose answers do not fit into one array."""

    def __init__(self) -> None:
        super().__init__()
        self._found: set[int] = set()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._found.add(logs["outputs"].shape[1])
        # An error here would lose the weights on JAX, where Keras holds them during the loop.
        if len(self._found) > 1:
            self.model.stop_predicting = True

    def check(self) -> None:
        """Refuses batches of several widths."""
        if len(self._found) > 1:
            steps = " and ".join(map(str, sorted(self._found)))
            raise ValueError(
                "`predict` returns one array, so all batches have one width. Received: batches of "
                f"{steps} steps. Write reader.read(images), or reader.predict_on_batch(batch) for "
                "each batch."
            )


def rounded_up(width: int) -> int:
    """One of few widths that holds a line: at most a fifth longer than it, or 32 pixels."""
    rounded = WIDTH_UNIT
    while rounded < width:
        rounded += max(WIDTH_UNIT, rounded // 6 // WIDTH_UNIT * WIDTH_UNIT)
    return rounded


def widths_of_set(widths: Sequence[int]) -> list[int]:
    """The few widths that hold all lines of a set with the least padding.

    Found by dynamic programming over the widths in order.
    """
    rounded = -(-np.asarray(widths) // WIDTH_UNIT) * WIDTH_UNIT
    candidates, counts = np.unique(rounded, return_counts=True)
    before = np.concatenate([[0], np.cumsum(counts)])
    # cost[j]: pixels of the j narrowest candidates in groups, each as wide as its widest.
    cost = np.concatenate([[0], before[1:] * candidates])
    choices = []
    for _ in range(WIDTHS_OF_A_SET - 1):
        starts = np.array(
            [
                np.argmin(cost[:end] + (before[end] - before[:end]) * candidates[end - 1])
                for end in range(1, len(cost))
            ]
        )
        ends = np.arange(1, len(cost))
        grouped = cost[starts] + (before[ends] - before[starts]) * candidates
        choices.append(starts)
        cost = np.concatenate([[0], grouped])
    chosen, end = [], len(candidates)
    while end:
        chosen.append(int(candidates[end - 1]))
        end = int(choices.pop()[end - 1]) if choices else 0
    return sorted(chosen)


def width_groups(widths: Sequence[int], num_lines: int) -> Iterator[tuple[list[int], int]]:
    """Places of lines of like width, and a width that holds them."""
    order = np.argsort(widths, kind="stable").tolist()
    for start in range(0, len(order), num_lines):
        places = order[start : start + num_lines]
        yield places, rounded_up(widths[places[-1]])


def stacked(lines: Iterable[Line], width: int) -> npt.NDArray[np.float32]:
    """Lines as one batch, padded with paper on the right."""
    return np.stack([np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line in lines])

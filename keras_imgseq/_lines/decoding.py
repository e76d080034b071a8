"""From the answers of the steps to labels: the likeliest class of each, without repeats and blanks.

Class 0 is the blank. A class that repeats in the next step is the same character.
"""

import numpy as np
import numpy.typing as npt

Runs = list[tuple[int, int, int]]


def runs_of(classes: npt.NDArray[np.integer]) -> Runs:
    """For each character of one line: its class, its first step, and the step after its last."""
    borders = np.flatnonzero(np.diff(classes)) + 1
    starts = [0, *borders.tolist()] if len(classes) else []
    ends = [*borders.tolist(), len(classes)]
    return [
        (int(classes[start]), start, end)
        for start, end in zip(starts, ends, strict=False)
        if classes[start]
    ]


def steps_needed(labels: npt.ArrayLike) -> int:
    """The steps that CTC needs: one a character, and a blank between two that are the same."""
    labels = np.asarray(labels)
    return int(len(labels) + np.sum(labels[1:] == labels[:-1]))

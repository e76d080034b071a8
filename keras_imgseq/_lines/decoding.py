"""From the answers of the steps to text: the likeliest class of each, without repeats and blanks.

Class 0 is the blank. A class that repeats in the next step is the same character.
"""

import itertools
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._lines.alphabet import normalized
from keras_imgseq._lines.line_image import Line
from keras_imgseq._lines.widths import stacked, width_groups

# Lines that are read in one call. More take no less time, and more memory.
LINES_AT_ONCE = 32

RULE_OF_STEPS = (
    "A line has at least as many steps as its text has characters, and one more between two that "
    "are the same."
)

Runs = list[tuple[int, int, int]]
# The probability of each class at each step of a line.
Belief = npt.NDArray[np.float32]
Place = tuple[str, float, float, float]


def beliefs(reader: Any, lines: list[Line]) -> list[Belief]:
    """The belief of a reader in each class, for each step of each line without its padding."""
    found: list[Any] = [None] * len(lines)
    for places, width in width_groups([line.shape[1] for line in lines], LINES_AT_ONCE):
        # As many lines in each call, so that few shapes are compiled.
        empty = [np.zeros((reader.height, 1), "float32")] * (
            LINES_AT_ONCE - len(places) if len(lines) > LINES_AT_ONCE else 0
        )
        batch = stacked([*(lines[place] for place in places), *empty], width)
        logits = keras.ops.convert_to_numpy(reader.predict_on_batch(batch)).astype("float32")
        for place, answer in zip(places, logits, strict=False):
            of_line = answer[: -(-lines[place].shape[1] // reader.step_width)]
            if not np.isfinite(of_line).all():
                raise ValueError(
                    "The reader's answer is not a number, as after a training that diverged. "
                    "Received: NaN or infinity for a line. Load an earlier file, or train with a "
                    "smaller learning rate."
                )
            exponentials = np.exp(of_line - of_line.max(-1, keepdims=True))
            found[place] = exponentials / exponentials.sum(-1, keepdims=True)
    return found


def text_of(belief: Belief, alphabet: str) -> tuple[str, float]:
    """The text of one line, and how sure its least certain character is."""
    runs = runs_of(belief.argmax(-1))
    text = normalized("".join(alphabet[label - 1] for label, _, _ in runs))
    sure = [belief[start:end, label].max() for label, start, end in runs]
    return text, float(min(sure, default=belief[:, 0].min()))


def places_of(belief: Belief, alphabet: str) -> list[Place]:
    """Each character of one line, its left and right edge in steps, and how sure it is."""
    runs = runs_of(belief.argmax(-1))
    borders = [(end + start) / 2 for (_, _, end), (_, start, _) in itertools.pairwise(runs)]
    lefts = [*(start for _, start, _ in runs[:1]), *borders]
    rights = [*borders, *(end for _, _, end in runs[-1:])]
    return [
        (alphabet[label - 1], left, right, float(belief[start:end, label].max()))
        for (label, start, end), left, right in zip(runs, lefts, rights, strict=True)
    ]


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

"""Training steps of a line reader: `KERAS_BACKEND=torch python -m benchmarks.lines`."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from benchmarks.pairs import Pair, print_alone, timed_in_turn
from benchmarks.training import EpochClock
from keras_imgseq import CharacterErrorRate, LineReader

BATCH_SIZE = 16
HEIGHT, WIDTH, NUM_DIGITS = 32, 256, 8


def pairs(num_rounds: int, tiny: bool) -> Iterator[Pair]:
    """A reader of numbers with and without the character error rate."""
    num_steps = 2 if tiny else 20
    random = np.random.default_rng(0)
    lines = random.random((num_steps * BATCH_SIZE, HEIGHT, WIDTH), "float32")
    labels = random.integers(1, 11, (len(lines), NUM_DIGITS)).astype("int32")
    yield timed_in_turn(
        f"train a line reader, {WIDTH} pixels",
        ("no metric", fit(lines, labels, [])),
        ("character error rate", fit(lines, labels, [CharacterErrorRate()])),
        num_rounds=num_rounds,
        clock=lambda epoch: epoch(),
    )


def fit(lines: Any, labels: Any, metrics: list[Any]) -> Callable[[], float]:
    """An epoch of the training of a reader, which returns its seconds a step."""
    reader = LineReader("0123456789", HEIGHT, filters=(8, 16, 32, 64), units=64)
    # A reader that learned would soon read blanks alone, which cost the metric nothing.
    reader.compile(keras.optimizers.Adam(0.0), metrics=metrics)
    clock = EpochClock()

    def epoch() -> float:
        reader.fit(lines, labels, batch_size=BATCH_SIZE, verbose=0, callbacks=[clock])
        return clock.seconds * BATCH_SIZE / len(lines)

    return epoch


if __name__ == "__main__":
    print_alone("lines", __doc__, lambda: pairs(7, False))

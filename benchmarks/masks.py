"""Training steps with masks: `KERAS_BACKEND=torch python -m benchmarks.masks`, seven minutes."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.pairs import Pair, print_alone, timed_in_turn
from benchmarks.training import BATCH_SIZE, KERAS_LAYERS, as_typed, fit
from keras_imgseq import ImageAsSequence, build_image_rnn


def pairs(num_rounds: int, tiny: bool) -> Iterator[Pair]:
    """Networks with masked rows, beside the same without a mask and beside Keras' own."""
    for cell, height in itertools.product(KERAS_LAYERS, (28, 112)):
        num_steps = 2 if tiny else 60
        images = np.random.default_rng(0).random((num_steps * BATCH_SIZE, height, 28), "float32")
        labels = np.arange(len(images)) % 10
        # Between half and all of the rows are real.
        ends = np.random.default_rng(1).integers(height // 2, height + 1, len(images))
        images[np.arange(height) >= ends[:, None]] = 0

        def ours(
            name: str, mask_value: float | None, cell: str = cell, height: int = height
        ) -> Any:
            reading = ImageAsSequence("row", mask_value=mask_value)
            model = build_image_rnn((height, 28), 10, units=64, cell=cell, reading=reading)
            return name, fit(model, images, labels)  # noqa: B023

        masked, unmasked = ours("masked", 0.0), ours("no mask", None)
        typed = "masked, as typed", fit(as_typed(cell, 64, height, masked=True), images, labels)
        group = f"train {cell}, 64 units, {height} rows"
        for one, other in ((unmasked, masked), (masked, typed)):
            yield timed_in_turn(group, one, other, num_rounds=num_rounds, clock=lambda f: f())


if __name__ == "__main__":
    print_alone("masks", __doc__, lambda: pairs(7, False))

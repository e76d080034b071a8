"""Training steps with masks: `KERAS_BACKEND=torch python -m benchmarks.masks`, some minutes."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from benchmarks.pairs import Pair, print_alone, timed_in_turn
from benchmarks.training import BATCH_SIZE, KERAS_LAYERS, fit
from keras_imgseq._recurrent.cells import CELLS


def pairs(num_rounds: int, tiny: bool) -> Iterator[Pair]:
    """Networks with masked steps, beside the same without a mask and beside Keras' own."""
    for (cell, layer), height in itertools.product(KERAS_LAYERS.items(), (28, 112)):
        num_steps = 2 if tiny else 60
        images = np.random.default_rng(0).random((num_steps * BATCH_SIZE, height, 28), "float32")
        labels = np.arange(len(images)) % 10
        # Between half and all of the rows are real.
        ends = np.random.default_rng(1).integers(height // 2, height + 1, len(images))
        images[np.arange(height) >= ends[:, None]] = 0

        def network(recurrent: Any, is_masked: bool, height: int = height) -> keras.Model:
            inputs = keras.Input((height, 28))
            sequences = keras.layers.Masking()(inputs) if is_masked else inputs
            outputs = keras.layers.Dense(10, activation="softmax")(recurrent(sequences))
            return keras.Model(inputs, outputs)

        activation = {"activation": "relu"} if cell == "simple_rnn" else {}
        faster_layer = CELLS[cell].faster_layer
        group = f"train {cell}, 64 units, {height} rows"
        ours = "masked", fit(network(faster_layer(64, **activation), True), images, labels)
        unmasked = fit(network(faster_layer(64, **activation), False), images, labels)
        typed = fit(network(layer(64, **activation), True), images, labels)
        yield timed_in_turn(
            group, ("no mask", unmasked), ours, num_rounds=num_rounds, clock=lambda f: f()
        )
        yield timed_in_turn(
            group, ours, ("masked, Keras' layer", typed), num_rounds=num_rounds, clock=lambda f: f()
        )


if __name__ == "__main__":
    print_alone("masks", __doc__, lambda: pairs(7, False))

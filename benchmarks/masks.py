"""Training steps with masks: `KERAS_BACKEND=torch python -m benchmarks.masks`, ten minutes."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from benchmarks.pairs import Pair, print_alone, timed_in_turn
from benchmarks.training import BATCH_SIZE, KERAS_LAYERS, fit
from keras_imgseq._recurrent.cells import CELLS


class NoMask(keras.layers.Layer):  # type: ignore[misc]
    """Passes its input on, without the mask that came with it."""

    supports_masking = True

    def call(self, sequences: Any) -> Any:
        """A tensor of its own: the mask is kept on the one that came."""
        return keras.ops.stop_gradient(sequences)

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """None."""


def pairs(num_rounds: int, tiny: bool) -> Iterator[Pair]:
    """Networks with masked steps, beside the same without a mask and beside Keras' own."""
    for (cell, layer), height in itertools.product(KERAS_LAYERS.items(), (28, 112)):
        num_steps = 2 if tiny else 60
        images = np.random.default_rng(0).random((num_steps * BATCH_SIZE, height, 28), "float32")
        labels = np.arange(len(images)) % 10
        # Between half and all of the rows are real.
        ends = np.random.default_rng(1).integers(height // 2, height + 1, len(images))
        images[np.arange(height) >= ends[:, None]] = 0

        def network(recurrent: Any, *in_front: Any, height: int = height) -> keras.Model:
            inputs = sequences = keras.Input((height, 28))
            for layer in in_front:
                sequences = layer(sequences)
            outputs = keras.layers.Dense(10, activation="softmax")(recurrent(sequences))
            return keras.Model(inputs, outputs)

        activation = {"activation": "relu"} if cell == "simple_rnn" else {}
        faster_layer = CELLS[cell].faster_layer
        group = f"train {cell}, 64 units, {height} rows"
        masking = keras.layers.Masking
        masked, unmasked, unused, typed = (
            (name, fit(network(recurrent(64, **activation), *in_front), images, labels))
            for name, recurrent, in_front in (
                ("masked", faster_layer, [masking()]),
                ("no mask", faster_layer, []),
                ("mask not used", faster_layer, [masking(), NoMask()]),
                ("masked, Keras' layer", layer, [masking()]),
            )
        )
        for one, other in ((unmasked, masked), (unused, masked), (masked, typed)):
            yield timed_in_turn(group, one, other, num_rounds=num_rounds, clock=lambda f: f())


if __name__ == "__main__":
    print_alone("masks", __doc__, lambda: pairs(7, False))

"""Measures what four readings of MNIST buy, at nearly equal numbers of parameters.

Run `python docs/measure_readings.py`. It prints the table of "Choose a reading".
"""

import statistics
import sys
import time
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from mnist_data import load_digits

from keras_imgseq import ImageAsSequence, build_image_rnn

FOUR = [
    ImageAsSequence("row"),
    ImageAsSequence("column"),
    ImageAsSequence("row", reverse=True),
    ImageAsSequence("column", reverse=True),
]
READINGS = {"rows": ("row", 48), "rows and columns, and both backwards": (FOUR, 18)}
NUM_SEEDS, NUM_EPOCHS, BATCH_SIZE = 3, 10, 50


def main() -> None:
    """Trains each network with each seed, and prints a line of the table for each."""
    digits = load_digits()
    print("| reading | units | parameters | test accuracy | seconds an epoch |")
    print("| --- | --- | --- | --- | --- |")
    for name, (reading, units) in READINGS.items():
        accuracies, seconds = [], []
        for seed in range(NUM_SEEDS):
            keras.utils.set_random_seed(seed)
            model = build_image_rnn((28, 28), 10, units=units, reading=reading)
            for layer in model.layers:
                if isinstance(layer, keras.layers.SimpleRNN):
                    kernel, _, bias = layer.get_weights()
                    layer.set_weights([kernel, np.eye(units), bias])
            num_steps = NUM_EPOCHS * len(digits.x_train) // BATCH_SIZE
            schedule = keras.optimizers.schedules.CosineDecay(0.003, num_steps)
            model.compile(
                keras.optimizers.Nadam(schedule, clipnorm=1.0),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
            timed = Timed()
            model.fit(
                digits.x_train,
                digits.y_train,
                batch_size=BATCH_SIZE,
                epochs=NUM_EPOCHS,
                callbacks=[timed],
                verbose=0,
            )
            # The first epoch compiles.
            seconds.extend(timed.seconds[1:])
            accuracies.append(model.evaluate(digits.x_test, digits.y_test, verbose=0)[1])
        print(
            f"| {name} | {units} | {model.count_params():,} | "
            f"{statistics.median(accuracies):.4f} ({min(accuracies):.4f} to "
            f"{max(accuracies):.4f}) | {statistics.median(seconds):.1f} |",
            flush=True,
        )


class Timed(keras.callbacks.Callback):
    """The seconds of each epoch."""

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


if __name__ == "__main__":
    main()

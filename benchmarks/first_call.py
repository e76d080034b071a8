"""What several steps in a call save, and what the first call costs.

Run `KERAS_BACKEND=tensorflow python -m benchmarks.first_call`. It takes some minutes.
"""

import time
from collections.abc import Callable

import keras
import numpy as np

from keras_imgseq import build_image_rnn

BATCH_SIZE = 100
# Rows, and how many images of them.
SIZES = {28: 20_000, 112: 5_000}
STEPS = (1, 10, 50)


def main() -> None:
    """Prints a row for each size and number of steps."""
    print("| rows | steps_per_execution | first predict, s | then, ms | first fit, s | then, ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for height, num_images in SIZES.items():
        images = np.random.default_rng(0).random((num_images, height, 28), dtype="float32")
        labels = np.arange(num_images) % 10
        for steps in STEPS:
            model = build_image_rnn((height, 28), 10)
            model.compile("rmsprop", "sparse_categorical_crossentropy", steps_per_execution=steps)
            options = {"batch_size": BATCH_SIZE, "verbose": 0}
            predicted = _timed(lambda m=model, o=options, x=images: m.predict(x, **o))
            fitted = _timed(lambda m=model, o=options, x=images, y=labels: m.fit(x, y, **o))
            cells = [
                f"{first:.1f} | {1e3 * later * BATCH_SIZE / num_images:.2g}"
                for first, later in (predicted, fitted)
            ]
            print(f"| {height} | {steps} | {' | '.join(cells)} |", flush=True)


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """The seconds of the first call, and of the quickest of three after it."""
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds[0], min(seconds[1:])


if __name__ == "__main__":
    print(f"{time.strftime('%Y-%m-%d')}, Keras {keras.__version__}, {keras.backend.backend()}\n")
    main()

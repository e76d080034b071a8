"""Times training steps for two rows of "Which model do I take?".

Run `python docs/measure_epochs.py`, in half a minute or so. The images are noise: the time of a
training step does not depend on what they show.
"""

import statistics
import time

import keras
import numpy as np

from keras_imgseq import ImageAsSequence, build_image_rnn

BATCHES = 8


def report(name: str, model: keras.Model, batch_size: int, num_images: int) -> None:
    """Prints the time of a training step, and of an epoch of so many images."""
    model.compile("adam", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((batch_size, *model.input_shape[1:]), "float32")
    labels = np.arange(batch_size) % 10
    # The first step compiles.
    model.train_on_batch(images, labels)
    seconds = []
    for _ in range(BATCHES):
        start = time.perf_counter()
        model.train_on_batch(images, labels)
        seconds.append(time.perf_counter() - start)
    step = statistics.median(seconds)
    print(f"{name}: {step:.3f} s a step, {step * num_images / batch_size:.0f} s an epoch")


def main() -> None:
    """Prints a line for each network."""
    print(f"Keras {keras.__version__} with {keras.backend.backend()}")
    for cell in ("gru", "lstm"):
        spectrograms = build_image_rnn((64, 200), 10, reading="column", cell=cell, units=64)
        report(f"3,000 spectrograms of 64 x 200, {cell}", spectrograms, 32, 3_000)
    for cell in ("gru", "lstm"):
        reading = ImageAsSequence("pixel", order="random", seed=0)
        digits = build_image_rnn((28, 28), 10, reading=reading, cell=cell, units=128)
        report(f"55,000 digits pixel by pixel, {cell}", digits, 100, 55_000)


if __name__ == "__main__":
    main()

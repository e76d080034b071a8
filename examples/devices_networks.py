"""Small networks with images to train them on, for the example of several devices."""

from typing import Any

import keras
import numpy as np

from keras_imgseq import ImageAsSequence, LineReader, build_image_rnn

NUM_IMAGES = 32


def network(name: str) -> tuple[keras.Model, np.ndarray, np.ndarray, Any]:
    """A network that is not compiled, images, labels, and the loss: the same for each call."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    labels = np.arange(NUM_IMAGES) % 10
    if name == "reader":
        images = random.random((NUM_IMAGES, 16, 64)).astype("float32")
        images[::2, :, 40:] = 0
        labels = random.integers(1, 11, (NUM_IMAGES, 3))
        return line_reader(), images, labels, keras.losses.CTC()
    images = random.random((NUM_IMAGES, 28, 28)).astype("float32")
    loss = keras.losses.SparseCategoricalCrossentropy()
    if name == "book":
        return build_image_rnn((28, 28), 10), images, labels, loss
    images[::2, 20:] = -1
    if name == "keras":
        return typed_in_keras(), images, labels, loss
    reading = ImageAsSequence("row", mask_value=-1.0)
    return build_image_rnn((28, 28), 10, cell="gru", reading=reading), images, labels, loss


def typed_in_keras() -> keras.Model:
    """The GRU with a mask, without this package."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Masking(-1.0),
            keras.layers.GRU(16),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def line_reader() -> LineReader:
    """A reader whose batch statistics stand still: each device would have its own."""
    pool_sizes = ((2, 2), (2, 2))
    reader = LineReader(
        "0123456789", 16, filters=(4, 8), pool_sizes=pool_sizes, units=8, dropout=0.0
    )
    for normalization in reader.get_layer("stem").normalizations:
        normalization.trainable = False
    return reader

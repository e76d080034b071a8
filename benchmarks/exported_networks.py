"""The networks of `benchmarks.exports`, with this package and as typed in Keras without it.

Keras has no Hilbert curve and no mask behind convolutions: there the typed ones read patches row
by row, and lines without a mask.
"""

from collections.abc import Callable
from functools import partial

import keras
from keras import layers

from keras_imgseq import ImageAsSequence, LineReader, build_image_rnn, build_step_model

HEIGHT = WIDTH = 28
PATCH = (4, 7)


def built(build: Callable[[], keras.Model]) -> keras.Model:
    """A network with the same weights each time."""
    keras.utils.set_random_seed(0)
    return build()


def _patches() -> keras.Model:
    reading = ImageAsSequence(PATCH, "hilbert")
    return build_image_rnn((HEIGHT, WIDTH), 10, reading=reading, cell="lstm", units=(32, 32))


def _reader() -> keras.Model:
    return LineReader("0123456789", height=32, units=64)


def _step_of_lstms() -> keras.Model:
    return build_step_model(build_image_rnn((HEIGHT, WIDTH), 10, cell="lstm", units=(64, 64)))


def _plain_book() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH), name="images"),
            layers.SimpleRNN(16, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _plain_masked_gru() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH), name="images"),
            layers.Masking(-1.0),
            layers.GRU(16),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _plain_lstms_over_patches() -> keras.Model:
    height, width = PATCH
    grid = HEIGHT // height, WIDTH // width
    return keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH), name="images"),
            layers.Reshape((grid[0], height, grid[1], width)),
            layers.Permute((1, 3, 2, 4)),
            layers.Reshape((grid[0] * grid[1], height * width)),
            layers.LSTM(32, return_sequences=True),
            layers.LSTM(32),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _plain_columns() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH), name="images"),
            layers.Permute((2, 1)),
            layers.SimpleRNN(16, activation="relu", return_sequences=True),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _plain_line_reader() -> keras.Model:
    features = images = keras.Input((32, None, 1), name="images")
    for filters, pool_size in ((16, (2, 2)), (32, (2, 2)), (48, (2, 1)), (64, (1, 1))):
        features = layers.Conv2D(filters, 3, padding="same", use_bias=False)(features)
        features = layers.ReLU()(layers.BatchNormalization()(features))
        features = layers.MaxPooling2D(pool_size, padding="same")(features)
    height, _, filters = features.shape[1:]
    sequences = layers.Reshape((-1, height * filters))(layers.Permute((2, 1, 3))(features))
    sequences = layers.Bidirectional(layers.LSTM(64, return_sequences=True))(sequences)
    return keras.Model(images, layers.Dense(11)(sequences))


READ = partial(build_image_rnn, (HEIGHT, WIDTH), 10)
NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "the book's": READ,
    "a GRU with a mask": partial(READ, cell="gru", reading=ImageAsSequence("row", mask_value=-1.0)),
    "LSTMs over patches": _patches,
    "columns, every step": partial(READ, reading="column", return_sequences=True),
    "a line reader": _reader,
    "the book's step": lambda: build_step_model(READ()),
    "the step of LSTMs": _step_of_lstms,
}
# Steps are models of Keras' own layers already.
PLAIN_NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "the book's": _plain_book,
    "a GRU with a mask": _plain_masked_gru,
    "LSTMs over patches": _plain_lstms_over_patches,
    "columns, every step": _plain_columns,
    "a line reader": _plain_line_reader,
}

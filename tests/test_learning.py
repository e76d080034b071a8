"""A network learns from what one step sees: it fails when rows and columns are swapped."""

import keras
import numpy as np

from keras_imgseq import ImageAsSequence, build_image_rnn

HEIGHT = WIDTH = 8


def bars_across(num_images, seed):
    """Images with short bars in some rows, and for each row whether it holds one."""
    random = np.random.default_rng(seed)
    has_bar = random.random((num_images, HEIGHT)) < 0.5
    start = random.integers(0, WIDTH - 2, (num_images, HEIGHT, 1))
    column = np.arange(WIDTH)
    bars = (column >= start) & (column < start + 3)
    return (bars & has_bar[..., None]).astype("float32"), has_bar.astype("float32")[..., None]


def accuracy_at_every_step(reading, images, labels, test_images, test_labels):
    keras.utils.set_random_seed(0)
    model = build_image_rnn(
        (HEIGHT, WIDTH),
        1,
        reading=reading,
        return_sequences=True,
        classifier_activation="sigmoid",
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, batch_size=64, epochs=6, verbose=0)
    return model.evaluate(test_images, test_labels, verbose=0)[1]


def test_a_row_reader_marks_the_rows_with_bars_and_a_column_reader_cannot():
    across = (*bars_across(1000, seed=1), *bars_across(300, seed=2))
    assert accuracy_at_every_step("row", *across) > 0.98
    assert accuracy_at_every_step("column", *across) < 0.85


def test_a_column_reader_marks_the_columns_with_bars_and_a_row_reader_cannot():
    images, labels, test_images, test_labels = (*bars_across(1000, 1), *bars_across(300, 2))
    down = (images.transpose(0, 2, 1), labels, test_images.transpose(0, 2, 1), test_labels)
    assert accuracy_at_every_step("column", *down) > 0.98
    assert accuracy_at_every_step("row", *down) < 0.85


def test_a_network_tells_bars_across_from_bars_down():
    keras.utils.set_random_seed(0)
    images, _ = bars_across(600, seed=3)
    images = np.concatenate([images[:300], images[300:].transpose(0, 2, 1)])
    labels = np.repeat([0, 1], 300)
    model = build_image_rnn((HEIGHT, WIDTH), 2, reading=ImageAsSequence("row"), cell="gru")
    model.compile(
        keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(images, labels, batch_size=32, epochs=10, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.9

"""Marks the inside of drawn shapes: one answer for each pixel of an image.

Run it without arguments. It takes about half a minute on two CPU cores.
"""

import argparse

import keras
import numpy as np

from keras_imgseq import ImageAsSequence, build_image_rnn

NUM_TRAINING_IMAGES, NUM_TEST_IMAGES = 2000, 300


def main(arguments: list[str] | None = None) -> None:
    """Trains, tests, and shows one image with what was marked in it."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    keras.utils.set_random_seed(0)
    print(f"Training on {NUM_TRAINING_IMAGES} drawn shapes.", flush=True)
    model = trained()
    images, inside = drawn_shapes(NUM_TEST_IMAGES, seed=2)
    marked = model.predict(images, verbose=0) > 0.5
    print("An outline, and what the network marks as its inside:")
    for outline, answer in zip(images[0] > 0.5, marked[0], strict=True):
        print("  ".join("".join(".#"[int(pixel)] for pixel in line) for line in (outline, answer)))
    print(f"Overlap on {NUM_TEST_IMAGES} new images: {overlap(marked, inside > 0.5):.3f} of 1")


# --8<-- [start:shapes]
def drawn_shapes(num_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of rectangles on 8 x 8 pixels, and the inside of each."""
    random = np.random.default_rng(seed)
    top, left = random.integers(0, 4, (2, num_images, 1, 1))
    bottom = top + random.integers(3, 5, (num_images, 1, 1))
    right = left + random.integers(3, 5, (num_images, 1, 1))
    row, column = np.mgrid[:8, :8]
    outer = (row >= top) & (row < bottom) & (column >= left) & (column < right)
    inside = (row > top) & (row < bottom - 1) & (column > left) & (column < right - 1)
    return (outer & ~inside).astype("float32"), inside.astype("float32")


# --8<-- [end:shapes]


# --8<-- [start:marking]
def trained() -> keras.Model:
    """A network that answers for each pixel, trained on drawn shapes."""
    images, inside = drawn_shapes(NUM_TRAINING_IMAGES, seed=1)
    rows = ImageAsSequence("row")
    network = build_image_rnn(
        (8, 8),
        8,
        units=32,
        cell="gru",
        reading=rows,
        bidirectional=True,
        return_sequences=True,
        classifier_activation="sigmoid",
    )
    model = keras.Sequential([network, rows.inverse((8, 8))])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(images, inside, batch_size=50, epochs=8, verbose=0)
    return model


# --8<-- [end:marking]


def overlap(marked: np.ndarray, inside: np.ndarray) -> float:
    """Pixels that are both marked and inside, as a share of those that are either."""
    return float((marked & inside).sum() / (marked | inside).sum())


if __name__ == "__main__":
    main()

"""Lines of a few pixels and a reader of three characters, for tests."""

import keras
import numpy as np

from keras_imgseq import LineReader

SMALL = {
    "height": 8,
    "filters": (3, 4),
    "pool_sizes": ((2, 2), (2, 1)),
    "units": 4,
    "dropout": 0.0,
}


def lines(widths, height=8, seed=0):
    """Prepared images of lines: floats from 0 to 1 with a border of 0."""
    random = np.random.default_rng(seed)
    result = []
    for width in widths:
        line = np.zeros((height, width), "float32")
        line[1:-1, 1:-1] = random.random((height - 2, width - 2)).round(2)
        result.append(line)
    return result


def small_reader(**changes):
    keras.utils.set_random_seed(0)
    reader = LineReader("abc", **{**SMALL, **changes})
    random = np.random.default_rng(1)
    # As after a training: then a normalization makes something of zeros.
    for layer in reader.get_layer("stem").normalizations:
        layer.set_weights([abs(random.normal(size=w.shape)) + 0.1 for w in layer.get_weights()])
    return reader


READER = LineReader("abc", **SMALL)

"""Files that earlier versions saved load, and give the same answers.

They were saved on the oldest Keras that the package takes, because Keras itself reads no files
of later versions.
"""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_imgseq  # noqa: F401

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*.keras"))


def test_there_is_a_file_of_each_kind():
    kinds = {path.stem.split("-")[1] for path in FILES}
    readings = {"row", "column", "pixel", "int", "pair", "transposed", "reversed", "padded"}
    orders = {"snake", "zigzag", "spiral", "hilbert", "morton", "random", "explicit"}
    loops = {"simple_rnn", "gru", "lstm", "bidirectional", "unrolled"}
    masks = {"mask", "reversed_mask", "column_mask", "doubtful_mask"}
    doubts = {"first", "grey_first", "number", "order", "softmax", "pair"}
    assert kinds >= readings | orders | loops | masks | {f"doubtful_{doubt}" for doubt in doubts}
    assert kinds >= {"channels_first", "cross", "two", "inverse", "open_snake"}
    assert kinds >= {"reader", "filters", "masked_gru"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_file_gives_the_same_answers(path):
    version, kind = path.stem.split("-")
    with np.load(DATA / f"{version}.npz") as arrays:
        images, outputs = arrays[f"{kind}_images"], arrays[f"{kind}_outputs"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = keras.saving.load_model(path)
    np.testing.assert_allclose(model.predict(images, verbose=0), outputs, atol=1e-6)

"""Files that earlier versions saved load, and give the same answers.

They were saved on the oldest Keras that the package takes, because Keras itself reads no files
of later versions.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

import keras_imgseq  # noqa: F401

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*.keras"))


def test_there_is_a_file_of_each_kind_of_reading():
    kinds = {path.stem.split("-")[1] for path in FILES}
    named = {"row", "column", "pixel", "int", "pair", "transposed", "reversed"}
    assert kinds >= named | {"channels_first", "cross", "two"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_file_gives_the_same_answers(path):
    version, kind = path.stem.split("-")
    with np.load(DATA / f"{version}.npz") as arrays:
        images, outputs = arrays[f"{kind}_images"], arrays[f"{kind}_outputs"]
    model = keras.saving.load_model(path)
    np.testing.assert_allclose(model.predict(images, verbose=0), outputs, atol=1e-6)

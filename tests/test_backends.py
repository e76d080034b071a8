import keras
import pytest
from backends import INSTALLED, run_python

WITHOUT_TENSORFLOW = """
import importlib.machinery
import sys

find_spec = importlib.machinery.PathFinder.find_spec

def find_all_but_tensorflow(name, *arguments):
    return None if name.split(".")[0] == "tensorflow" else find_spec(name, *arguments)

importlib.machinery.PathFinder.find_spec = find_all_but_tensorflow

import keras
import numpy as np
import keras_imgseq

assert importlib.util.find_spec("tensorflow") is None
images = np.random.default_rng(0).random((8, 6, 4), dtype="float32")
model = keras_imgseq.build_image_rnn((6, 4), 3, cell="gru", reading=["row", "column"])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(images, np.arange(8) % 3, verbose=0)
expected = model.predict(images, verbose=0)
model.save(sys.argv[1])
loaded = keras.saving.load_model(sys.argv[1])
np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-6)
assert not any(name.split(".")[0] == "tensorflow" for name in sys.modules)
"""

IMPORTED = """
import sys
import keras
before = set(sys.modules)
import keras_imgseq
new = {name.split(".")[0] for name in set(sys.modules) - before}
assert new == {"keras_imgseq"}, new
for reading in (None, "column", "cross", ["row", "column"]):
    keras_imgseq.build_image_rnn((4, 4), 3, reading=reading)
second = {"tensorflow", "jax", "torch"} & (set(sys.modules) - before)
assert not second, second
"""


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name != "tensorflow"])
def test_the_package_works_without_tensorflow(backend, tmp_path):
    ended = run_python("-c", WITHOUT_TENSORFLOW, tmp_path / "model.keras", backend=backend)
    assert ended.returncode == 0, ended.stderr


def test_importing_and_building_bring_no_second_backend():
    ended = run_python("-c", IMPORTED, backend=keras.backend.backend())
    assert ended.returncode == 0, ended.stderr

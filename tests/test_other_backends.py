"""Backends of Keras that only predict: they take Keras' loops and `keras.ops`."""

import importlib.util

import numpy as np
import pytest
from backends import run_python

from keras_imgseq import ImageAsSequence, build_image_rnn, image_as_sequence

READINGS = {
    "row": ImageAsSequence("row", reverse=True),
    "column": ImageAsSequence("column"),
    "hilbert": ImageAsSequence("pixel", "hilbert"),
    "random": ImageAsSequence((2, 3), "random", seed=5),
    "padded": ImageAsSequence((3, 4), "snake", padding="same", transpose=True),
    "masked": ImageAsSequence("row", mask_value=-1.0),
    "masked pixels": ImageAsSequence(2, "zigzag", mask_value=-1.0, reverse=True),
}
CELLS = ["simple_rnn", "gru", "lstm"]

PREDICT = """
import functools
import sys
import keras
import numpy as np
import keras_imgseq
if keras.backend.backend() == "openvino":
    import openvino
    # On processors with bfloat16, OpenVINO computes in bfloat16 unless it is told otherwise.
    single = {"INFERENCE_PRECISION_HINT": "f32"}
    openvino.compile_model = functools.partial(openvino.compile_model, config=single)
folder, names = sys.argv[1], sys.argv[2:]
images = np.load(f"{folder}/images.npy")
for name in names:
    model = keras.saving.load_model(f"{folder}/{name}.keras")
    np.save(f"{folder}/{name}.out.npy", model.predict(images, verbose=0))
layer = keras_imgseq.ImageAsSequence("pixel", "spiral")
read = keras.ops.convert_to_numpy(layer(images))
np.save(f"{folder}/read.npy", read)
back = keras.ops.convert_to_numpy(layer.inverse((4, 6))(read))
assert np.array_equal(back, images)
variable = keras_imgseq.image_as_sequence(keras.Variable(images), "pixel", "spiral")
assert np.array_equal(keras.ops.convert_to_numpy(variable), read)
model = keras_imgseq.build_image_rnn((28, 28), 10)
assert model.predict(np.zeros((2, 28, 28), "float32"), verbose=0).shape == (2, 10)
"""


@pytest.mark.parametrize("backend", ["numpy", "openvino"])
def test_a_backend_that_only_predicts_gives_the_same_answers(backend, tmp_path):
    # Keras' NumPy backend itself imports JAX.
    needed = {"numpy": "jax", "openvino": "openvino"}[backend]
    if not importlib.util.find_spec(needed):
        pytest.skip(f"{needed} is not installed")
    images = np.random.default_rng(0).random((3, 4, 6), dtype="float32")
    images[1, 2:] = -1
    images[2, :, 3:] = -1
    expected = {}
    for number, (name, reading) in enumerate(READINGS.items()):
        cell = CELLS[number % 3]
        model = build_image_rnn((4, 6), 3, reading=reading, cell=cell, units=4)
        model.save(tmp_path / f"{name}.keras")
        expected[name] = model.predict(images, verbose=0)
    np.save(tmp_path / "images.npy", images)
    ended = run_python("-c", PREDICT, tmp_path, *expected, backend=backend)
    assert ended.returncode == 0, ended.stderr
    for name, answers in expected.items():
        np.testing.assert_allclose(
            np.load(tmp_path / f"{name}.out.npy"), answers, atol=1e-5, err_msg=name
        )
    read = image_as_sequence(images, "pixel", "spiral")
    np.testing.assert_array_equal(np.load(tmp_path / "read.npy"), read)

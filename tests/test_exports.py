"""Exported networks answer as the network itself, for another batch than the traced one."""

import keras
import numpy as np
import pytest

from keras_imgseq import ImageAsSequence, build_image_rnn

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `dev` brings ONNX")
BACKEND = keras.backend.backend()
pytestmark = [
    pytest.mark.skipif(BACKEND == "tensorflow", reason="needs tf2onnx, which holds NumPy back"),
]
NETWORKS = {
    "book": {},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm", "units": (4, 3)},
    "every step": {"return_sequences": True},
    "orders": {"reading": ImageAsSequence("pixel", "hilbert"), "cell": "gru", "units": 4},
    "padded": {"reading": ImageAsSequence(3, "spiral", padding="same", reverse=True)},
    "columns": {"reading": ImageAsSequence("column", reverse=True)},
    "masked": {"reading": ImageAsSequence("row", mask_value=-1.0), "cell": "gru"},
    "masked pixels": {"reading": ImageAsSequence(2, mask_value=-1.0, reverse=True)},
}


# Keras exports JAX by another way, which takes ten seconds for a network.
EXPORTED = ["book", "gru", "masked pixels"] if BACKEND == "jax" else list(NETWORKS)


@pytest.mark.parametrize("name", EXPORTED)
def test_onnx_gives_the_answers_of_the_network(name, tmp_path):
    if BACKEND == "jax":
        pytest.importorskip("jax2onnx", reason="Keras exports JAX by jax2onnx")
    model = build_image_rnn((8, 6), 10, **NETWORKS[name])
    images = np.random.default_rng(0).random((5, 8, 6), dtype="float32")
    images[1, 4:] = -1
    images[2, :, 3:] = -1
    path = str(tmp_path / "model.onnx")
    model.export(path, format="onnx", verbose=False)
    (answers,) = onnxruntime.InferenceSession(path).run(None, {"images": images})
    np.testing.assert_allclose(answers, model.predict(images, verbose=0), atol=1e-5)


@pytest.mark.skipif(BACKEND != "jax", reason="PyTorch fixes the number of steps in an export")
@pytest.mark.parametrize(("cell", "mask_value"), [("simple_rnn", None), ("gru", -1.0)])
def test_onnx_of_unknown_height(cell, mask_value, tmp_path):
    pytest.importorskip("jax2onnx", reason="Keras exports JAX by jax2onnx")
    reading = ImageAsSequence("row", mask_value=mask_value)
    model = build_image_rnn((None, 6), 10, cell=cell, reading=reading)
    path = str(tmp_path / "model.onnx")
    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    for height in (8, 5):
        images = np.random.default_rng(0).random((3, height, 6), dtype="float32")
        images[1, 3:] = -1
        (answers,) = session.run(None, {"images": images})
        np.testing.assert_allclose(answers, model.predict(images, verbose=0), atol=1e-5)


@pytest.mark.skipif(BACKEND != "torch", reason="OpenVINO traces modules of PyTorch")
@pytest.mark.parametrize("name", ["book", "gru", "lstm", "orders"])
def test_openvino_gives_the_answers_of_the_network(name):
    openvino = pytest.importorskip("openvino", reason="the extra `test` brings OpenVINO")
    import torch

    model = build_image_rnn((8, 6), 10, **NETWORKS[name]).eval()
    images = np.random.default_rng(0).random((5, 8, 6), dtype="float32")
    expected = model.predict(images, verbose=0)
    # OpenVINO takes a model of Keras for one of TensorFlow.
    traced = torch.jit.trace(model, torch.from_numpy(images[:1]), check_trace=False)
    converted = openvino.convert_model(traced, example_input=torch.from_numpy(images[:1]))
    answers = openvino.compile_model(converted, "CPU")(images)[0]
    np.testing.assert_allclose(answers, expected, atol=1e-5)

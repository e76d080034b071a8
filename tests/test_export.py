"""Exported networks answer as the network itself, for another batch than the traced one.

`keras_imgseq.export` writes, reads back without Keras, and compares.
"""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from backends import skip_without
from messages import raises
from page_code import run_page
from small_lines import lines, small_reader

from keras_imgseq import ImageAsSequence, LineReader, build_image_rnn, build_step_model, export
from keras_imgseq._export.targets import TARGETS

BACKEND = keras.backend.backend()
no_onnx_of_readers = pytest.mark.skipif(
    BACKEND == "jax", reason="jax2onnx supports no scan that reads backwards"
)
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
    skip_without("onnx")
    import onnxruntime

    model = build_image_rnn((8, 6), 10, **NETWORKS[name])
    images = np.random.default_rng(0).random((5, 8, 6), dtype="float32")
    images[1, 4:] = -1
    images[2, :, 3:] = -1
    path = str(tmp_path / "model.onnx")
    model.export(path, format="onnx", verbose=False)
    (answers,) = onnxruntime.InferenceSession(path).run(None, {"images": images})
    np.testing.assert_allclose(answers, model.predict(images, verbose=0), atol=1e-5)


@pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="PyTorch writes a fixed number of steps, and jax2onnx a fixed number of added pixels",
)
@pytest.mark.parametrize("mask_value", [None, 0.0])
def test_onnx_pads_images_of_any_height(mask_value, tmp_path):
    skip_without("onnx")
    import onnxruntime

    reading = ImageAsSequence((4, 3), padding="same", mask_value=mask_value)
    model = build_image_rnn((None, 6), 3, reading=reading)
    path = str(tmp_path / "model.onnx")
    model.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    for height in (1, 4, 5, 23):
        images = np.random.default_rng(0).random((2, height, 6), dtype="float32")
        (answers,) = session.run(None, {"images": images})
        np.testing.assert_allclose(answers, model.predict(images, verbose=0), atol=1e-5)


@pytest.mark.skipif(BACKEND != "torch", reason="the other backends write any number of steps")
@pytest.mark.parametrize("target", ["onnx", "openvino", "torch", "litert"])
def test_a_file_of_unknown_steps_is_refused_on_pytorch(target, tmp_path):
    small = {"filters": 4, "pool_sizes": ((2, 2),), "units": 4}
    for model, shape in (
        (build_image_rnn((None, 6), 10), (None, 100, 6)),
        (build_image_rnn((8, None), 10, reading="column"), (None, 8, 100)),
        (LineReader("ab", 8, **small), (None, 8, 100)),
    ):
        with raises(ValueError, match="a fixed number of steps") as error:
            model.export(tmp_path / "model", format=target, verbose=False)
        (cure,) = re.findall(r"input_signature=\[(.*?\))\]", str(error.value))
        assert eval(cure, {"keras": keras}).shape == shape
        assert ("KERAS_BACKEND=tensorflow" in str(error.value)) == (target == "onnx")
        signature = [keras.InputSpec(shape=(None, None, 6), dtype="float32")]
        with raises(ValueError, match="a fixed number of steps"):
            model.export(tmp_path / "model", target, False, signature)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch fixes the number of steps in an export")
@pytest.mark.parametrize(("cell", "mask_value"), [("simple_rnn", None), ("gru", -1.0)])
def test_onnx_of_unknown_height(cell, mask_value, tmp_path):
    skip_without("onnx")
    import onnxruntime

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


def networks():
    """Small networks of every kind, by their name."""
    return {
        "book": build_image_rnn((8, 6), 10),
        "masked gru": build_image_rnn(
            (8, 6), 3, cell="gru", units=4, reading=ImageAsSequence("row", mask_value=-1.0)
        ),
        "lstms over patches": build_image_rnn(
            (8, 6), 3, cell="lstm", units=(4, 3), reading=ImageAsSequence((2, 3), "hilbert")
        ),
        "columns": build_image_rnn((8, 6), 3, reading="column", return_sequences=True),
        "line reader": small_reader(),
        "step": build_step_model(
            build_image_rnn(
                (8, 6), 3, cell="lstm", units=(4, 3), reading=ImageAsSequence((1, 2), "snake")
            )
        ),
    }


# OpenVINO, torch.export and everything of JAX take five to ten seconds for a file.
FAST = [
    ("tensorflow", "onnx"),
    ("tensorflow", "saved_model"),
    ("tensorflow", "litert"),
    ("torch", "onnx"),
]
OTHERS = [
    ("tensorflow", "book", "openvino"),
    ("jax", "book", "stablehlo"),
    ("jax", "masked gru", "stablehlo"),
    ("jax", "line reader", "stablehlo"),
    ("jax", "book", "saved_model"),
    ("torch", "book", "openvino"),
    ("torch", "masked gru", "openvino"),
    ("torch", "lstms over patches", "openvino"),
    ("torch", "line reader", "openvino"),
    ("torch", "book", "torch"),
]
WRITTEN = [
    target
    for target, row in TARGETS.items()
    if BACKEND in row.writers and (BACKEND, target) != ("jax", "openvino")
]
# Files whose inputs are given by their names.
WRITTEN_WITH_NAMES = [target for target in WRITTEN if target not in ("stablehlo", "torch")]
CELLS_OF_THE_TABLE = [
    (network, target)
    for target in WRITTEN
    for network in networks()
    if (BACKEND, target) in FAST or network == "step" or (BACKEND, network, target) in OTHERS
]


@pytest.mark.parametrize(("network", "target"), CELLS_OF_THE_TABLE)
def test_a_file_answers_as_keras(network, target, tmp_path, capsys):
    skip_without(target)
    networks()[network].save(tmp_path / "model.keras")
    is_fixed = network == "line reader" and (BACKEND == "torch" or target == "litert")
    size = ["--size", "8", "24"] if is_fixed else []
    export.main([str(tmp_path / "model.keras"), "--to", target, *size])
    said = capsys.readouterr().out
    name = f"model{TARGETS[target].ending or '_saved_model'}"
    assert f"Wrote {tmp_path / name} and {name}.json." in said
    assert float(said.split()[-1]) < 1e-5


@pytest.mark.parametrize(
    ("name", "expected"),
    [("my image-1", "my_image_1"), ("_x", "input__x"), ("zeile ä:0", "zeile___0")],
)
@pytest.mark.parametrize("target", WRITTEN_WITH_NAMES)
def test_an_input_of_any_name_is_found(target, name, expected, tmp_path):
    skip_without(target)
    images = keras.Input((8, 6), name=name)
    model = keras.Model(images, build_image_rnn((8, 6), 4)(images))
    model.save(tmp_path / "model.keras")
    file = tmp_path / f"file{TARGETS[target].ending}"
    export.main([str(tmp_path / "model.keras"), "--to", target, "--output", str(file)])
    (described,) = json.loads(Path(f"{file}.json").read_text("utf-8"))["inputs"]
    assert described["name"] == expected
    image = np.random.default_rng(0).random((1, 8, 6), "float32")
    answers = answers_by_name(target, file, {expected: image})
    # OpenVINO lists results of inner steps behind the outputs.
    answer, *_ = answers.values() if isinstance(answers, dict) else answers
    np.testing.assert_allclose(answer, model.predict_on_batch(image), atol=1e-5)


def test_two_inputs_keep_two_names(tmp_path):
    skip_without("onnx")
    both = [keras.Input((8, 6), name=name) for name in ("left image", "left_image")]
    parts = [
        build_image_rnn((8, 6), 4, name=name)(one) for name, one in zip("ab", both, strict=True)
    ]
    model = keras.Model(both, keras.layers.Subtract()(parts))
    model.save(tmp_path / "model.keras")
    export.main([str(tmp_path / "model.keras"), "--to", "onnx"])
    content = json.loads((tmp_path / "model.onnx.json").read_text("utf-8"))
    names = [each["name"] for each in content["inputs"]]
    assert names == ["left_image", "left_image_"]
    given = list(np.random.default_rng(0).random((2, 1, 8, 6), "float32"))
    (answer,) = answers_by_name(
        "onnx", tmp_path / "model.onnx", dict(zip(names, given, strict=True))
    )
    np.testing.assert_allclose(answer, model.predict_on_batch(given), atol=1e-5)


@pytest.mark.parametrize("target", WRITTEN_WITH_NAMES)
def test_inputs_and_outputs_are_found_by_the_names_beside_the_file(target, tmp_path):
    skip_without(target)
    model = build_image_rnn((8, 6), 4, cell="lstm", units=(3, 3))
    step = build_step_model(model)
    model.save(tmp_path / "model.keras")
    file = tmp_path / f"step{TARGETS[target].ending}"
    export.main([str(tmp_path / "model.keras"), "--to", target, "--step", "--output", str(file)])
    content = json.loads(Path(f"{file}.json").read_text("utf-8"))
    random, names = np.random.default_rng(0), [each["name"] for each in content["inputs"]]
    inputs = [random.random((1, *each["shape"][1:]), "float32") for each in content["inputs"]]
    answers = answers_by_name(target, file, dict(zip(names[::-1], inputs[::-1], strict=True)))
    if TARGETS[target].names_outputs:
        answers = [answers[each["name"]] for each in content["outputs"]]
    expected_answers = step.predict_on_batch(inputs)
    # OpenVINO lists results of inner steps behind the outputs.
    for answer, expected in zip(answers[: len(expected_answers)], expected_answers, strict=True):
        np.testing.assert_allclose(answer, expected, atol=1e-5)


def answers_by_name(target, file, inputs):
    """The answers of a file: by their names, or in their order."""
    if target == "onnx":
        import onnxruntime

        return onnxruntime.InferenceSession(str(file)).run(None, inputs)
    if target == "openvino":
        import openvino

        options = {"INFERENCE_PRECISION_HINT": "f32"}
        return list(openvino.compile_model(str(file), "CPU", options)(inputs).values())
    if target == "litert":
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model_path=str(file)).get_signature_runner()(**inputs)
    import tensorflow as tf

    answers = tf.saved_model.load(str(file)).signatures["serving_default"](
        **{name: tf.constant(array) for name, array in inputs.items()}
    )
    return {name: answer.numpy() for name, answer in answers.items()}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="OpenVINO takes no loop of TensorFlow")
def test_what_a_target_cannot_hold_is_said(tmp_path):
    skip_without("openvino")
    networks()["masked gru"].save(tmp_path / "model.keras")
    with pytest.raises(
        SystemExit,
        match=r"openvino cannot hold this network .*another KERAS_BACKEND, or another target\.$",
    ):
        export.main([str(tmp_path / "model.keras"), "--to", "openvino"])


def test_the_lines_of_the_page_run_the_file(tmp_path, monkeypatch):
    skip_without("onnx")
    build_image_rnn((28, 28), 10).save(tmp_path / "digits.keras")
    export.main([str(tmp_path / "digits.keras"), "--to", "onnx"])
    monkeypatch.chdir(tmp_path)
    names = {}
    run_page(Path(__file__).parent.parent / "docs" / "how-to" / "deploy.md", names)
    assert names["answers"].shape == (1, 10)


@no_onnx_of_readers
def test_a_reader_of_fixed_width_runs_in_onnxruntime(tmp_path):
    skip_without("onnx")
    import onnxruntime

    reader = small_reader()
    image = lines((20,))[0][None]
    size = keras.InputSpec(shape=(1, 8, 24), dtype="float32")
    reader.export(tmp_path / "reader.onnx", format="onnx", input_signature=[size], verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "reader.onnx")
    padded = np.pad(image, ((0, 0), (0, 0), (0, 4)))
    (answers,) = session.run(None, {session.get_inputs()[0].name: padded})
    np.testing.assert_allclose(answers, reader.predict(padded, verbose=0), atol=1e-5)


@no_onnx_of_readers
def test_a_line_is_read_with_the_file_and_what_stands_beside_it(tmp_path):
    """As `docs/how-to/deploy.md` says: without this package, at two widths where they are open."""
    skip_without("onnx")
    import onnxruntime

    reader = small_reader()
    logits = reader.get_layer("logits")
    kernel, bias = logits.get_weights()
    # No class is likelier than the others, over all steps of a line.
    means = reader.predict(lines((32,))[0][None], verbose=0)[0].mean(axis=0)
    logits.set_weights([50 * kernel, 50 * (bias - means)])
    reader.save(tmp_path / "reader.keras")
    size = ["--size", "8", "32"] if BACKEND == "torch" else []
    export.main([str(tmp_path / "reader.keras"), "--to", "onnx", *size])
    content = json.loads((tmp_path / "reader.onnx.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(tmp_path / "reader.onnx")
    name = content["inputs"][0]["name"]
    for width, line in zip((32, 44)[: 1 if size else 2], lines((27, 41)), strict=False):
        padded = np.pad(line, ((0, 0), (0, width - line.shape[1])))
        (answers,) = session.run(None, {name: padded[None]})
        best = answers[0, : -(-line.shape[1] // content["step_width"])].argmax(axis=-1)
        changes = best[np.append(True, best[1:] != best[:-1])]
        text = "".join(content["alphabet"][n - 1] for n in changes if n != content["blank"])
        assert len(set(text)) > 1
        assert [text] == reader.read([line])

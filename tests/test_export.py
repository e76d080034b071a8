"""Exported networks answer as the network itself, for another batch than the traced one.

`keras_imgseq.export` writes, reads back without Keras, and compares.
"""

import argparse
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from backends import skip_without
from page_code import run_page
from small_lines import lines, small_reader

from keras_imgseq import ImageAsSequence, LineReader, build_image_rnn, build_step_model, export
from keras_imgseq._export import agreement
from keras_imgseq._export.description import describe
from keras_imgseq._export.targets import TARGETS, Target, missing_packages

BACKEND = keras.backend.backend()
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


@pytest.mark.skipif(BACKEND != "torch", reason="the other backends write any number of steps")
@pytest.mark.parametrize("target", ["onnx", "openvino", "torch", "litert"])
def test_a_file_of_unknown_steps_is_refused_on_pytorch(target, tmp_path):
    small = {"filters": 4, "pool_sizes": ((2, 2),), "units": 4}
    for model, shape in (
        (build_image_rnn((None, 6), 10), (None, 100, 6)),
        (build_image_rnn((8, None), 10, reading="column"), (None, 8, 100)),
        (LineReader("ab", 8, **small), (None, 8, 100)),
    ):
        with pytest.raises(ValueError, match="a fixed number of steps") as error:
            model.export(tmp_path / "model", format=target, verbose=False)
        (cure,) = re.findall(r"input_signature=\[(.*?\))\]", str(error.value))
        assert eval(cure, {"keras": keras}).shape == shape
        assert ("KERAS_BACKEND=tensorflow" in str(error.value)) == (target == "onnx")
        signature = [keras.InputSpec(shape=(None, None, 6), dtype="float32")]
        with pytest.raises(ValueError, match="a fixed number of steps"):
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
CELLS_OF_THE_TABLE = [
    (network, target)
    for target, row in TARGETS.items()
    if BACKEND in row.writers and (BACKEND, target) != ("jax", "openvino")
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


@pytest.mark.skipif(BACKEND != "tensorflow", reason="OpenVINO takes no loop of TensorFlow")
def test_what_a_target_cannot_hold_is_said(tmp_path):
    skip_without("openvino")
    networks()["masked gru"].save(tmp_path / "model.keras")
    with pytest.raises(
        SystemExit,
        match=r"openvino cannot hold this network .*another KERAS_BACKEND, or another target\.$",
    ):
        export.main([str(tmp_path / "model.keras"), "--to", "openvino"])


def test_the_step_is_described_beside_its_file(tmp_path, capsys):
    target = next(
        (
            name
            for name, row in TARGETS.items()
            if BACKEND in row.writers and not missing_packages(row, BACKEND)
        ),
        None,
    )
    if target is None:
        pytest.skip("the extra `export` installs what writes files")
    reading = ImageAsSequence("row", data_format="channels_first")
    model = build_image_rnn((3, 8, 6), 4, scale=1 / 255, reading=reading)
    model.save(tmp_path / "model.keras")
    (tmp_path / "preparation.json").write_text(json.dumps({"class_names": list("abcd")}))
    export.main([str(tmp_path / "model.keras"), "--to", target, "--step"])
    name = f"model_step{TARGETS[target].ending or '_saved_model'}"
    assert (tmp_path / name).exists()
    content = json.loads((tmp_path / f"{name}.json").read_text())
    assert [tensor["name"] for tensor in content["inputs"]] == ["part", "rnn_1_state_1"]
    assert content["inputs"][0]["shape"][1:] == [3, 6]
    assert content["outputs"] == [{"shape": [None, 4]}, {"shape": [None, 16]}]
    assert content["scaling_inside"] == pytest.approx(1 / 255)
    assert content["data_format"] == "channels_first"
    assert content["states_before_the_first_part"] == "zeros"
    assert content["preparation"] == {"class_names": list("abcd")}


def test_the_lines_of_the_page_run_the_file(tmp_path, monkeypatch):
    skip_without("onnx")
    build_image_rnn((28, 28), 10).save(tmp_path / "digits.keras")
    export.main([str(tmp_path / "digits.keras"), "--to", "onnx"])
    monkeypatch.chdir(tmp_path)
    names = {}
    run_page(Path(__file__).parent.parent / "docs" / "how-to" / "deploy.md", names)
    assert names["answers"].shape == (1, 10)


def described(model, path=Path("model.keras")):
    return describe(model, model, model.inputs, path, "onnx")


def test_a_network_in_another_model_is_described_too():
    network = build_image_rnn((8, 6), 4, scale=1 / 255, reading=ImageAsSequence("row"))
    model = keras.Sequential([keras.Input((8, 6)), network])
    content = described(model)
    assert content["scaling_inside"] == pytest.approx(1 / 255)
    assert content["data_format"] == "channels_last"


def test_the_padding_of_a_stem_is_described():
    reading = ImageAsSequence("row", mask_value=-1.0)
    network = build_image_rnn((8, 6), 4, filters=2, reading=reading)
    assert described(network)["mask_value"] == -1


def test_a_scaling_of_each_channel_is_described():
    scaling = keras.layers.Rescaling([0.5, 0.25, 0.125], offset=-1)
    network = build_image_rnn((8, 6, 3), 4, reading=ImageAsSequence("row"))
    model = keras.Sequential([keras.Input((8, 6, 3)), scaling, network])
    content = described(model)
    assert content["scaling_inside"] == [0.5, 0.25, 0.125]
    assert content["offset_inside"] == -1


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_last_image_of_the_check_has_padding(data_format):
    shape = (8, 6, 3) if data_format == "channels_last" else (3, 8, 6)
    reading = ImageAsSequence("row", mask_value=-1.0, data_format=data_format)
    model = build_image_rnn(shape, 4, reading=reading)
    (images,) = agreement.random_inputs(model, model.inputs).values()
    assert images.shape == (3, *shape)
    image = images[-1] if data_format == "channels_last" else np.moveaxis(images[-1], 0, -1)
    is_padding = (image == -1).all(axis=-1)
    np.testing.assert_array_equal(
        is_padding, np.pad(np.zeros((4, 3), bool), ((0, 4), (0, 3)), constant_values=True)
    )
    assert not (images[:-1] == -1).any()


def test_a_reader_is_described_with_its_alphabet():
    reader = LineReader("0123456789", 8, units=4, filters=4, pool_sizes=((2, 2),))
    signature = [keras.InputSpec(shape=(None, 8, 64), dtype="float32")]
    content = describe(reader, reader, signature, Path("reader.keras"), "onnx")
    assert content["alphabet"] == "0123456789"
    assert (content["blank"], content["height"], content["step_width"]) == (0, 8, 2)
    assert content["inputs"] == [{"name": "images", "shape": [None, 8, 64], "dtype": "float32"}]
    assert content["outputs"] == [{"shape": [None, 32, 11]}]


@pytest.mark.skipif(BACKEND == "jax", reason="JAX exports no recurrent layer that reads backwards")
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


def test_a_line_is_read_with_the_file_and_what_stands_beside_it(tmp_path):
    """As `docs/how-to/deploy.md` says: without this package, at two widths where they are open."""
    if BACKEND == "jax":
        pytest.skip("JAX exports no recurrent layer that reads backwards")
    skip_without("onnx")
    import onnxruntime

    reader = small_reader()
    logits = reader.get_layer("logits")
    kernel, bias = logits.get_weights()
    logits.set_weights([3 * kernel, bias - 5 * (np.arange(len(bias)) == 0)])
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
        assert len(text) > 3
        assert [text] == reader.read([line])


def test_a_step_that_was_saved_is_described_by_its_answer(tmp_path):
    step = build_step_model(build_image_rnn((8, 6), 3))
    step.save(tmp_path / "step.keras")
    (tmp_path / "preparation.json").write_text(json.dumps({"class_names": list("abc")}))
    loaded = keras.saving.load_model(tmp_path / "step.keras")
    content = described(loaded, tmp_path / "step.keras")
    assert content["preparation"] == {"class_names": list("abc")}
    assert content["outputs"] == [{"shape": [None, 3]}, {"shape": [None, 16]}]


def test_a_file_that_answers_otherwise_is_not_kept(tmp_path, monkeypatch):
    build_image_rnn((8, 6), 3).save(tmp_path / "model.keras")
    for answers, reason in (
        ([np.zeros((3, 3), "float32")], "The file's answers differ from Keras'"),
        ([np.zeros((3, 4), "float32")], "The file's answers differ from Keras' by inf"),
        (None, "cannot hold this network .* TypeError"),
    ):
        wrong = Target(
            ".x",
            {BACKEND: ()},
            "keras",
            lambda m, p, s: p.touch(),
            lambda p, a=answers: lambda i: a,
        )
        monkeypatch.setitem(TARGETS, "wrong", wrong)
        with pytest.raises(SystemExit, match=reason):
            export.main([str(tmp_path / "model.keras"), "--to", "wrong"])
        assert {path.name for path in tmp_path.iterdir()} == {"model.keras"}


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["nowhere.keras", "--to", "own"], "There is no nowhere.keras"),
        (["damaged.keras", "--to", "own"], "damaged.keras cannot be loaded"),
        (
            ["model.keras", "--to", "other"],
            "other is not written from .* Set KERAS_BACKEND=nothing",
        ),
        (["model.keras", "--to", "absent"], r"nowhere must be installed .*keras-imgseq\[export\]"),
        (["model.keras", "--to", "own", "--step"], "A stream cannot be read in both directions"),
        (["model.keras", "--to", "own", "--size", "9", "6"], "--size 9 6 does not fit"),
        (["wide.keras", "--to", "own"], "Give their size with --size HEIGHT WIDTH"),
        (["step.keras", "--to", "own", "--step", "--size", "8", "6"], "is for a whole network"),
        (["model.keras", "--to", "own", "--output", "model.onnx"], "a file ending in .x. Received"),
        (["model.keras", "--to", "own", "--output", "nowhere/a.x"], "There is no folder nowhere"),
        (["model.keras", "--to", "own", "--output", "photos.x"], "photos.x is a folder that this"),
        (["model.keras", "--to", "folder", "--output", "photos.x"], "photos.x is a folder that"),
        (
            ["model.keras", "--to", "folder", "--output", "."],
            "is a folder that this|is the folder to write",
        ),
        (["model.keras", "--to", "folder", "--output", "damaged.keras"], "is a file, and a folder"),
    ],
)
def test_command_lines_that_cannot_be(arguments, cure, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build_image_rnn((8, 6), 3, bidirectional=True).save("model.keras")
    build_image_rnn((8, None), 3, reading="column").save("wide.keras")
    build_image_rnn((8, 6), 3).save("step.keras")
    Path("damaged.keras").write_text("no model")
    Path("photos.x").mkdir()
    own = Target(".x", {BACKEND: ()}, "keras", lambda m, p, s: None, lambda p: lambda i: [], True)
    monkeypatch.setitem(TARGETS, "own", own)
    monkeypatch.setitem(TARGETS, "folder", own._replace(ending=""))
    monkeypatch.setitem(TARGETS, "other", own._replace(writers={"nothing": ()}))
    monkeypatch.setitem(TARGETS, "absent", own._replace(runtime="nowhere"))
    with pytest.raises(SystemExit, match=cure):
        export.main(arguments)
    assert Path("photos.x").is_dir()
    assert Path("damaged.keras").read_text() == "no model"


def test_scalings_multiply():
    network = build_image_rnn((8, 6), 3, scale=2.0)
    scaling = keras.layers.Rescaling(1 / 255, offset=-1)
    model = keras.Sequential([keras.Input((8, 6)), scaling, network])
    scale, offset = agreement.scaling_of(model)
    assert scale == pytest.approx(2 / 255)
    assert offset == pytest.approx(-2)
    network = build_image_rnn((8, 8), 3, scale=2.0, reading="cross")
    assert agreement.scaling_of(network) == (2.0, 0.0)
    scaling = keras.layers.Rescaling([0.5, 0.25, 1.0], offset=[-1, 0, 1])
    model = keras.Sequential([keras.Input((8, 6, 3)), scaling, build_image_rnn((8, 6, 3), 3)])
    assert agreement.scaling_of(model) == ([0.5, 0.25, 1.0], [-1.0, 0.0, 1.0])


def test_names_of_other_classes_are_not_written_beside_a_model(tmp_path):
    (tmp_path / "preparation.json").write_text(json.dumps({"class_names": ["a", "b"]}))
    model = build_image_rnn((8, 6), 3)
    with pytest.raises(ValueError, match="names 2 classes, and the network gives 3"):
        described(model, tmp_path / "model.keras")
    model = build_image_rnn((8, 6), 1, classifier_activation="sigmoid")
    described(model, tmp_path / "model.keras")


def test_states_that_do_not_begin_with_zeros_are_written_down(tmp_path):
    model = build_image_rnn((6, 4), 3, cell=Begins)
    step = build_step_model(model)
    content = describe(model, step, step.inputs, tmp_path / "model.keras", "onnx")
    assert content["states_before_the_first_part"] == [[1.0] * 16]


class Begins(keras.layers.SimpleRNNCell):
    """A cell whose state begins with ones."""

    def get_initial_state(self, batch_size=None):
        return keras.ops.ones((batch_size, self.units))


def test_weights_of_another_file_are_not_overwritten(tmp_path):
    (tmp_path / "network.bin").write_text("something else")
    options = argparse.Namespace(output=tmp_path / "network.xml", step=False)
    with pytest.raises(export.ExportError, match=r"network\.bin is a file that this command did"):
        export._checked_path(options, TARGETS["openvino"])

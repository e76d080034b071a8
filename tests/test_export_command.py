"""The command that exports: what it refuses, and what it writes beside the file."""

import argparse
import inspect
import json
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from backends import run_python
from messages import raises

from keras_imgseq import ImageAsSequence, LineReader, build_image_rnn, build_step_model, export
from keras_imgseq._export import agreement, pixels
from keras_imgseq._export.description import describe
from keras_imgseq._export.targets import TARGETS, Target, missing_packages

BACKEND = keras.backend.backend()
to_numpy = keras.ops.convert_to_numpy


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
    assert [output["shape"][1:] for output in content["outputs"]] == [[4], [16]]
    names = ["output_0", "output_1"] if TARGETS[target].names_outputs else [None, None]
    assert [output.get("name") for output in content["outputs"]] == names
    assert content["scaling_inside"] == pytest.approx(1 / 255)
    assert content["data_format"] == "channels_first"
    assert content["states_before_the_first_part"] == "zeros"
    assert content["preparation"] == {"class_names": list("abcd")}


def described(model, path=Path("model.keras")):
    return describe(model, model, model.inputs, path, "onnx")


def test_the_page_names_each_key(tmp_path):
    (tmp_path / "preparation.json").write_text("{}")
    network = build_image_rnn((8, 6), 4)
    step = build_step_model(network)
    content = describe(network, step, step.inputs, tmp_path / "model.keras", "onnx")
    content |= described(LineReader("ab", height=32, units=4))
    page = (Path(__file__).parent.parent / "docs" / "how-to" / "deploy.md").read_text("utf-8")
    table = re.search(r"^\| key .*?\|(?=\n\n)", page, flags=re.DOTALL | re.MULTILINE)[0]
    named = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert set(re.findall(r"`(\w+)`", "".join(named))) == set(content)


def test_a_network_in_another_model_is_described_too():
    network = build_image_rnn((8, 6), 4, scale=1 / 255, reading=ImageAsSequence("row"))
    model = keras.Sequential([keras.Input((8, 6)), network])
    content = described(model)
    assert content["scaling_inside"] == pytest.approx(1 / 255)
    assert content["data_format"] == "channels_last"


def test_a_network_of_each_image_of_a_video_is_described():
    reading = ImageAsSequence("row", mask_value=-1.0, data_format="channels_last")
    network = build_image_rnn((8, 6), 4, scale=1 / 255, reading=reading)
    each = keras.layers.TimeDistributed(network)
    content = described(keras.Sequential([keras.Input((3, 8, 6)), each, keras.layers.GRU(2)]))
    assert content["scaling_inside"] == pytest.approx(1 / 255)
    assert content["mask_value"] == -1
    assert content["data_format"] == "channels_last"
    scaled = keras.layers.TimeDistributed(keras.layers.Rescaling(0.5))
    content = described(keras.Sequential([keras.Input((3, 8, 6)), scaled, each]))
    assert content["scaling_inside"] == pytest.approx(0.5 / 255)


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
    signature = [keras.InputSpec(shape=(None, 8, 64), dtype="float32", name="images")]
    content = describe(reader, reader, signature, Path("reader.keras"), "onnx")
    assert content["alphabet"] == "0123456789"
    assert (content["blank"], content["height"], content["step_width"]) == (0, 8, 2)
    assert content["inputs"] == [{"name": "images", "shape": [None, 8, 64], "dtype": "float32"}]
    assert content["outputs"] == [{"shape": [None, 32, 11]}]


def test_a_step_that_was_saved_is_described_by_its_answer(tmp_path):
    step = build_step_model(build_image_rnn((8, 6), 3))
    step.save(tmp_path / "step.keras")
    (tmp_path / "preparation.json").write_text(json.dumps({"class_names": list("abc")}))
    loaded = keras.saving.load_model(tmp_path / "step.keras")
    content = described(loaded, tmp_path / "step.keras")
    assert content["preparation"] == {"class_names": list("abc")}
    assert content["outputs"] == [{"shape": [None, 3]}, {"shape": [None, 16]}]


@pytest.mark.parametrize(
    ("options", "arguments", "ways"),
    [
        ({}, [], "export the step with --step, take another target"),
        ({}, ["--step"], r"change that, take another target\."),
        ({"bidirectional": True}, [], "change that, take another target"),
        ({"input_shape": (None, 6)}, [], "fix its sizes with --size, export the step"),
        ({"input_shape": (None, 6)}, ["--size", "8", "6"], "change that, export the step"),
    ],
)
def test_a_network_that_a_target_cannot_hold_names_what_it_has(
    options, arguments, ways, tmp_path, monkeypatch
):
    def fails(*given):
        raise TypeError("no such operation")

    options = {"input_shape": (8, 6), "classes": 3, **options}
    build_image_rnn(**options).save(tmp_path / "model.keras")
    monkeypatch.setitem(TARGETS, "wrong", Target(".x", {BACKEND: ()}, "keras", fails, fails))
    is_sized = BACKEND != "torch" or None not in options["input_shape"] or "--size" in arguments
    said = f"no such operation.*{ways}" if is_sized else "Give their size with --size"
    with raises(SystemExit, match=said):
        export.main([str(tmp_path / "model.keras"), "--to", "wrong", *arguments])


def test_another_backend_is_named_where_there_is_one(tmp_path, monkeypatch):
    def fails(*given):
        raise TypeError("\x1b[1mno such\n operation\x1b[0m")

    build_image_rnn((8, 6), 3).save(tmp_path / "model.keras")
    writers = dict.fromkeys(("tensorflow", "jax", "torch"), ())
    monkeypatch.setitem(TARGETS, "wrong", Target(".x", writers, "keras", fails, fails))
    said = r"TypeError: no such operation\. .*take another KERAS_BACKEND, or another target\."
    with raises(SystemExit, match=said):
        export.main([str(tmp_path / "model.keras"), "--to", "wrong"])


def test_a_class_of_ones_own_is_imported_as_the_error_says(tmp_path, monkeypatch):
    (tmp_path / "own_cell.py").write_text(
        "import keras\n\n\n@keras.saving.register_keras_serializable()\n"
        "class OwnCell(keras.layers.GRUCell):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    save = (
        "import own_cell, keras_imgseq;"
        "keras_imgseq.build_image_rnn((6, 4), 3, cell=own_cell.OwnCell).save('own.keras')"
    )
    assert run_python("-c", save, backend=BACKEND).returncode == 0
    target = {"tensorflow": "saved_model", "jax": "stablehlo", "torch": "torch"}[BACKEND]
    written = ["own.keras", "--to", target, "--step", "--output", f"a step{TARGETS[target].ending}"]
    with raises(SystemExit, match=r"OwnCell is not known\)\. Register it") as error:
        export.main(written)
    command = re.search(r'python (-c) "(.*)" (.*)', str(error.value)).groups()
    code = command[1].replace("YOUR_MODULE", "own_cell")
    assert shlex.split(command[2]) == written
    ended = run_python("-c", code, *written, backend=BACKEND)
    assert ended.returncode == 0, ended.stderr
    assert "Largest difference" in ended.stdout


def test_a_lambda_layer_is_named(saved):
    turned = keras.layers.Lambda(lambda images: images + 1, output_shape=(8, 6))
    keras.Sequential([keras.Input((8, 6)), turned]).save("odd.keras")
    with raises(SystemExit, match="code of Python, such as a lambda, which is not loaded"):
        export.main(["odd.keras", *saved[1:]])


def test_a_name_with_lambda_is_no_code(saved):
    dense = keras.layers.Dense(3, name="lambda_head")
    keras.Sequential([keras.Input((4,)), dense]).save("odd.keras")
    with zipfile.ZipFile("odd.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["config.json"] = parts["config.json"].replace(b'"units": 3', b'"units": 3, "odd": 3')
    with zipfile.ZipFile("odd.keras", "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(SystemExit, match=r"cannot be loaded \(TypeError.*Save it again"):
        export.main(["odd.keras", *saved[1:]])


def test_a_model_has_the_ending_of_keras(saved):
    shutil.copy(saved[0], "digits.zip")
    with raises(SystemExit, match=r"Keras loads files that end in .keras.*Rename it"):
        export.main(["digits.zip", *saved[1:]])


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
        (["damaged.keras", "--to", "own"], "damaged.keras is no .keras file, or it is damaged"),
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
    with raises(SystemExit, match=cure):
        export.main(arguments)
    assert Path("photos.x").is_dir()
    assert Path("damaged.keras").read_text() == "no model"


def test_scalings_multiply():
    network = build_image_rnn((8, 6), 3, scale=2.0)
    scaling = keras.layers.Rescaling(1 / 255, offset=-1)
    model = keras.Sequential([keras.Input((8, 6)), scaling, network])
    scale, offset = pixels.scaling_of(model)
    assert scale == pytest.approx(2 / 255)
    assert offset == pytest.approx(-2)
    network = build_image_rnn((8, 8), 3, scale=2.0, reading="cross")
    assert pixels.scaling_of(network) == (2.0, 0.0)
    scaling = keras.layers.Rescaling([0.5, 0.25, 1.0], offset=[-1, 0, 1])
    model = keras.Sequential([keras.Input((8, 6, 3)), scaling, build_image_rnn((8, 6, 3), 3)])
    assert pixels.scaling_of(model) == ([0.5, 0.25, 1.0], [-1.0, 0.0, 1.0])


def test_names_of_other_classes_are_not_written_beside_a_model(tmp_path):
    (tmp_path / "preparation.json").write_text(json.dumps({"class_names": ["a", "b"]}))
    model = build_image_rnn((8, 6), 3)
    with raises(ValueError, match="names 2 classes, and the network gives 3"):
        described(model, tmp_path / "model.keras")
    model = build_image_rnn((8, 6), 1, classifier_activation="sigmoid")
    described(model, tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((8, 6, 3), True),
        ((None, 6, 3), True),
        ((6, 8, 3), False),
        ((8, 6, 1), False),
        ((8, 6), False),
    ],
)
def test_the_preparation_of_other_sizes_is_not_written_beside_a_model(tmp_path, shape, fits):
    preparation = {"size": [8, 6], "colour": True, "class_names": ["a", "b", "c"]}
    (tmp_path / "preparation.json").write_text(json.dumps(preparation))
    model = build_image_rnn(shape, 3)
    if shape == (8, 6):
        # What is no size tells nothing.
        (tmp_path / "preparation.json").write_text(json.dumps({"size": [8]}))
        described(model, tmp_path / "model.keras")
        (tmp_path / "preparation.json").write_text(json.dumps(preparation))
    if fits:
        assert described(model, tmp_path / "model.keras")["preparation"] == preparation
    else:
        with raises(ValueError, match="8 x 6 pixels with 3 channels.*to another model"):
            described(model, tmp_path / "model.keras")


def test_a_reader_has_no_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "_check_backend", lambda *_: None)
    LineReader("ab", height=16, units=2).save("reader.keras")
    with pytest.raises(SystemExit, match=r"A line reader has no step.*Omit it"):
        export.main(["reader.keras", "--to", "onnx", "--step"])


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
    with raises(ValueError, match=r"network\.bin is a file that this command did"):
        export._checked_path(options, TARGETS["openvino"])


def test_the_way_of_the_pixels_is_followed():
    layers = keras.layers
    behind = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Rescaling(100.0)]
    )
    assert pixels.scaling_of(behind) == (1.0, 0.0)
    masked = keras.Sequential(
        [
            keras.Input((8, 6)),
            ImageAsSequence(),
            layers.Rescaling(1 / 127.5, -1.0),
            layers.Masking(-1.0),
            layers.LSTM(4),
        ]
    )
    assert pixels.padding_of(masked) == 0
    images = keras.Input((8, 6))
    scaled = layers.GRU(4)(layers.Rescaling(1 / 255)(ImageAsSequence()(images)))
    plain = layers.GRU(4)(ImageAsSequence("column")(images))
    unlike = keras.Model(images, layers.Add()([scaled, plain]))
    assert pixels.scaling_of(unlike) == (None, None)
    normalized = keras.Sequential(
        [keras.Input((8, 6)), layers.Normalization(mean=0.0, variance=4.0), layers.GRU(4)]
    )
    assert pixels.scaling_of(normalized) == (None, None)
    cross = build_image_rnn((8, 8), 3, reading="cross", scale=1 / 255)
    assert pixels.scaling_of(cross) == (1 / 255, 0.0)
    nested = keras.Model(images, build_image_rnn((8, 6), 3, scale=1 / 255)(images))
    assert pixels.scaling_of(nested) == (1 / 255, 0.0)
    coloured = keras.Input((16, 12, 1))
    resized = layers.Rescaling(1 / 255)(layers.Resizing(8, 6)(coloured))
    network = build_image_rnn((8, 6, 1), 3)
    assert pixels.scaling_of(keras.Model(coloured, network(resized))) == (1 / 255, 0.0)
    towers = [build_image_rnn((8, 6), 3, scale=scale, name=f"of_{scale}") for scale in (1, 2)]
    both = keras.Model(images, layers.Add()([tower(images) for tower in towers]))
    assert pixels.scaling_of(both) == (None, None)
    operated = layers.Rescaling(1 / 255)(keras.ops.expand_dims(images, -1))
    assert pixels.scaling_of(keras.Model(images, network(operated))) == (None, None)


def test_layers_that_pass_pixels_on_keep_their_scaling():
    """What is in the list only moves values, or takes their averages."""
    images = keras.ops.convert_to_tensor(np.random.default_rng(0).random((2, 6, 6, 3), "float32"))
    tried = 0
    for kind in pixels.PASSING:
        needs = [p for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
        needs = [p.name for p in needs if p.kind is p.POSITIONAL_OR_KEYWORD]
        given = {name: PASSING_OPTIONS.get(name, 0.5) for name in needs}
        x = keras.ops.reshape(images, (2, 36, 3)) if kind.__name__.endswith("1D") else images
        x = keras.ops.reshape(x, (2, 108)) if kind is keras.layers.RepeatVector else x
        if kind in (keras.layers.InputLayer, keras.layers.Masking):
            continue
        layer = kind(**given)
        for scale in (1 / 4, 2):
            expected = to_numpy(layer(x, training=False)) * scale
            found = to_numpy(layer(x * scale, training=False))
            np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=kind.__name__)
        tried += 1
    assert tried > 30


PASSING_OPTIONS = {
    "factor": 1,
    "pool_size": 2,
    "cropping": 1,
    "padding": 1,
    "size": 2,
    "target_shape": (18, 6),
    "dims": (2, 1, 3),
    "n": 2,
    "height": 4,
    "width": 4,
    "height_factor": 0.1,
    "width_factor": 0.1,
    "color_factor": 0.1,
    "value_range": (0, 1),
}


@pytest.mark.parametrize("layer", [keras.layers.Identity(), keras.layers.RandomBrightness(0.1)])
def test_a_scaling_behind_what_changes_no_pixel_is_found(layer):
    images = keras.Input((8, 6, 3))
    reading = ImageAsSequence(mask_value=1.0)
    network = build_image_rnn((8, 6, 3), 2, reading=reading)
    model = keras.Model(images, network(keras.layers.Rescaling(1 / 255)(layer(images))))
    assert pixels.scaling_of(model) == (1 / 255, 0.0)
    assert pixels.padding_of(model) == pytest.approx(255)


@keras.saving.register_keras_serializable("tests")
class Halved(keras.layers.Layer):
    """A scaling that cannot be known to be one."""

    def call(self, images):
        return images / 2


@pytest.mark.parametrize("layer", [Halved(), keras.layers.Activation("tanh")])
def test_what_may_be_a_scaling_gives_none(layer):
    images = keras.Input((8, 6))
    model = keras.Model(images, build_image_rnn((8, 6), 2)(layer(images)))
    assert pixels.scaling_of(model) == (None, None)


def test_each_network_in_a_model_has_the_pixels_that_it_is_given():
    images, others = keras.Input((8, 6)), keras.Input((8, 6))
    scaled = keras.layers.Rescaling(1 / 255)(images)
    first, second = (build_image_rnn((8, 6), 3, name=name) for name in ("first", "second"))
    for given in (images, others):
        inputs = [images, others] if given is others else images
        for pair in ((scaled, given), (given, scaled)):
            joined = keras.layers.Add()([first(pair[0]), second(pair[1])])
            assert pixels.scaling_of(keras.Model(inputs, joined)) == (None, None)
    joined = keras.layers.Add()([first(scaled), first(keras.layers.Rescaling(1 / 255)(others))])
    assert pixels.scaling_of(keras.Model([images, others], joined)) == (1 / 255, 0.0)
    inner = keras.Model(images, [images, scaled])
    for place, scale in enumerate((1.0, 1 / 255)):
        model = keras.Model(others, first(inner(others)[place]))
        assert pixels.scaling_of(model) == (scale, 0.0)
    # A model that is called with a dict, whose keys stand in any order.
    named = {name: keras.Input((8, 6), name=name) for name in "ba"}
    inner = [first(keras.layers.Rescaling(1 / 255)(named["a"])), second(named["b"])]
    pair = keras.Model(named, keras.layers.Add()(inner))
    for given, expected in (
        ({"b": others, "a": scaled}, (None, None)),
        ({"b": scaled, "a": others}, (1 / 255, 0.0)),
    ):
        assert pixels.scaling_of(keras.Model([images, others], pair(given))) == expected
    grey = keras.Input((8, 6, 1))
    coloured = keras.layers.Rescaling(1 / 255)(keras.layers.Concatenate()([grey] * 3))
    model = keras.Model(grey, build_image_rnn((8, 6, 3), 2)(coloured))
    assert pixels.scaling_of(model) == (1 / 255, 0.0)


def test_unlike_values_of_padding_are_none():
    images = keras.Input((8, 6))
    towers = [
        build_image_rnn((8, 6), 3, reading=ImageAsSequence(mask_value=value), name=name)
        for value, name in ((0.0, "zeros"), (1.0, "ones"))
    ]
    both = keras.Model(images, keras.layers.Add()([tower(images) for tower in towers]))
    assert pixels.padding_of(both) is None


@pytest.mark.parametrize("step", [[], ["--step"]])
def test_a_sequential_is_exported(step, tmp_path, monkeypatch):
    layers = [keras.Input((8, 6)), ImageAsSequence(), keras.layers.GRU(3), keras.layers.Dense(2)]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    models = []
    target = Target(
        ".x",
        {BACKEND: ()},
        "keras",
        lambda model, path, signature: (models.append(model), path.touch()),
        lambda path: (
            lambda inputs: keras.tree.flatten(
                models[-1].predict_on_batch(
                    list(inputs.values()) if step else next(iter(inputs.values()))
                )
            )
        ),
    )
    monkeypatch.setitem(TARGETS, "own", target)
    export.main([str(tmp_path / "model.keras"), "--to", "own", *step])
    assert (tmp_path / f"model{'_step' if step else ''}.x").exists()


def test_answers_that_are_true_or_false_are_compared():
    images = keras.Input((8, 6))
    model = keras.Model(images, build_image_rnn((8, 6), 2)(images) > 0.5)
    inputs = agreement.random_inputs(model, model.inputs)
    answers = model.predict_on_batch(next(iter(inputs.values())))
    assert agreement.largest_difference(model, [answers], inputs) == 0
    assert agreement.largest_difference(model, [~answers], inputs) == 1


def test_a_step_is_tried_with_the_pixels_of_its_network():
    network = build_image_rnn((8, 6), 3, scale=1 / 255)
    step = build_step_model(network)
    (inputs,) = agreement.inputs_to_compare(step, step.inputs, network)
    assert inputs["part"].max() > 100


def test_integers_are_tried_with_all_that_they_hold():
    model = keras.Sequential([keras.Input((8, 6), dtype="uint8"), ImageAsSequence()])
    (images,) = agreement.random_inputs(model, model.inputs).values()
    assert images.dtype == "uint8"
    assert images.max() > 200


@pytest.mark.parametrize(("height", "sides"), [(None, [64, 61]), (8, [8])])
def test_sides_that_no_patch_divides_are_tried(height, sides):
    reading = ImageAsSequence((4, 12), padding="same")
    model = build_image_rnn((height, 12), 4, reading=reading)
    tried = agreement.inputs_to_compare(model, model.inputs, model)
    assert [next(iter(inputs.values())).shape[1] for inputs in tried] == sides


@pytest.mark.parametrize("names", [5, "abcd", [1, 2, 3, 4]])
def test_class_names_that_are_no_names_are_damage(tmp_path, names):
    (tmp_path / "preparation.json").write_text(json.dumps({"class_names": names}))
    with raises(ValueError, match="is damaged"):
        described(build_image_rnn((8, 6), 4), tmp_path / "model.keras")


def test_a_given_size_stands_where_the_format_says():
    convolution = keras.layers.Conv2D(2, 3, data_format="channels_first")
    model = keras.Sequential([keras.Input((3, None, None)), convolution])
    target = TARGETS["onnx"]
    (spec,) = export._signature(model, target, [28, 30])
    assert spec.shape == (None, 3, 28, 30)
    last = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)])
    (spec,) = export._signature(last, target, [28, 30])
    assert spec.shape == (None, 28, 30, 3)
    (spec,) = export._signature(last, TARGETS["litert"], [28, 30])
    assert spec.shape == (1, 28, 30, 3)


def written_as_a_folder(monkeypatch):
    """A target that writes a folder as SavedModel does, and answers as Keras does."""
    models = []

    def write(model, path, signature):
        models.append(model)
        path.mkdir()
        (path / "saved_model.pb").write_text(f"number {len(models)}")

    def load(path):
        return lambda inputs: [models[-1].predict_on_batch(next(iter(inputs.values())))]

    monkeypatch.setitem(TARGETS, "folder", Target("", {BACKEND: ()}, "keras", write, load))


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written_as_a_folder(monkeypatch)
    build_image_rnn((8, 6), 3).save("model.keras")
    return ["model.keras", "--to", "folder", "--output", "out"]


def test_only_what_the_command_wrote_is_replaced(saved):
    export.main(saved)
    export.main(saved)
    assert Path("out/saved_model.pb").read_text() == "number 2"
    Path("out/notes.txt").write_text("mine")
    with raises(SystemExit, match=r"out holds notes\.txt, which this command did not write"):
        export.main(saved)
    assert Path("out/notes.txt").read_text() == "mine"
    Path("out/notes.txt").unlink()
    Path("out/assets").mkdir()
    Path("out/assets/labels.txt").write_text("mine")
    with raises(SystemExit, match=r"out holds assets/labels\.txt, which this command did"):
        export.main(saved)
    assert Path("out/assets/labels.txt").read_text() == "mine"
    shutil.rmtree("out/assets")
    Path("out.json").write_text('{"name": "mine"}')
    with raises(SystemExit, match="out is a folder that this command did not write"):
        export.main(saved)
    assert Path("out/saved_model.pb").read_text() == "number 2"


def test_a_file_of_something_else_stays(saved, monkeypatch):
    target = TARGETS["folder"]._replace(ending=".x", write=lambda m, p, s: p.write_text("new"))
    monkeypatch.setitem(TARGETS, "file", target)
    Path("model.x").write_text("mine")
    with raises(SystemExit, match=r"model\.x is a file that this command did not write"):
        export.main(["model.keras", "--to", "file"])
    assert Path("model.x").read_text() == "mine"


@pytest.mark.parametrize("content", ['{"name": "mine"}', "no JSON", None])
def test_a_description_of_something_else_stays(saved, content):
    if content is None:
        Path("out.json").mkdir()
    else:
        Path("out.json").write_text(content)
    with raises(SystemExit, match=r"out\.json is a file that this command did not write"):
        export.main(saved)
    assert not Path("out").exists()
    assert Path("out.json").is_dir() if content is None else Path("out.json").read_text() == content


def test_what_stood_there_comes_back_if_the_move_fails(saved, monkeypatch):
    export.main(saved)

    def full(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(export.os, "replace", full)
    with raises(SystemExit, match="no space left"):
        export.main(saved)
    assert Path("out/saved_model.pb").read_text() == "number 1"


@pytest.mark.parametrize(
    ("model", "cure"),
    [
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "without known inputs"),
        (
            lambda: keras.Model({"a": (a := keras.Input((3,)))}, keras.layers.Dense(2)(a)),
            "are a dict. Write them as a list",
        ),
    ],
)
def test_models_that_the_command_cannot_call_are_refused(saved, model, cure):
    model().save("odd.keras")
    with raises(SystemExit, match=cure):
        export.main(["odd.keras", *saved[1:]])


def test_a_folder_is_no_model(saved):
    Path("photos").mkdir()
    with raises(SystemExit, match="photos is a folder"):
        export.main(["photos", *saved[1:]])


def test_an_embedding_is_compared_at_the_numbers_that_it_knows():
    images = keras.Input((8, 6), dtype="int32")
    colours = keras.layers.Embedding(17, 3)(images)
    sequences = ImageAsSequence("row", data_format="channels_last")(colours)
    model = keras.Model(images, keras.layers.GRU(4)(sequences))
    (numbers,) = agreement.random_inputs(model, [model.inputs[0]]).values()
    assert numbers.min() == 0 and numbers.max() == 16

import inspect
import re

import keras
import numpy as np
import pytest
from hypothesis import given
from messages import raises
from strategies import architectures

from keras_imgseq import ImageAsSequence, build_image_rnn, count_image_rnn_params


def images_of(shape, num=3):
    return np.random.default_rng(0).random((num, *shape), dtype="float32")


def test_two_arguments_make_the_network_of_the_book(capsys):
    model = build_image_rnn((28, 28), 10)
    rows = [(layer.name, type(layer).__name__, layer.count_params()) for layer in model.layers]
    assert rows == [
        ("images", "InputLayer", 0),
        ("as_sequence", "ImageAsSequence", 0),
        ("rnn_1", "SimpleRNN", 720),
        ("logits", "Dense", 170),
        ("probabilities", "Activation", 0),
    ]
    assert model.count_params() == 890
    assert model.get_layer("rnn_1").activation is keras.activations.relu
    assert not model.compiled
    model.summary()
    summary = capsys.readouterr().out
    for row in rows:
        assert row[0] in summary
        assert str(row[2]) in summary


def test_the_network_of_the_book_is_the_one_typed_by_hand():
    ours = build_image_rnn((28, 28), 10)
    typed = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.SimpleRNN(16, activation="relu"),
            keras.layers.Dense(10),
            keras.layers.Activation("softmax"),
        ]
    )
    assert [weight.path for weight in ours.weights] == [
        "rnn_1/simple_rnn_cell/kernel",
        "rnn_1/simple_rnn_cell/recurrent_kernel",
        "rnn_1/simple_rnn_cell/bias",
        "logits/kernel",
        "logits/bias",
    ]
    typed.set_weights(ours.get_weights())
    images = images_of((28, 28))
    np.testing.assert_allclose(
        ours.predict(images, verbose=0), typed.predict(images, verbose=0), atol=1e-6
    )


@given(architectures())
def test_the_formula_counts_the_parameters(arguments):
    assert count_image_rnn_params(**arguments) == build_image_rnn(**arguments).count_params()


@given(architectures())
def test_the_promised_output_is_the_delivered_one(arguments):
    model = build_image_rnn(**arguments)
    outputs = model(images_of(arguments["input_shape"]))
    assert tuple(outputs.shape[1:]) == model.output_shape[1:]
    assert keras.backend.standardize_dtype(outputs.dtype) == model.output.dtype
    assert len(model.output_shape) == (3 if arguments["return_sequences"] else 2)


@given(architectures())
def test_the_layers_have_plain_names(arguments):
    model = build_image_rnn(**arguments)
    prefix = f"{arguments['name']}_" if arguments["name"] else ""
    assert all(layer.name.startswith(prefix) for layer in model.layers)
    names = {layer.name.removeprefix(prefix) for layer in model.layers}
    assert ("logits" in names) == (arguments["classes"] is not None)
    assert ("probabilities" in names) == (
        arguments["classes"] is not None and arguments["classifier_activation"] is not None
    )
    assert {"images"} <= names
    assert ("as_sequence" in names) == ("rnn_1" in names) == ("merged" not in names)


def test_counting_takes_the_arguments_of_building():
    build, count = (
        inspect.signature(function).parameters
        for function in (build_image_rnn, count_image_rnn_params)
    )
    assert build == count


@pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])
def test_a_named_cell_is_the_layer_of_keras(cell):
    layer_class = {
        "simple_rnn": keras.layers.SimpleRNN,
        "gru": keras.layers.GRU,
        "lstm": keras.layers.LSTM,
    }
    model = build_image_rnn(
        (4, 5), None, cell=cell, units=(3, 2), dropout=0.1, recurrent_dropout=0.2
    )
    first, second = model.get_layer("rnn_1"), model.get_layer("rnn_2")
    assert isinstance(first, layer_class[cell])
    assert (first.units, first.return_sequences) == (3, True)
    assert (second.units, second.return_sequences) == (2, False)
    assert (second.dropout, second.recurrent_dropout) == (0.1, 0.2)
    expected = "relu" if cell == "simple_rnn" else "tanh"
    assert first.get_config()["activation"] == expected


def test_an_activation_replaces_the_default():
    model = build_image_rnn((4, 5), 2, activation="tanh")
    assert model.get_layer("rnn_1").activation is keras.activations.tanh


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_callable_makes_the_cells(bidirectional):
    model = build_image_rnn(
        (4, 5), 2, cell=keras.layers.GRUCell, units=(3, 6), bidirectional=bidirectional
    )
    named = build_image_rnn((4, 5), 2, cell="gru", units=(3, 6), bidirectional=bidirectional)
    assert model.count_params() == named.count_params()
    model.predict(images_of((4, 5)), verbose=0)


def test_without_classes_the_features_come_out():
    assert build_image_rnn((4, 5), None, units=7).output_shape == (None, 7)
    assert build_image_rnn((4, 5), None, units=7, bidirectional=True).output_shape == (None, 14)


def test_the_head_answers_at_every_step():
    model = build_image_rnn((4, 5), 3, return_sequences=True)
    assert model.output_shape == (None, 4, 3)
    answers = model.predict(images_of((4, 5)), verbose=0)
    at_the_end = build_image_rnn((4, 5), 3)
    at_the_end.set_weights(model.get_weights())
    last = at_the_end.predict(images_of((4, 5)), verbose=0)
    np.testing.assert_allclose(answers[:, -1], last, atol=1e-6)


@pytest.mark.parametrize("loss", ["ctc", keras.losses.ctc, keras.losses.CTC()])
def test_ctc_on_probabilities_is_refused_when_the_model_is_compiled(loss, tmp_path):
    options = {"reading": "column", "return_sequences": True}
    model = build_image_rnn((4, 6), 5, **options)
    model.save(tmp_path / "model.keras")
    for network in (model, keras.saving.load_model(tmp_path / "model.keras")):
        with raises(ValueError, match="classifier_activation=None") as error:
            network.compile("adam", loss)
        assert "Received: loss=" in str(error.value)
    logits = build_image_rnn((4, 6), 5, classifier_activation=None, **options)
    logits.compile("adam", loss)
    logits.fit(images_of((4, 6)), np.ones((3, 2)), verbose=0)
    model.compile("adam", "sparse_categorical_crossentropy")


def test_the_scale_multiplies_the_pixels():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype="uint8")
    scaled = build_image_rnn((4, 5), 3, scale=1 / 255)
    plain = build_image_rnn((4, 5), 3)
    plain.set_weights(scaled.get_weights())
    np.testing.assert_allclose(
        scaled.predict(images, verbose=0), plain.predict(images / 255, verbose=0), atol=1e-6
    )


@pytest.mark.parametrize("merge", ["concat", "sum", "mean", "max"])
def test_several_readings_are_merged(merge):
    readings = ["row", ImageAsSequence("column", reverse=True, name="mine")]
    model = build_image_rnn((4, 5), None, units=3, reading=readings, merge=merge)
    images = images_of((4, 5))
    branches = []
    for number, (reading, shape) in enumerate(zip(readings, [(4, 5), (4, 5)], strict=True), 1):
        single = build_image_rnn(shape, None, units=3, reading=reading)
        single.set_weights(model.get_layer(f"reading_{number}_rnn_1").get_weights())
        branches.append(single.predict(images, verbose=0))
    expected = {
        "concat": np.concatenate(branches, axis=-1),
        "sum": np.sum(branches, axis=0),
        "mean": np.mean(branches, axis=0),
        "max": np.max(branches, axis=0),
    }[merge]
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-6)


def test_cross_is_rows_first_columns_first_and_both_backwards():
    for reading, step in (("cross", "pixel"), (("cross", (2, 1)), (2, 1))):
        model = build_image_rnn((4, 5), 2, reading=reading)
        configs = [model.get_layer(f"reading_{n}_as_sequence").get_config() for n in (1, 2, 3, 4)]
        paths = [(config["transpose"], config["reverse"]) for config in configs]
        assert paths == [(False, False), (True, False), (False, True), (True, True)]
        assert {config["step"] for config in configs} == {step}


def test_a_reading_that_is_given_stays_as_it_was():
    reading = ImageAsSequence("column", name="mine")
    model = build_image_rnn((4, 5), 2, reading=reading)
    assert not reading.built
    assert reading.name == "mine"
    assert model.get_layer("as_sequence").get_config()["step"] == "column"


def test_names_of_steps_follow_the_data_format_of_the_layers_beside_them():
    reading = ImageAsSequence("column", data_format="channels_first")
    model = build_image_rnn((3, 4, 5), 2, reading=["row", reading])
    assert model.get_layer("reading_1_as_sequence").data_format == "channels_first"


def test_unknown_sizes_and_unrolling_reach_the_recurrent_layer():
    assert build_image_rnn((None, 5), 2).output_shape == (None, 2)
    assert build_image_rnn((4, 5), 2, unroll=True).get_layer("rnn_1").unroll
    assert not build_image_rnn((4, 5), 2, unroll=False).get_layer("rnn_1").unroll


def test_half_precision_ends_in_full_precision_probabilities():
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        model = build_image_rnn((4, 5), 3)
    finally:
        keras.config.set_dtype_policy(policy)
    assert model.get_layer("rnn_1").compute_dtype == "float16"
    assert model.output.dtype == "float32"
    np.testing.assert_allclose(model.predict(images_of((4, 5)), verbose=0).sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", keras.ops.softmax, keras.layers.Softmax()])
def test_ctc_on_probabilities_of_any_kind_is_refused(activation):
    model = build_image_rnn((4, 6), 3, return_sequences=True, classifier_activation=activation)
    with raises(ValueError, match="classifier_activation=None"):
        model.compile(loss=keras.losses.CTC())


@pytest.mark.parametrize("name", ["left net", "", "lé", "_left", "a.b", "a/b"])
def test_names_that_a_backend_refuses(name):
    with raises(ValueError, match="letters from a to z"):
        build_image_rnn((4, 6), 3, name=name)


def test_a_callable_makes_a_new_cell_for_each_layer():
    one = keras.layers.GRUCell(3)
    with raises(ValueError, match="the same cell twice from cell="):
        build_image_rnn((6, 6), 3, cell=lambda units: one, units=(3, 3))
    model = build_image_rnn((6, 6), 3, cell=lambda units: one, units=3)
    assert model.predict(np.zeros((1, 6, 6)), verbose=0).shape == (1, 3)


def test_both_functions_say_the_same_of_each_argument():
    def said_by(function):
        text = inspect.getdoc(function).split("Args:\n")[1].split("\n\nReturns:")[0]
        return dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", text, flags=re.MULTILINE))

    built, counted = map(said_by, (build_image_rnn, count_image_rnn_params))
    assert list(built) == list(counted) == list(inspect.signature(build_image_rnn).parameters)
    assert {name for name in built if built[name] != counted[name]} == {"cell"}


@pytest.mark.parametrize(
    "activation",
    [
        "softmax",
        "hard_sigmoid",
        "sparsemax",
        keras.layers.Softmax(),
        keras.layers.Activation("softmax"),
    ],
    ids=str,
)
def test_ctc_takes_no_probabilities_however_they_are_made(activation):
    model = build_image_rnn(
        (8, 8), 4, units=2, return_sequences=True, classifier_activation=activation
    )
    with raises(ValueError, match="classifier_activation=None"):
        model.compile("sgd", keras.losses.CTC())


@pytest.mark.parametrize("unroll", ["auto", True, False])
@pytest.mark.parametrize("mask_value", [None, 0.0])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_cell_is_one_row_of_the_table(unroll, mask_value, bidirectional, monkeypatch):
    from keras_imgseq._recurrent.cells import CELLS, Cell

    class OtherGRU(keras.layers.GRU):
        pass

    row = Cell(OtherGRU, OtherGRU, "tanh", CELLS["gru"].num_params)
    monkeypatch.setitem(CELLS, "other", row)
    options = {
        "cell": "other",
        "unroll": unroll,
        "bidirectional": bidirectional,
        "reading": ImageAsSequence("row", mask_value=mask_value),
    }
    is_refused = unroll is True and bidirectional and mask_value is not None
    if is_refused and keras.backend.backend() == "torch":
        with raises(ValueError, match="Write unroll='auto'"):
            build_image_rnn((6, 4), 3, **options)
        return
    with keras.saving.custom_object_scope({"OtherGRU": OtherGRU}):
        model = build_image_rnn((6, 4), 3, **options)
    assert model.count_params() == count_image_rnn_params((6, 4), 3, **options)
    assert model.predict(np.ones((2, 6, 4)), verbose=0).shape == (2, 3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a function of TensorFlow")
def test_a_network_is_built_in_the_first_call_of_a_tf_function():
    import tensorflow as tf

    networks = []

    @tf.function
    def answers(images):
        if not networks:
            networks.append(build_image_rnn((5, 4), 3))
        return networks[0](images)

    images = np.random.default_rng(0).random((2, 5, 4), dtype="float32")
    np.testing.assert_allclose(
        answers(images).numpy(), networks[0].predict(images, verbose=0), atol=1e-6
    )

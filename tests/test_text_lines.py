"""The reader of text lines."""

import functools
import re
import unicodedata
import warnings

import keras
import numpy as np
import pytest
from backends import INSTALLED, needs_tensorflow, needs_torch, run_python
from hypothesis import example, given
from hypothesis import strategies as st
from messages import raises
from small_lines import READER, SMALL, lines, small_reader
from strategies import fewer

from keras_imgseq import LineBatches, LineReader, plot
from keras_imgseq._lines.decoding import text_of

BACKEND = keras.backend.backend()
to_numpy = keras.ops.convert_to_numpy


@functools.cache
def reader_of_two_layers():
    return small_reader(units=(4, 3))


@fewer(20, compiled=4)
@given(
    # The ink of 11 pixels ends after 10: 5 steps, as many as "aaa" needs.
    st.tuples(*[st.tuples(st.sampled_from((11, 14, 30)), st.text("abc", max_size=3))] * 3),
    st.sampled_from((32, 44)),
    st.integers(0, 99),
)
@example(((9, "ab"), (14, ""), (30, "aac")), 32, 0)
def test_the_answers_and_the_loss_of_a_batch_are_those_of_its_lines(drawn, width, seed):
    reader = reader_of_two_layers()
    widths, texts = zip(*drawn, strict=True)
    images = [reader.prepare(line) for line in lines(widths, seed=seed)]
    labels = np.zeros((3, 3), "int32")
    labels[:, : reader.encode(texts).shape[1]] = reader.encode(texts)
    loss = keras.losses.CTC(reduction=None)
    batch = np.stack([np.pad(image, ((0, 0), (0, width - image.shape[1]))) for image in images])
    together = reader.predict(batch, verbose=0)
    losses = to_numpy(loss(labels, together))
    for number, image in enumerate(images):
        alone = reader.predict(image[None], verbose=0)
        num_steps = -(-image.shape[1] // 2)
        assert alone.shape == (1, num_steps, 4)
        np.testing.assert_allclose(together[number, :num_steps], alone[0], atol=1e-5)
        assert (together[number, num_steps:] == [0, -10_000, -10_000, -10_000]).all()
        found = to_numpy(loss(labels[number : number + 1], alone))[0]
        np.testing.assert_allclose(found, losses[number], rtol=1e-5)


@functools.cache
def readers_in_training():
    """Two readers with the same weights, whose training keeps no state of its own."""
    readers = small_reader(), small_reader()
    for reader in readers:
        reader.compile(keras.optimizers.SGD(0.05))
    return readers, readers[0].get_weights()


@fewer(8, compiled=3)
@given(
    st.lists(st.integers(11, 18), min_size=3, max_size=3),
    st.lists(st.sampled_from((2, 6, 14)), min_size=2, max_size=2, unique=True),
    st.integers(0, 99),
)
def test_how_widely_a_batch_is_padded_changes_no_training(widths, pads, seed):
    """Gradients, batch statistics and the weights after three steps."""
    images = np.stack(
        [np.pad(line, ((0, 0), (0, 18 - line.shape[1]))) for line in lines(widths, seed=seed)]
    )
    labels = np.array([[1, 2], [3, 0], [2, 2]])
    readers, weights = readers_in_training()
    found = []
    for reader, pad in zip(readers, pads, strict=True):
        reader.set_weights(weights)
        padded = np.pad(images, ((0, 0), (0, 0), (0, pad)))
        after = []
        for _ in range(3):
            reader.train_on_batch(padded, labels)
            after += reader.get_weights()
        found.append(after)
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_reader_learns_saves_loads_and_goes_on(tmp_path):
    """Also in a fresh process and on another backend."""
    images = lines((20, 24, 40, 33))
    texts = ["abc", "a", "cc", "b"]
    reader = small_reader(dropout=0.1, cell="gru")
    reader.compile("adam")
    batches = LineBatches(images, texts, reader, 2, shuffle=False)
    history = reader.fit(batches, epochs=2, verbose=0).history
    assert {"loss", "character_error_rate"} <= set(history)
    path = tmp_path / "reader.keras"
    reader.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.alphabet == "abc"
    assert loaded.get_config() == reader.get_config()
    assert int(loaded.optimizer.iterations) == 4
    assert "character_error_rate" in loaded.evaluate(batches, return_dict=True, verbose=0)
    assert loaded.read(images) == reader.read(images)
    loaded.fit(batches, verbose=0)
    answers = reader.predict(np.stack([np.pad(images[0], ((0, 0), (0, 4)))]), verbose=0)
    np.save(tmp_path / "image.npy", np.pad(images[0], ((0, 0), (0, 4)))[None])
    code = """
import sys, keras, numpy as np, keras_imgseq
reader = keras.saving.load_model(sys.argv[1] + "/reader.keras")
assert reader.alphabet == "abc" and reader.compiled
image = np.load(sys.argv[1] + "/image.npy")
np.save(sys.argv[1] + "/answers.npy", reader.predict(image, verbose=0))
"""
    other = next((name for name in INSTALLED if name != BACKEND), BACKEND)
    ended = run_python("-c", code, tmp_path, backend=other)
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), answers, atol=1e-5)


@pytest.mark.skipif(BACKEND != "torch", reason="the compiler of PyTorch alone fails")
def test_a_reader_is_not_compiled_by_pytorch():
    with raises(ValueError, match=r"Received: jit_compile=True. Omit it"):
        small_reader().compile("adam", jit_compile=True)


# On TensorFlow each width takes long to compile.
@pytest.mark.parametrize("jit_compile", [False, True] if BACKEND == "jax" else [False])
def test_a_reader_trains_as_any_model_does(jit_compile, tmp_path):
    """With a loss, an optimizer and callbacks of one's own."""
    batches = LineBatches(lines((20, 24, 40, 33)), ["abc", "a", "cc", "b"], READER, 2)

    def twice(labels, logits):
        return 2 * keras.losses.ctc(labels, logits)

    losses = []
    for loss in ("ctc", twice):
        reader = small_reader()
        reader.get_layer("stem").trainable = False
        reader.compile(keras.optimizers.SGD(0.0), loss=loss, jit_compile=jit_compile)
        losses.append(reader.evaluate(batches, return_dict=True, verbose=0)["loss"])
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-5)
    best = tmp_path / "best.weights.h5"
    name = "val_character_error_rate"
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            best, name, mode="min", save_best_only=True, save_weights_only=True
        ),
        keras.callbacks.EarlyStopping(name, mode="min", patience=1),
    ]
    # Its weights do not move, so that no epoch is better than the first.
    history = reader.fit(
        batches, epochs=9, validation_data=batches, callbacks=callbacks, verbose=0
    ).history
    assert len(history[name]) == 2
    other = small_reader()
    other.set_weights([0 * weight for weight in other.get_weights()])
    other.load_weights(best)
    for loaded, trained in zip(other.get_weights(), reader.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, trained)


def test_the_alphabet_and_the_weights_go_over_to_another_reader():
    reader = small_reader()
    other = reader.with_alphabet("cxb")
    assert other.alphabet == "cxb"
    before, after = (r.get_layer("logits").get_weights()[0] for r in (reader, other))
    for new, old in ((0, 0), (1, 3), (3, 2)):
        np.testing.assert_array_equal(after[:, new], before[:, old])
    for first, second in zip(
        reader.get_layer("rnn_1").get_weights(), other.get_layer("rnn_1").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("part", ["rnn_1", "forward_layer", "backward_layer"])
def test_layers_that_are_not_trained_stay_so(part, tmp_path):
    reader = small_reader()
    both = reader.get_layer("rnn_1")
    (both if part == "rnn_1" else getattr(both, part)).trainable = False
    reader.get_layer("stem").normalizations[0].trainable = False
    reader.save(tmp_path / "reader.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        loaded = keras.saving.load_model(tmp_path / "reader.keras")

    def trained(reader):
        # Keras numbers the layers of both directions anew.
        return [re.sub(r"lstm(_\d+)?/", "", weight.path) for weight in reader.trainable_weights]

    assert len(trained(reader)) < len(trained(small_reader()))
    for other in (loaded, reader.with_alphabet("xyz")):
        assert trained(other) == trained(reader)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_logits_are_single_under_mixed_precision(dtype):
    reader = small_reader(dtype=dtype)
    assert reader.get_layer("stem").compute_dtype == dtype.removeprefix("mixed_")
    answers = reader(keras.ops.ones((1, 8, 12)))
    assert keras.backend.standardize_dtype(answers.dtype) == "float32"
    copy = LineReader.from_config(reader.get_config())
    assert copy.get_layer("stem").compute_dtype == dtype.removeprefix("mixed_")
    for one in (reader, copy):
        one.compile("sgd")
        is_scaled = isinstance(one.optimizer, keras.optimizers.LossScaleOptimizer)
        assert is_scaled == (dtype == "mixed_float16")


def test_reading_takes_lists_batches_and_nothing():
    reader = small_reader()
    images = lines((12, 30, 9, 12))
    read = reader.read(images)
    assert read == [reader.read([image])[0] for image in images]
    same = np.stack([images[0], images[3]])
    assert reader.read(same) == [read[0], read[3]]
    assert reader.read([]) == []
    texts, certainties = reader.read(images, return_certainty=True)
    assert texts == read
    assert all(0 <= certainty <= 1 for certainty in certainties)
    many = lines(range(10, 80))
    assert reader.read(many) == [text for image in many for text in reader.read([image])][:70]
    with raises(ValueError, match=r"images\[1\]: The image of a line"):
        reader.read([images[0], np.zeros(3)])
    for one in (images[0], np.zeros((8, 40, 3), "uint8")):
        with raises(ValueError, match=r"For one line, write \[image\]"):
            reader.read(one)


class Scripted(LineReader):
    """A reader whose answers are given."""

    def predict_on_batch(self, batch):
        answers = np.full((len(batch), -(-batch.shape[2] // 2), 4), -20.0, "float32")
        answers[:, :, 0] = 0
        for step, label in ((1, 1), (2, 1), (4, 2), (5, 3)):
            answers[:, step, 0], answers[:, step, label] = -20, 0
        # The last character could be the one before it.
        answers[:, 5, 2] = -1
        return answers


def test_characters_are_located_in_the_pixels_of_the_image_given():
    reader = Scripted("abc", **SMALL)
    image = np.full((16, 40), 255, "uint8")
    image[4:8, 4:30] = 0
    # Scaled by a half, a step of two pixels sees four of the image.
    places = reader.locate(image)
    assert [place[0] for place in places] == ["a", "b", "c"]
    edges = [(left, right) for _, left, right, _ in places]
    assert edges == [(4, 14), (14, 20), (20, 24)]
    certainties = [certainty for *_, certainty in places]
    np.testing.assert_allclose(certainties, [1, 1, 1 / (1 + np.exp(-1))], atol=1e-3)
    assert reader.read([image]) == ["abc"]


def test_a_line_is_drawn_with_its_characters_above_their_places():
    matplotlib = pytest.importorskip("matplotlib", reason="the extra `plot` installs it")
    reader = Scripted("abc", **SMALL)
    image = np.full((16, 40), 255, "uint8")
    image[4:8, 4:30] = 0
    axes = plot.plot_line(reader, image)
    assert "certainty" in {other.get_ylabel() for other in axes.figure.axes}
    assert [(text.get_text(), text.get_position()[0]) for text in axes.texts] == [
        ("a", 9),
        ("b", 17),
        ("c", 22),
    ]
    certainties = [certainty for *_, certainty in reader.locate(image)]
    found = [text.get_bbox_patch().get_facecolor() for text in axes.texts]
    expected = [matplotlib.colormaps["viridis"](certainty) for certainty in certainties]
    assert found == expected
    assert len(set(found)) > 1
    with raises(ValueError, match="A line is drawn of a LineReader"):
        plot.plot_line("reader", image)


@pytest.mark.parametrize("images", [None, [], [np.zeros((8, 20))], [np.zeros((8, 20))] * 2])
def test_images_that_are_not_one_array_yet_are_refused(images):
    reader = small_reader()
    reader.compile("adam")
    labels = np.array([[1]])
    for call in (reader.fit, reader.evaluate, reader.train_on_batch, reader.test_on_batch):
        with raises(ValueError, match=r"write LineBatches\(images, texts, reader\)"):
            call(images, labels)
    with raises(ValueError, match=r"write reader.read\(images\)"):
        reader.predict(images)


def test_images_that_are_not_prepared_are_refused():
    reader = small_reader()
    reader.compile("adam")
    images, labels = np.zeros((1, 8, 20), "uint8"), np.array([[1]])
    images[:, 2:6, 2:18] = 255
    for call in (lambda: reader.fit(images, labels), lambda: reader.predict(images)):
        with raises(ValueError, match="Received: x of uint8 with values up to 255"):
            call()
    assert len(reader.predict(images // 255, verbose=0)) == 1


@pytest.mark.parametrize("texts", [["a"], "a", np.array(["a"]), np.array(["a"], object)])
def test_texts_are_no_labels_yet(texts):
    reader = small_reader()
    reader.compile("adam")
    with raises(ValueError, match=r"Labels are whole numbers.*reader.encode\(texts\)"):
        reader.fit(np.zeros((1, 8, 20)), texts)


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.full((2, 8, 20), 255.0), "float64 with values up to 255"),
        (np.zeros((2, 10, 20)), r"shape=\(2, 10, 20\)"),
        (np.zeros((2, 8, 20, 1)), r"shape=\(2, 8, 20, 1\)"),
        (np.full((2, 8, 20), np.nan, "float32"), "float32 with NaN"),
        (np.full((2, 8, 20), -1.0, "float32"), "float32 with values down to -1"),
        (1 - np.pad(np.ones((2, 4, 10), "float32"), ((0, 0), (2, 2), (5, 5))), "paper were 1"),
        (np.zeros((2, 8, 0), "float32"), "at least one pixel wide"),
    ],
)
def test_lines_that_are_not_prepared_are_refused(images, found):
    reader = small_reader()
    reader.compile("sgd")
    labels = np.array([[1, 2], [1, 0]])
    for use in (lambda: reader.fit(images, labels), lambda: reader.predict(images)):
        with raises(ValueError, match=found):
            use()


def test_one_line_whose_border_is_ink_is_read():
    images = np.zeros((2, 8, 20), "float32")
    images[0] = 1
    assert READER.predict(images, verbose=0).shape[0] == 2


def test_a_line_has_no_class_and_one_weight():
    reader = small_reader()
    reader.compile("sgd")
    images, labels = np.stack(lines([24, 24])), np.array([[1, 2], [1, 0]])
    for train in (
        lambda: reader.fit(images, labels, class_weight={0: 9.0}),
        lambda: reader.train_on_batch(images, labels, None, {0: 9.0}),
    ):
        with raises(ValueError, match="no classes of lines.*write sample_weight"):
            train()
    for use in (reader.fit, reader.evaluate, reader.train_on_batch, reader.test_on_batch):
        with raises(ValueError, match=r"one number for each line.*shape=\(2, 3\)"):
            use(images, labels, sample_weight=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"one number for each line.*, 3\)"):
        small = small_reader()
        small.compile("sgd")
        small.fit(Batches(images, labels, np.ones((2, 3))), verbose=0)
    # The refusals left nothing behind.
    history = reader.fit(images, labels, sample_weight=np.ones((2, 1)), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_held_lines_are_checked_wherever_they_are_given():
    reader = small_reader()
    reader.compile("sgd")
    images, labels = np.stack(lines([24, 24])), np.array([[1, 2], [1, 0]])
    before = reader.get_weights()
    with raises(ValueError, match="padded with 0"):
        reader.fit(images, labels, 2, 1, 0, None, 0.0, (images, labels - 1))
    # Before the training, and not behind its first epoch.
    for old, new in zip(before, reader.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_labels_of_a_dataset_have_two_axes():
    for wrong in (np.array([1, 2]), np.ones((2, 2, 1), "int32")):
        reader = small_reader()
        reader.compile("sgd", metrics=None)
        with pytest.raises(ValueError, match=r"Labels are whole numbers.*encode\(texts\)"):
            reader.fit(Batches(np.stack(lines([24, 24])), wrong), verbose=0)


@needs_tensorflow
def test_ragged_lines_and_labels_are_refused():
    import tensorflow as tf

    reader = small_reader()
    reader.compile("sgd")
    images, ragged = np.stack(lines([24, 24])), tf.ragged.constant([[1, 2], [1]])
    with raises(ValueError, match=r"a RaggedTensor. Write y.to_tensor\(0\)"):
        reader.fit(images, ragged)
    with raises(ValueError, match=r"a RaggedTensor. Write LineBatches.*x.to_tensor\(0.0\)"):
        reader.fit(tf.ragged.constant([[[0.0] * 4] * 8]), np.array([[1]]))


@needs_torch
def test_nested_lines_and_labels_are_refused():
    import torch

    reader = small_reader()
    reader.compile("sgd")
    labels = torch.nested.nested_tensor([torch.tensor([1, 2]), torch.tensor([1])])
    with raises(ValueError, match=r"a NestedTensor. Write y.float\(\).to_padded_tensor\(0\)"):
        reader.fit(np.stack(lines([24, 24])), labels)
    images = torch.nested.nested_tensor([torch.zeros(8, 24), torch.zeros(8, 20)])
    with raises(ValueError, match=r"a NestedTensor. Write LineBatches.*to_padded_tensor\(0.0\)"):
        reader.fit(images, np.array([[1], [2]]))


def test_answers_of_several_widths_do_not_fit_into_one_array():
    class Widths(keras.utils.PyDataset):
        widths = (24, 24)

        def __len__(self):
            return len(self.widths)

        def __getitem__(self, index):
            return (np.zeros((2, 8, self.widths[index]), "float32"),)

    assert READER.predict(Widths(), verbose=0).shape[0] == 4
    seen = keras.callbacks.LambdaCallback(
        on_predict_batch_end=lambda batch, logs: places.append(batch)
    )
    for callbacks in (None, seen, [seen]):
        places = []
        Widths.widths = (24, 48, 24)
        with pytest.raises(ValueError, match=r"Write reader.read\(images\), or reader.predict_on"):
            READER.predict(Widths(), None, 0, None, callbacks)
        places = []
        Widths.widths = (24, 24)
        READER.predict(Widths(), None, 0, None, callbacks)
        assert len(places) == (0 if callbacks is None else 2)


def test_texts_and_alphabets_are_in_nfc():
    decomposed = unicodedata.normalize("NFD", "ä")
    reader = LineReader(decomposed + "a\u0364", **SMALL)
    assert reader.alphabet == "äa\u0364"
    assert reader.encode([decomposed, "aͤ", ""]).tolist() == [[1, 0], [2, 3], [0, 0]]
    assert READER.encode([""]).shape == (1, 1)


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"alphabet": ""}, "For example, write"),
        ({"alphabet": ["a", "b"]}, "`alphabet` is a string of all characters"),
        ({"alphabet": "aba"}, "with 'a' more than once"),
        ({"alphabet": "ä" + "a\u0308"}, "with 'ä' more than once"),
        ({"height": 0}, "write height=40"),
        ({"name": "my reader"}, "write name="),
        ({"units": ()}, "units=128"),
        ({"units": 0}, "units=128"),
        ({"cell": "rnn"}, "Unknown cell"),
        ({"dropout": "half"}, "write dropout=0.2"),
        ({"dropout": 1.0}, "less than 1"),
        ({"filters": ()}, "as in filters=16 or"),
    ],
)
def test_readers_that_cannot_be(change, cure):
    with raises(ValueError, match=cure):
        LineReader(**{"alphabet": "abc", **SMALL, **change})


def test_options_that_a_reader_does_not_have_are_refused():
    for option in ({"unit": 4}, {"recurrent_dropout": 0.5}, {"trainable": False}):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{next(iter(option))}'"):
            LineReader("abc", **SMALL, **option)


def test_no_line_at_all_is_refused():
    reader = small_reader()
    reader.compile("sgd")
    images, labels = np.zeros((0, 8, 24), "float32"), np.zeros((0, 2), "int32")
    for use in (reader.fit, reader.evaluate):
        with raises(ValueError, match=r"at least one line. Received: x of shape=\(0, 8"):
            use(images, labels, verbose=0)
    with raises(ValueError, match="at least one line"):
        reader.predict(images, verbose=0)
    assert reader.read([]) == []
    # The refusal leaves the reader as it is.
    assert len(reader.read(lines([24]))) == 1


def test_one_batch_is_checked_as_many_are():
    reader = small_reader()
    with raises(ValueError, match=r"Write reader.read\(images\)"):
        reader.predict_on_batch(np.full((1, 8, 24), 200.0, "float32"))
    batch = np.stack(lines([24, 24]))
    expected = reader.predict(batch, verbose=0)
    np.testing.assert_allclose(reader.predict_on_batch(batch), expected, atol=1e-6)


def test_labels_of_no_character_are_refused():
    reader = small_reader()
    reader.compile("sgd")
    images = np.zeros((2, 8, 24), "float32")
    for label in (-1, len(reader.alphabet) + 1):
        labels = np.array([[1, 2], [1, label]])
        for use in (reader.fit, reader.evaluate):
            with raises(ValueError, match=rf"Received: y\[1, 1\]={label}\. Write reader.enc"):
                use(images, labels, verbose=0)
        assert_harmless(reader, images, labels)
    # Floats are refused as integers are.
    for label in (-1.0, 3.5, float("nan")):
        with raises(ValueError, match=r"Received: y\[0, 1\]="):
            reader.fit(images, np.array([[1, label], [1, 2]]), verbose=0)
    images[:, 2:6, 1:20] = 1
    labels = np.array([[1, 2], [1, 0]])
    assert np.isfinite(reader.fit(images, labels, verbose=0).history["loss"][0])


class Batches(keras.utils.PyDataset):
    """One batch, whose labels a reader sees too late for an error."""

    def __init__(self, *batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


def assert_harmless(reader, images, labels):
    reader.fit(Batches(images, labels * 0), verbose=0)
    history = reader.fit(Batches(images, labels), verbose=0).history
    assert np.isnan(history["loss"][0])
    for weight in reader.get_weights():
        assert np.isfinite(weight).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_text_that_needs_more_steps_than_its_line_has_harms_nothing(optimizer):
    reader = small_reader()
    reader.compile(optimizer)
    images = np.zeros((2, 8, 8), "float32")
    images[:, 2:6, 1:7] = 1
    labels = np.array([[1, 2, 0, 0, 0], [1, 1, 2, 2, 3]])
    held = {"validation_data": (images, labels)}
    for use in (
        lambda: reader.fit(images, labels, verbose=0),
        lambda: reader.fit(images[:1], labels[:1], **held, verbose=0),
        lambda: reader.evaluate(images, labels, verbose=0),
        lambda: reader.train_on_batch(images, labels),
        lambda: reader.test_on_batch(images, labels),
    ):
        with raises(ValueError, match=r"Received: y\[1\], which needs 7 steps, for x\[1\]"):
            use()
    assert_harmless(reader, images, labels)


def test_a_zero_stands_behind_the_other_labels():
    reader = small_reader()
    reader.compile("sgd")
    images = np.zeros((1, 8, 24), "float32")
    images[:, 2:6, 1:20] = 1
    good, bad = np.array([[1, 2, 0]]), np.array([[0, 1, 2]])
    with raises(ValueError, match=r"with 0 at place 0. The first character .* is 1"):
        reader.fit(images, bad, verbose=0)
    # Before the training, not after its first epoch.
    with raises(ValueError, match=r"with 0 at place 0"):
        reader.fit(images, good, validation_data=(images, bad), verbose=0)
    for labels in (good, [good]):
        loss = reader.train_on_batch(images, labels)
        assert np.isfinite(loss if np.isscalar(loss) else loss[0])
    assert_harmless(reader, images, bad)


def test_a_reader_that_diverged_says_so():
    reader = small_reader()
    reader.set_weights([weight * np.nan for weight in reader.get_weights()])
    with raises(ValueError, match="a training that diverged"):
        reader.read(lines((20,)))


@pytest.mark.skipif(BACKEND != "jax", reason="the other backends export it")
def test_what_keras_cannot_export_from_jax_is_said(tmp_path):
    with raises(ValueError, match="load it with KERAS_BACKEND=tensorflow, and"):
        small_reader().export(tmp_path / "reader.onnx", format="onnx", verbose=False)


def test_what_is_read_is_in_the_same_normal_form_as_the_texts():
    belief = np.eye(3, dtype="float32")[[2, 0, 1]]
    alphabet = "\u0308a"
    assert text_of(belief, alphabet)[0] == "\xe4"


def test_a_flag_is_a_flag():
    with raises(ValueError, match="`return_certainty` is True or False"):
        small_reader().read([], return_certainty="no")


def test_batches_of_another_reader_are_refused():
    reader = LineReader("ab", 16, filters=4, pool_sizes=((4, 4),), units=4)
    batches = LineBatches([np.eye(16)] * 2, ["a", "b"], reader, batch_size=1)
    reader.compile("sgd")
    reader.fit(batches, verbose=0)
    other = reader.with_alphabet("xab")
    other.compile("sgd")
    for call in (
        lambda: other.fit(batches),
        lambda: other.evaluate(batches),
        lambda: other.fit(*good_lines(other), validation_data=batches),
    ):
        with raises(ValueError, match="made for another reader"):
            call()
    with raises(ValueError, match=r"LineBatches mix their lines.*reader\.read\(images\)"):
        reader.predict(batches)


def good_lines(reader):
    return np.zeros((1, reader.height, 32), "float32"), np.ones((1, 1), "int32")


@pytest.mark.parametrize(
    "labels",
    [
        [[1], [2, 1]],
        np.array([1, 2]),
        np.array([[True], [False]]),
        np.ones((2, 1, 3), "int32"),
        np.ones((2, 0), "int32"),
        None,
    ],
    ids=["ragged", "one axis", "bool", "three axes", "no width", "none"],
)
def test_labels_of_another_form_are_refused(labels):
    reader = LineReader("ab", 16, filters=4, pool_sizes=((4, 4),), units=4)
    reader.compile("sgd")
    with raises(ValueError, match=r"Write reader\.encode\(texts\)"):
        reader.fit(np.zeros((2, 16, 32), "float32"), labels)


@pytest.mark.parametrize("texts", [{"a", "b"}, {"a": 1, "b": 2}])
def test_texts_without_an_order_are_refused(texts):
    reader = LineReader("ab", 16, filters=4, pool_sizes=((4, 4),), units=4)
    with raises(ValueError, match="`texts` is a list of strings"):
        LineBatches([np.eye(16)] * 2, texts, reader)


def test_a_reader_has_the_pools_that_the_pages_count_with():
    reader = LineReader("ab")
    assert reader.step_width == 4
    assert reader.get_config()["pool_sizes"] == ((2, 2), (2, 2), (2, 1), (1, 1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int32"])
def test_weights_are_of_single_precision(dtype):
    with raises(ValueError, match=r'Received: dtype=.*write dtype="mixed_float16"'):
        LineReader("abc", **SMALL, dtype=dtype)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="it could be made on TensorFlow alone")
def test_a_reader_of_half_precision_that_was_saved_once_is_loaded():
    config = small_reader().get_config() | {"dtype": "float16"}
    assert LineReader.from_config(config).dtype_policy.name == "float16"


def test_what_a_file_would_not_hold_is_refused():
    reader = small_reader()
    with raises(ValueError, match=r"its file could not be loaded. Received: mode='int8'"):
        reader.quantize("int8")
    with pytest.raises(AttributeError):
        reader.alphabet = "xyz"


def test_tensors_without_values_are_no_lines():
    reader = small_reader()
    for call in (reader.encode, reader.read):
        with raises(ValueError, match="is a list of"):
            call(keras.Input((3,)))
    with raises(ValueError, match="`texts` is a list of strings"):
        reader.encode(keras.Variable(1.0))
    with raises(ValueError, match="`augment` is a function"):
        LineBatches(lines([24]), ["a"], reader, augment=keras.layers.Dense)


def test_no_texts_are_no_labels():
    assert READER.encode([]).shape == (0, 1)
    assert READER.encode(["", ""]).tolist() == [[0], [0]]

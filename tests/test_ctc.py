"""The loss and the error rate of text lines: exact on padded sequences."""

import itertools
import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import raises
from rapidfuzz.distance import Levenshtein
from small_lines import lines, small_reader

from keras_imgseq import BlankPadding, CharacterErrorRate, ConvStem, LineBatches
from keras_imgseq._lines.decoding import runs_of, steps_needed

to_numpy = keras.ops.convert_to_numpy
BACKEND = keras.backend.backend()


def collapsed(classes):
    """The text of a path: without repeats and blanks."""
    return [label for label, _ in itertools.groupby(classes) if label]


def ctc_by_all_paths(logits, labels):
    """The loss of one line, by adding up every path that reads as the labels."""
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = sum(
        math.prod(probabilities[step, label] for step, label in enumerate(path))
        for path in itertools.product(range(logits.shape[1]), repeat=len(logits))
        if collapsed(path) == list(labels)
    )
    return -math.log(total)


@pytest.mark.parametrize("labels", [[1], [1, 1], [1, 2], [2, 1, 2]])
@pytest.mark.parametrize("num_steps", [3, 4])
def test_the_loss_of_padded_lines_is_that_of_all_paths(labels, num_steps):
    logits = np.random.default_rng(0).normal(size=(1, num_steps, 3)).astype("float32")
    expected = ctc_by_all_paths(logits[0].astype("float64"), labels)
    target = np.array([[*labels, 0, 0]])
    for pad in (0, 1, 4):
        padded = np.pad(logits, ((0, 0), (0, pad), (0, 0)), constant_values=3.0)
        mask = np.arange(num_steps + pad)[None] < num_steps
        answers = BlankPadding()(padded, mask=mask)
        loss = keras.losses.CTC(reduction=None)(target, answers)
        np.testing.assert_allclose(to_numpy(loss), [expected], rtol=1e-5, atol=1e-5)


@pytest.fixture
def with_64_bits():
    """JAX has no float64 by default."""
    if BACKEND != "jax":
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_padding_becomes_a_certain_blank_in_every_dtype(dtype, with_64_bits):
    logits = keras.ops.cast(np.random.default_rng(0).normal(size=(2, 3, 4)), dtype)
    mask = np.array([[True, True, False], [True, False, False]])
    answers = BlankPadding(dtype=dtype)(logits, mask=mask)
    assert keras.backend.standardize_dtype(answers.dtype) == dtype
    values = to_numpy(keras.ops.cast(answers, "float32"))
    given = to_numpy(keras.ops.cast(logits, "float32"))
    np.testing.assert_array_equal(values[mask], given[mask])
    assert (values[~mask][:, 0] == 0).all()
    assert np.isclose(values[~mask][:, 1:], -10_000, rtol=1e-2).all()
    probabilities = to_numpy(keras.ops.softmax(keras.ops.cast(answers, "float32")))
    assert (probabilities[~mask][:, 0] == 1).all()


def test_the_mask_ends_at_blank_padding():
    sequences = keras.Input((None, 3))
    layer = BlankPadding()
    answers = layer(keras.layers.Dense(4)(keras.layers.Masking()(sequences)))
    model = keras.Model(sequences, answers)
    model.compile("sgd", "ctc", run_eagerly=BACKEND != "jax")
    data = np.ones((2, 6, 3), "float32")
    data[:, 4:] = 0
    # As many lines as steps would let Keras apply the mask to the loss without a word.
    loss = model.evaluate(data, np.array([[1, 2], [3, 1]]), verbose=0)
    logits = model.predict(data[:, :4], verbose=0)
    alone = to_numpy(keras.losses.CTC()(np.array([[1, 2], [3, 1]]), logits))
    assert loss == pytest.approx(float(alone), abs=1e-5)
    assert layer.compute_mask(data, data[..., 0] > 0) is None


def test_without_a_mask_nothing_changes_and_bad_shapes_are_refused():
    logits = np.ones((1, 2, 3), "float32")
    np.testing.assert_array_equal(to_numpy(BlankPadding()(logits)), logits)
    for shape in ((2, 3), (1, 2, 3, 4), (1, 2, 1)):
        with raises(ValueError, match=r"Logits are \(batch, steps, classes\)"):
            BlankPadding()(np.ones(shape, "float32"))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_runs_are_the_characters_and_their_steps(classes):
    runs = runs_of(np.array(classes))
    assert [label for label, _, _ in runs] == collapsed(classes)
    for label, start, end in runs:
        assert set(classes[start:end]) == {label}
        assert start == 0 or classes[start - 1] != label
        assert end == len(classes) or classes[end] != label


@given(st.lists(st.integers(1, 2), max_size=4))
def test_the_steps_needed_are_the_fewest_that_read_as_the_text(labels):
    fewest = next(
        length
        for length in range(9)
        if any(collapsed(p) == labels for p in itertools.product(range(3), repeat=length))
    )
    assert steps_needed(labels) == fewest


# Few shapes, because JAX compiles each.
@st.composite
def batches(draw):
    """Labels padded with 0, and the likeliest classes of each step, for two lines."""
    most = draw(st.sampled_from([4, 4, 4, 0]))
    texts = [draw(st.lists(st.integers(1, 3), max_size=most)) for _ in range(2)]
    # Of empty texts alone the labels may have no width at all.
    width = most + 1 if most else draw(st.sampled_from([0, 1]))
    labels = np.array([[*text, *[0] * (width - len(text))] for text in texts], "int64")
    line = st.lists(st.integers(0, 3), min_size=7, max_size=7)
    return labels, np.array([draw(line), draw(line)])


@given(batches())
def test_the_error_rate_is_that_of_rapidfuzz(batch):
    labels, classes = batch
    logits = np.eye(4, dtype="float32")[classes]
    texts = [row[row > 0].tolist() for row in labels]
    edits = sum(
        Levenshtein.distance(text, collapsed(line))
        for text, line in zip(texts, classes.tolist(), strict=True)
    )
    characters = sum(map(len, texts))
    metric = CharacterErrorRate()
    metric.update_state(labels, logits)
    assert float(metric.result()) == pytest.approx(edits / max(characters, 1))
    # Once more for the rest of the set, and within a compiled function.
    compiled_edits, compiled_characters = edits_compiled(labels, logits)
    assert int(np.sum(compiled_edits)) == edits
    assert int(np.sum(compiled_characters)) == characters


def edits_compiled(labels, logits):
    """What the metric counts where there are no values yet, with unknown widths on TensorFlow."""
    return [to_numpy(value) for value in _compiled()(labels.astype("int32"), logits)]


_FUNCTIONS = {}


def _compiled():
    from keras_imgseq._lines.character_error_rate import _edits_in_graph

    if not _FUNCTIONS:
        if BACKEND == "tensorflow":
            import tensorflow as tf

            shapes = (tf.TensorSpec((None, None), "int32"), tf.TensorSpec((None, None, 4)))
            _FUNCTIONS["edits"] = tf.function(_edits_in_graph, input_signature=shapes)
        elif BACKEND == "jax":
            import jax

            _FUNCTIONS["edits"] = jax.jit(_edits_in_graph)
        else:
            _FUNCTIONS["edits"] = lambda *arrays: _edits_in_graph(
                *map(keras.ops.convert_to_tensor, arrays)
            )
    return _FUNCTIONS["edits"]


def test_callbacks_know_that_a_lower_rate_is_better():
    stopping = keras.callbacks.EarlyStopping("val_character_error_rate", patience=1)
    reader = small_reader()
    reader.compile("sgd")
    batches = LineBatches(lines((20, 30)), ["a", "b"], reader)
    reader.fit(batches, validation_data=batches, callbacks=[stopping], verbose=0)
    better, worse = (keras.ops.convert_to_tensor(rate) for rate in (0.1, 0.2))
    assert stopping.monitor_op(better, worse)
    assert not stopping.monitor_op(worse, better)


def test_the_metric_is_summed_over_the_set_and_starts_anew():
    metric = CharacterErrorRate()
    read = np.eye(3)[[[1, 2, 0]]]
    metric.update_state(np.array([[1, 2]]), read)
    metric.update_state(np.array([[2, 2]]), read)
    assert float(metric.result()) == pytest.approx(1 / 4)
    metric.reset_state()
    assert float(metric.result()) == 0
    two = np.concatenate([read, read])
    metric.update_state(np.array([[1, 2], [2, 2]]), two, sample_weight=np.array([0.0, 1.0]))
    assert float(metric.result()) == pytest.approx(1 / 2)
    config = CharacterErrorRate(name="rate").get_config()
    assert CharacterErrorRate.from_config(config).name == "rate"


@pytest.mark.parametrize("shape", [(3, 1), (1, 4), (3, 4, 1), (3,)])
def test_a_mask_of_another_shape_than_the_steps_is_refused(shape):
    logits = keras.ops.ones((3, 4, 3))
    with raises(ValueError, match=r"Write a mask of shape \(3, 4\)"):
        BlankPadding()(logits, mask=keras.ops.zeros(shape, "bool"))


def test_decoding_is_exact_after_blank_padding():
    logits = np.random.default_rng(0).normal(size=(3, 9, 5)).astype("float32")
    lengths = [9, 4, 6]
    mask = np.arange(9) < np.array(lengths)[:, None]
    padded = BlankPadding()(logits, mask=mask)
    decoded, _ = keras.ops.ctc_decode(padded, np.full(3, 9), mask_index=0)
    decoded = keras.ops.convert_to_numpy(decoded)[0]
    for row, line, length in zip(decoded, logits, lengths, strict=True):
        alone, _ = keras.ops.ctc_decode(line[None, :length], np.array([length]), mask_index=0)
        alone = keras.ops.convert_to_numpy(alone)[0, 0]
        assert row[row > 0].tolist() == alone[alone > 0].tolist()


@pytest.mark.parametrize(
    ("labels", "logits"),
    [
        (None, np.zeros((1, 3, 4))),
        ("ab", np.zeros((1, 3, 4))),
        ([["a"]], np.zeros((1, 3, 4))),
        ([1, 2], np.zeros((1, 3, 4))),
        ([[1, 2], [3]], np.zeros((1, 3, 4))),
        ([[1]], None),
        ([[1]], np.zeros((3, 4))),
    ],
)
def test_what_is_no_labels_and_no_logits_is_refused(labels, logits):
    with raises(ValueError, match=r"takes labels, .*, and logits, .* Received: y_"):
        CharacterErrorRate().update_state(labels, logits)


@pytest.mark.parametrize("value", [None, [], "abc", 3, np.array(None), np.array(["a"])])
@pytest.mark.parametrize("layer", [BlankPadding(), ConvStem(2)])
def test_what_is_no_array_is_refused_by_the_layers(layer, value):
    with raises(ValueError, match=r"Received: .* Write|For example, write|holds numbers"):
        layer(value)


def test_equal_weights_do_not_change_the_rate():
    read, labels = np.eye(4)[[[1, 0, 0, 0], [2, 3, 2, 0]]], np.array([[1, 2, 3], [2, 0, 0]])
    expected = CharacterErrorRate()
    expected.update_state(labels, read)
    for weight in (0.01, 3.0):
        metric = CharacterErrorRate()
        metric.update_state(labels, read, sample_weight=np.full(2, weight))
        assert float(metric.result()) == pytest.approx(float(expected.result()), rel=1e-5)


def test_weights_are_lists_too_and_words_are_refused():
    labels, read = [[1, 2], [2, 1]], np.eye(3)[[[1, 0, 1], [2, 0, 1]]]
    metric, expected = CharacterErrorRate(), CharacterErrorRate()
    metric.update_state(labels, read, sample_weight=[1.0, 0.5])
    expected.update_state(labels, read, sample_weight=np.array([1.0, 0.5]))
    assert float(metric.result()) == float(expected.result()) > 0
    with raises(ValueError, match=r"sample_weight='a'\. Write an array of numbers"):
        metric.update_state(labels, read, sample_weight="a")


@pytest.mark.parametrize(
    ("num_labels", "weights"), [(1, None), (3, None), (2, np.ones(3)), (2, np.ones((2, 3)))]
)
def test_unlike_numbers_of_lines_are_refused(num_labels, weights):
    read, labels = np.eye(4)[[[1, 0], [2, 3]]], np.ones((num_labels, 3), "int32")
    with raises(ValueError, match=r"one weight for each line\. Received: "):
        CharacterErrorRate().update_state(labels, read, sample_weight=weights)


def test_logits_are_floats():
    with raises(ValueError, match="Logits are floats. Received: int32"):
        BlankPadding()(np.ones((1, 3, 2), "int32"), mask=np.array([[True, True, False]]))

"""Images of unlike sizes, padded to one: each is read as long as it really is."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_imgseq import ImageAsSequence, build_image_rnn

to_numpy = keras.ops.convert_to_numpy


def mask_of(layer, images):
    return to_numpy(layer.compute_mask(keras.ops.convert_to_tensor(images)))


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
    st.sampled_from([0.0, -1.0, 0.5]),
    st.sampled_from([-7, 7]),
)
def test_the_steps_after_the_last_other_value_are_masked(heights, mask_value, other_value):
    images = np.full((len(heights), 6, 3), mask_value, "float32")
    for image, height in zip(images, heights, strict=True):
        image[:height, 1] = other_value
        image[: max(0, height - 1)] = mask_value
    expected = np.arange(6) < np.array(heights)[:, None]
    layer = ImageAsSequence("row", mask_value=mask_value)
    np.testing.assert_array_equal(mask_of(layer, images), expected)
    backwards = ImageAsSequence("row", reverse=True, mask_value=mask_value)
    np.testing.assert_array_equal(mask_of(backwards, images), expected[:, ::-1])


@pytest.fixture(scope="module")
def models():
    """One model for each cell and direction, of unknown height or width."""

    def build(cell, bidirectional, column, reverse):
        reading = ImageAsSequence("column" if column else "row", reverse=reverse, mask_value=-1.0)
        shape = (4, None) if column else (None, 4)
        return build_image_rnn(
            shape, 3, units=3, cell=cell, reading=reading, bidirectional=bidirectional
        )

    cells = ["simple_rnn", "gru", "lstm"]
    booleans = [False, True]
    options = itertools.product(cells, booleans, booleans, booleans)
    return {option: build(*option) for option in options}


@settings(max_examples=5)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 99))
def test_a_padded_batch_gives_the_answer_of_each_image_alone(models, heights, seed):
    random = np.random.default_rng(seed)
    images = [random.random((height, 4), dtype="float32") for height in heights]
    padded = np.full((len(images), 5, 4), -1, "float32")
    for row, image in zip(padded, images, strict=True):
        row[: len(image)] = image
    for (_, _, column, _), model in models.items():

        def answer(batch, column=column, model=model):
            return to_numpy(model(batch.transpose(0, 2, 1) if column else batch))

        alone = [answer(image[None])[0] for image in images]
        np.testing.assert_allclose(answer(padded), alone, atol=1e-5)


def test_masks_reach_the_network_in_fit_predict_and_after_loading(tmp_path):
    random = np.random.default_rng(0)
    images = random.random((8, 6, 4), dtype="float32")
    images[1::2, 3:] = 0
    reading = ImageAsSequence("row", mask_value=0.0)
    model = build_image_rnn((None, 4), 2, cell="gru", reading=reading, units=(3, 2))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, np.arange(8) % 2, verbose=0)
    model.fit(images[:, :5], np.arange(8) % 2, verbose=0)
    alone = model.predict(images[1::2, :3], verbose=0)
    np.testing.assert_allclose(model.predict(images, verbose=0)[1::2], alone, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0)[1::2], alone, atol=1e-5)


def test_masks_pass_through_the_scale_and_compare_the_pixels_that_were_given():
    images = np.random.default_rng(0).integers(1, 255, (2, 6, 4)).astype("float32")
    images[1, 4:] = 255
    reading = ImageAsSequence("row", mask_value=255)
    model = build_image_rnn((None, 4), 2, reading=[reading, "row"], scale=1 / 255)
    single = build_image_rnn((None, 4), 2, reading=reading, scale=1 / 255)
    alone = to_numpy(single(images[1:, :4]))
    np.testing.assert_allclose(to_numpy(single(images))[1:], alone, atol=1e-5)
    assert tuple(model(images).shape) == (2, 2)


def test_the_mask_of_the_rows_does_not_stick_to_the_images():
    images = keras.ops.convert_to_tensor(
        np.pad(np.ones((2, 3, 4), "float32"), [(0, 0), (0, 3), (0, 0)])
    )
    layer = keras.layers.SimpleRNN(3)
    expected = to_numpy(layer(images))
    ImageAsSequence("row", mask_value=0.0)(images)
    np.testing.assert_array_equal(to_numpy(layer(images)), expected)


def test_a_masked_network_may_answer_at_every_step():
    images = np.ones((2, 6, 4), "float32")
    images[1, 4:] = 0
    reading = ImageAsSequence("row", mask_value=0.0)
    for readings in (reading, [reading, reading]):
        model = build_image_rnn((6, 4), 2, reading=readings, return_sequences=True)
        assert model.predict(images, verbose=0).shape == (2, 6, 2)


def test_a_model_with_a_mask_has_no_other_layers():
    reading = ImageAsSequence("row", mask_value=0.0)
    names = [layer.name for layer in build_image_rnn((6, 4), 2, reading=reading).layers]
    assert names == ["images", "as_sequence", "rnn_1", "logits", "probabilities"]


def test_the_inverse_takes_masked_sequences_and_returns_an_image():
    layer = ImageAsSequence("row", mask_value=0.0)
    inputs = keras.Input((6, 4))
    sequences = keras.layers.SimpleRNN(4, return_sequences=True)(layer(inputs))
    model = keras.Model(inputs, layer.inverse((6, 4))(sequences))
    assert model.predict(np.ones((2, 6, 4)), verbose=0).shape == (2, 6, 4)

"""Convolutions in front of a reading: padding changes nothing."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import raises

from keras_imgseq import ConvStem, ImageAsSequence, build_image_rnn, count_image_rnn_params

to_numpy = keras.ops.convert_to_numpy


def with_odd_statistics(stem):
    """Weights as after a training, so that a normalization makes something of zeros."""
    random = np.random.default_rng(1)
    for layer in stem.normalizations:
        layer.set_weights(
            [abs(random.normal(size=weight.shape)) + 0.1 for weight in layer.get_weights()]
        )
    return stem


def numpy_stem(images, stem):
    """The stem of one whole image, without padding, by its definition."""
    features = images[..., None] if images.ndim == 3 else images
    for convolution, normalization, (ph, pw) in zip(
        stem.convolutions, stem.normalizations, stem.pool_sizes, strict=True
    ):
        (kernel,) = convolution.get_weights()
        around = np.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
        size = features.shape[1:3]
        features = sum(
            around[:, y : y + size[0], x : x + size[1]] @ kernel[y, x]
            for y in range(3)
            for x in range(3)
        )
        gamma, beta, mean, variance = normalization.get_weights()
        features = (features - mean) / np.sqrt(variance + normalization.epsilon) * gamma + beta
        features = np.maximum(features, 0)
        height, width = -(-size[0] // ph), -(-size[1] // pw)
        pad = ((0, 0), (0, height * ph - size[0]), (0, width * pw - size[1]), (0, 0))
        pools = np.pad(features, pad).reshape(len(features), height, ph, width, pw, -1)
        features = pools.max(axis=(2, 4))
    return features


STEMS = [
    ((3,), None),
    ((3, 4), ((2, 2), (2, 1))),
    ((2, 3, 4), ((1, 1), (3, 2), (2, 5))),
]


# JAX compiles each shape.
if keras.backend.backend() == "jax":
    SIZES, PADDINGS = st.sampled_from([(5, 7), (4, 8)]), st.sampled_from([(0, 3), (2, 1)])
else:
    SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
    PADDINGS = st.tuples(st.integers(0, 6), st.integers(0, 6))


@pytest.mark.parametrize(("filters", "pool_sizes"), STEMS)
@pytest.mark.parametrize("channels", [None, 2])
def test_the_stem_is_what_its_definition_says(filters, pool_sizes, channels):
    shape = (2, 7, 11) if channels is None else (2, 7, 11, channels)
    images = np.random.default_rng(0).random(shape, "float32")
    stem = ConvStem(filters, pool_sizes)
    stem.build(images.shape)
    with_odd_statistics(stem)
    features = to_numpy(stem(images))
    assert features.shape == stem.compute_output_shape(images.shape)
    np.testing.assert_allclose(features, numpy_stem(images, stem), rtol=1e-4, atol=1e-5)
    first = ConvStem(filters, pool_sizes, data_format="channels_first")
    if channels is not None:
        moved = np.moveaxis(images, -1, 1)
        first.build(moved.shape)
        first.set_weights(stem.get_weights())
        answers = np.moveaxis(to_numpy(first(moved)), 1, -1)
        assert first.compute_output_shape(moved.shape) == tuple(first(moved).shape)
        np.testing.assert_allclose(answers, features, rtol=1e-5, atol=1e-6)


@given(
    st.sampled_from(STEMS),
    SIZES,
    PADDINGS,
    st.sampled_from([0.0, -1.0, 0.5]),
)
def test_padding_changes_no_answer(stem_arguments, size, padding, value):
    (height, width), (below, right) = size, padding
    images = np.random.default_rng(0).random((2, height, width), "float32")
    padded = np.pad(images, ((0, 0), (0, below), (0, right)), constant_values=value)
    stem = ConvStem(*stem_arguments, mask_value=value)
    stem.build(images.shape)
    with_odd_statistics(stem)
    alone, together = stem(images), stem(padded)
    rows, columns = alone.shape[1:3]
    np.testing.assert_allclose(
        to_numpy(together)[:, :rows, :columns], to_numpy(alone), rtol=1e-5, atol=1e-5
    )
    assert not to_numpy(together)[:, rows:].any()
    mask = to_numpy(stem.compute_mask(keras.ops.convert_to_tensor(padded)))
    assert mask[:, :rows, :columns].all()
    assert not mask[:, rows:].any()
    assert not mask[:, :, columns:].any()


def test_padding_changes_no_statistics_and_no_weights():
    random = np.random.default_rng(0)
    images = random.random((6, 8, 9), "float32")
    labels = np.arange(6) % 3

    def trained(pad):
        keras.utils.set_random_seed(0)
        model = build_image_rnn(
            (8, None), 3, filters=(3, 4), pool_sizes=((2, 2), (2, 1)), units=3,
            reading=ImageAsSequence("column", mask_value=0.0), bidirectional=True,
        )  # fmt: skip
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        padded = np.pad(images, ((0, 0), (0, 0), (0, pad)))
        model.fit(padded, labels, epochs=3, batch_size=3, shuffle=False, verbose=0)
        return model.get_weights()

    for first, second in zip(trained(1), trained(14), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_blank_image_keeps_its_first_pixel():
    stem = ConvStem(2, mask_value=0.0)
    images = keras.ops.zeros((1, 4, 6))
    assert to_numpy(stem.compute_mask(images)).tolist() == [[[True, False, False], [False] * 3]]
    assert np.isfinite(to_numpy(stem(images, training=True))).all()


def test_an_incoming_mask_goes_through():
    images = np.ones((1, 4, 6), "float32")
    mask = np.zeros((1, 4, 6), bool)
    mask[:, :2, :3] = True
    stem = ConvStem(2)
    pooled = to_numpy(stem.compute_mask(keras.ops.convert_to_tensor(images), mask))
    assert pooled.tolist() == [[[True, True, False], [False] * 3]]
    assert not to_numpy(stem(images, mask=mask))[0, 1:].any()
    with raises(ValueError, match="A mask of images tells which pixels are real"):
        stem(images, mask=np.ones((1, 5, 6), bool))


@pytest.mark.parametrize("reading", ["column", (2, 2), "cross", ["row", "column"]])
@pytest.mark.parametrize("input_shape", [(8, 8), (8, 8, 3)])
def test_the_factory_puts_one_stem_in_front_of_all_readings(reading, input_shape):
    arguments = {"filters": (3, 5), "pool_sizes": ((2, 2), (1, 1)), "reading": reading}
    model = build_image_rnn(input_shape, 4, scale=0.5, **arguments)
    assert [layer.name for layer in model.layers][:2] == ["images", "stem"]
    assert sum(isinstance(layer, ConvStem) for layer in model.layers) == 1
    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)]
    assert model.count_params() == count_image_rnn_params(input_shape, 4, **arguments)
    assert model.predict(np.ones((2, *input_shape)), verbose=0).shape == (2, 4)


def test_the_scale_comes_after_the_mask_value():
    reading = ImageAsSequence("column", mask_value=255.0)
    model = build_image_rnn((4, None), 2, reading=reading, filters=2, scale=1 / 255)
    images = np.random.default_rng(0).integers(0, 255, (2, 4, 5)).astype("float32")
    padded = np.pad(images, ((0, 0), (0, 0), (0, 7)), constant_values=255)
    np.testing.assert_allclose(
        model.predict(padded, verbose=0), model.predict(images, verbose=0), atol=1e-6
    )
    stem = model.get_layer("stem")
    assert (stem.mask_value, stem.scale) == (255.0, 1 / 255)
    assert model.get_layer("as_sequence").mask_value is None
    assert reading.mask_value == 255.0


def test_a_saved_stem_answers_the_same(tmp_path):
    reading = ImageAsSequence("column", mask_value=0.0)
    model = build_image_rnn((6, None, 2), 3, filters=(2, 3), scale=0.5, reading=reading)
    with_odd_statistics(model.get_layer("stem"))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).random((2, 6, 9, 2), "float32")
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    config = ConvStem((2, 3), ((1, 2), (3, 1)), 0.5, "channels_first", scale=2.0).get_config()
    assert ConvStem.from_config(config).get_config() == config


def test_a_normalization_that_is_not_trained_stays_so(tmp_path):
    stem = ConvStem((4, 4))
    model = keras.Sequential([keras.Input((8, 8)), stem])
    stem.normalizations[1].trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(loaded.trainable_weights) == len(model.trainable_weights) == 4


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"filters": 0}, "filters=16 or filters"),
        ({"filters": ()}, "as in filters=16 or"),
        ({"filters": "16"}, "filters"),
        ({"filters": (3, 4), "pool_sizes": ((2, 2),)}, r"Write pool_sizes=\(\(2, 2\), \(2, 2\)\)"),
        ({"filters": 3, "pool_sizes": (2, 2)}, "Write pool_sizes="),
        ({"filters": 3, "pool_sizes": ((2, 0),)}, "\\(1, 1\\) keeps them"),
        ({"filters": 3, "pool_sizes": ((2, None),)}, "\\(1, 1\\) keeps them"),
        ({"filters": 3, "mask_value": "0"}, "write mask_value=0.0"),
        ({"filters": 3, "scale": "1"}, "write scale=1/255"),
        ({"filters": 3, "data_format": "last"}, "channels_last"),
    ],
)
def test_arguments_that_no_stem_has(arguments, cure):
    with raises(ValueError, match=cure):
        ConvStem(**arguments)


def test_arguments_that_do_not_fit_the_factory():
    with raises(ValueError, match="belongs to `filters`"):
        build_image_rnn((8, 8), 3, pool_sizes=((2, 2),))
    readings = [ImageAsSequence("row", mask_value=0.0), ImageAsSequence("column")]
    with raises(ValueError, match="Write the same mask_value"):
        build_image_rnn((8, 8), 3, filters=2, reading=readings)


def test_axes_in_doubt_are_a_warning():
    with pytest.warns(UserWarning, match="seem to stand first"):
        layer = ConvStem(2)
        layer(keras.Input((3, 64, 200)))
    ConvStem(2, data_format="channels_last")(keras.Input((3, 64, 200)))
    ConvStem.from_config(ConvStem(2).get_config())(keras.Input((3, 64, 200)))


@pytest.mark.parametrize("mask_value", [0.5, -1.0, 256.0])
def test_a_value_that_images_cannot_hold_is_refused(mask_value):
    with raises(ValueError, match=r"images hold floats.* images of uint8"):
        ConvStem(2, mask_value=mask_value)(keras.Input((8, 8), dtype="uint8"))
    ConvStem(2, mask_value=255.0)(keras.Input((8, 8), dtype="uint8"))
    with raises(ValueError, match="float16 holds values up to 65504"):
        ConvStem(2, mask_value=1e6)(keras.Input((8, 8), dtype="float16"))
    with raises(ValueError, match="not 0"):
        ConvStem(2, scale=0)


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="its convolutions refuse an empty batch"
)
def test_an_empty_batch_has_an_empty_answer():
    stem = ConvStem(3, mask_value=0.0)
    assert tuple(stem(np.zeros((0, 4, 6), "float32")).shape) == (0, 2, 3, 3)

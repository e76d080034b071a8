"""`mask_value` behind a layer that changes the padding is refused; a mask that arrives is not."""

import keras
import numpy as np
import pytest
from messages import raises

from keras_imgseq import ConvStem, ImageAsSequence

layers = keras.layers
LINES = (16, None, 1)
REFUSED = r"A convolution in front changes the padding.* Received: mask_value=0.0 behind the layer"


def reading():
    return ImageAsSequence("column", mask_value=0.0)


def stem():
    return ConvStem(2, mask_value=0.0)


def convolution(**options):
    return layers.Conv2D(1, 3, padding="same", **options)


def residual(images):
    return layers.Add()([images, convolution(name="last")(images)])


def block(images):
    return layers.Activation("relu")(layers.BatchNormalization()(convolution()(images)))


def nested(images):
    inputs = keras.Input(LINES)
    return keras.Model(inputs, block(inputs))(images)


def twice(images):
    relu = layers.ReLU()
    relu(images)
    return convolution()(relu(images))


def unmasked_stem(images):
    return ConvStem(2)(images)


CHANGE = {
    "convolution": convolution(),
    "without a bias": convolution(use_bias=False),
    "single pixels": layers.Conv2D(1, 1),
    "separable": layers.SeparableConv2D(1, 3, padding="same"),
    "transposed": layers.Conv2DTranspose(1, 3, padding="same"),
    "pooled": lambda images: layers.MaxPooling2D(2)(convolution()(images)),
    "block": block,
    "residual blocks": lambda images: residual(residual(block(images))),
    "one of two branches": residual,
    "the other branch": lambda images: layers.Add()([convolution()(images), images]),
    "two joined": lambda images: layers.Concatenate()([block(images), convolution()(images)]),
    "sequential": keras.Sequential([convolution(), layers.ReLU()]),
    "model in a model": nested,
    "inside of a model": lambda images: nested(layers.Dropout(0.5)(images)),
    "over a masking": lambda images: convolution()(layers.Masking()(images)),
    "of a layer that is shared": twice,
    "a stem without mask_value": unmasked_stem,
}


class OwnMask(layers.Layer):
    """Sets features back to zero where the images are."""

    def call(self, features, images):
        return keras.ops.where(images == 0, 0.0, features)


def nested_stem(images):
    inputs = keras.Input(LINES)
    return keras.Model(inputs, ConvStem(2, ((1, 1),), mask_value=0.0)(inputs))(images)


def shared(images):
    """A layer that was behind a convolution before."""
    relu = layers.ReLU()
    relu(convolution()(images))
    return relu(images)


def tail_of_another(images):
    features = convolution()(keras.Input(LINES))
    return keras.Model(features, layers.ReLU()(features))(images)


def shared_stem(images):
    stem = ConvStem(2)
    stem(images)
    return stem(layers.Masking()(images))


def second_of_two(images):
    inputs = keras.Input(LINES)
    return keras.Model(inputs, [convolution()(inputs), layers.ReLU()(inputs)])(images)[1]


def masked(layer):
    return lambda images: layer(layers.Masking()(images))


KEEP = {
    "no layer": lambda images: images,
    "weightless layers": keras.Sequential([layers.Dropout(0.5), layers.ReLU()]),
    "pooling": layers.MaxPooling2D(2),
    "noise of single pixels": layers.RandomGaussianBlur(kernel_size=3),
    "single pixels without a bias": layers.Conv2D(3, 1, use_bias=False),
    "a normalization that is known": layers.Normalization(mean=0.0, variance=1.0),
    "a mask may arrive": masked(layers.BatchNormalization()),
    "a mask into a model": masked(keras.Sequential([layers.ReLU()])),
    "a mask into a stem": masked(ConvStem(2)),
    "the stem": stem(),
    "a model with a stem": nested_stem,
    "a layer of one's own": lambda images: OwnMask()(convolution()(images), images),
    "operations": lambda images: convolution()(images) * keras.ops.cast(images != 0, "float32"),
    "layers of several inputs": lambda images: layers.Multiply()([convolution()(images), images]),
    "a shared layer": shared,
    "a part of another model": tail_of_another,
    "a shared stem": shared_stem,
    "one output of two": second_of_two,
}


@pytest.mark.parametrize("in_front", CHANGE.values(), ids=CHANGE)
@pytest.mark.parametrize("make", [reading, stem])
def test_a_layer_that_changes_the_padding_is_refused(make, in_front):
    features = in_front(keras.Input(LINES))
    with raises(ValueError, match=REFUSED):
        make()(features)


@pytest.mark.parametrize("in_front", KEEP.values(), ids=KEEP)
def test_what_keeps_the_padding_or_brings_a_mask_is_taken(in_front):
    features = in_front(keras.Input(LINES))
    assert reading()(features).shape[1] is None


def test_the_layer_and_the_cure_are_named():
    features = layers.MaxPooling2D(2)(convolution(name="first")(keras.Input(LINES)))
    cure = (
        r"behind the layer 'first'. For images of one size, omit .* write ConvStem\(filters, mask"
    )
    with raises(ValueError, match=cure):
        reading()(features)
    whole = keras.Sequential([convolution(), layers.ReLU()], name="backbone")
    with raises(ValueError, match="behind the layer 'backbone'"):
        stem()(whole(keras.Input(LINES)))


def test_the_cures_work():
    images, first, gru = keras.Input(LINES), convolution(), layers.GRU(3)
    assert ImageAsSequence("column")(stem()(images)).shape == (None, None, 16)
    real = keras.ops.any(images != 0, axis=-1)
    model = keras.Model(images, gru(ImageAsSequence("column")(first(images), mask=real)))
    line = np.random.default_rng(0).uniform(0.1, 1, (1, 16, 4, 1)).astype("float32")
    padded = np.pad(line, ((0, 0), (0, 0), (0, 3), (0, 0)))
    alone, in_batch = (model.predict(batch, verbose=0) for batch in (line, padded))
    np.testing.assert_allclose(in_batch, alone, atol=1e-5)


def test_a_layer_without_mask_value_stands_behind_anything():
    for in_front in CHANGE.values():
        assert len(ImageAsSequence("column")(in_front(keras.Input(LINES))).shape) == 3


def test_each_layer_in_front_is_looked_at_once():
    features = keras.Input(LINES)
    for _ in range(60):
        features = layers.Add()([features, layers.ReLU()(features)])
    assert reading()(features).shape == (None, None, 16)
    with raises(ValueError, match=REFUSED):
        reading()(residual(features))


def test_a_mask_that_is_given_needs_no_padding():
    images = keras.Input(LINES)
    real = keras.ops.any(images != 0, axis=-1)
    for layer in (reading(), stem()):
        assert layer(convolution()(images), mask=real).shape[-2:] != (16, 1)


@pytest.mark.parametrize("make", [reading, stem])
def test_a_saved_model_loads_without_a_word(make, tmp_path, monkeypatch):
    images = keras.Input(LINES)
    with monkeypatch.context() as patched:
        patched.setattr("keras_imgseq._reading.padding_in_front._changes_padding", lambda layer: 0)
        model = keras.Model(images, make()(convolution()(images)))
    model.save(tmp_path / "old.keras")
    assert keras.saving.load_model(tmp_path / "old.keras").output_shape == model.output_shape

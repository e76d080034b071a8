"""Sequences put back into images, by the layer and by the functions."""

import inspect
import re
import warnings

import keras
import mark_pixels
import numpy as np
import pytest
import reading_oracle
from backends import INSTALLED
from hypothesis import given
from hypothesis import strategies as st
from strategies import DATA_FORMATS, dtypes, readings_and_images

from keras_imgseq import (
    ImageAsSequence,
    SequenceAsImage,
    image_as_sequence,
    sequence_as_image,
)

to_numpy = keras.ops.convert_to_numpy


def image_shape(images):
    """The shape that keeps the channel axis where there is one."""
    return images.shape[1:]


@given(readings_and_images(), dtypes)
def test_forth_and_back_is_the_identity(reading_and_images, dtype):
    reading, images = reading_and_images
    images = images.astype(dtype)
    layer = ImageAsSequence(**reading)
    inverse = SequenceAsImage(image_shape(images), **reading)
    restored = inverse(layer(images))
    assert keras.backend.standardize_dtype(restored.dtype) == dtype
    np.testing.assert_array_equal(to_numpy(restored), images)


@given(readings_and_images())
def test_a_layer_makes_its_own_inverse(reading_and_images):
    reading, images = reading_and_images
    layer = ImageAsSequence(**reading)
    sequences = layer(images)
    size = reading_oracle.as_channels_last(images, reading["data_format"]).shape[1:3]
    inverse = layer.inverse(size, name="back")
    assert inverse.name == "back"
    for back in (inverse, layer.inverse(image_shape(images))):
        np.testing.assert_array_equal(to_numpy(back(sequences)), images)


@pytest.mark.parametrize("data_format", DATA_FORMATS)
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (1, 2, 3), (2, 3, 4)])
def test_a_layer_that_has_read_images_gives_their_axes_back(shape, data_format):
    layer = ImageAsSequence("row", data_format=data_format)
    images = np.arange(np.prod(shape)).reshape(1, *shape).astype("int32")
    sequences = layer(images)
    height, width = shape[1:] if data_format == "channels_first" and len(shape) == 3 else shape[:2]
    restored = layer.inverse((height, width))(sequences)
    np.testing.assert_array_equal(to_numpy(restored), images, strict=True)


@given(readings_and_images())
def test_the_promised_image_is_the_delivered_one(reading_and_images):
    reading, images = reading_and_images
    sequences = image_as_sequence(images, **reading)
    layer = SequenceAsImage(image_shape(images), **reading)
    symbolic = layer(keras.Input(sequences.shape[1:], dtype="int32"))
    unknown_steps = layer(keras.Input((None, sequences.shape[2]), dtype="int32"))
    delivered = layer(sequences)
    assert tuple(symbolic.shape[1:]) == tuple(unknown_steps.shape[1:]) == images.shape[1:]
    assert tuple(delivered.shape) == layer.compute_output_shape(sequences.shape) == images.shape
    assert keras.backend.standardize_dtype(delivered.dtype) == symbolic.dtype == "int32"


@given(readings_and_images())
def test_one_channel_comes_back_without_an_axis_unless_it_is_asked_for(reading_and_images):
    reading, images = reading_and_images
    size = reading_oracle.as_channels_last(images, reading["data_format"]).shape[1:3]
    restored = sequence_as_image(image_as_sequence(images, **reading), size, **reading)
    one_channel = images.ndim == 4 and images.size == np.prod(size) * len(images)
    assert restored.ndim == (3 if one_channel else images.ndim)
    np.testing.assert_array_equal(restored.reshape(images.shape), images)


@given(readings_and_images())
def test_a_saved_inverse_is_the_same(tmp_path_factory, reading_and_images):
    reading, images = reading_and_images
    sequences = image_as_sequence(images, **reading)
    inputs = keras.Input(sequences.shape[1:], dtype="int32")
    model = keras.Model(inputs, SequenceAsImage(image_shape(images), **reading)(inputs))
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    restored = keras.saving.load_model(path)(sequences)
    np.testing.assert_array_equal(to_numpy(restored), images)


def test_every_constructor_argument_of_the_inverse_is_in_its_configuration():
    arguments = set(inspect.signature(SequenceAsImage).parameters) - {"kwargs"}
    assert arguments <= set(SequenceAsImage((2, 2)).get_config())
    name = keras.saving.get_registered_name(SequenceAsImage)
    assert name == "keras_imgseq>SequenceAsImage"


def test_inverse_functions_and_layers_take_the_same_reading():
    def reading_of(function):
        parameters = inspect.signature(function).parameters.values()
        others = {"images", "sequences", "image_size", "batched", "mask_value", "kwargs"}
        return {p.name: p.default for p in parameters if p.name not in others}

    def sentences_of(function):
        """What the docstring says of each argument of a reading."""
        text = inspect.cleandoc(function.__doc__).split("Args:\n")[1].split("\n\n")[0]
        sentences = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", text, flags=re.MULTILINE)
        return {name: " ".join(said.split()) for name, said in sentences}

    functions = (ImageAsSequence, SequenceAsImage, image_as_sequence, sequence_as_image)
    assert len({str(reading_of(function)) for function in functions}) == 1
    names = reading_of(ImageAsSequence)
    for function in functions:
        said = sentences_of(function)
        assert {name: said[name] for name in names} == {
            name: sentences_of(ImageAsSequence)[name] for name in names
        }
        assert not any("See there" in sentence for sentence in said.values())
    by_size = [sentences_of(function)["image_size"] for function in functions[1::2]]
    assert by_size[0] == by_size[1]


def array_of(library, array):
    """An array of a library, and how it comes back to NumPy."""
    if library == "tensorflow":
        import tensorflow as tf

        return tf.constant(array), tf.Tensor
    if library == "torch":
        import torch

        return torch.from_numpy(array), torch.Tensor
    if library == "jax":
        import jax

        return jax.numpy.asarray(array), jax.Array
    return array, np.ndarray


@pytest.mark.parametrize("library", ["numpy", *INSTALLED])
@given(readings_and_images(), st.sampled_from(["bool", "uint8", "float32"]), st.booleans())
def test_the_functions_give_the_same_kind_of_array_back(
    library, reading_and_images, dtype, batched
):
    reading, images = reading_and_images
    images = images.astype(dtype)
    expected = reading_oracle.read(images, **reading)
    if not batched:
        images, expected = images[0], expected[0]
    shape = image_shape(images) if batched else images.shape
    given_array, kind = array_of(library, images)
    sequences = image_as_sequence(given_array, **reading, batched=batched)
    restored = sequence_as_image(sequences, shape, **reading, batched=batched)
    assert isinstance(sequences, kind)
    assert isinstance(restored, kind)
    assert dtype in str(sequences.dtype)
    np.testing.assert_array_equal(np.asarray(sequences), expected)
    np.testing.assert_array_equal(np.asarray(restored), images)


@pytest.mark.parametrize("library", ["numpy", *INSTALLED])
def test_the_layers_read_arrays_of_any_library(library):
    images = np.arange(24, dtype="uint8").reshape(2, 3, 4)
    given_array, _ = array_of(library, images)
    layer = ImageAsSequence("pixel", "spiral")
    sequences = layer(given_array)
    expected = image_as_sequence(images, "pixel", "spiral")
    np.testing.assert_array_equal(np.asarray(to_numpy(np.asarray(sequences))), expected)
    restored = layer.inverse((3, 4))(sequences)
    np.testing.assert_array_equal(np.asarray(restored), images)


@pytest.mark.parametrize("shape", [(1, 1000, 2), (1, 2, 1000), (1, 2, 2, 1000)])
def test_images_of_many_rows_columns_or_channels_come_back(shape):
    images = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    sequences = image_as_sequence(images, data_format="channels_last")
    layer = SequenceAsImage(shape[1:], data_format="channels_last")
    np.testing.assert_array_equal(to_numpy(layer(sequences)), images)


def test_a_mask_ends_quietly_at_the_image():
    masked = keras.layers.Masking()(keras.Input((3, 4)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = SequenceAsImage((3, 4))(masked)
    assert getattr(images, "_keras_mask", None) is None


def test_lists_are_read_as_arrays():
    assert image_as_sequence([[1, 2], [3, 4]], "column", batched=False).tolist() == [[1, 3], [2, 4]]
    assert sequence_as_image([[1, 3], [2, 4]], (2, 2), "column", batched=False).tolist() == [
        [1, 2],
        [3, 4],
    ]


def test_the_example_learns_to_mark_the_inside_of_shapes(capsys):
    mark_pixels.main([])
    overlap = float(re.search(r"Overlap on 300 new images: (\S+) of 1", capsys.readouterr().out)[1])
    assert overlap > 0.9


def test_a_mask_of_steps_is_gone_from_the_image_of_rows():
    sequences = np.ones((2, 4, 6), "float32")
    sequences[:, 2:] = 0
    recurrent = keras.layers.SimpleRNN(3)
    inputs = keras.Input((4, 6))
    plain = keras.Model(inputs, recurrent(inputs))
    images = SequenceAsImage((4, 6))(keras.layers.Masking()(inputs))
    masked = keras.Model(inputs, recurrent(images))
    for uses in ((masked, plain), (masked.predict_on_batch, plain.predict_on_batch)):
        found, expected = (keras.ops.convert_to_numpy(use(sequences)) for use in uses)
        np.testing.assert_allclose(found, expected, atol=1e-6)

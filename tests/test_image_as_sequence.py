import inspect
import json

import keras
import numpy as np
import pytest
import reading_oracle
from hypothesis import given
from hypothesis import strategies as st
from strategies import data_formats, dtypes, readings_and_images, steps_and_sizes

from keras_imgseq import ConvStem, ImageAsSequence, image_as_sequence
from keras_imgseq._reading.orders import ORDERS

to_numpy = keras.ops.convert_to_numpy


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


@given(readings_and_images())
def test_a_reading_is_its_einops_pattern_and_a_permutation_of_time(reading_and_images):
    reading, images = reading_and_images
    expected = reading_oracle.read(images, **reading)
    np.testing.assert_array_equal(to_numpy(ImageAsSequence(**reading)(images)), expected)


@given(readings_and_images(), dtypes)
def test_every_dtype_is_kept_and_promised(reading_and_images, dtype):
    reading, images = reading_and_images
    layer = ImageAsSequence(**reading)
    symbolic = layer(keras.Input(images.shape[1:], dtype=dtype))
    sequences = layer(images.astype(dtype))
    assert dtype_of(symbolic) == dtype_of(sequences) == dtype
    expected = reading_oracle.read(images.astype(dtype), **reading)
    np.testing.assert_array_equal(to_numpy(sequences), expected)


@given(readings_and_images())
def test_the_promised_shape_is_the_delivered_one(reading_and_images):
    reading, images = reading_and_images
    layer = ImageAsSequence(**reading)
    promised = layer.compute_output_shape(images.shape)
    symbolic = layer(keras.Input(images.shape[1:]))
    assert promised == tuple(layer(images).shape)
    assert promised[1:] == tuple(symbolic.shape[1:])


@given(readings_and_images())
def test_the_data_format_does_not_change_what_is_read(reading_and_images):
    reading, images = reading_and_images
    last = reading_oracle.as_channels_last(images, reading["data_format"])
    from_last = ImageAsSequence(**{**reading, "data_format": "channels_last"})(last)
    first = np.moveaxis(last, -1, 1)
    from_first = ImageAsSequence(**{**reading, "data_format": "channels_first"})(first)
    np.testing.assert_array_equal(to_numpy(from_last), to_numpy(from_first))


@given(readings_and_images())
def test_reversed_is_the_same_path_backwards(reading_and_images):
    reading, images = reading_and_images
    reversed_reading = {**reading, "reverse": not reading["reverse"]}
    there, back = ImageAsSequence(**reading)(images), ImageAsSequence(**reversed_reading)(images)
    np.testing.assert_array_equal(to_numpy(there)[:, ::-1], to_numpy(back))


@given(st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_transposed_pixels_are_the_pixels_of_the_transposed_image(height, width, reverse):
    images = np.arange(height * width).reshape(1, height, width).astype("int32")
    transposed = ImageAsSequence("pixel", transpose=True, reverse=reverse)(images)
    expected = ImageAsSequence("pixel", reverse=reverse)(images.transpose(0, 2, 1))
    np.testing.assert_array_equal(to_numpy(transposed), to_numpy(expected))


@given(readings_and_images())
def test_every_value_is_read_once_and_padding_adds_zeros(reading_and_images):
    reading, images = reading_and_images
    values = np.sort(to_numpy(ImageAsSequence(**reading)(images)).ravel())
    np.testing.assert_array_equal(values[values > 0], images.ravel())
    if reading["padding"] is None:
        assert values.min() > 0


@given(readings_and_images())
def test_unknown_sizes_give_the_same_sequences(reading_and_images):
    reading, images = reading_and_images
    size = reading_oracle.as_channels_last(images, reading["data_format"]).shape[1:3]
    patch = reading_oracle.patch_size(reading["step"], size)
    in_a_line = [reading["step"] == "column", reading["step"] == "row"]
    unknown_sides = [
        side
        for side in (0, 1)
        if not in_a_line[side]
        and (patch[side] == 1 or reading["padding"] == "same")
        and (
            reading["order"] in ("raster", "snake")
            or (any(in_a_line) and reading["order"] in ORDERS)
        )
    ]
    shape = list(images.shape[1:])
    first_side = 1 if len(shape) == 3 and reading["data_format"] == "channels_first" else 0
    for side in unknown_sides:
        shape[first_side + side] = None
    inputs = keras.Input(shape, dtype="int32")
    model = keras.Model(inputs, ImageAsSequence(**reading)(inputs))
    assert (model.output_shape[1] is None) == bool(unknown_sides)
    expected = reading_oracle.read(images, **reading)
    np.testing.assert_array_equal(model.predict(images, verbose=0), expected)


@pytest.mark.parametrize("order", ["raster", "snake"])
@pytest.mark.parametrize(("transpose", "reverse"), [(False, False), (True, False), (False, True)])
def test_one_model_reads_images_of_several_sizes(order, transpose, reverse):
    path = {"order": order, "transpose": transpose, "reverse": reverse}
    reading = {"step": (2, 3), **path, "padding": "same"}
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, ImageAsSequence(**reading)(inputs))
    for height, width in ((2, 3), (3, 7), (8, 11)):
        images = np.arange(height * width * 2, dtype="float32").reshape(1, height, width, 2)
        expected = reading_oracle.read(images, **reading, seed=None, data_format="channels_last")
        np.testing.assert_array_equal(model.predict(images, verbose=0), expected)


def test_one_model_reads_images_of_several_heights():
    inputs = keras.Input((None, 5))
    model = keras.Model(inputs, ImageAsSequence("pixel", transpose=True)(inputs))
    for height in (2, 3, 4):
        images = np.arange(2 * height * 5, dtype="float32").reshape(2, height, 5)
        expected = images.transpose(0, 2, 1).reshape(2, -1, 1)
        np.testing.assert_array_equal(model.predict(images, verbose=0), expected)


@given(readings_and_images("float32"), st.sampled_from(["mixed_float16", "mixed_bfloat16"]))
def test_mixed_precision_leaves_the_values_alone(reading_and_images, policy):
    reading, images = reading_and_images
    images = images + np.float32(0.1)
    sequences = ImageAsSequence(**reading, dtype=policy)(images)
    assert dtype_of(sequences) == "float32"
    np.testing.assert_array_equal(to_numpy(sequences), reading_oracle.read(images, **reading))


@pytest.mark.parametrize("step", ["row", "column", "pixel", 2, (4, 3)])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("order", ["raster", "snake", "hilbert"])
def test_a_compiled_model_reads_the_same(step, transpose, order):
    images = np.arange(2 * 4 * 6 * 3, dtype="float32").reshape(2, 4, 6, 3)
    reading = {"step": step, "order": order, "transpose": transpose, "reverse": True}
    inputs = keras.Input((4, 6, 3))
    model = keras.Model(inputs, ImageAsSequence(**reading)(inputs))
    # PyTorch's compiler needs a C++ compiler and tens of seconds; Keras leaves it off there.
    model.compile(jit_compile=keras.backend.backend() != "torch")
    defaults = {"seed": None, "padding": None, "data_format": "channels_last"}
    expected = reading_oracle.read(images, **reading, **defaults)
    np.testing.assert_array_equal(model.predict(images, verbose=0), expected)


def test_rows_are_a_view_and_copy_nothing():
    images = np.zeros((2, 4, 6, 3), "float32")
    assert np.shares_memory(image_as_sequence(images), images)
    tensor = keras.ops.convert_to_tensor(images)
    backend = keras.backend.backend()
    for batch in (tensor, tensor[..., 0]):
        sequences = ImageAsSequence("row")(batch)
        assert sequences is not batch
        if backend == "torch":
            assert sequences.data_ptr() == batch.data_ptr()
        elif backend == "tensorflow":
            assert np.shares_memory(memoryview(sequences), memoryview(batch))


def test_many_features_are_read_again():
    layer = ImageAsSequence("row")
    for _ in range(2):
        assert tuple(layer(np.zeros((1, 2, 1000))).shape) == (1, 2, 1000)


def test_an_empty_batch_is_read():
    assert tuple(ImageAsSequence(2)(np.zeros((0, 4, 6, 3))).shape) == (0, 6, 12)


@given(readings_and_images())
def test_the_configuration_makes_the_same_layer_under_another_default(reading_and_images):
    reading, images = reading_and_images
    layer = ImageAsSequence(**reading, name="reader")
    expected = to_numpy(layer(images))
    default = keras.config.image_data_format()
    others = {"channels_last": "channels_first", "channels_first": "channels_last"}
    try:
        keras.config.set_image_data_format(others[reading["data_format"]])
        again = ImageAsSequence.from_config(layer.get_config())
        np.testing.assert_array_equal(to_numpy(again(images)), expected)
    finally:
        keras.config.set_image_data_format(default)
    assert again.get_config() == layer.get_config()


@given(data_formats)
def test_the_data_format_is_resolved_when_the_layer_is_made(data_format):
    default = keras.config.image_data_format()
    try:
        keras.config.set_image_data_format(data_format)
        layer = ImageAsSequence()
    finally:
        keras.config.set_image_data_format(default)
    assert layer.get_config()["data_format"] == data_format


def test_every_constructor_argument_is_in_the_configuration():
    arguments = set(inspect.signature(ImageAsSequence).parameters) - {"kwargs"}
    assert arguments <= set(ImageAsSequence().get_config())


def test_numbers_of_numpy_are_kept_as_pythons_own():
    layer = ImageAsSequence(np.int64(2), "random", seed=np.int64(3))
    again = keras.layers.deserialize(json.loads(json.dumps(keras.layers.serialize(layer))))
    assert again.get_config() == layer.get_config()
    assert type(layer.get_config()["seed"]) is int
    assert type(layer.get_config()["step"]) is int


def test_the_layer_has_no_weights():
    layer = ImageAsSequence()
    layer(np.zeros((1, 2, 3)))
    assert layer.weights == []


@given(steps_and_sizes())
def test_steps_and_sizes_are_valid(step_and_size):
    step, size = step_and_size
    patch = reading_oracle.patch_size(step, size)
    assert size[0] % patch[0] == size[1] % patch[1] == 0


@given(readings_and_images())
def test_readings_fit_their_images(reading_and_images):
    reading, images = reading_and_images
    assert ImageAsSequence(**reading).compute_output_shape(images.shape)[0] == len(images)
    assert len(np.unique(images)) == images.size


def test_the_picture_that_one_has_in_mind():
    image = np.array([[[11, 12, 13], [21, 22, 23]]])
    assert to_numpy(ImageAsSequence("row")(image)).tolist() == [[[11, 12, 13], [21, 22, 23]]]
    assert to_numpy(ImageAsSequence("column")(image)).tolist() == [[[11, 21], [12, 22], [13, 23]]]
    pixels = ImageAsSequence("pixel", transpose=True)(image)
    assert to_numpy(pixels).ravel().tolist() == [11, 21, 12, 22, 13, 23]
    backwards = ImageAsSequence("pixel", reverse=True)(image)
    assert to_numpy(backwards).ravel().tolist() == [23, 22, 21, 13, 12, 11]


def test_a_subclass_needs_no_mask():
    class Brighter(ImageAsSequence):
        def call(self, images):
            return super().call(images) * 2

    class Doubled(ConvStem):
        def call(self, images, training=None):
            return super().call(images, training=training) * 2

    images = np.random.default_rng(0).random((2, 4, 6, 1), dtype="float32")
    read = Brighter("column", data_format="channels_last")(images)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(read), image_as_sequence(images, "column") * 2
    )
    assert Doubled(3)(images).shape == (2, 2, 3, 3)
    inputs = keras.Input((4, 6, 1))
    features = Doubled(3)(inputs)
    model = keras.Model(inputs, Brighter("column", data_format="channels_last")(features))
    assert model(images).shape == (2, 3, 6)

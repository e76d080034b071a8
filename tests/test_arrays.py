"""Arrays as they come: of any library, any subclass, any dtype, of unknown size, in any memory."""

import itertools
import re
import threading

import keras
import numpy as np
import pytest
import reading_oracle
from backends import INSTALLED, needs_jax, needs_tensorflow, needs_torch
from hypothesis import example, given
from hypothesis import strategies as st
from messages import raises
from strategies import readings_and_images

from keras_imgseq import (
    ImageAsSequence,
    SequenceAsImage,
    build_image_rnn,
    image_as_sequence,
    sequence_as_image,
)
from keras_imgseq._reading import kept_arrays, reading_arguments
from keras_imgseq._reading.reading_arguments import Cells
from keras_imgseq._reading.rearrangement import _runs
from keras_imgseq._reading.routes import route_of

to_numpy = keras.ops.convert_to_numpy
WAYS = [
    {"step": "row"},
    {"step": "row", "reverse": True},
    {"step": "column"},
    {"step": "pixel", "order": "spiral"},
    {"step": 4, "padding": "same"},
    {"step": 2, "order": "random", "seed": 3, "reverse": True},
]
IMAGES = np.arange(2 * 4 * 6 * 3, dtype="float32").reshape(2, 4, 6, 3)


@needs_torch
@pytest.mark.parametrize("reading", WAYS)
def test_a_subclass_of_another_package_is_a_tensor(reading):
    import torch

    class Image(torch.Tensor):
        pass

    Image.__module__ = "torchvision.tv_tensors._image"
    images = torch.from_numpy(IMAGES).clone().as_subclass(Image).requires_grad_()
    sequences = image_as_sequence(images, **reading, data_format="channels_last")
    expected = image_as_sequence(IMAGES, **reading, data_format="channels_last")
    assert isinstance(sequences, Image)
    np.testing.assert_array_equal(sequences.detach().numpy(), expected)
    sequences.sum().backward()
    assert torch.equal(images.grad.as_subclass(torch.Tensor), torch.ones(IMAGES.shape))


@pytest.mark.parametrize("reading", WAYS)
def test_a_subclass_of_numpy_is_an_array(reading):
    class Image(np.ndarray):
        pass

    Image.__module__ = "another.package"
    images = IMAGES.view(Image)
    expected = image_as_sequence(IMAGES, **reading)
    np.testing.assert_array_equal(image_as_sequence(images, **reading), expected)
    np.testing.assert_array_equal(image_as_sequence(memoryview(IMAGES), **reading), expected)


class Stored:
    """What a file of arrays hands out: a shape, a dtype, and its values when asked."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize("reading", WAYS)
def test_an_array_of_a_file_is_read(reading):
    expected = image_as_sequence(IMAGES, **reading)
    np.testing.assert_array_equal(image_as_sequence(Stored(IMAGES), **reading), expected)
    np.testing.assert_array_equal(to_numpy(ImageAsSequence(**reading)(Stored(IMAGES))), expected)


class Table:
    """A table of another package: it has a shape, but no dtype of its own."""

    shape = (4, 6)

    def __array__(self, dtype=None, copy=None):
        return np.zeros((4, 6))


@pytest.mark.parametrize(
    "images",
    [
        np.matrix([[1, 2], [3, 4]]),
        np.ma.masked_array(np.ones((2, 4, 6)), mask=np.zeros((2, 4, 6), bool)),
        Table(),
    ],
)
def test_what_is_nearly_an_array_is_refused_by_one_sentence(images):
    sequences = images
    for read in (
        lambda: image_as_sequence(images, batched=False),
        lambda: image_as_sequence(images),
        lambda: ImageAsSequence()(images),
        lambda: sequence_as_image(sequences, (4, 6)),
        lambda: SequenceAsImage((4, 6))(sequences),
    ):
        with raises(ValueError, match=r"Received: a .* Write np.asarray\((images|seq)"):
            read()


@pytest.mark.parametrize(
    "images",
    [
        None,
        3,
        "an image",
        b"bytes",
        {"image": 1},
        (n for n in (1, 2)),
        np.full((2, 4, 6), "a"),
        np.full((2, 4, 6), None),
        np.zeros((2, 4, 6), [("red", "u1"), ("green", "u1")]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_array_is_refused(images):
    for read in (
        lambda: image_as_sequence(images),
        lambda: ImageAsSequence()(images),
        lambda: sequence_as_image(images, (4, 6)),
        lambda: SequenceAsImage((4, 6))(images),
    ):
        with raises(ValueError, match="Received: ") as error:
            read()
        assert len(str(error.value)) < 600


@needs_tensorflow
@pytest.mark.parametrize("kind", ["RaggedTensor", "SparseTensor"])
def test_tensors_that_are_not_dense_are_refused(kind):
    import tensorflow as tf

    images = {
        "RaggedTensor": tf.ragged.constant([[[1.0] * 3] * 4, [[1.0] * 3] * 2], ragged_rank=1),
        "SparseTensor": tf.sparse.from_dense(IMAGES),
    }[kind]
    cure = {"RaggedTensor": "to_tensor", "SparseTensor": "to_dense"}[kind]
    for read in (image_as_sequence, ImageAsSequence()):
        with raises(ValueError, match=f"Received: a {kind}. Write .*{cure}"):
            read(images)


@needs_torch
def test_tensors_of_pytorch_that_are_not_dense_are_refused():
    import torch

    for images in (torch.zeros(2, 4, 6).to_sparse(), torch.zeros(4, 6).to_sparse_csr()):
        for read in (image_as_sequence, ImageAsSequence()):
            with raises(ValueError, match=r"Write images.to_dense\(\)"):
                read(images)
    nested = torch.nested.nested_tensor([torch.zeros(4, 6), torch.zeros(2, 6)])
    for read in (image_as_sequence, build_image_rnn((4, 6), 3).predict):
        cure = "Write images.to_padded_tensor(-1.0), and ImageAsSequence(..., mask_value=-1.0) in"
        with raises(ValueError, match=re.escape(f"a NestedTensor. {cure}")):
            read(nested)
    masked = torch.masked.masked_tensor(torch.ones(2, 4, 6), torch.ones(2, 4, 6) > 0)
    with raises(ValueError, match=r"a MaskedTensor. Write images.to_tensor\(0\)"):
        image_as_sequence(masked)


@needs_jax
@pytest.mark.parametrize("kind", ["BCOO", "BCSR", "CSR", "CSC", "COO"])
def test_arrays_of_jax_that_are_not_dense_are_refused(kind):
    from jax.experimental import sparse

    cured = re.escape(f"Received: a {kind}. Write images.todense().") + "$"
    with raises(ValueError, match=cured):
        image_as_sequence(getattr(sparse, kind).fromdense(np.eye(4)))


@pytest.mark.parametrize("library", [name for name in INSTALLED])
def test_a_list_of_tensors_names_their_stack(library):
    tensor = {
        "tensorflow": lambda: __import__("tensorflow").zeros((4, 6)),
        "torch": lambda: __import__("torch").zeros((4, 6)),
        "jax": lambda: __import__("jax").numpy.zeros((4, 6)),
    }[library]()
    with raises(ValueError, match=r"Write (tf|jnp|torch)\.stack\(images\)"):
        image_as_sequence([tensor, tensor])


def test_a_list_is_checked_as_its_items_are():
    for item in (np.ma.array(IMAGES[0], mask=True), np.matrix(IMAGES[0, ..., 0])):
        with raises(ValueError, match=r"Write np.asarray\(images\)"):
            image_as_sequence([item, item])


@needs_torch
def test_a_list_of_tensors_of_several_sizes_is_to_be_padded():
    import torch

    with raises(ValueError, match="Pad them to one size"):
        image_as_sequence([torch.zeros(4, 6), torch.zeros(5, 6)])


@needs_tensorflow
def test_strings_of_tensorflow_are_no_images():
    import tensorflow as tf

    with raises(ValueError, match=r"holds numbers\. Received: an array of dtype"):
        image_as_sequence(tf.constant([[["a", "b"]]]))


TORCH_DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "float16",
    "bfloat16",
    "float64",
    "complex64",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
]


@needs_torch
@pytest.mark.parametrize("dtype", TORCH_DTYPES)
def test_every_dtype_of_pytorch_is_moved(dtype):
    import torch

    images = torch.arange(2 * 5 * 6).remainder(2).reshape(2, 5, 6).to(getattr(torch, dtype))
    whole = images.to(torch.complex64 if dtype == "complex64" else torch.float32)
    every = itertools.product(
        ["row", "column", "pixel", (2, 3)], ["raster", "hilbert"], [False, True]
    )
    for step, order, reverse in every:
        reading = {"step": step, "order": order, "reverse": reverse, "padding": "same"}
        sequences = image_as_sequence(images, **reading)
        assert sequences.dtype == images.dtype
        expected = image_as_sequence(whole.numpy(), **reading)
        np.testing.assert_array_equal(sequences.to(whole.dtype).numpy(), expected)
        back = sequence_as_image(sequences, (5, 6), **reading)
        assert torch.equal(back.to(whole.dtype), whole)


TENSORFLOW_DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int64",
    "bfloat16",
    "complex64",
]


@needs_tensorflow
@pytest.mark.parametrize("dtype", TENSORFLOW_DTYPES)
def test_every_dtype_of_tensorflow_is_moved(dtype):
    import tensorflow as tf

    whole = (np.arange(60).reshape(2, 5, 6) % 2).astype("int32")
    images = tf.cast(whole, dtype)
    for step, order, reverse in itertools.product(["row", (2, 3)], ["raster", "spiral"], [0, 1]):
        reading = {"step": step, "order": order, "reverse": bool(reverse), "padding": "same"}
        sequences = image_as_sequence(images, **reading)
        assert sequences.dtype == images.dtype
        expected = image_as_sequence(whole, **reading)
        np.testing.assert_array_equal(tf.cast(sequences, "int32"), expected)


@example(({"step": "row", "reverse": True}, np.ones((1, 1, 1), "float32")))
@given(readings_and_images("float32"))
def test_numpy_arrays_have_strides_that_pytorch_collates(reading_and_images):
    reading, images = reading_and_images
    sequences = image_as_sequence(images, **reading)
    assert all(stride > 0 for stride in sequences.strides)
    back = sequence_as_image(sequences, images.shape[1:], **reading)
    assert all(stride > 0 for stride in back.strides)
    if "torch" in INSTALLED:
        import torch

        torch.utils.data.default_collate([sequences[0], sequences[0]])
        torch.utils.data.default_collate([back[0], back[0]])


@needs_tensorflow
@given(readings_and_images("float32"), st.data())
def test_images_of_unknown_sides_are_read_in_a_tensorflow_function(reading_and_images, data):
    import tensorflow as tf

    reading, images = reading_and_images
    shape = list(images.shape)
    channels_first = reading["data_format"] == "channels_first" and images.ndim == 4
    height = 2 if channels_first else 1
    shape[0] = data.draw(st.sampled_from([None, len(images)]))
    for axis in (height, height + 1):
        shape[axis] = data.draw(st.sampled_from([None, shape[axis]]))
    try:
        ImageAsSequence(**reading).compute_output_shape(shape)
    except ValueError:
        # The size is needed for this order or step.
        shape[height : height + 2] = images.shape[height : height + 2]
    expected = reading_oracle.read(images, **reading)
    read = tf.function(
        lambda x: image_as_sequence(x, **reading), input_signature=[tf.TensorSpec(shape)]
    )
    np.testing.assert_array_equal(read(images), expected)
    for batch in (images[:1], np.concatenate([images, images])):
        if shape[0] in (None, len(batch)):
            expected = reading_oracle.read(batch, **reading)
            np.testing.assert_array_equal(read(batch), expected)


@pytest.mark.parametrize("num_images", [1, 2])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("step", ["column", "pixel", (4, 1), (4, 2)])
@pytest.mark.parametrize("order", ["raster", "snake"])
def test_one_image_of_any_width_is_predicted(num_images, channels, step, order):
    if step == "column" and order == "snake":
        order = "raster"
    reading = ImageAsSequence(step, order, padding="same", reverse=True)
    inputs = keras.Input((4, None, *channels))
    model = keras.Model(inputs, reading(inputs))
    for width in (5, 8, 3):
        images = np.random.default_rng(width).random((num_images, 4, width, *channels), "float32")
        expected = image_as_sequence(images, step, order, padding="same", reverse=True)
        np.testing.assert_array_equal(model.predict(images, verbose=0), expected)


def test_layers_are_called_before_they_are_built_as_those_of_keras_are():
    images = keras.ops.convert_to_tensor(IMAGES)
    layer = ImageAsSequence("column")
    expected = image_as_sequence(IMAGES, "column")
    np.testing.assert_array_equal(to_numpy(layer.call(images)), expected)
    assert layer.compute_output_spec(keras.KerasTensor((2, 4, 6, 3))).shape == (2, 6, 12)
    assert not layer.built
    inverse = SequenceAsImage((4, 6), "column")
    np.testing.assert_array_equal(to_numpy(inverse.call(layer.call(images))), IMAGES)


@pytest.mark.parametrize("num_values", [1, 2, 3])
@pytest.mark.parametrize("channels", [(), (1,), (16,)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_an_inverse_takes_any_number_of_values_a_pixel(num_values, channels, data_format):
    shape = (*channels, 4, 6) if data_format == "channels_first" else (4, 6, *channels)
    rows = ImageAsSequence("row", data_format=data_format)
    found = keras.layers.Dense(6 * num_values)(rows(keras.Input(shape)))
    marked = rows.inverse((4, 6))(found)
    values = (num_values,) if channels or num_values > 1 else ()
    expected = (*values, 4, 6) if data_format == "channels_first" else (4, 6, *values)
    assert marked.shape == (None, *expected)


def test_any_number_of_channels_is_saved():
    layer = SequenceAsImage((4, 6, None), "row")
    again = SequenceAsImage.from_config(layer.get_config())
    assert again.compute_output_shape((2, 4, 6)) == (2, 4, 6, 1)
    assert again.compute_output_shape((2, 4, 18)) == (2, 4, 6, 3)


def test_a_long_order_is_checked_once_and_a_grid_of_cells_is_an_order(monkeypatch):
    cells = np.random.default_rng(0).permutation(24)
    by_row = ImageAsSequence("pixel", cells.reshape(4, 6))
    flat = ImageAsSequence("pixel", cells.tolist())
    assert by_row.get_config()["order"] == flat.get_config()["order"] == tuple(cells.tolist())
    np.testing.assert_array_equal(to_numpy(by_row(IMAGES)), to_numpy(flat(IMAGES)))
    for order in (set(range(24)), {0: 1}, iter(range(24)), b"\0\1", cells.reshape(2, 2, 6)):
        with raises(ValueError, match="Received: order="):
            ImageAsSequence("pixel", order)
    layer = ImageAsSequence("pixel", cells)
    order = layer.reading.order
    assert hash(order) == hash(tuple(order)) == order._hash
    monkeypatch.setattr(reading_arguments, "_cells_of", None)
    # The same object, hashed once.
    assert layer.inverse((4, 6)).reading.order is order
    assert ImageAsSequence.from_config(layer.get_config()).reading.order is order


@pytest.mark.parametrize("is_explicit", [False, True])
@pytest.mark.parametrize("function", [route_of, _runs])
def test_paths_are_kept_read_only_and_within_a_bound(function, is_explicit, monkeypatch):
    monkeypatch.setattr(kept_arrays, "MOST_BYTES", 40_000)
    for seed in range(40):
        sizes = (1, 20, 20) if function is _runs else (20, 20)
        if is_explicit:
            cells = np.random.default_rng(seed).permutation(400)
            key = (Cells(cells.tolist()), False, False, None)
        else:
            key = ("random", False, False, seed)
        result = function(*sizes, *key)
        arrays = result if function is _runs else [result.path]
        for array in arrays:
            with raises(ValueError, match="read-only"):
                array[0] = 1
        assert sum(size for _, size in function.entries.values()) <= 40_000
    # 400 numbers of 8 bytes, and for an explicit order 40 bytes more for each.
    assert 1 <= len(function.entries) <= (2 if is_explicit else 9)
    again = function(*sizes, *key)
    assert again is result


def test_paths_are_kept_by_many_threads():
    expected = [image_as_sequence(IMAGES, "pixel", "random", seed=seed) for seed in range(20)]
    wrong = []

    def read():
        for seed in range(20):
            sequences = image_as_sequence(IMAGES, "pixel", "random", seed=seed)
            if not np.array_equal(sequences, expected[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="torch.compile is tested on its own backend"
)
@pytest.mark.parametrize("reading", WAYS)
@pytest.mark.parametrize("inverse", [False, True])
def test_torch_compile_makes_one_graph(reading, inverse):
    import torch

    images = torch.from_numpy(IMAGES)

    def by_function(x):
        sequences = image_as_sequence(x, **reading, data_format="channels_last")
        if inverse:
            return sequence_as_image(sequences, (4, 6), **reading, data_format="channels_last")
        return sequences

    layer = ImageAsSequence(**reading, data_format="channels_last")
    back = layer.inverse((4, 6))
    by_layer = (lambda x: back(layer(x))) if inverse else layer
    expected = by_function(images)
    for function in (by_function, by_layer):
        function(images)
        torch._dynamo.reset()
        compiled = torch.compile(function, fullgraph=True, backend="eager")
        assert torch.equal(compiled(images), expected)
        assert torch.equal(compiled(torch.cat([images, images]))[2:], expected)


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="torch.compile is tested on its own backend"
)
@pytest.mark.parametrize("reading", [*WAYS, {"step": 2, "order": [5, 4, 3, 2, 1, 0]}])
@pytest.mark.parametrize("dynamic", [None, True])
def test_torch_compile_makes_one_graph_of_a_layer_for_sizes_that_change(reading, dynamic):
    import torch

    layer = ImageAsSequence(**reading, data_format="channels_last")
    layer(IMAGES)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="eager", dynamic=dynamic)
    for number in (2, 3, 5):
        images = torch.ones((number, 4, 6, 3))
        assert torch.equal(compiled(images), layer(images))
    if "order" not in reading or isinstance(reading["order"], str):
        torch._dynamo.reset()
        compiled = torch.compile(
            lambda x: image_as_sequence(x, **reading, data_format="channels_last"),
            fullgraph=True,
            backend="eager",
        )
        for height in (4, 6, 8):
            assert compiled(torch.ones((2, height, 6, 3))).shape[0] == 2


def test_two_networks_fit_into_one_model():
    first = build_image_rnn((4, 6), None, cell="gru", name="left", reading=["row", "column"])
    second = build_image_rnn((4, 6, 3), None, name="right", scale=0.5)
    assert [layer.name for layer in first.layers] == [
        "left_images",
        "left_reading_1_as_sequence",
        "left_reading_2_as_sequence",
        "left_reading_1_rnn_1",
        "left_reading_2_rnn_1",
        "left_merged",
    ]
    joined = keras.layers.Concatenate()([first.output, second.output])
    model = keras.Model([first.input, second.input], keras.layers.Dense(3)(joined))
    arrays = [np.ones((2, 4, 6), "float32"), np.ones((2, 4, 6, 3), "float32")]
    assert model.predict(arrays, verbose=0).shape == (2, 3)

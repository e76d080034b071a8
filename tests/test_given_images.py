"""Images as they are handed to a network: a batch of its size, or an error that names a cure."""

import types

import keras
import numpy as np
import pytest
from backends import needs_tensorflow, needs_torch
from hypothesis import given
from hypothesis import strategies as st
from messages import raises

from keras_imgseq import ImageAsSequence, build_image_rnn
from keras_imgseq._network.given_images import check_images

SIZES = st.sampled_from([1, 3, 4, 5, 6])
EXPECTED = st.lists(st.none() | SIZES, min_size=2, max_size=3).map(tuple)
SHAPES = st.lists(SIZES, min_size=1, max_size=6).map(tuple)
CURES = {
    "image[None]": lambda images: images[None],
    "image[None, ..., None]": lambda images: images[None, ..., None],
    "images[None]": lambda images: images[None],
    "np.moveaxis(images, 1, -1)": lambda images: np.moveaxis(images, 1, -1),
    "np.moveaxis(images, -1, 1)": lambda images: np.moveaxis(images, -1, 1),
    "images[..., 0]": lambda images: images[..., 0],
    "image.mean(axis=-1)[None]": lambda images: images.mean(axis=-1)[None],
    "images.mean(axis=-1)": lambda images: images.mean(axis=-1),
}


def network_of(*sizes):
    return types.SimpleNamespace(input_shape=(None, *sizes))


def refusal_of(network, images):
    try:
        check_images(network, images)
    except ValueError as error:
        return str(error)
    return None


@given(EXPECTED, SHAPES)
def test_what_fits_is_taken_and_what_does_not_names_a_cure(expected, shape):
    images = np.zeros(shape, "float32")
    said = refusal_of(network_of(*expected), images)
    fits = len(shape) == len(expected) + 1 and all(
        known in (None, size) for known, size in zip(expected, shape[1:], strict=True)
    )
    if fits:
        assert said is None
        return
    if said is None:
        # Keras adds or takes away the axis of one channel.
        assert 1 in (expected[-1], shape[-1])
        assert abs(len(shape) - len(expected) - 1) == 1
        return
    assert len(said) < 500
    assert f"Received: shape={shape}" in said
    exact = [
        cure for cure in CURES if any(f"rite {cure}{end}" in said for end in (". ", ", ", "."))
    ]
    if "For one image, write image[" in said or "moveaxis" in said or "mean(" in said:
        assert refusal_of(network_of(*expected), CURES[exact[0]](images)) is None
    if "For flat vectors, write images.reshape" in said:
        assert refusal_of(network_of(*expected), images.reshape(-1, *expected)) is None
    if "build the network for input_shape=" in said:
        build_image_rnn(shape[1:], 2, units=1)


@given(st.lists(SHAPES.filter(lambda shape: len(shape) < 4), min_size=0, max_size=4))
def test_a_list_of_images_names_its_cure(shapes):
    images = [np.zeros(shape, "float32") for shape in shapes]
    said = refusal_of(network_of(4, 6), images)
    if len(shapes) == 1:
        assert said == refusal_of(network_of(4, 6), images[0])
        return
    if not images:
        assert "at least one image" in said
    elif len(set(shapes)) == 1:
        assert "Write np.stack(images)" in said
    elif len({*map(len, shapes)}) > 1:
        assert "all of them grey, or all of them coloured" in said
    else:
        assert "Pad them to one size" in said


WRONG_IMAGES = [
    (list(np.zeros((2, 4, 6))), r"a list of 2. Write np.stack\(images\)"),
    (np.zeros((2, 4, 6)).tolist(), r"a list of 2. Write np.asarray\(images\)"),
    (np.zeros((1, 4, 6)).tolist(), r"a list of 1. Write np.asarray\(images\)"),
    ([], r"at least one image. Received: \[\]"),
    ([np.zeros((4, 6)), np.zeros((4, 7))], "Pad them to one size.*`mask_value`"),
    ([None, np.zeros((4, 6))], "number 0 is None"),
    (["a.png", "b.png"], "Open the files"),
    (None, "an array of images.*Received: None"),
    ("a.png", "an array of images.*Received: 'a.png'"),
    (3.0, "an array of images"),
    (np.zeros((42, 24)), r"write images.reshape\(-1, 4, 6\)"),
    (np.zeros((2, 10, 4, 6, 3)), "keras.layers.TimeDistributed"),
    (np.zeros((2, 4, 6, 1, 1)), r"write images\[..., 0\]"),
    (np.zeros((2, 4, 6)).astype(object), "dtype.*float32"),
    (np.array(["a", None], object), r"Write np.stack\(images\)"),
    (np.ma.masked_array(np.zeros((2, 4, 6))), r"np.asarray\(images\), or images.filled\(0\)"),
    (np.matrix(np.zeros((4, 6))), r"Received: a matrix. Write np.asarray\(images\)"),
    (np.zeros((2, 4, 6), "datetime64[s]"), "holds numbers"),
    (keras.Input((4, 6)), "an array of images"),
    (
        np.zeros((2, 4, 6, 3)),
        r"Write images.mean\(axis=-1\), or build the network for input_shape=\(4, 6, 3\)",
    ),
    (np.zeros((4, 6, 3)), r"For one image in colour, write image.mean\(axis=-1\)\[None\]"),
    (np.zeros((4, 6)), r"For one image, write image\[None\]"),
    (np.zeros((4, 6, 1)), r"For one image, write image\[None\]"),
    ([np.zeros((4, 6))], r"For one image, write image\[None\]"),
    (np.zeros((0, 4, 6)), r"at least one image. Received: shape=\(0, 4, 6\)"),
]


@pytest.mark.parametrize(("images", "cure"), WRONG_IMAGES)
def test_wrong_images_are_refused_by_all_ways(images, cure):
    model = build_image_rnn((4, 6), 3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    for call in (
        model.predict,
        model.evaluate,
        model.fit,
        model.predict_on_batch,
        lambda images: model.train_on_batch(images, np.zeros(1)),
        lambda images: model.test_on_batch(images, np.zeros(1)),
    ):
        with raises(ValueError, match=cure):
            call(images)


def test_images_with_one_channel_more_or_less_are_taken():
    for shape, sizes in (((4, 6), (5, 4, 6, 1)), ((4, 6, 1), (5, 4, 6)), ((None, 6), (5, 9, 6))):
        assert build_image_rnn(shape, 3).predict(np.zeros(sizes), verbose=0).shape == (5, 3)
    one = build_image_rnn((4, None, 1), 3, reading="column")
    one.compile("sgd", "sparse_categorical_crossentropy")
    with raises(ValueError, match=r"For one image, write image\[None\]"):
        one.fit(np.zeros((4, 4, 1)), np.zeros(4))


def test_one_image_is_refused_and_a_batch_without_its_channel_axis_is_not():
    model = build_image_rnn((4, 6, 1), 3)
    with raises(ValueError, match=r"For one image, write image\[None\]"):
        model.predict(np.zeros((4, 6, 1)), verbose=0)
    assert model.predict(np.zeros((5, 4, 6)), verbose=0).shape == (5, 3)
    with raises(ValueError, match=r"For one image, write image\[None, ..., None\]"):
        model.predict(np.zeros((4, 6)), verbose=0)


def test_channels_on_the_other_side_are_moved():
    with raises(ValueError, match=r"Write np.moveaxis\(images, 1, -1\)"):
        build_image_rnn((4, 6, 3), 2).predict(np.zeros((2, 3, 4, 6)))
    model = build_image_rnn((3, 4, 6), 2, data_format="channels_first")
    with raises(ValueError, match=r"Write np.moveaxis\(images, -1, 1\)"):
        model.predict(np.zeros((2, 4, 6, 3)))


def test_a_network_that_is_called_refuses_other_sizes():
    model = build_image_rnn((4, 6), 2)
    for shape in ((4, 6), (2, 5, 6), (2, 4, 6, 3)):
        with raises(ValueError, match=r"^The network reads a batch of images"):
            model(np.zeros(shape, "float32"))
    assert model(np.zeros((0, 4, 6), "float32")).shape == (0, 2)
    assert keras.layers.TimeDistributed(model)(np.zeros((2, 5, 4, 6), "float32")).shape == (2, 5, 2)


@needs_tensorflow
def test_a_ragged_tensor_is_refused():
    import tensorflow as tf

    model = build_image_rnn((None, 3), 2, reading=ImageAsSequence("row", mask_value=-1.0))
    ragged = tf.ragged.constant([[[1.0] * 3] * 4, [[1.0] * 3] * 2], ragged_rank=1)
    with raises(ValueError, match=r"images.to_tensor\(-1.0\)"):
        model.predict(ragged)
    assert model.predict(ragged.to_tensor(-1.0).numpy(), verbose=0).shape == (2, 2)


@needs_torch
def test_a_list_of_tensors_is_stacked_by_their_library():
    import torch

    with raises(ValueError, match=r"Write torch.stack\(images\)"):
        build_image_rnn((4, 6), 2).predict([torch.zeros(4, 6)] * 2)


def test_a_data_set_may_have_a_shape_and_a_batch_a_fixed_size():
    class Batches(keras.utils.PyDataset):
        shape = (8, 4, 6)

        def __len__(self):
            return 2

        def __getitem__(self, number):
            return np.zeros((4, 4, 6), "float32"), np.zeros(4)

    model = build_image_rnn((4, 6), 2, units=2)
    fixed = keras.models.clone_model(model, input_tensors=keras.Input((4, 6), batch_size=4))
    for network in (model, fixed):
        network.compile("sgd", "sparse_categorical_crossentropy")
        network.fit(Batches(), verbose=0)
        images = np.zeros((8, 4, 6), "float32")
        assert network.predict(images, batch_size=4, verbose=0).shape == (8, 2)
    with raises(ValueError, match="an array of images"):
        model.predict(memoryview(images))

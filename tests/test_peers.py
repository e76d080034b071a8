"""What others write for the same thing agrees with us, wherever they can say it."""

import einops
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_imgseq import ImageAsSequence

to_numpy = keras.ops.convert_to_numpy
side = st.integers(1, 3)
shapes = st.tuples(st.integers(1, 2), side, side, side, side, side)


def images_of(batch, *sides):
    grid_height, grid_width, patch_height, patch_width, channels = sides
    shape = (batch, grid_height * patch_height, grid_width * patch_width, channels)
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def read(images, *arguments, **options):
    return to_numpy(ImageAsSequence(*arguments, data_format="channels_last", **options)(images))


@given(shapes)
def test_einops_rearrange(shape):
    images = keras.ops.convert_to_tensor(images_of(*shape))
    patch = {"ph": shape[3], "pw": shape[4]}
    for pattern, transpose in (
        ("b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)", False),
        ("b (gh ph) (gw pw) c -> b (gw gh) (ph pw c)", True),
    ):
        theirs = einops.rearrange(images, pattern, **patch)
        ours = read(images, (shape[3], shape[4]), transpose=transpose)
        np.testing.assert_array_equal(ours, to_numpy(theirs))


def test_the_rearrange_layer_of_einops_on_pytorch():
    layers = pytest.importorskip("einops.layers.torch", reason="needs PyTorch")
    import torch

    images = images_of(2, 2, 3, 2, 2, 3)
    layer = layers.Rearrange("b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)", ph=2, pw=2)
    np.testing.assert_array_equal(read(images, 2), layer(torch.from_numpy(images)).numpy())


@given(shapes)
def test_reshape_and_permute_of_keras(shape):
    images = images_of(*shape)
    _, height, width, channels = images.shape
    rows = keras.layers.Reshape((height, width * channels))(images)
    np.testing.assert_array_equal(read(images, "row"), to_numpy(rows))
    turned = keras.layers.Permute((2, 1, 3))(images)
    columns = keras.layers.Reshape((width, height * channels))(turned)
    np.testing.assert_array_equal(read(images, "column"), to_numpy(columns))
    pixels = keras.layers.Reshape((height * width, channels))(images)
    np.testing.assert_array_equal(read(images, "pixel"), to_numpy(pixels))


@given(shapes)
def test_extract_patches_of_keras(shape):
    images = images_of(*shape)
    patch = shape[3], shape[4]
    patches = keras.ops.image.extract_patches(
        images, size=patch, strides=patch, padding="valid", data_format="channels_last"
    )
    theirs = to_numpy(patches).reshape(shape[0], -1, np.prod(patch) * shape[5])
    np.testing.assert_array_equal(read(images, patch), theirs)


@given(shapes)
def test_extract_patches_of_scikit_learn(shape):
    image = pytest.importorskip(
        "sklearn.feature_extraction.image", reason="the extra `examples` installs it"
    )
    images = images_of(*shape)
    patch = shape[3], shape[4]
    for one in images:
        every = image.extract_patches_2d(one, patch)
        rows, columns = one.shape[0] - patch[0] + 1, one.shape[1] - patch[1] + 1
        every = every.reshape(rows, columns, -1)
        theirs = every[:: patch[0], :: patch[1]].reshape(shape[1] * shape[2], -1)
        np.testing.assert_array_equal(read(one[None], patch)[0], theirs)

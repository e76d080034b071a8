"""The same readings said in einops' notation, on NumPy."""

import einops
import numpy as np

from keras_imgseq._reading.orders import ORDERS


def patch_size(step, size):
    """Height and width of the patch that a step sees."""
    named = {"row": (1, size[1]), "column": (size[0], 1), "pixel": (1, 1)}
    if isinstance(step, str):
        return named[step]
    return (step, step) if isinstance(step, int) else step


def as_channels_last(images, data_format):
    """The images as (batch, height, width, channels)."""
    if images.ndim == 3:
        return images[..., None]
    return np.moveaxis(images, 1, -1) if data_format == "channels_first" else images


def read(images, *, step, order, transpose, reverse, seed, padding, data_format):
    """The sequences of the reading: a pattern of einops, and a permutation of time."""
    images = as_channels_last(images, data_format)
    patch_height, patch_width = patch_size(step, images.shape[1:3])
    if padding == "same":
        bottom, right = -images.shape[1] % patch_height, -images.shape[2] % patch_width
        images = np.pad(images, [(0, 0), (0, bottom), (0, right), (0, 0)])
    grid = images.shape[1] // patch_height, images.shape[2] // patch_width
    sequences = einops.rearrange(
        images,
        f"b (gh ph) (gw pw) c -> b {'(gw gh)' if transpose else '(gh gw)'} (ph pw c)",
        ph=patch_height,
        pw=patch_width,
    )
    if order == "random":
        # The permutation is of the cells of the transposed grid where there is one.
        path = np.random.RandomState(seed).permutation(grid[0] * grid[1])
    elif isinstance(order, str):
        path = ORDERS[order](*(grid[::-1] if transpose else grid))
    else:
        path = np.array(order)
    sequences = sequences[:, path]
    return sequences[:, ::-1] if reverse else sequences

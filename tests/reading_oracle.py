"""The same readings said in einops' notation, on NumPy."""

import einops
import numpy as np


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


def read(images, *, step, order, transpose, reverse, data_format):
    """The sequences of the reading, by einops."""
    images = as_channels_last(images, data_format)
    patch_height, patch_width = patch_size(step, images.shape[1:3])
    time = "(gw gh)" if transpose else "(gh gw)"
    sequences = einops.rearrange(
        images,
        f"b (gh ph) (gw pw) c -> b {time} (ph pw c)",
        ph=patch_height,
        pw=patch_width,
    )
    return sequences[:, ::-1] if reverse else sequences

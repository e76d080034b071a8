"""Masks of images: which pixels are real, and which steps therefore are.

A mask is an image itself, of booleans. A reading reads it as it reads the image. A step is
real where one of its pixels is.
"""

import contextlib
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.array_libraries import library_of
from keras_imgseq._reading.given_arrays import PADDED_BY, check_kind, kind_of
from keras_imgseq._reading.reading import Reading
from keras_imgseq._reading.rearrangement import to_sequences

LARGEST_VALUES = {"float16": 65504.0, "bfloat16": 3.38e38, "float32": 3.4e38, "float64": 1.79e308}


def check_mask_value(mask_value: float | None, dtype: Any, *, may_be_int: bool = False) -> None:
    """Refuses a value that images of a dtype cannot hold."""
    if mask_value is None:
        return
    dtype = keras.backend.standardize_dtype(dtype)
    if may_be_int and "int" in dtype:
        limits = np.iinfo(dtype)
        if mask_value == int(mask_value) and limits.min <= mask_value <= limits.max:
            return
    if not keras.backend.is_float_dtype(dtype):
        raise ValueError(
            f"With `mask_value`, images hold floats. Received: mask_value={mask_value}, images of "
            f'{dtype}. Write images.astype("float32"), or keras.Input(shape) without the dtype.'
        )
    if abs(mask_value) > LARGEST_VALUES.get(dtype, math.inf):
        raise ValueError(
            f"{dtype} holds values up to {LARGEST_VALUES[dtype]:g}. Received: "
            f"mask_value={mask_value}. Write the value that the images are padded with."
        )


def given_mask(mask: Any, images: Any, data_format: str) -> Any:
    """The mask that a layer is called with, which may be lists, checked."""
    if isinstance(mask, (list, tuple)):
        with contextlib.suppress(ValueError, TypeError):
            mask = np.asarray(mask, "bool")
    if mask is None:
        return None
    if kind_of(mask) in PADDED_BY:
        raise ValueError(_refusal(f"a {kind_of(mask)}", images.shape, data_format))
    is_text = getattr(getattr(mask, "dtype", None), "kind", "b") in "OSUTMm"
    if is_text or not hasattr(mask, "shape"):
        raise ValueError(_refusal(f"mask={shown(mask)}", images.shape, data_format))
    check_kind(mask, "mask")
    check_mask(mask.shape, images.shape, data_format)
    return mask


def is_of_pixels(mask: Any) -> bool:
    """Whether a mask that Keras hands over is one of images. TimeDistributed's is of frames."""
    return mask is not None and len(mask.shape) > 1


def check_mask(mask_shape: Any, images_shape: Any, data_format: str) -> None:
    """Refuses what is no mask of pixels, `(batch, height, width)`, or rows, `(batch, height)`.

    Channels that stand first may be one axis of size 1, as ConvStem hands its mask over.
    """
    batch, size, num_channels = axes.sizes_of(images_shape, data_format)
    received = tuple(mask_shape)
    if data_format == "channels_first" and len(received) == 4 and received[1] == 1:
        check_mask((received[0], *received[2:]), (batch, *size), data_format)
        return
    differs = any(
        side is not None and given is not None and side != given
        for side, given in zip((batch, *size), received, strict=False)
    )
    # What Masking makes of images whose channels stand first: (batch, channels, height).
    of_channels = data_format == "channels_first" and len(images_shape) == len(received) + 1 == 4
    if of_channels and received[1:] == (num_channels, size[0]):
        pixels = (
            " For a mask of pixels, write mask[:, None]." if received[1:] == tuple(size) else ""
        )
        raise ValueError(_refusal(f"a mask of shape {received}", images_shape, data_format, pixels))
    if len(received) not in (2, 3) or differs:
        raise ValueError(_refusal(f"a mask of shape {received}", images_shape, data_format))


def _refusal(received: str, images_shape: Any, data_format: str, pixels: str = "") -> str:
    return (
        "A mask of images tells which pixels are real, (batch, height, width), or which rows are, "
        f"(batch, height). Received: {received} for images of shape {tuple(images_shape)}, "
        f"data_format={data_format!r}. Write `mask_value` instead of a Masking layer, or an "
        f"array of booleans for each image.{pixels}"
    )


def mask_of_steps(
    images: Any, incoming: Any, reading: Reading, mask_value: float | None, data_format: str
) -> Any:
    """Which steps hold a real pixel, `(batch, steps)`: by `mask_value`, by a mask, or by both."""
    patch_size = reading.patch_size((None, None))
    if incoming is None and mask_value is not None and None in patch_size:
        # One pixel tells of a whole row or column.
        axis = 1 + patch_size.index(None)
        differs = _differs(images, mask_value, data_format)
        real = ops.expand_dims(_until_the_last(ops.any(differs, axis=axis)), axis)
    else:
        real = real_pixels(images, incoming, mask_value, data_format)
    if reading.padding == "same":
        # ONNX adds no padding to booleans.
        real = ops.cast(real, "int32")
    steps = to_sequences(library_of(real), real, reading, data_format)
    mask = ops.any(steps, axis=-1)
    # A recurrent layer needs at least one step for its answer.
    return mask if mask_value is None else with_the_first(mask)


def real_pixels(images: Any, incoming: Any, mask_value: float | None, data_format: str) -> Any:
    """Which pixels are real, `(batch, height, width)`: by `mask_value`, by a mask, or by both."""
    channel_axis = 1 + axes.channel_axis(data_format) if len(images.shape) == 4 else None
    real = None
    if mask_value is not None:
        real = _up_to_the_last(_differs(images, mask_value, data_format))
    if incoming is not None:
        incoming = ops.cast(incoming, "bool")
        if len(incoming.shape) == 4:
            incoming = incoming[:, 0]
        if len(incoming.shape) == 2:
            pixels = images if channel_axis is None else ops.max(images, axis=channel_axis)
            incoming = ops.logical_and(incoming[:, :, None], ops.ones_like(pixels, dtype="bool"))
        real = incoming if real is None else ops.logical_and(real, incoming)
    return real


def filled(images: Any, incoming: Any, padding_value: float, data_format: str) -> Any:
    """The images with this value below and to the right of all that a mask calls real."""
    real = _up_to_the_last(real_pixels(images, incoming, None, data_format))
    if len(images.shape) == 4:
        real = ops.expand_dims(real, 1 + axes.channel_axis(data_format))
    return ops.where(real, images, ops.convert_to_tensor(padding_value, dtype=images.dtype))


def with_the_first(mask: Any) -> Any:
    """A mask of steps in which a sequence without any real step keeps its first one."""
    is_blank = ops.logical_not(ops.any(mask, axis=1, keepdims=True))
    is_first = ops.equal(ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1), 1)
    return ops.logical_or(mask, ops.logical_and(is_blank, is_first))


def _differs(images: Any, mask_value: float, data_format: str) -> Any:
    """Which pixels hold another value, `(batch, height, width)`."""
    differs = ops.not_equal(images, ops.convert_to_tensor(mask_value, dtype=images.dtype))
    if len(images.shape) == 3:
        return differs
    return ops.any(differs, axis=1 + axes.channel_axis(data_format))


def _up_to_the_last(is_real: Any) -> Any:
    """The rectangle from the top left that holds every real pixel."""
    rows = _until_the_last(ops.any(is_real, axis=2))
    columns = _until_the_last(ops.any(is_real, axis=1))
    return ops.logical_and(rows[:, :, None], columns[:, None, :])


def _until_the_last(is_real: Any) -> Any:
    backwards = ops.flip(ops.cast(is_real, "int32"), axis=1)
    return ops.flip(ops.cumsum(backwards, axis=1), axis=1) > 0

"""Where the height, the width and the channels stand in the shape of a batch of images."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_imgseq._reading import is_whole_number

AXES = {
    "channels_last": "(batch, height, width, channels)",
    "channels_first": "(batch, channels, height, width)",
}


def resolved(data_format: str | None) -> str:
    """The data format given, or else the one of the Keras configuration."""
    if data_format is None:
        return str(keras.config.image_data_format())
    if data_format not in AXES:
        raise ValueError(
            '`data_format` is "channels_last", "channels_first" or None. '
            f"Received: data_format={data_format!r}"
        )
    return data_format


def sizes_of(shape: Any, data_format: str) -> tuple[Any, tuple[Any, Any], int]:
    """Batch, (height, width) and number of channels in a shape: 1 for images without that axis."""
    if len(shape) not in (3, 4):
        cures = {
            2: "For one image, write images[None].",
            5: "For images with one more axis at the end, of size 1, write images[..., 0].",
        }
        raise ValueError(
            f"A batch of images is (batch, height, width) or {AXES[data_format]}. "
            f"{_received(shape, data_format)} "
            + cures.get(len(shape), "Write images of three or four axes.")
        )
    batch, *sizes = shape
    num_channels = sizes.pop(channel_axis(data_format)) if len(sizes) == 3 else 1
    if num_channels is None:
        raise ValueError(
            "The number of channels must be known: it decides the number of features. "
            f"{_received(shape, data_format)} "
            "Write it as a number, such as 1 for grey and 3 for colour."
        )
    for name, size in zip(("height", "width", "channels"), (*sizes, num_channels), strict=True):
        if isinstance(size, int) and size < 1:
            raise ValueError(
                f"Images of {name} {size} hold nothing to read. {_received(shape, data_format)} "
                "Write images with at least one pixel and one channel."
            )
    return batch, (sizes[0], sizes[1]), num_channels


def _received(shape: Any, data_format: str) -> str:
    return f"Received: shape={tuple(shape)}, data_format={data_format!r}."


def size_of(image_size: Any, data_format: str) -> tuple[int, int]:
    """Height and width in an image size, or in the shape of one image with its channels."""
    sides = list(image_size) if isinstance(image_size, Iterable) else []
    if len(sides) not in (2, 3) or not all(is_whole_number(side) and side > 0 for side in sides):
        raise ValueError(
            "`image_size` is (height, width) in pixels, or the shape of one image with its "
            f"channels. Received: image_size={image_size!r}. Write such as (28, 28)."
        )
    if len(sides) == 3:
        del sides[channel_axis(data_format)]
    return int(sides[0]), int(sides[1])


def channel_axis(data_format: str) -> int:
    """Where the channels stand in the shape of one image."""
    return 0 if data_format == "channels_first" else 2

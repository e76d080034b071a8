"""Where the height, the width and the channels stand in the shape of images."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import keras

from keras_imgseq._reading import arguments
from keras_imgseq._reading.arguments import shown

DataFormat = Literal["channels_last", "channels_first"]

AXES = {
    "channels_last": "(batch, height, width, channels)",
    "channels_first": "(batch, channels, height, width)",
}
USUAL_CHANNELS = (1, 3, 4)
# A coloured image has at least as many on each side, or it is not taken for one.
FEWEST_PIXELS = 16


def resolved(data_format: Any) -> DataFormat:
    """The data format given, or else the one of the Keras configuration."""
    if data_format is None:
        return cast(DataFormat, keras.config.image_data_format())
    otherwise = ", or None for the one of the Keras configuration"
    return cast(DataFormat, arguments.choice("data_format", data_format, AXES, otherwise))


def sizes_of(shape: Any, data_format: str) -> tuple[Any, tuple[Any, Any], int]:
    """Batch, (height, width) and number of channels in a shape: 1 for images without that axis."""
    if len(shape) not in (3, 4):
        raise ValueError(
            f"A batch of images is (batch, height, width) or {AXES[data_format]}. "
            f"{_received(shape, data_format)} {cure_of_rank(shape)}"
        )
    batch, sizes = shape[0], list(shape[1:])
    num_channels = sizes.pop(channel_axis(data_format)) if len(sizes) == 3 else 1
    if num_channels is None:
        raise ValueError(
            "The number of channels must be known: it decides the number of features. "
            f"{_received(shape, data_format)} "
            "Write it as a number: 1 for grey and 3 for colour. If the channels stand elsewhere, "
            f'write data_format="{_other(data_format)}".'
        )
    for name, size in zip(("height", "width", "channels"), (*sizes, num_channels), strict=True):
        if isinstance(size, int) and size < 1:
            raise ValueError(
                f"Images of {name} {size} hold nothing to read. {_received(shape, data_format)} "
                "Write images with at least one pixel and one channel."
            )
    return batch, (sizes[0], sizes[1]), num_channels


def cure_of_rank(shape: Any) -> str:
    """What to write for images of another number of axes than three or four."""
    if len(shape) == 2:
        return (
            "For one image, write images[None]. For flat vectors, put the pixels back into rows: "
            "images.reshape(-1, height, width). In a model, write keras.layers.Reshape((height, "
            "width))."
        )
    if len(shape) == 5:
        last = "For images with one more axis at the end, of size 1, write images[..., 0]."
        if shape[-1] == 1 and shape[-2] in USUAL_CHANNELS:
            return last
        return (
            "For video, (batch, time, height, width, channels), read each frame with "
            "keras.layers.TimeDistributed. For a volume, read each slice in the same way."
            f"{' ' + last if shape[-1] == 1 else ''}"
        )
    return "Write images of three or four axes."


def _received(shape: Any, data_format: str) -> str:
    return f"Received: shape={shown(tuple(shape))}, data_format={data_format!r}."


def size_of(image_size: Any, data_format: str) -> tuple[int, int]:
    """Height and width in an image size, or in the shape of one image with its channels."""
    meaning = (
        "(height, width) in pixels, or the shape of one image with its channels. Write (28, 28)"
    )
    sides = list(arguments.size("image_size", image_size, meaning, (2, 3)))
    if len(sides) == 3:
        del sides[channel_axis(data_format)]
    if None in sides:
        limits = ". The height and the width are numbers"
        raise ValueError(arguments.refusal("image_size", meaning, image_size, limits))
    return sides[0], sides[1]


def channel_axis(data_format: str) -> int:
    """Where the channels stand in the shape of one image."""
    return 0 if data_format == "channels_first" else 2


def _other(data_format: str) -> str:
    return "channels_first" if data_format == "channels_last" else "channels_last"


def doubt_of_one_image(images_shape: Sequence[Any], cure: str, data_format: str) -> str | None:
    """Why a batch of grey images is probably one coloured image, with the cure."""
    if len(images_shape) != 3 or images_shape[-1] not in (3, 4):
        return None
    if None in images_shape or min(images_shape[:2]) < FEWEST_PIXELS:
        return None
    number, height, width = images_shape
    if data_format == "channels_first":
        cure += ' and data_format="channels_last"'
    return (
        f"This seems to be one coloured image, and is read as {number} grey ones of {height} x "
        f"{width} pixels. Received: shape={tuple(images_shape)}. If it is one image, write {cure}. "
        f'If it is not, write data_format="{data_format}".'
    )


def doubt(image_shape: Sequence[Any], data_format: str, *, is_meant: bool) -> str | None:
    """Why the axes of one image are probably others than the data format says, with the cure.

    `is_meant` tells that a single row or column of pixels was chosen to be read in several steps.
    """
    if len(image_shape) != 3:
        return None
    other = _other(data_format)
    from_outside = image_shape if data_format == "channels_last" else image_shape[::-1]
    outer, _, inner = from_outside
    where = "first" if other == "channels_first" else "last"
    received = f"Received: shape={tuple(image_shape)}, data_format={data_format!r} by default."
    silence = f'If they do not, write data_format="{data_format}".'
    # An unknown number of channels, or none, is another fault, which has words of its own.
    seems_other = outer in USUAL_CHANNELS and inner not in (*USUAL_CHANNELS, None, 0)
    if seems_other and not (outer == 1 and is_meant):
        return (
            f"The channels of these images seem to stand {where}. {received} "
            f'If they do, write data_format="{other}". {silence}'
        )
    first, *others = image_shape
    is_number = None not in image_shape and first > 4 * max(others)
    if is_number and others[-1] not in USUAL_CHANNELS:
        return _number_of_images(image_shape, data_format)
    return None


def doubt_of_the_number(image_shape: Sequence[Any], data_format: str) -> str | None:
    """Why an unknown height is probably the number of images, in the shape that a user wrote."""
    if len(image_shape) != 3 or image_shape[0] is not None or image_shape[-1] in USUAL_CHANNELS:
        return None
    is_square = image_shape[1] == image_shape[2] is not None
    return _number_of_images(image_shape, data_format) if is_square else None


def _number_of_images(image_shape: Sequence[Any], data_format: str) -> str:
    silence = f'data_format="{data_format}"'
    if image_shape[channel_axis(data_format)] is None:
        silence = "the number of channels"
    elif data_format == "channels_last":
        silence += ', or data_format="channels_first" where the first axis holds channels'
    return (
        "These axes seem to be a number of images, their height and their width. Received: "
        f"shape={tuple(image_shape)}, data_format={data_format!r} by default. If they are, write "
        f"the shape of one image: images.shape[1:]. If they are not, write {silence}."
    )

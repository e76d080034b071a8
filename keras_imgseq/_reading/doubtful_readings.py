"""What can be read, and is probably not meant: why, and what to write instead."""

from collections.abc import Sequence
from typing import Any

from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.orders import ORDERS
from keras_imgseq._reading.reading import Reading


def doubt_of_axes(
    image_shape: Sequence[Any], readings: Sequence[Reading], data_format: str
) -> str | None:
    """Why the axes of one image are probably others than the default says, with the cure."""
    if len(image_shape) != 3:
        return None
    size = list(image_shape)
    del size[axes.channel_axis(data_format)]
    is_meant = 1 in size and all(_reads_several_steps(reading, size) for reading in readings)
    return axes.doubt(image_shape, data_format, is_meant=is_meant)


def _reads_several_steps(reading: Reading, size: Sequence[Any]) -> bool:
    # Rows are the default, which nobody need have chosen.
    try:
        return reading.step != "row" and reading.num_steps((size[0], size[1])) != 1
    except ValueError:
        return False


def doubt_of_order(reading: Reading) -> str | None:
    """Why an order that was named changes nothing."""
    step, order = reading.step, reading.order
    is_named = isinstance(order, str) and order in ORDERS and order != "raster"
    if step not in ("row", "column") or not is_named:
        return None
    return (
        f"With step={step!r} every named order reads the {step}s one after the other. "
        f"Received: step={step!r}, order={order!r}. Omit the order, or write "
        'step="pixel" or a patch, for example step=4.'
    )


def doubt_of_padding(
    reading: Reading, mask_value: float | None, images_shape: Any, data_format: str
) -> str | None:
    """Why padding changes the answer, although a mask finds it."""
    if mask_value is None:
        return None
    _, size, _ = axes.sizes_of(images_shape, data_format)
    grid = reading.grid_size(size)
    if reading.keeps_its_path_on_padded_images(grid):
        return None
    return (
        "This order runs another path on a larger grid, so padding changes the answer. Received: "
        f"order={shown(reading.order)}, mask_value={mask_value}, a grid of {grid[0]} x {grid[1]}. "
        'Write order="raster", "snake", "zigzag" or "morton", or use images of one size without '
        "`mask_value`."
    )

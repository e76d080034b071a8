"""Images into sequences and back, with the functions of any array library.

The six axes in between are those of the pattern `b (gh ph) (gw pw) c`, wherever the data
format puts the channels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_imgseq import _data_format
from keras_imgseq._reading import Reading

Shape = tuple[int | None, ...]
SequenceShape = tuple[int | None, int | None, int]


def sequence_shape(images_shape: Any, reading: Reading, data_format: str) -> SequenceShape:
    """`(batch, steps, features)` of the images' sequences; what cannot be read is an error."""
    batch, image_size, num_channels = _data_format.sizes_of(images_shape, data_format)
    num_features = reading.num_features(image_size, num_channels)
    return batch, reading.num_steps(image_size), num_features


def images_shape(
    sequences_shape: Any, image_size: Sequence[int], reading: Reading, data_format: str
) -> Shape:
    """The shape of the images that sequences come from; what does not fit is an error."""
    height, width = _data_format.size_of(image_size, data_format)
    if len(sequences_shape) != 3:
        raise ValueError(
            "Sequences are (batch, steps, features). "
            f"Received: shape={tuple(sequences_shape)}. Write what ImageAsSequence returns, or "
            "what a recurrent layer with return_sequences=True makes of it."
        )
    batch, num_steps, num_features = sequences_shape
    expected_steps = reading.num_steps((height, width))
    if num_steps is not None and num_steps != expected_steps:
        raise ValueError(
            f"Images of {height} x {width} pixels are read in {expected_steps} steps. Received: "
            f"shape={tuple(sequences_shape)}, which has {num_steps}. Write the `image_size` and "
            "the reading that made the sequences."
        )
    num_values = reading.num_features((height, width), 1)
    if num_features is None or num_features % num_values:
        raise ValueError(
            f"A step of this reading sees {num_values} pixels, so that the number of features is "
            f"a multiple of it. Received: shape={tuple(sequences_shape)}. Write the reading that "
            "made the sequences, or bring them to such a number with a Dense layer."
        )
    num_channels = num_features // num_values
    if len(image_size) == 3:
        whole = tuple(image_size)
        if num_channels != whole[_data_format.channel_axis(data_format)]:
            raise ValueError(
                f"The features make {num_channels} channels. Received: image_size={whole}, "
                f"data_format={data_format!r}. Write {num_channels} for the channels, or "
                f"image_size={(height, width)}, which takes whatever there are."
            )
        return batch, *whole
    if num_channels == 1:
        return batch, height, width
    if data_format == "channels_first":
        return batch, num_channels, height, width
    return batch, height, width, num_channels


def to_sequences(library: Any, images: Any, reading: Reading, data_format: str) -> Any:
    """Reads a batch of images whose shape is known to fit."""
    channels_first = data_format == "channels_first" and len(images.shape) == 4
    batch, size, num_channels = _data_format.sizes_of(library.shape(images), data_format)
    patch = reading.patch_size(size)
    if reading.padding == "same":
        images = _padded(library, images, size, patch, channels_first)
    grid = -(-size[0] // patch[0]), -(-size[1] // patch[1])
    split = [batch, grid[0], patch[0], grid[1], patch[1], num_channels]
    if channels_first:
        split.insert(1, split.pop())
    route = reading.route(_static(grid))
    order = "b gw gh ph pw c" if route.by_columns else "b gh gw ph pw c"
    names = "b c gh ph gw pw" if channels_first else "b gh ph gw pw c"
    patches = library.transpose(library.reshape(images, split), _axes(names, order))
    if route.snaking:
        patches = _snaked(library, patches)
    num_features = patch[0] * patch[1] * num_channels
    sequences = library.reshape(patches, (batch, grid[0] * grid[1], num_features))
    if route.gathered is not None:
        sequences = library.take(sequences, route.gathered, axis=1)
    return library.flip(sequences, axis=1) if route.backwards else sequences


def to_images(
    library: Any,
    sequences: Any,
    reading: Reading,
    image_shape: Shape,
    data_format: str,
) -> Any:
    """Puts sequences back into images of a shape, without the batch, that they fit."""
    _, size, num_channels = _data_format.sizes_of((None, *image_shape), data_format)
    batch = library.shape(sequences)[0]
    patch = reading.patch_size(size)
    grid = -(-size[0] // patch[0]), -(-size[1] // patch[1])
    route = reading.route(grid)
    if route.backwards:
        sequences = library.flip(sequences, axis=1)
    if route.gathered is not None:
        sequences = library.take(sequences, np.argsort(route.gathered), axis=1)
    grid_axes = grid[::-1] if route.by_columns else grid
    patches = library.reshape(sequences, (batch, *grid_axes, *patch, num_channels))
    if route.snaking:
        patches = _snaked(library, patches)
    channels_first = data_format == "channels_first" and len(image_shape) == 3
    order = "b gw gh ph pw c" if route.by_columns else "b gh gw ph pw c"
    names = "b c gh ph gw pw" if channels_first else "b gh ph gw pw c"
    pixels = library.transpose(patches, _axes(order, names))
    whole = [grid[0] * patch[0], grid[1] * patch[1]]
    if channels_first:
        images = library.reshape(pixels, (batch, num_channels, *whole))
        return images[:, :, : size[0], : size[1]]
    channel_axis = (num_channels,) if len(image_shape) == 3 else ()
    images = library.reshape(pixels, (batch, *whole, *channel_axis))
    return images[:, : size[0], : size[1]]


def _axes(names: str, order: str) -> list[int]:
    return [names.split().index(name) for name in order.split()]


def _static(grid: tuple[Any, Any]) -> tuple[int | None, int | None]:
    down, across = (side if isinstance(side, int) else None for side in grid)
    return down, across


def _padded(library: Any, images: Any, size: Any, patch: Any, channels_first: bool) -> Any:
    bottom, right = -size[0] % patch[0], -size[1] % patch[1]
    if _static((bottom, right)) == (0, 0):
        return images
    widths = [(0, 0)] * len(images.shape)
    height_axis = 2 if channels_first else 1
    widths[height_axis : height_axis + 2] = [(0, bottom), (0, right)]
    return library.pad(images, widths)


def _snaked(library: Any, patches: Any) -> Any:
    """Turns every second row of the grid round; doing it twice is doing nothing."""
    rows = library.arange(library.shape(patches)[1])
    is_odd = library.reshape(rows % 2 == 1, (1, -1, 1, 1, 1, 1))
    return library.where(is_odd, library.flip(patches, axis=2), patches)

"""Images into sequences and back, with the functions of any array library.

The axes in between are those of the pattern `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`. A
raster is a reshape, with a transposition where values move, and a flip where it is read
backwards. It gathers nothing. Every other order is one gather, straight from the image, of
runs: the pixels in one row of one patch, which lie side by side in memory.

A size is an int where it is known, and else something of the array library to compute with.
"""

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.array_libraries import ArrayLibrary, NumPy
from keras_imgseq._reading.kept_arrays import kept
from keras_imgseq._reading.reading import Reading
from keras_imgseq._reading.routes import Route, route_of

Shape = tuple[int | None, ...]
SequenceShape = tuple[int | None, int | None, int]

IMAGE_LAST = "b gh ph gw pw c"
IMAGE_FIRST = "b c gh ph gw pw"
BY_ROWS = "b gh gw ph pw c"
BY_COLUMNS = "b gw gh ph pw c"


def sequence_shape(images_shape: Any, reading: Reading, data_format: str) -> SequenceShape:
    """`(batch, steps, features)` of the images' sequences. What cannot be read is an error."""
    batch, image_size, num_channels = axes.sizes_of(images_shape, data_format)
    num_features = reading.num_features(image_size, num_channels)
    return batch, reading.num_steps(image_size), num_features


def images_shape(
    sequences_shape: Any, image_size: Sequence[int | None], reading: Reading, data_format: str
) -> Shape:
    """The shape of the images that sequences come from. What does not fit is an error."""
    height, width = axes.size_of(image_size, data_format)
    if len(sequences_shape) != 3:
        raise ValueError(
            "Sequences are (batch, steps, features). "
            f"Received: shape={shown(tuple(sequences_shape))}. Write what ImageAsSequence returns, "
            "or what a recurrent layer with return_sequences=True makes of it."
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
            f"A step of this reading sees {num_values} pixels, so the number of features is a "
            f"multiple of {num_values}. Received: shape={tuple(sequences_shape)}. Write the "
            f"reading that made the sequences, or put keras.layers.Dense({num_values}) in front."
        )
    num_channels = num_features // num_values
    if len(image_size) == 3:
        given = image_size[axes.channel_axis(data_format)]
        if given not in (None, num_channels):
            raise ValueError(
                f"The features make {num_channels} channels. Received: "
                f"image_size={tuple(image_size)}, data_format={data_format!r}. Write "
                f"{num_channels} for the channels, or image_size={(height, width)}, which takes "
                "any number of channels."
            )
    elif num_channels == 1:
        return batch, height, width
    if data_format == "channels_first":
        return batch, num_channels, height, width
    return batch, height, width, num_channels


def to_sequences(
    library: ArrayLibrary,
    images: Any,
    reading: Reading,
    data_format: str,
    padding_value: float = 0,
) -> Any:
    """Reads a batch of images whose shape is known to fit."""
    channels_first = data_format == "channels_first" and len(images.shape) == 4
    batch, size, num_channels = axes.sizes_of(_shape(library, images), data_format)
    patch = reading.patch_size(size)
    grid = _grid(size, patch)
    if reading.padding == "same":
        extra = grid[0] * patch[0] - size[0], grid[1] * patch[1] - size[1]
        height_axis = 2 if channels_first else 1
        images = _padded(library, images, extra, height_axis, padding_value)
    sizes = _sizes(batch, grid, patch, num_channels)
    sequences_shape = (batch, grid[0] * grid[1], patch[0] * patch[1] * num_channels)
    route = reading.route(_static(grid))
    if route.is_snake:
        runs = _runs_of(library, _snake(library, grid, route, images), grid[1], patch[0])
    elif route.path is not None:
        runs, _ = _runs(*map(index, (patch[0], *grid)), *reading.path_arguments)
    else:
        names = IMAGE_FIRST if channels_first else IMAGE_LAST
        order = BY_COLUMNS if route.by_columns else BY_ROWS
        patches = _rearranged(library, images, names, order, sizes)
        # A view, and not the images themselves, on which Keras would set the mask of the sequences.
        if patches is images or not _has_shape(patches, sequences_shape):
            patches = library.reshape(patches, sequences_shape)
        return library.flip(patches, axis=1) if route.backwards else patches
    images = library.reshape(images, _runs_shape(sizes, channels_first))
    patches = library.take(images, runs, axis=2 if channels_first else 1)
    if channels_first:
        patches = _rearranged(library, patches, "b c g ph pw", "b g ph pw c", sizes)
    return library.reshape(patches, sequences_shape)


def _grid(size: Any, patch: Any) -> tuple[Any, Any]:
    # No number below 0, which a file may divide otherwise than Python.
    rows, columns = ((n + side - 1) // side for n, side in zip(size, patch, strict=True))
    return rows, columns


def to_images(
    library: ArrayLibrary,
    sequences: Any,
    reading: Reading,
    image_shape: Shape,
    data_format: str,
) -> Any:
    """Puts sequences back into images of a shape, without the batch, that they fit."""
    channels_first = data_format == "channels_first" and len(image_shape) == 3
    _, size, num_channels = axes.sizes_of((None, *image_shape), data_format)
    batch = _shape(library, sequences)[0]
    patch = reading.patch_size(size)
    grid = _grid(size, patch)
    sizes = _sizes(batch, grid, patch, num_channels)
    route = reading.route(grid)
    if route.path is not None:
        _, runs = _runs(*map(index, (patch[0], *grid)), *reading.path_arguments)
        if channels_first:
            sequences = _rearranged(library, sequences, "b g ph pw c", "b c g ph pw", sizes)
        pixels = library.reshape(sequences, _runs_shape(sizes, channels_first))
        pixels = library.take(pixels, runs, axis=2 if channels_first else 1)
    else:
        if route.backwards:
            sequences = library.flip(sequences, axis=1)
        names = IMAGE_FIRST if channels_first else IMAGE_LAST
        order = BY_COLUMNS if route.by_columns else BY_ROWS
        pixels = _rearranged(library, sequences, order, names, sizes)
    whole = [grid[0] * patch[0], grid[1] * patch[1]]
    if channels_first:
        images = library.reshape(pixels, (batch, num_channels, *whole))
        return images if whole == [*size] else images[:, :, : size[0], : size[1]]
    channel_axis = (num_channels,) if len(image_shape) == 3 else ()
    images = library.reshape(pixels, (batch, *whole, *channel_axis))
    return images if whole == [*size] else images[:, : size[0], : size[1]]


def _shape(library: ArrayLibrary, array: Any) -> tuple[Any, ...]:
    """The shape to compute with. A batch that is unknown is left to the reshapes, as -1."""
    batch, *sizes = array.shape
    if not all(isinstance(size, int) for size in sizes):
        _, *sizes = library.shape(array)
    return -1 if batch is None else batch, *sizes


def _sizes(batch: Any, grid: Any, patch: Any, num_channels: int) -> dict[str, Any]:
    """The sizes of the axes by their names in the patterns. `g` is the whole grid."""
    sides = {"gh": grid[0], "gw": grid[1], "ph": patch[0], "pw": patch[1]}
    return {"b": batch, "c": num_channels, "g": grid[0] * grid[1], **sides}


def _rearranged(
    library: ArrayLibrary, array: Any, names: str, order: str, sizes: dict[str, Any]
) -> Any:
    """Splits an array into the named axes, without those of one, and puts them into an order."""
    split = [name for name in names.split() if not _is_one(sizes[name])]
    positions = [split.index(name) for name in order.split() if name in split]
    # Where no value moves, the reshape that follows is enough, and copies nothing.
    if positions == sorted(positions):
        return array
    shape = [sizes[name] for name in split]
    if not _has_shape(array, shape):
        array = library.reshape(array, shape)
    return library.transpose(array, positions)


def _has_shape(array: Any, shape: Sequence[Any]) -> bool:
    """Whether a reshape would change nothing. On TensorFlow it takes time all the same."""
    sizes, wanted = tuple(array.shape[1:]), tuple(shape[1:])
    # Sizes that are tensors have no answer yet.
    return all(isinstance(size, int) for size in (*sizes, *wanted)) and sizes == wanted


def _is_one(size: Any) -> bool:
    return isinstance(size, int) and size == 1


def _static(grid: tuple[Any, Any]) -> tuple[int | None, int | None]:
    down, across = (side if isinstance(side, int) else None for side in grid)
    return down, across


def _padded(library: ArrayLibrary, images: Any, extra: Any, height_axis: int, value: float) -> Any:
    """Images with more rows at the bottom and more columns on the right."""
    if _static(extra) == (0, 0):
        return images
    widths: list[Any] = [(0, 0)] * len(images.shape)
    widths[height_axis : height_axis + 2] = [(0, extra[0]), (0, extra[1])]
    return library.pad(images, widths, value)


def _runs_shape(sizes: dict[str, Any], channels_first: bool) -> tuple[Any, ...]:
    """Images as runs: the pixels that lie in one row of one patch, side by side in memory."""
    num_runs = sizes["g"] * sizes["ph"]
    if channels_first:
        return sizes["b"], sizes["c"], num_runs, sizes["pw"]
    return sizes["b"], num_runs, sizes["pw"] * sizes["c"]


@kept(lambda runs: runs)
def _runs(
    patch_height: int, grid_height: int, grid_width: int, *path_arguments: Any
) -> tuple[Any, Any]:
    """The runs of an image in the order of reading, and back."""
    path = route_of(grid_height, grid_width, *path_arguments).path
    runs = _runs_of(NumPy(), path, grid_width, patch_height).astype("int32")
    return runs, np.argsort(runs).astype("int32")


def _runs_of(library: ArrayLibrary, cells: Any, grid_width: Any, patch_height: int) -> Any:
    rows = (cells // grid_width * patch_height)[:, None] + library.arange(patch_height, cells)
    return library.reshape(rows * grid_width + (cells % grid_width)[:, None], (-1,))


def _snake(library: ArrayLibrary, grid: tuple[Any, Any], route: Route, like: Any) -> Any:
    """The cells of a grid of unknown size, along a snake."""
    cells = library.reshape(library.arange(grid[0] * grid[1], like), grid)
    if route.by_columns:
        cells = library.transpose(cells, (1, 0))
    is_odd = library.arange(grid[1] if route.by_columns else grid[0], like) % 2 == 1
    cells = library.where(is_odd[:, None], library.flip(cells, axis=1), cells)
    cells = library.reshape(cells, (-1,))
    return library.flip(cells, axis=0) if route.backwards else cells

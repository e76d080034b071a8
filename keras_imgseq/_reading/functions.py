"""The readings as functions, on the arrays of any library."""

from collections.abc import Sequence
from typing import Any

from keras_imgseq._reading import arguments, axes, doubts
from keras_imgseq._reading.array_libraries import library_of, static_shape
from keras_imgseq._reading.axes import DataFormat
from keras_imgseq._reading.doubtful_readings import doubt_of_axes, doubt_of_order
from keras_imgseq._reading.given_arrays import as_array
from keras_imgseq._reading.reading import Reading
from keras_imgseq._reading.reading_arguments import Order, Padding, Step
from keras_imgseq._reading.rearrangement import (
    images_shape,
    sequence_shape,
    to_images,
    to_sequences,
)

UNLIKE_IMAGES = (
    "Pad them to one size and name the value that you padded with in `mask_value` of "
    "ImageAsSequence, or read them one by one with batched=False."
)
UNLIKE_SEQUENCES = "Put them back one by one with batched=False, each with its own `image_size`."


def image_as_sequence(
    images: Any,
    step: Step = "row",
    order: Order = "raster",
    *,
    transpose: bool = False,
    reverse: bool = False,
    seed: int | None = None,
    padding: Padding | None = None,
    data_format: DataFormat | None = None,
    batched: bool = True,
) -> Any:
    """Reads images as sequences in a data pipeline.

    The same as the layer `ImageAsSequence`, on arrays of NumPy, TensorFlow, JAX and PyTorch
    with every backend of Keras. The result is an array of the same library. NumPy arrays need no
    backend, so that it also works in the worker processes of a data loader.

    Args:
        images: `(batch, height, width)` or `(batch, height, width, channels)`, or
            `(batch, channels, height, width)` with `data_format="channels_first"`, any dtype.
        step: What one time step sees: `"row"`, `"column"`, `"pixel"`, an int `p` for a patch
            of `p` by `p` pixels, or a pair of ints `(patch_height, patch_width)`.
        order: The path along which the grid of patches is visited. `"raster"` goes left to
            right, then to the next row. `"snake"` does the same, but every second row goes right
            to left. `"zigzag"` follows the anti-diagonals, as in JPEG. `"spiral"` goes
            clockwise, inwards. `"hilbert"` always goes on to a neighbouring patch, in some grids
            once across a corner.
            `"morton"` goes by the interleaved bits of row and column. `"random"` is a
            permutation made from `seed`. A sequence of ints lists the grid's cells, numbered in
            raster order, in the order of reading.
        transpose: Whether the path is made for the transposed grid and mapped back. A raster
            then goes down the columns first. A Hilbert curve only changes on square grids.
        reverse: Whether the finished path is read backwards.
        seed: The seed of `"random"`, an int that this order requires. The path is
            `numpy.random.RandomState(seed).permutation(cells)`, the same for ever.
        padding: `None` or `"same"`. With `None`, a size that the patch does not divide is an
            error. With `"same"`, zeros fill up the last patches at the bottom and the right.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for the
            `image_data_format` of the Keras configuration.
        batched: Write `False` for a single image, without the batch.

    Returns:
        `(batch, steps, features)`, or `(steps, features)` with `batched=False`. The dtype is
        that of the images. With NumPy and PyTorch the sequences may share memory with the
        images, as rows do: write into a copy.

    Raises:
        ValueError: As `ImageAsSequence`, and where that layer warns of the axes.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import image_as_sequence
        >>> image = np.array([[11, 12, 13], [21, 22, 23]])
        >>> image_as_sequence(image, "column", batched=False)
        array([[11, 21],
               [12, 22],
               [13, 23]])
    """
    reading = Reading(step, order, transpose, reverse, seed, padding)
    resolved = axes.resolved(data_format)
    batched = arguments.flag("batched", batched)
    images = as_array(images, "images", UNLIKE_IMAGES)
    if not batched:
        images = _with_batch(images, (2, 3), "an image is (height, width) or has channels too")
    shape = static_shape(images)
    doubts.warn(doubt_of_order(reading))
    _refuse_doubtful_axes(shape[1:], reading, data_format)
    doubt = axes.doubt_of_one_image(shape, "batched=False", resolved)
    if doubt and data_format is None:
        raise ValueError(doubt)
    sequence_shape(shape, reading, resolved)
    sequences = to_sequences(library_of(images), images, reading, resolved)
    return sequences if batched else sequences[0]


def sequence_as_image(
    sequences: Any,
    image_size: Sequence[int | None],
    step: Step = "row",
    order: Order = "raster",
    *,
    transpose: bool = False,
    reverse: bool = False,
    seed: int | None = None,
    padding: Padding | None = None,
    data_format: DataFormat | None = None,
    batched: bool = True,
) -> Any:
    """Puts sequences back into images: the exact inverse of `image_as_sequence`.

    Args:
        sequences: `(batch, steps, features)`, any dtype, of NumPy, TensorFlow, JAX or PyTorch.
        image_size: `(height, width)` of the images, in pixels. One channel then comes back
            without a channel axis. To keep that axis, write the shape of one image with its
            channels, for example `(28, 28, 1)`, or `(28, 28, None)` for any number of channels.
        step: What one time step sees: `"row"`, `"column"`, `"pixel"`, an int `p` for a patch
            of `p` by `p` pixels, or a pair of ints `(patch_height, patch_width)`.
        order: The path along which the grid of patches is visited. `"raster"` goes left to
            right, then to the next row. `"snake"` does the same, but every second row goes right
            to left. `"zigzag"` follows the anti-diagonals, as in JPEG. `"spiral"` goes
            clockwise, inwards. `"hilbert"` always goes on to a neighbouring patch, in some grids
            once across a corner.
            `"morton"` goes by the interleaved bits of row and column. `"random"` is a
            permutation made from `seed`. A sequence of ints lists the grid's cells, numbered in
            raster order, in the order of reading.
        transpose: Whether the path is made for the transposed grid and mapped back. A raster
            then goes down the columns first. A Hilbert curve only changes on square grids.
        reverse: Whether the finished path is read backwards.
        seed: The seed of `"random"`, an int that this order requires. The path is
            `numpy.random.RandomState(seed).permutation(cells)`, the same for ever.
        padding: `None` or `"same"`. With `None`, a size that the patch does not divide is an
            error. With `"same"`, zeros fill up the last patches at the bottom and the right.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for the
            `image_data_format` of the Keras configuration.
        batched: Write `False` for a single sequence, `(steps, features)`.

    Returns:
        The images, of the same library and dtype. With NumPy and PyTorch they may share memory
        with the sequences, as rows do: write into a copy.

    Raises:
        ValueError: As `SequenceAsImage`, and where that layer warns of the axes.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import sequence_as_image
        >>> sequence = np.array([[11, 21], [12, 22], [13, 23]])
        >>> sequence_as_image(sequence, (2, 3), "column", batched=False)
        array([[11, 12, 13],
               [21, 22, 23]])
    """
    reading = Reading(step, order, transpose, reverse, seed, padding)
    resolved = axes.resolved(data_format)
    batched = arguments.flag("batched", batched)
    sequences = as_array(sequences, "sequences", UNLIKE_SEQUENCES)
    if not batched:
        sequences = _with_batch(sequences, (2,), "a sequence is (steps, features)")
    shape = static_shape(sequences)
    axes.size_of(image_size, resolved)
    doubts.warn(doubt_of_order(reading))
    _refuse_doubtful_axes(image_size, reading, data_format)
    _, *image_shape = images_shape(shape, image_size, reading, resolved)
    library = library_of(sequences)
    images = to_images(library, sequences, reading, tuple(image_shape), resolved)
    return images if batched else images[0]


def _refuse_doubtful_axes(
    image_shape: Sequence[Any], reading: Reading, data_format: DataFormat | None
) -> None:
    if data_format is None:
        doubt = doubt_of_axes(image_shape, [reading], axes.resolved(None))
        if doubt:
            raise ValueError(doubt)


def _with_batch(array: Any, ranks: tuple[int, ...], expected: str) -> Any:
    """A single image or sequence as a batch of one."""
    shape = static_shape(array)
    if len(shape) not in ranks:
        raise ValueError(
            f"With batched=False, {expected}. Received: shape={shape}. For a batch, omit "
            "batched=False."
        )
    return array[None]

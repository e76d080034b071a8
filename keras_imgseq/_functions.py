"""The readings as functions, on the arrays of any library."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_imgseq import _data_format, _libraries
from keras_imgseq._reading import Order, Reading, Step
from keras_imgseq._rearrangement import images_shape, sequence_shape, to_images, to_sequences


def image_as_sequence(
    images: Any,
    step: Step = "row",
    order: Order | Sequence[int] = "raster",
    *,
    transpose: bool = False,
    reverse: bool = False,
    seed: int | None = None,
    padding: str | None = None,
    data_format: str | None = None,
    batched: bool = True,
) -> Any:
    """Reads images as sequences in a data pipeline.

    The same as the layer `ImageAsSequence`, on arrays of NumPy, TensorFlow, JAX and PyTorch
    whatever the backend of Keras; what comes out is of the same library. Needs no backend for
    NumPy arrays, so that it also works in the worker processes of a data loader.

    Args:
        images: `(batch, height, width)` or `(batch, height, width, channels)`, or
            `(batch, channels, height, width)` with `data_format="channels_first"`; any dtype.
        step: As in `ImageAsSequence`, like the arguments that follow.
        order: See there.
        transpose: See there.
        reverse: See there.
        seed: See there.
        padding: See there.
        data_format: See there.
        batched: Write `False` for a single image, without the batch.

    Returns:
        `(batch, steps, features)`, or `(steps, features)` with `batched=False`; the dtype is
        that of the images.

    Raises:
        ValueError: As `ImageAsSequence`.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import image_as_sequence
        >>> image = np.array([[11, 12, 13], [21, 22, 23]])
        >>> image_as_sequence(image, "column", batched=False)
        array([[11, 21],
               [12, 22],
               [13, 23]])
    """
    reading = Reading(step, order, transpose, reverse, seed, padding)  # type: ignore[arg-type]
    data_format = _data_format.resolved(data_format)
    images = images if hasattr(images, "shape") else np.asarray(images)
    if not batched:
        images = _with_batch(images, (2, 3), "an image is (height, width) or has channels too")
    library = _libraries.library_of(images)
    sequence_shape(_libraries.static_shape(images), reading, data_format)
    sequences = to_sequences(library, images, reading, data_format)
    return sequences if batched else sequences[0]


def sequence_as_image(
    sequences: Any,
    image_size: Sequence[int],
    step: Step = "row",
    order: Order | Sequence[int] = "raster",
    *,
    transpose: bool = False,
    reverse: bool = False,
    seed: int | None = None,
    padding: str | None = None,
    data_format: str | None = None,
    batched: bool = True,
) -> Any:
    """Puts sequences back into images: the exact inverse of `image_as_sequence`.

    Args:
        sequences: `(batch, steps, features)`; any dtype, of NumPy, TensorFlow, JAX or PyTorch.
        image_size: As in `SequenceAsImage`: `(height, width)`, or the shape of one image with
            its channels to keep an axis of one channel.
        step: As in `ImageAsSequence`, like the arguments that follow.
        order: See there.
        transpose: See there.
        reverse: See there.
        seed: See there.
        padding: See there.
        data_format: See there.
        batched: Write `False` for a single sequence, `(steps, features)`.

    Returns:
        The images, of the same library and dtype.

    Raises:
        ValueError: As `SequenceAsImage`.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import sequence_as_image
        >>> sequence = np.array([[11, 21], [12, 22], [13, 23]])
        >>> sequence_as_image(sequence, (2, 3), "column", batched=False)
        array([[11, 12, 13],
               [21, 22, 23]])
    """
    reading = Reading(step, order, transpose, reverse, seed, padding)  # type: ignore[arg-type]
    data_format = _data_format.resolved(data_format)
    sequences = sequences if hasattr(sequences, "shape") else np.asarray(sequences)
    if not batched:
        sequences = _with_batch(sequences, (2,), "a sequence is (steps, features)")
    library = _libraries.library_of(sequences)
    shape = _libraries.static_shape(sequences)
    _, *image_shape = images_shape(shape, image_size, reading, data_format)
    images = to_images(library, sequences, reading, tuple(image_shape), data_format)
    return images if batched else images[0]


def _with_batch(array: Any, ranks: tuple[int, ...], expected: str) -> Any:
    """A single image or sequence as a batch of one."""
    shape = _libraries.static_shape(array)
    if len(shape) not in ranks:
        raise ValueError(
            f"With batched=False, {expected}. Received: shape={shape}. For a batch, leave "
            "batched=False away."
        )
    return array[None]

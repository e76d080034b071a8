"""Images as they are handed to a network: a batch of the size that it reads, or an error."""

import math
from typing import Any

import keras

from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.given_arrays import check_dtype, check_kind, stacked

Shape = tuple[Any, ...]

UNLIKE_IMAGES = (
    "Pad them to one size, and build the network with that value in `mask_value` of "
    "ImageAsSequence."
)

OTHERS = (str, bytes, memoryview, int, float, set, keras.KerasTensor)
# Keras reads them.
SPARSE = ("SparseTensor", "BCOO")


def check_images(model: keras.Model, images: Any) -> None:
    """Refuses what `fit`, `evaluate` and `predict` would take for something else, or not take."""
    expected = tuple(model.input_shape or ())
    if isinstance(images, (list, tuple)):
        if len(images) != 1 or isinstance(images[0], (list, tuple)):
            _refuse_list(images, expected)
        (images,) = images
    if images is None or isinstance(images, OTHERS):
        raise ValueError(
            f"The network reads an array of images, {expected}. Received: {shown(images)}. Write "
            "an array of numbers, or a data set that holds them."
        )
    # Some nested tensors have not even a shape.
    if getattr(images, "is_nested", False):
        check_kind(images, "images")
    # A data set or a generator has no shape that means anything.
    is_dataset = isinstance(images, keras.utils.PyDataset) or not hasattr(images, "shape")
    if is_dataset or type(images).__name__ in SPARSE:
        return
    check_kind(images, "images")
    check_dtype(images, "images")
    shape = tuple(images.shape)
    if shape and shape[0] == 0:
        raise ValueError(f"The network reads at least one image. Received: shape={shape}.")
    check_shape(model, shape)


def check_shape(model: keras.Model, shape: Any) -> None:
    """Refuses what is no batch of images of the size that a network reads."""
    # In `fit` the first size is that of all images, not of a batch.
    expected = (None, *tuple(model.input_shape or ())[1:])
    if shape is None or getattr(shape, "rank", 0) is None or len(expected) < 2:
        return
    # A trace and an export hand over sizes that are no numbers.
    shape = tuple(size if isinstance(size, int) else None for size in shape)
    is_one = len(shape) > 1 and _fit(shape, expected[1:])
    if _fit(shape, expected) or (_differ_by_one_channel(shape, expected) and not is_one):
        return
    raise ValueError(
        f"The network reads a batch of images, {expected}. Received: shape={shown(shape)}. "
        f"{_cure(shape, expected)}"
    )


def _refuse_list(images: Any, expected: Shape) -> None:
    if not images:
        raise ValueError(f"The network reads at least one image. Received: {shown(images)}.")
    stacked(images, "images", UNLIKE_IMAGES)
    are_arrays = all(hasattr(image, "shape") for image in images)
    raise ValueError(
        f"The network reads one array of images, {expected}. Received: a list of {len(images)}. "
        f"Write {'np.stack' if are_arrays else 'np.asarray'}(images)."
    )


def _cure(shape: Shape, expected: Shape) -> str:
    sizes = expected[1:]
    if len(shape) > 1 and (_fit(shape, sizes) or _differ_by_one_channel(shape, sizes)):
        channel = ", ..., None" if len(shape) < len(sizes) else ""
        may_be_several = len(shape) == 3 and shape[-1] not in axes.USUAL_CHANNELS
        several = (
            f" If {shape[0]} is the number of images, build the network for "
            f"input_shape={shape[1:]}."
        )
        return f"For one image, write image[None{channel}].{several * may_be_several}"
    if len(shape) == 2 and None not in sizes and shape[1] == math.prod(sizes):
        return f"For flat vectors, write images.reshape{(-1, *sizes)}."
    if len(shape) not in (3, 4):
        return axes.cure_of_rank(shape)
    batch, *others = shape
    if len(others) == 3:
        for place, axes_in_order in (("1, -1", (1, 2, 0)), ("-1, 1", (2, 0, 1))):
            if _fit((batch, *(others[axis] for axis in axes_in_order)), expected):
                return f"Their channels stand elsewhere. Write np.moveaxis(images, {place})."
    return _cure_of_size(shape, expected)


def _cure_of_size(shape: Shape, expected: Shape) -> str:
    *sizes, channels = shape
    if channels == 3 and _fit(tuple(sizes), expected[1:]):
        return "For one image in colour, write image.mean(axis=-1)[None]."
    others = shape[1:]
    is_one_in_colour = len(others) == 2 and channels in axes.USUAL_CHANNELS
    # The factory refuses what is doubtful.
    is_doubtful = axes.doubt(others, axes.resolved(None), is_meant=False) is not None
    if None in others or is_doubtful or is_one_in_colour:
        return "Write a batch of images of that size."
    fits_in_grey = channels == 3 and _fit(tuple(sizes), expected)
    written = "images.mean(axis=-1)" if fits_in_grey else "images of that size"
    return f"Write {written}, or build the network for input_shape={others}."


def _fit(sizes: Shape, expected: Shape) -> bool:
    pairs = zip(sizes, expected, strict=False)
    return len(sizes) == len(expected) and all(None in (a, b) or a == b for a, b in pairs)


def _differ_by_one_channel(sizes: Shape, expected: Shape) -> bool:
    # Keras itself adds the axis of a single channel, and takes it away.
    adds_it = expected[-1] == 1 and _fit(sizes, expected[:-1])
    return adds_it or (sizes[-1:] == (1,) and _fit(sizes[:-1], expected))

"""One line of text as a reader wants it: of one height, ink 1, paper 0."""

import os
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._reading.arguments import shown

Line = npt.NDArray[np.float32]

# The weights of red, green and blue in what the eye takes for light (ITU-R BT.601).
LUMINANCE = np.array([0.299, 0.587, 0.114], "float32")
# Less contrast than this, of 1, is an empty line and not faint ink.
LEAST_CONTRAST = 1 / 16
CHANNELS = (1, 2, 3, 4)
# Where the lightest pixel of an image lies that was divided by 255 twice.
TWICE = 0.5 / 255, 1.01 / 255
# How many times as high as wide an image of a line may be.
TALLEST = 20
# Of Pillow's images.
OTHER_MODES = ("P", "PA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LAB")


def prepared(image: Any, height: int) -> Line:
    """The image of one line, `(height, width)`, float32, ink 1, paper 0."""
    grey: Any = light_of(image)
    width = _scaled_width(grey.shape, height)
    if grey.shape[0] != height:
        grey = _resampled(_resampled(grey, width).T, height).T
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    # The lower of two middle values: so the border of what is prepared is 0.
    paper = np.sort(border)[(len(border) - 1) // 2]
    ink: Any = np.clip(paper - grey if paper > 0.5 else grey - paper, 0, None)
    strengths = np.sort(ink[ink > 0])
    full = strengths[round(0.99 * (len(strengths) - 1))] if len(strengths) else 0.0
    if full < LEAST_CONTRAST:
        return np.zeros((height, width), "float32")
    line: Line = np.minimum(ink / full, 1).astype("float32")
    return line


def all_prepared(images: Any, height: int) -> list[Line]:
    """The images of several lines. An error names the place of its image."""
    shape: Any = getattr(images, "shape", (0,))
    # Generators and arrays of arrays give one image after the other too.
    is_series = hasattr(images, "__iter__") and len(shape) == 1
    is_one = len(shape) == 3 and shape[-1] in CHANNELS
    is_batch = len(shape) in (3, 4) and not is_one
    if isinstance(images, (str, bytes, dict, keras.KerasTensor, keras.Variable)) or not (
        is_series or is_batch
    ):
        cure = "For one line, write [image]."
        if _is_path(images):
            cure = "For a file, write [PIL.Image.open(path)]."
        raise ValueError(
            "`images` is a list of arrays, one for each line. Received: "
            f"images={shown(images)}. {cure}"
        )
    lines = []
    for number, image in enumerate(images):
        try:
            lines.append(prepared(image, height))
        except ValueError as error:
            raise ValueError(f"images[{number}]: {error}") from error
    return lines


def end_of_ink(line: Line) -> int:
    """The columns of a prepared line up to the last one with ink, at least one."""
    columns = np.flatnonzero(line.any(axis=0))
    return int(columns[-1]) + 1 if len(columns) else 1


def light_of(image: Any) -> npt.NDArray[np.float32]:
    """The grey of each pixel, `(height, width)`, from 0 for black to 1 for white."""
    name = "np.asarray(image)" if hasattr(image, "mode") else "image"
    array = _as_array(image)
    if array.ndim == 3 and array.shape[-1] not in CHANNELS:
        raise ValueError(
            "The image of a line is (height, width), or has 1 to 4 channels at the end. Received: "
            f"shape={array.shape}. For channels that stand first, write image.transpose(1, 2, 0). "
            "For several lines, write a list of images."
        )
    if array.ndim not in (2, 3) or min(array.shape) < 1:
        raise ValueError(
            "The image of a line is (height, width) or (height, width, channels), with at least "
            f"one pixel. Received: shape={array.shape}. For several lines, write a list of images."
        )
    # White paper or ink, divided by 255 twice: all of it would be taken for black.
    if array.dtype.kind == "f" and array.min() >= 0 and TWICE[0] < array.max() < TWICE[1]:
        raise ValueError(
            "An image of floats is black at 0 and white at 1. Received: values up to "
            f"{array.max():.2g}, as if divided by 255 twice. Divide by what is white in your "
            "images, once."
        )
    if array.dtype.kind == "u":
        most, largest = np.iinfo(array.dtype).max, array.max()
        # A camera of 12 bits in a file of 16, or 0 and 1: all of it would be taken for black.
        if 0 < largest <= (1 if array.itemsize == 1 else most // 2):
            raise ValueError(
                f"An image of {array.dtype.name} is black at 0 and white at {most}. Received: "
                f"values up to {largest}. Write {name} / {2 ** int(largest).bit_length() - 1}, or "
                "whatever is white in your images."
            )
    if array.dtype.kind == "u":
        values = array / np.float32(np.iinfo(array.dtype).max)
    elif array.dtype.kind == "b" or (
        array.dtype.kind == "f" and array.min() >= 0 and array.max() <= 1
    ):
        values = array.astype("float32")
    else:
        found = shown(array.dtype.name)
        if array.dtype.kind in "fi":
            found += f" from {array.min():g} to {array.max():g}"
        raise ValueError(
            "The image of a line holds unsigned integers, or floats from 0 to 1. Received: "
            f"{found}. {_cure_of_values(array, name)}"
        )
    if array.ndim == 2:
        return values.astype("float32")
    if array.shape[-1] in (2, 4):
        alpha = values[..., -1:]
        values = values[..., :-1] * alpha + (1 - alpha)
    grey = values @ LUMINANCE if values.shape[-1] == 3 else values[..., 0]
    return grey.astype("float32")


def _as_array(image: Any) -> npt.NDArray[Any]:
    if isinstance(image, np.ma.MaskedArray):
        raise ValueError(
            "The image of a line is an array of which no place is masked. Received: a "
            f"{type(image).__name__}. Write image.filled(white), with what is white in your image."
        )
    if _is_path(image):
        raise ValueError(
            f"The image of a line is an array, or opened by Pillow. Received: {shown(image)}. "
            "For a file, write PIL.Image.open(path)."
        )
    parts = image if isinstance(image, (list, tuple)) else ()
    if any(len(getattr(part, "shape", ())) > 1 or hasattr(part, "mode") for part in parts):
        raise ValueError(
            f"This takes the image of one line. Received: a list of {len(parts)} images. For the "
            "first of them, write images[0]."
        )
    is_cut = _is_cut_to_eight_bits(image)
    try:
        if getattr(image, "mode", None) in OTHER_MODES:
            # Numbers of a palette, of ink or of a hue are no light.
            has_alpha = image.mode in ("PA", "RGBa") or "transparency" in image.info
            image = image.convert("RGBA" if has_alpha else "RGB")
        array = np.asarray(image)
    except (TypeError, ValueError, RuntimeError) as error:
        single = ".float()" if "bfloat16" in str(error).lower() else ""
        raise ValueError(
            f"The image of a line is an array. Received: {shown(image)}. For a tensor of PyTorch, "
            f"write image.detach().cpu(){single}.numpy()."
        ) from error
    if "float" in array.dtype.name and array.dtype.kind != "f":
        # bfloat16 and its like, of which NumPy does not know that they are floats.
        array = array.astype("float32")
    if is_cut and array[..., : 3 if array.shape[-1] > 2 else 1].max() < 128:
        raise ValueError(
            "Of an image with 16 bits for each colour, Pillow keeps the upper 8. Received: values "
            f"that are all dark then, up to {array[..., :3].max()} of 255. Save the image with 8 "
            "bits, or in grey."
        )
    return array


def _is_cut_to_eight_bits(image: Any) -> bool:
    # Pillow says it until the file is read.
    tiles = getattr(image, "tile", ()) if hasattr(image, "getbands") else ()
    return any(";16" in str(tile[3]) for tile in tiles) and len(image.getbands()) > 1


def _is_path(image: Any) -> bool:
    return isinstance(image, (str, bytes, os.PathLike))


def _cure_of_values(array: npt.NDArray[Any], name: str) -> str:
    if array.dtype.kind not in "fi":
        return "Write an array of numbers."
    low, high = array.min(), array.max()
    if np.isnan(low):
        return f"Write np.nan_to_num({name})."
    if array.dtype.kind == "f" and low > -0.5 and high < 1.5:
        return f"Write np.clip({name}, 0, 1)."
    for bits in (8, 16):
        if low >= 0 and high < 2**bits:
            return f"If black is 0 and white {2**bits - 1}, write {name}.astype('uint{bits}')."
    return "Subtract what is black in your images, and divide by what is then white."


def _scaled_width(size: tuple[int, ...], height: int) -> int:
    width = round(size[1] * height / size[0])
    if size[0] < 2:
        raise ValueError(
            "The image of a line is several pixels high. Received: an image "
            f"{size[0]} pixels high and {size[1]} wide. Write the image of a whole line."
        )
    # What is prepared had its width rounded, by half a pixel at most.
    rounded = 0.5 if size[0] == height else 0
    if width < 2 or size[1] < 2 or size[0] > TALLEST * (size[1] + rounded):
        raise ValueError(
            f"The image of a line is several pixels wide. Received: an image {size[0]} pixels high "
            f"and {size[1]} wide, which is {width} wide at the reader's height of {height}. Turn "
            "the image, or cut the line out of it."
        )
    return width


def _resampled(image: Any, num_to: int) -> Any:
    """Another number of columns: each is a mean of all that it covers, weighted as a triangle.

    It is the antialiased linear filter of Pillow and of `jax.image`.
    """
    num_from = image.shape[1]
    if num_from == num_to:
        return image
    scale = max(num_from / num_to, 1.0)
    centers = (np.arange(num_to) + 0.5) * (num_from / num_to) - 0.5
    total, weights = 0.0, np.zeros(num_to)
    for offset in range(2 * int(np.ceil(scale)) + 1):
        places = np.floor(centers - scale).astype(int) + 1 + offset
        weight = np.clip(1 - abs(places - centers) / scale, 0, None)
        weight[(places < 0) | (places >= num_from)] = 0
        total = total + image[:, np.clip(places, 0, num_from - 1)] * weight
        weights += weight
    return total / weights

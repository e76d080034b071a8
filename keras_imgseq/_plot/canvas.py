"""What all pictures share: matplotlib, its axes, and the image that is drawn."""

from typing import Any

import keras
import numpy as np

from keras_imgseq._reading.arguments import shown


def loaded_matplotlib() -> Any:
    try:
        import matplotlib.pyplot  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which is not installed. "
            'Write `pip install "keras-imgseq[plot]"`.'
        ) from error
    return matplotlib


def checked_axes(ax: Any, number: int) -> list[Any]:
    """Axes of matplotlib, or an error that says how to make them."""
    from matplotlib.axes import Axes  # noqa: PLC0415

    given = list(ax.flat) if isinstance(ax, np.ndarray) else ax
    is_right = isinstance(given, (list, tuple)) and len(given) == number
    if not is_right or not all(isinstance(one, Axes) for one in given):
        raise ValueError(
            "`ax` is the axes of matplotlib to draw on, one for a reading and two for a belief. "
            f"Received: ax={shown(ax)}. Write plt.subplots()[1] or plt.subplots(1, 2)[1]."
        )
    return list(given)


def ink_on(colour: Any) -> str:
    """White on dark colours, black on light ones, by the relative luminance of WCAG 2."""
    luminance = np.array(colour[:3]) ** 2.2 @ [0.2126, 0.7152, 0.0722]
    return "black" if luminance > 0.18 else "white"


def as_image(image: Any) -> Any:
    try:
        if keras.ops.is_tensor(image):
            image = keras.ops.convert_to_numpy(image)
        elif hasattr(image, "detach"):
            image = image.detach().cpu()
        array = np.asarray(image)
    except Exception as error:
        raise ValueError(
            f"A picture is drawn of one image. Received: {shown(image)}. Write an array of "
            "(height, width) or with channels."
        ) from error
    # Matplotlib and NumPy know no bfloat16.
    array = array.astype("float32") if array.dtype.name == "bfloat16" else array
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"A picture is drawn of one image of numbers. Received: {shown(image)}. Write an "
            "array of (height, width) or with channels, or an image size like (28, 28)."
        )
    return array


def as_picture(image: Any, data_format: str) -> Any:
    """An image as matplotlib shows it: grey, or with three or four channels at the end."""
    if image.ndim == 2:
        return image
    if data_format == "channels_first":
        image = np.moveaxis(image, 0, -1)
    if image.shape[-1] not in (3, 4):
        return image.mean(axis=-1)
    low, high = image.min(), image.max()
    if image.dtype == np.uint8 or (low >= 0 and high <= 1):
        return image
    # matplotlib scales grey images by itself, and would cut coloured ones off. In their own dtype
    # the difference may be too large.
    low, high = float(low), float(high)
    return (image.astype("float64") - low) / (high - low or 1)

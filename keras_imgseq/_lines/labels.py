"""Labels that no reader can learn from: found in arrays before a training, in tensors as NaN."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from keras_imgseq._lines.blank_padding import OTHER_LOGITS
from keras_imgseq._lines.decoding import RULE_OF_STEPS, steps_needed
from keras_imgseq._lines.line_image import end_of_ink
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.given_arrays import PADDED_BY, kind_of

# Rounding may add something to 1, and take something from 0.
LEAST_INK, MOST_INK = -0.001, 1.001
# A prepared line has paper, which is 0, along its border.
MOST_INK_OF_BORDER = 0.75
KIND_OF_LABELS = "Labels are whole numbers, (lines, longest text)."


def check_images(images: Any, height: int, cure: str) -> bool:
    """Refuses images that are not prepared as one array. Returns whether they are an array."""
    is_list = isinstance(images, (list, tuple))
    # Keras takes a list of its inputs, of which there is one.
    is_input = is_list and len(images) == 1 and len(getattr(images[0], "shape", ())) > 2
    if images is None or (is_list and not is_input):
        raise ValueError(
            "A LineReader takes one array, (lines, height, width), or a dataset of such batches. "
            f"Received: x={shown(images)}. For a list of images, write {cure}."
        )
    kind = kind_of(images)
    if kind in PADDED_BY:
        raise ValueError(
            f"A LineReader takes one array, (lines, height, width). Received: x=a {kind}. "
            f"Write {cure}, or x.{PADDED_BY[kind]}(0.0) for prepared lines."
        )
    lines = _as_array(images)
    if lines is None:
        return False
    is_of_height = lines.ndim == 3 and lines.shape[1] == height
    if is_of_height and not len(lines):
        raise ValueError(
            f"A LineReader takes at least one line. Received: x of shape={lines.shape}."
        )
    if is_of_height and not lines.size:
        raise ValueError(
            f"A line is at least one pixel wide. Received: x of shape={lines.shape}. Write {cure}."
        )
    found = _unprepared(lines) if is_of_height else f"shape={lines.shape}"
    if found:
        raise ValueError(
            f"A LineReader takes prepared lines, (lines, {height}, width), with ink 1 and paper 0. "
            f"Received: x of {found}. Write {cure}, which prepares them."
        )
    return True


def _unprepared(lines: npt.NDArray[Any]) -> str:
    """What shows that lines are not prepared, or an empty text."""
    if lines.dtype.kind not in "iuf":
        return ""
    if np.isnan(lines).any():
        return f"{lines.dtype} with NaN"
    if lines.max() > MOST_INK:
        return f"{lines.dtype} with values up to {lines.max():g}"
    if lines.min() < LEAST_INK:
        return f"{lines.dtype} with values down to {lines.min():g}"
    borders = [lines[:, 0], lines[:, -1], lines[:, 1:-1, 0], lines[:, 1:-1, -1]]
    if (np.median(np.concatenate(borders, axis=1), axis=1) > MOST_INK_OF_BORDER).all():
        return "lines with ink along their borders, as if paper were 1"
    return ""


def check_labels(labels: Any, alphabet: str) -> None:
    """Refuses an array with a label that stands for no character of the alphabet."""
    kind = kind_of(labels)
    if kind in PADDED_BY:
        raise ValueError(
            f"{KIND_OF_LABELS} Received: y=a {kind}. Write y.{PADDED_BY[kind]}(0), or "
            "reader.encode(texts)."
        )
    array = _as_array(labels)
    is_odd = array is not None and array.dtype.kind in "OSU"
    items = array.flat if is_odd else keras.tree.flatten(labels)  # type: ignore[union-attr]
    is_wrong = array is None and isinstance(labels, (list, tuple))
    if array is not None:
        is_wrong = array.ndim != 2 or array.dtype.kind not in "iuf" or not array.shape[1]
    if is_wrong or any(isinstance(item, (str, bytes)) for item in items):
        found = shown(labels) if array is None or is_odd else f"{array.dtype}, {array.shape}"
        raise ValueError(f"{KIND_OF_LABELS} Received: y={found}. Write reader.encode(texts).")
    if array is None:
        return
    is_whole = array == np.floor(array)
    wrong = np.argwhere(~is_whole | (array < 0) | (array > len(alphabet)))
    if len(wrong):
        line, place = wrong[0]
        raise ValueError(
            f"Labels are whole numbers from 1 to {len(alphabet)}, the places of the characters in "
            f"the alphabet, padded with 0. Received: y[{line}, {place}]={array[line, place]}. "
            "Write reader.encode(texts), and 0 instead of -1."
        )
    within = np.argwhere((array[:, :-1] == 0) & (array[:, 1:] != 0))
    if len(within):
        line, place = within[0]
        raise ValueError(
            "A label of 0 is padding, and stands behind the others. Received: "
            f"y[{line}]={array[line].tolist()}, with 0 at place {place}. The first character of "
            "the alphabet is 1. Write reader.encode(texts)."
        )


def check_lengths(images: Any, labels: Any, step_width: int) -> None:
    """Refuses arrays in which a text needs more steps than its line has."""
    lines, texts = _as_array(images), _as_array(labels)
    if lines is None or texts is None or lines.ndim != 3 or texts.ndim != 2:
        return
    for number, (line, text) in enumerate(zip(lines, texts, strict=False)):
        needed, end = steps_needed(text[text != 0]), end_of_ink(line)
        if needed > -(-end // step_width):
            raise ValueError(
                f"{RULE_OF_STEPS} Received: y[{number}], which needs {needed} steps, for "
                f"x[{number}], whose ink ends after {end} pixels: {-(-end // step_width)} steps "
                f"of {step_width} pixels. Omit that line, or write smaller pool widths."
            )


def check_weights(weights: Any) -> None:
    """Refuses weights of something else than lines."""
    shape = _known_shape(weights, 1) if hasattr(weights, "shape") else (None,)
    if len(shape) != 1 and shape[1:] != (1,):
        raise ValueError(
            "`sample_weight` holds one number for each line, (lines,). Received: "
            f"shape={shape}. Write sample_weight=np.ones(len(images)), for example."
        )


def check_batch(labels: Any, weights: Any) -> None:
    """Refuses the labels and the weights of a batch by what is known of them in a compiled step."""
    kind, dtype = kind_of(labels), keras.backend.standardize_dtype(labels.dtype)
    is_number = dtype.startswith(("int", "uint", "float", "bfloat"))
    if kind in PADDED_BY or not is_number or len(_known_shape(labels, 2)) != 2:
        found = f"a {kind}" if kind in PADDED_BY else f"{dtype}, {_known_shape(labels, 2)}"
        raise ValueError(f"{KIND_OF_LABELS} Received: y={found}. Write reader.encode(texts).")
    check_weights(weights)


def are_learnable(labels: Any, logits: Any, num_characters: int) -> Any:
    """For each line, whether its labels are of the alphabet and its steps suffice for them."""
    is_known = ops.all((labels >= 0) & (labels <= num_characters), axis=1)
    is_padded = ops.all((labels[:, :-1] != 0) | (labels[:, 1:] == 0), axis=1)
    is_character = labels != 0
    repeats = is_character[:, 1:] & (labels[:, 1:] == labels[:, :-1])
    needed = ops.sum(ops.cast(is_character, "int32"), axis=1)
    needed = needed + ops.sum(ops.cast(repeats, "int32"), axis=1)
    # The steps that BlankPadding left as they are.
    is_real = ops.any(logits[..., 1:] != OTHER_LOGITS, axis=-1)
    return is_known & is_padded & (needed <= ops.sum(ops.cast(is_real, "int32"), axis=1))


def _known_shape(tensor: Any, num_axes: int) -> tuple[int | None, ...]:
    """The shape of a tensor. A shape that is unknown in whole is taken for one that fits."""
    is_known = getattr(tensor.shape, "rank", num_axes) is not None
    return tuple(tensor.shape) if is_known else (None,) * num_axes


def _as_array(values: Any) -> npt.NDArray[Any] | None:
    """A single array in NumPy, or `None` for a dataset and what else holds batches."""
    items = keras.tree.flatten(values)
    if len(items) != 1 or not hasattr(items[0], "dtype") or not hasattr(items[0], "__array__"):
        return None
    is_tensor = ops.is_tensor(items[0])
    array: npt.NDArray[Any] = ops.convert_to_numpy(items[0]) if is_tensor else np.asarray(items[0])
    return array

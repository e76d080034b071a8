"""The metric of text recognition: wrong characters over all characters."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgseq._reading.arguments import shown


@keras.saving.register_keras_serializable(package="keras_imgseq")
class CharacterErrorRate(keras.metrics.Metric):  # type: ignore[misc]
    """Measures how many characters a CTC network reads wrongly.

    The text is the likeliest class of each step, without repeats and blanks. Its distance from
    the true text is the least number of characters to insert, remove or replace. The rate is the
    sum of the distances over the number of true characters, for the whole set. It may be more
    than 1. A set without any character counts as one character.

    Args:
        name: Name of the metric.
        dtype: Dtype of the metric, as for every Keras metric.

    Input shape:
        Labels, `(batch, longest text)`, whole numbers padded with 0, and logits or
        probabilities, `(batch, steps, classes)`, where class 0 is the blank. Other padding than 0
        is counted as characters.

    References:
        Vladimir Levenshtein, "Binary codes capable of correcting deletions, insertions, and
        reversals" (1966)

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import CharacterErrorRate
        >>> metric = CharacterErrorRate()
        >>> read = np.eye(4)[[[1, 1, 0, 3, 0]]]
        >>> metric.update_state(np.array([[1, 2, 3, 3]]), read)
        >>> round(float(metric.result()), 2)
        0.5
    """

    def __init__(self, name: str | None = "character_error_rate", dtype: Any = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"`name` is a string or None. Received: name={shown(name)}.")
        super().__init__(name=name, dtype=dtype)
        # Keras asks for it where a callback chooses the best epoch: less is better.
        self._direction = "down"
        self._edits = self.add_variable((), initializer="zeros", name="edits")
        self._characters = self.add_variable((), initializer="zeros", name="characters")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = _checked("y_true", y_true, 2), _checked("y_pred", y_pred, 3)
        if sample_weight is not None:
            sample_weight = _checked_weights(sample_weight)
        _check_batch(y_true, y_pred, sample_weight)
        try:
            arrays = ops.convert_to_numpy(y_true), ops.convert_to_numpy(y_pred)
        # Within a compiled function there are no values yet, and each backend says so in its way.
        except Exception:
            edits, characters = _edits_in_graph(y_true, y_pred)
        else:
            edits, characters = _edits(*arrays)
        if sample_weight is not None:
            weights = ops.reshape(ops.cast(sample_weight, self.dtype), (-1,))
            edits = ops.cast(edits, self.dtype) * weights
            characters = ops.cast(characters, self.dtype) * weights
        self._edits.assign_add(ops.cast(ops.sum(edits), self.dtype))
        self._characters.assign_add(ops.cast(ops.sum(characters), self.dtype))

    def result(self) -> Any:
        characters = ops.convert_to_tensor(self._characters)
        return self._edits / ops.where(characters > 0, characters, 1)


def _checked(name: str, given: Any, num_axes: int) -> Any:
    """An array of numbers with so many axes."""
    try:
        array = given if hasattr(given, "shape") else ops.convert_to_numpy(given)
        dtype = str(getattr(array, "dtype", None))
        is_number = "int" in dtype or "float" in dtype
        # TensorFlow may not know the axes yet.
        is_known = getattr(array.shape, "rank", 0) is not None
        is_covered = is_number and not (is_known and len(array.shape) != num_axes)
    except (TypeError, ValueError, RuntimeError):
        is_covered = False
    if not is_covered:
        raise ValueError(
            "The character error rate takes labels, (batch, longest text), and logits, "
            f"(batch, steps, classes). Received: {name}={shown(given)}. For texts, write "
            "reader.encode(texts)."
        )
    return array


def _checked_weights(given: Any) -> Any:
    try:
        return ops.convert_to_tensor(given, "float32")
    except Exception as error:
        raise ValueError(
            "The character error rate takes one weight for each line. Received: "
            f"sample_weight={shown(given)}. Write an array of numbers."
        ) from error


def _check_batch(y_true: Any, y_pred: Any, sample_weight: Any) -> None:
    """Refuses labels, logits and weights of unlike numbers of lines, as far as these are known."""
    arrays = [y_true, y_pred]
    if sample_weight is not None and len(ops.shape(sample_weight)):
        arrays.append(ops.reshape(sample_weight, (-1,)))
    numbers = [array.shape[0] for array in arrays if getattr(array.shape, "rank", 1) is not None]
    if len({number for number in numbers if number is not None}) > 1:
        raise ValueError(
            "The character error rate takes one row of labels, one of logits and one weight for "
            f"each line. Received: {', '.join(map(str, numbers))} of them. Write arrays of equal "
            "length."
        )


def _edits(labels: Any, logits: Any) -> tuple[Any, Any]:
    """The distances and the numbers of true characters of a batch, in NumPy."""
    labels = labels.astype("int64")
    classes = logits.argmax(-1)
    repeats = np.zeros_like(classes, dtype=bool)
    repeats[:, 1:] = classes[:, 1:] == classes[:, :-1]
    is_kept = (classes != 0) & ~repeats
    lengths = is_kept.sum(axis=1)
    # The kept classes of each line in front, in their order.
    order = np.argsort(~is_kept, axis=1, kind="stable")
    read = np.take_along_axis(classes, order, axis=1)
    places = np.arange(labels.shape[1] + 1)
    distances = np.tile(places, (len(labels), 1))
    for number in range(lengths.max(initial=0)):
        replaced = distances[:, :-1] + (labels != read[:, number, None])
        best = distances + 1
        best[:, 1:] = np.minimum(best[:, 1:], replaced)
        # A missing character costs one for each place from the best place before.
        best = np.minimum.accumulate(best - places, axis=1) + places
        distances = np.where((number < lengths)[:, None], best, distances)
    num_characters = (labels != 0).sum(axis=1)
    return np.take_along_axis(distances, num_characters[:, None], axis=1)[:, 0], num_characters


def _edits_in_graph(labels: Any, logits: Any) -> tuple[Any, Any]:
    """The same in the backend's operations, along the diagonals of the table of distances."""
    labels = ops.cast(labels, "int32")
    classes = ops.cast(ops.argmax(logits, axis=-1), "int32")
    before = ops.concatenate([ops.zeros_like(classes[:, :1]), classes[:, :-1]], axis=1)
    is_kept = ops.logical_and(classes != 0, classes != before)
    lengths = ops.sum(ops.cast(is_kept, "int32"), axis=1)
    steps = ops.cumsum(ops.ones_like(classes), axis=1)
    # The kept steps in front, in their order: no sort of any backend is asked to be stable.
    order = ops.argsort(ops.where(is_kept, steps, steps + ops.shape(classes)[1]), axis=1)
    read = ops.take_along_axis(classes, order, axis=1)
    num_characters = ops.sum(ops.cast(labels != 0, "int32"), axis=1)
    # One place more than there are labels, of which there may be none.
    table = ops.concatenate([lengths[:, None], labels], axis=1)
    places = ops.cumsum(ops.ones_like(table), axis=1) - 1
    last = lengths + num_characters

    # A diagonal holds the distances of the first i true and the first `number - i` read
    # characters. It depends on the two diagonals before it alone.
    def is_unfinished(number: Any, *_: Any) -> Any:
        return number <= ops.max(last)

    def with_next(number: Any, before: Any, newest: Any, edits: Any) -> tuple[Any, ...]:
        indices = ops.clip(number - 1 - places[:, 1:], 0, ops.shape(read)[1] - 1)
        differ = ops.cast(labels != ops.take_along_axis(read, indices, axis=1), "int32")
        replaced = ops.minimum(before[:, :-1] + differ, newest[:, :-1] + 1)
        distances = newest + 1
        distances = ops.concatenate(
            [distances[:, :1], ops.minimum(distances[:, 1:], replaced)], axis=1
        )
        of_line = ops.take_along_axis(distances, num_characters[:, None], axis=1)[:, 0]
        return number + 1, newest, distances, ops.where(last == number, of_line, edits)

    too_many = ops.zeros_like(places) + 2**20
    start = ops.where(places == 0, 0, too_many)
    number = ops.ones((), dtype="int32")
    *_, edits = ops.while_loop(
        is_unfinished, with_next, (number, too_many, start, ops.zeros_like(last))
    )
    return edits, num_characters

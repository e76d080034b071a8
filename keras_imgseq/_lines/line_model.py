"""A model of lines, which learns and answers only what can be right."""

import inspect
import math
from typing import Any

import keras

from keras_imgseq._lines.labels import (
    are_learnable,
    check_batch,
    check_images,
    check_labels,
    check_lengths,
    check_weights,
)
from keras_imgseq._lines.widths import OneWidth
from keras_imgseq._network.model import is_ctc
from keras_imgseq._reading.arguments import shown


class LineModel(keras.Model):  # type: ignore[misc]
    """Trains, tests and answers as `keras.Model`. Wrong lines and labels are refused."""

    height: int
    _arguments: dict[str, Any]

    @property
    def alphabet(self) -> str:
        """The characters that the reader knows, in the order of its classes."""
        return str(self._arguments["alphabet"])

    @property
    def step_width(self) -> int:
        """The pixels that one step sees, at the reader's height."""
        return math.prod(width for _, width in self._arguments["pool_sizes"])

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model`. Labels that the reader cannot learn are refused."""
        given = self._checked(super().fit, x, y, args, kwargs)
        held = given.get("validation_data")
        is_pair = isinstance(held, (tuple, list)) and len(held) > 1
        if held is not None:
            self._check_lines(*(held[:2] if is_pair else (held, None)))
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Tests as `keras.Model`. Labels that the reader cannot learn are refused."""
        self._checked(super().evaluate, x, y, args, kwargs)
        return super().evaluate(x, y, *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model`. Labels that the reader cannot learn are refused."""
        self._checked(super().train_on_batch, x, y, args, kwargs)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Tests as `keras.Model`. Labels that the reader cannot learn are refused."""
        self._checked(super().test_on_batch, x, y, args, kwargs)
        return super().test_on_batch(x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Predicts as `keras.Model`. `read` makes texts of a list of images."""
        if hasattr(x, "made_for"):
            raise ValueError(
                "LineBatches mix their lines, so that no answer tells its line. Received: "
                "x=LineBatches. Write reader.read(images)."
            )
        check_images(x, self.height, "reader.read(images)")
        given = inspect.signature(super().predict).bind(x, *args, **kwargs).arguments
        callbacks = given.pop("callbacks", None)
        one_width = OneWidth()
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = [one_width, *keras.tree.flatten(callbacks or [])]
        try:
            return super().predict(**given, callbacks=callbacks)
        finally:
            # Keras has an error of its own for them, but on TensorFlow none.
            one_width.check()

    def predict_on_batch(self, x: Any) -> Any:
        """Predicts as `keras.Model`. `read` makes texts of a list of images."""
        check_images(x, self.height, "reader.read(images)")
        return super().predict_on_batch(x)

    def _checked(self, use: Any, images: Any, labels: Any, args: Any, kwargs: Any) -> Any:
        """The arguments of a training or a test by their names, checked."""
        given = inspect.signature(use).bind(images, labels, *args, **kwargs).arguments
        if given.get("class_weight") is not None:
            raise ValueError(
                "CTC knows no classes of lines. Received: class_weight="
                f"{shown(given['class_weight'])}. For lines that count more than others, write "
                "sample_weight, one number for each line."
            )
        check_weights(given.get("sample_weight"))
        self._check_lines(images, labels)
        return given

    def _check_lines(self, images: Any, labels: Any) -> None:
        made_for = getattr(images, "made_for", None)
        if made_for not in (None, (self.alphabet, self.height, self.step_width)):
            raise ValueError(
                "LineBatches hold the labels of one alphabet, and lines of one height. Received: "
                "LineBatches made for another reader. Write LineBatches(images, texts, reader) "
                "with this one."
            )
        is_array = check_images(images, self.height, "LineBatches(images, texts, reader)")
        if is_array and labels is None:
            raise ValueError(
                "A LineReader learns from labels. Received: y=None. Write reader.encode(texts)."
            )
        check_labels(labels, self.alphabet)
        check_lengths(images, labels, self.step_width)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """The loss as of `keras.Model`. CTC of a line that cannot be learned is NaN."""
        labels = keras.tree.flatten(y)
        if len(labels) != 1 or not all(map(is_ctc, keras.tree.flatten(self.loss))):
            return super().compute_loss(x, y, y_pred, *args, **kwargs)
        check_batch(labels[0], args[0] if args else kwargs.get("sample_weight"))
        can_be_learned = are_learnable(labels[0], y_pred, len(self.alphabet))
        # What a backend makes of wrong labels would reach the weights.
        y = keras.ops.where(can_be_learned[:, None], labels[0], 0)
        loss = super().compute_loss(x, y, y_pred, *args, **kwargs)
        return keras.ops.where(keras.ops.all(can_be_learned), loss, float("nan"))

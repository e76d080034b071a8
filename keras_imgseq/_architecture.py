"""The arguments of `build_image_rnn`, checked before anything is built."""

import dataclasses
import math
import numbers
import operator
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_imgseq import _data_format
from keras_imgseq._image_as_sequence import ImageAsSequence
from keras_imgseq._reading import listed
from keras_imgseq._rearrangement import Shape

Cell = str | Callable[[int], Any]

CELLS: dict[str, Any] = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
}
MERGES: dict[str, Any] = {
    "concat": keras.layers.Concatenate,
    "sum": keras.layers.Add,
    "mean": keras.layers.Average,
    "max": keras.layers.Maximum,
}
CROSS: list[dict[str, Any]] = [
    {"transpose": transpose, "reverse": reverse}
    for reverse in (False, True)
    for transpose in (False, True)
]


@dataclasses.dataclass
class Architecture:
    """An image RNN that is known to be possible; `units` is a tuple, `reading` a list of layers."""

    input_shape: Shape
    classes: int | None
    units: Any
    cell: Cell
    activation: Any
    reading: Any
    merge: str
    bidirectional: bool
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    classifier_activation: Any
    scale: float | None
    unroll: str | bool
    data_format: str | None
    name: str | None

    def __post_init__(self) -> None:
        self._check_units()
        self._check_classes()
        self._check_cell()
        self._check_choices()
        self._check_numbers()
        self._check_reading()
        self._check_input_shape()
        self._check_steps()

    def sequence_shapes(self) -> list[tuple[int | None, int | None, int]]:
        """`(batch, steps, features)` of each reading."""
        return [layer.compute_output_shape((None, *self.input_shape)) for layer in self.reading]

    def _check_units(self) -> None:
        units = self.units if isinstance(self.units, Sequence) else [self.units]
        if not units or not all(_is_count(number) for number in units):
            raise ValueError(
                "`units` is a positive int, or a sequence of them, one for each recurrent layer. "
                f"Received: units={self.units!r}. Write units=16 or units=(32, 16)."
            )
        self.units = tuple(units)

    def _check_classes(self) -> None:
        if self.classes is not None and not _is_count(self.classes):
            raise ValueError(
                "`classes` is the number of outputs, a positive int, or None for no head. "
                f"Received: classes={self.classes!r}. Write classes=10 for ten classes, or "
                "classes=None to get the features."
            )

    def _check_cell(self) -> None:
        if callable(self.cell):
            given = {
                name: getattr(self, name)
                for name in ("activation", "dropout", "recurrent_dropout")
                if getattr(self, name)
            }
            if given:
                raise ValueError(
                    f"A callable cell has its own {' and '.join(given)}. Received: "
                    f"{', '.join(f'{name}={value!r}' for name, value in given.items())}. Write "
                    "it inside the callable: cell=lambda units: keras.layers.GRUCell(units, ...)."
                )
        elif not isinstance(self.cell, str) or self.cell not in CELLS:
            raise ValueError(
                f"Unknown cell. Write one of {listed(CELLS)}, or a callable such as "
                f"keras.layers.GRUCell. Received: cell={self.cell!r}"
            )

    def _check_choices(self) -> None:
        if not isinstance(self.merge, str) or self.merge not in MERGES:
            raise ValueError(
                f"Unknown merge. Write one of {listed(MERGES)}. Received: merge={self.merge!r}"
            )
        for name in ("bidirectional", "return_sequences"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(
                    f"`{name}` is True or False. Received: {name}={getattr(self, name)!r}"
                )
        if self.unroll != "auto" and not isinstance(self.unroll, bool):
            raise ValueError(f'`unroll` is "auto", True or False. Received: unroll={self.unroll!r}')
        for name in ("activation", "classifier_activation"):
            value = getattr(self, name)
            try:
                keras.activations.get(value)
            except (ValueError, TypeError):
                raise ValueError(
                    f"Unknown activation. Write the name of a Keras activation, such as 'relu', "
                    f"or a callable. Received: {name}={value!r}"
                ) from None

    def _check_numbers(self) -> None:
        for name in ("dropout", "recurrent_dropout"):
            rate = getattr(self, name)
            if not _is_number(rate) or not 0 <= rate < 1:
                raise ValueError(
                    f"`{name}` is the fraction of values to drop, at least 0 and less than 1. "
                    f"Received: {name}={rate!r}. Write {name}=0.15 for 15 per cent."
                )
        if self.scale is not None and not (_is_number(self.scale) and self.scale):
            raise ValueError(
                "`scale` is the number that multiplies the pixels, or None. "
                f"Received: scale={self.scale!r}. Write scale=1/255 for uint8 images."
            )

    def _check_reading(self) -> None:
        # The configuration of a layer is left alone where it need not be copied: on JAX and
        # PyTorch, Keras imports TensorFlow to write one, and half a gigabyte with it.
        self.given = self.reading if isinstance(self.reading, list) else [self.reading]
        if self.reading is None:
            readings: list[Any] = ["row"]
        elif _is_cross(self.reading):
            step = "pixel" if self.reading == "cross" else self.reading[1]
            readings = [
                ImageAsSequence(step, data_format=self.data_format, **path) for path in CROSS
            ]
        else:
            readings = self.given
        if not readings:
            raise ValueError(
                "A network needs at least one reading. Received: reading=[]. Write "
                'reading=None for rows, or a list such as ["row", "column"].'
            )
        layers = [reading for reading in readings if isinstance(reading, ImageAsSequence)]
        data_format = layers[0].data_format if layers else self.data_format
        self.reading = [
            reading
            if isinstance(reading, ImageAsSequence)
            else ImageAsSequence(reading, data_format=data_format)
            for reading in readings
        ]
        data_formats = {layer.data_format for layer in self.reading}
        if self.data_format is not None:
            data_formats.add(_data_format.resolved(self.data_format))
        if len(data_formats) > 1:
            raise ValueError(
                "All readings of one network have the same data format. Received: "
                f"data_format={self.data_format!r} and readings with "
                f"{listed(layer.data_format for layer in self.reading)}. Write the same "
                "data_format everywhere."
            )
        self.data_format = data_formats.pop()

    def _check_input_shape(self) -> None:
        try:
            shape = tuple(
                None if side is None else operator.index(side) for side in self.input_shape
            )
        except TypeError:
            shape = ()
        if len(shape) not in (2, 3):
            raise ValueError(
                "`input_shape` is the shape of one image without the batch, (height, width) or "
                f"with channels. Received: input_shape={self.input_shape!r}. Write (28, 28) for "
                "grey images of 28 x 28 pixels, (28, 28, 3) for coloured ones."
            )
        self.input_shape = shape

    def _check_steps(self) -> None:
        steps = [shape[1] for shape in self.sequence_shapes()]
        if self.unroll is True and None in steps:
            raise ValueError(
                "An unknown number of steps cannot be unrolled. Received: unroll=True, "
                f"input_shape={self.input_shape}. Write unroll='auto', or the size as numbers."
            )
        if self.return_sequences and len(set(steps)) > 1:
            raise ValueError(
                "With return_sequences=True, all readings have the same number of steps. "
                f"Received: readings of {steps} steps. Write readings of equal steps, or "
                "return_sequences=False."
            )


def _is_cross(reading: Any) -> bool:
    return reading == "cross" or (
        isinstance(reading, tuple) and len(reading) == 2 and reading[0] == "cross"
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and math.isfinite(value)

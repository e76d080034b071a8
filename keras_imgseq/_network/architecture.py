"""The arguments of `build_image_rnn`, checked before anything is built."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np

from keras_imgseq._network.activations import check_activation, check_single_output
from keras_imgseq._network.conv_stem import ConvStem
from keras_imgseq._network.readings import readings_of
from keras_imgseq._network.stem_arguments import num_stem_params
from keras_imgseq._reading import arguments, axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.doubtful_readings import doubt_of_axes
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._recurrent.cells import CELLS, CellName

Cell = CellName | Callable[[int], Any]
Merge = Literal["concat", "sum", "mean", "max"]

MERGES: dict[str, Any] = {
    "concat": keras.layers.Concatenate,
    "sum": keras.layers.Add,
    "mean": keras.layers.Average,
    "max": keras.layers.Maximum,
}


@dataclasses.dataclass
class Architecture:
    """An image RNN that is known to be possible. `units` is a tuple, `reading` a list of layers."""

    input_shape: Any
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
    filters: Any
    pool_sizes: Any
    classifier_activation: Any
    scale: float | None
    unroll: str | bool
    data_format: str | None
    name: str | None

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> "Architecture":
        """An architecture of a function's arguments. In a `tf.function` there are other locals."""
        return cls(**{field.name: arguments[field.name] for field in dataclasses.fields(cls)})

    def __post_init__(self) -> None:
        self.cells_made: list[Any] = []
        self._check_units_and_classes()
        self._check_cell()
        self._check_choices()
        self._check_activations()
        self._check_numbers()
        self._check_input_shape()
        was_given = self.data_format is not None
        self._check_reading()
        self._check_axes(was_given)
        self.stem = self._made_stem()
        self._check_steps()

    def sequence_shapes(self) -> list[tuple[int | None, int | None, int]]:
        """`(batch, steps, features)` of each reading."""
        return [layer.compute_output_shape(self._shape_read) for layer in self.reading]

    @property
    def num_layers(self) -> int:
        """The recurrent layers of all readings, in each direction."""
        return len(self.reading) * len(self.units) * (2 if self.bidirectional else 1)

    def num_stem_params(self) -> int:
        """The number of parameters in front of the readings."""
        if self.stem is None:
            return 0
        num_channels = axes.sizes_of((None, *self.input_shape), str(self.data_format))[2]
        return num_stem_params(self.stem.filters, num_channels)

    def named(self, name: str) -> str:
        """The name of a layer: two networks with a name fit into one model."""
        return name if self.name is None else f"{self.name}_{name}"

    def _check_units_and_classes(self) -> None:
        meaning = "the number of units of each recurrent layer"
        examples = "units=16 or units=(32, 16)"
        self.units = arguments.counts("units", self.units, meaning, examples)
        if self.classes is not None:
            meaning = (
                "the number of outputs, or None for no head. Write classes=10 for ten classes, or "
                "classes=None to get the features"
            )
            self.classes = arguments.count("classes", self.classes, meaning)

    def _check_cell(self) -> None:
        if isinstance(self.cell, str) or not callable(self.cell):
            otherwise = ", or a callable like keras.layers.GRUCell"
            self.cell = arguments.choice("cell", self.cell, CELLS, otherwise)  # type: ignore[assignment]
            return
        given = {
            name: getattr(self, name)
            for name in ("activation", "dropout", "recurrent_dropout")
            if not _is_default(getattr(self, name))
        }
        if given:
            raise ValueError(
                f"A callable cell has its own {' and '.join(given)}. Received: "
                f"{', '.join(f'{name}={shown(value)}' for name, value in given.items())}. Write "
                "it inside the callable: cell=lambda units: keras.layers.GRUCell(units, ...)."
            )

    def _check_choices(self) -> None:
        self.merge = arguments.choice("merge", self.merge, MERGES)
        for name in ("bidirectional", "return_sequences"):
            setattr(self, name, arguments.flag(name, getattr(self, name)))
        is_auto = isinstance(self.unroll, str) and self.unroll == "auto"
        if not is_auto and not isinstance(self.unroll, (bool, np.bool_)):
            raise ValueError(
                f'`unroll` is "auto", True or False. Received: unroll={shown(self.unroll)}. Write '
                'unroll="auto".'
            )
        self.unroll = "auto" if is_auto else bool(self.unroll)
        self.name = arguments.text("name", self.name)

    def _check_activations(self) -> None:
        for num_units in self.units:
            check_activation("activation", self.activation, num_units)
        check_activation("classifier_activation", self.classifier_activation, self.classes or 2)
        if self.classes == 1:
            check_single_output(self.classifier_activation)

    def _check_numbers(self) -> None:
        for name in ("dropout", "recurrent_dropout"):
            setattr(self, name, arguments.fraction(name, getattr(self, name)))
        self.scale = arguments.scale(self.scale)

    def _check_input_shape(self) -> None:
        items = arguments.items_of(self.input_shape)
        if items is not None and len(items) in (4, 5):
            raise ValueError(
                "`input_shape` is the shape of one image without the batch. Received: "
                f"input_shape={shown(self.input_shape)}. If the first axis is the number of "
                "images, write images.shape[1:]. If it is time, as in frames of a video, build "
                "the network for one frame and read each frame with "
                "keras.layers.TimeDistributed."
            )
        if items is not None and len(items) == 1:
            raise ValueError(
                "`input_shape` is the shape of one image, (height, width) or with channels. "
                f"Received: input_shape={shown(self.input_shape)}. For flat images, put the pixels "
                "back into rows first: images.reshape(-1, 28, 28), and write input_shape=(28, 28)."
            )
        meaning = (
            "the shape of one image without the batch, (height, width) or with channels. Each size "
            "is at least 1, or None where it is unknown. Write (28, 28) for grey images of 28 x 28 "
            "pixels, (28, 28, 3) for coloured ones"
        )
        self.input_shape = arguments.size("input_shape", self.input_shape, meaning, (2, 3))

    def _check_reading(self) -> None:
        self.given = self.reading if isinstance(self.reading, list) else [self.reading]
        self.reading = readings_of(self.reading, self.data_format)
        self.data_format = self.reading[0].data_format

    def _check_axes(self, was_given: bool) -> None:
        by_layers = [
            layer.data_format_was_given
            for layer in self.given
            if isinstance(layer, ImageAsSequence)
        ]
        self.data_format_was_given = was_given or any(by_layers)
        if self.data_format_was_given:
            return
        readings = [layer.reading for layer in self.reading]
        doubt = doubt_of_axes(self.input_shape, readings, str(self.data_format))
        doubt = doubt or axes.doubt_of_the_number(self.input_shape, str(self.data_format))
        if doubt:
            raise ValueError(doubt)

    def _made_stem(self) -> ConvStem | None:
        if self.filters is None:
            if self.pool_sizes is not None:
                raise ValueError(
                    "`pool_sizes` belongs to `filters`. Received: "
                    f"pool_sizes={shown(self.pool_sizes)} without filters. Write the number of "
                    "filters of each convolution, as in filters=(16, 32)."
                )
            return None
        values = {layer.mask_value for layer in self.reading}
        if len(values) > 1:
            raise ValueError(
                "With `filters`, all readings have the same convolutions in front, and the same "
                "`mask_value`. Received: "
                f"{shown([layer.mask_value for layer in self.reading])}. Write the same mask_value "
                "in all readings."
            )
        return ConvStem(
            self.filters,
            self.pool_sizes,
            values.pop(),
            self.data_format,  # type: ignore[arg-type]
            scale=self.scale,
            name=self.named("stem"),
        )

    def _check_steps(self) -> None:
        steps = [shape[1] for shape in self.sequence_shapes()]
        if self.unroll is True and None in steps:
            raise ValueError(
                "An unknown number of steps cannot be unrolled. Received: unroll=True, "
                f"input_shape={self.input_shape}. Write unroll='auto', or the size as numbers."
            )
        has_mask = any(layer.mask_value is not None for layer in self.reading)
        is_on_torch = keras.backend.backend() == "torch"
        if self.unroll is True and self.bidirectional and has_mask and is_on_torch:
            raise ValueError(
                "On PyTorch, Keras cannot unroll a backward layer with a mask. Received: "
                "unroll=True, bidirectional=True and a `mask_value`. Write unroll='auto'."
            )
        # Unknown numbers of steps are equal only where patches divide the unknown side alike.
        grids = {self._grid_of(layer) for layer in self.reading} if None in steps else set()
        if self.return_sequences and (len(set(steps)) > 1 or len(grids) > 1):
            numbers = "unknown and different numbers of" if None in steps else shown(steps)
            raise ValueError(
                "With return_sequences=True, all readings have the same number of steps. "
                f"Received: readings of {numbers} steps. Write readings of equal steps, or "
                "return_sequences=False."
            )
        first, *others = self.reading
        are_unlike = any(
            (layer.reading, layer.mask_value) != (first.reading, first.mask_value)
            for layer in others
        )
        if self.return_sequences and has_mask and are_unlike:
            raise ValueError(
                "With return_sequences=True and `mask_value`, all readings must be the same. "
                "Readings that differ would join steps of padding with real ones. Received: "
                f"{len(self.reading)} readings. Write one, and bidirectional=True to read in both "
                "directions."
            )

    @property
    def _shape_read(self) -> Any:
        """The shape of what the readings read: the images, or their features."""
        shape = (None, *self.input_shape)
        return shape if self.stem is None else self.stem.compute_output_shape(shape)

    def _grid_of(self, layer: ImageAsSequence) -> tuple[Any, ...]:
        """Patches down and across, or the pixels of one where their number is unknown."""
        _, size, _ = axes.sizes_of(self._shape_read, layer.data_format)
        sides = zip(layer.reading.grid_size(size), layer.reading.patch_size(size), strict=True)
        return tuple(("every", pixels) if number is None else number for number, pixels in sides)


def _is_default(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and value == 0)

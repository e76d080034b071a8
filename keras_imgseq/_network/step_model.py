"""The model of one step: a part of an image and the states in, the answer and new states out."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers as keras_layers
from keras import ops

from keras_imgseq._network.parts import Parts, parts_of, turns
from keras_imgseq._network.streamable import check_layers, in_front_of, is_from_one_to_one
from keras_imgseq._reading import axes
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.image_as_sequence import ImageAsSequence

# More steps of one part are a loop in the graph.
MOST_STEPS_OF_A_PART = 64
# The name of the input that an image comes in by, part by part.
PART, OTHER_PART = "part", "part_of_image"


def build_step_model(model: keras.Model) -> keras.Model:
    """Builds the model of one step of a network, to answer while an image is being taken.

    A step takes the next part of the image and the states, and returns the answer so far and the
    new states. The answer after the last part is that of the whole network. It is small, of fixed
    size but for the batch, and exports where the whole network does not. `Stream` feeds it.

    A part is a row of the image, or a column where columns are read, or as many of them as the
    patch is high. Where several readings have patches of several heights, it is as many as all of
    them divide.

    Args:
        model: A network of `build_image_rnn`, trained or loaded. Both models share the weights.

    Returns:
        A functional `keras.Model` from `[part, *states]` to `[answer, *states]`. All states are
        zeros before the first part, unless a cell of your own says otherwise.

    Input shape:
        The part: `(batch, width)` for rows, `(batch, height)` for columns, with the channels where
        they stand in the image: `(batch, width, channels)`, or `(batch, channels, width)` with
        `data_format="channels_first"`. Patches of `p` lines take `(batch, p, width)`. Each state:
        `(batch, units)`. A snake has one more state, `(batch, 1)`, the direction of the next row.

    Output shape:
        The answer: `(batch, classes)`. A network with `return_sequences=True` answers at each step
        of a part, `(batch, steps, classes)`, where a part has more than one. The states are as in
        the input.

    Raises:
        ValueError: If the network needs more of the image than one part: if it is bidirectional,
            reads backwards, in another order than raster and snake, or in several directions, if
            it has `filters` or `mask_value`, or if `padding="same"` adds lines. If the model is
            not of `build_image_rnn`.

    Examples:
        >>> import keras_imgseq
        >>> model = keras_imgseq.build_image_rnn((28, 28), 10)
        >>> step = keras_imgseq.build_step_model(model)
        >>> [tensor.shape for tensor in step.inputs], [tensor.shape for tensor in step.outputs]
        ([(None, 28), (None, 16)], [(None, 10), (None, 16)])
    """
    return StepGraph(model).built()


class StepGraph:
    """A walk through the graph of a network that builds it anew for one part."""

    def __init__(self, model: Any) -> None:
        self.model = model
        if not isinstance(model, keras.Model) or not is_from_one_to_one(model):
            inputs = getattr(model, "inputs", None) or [None]
            is_step = getattr(inputs[0], "name", None) in (PART, OTHER_PART)
            cure = "Write build_step_model(build_image_rnn(...))."
            if is_step:
                cure = "A loaded step model lacks its network. Save and load the whole network."
            raise ValueError(
                "A step model is made of a network of build_image_rnn. Received: "
                f"model={shown(model)}. {cure}"
            )
        self.readings = [layer for layer in model.layers if isinstance(layer, ImageAsSequence)]
        check_layers(model, self.readings)
        self.data_format = self.readings[0].data_format
        _, size, self.num_channels = axes.sizes_of(model.input_shape, self.data_format)
        self.parts: Parts = parts_of(self.readings, size)
        self.producers = {
            id(tensor): layer
            for layer in model.layers
            for tensor in keras.tree.flatten(layer.output)
        }
        # A layer of the network may have that name.
        name = OTHER_PART if PART in [layer.name for layer in model.layers] else PART
        self.part = keras.Input(self._part_shape(), dtype=model.inputs[0].dtype, name=name)
        self.states: list[Any] = []
        self.new_states: list[Any] = []
        # For each state, a function from a number of cameras to its values before the first part.
        self.initial: list[Callable[[int], Any]] = []
        self.built_tensors: dict[int, Any] = {}

    def built(self) -> keras.Model:
        is_chain = isinstance(self.model, keras.Sequential)
        answer = self._rebuilt_chain() if is_chain else self._rebuilt(self.model.outputs[0])
        if len(answer.shape) == 3 and answer.shape[1] == 1:
            answer = ops.squeeze(answer, axis=1)
        model = keras.Model(
            [self.part, *self.states], [answer, *self.new_states], name=f"{self.model.name}_step"
        )
        # Keras exports only what was called before.
        model(model.inputs)
        # What a stream must know of it.
        model.step_graph = self
        return model

    def initial_states(self, cameras: int) -> list[npt.NDArray[Any]]:
        """The states before the first part, `(cameras, units)` each."""
        return [np.array(keras.ops.convert_to_numpy(make(cameras))) for make in self.initial]

    def _part_shape(self) -> tuple[int, ...]:
        line: tuple[int, ...] = (self.parts.line_length,)
        if len(self.model.input_shape) == 4:
            place = 0 if self.data_format == "channels_first" else 1
            line = (*line[:place], self.num_channels, *line[place:])
        return line if self.parts.num_lines == 1 else (self.parts.num_lines, *line)

    def _rebuilt_chain(self) -> Any:
        """The answer of a Sequential, whose layers know tensors of each time that one was added."""
        tensor = None
        for layer in self.model.layers:
            if isinstance(layer, ImageAsSequence):
                tensor = self._sequence(layer, is_first=tensor is None)
            elif tensor is None:
                raise ValueError(in_front_of(self.readings[0]))
            else:
                tensor = self._applied(layer, tensor)
        return tensor

    def _applied(self, layer: Any, inputs: Any) -> Any:
        is_recurrent = isinstance(layer, keras_layers.RNN)
        return self._recurrent(layer, inputs) if is_recurrent else layer(inputs)

    def _rebuilt(self, tensor: Any) -> Any:
        """The tensor of the step model in the place of one of the network."""
        if id(tensor) not in self.built_tensors:
            layer = self.producers.get(id(tensor))
            if layer is None:
                raise ValueError(
                    "The graph of a streamed network consists of layers that are used once. "
                    "Received: a model with an operation outside of a layer, or a layer of another "
                    "model. Write a network of build_image_rnn."
                )
            if isinstance(layer, ImageAsSequence):
                is_first = layer.input is self.model.inputs[0]
                self.built_tensors[id(tensor)] = self._sequence(layer, is_first)
            else:
                inputs = keras.tree.map_structure(self._rebuilt, layer.input)
                self.built_tensors[id(tensor)] = self._applied(layer, inputs)
        return self.built_tensors[id(tensor)]

    def _sequence(self, layer: ImageAsSequence, is_first: bool) -> Any:
        """The steps of a part in their order."""
        if not is_first:
            raise ValueError(in_front_of(layer))
        image = self._part_as_image()
        reading = layer.reading
        step: Any = reading.patch_size(self.parts.image_size)
        options: dict[str, Any] = {"data_format": self.data_format, "padding": reading.padding}
        is_snake = reading.order == "snake"
        straight = ImageAsSequence(
            step,
            "snake" if is_snake else "raster",
            transpose=self.parts.along == 1,
            name=layer.name,
            **options,
        )
        if not turns(reading, self.parts):
            return straight(image)
        grid: Any = straight.reading.grid_size(self.parts.image_size)
        lines = straight.reading.path(*grid).reshape(grid[self.parts.along], -1)
        turned = ImageAsSequence(
            step, np.flip(lines, axis=1).ravel().tolist(), name=f"{layer.name}_turned", **options
        )
        is_turned = keras.Input((1,), dtype=layer.variable_dtype, name=f"{layer.name}_is_turned")
        self.states.append(is_turned)
        self.initial.append(lambda cameras: keras.ops.zeros((cameras, 1), layer.variable_dtype))
        self.new_states.append(1 - is_turned)
        return ops.where(is_turned[:, :, None] > 0.5, turned(image), straight(image))

    def _part_as_image(self) -> Any:
        """The part as a batch of images in the network's data format."""
        lines = self.part
        if self.parts.num_lines == 1:
            # Not a layer, which would cast under a policy of half precision.
            lines = ops.expand_dims(lines, 1)
        is_coloured = len(self.model.input_shape) == 4
        if not is_coloured:
            order = (1, 2) if self.parts.along == 0 else (2, 1)
        elif self.data_format == "channels_last":
            order = (1, 2, 3) if self.parts.along == 0 else (2, 1, 3)  # type: ignore[assignment]
        else:
            order = (2, 1, 3) if self.parts.along == 0 else (2, 3, 1)  # type: ignore[assignment]
        return lines if order == tuple(sorted(order)) else ops.transpose(lines, (0, *order))

    def _recurrent(self, layer: Any, sequences: Any) -> Any:
        """The layer's cell over the steps of a part, from the states to the new ones."""
        if isinstance(sequences, list):
            raise ValueError(
                "A stream gives each layer its states. Received: the layer "
                f"{layer.name!r} with an initial_state of its own. Write a network of "
                "build_image_rnn."
            )
        dtype = layer.variable_dtype
        states = [
            keras.Input((size,), dtype=dtype, name=f"{layer.name}_state_{number}")
            for number, size in enumerate(keras.tree.flatten(layer.cell.state_size), start=1)
        ]
        # Keras loads a cell outside of its layer, and PyTorch tells weights apart by their names.
        layer.cell.name = f"{layer.name}_cell"
        of_part = keras_layers.RNN(
            layer.cell,
            return_sequences=layer.return_sequences,
            return_state=True,
            unroll=sequences.shape[1] <= MOST_STEPS_OF_A_PART,
            dtype=layer.dtype_policy,
            name=layer.name,
        )
        outputs, *new_states = of_part(sequences, initial_state=states)
        self.states += states
        self.initial += [partial(_initial_state, layer, place) for place in range(len(states))]
        self.new_states += [
            state if state.dtype == dtype else ops.cast(state, dtype) for state in new_states
        ]
        return outputs


def _initial_state(layer: Any, place: int, cameras: int) -> Any:
    state = keras.tree.flatten(layer.get_initial_state(cameras))[place]
    return ops.cast(state, layer.variable_dtype)

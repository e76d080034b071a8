"""The factory that puts a recurrent network on top of a reading."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from keras_imgseq._network.architecture import MERGES, Architecture, Cell, Merge
from keras_imgseq._network.model import ImageRNN
from keras_imgseq._reading import doubts
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.axes import DataFormat
from keras_imgseq._reading.doubtful_readings import doubt_of_padding
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._reading.reading_arguments import Step
from keras_imgseq._reading.rearrangement import Shape
from keras_imgseq._recurrent.cells import CELLS
from keras_imgseq._recurrent.layers import MOST_UNROLLED_STEPS, SimpleRNN

OneReading = Step | ImageAsSequence
Readings = OneReading | Literal["cross"] | tuple[Literal["cross"], Step] | list[OneReading] | None


def build_image_rnn(
    input_shape: Shape,
    classes: int | None,
    *,
    units: int | Sequence[int] = 16,
    cell: Cell = "simple_rnn",
    activation: Any = None,
    reading: Readings = None,
    merge: Merge = "concat",
    bidirectional: bool = False,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    return_sequences: bool = False,
    filters: int | Sequence[int] | None = None,
    pool_sizes: Sequence[Sequence[int]] | None = None,
    classifier_activation: Any = "softmax",
    scale: float | None = None,
    unroll: Literal["auto"] | bool = "auto",
    data_format: DataFormat | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a recurrent network that reads images as sequences.

    With the first two arguments alone it is the small model of the book: a SimpleRNN of 16
    relu units over the rows of the image, and a softmax over the classes.

    Args:
        input_shape: The shape of one image without the batch: `(height, width)`,
            `(height, width, channels)`, or `(channels, height, width)` with
            `data_format="channels_first"`. Height or width may be `None` where the reading
            allows it.
        classes: Number of outputs. `None` omits the head, so that the features come out.
        units: Number of units, or a sequence of them: one recurrent layer for each, stacked.
        cell: `"simple_rnn"`, `"gru"`, `"lstm"`, or a callable that takes a number of units and
            returns a Keras RNN cell, such as `keras.layers.GRUCell`.
        activation: Activation of the recurrent layers. `None` means relu for `"simple_rnn"`,
            as in the book, and Keras' own default for the others.
        reading: What the network reads: `None` for rows, a step as in `ImageAsSequence`, or an
            `ImageAsSequence`. A pair of ints in round brackets is one patch. A list holds
            several readings, each with its own recurrent layers. `"cross"` stands for four: rows
            first, columns first, and both backwards, of single pixels, or of the step given as
            `("cross", step)`.
        merge: How several readings are joined: `"concat"`, `"sum"`, `"mean"` or `"max"`.
        bidirectional: Whether each recurrent layer reads the sequence in both directions and
            concatenates what it found.
        dropout: Fraction of the features to drop, from 0 up to, but not including, 1.
        recurrent_dropout: Fraction of the recurrent state to drop, in the same range.
        return_sequences: Whether the network answers at every step instead of after the last.
        filters: Number of filters of a convolution in front of the reading, or a sequence of
            them: one convolution for each, as in `ConvStem`. `None` means no convolution.
        pool_sizes: A pair of ints `(height, width)` for each convolution: the pixels of which
            the largest is kept. `None` means `(2, 2)` for each. The reading reads what is left.
        classifier_activation: Activation of the output. `None` returns the logits.
        scale: Number that multiplies what is read, for example `1/255` for `uint8` images. The
            `mask_value` of a reading is compared with the pixels as they are given.
        unroll: `"auto"` runs the recurrent layers the way that was measured to train fastest for
            their length on the backend, with Keras' weights and results. `True` and `False`
            take Keras' own layers, unrolled or not.
        data_format: `"channels_last"` or `"channels_first"`. `None` takes the one of the
            readings given as layers, or else of the Keras configuration.
        name: Name of the model. It also begins the name of every layer, so that two networks
            fit into one model.

    Returns:
        An uncompiled functional `keras.Model`, whose layers are named `images`,
        `as_sequence`, `rnn_1`, `rnn_2` and so on, `logits` and `probabilities`. With several
        readings, `reading_1_as_sequence` and so on, and `merged`. With `filters`, `stem` after
        `images`. With `scale` and no `filters`, `scaled` after `as_sequence`.

    Raises:
        ValueError: If an argument is none of the above, or if they do not fit together. If
            `data_format` is not given and the axes of `input_shape` are in doubt: the channels
            seem to stand on the other side, or the first axis seems to be a number of images.

    Reference:
        Armando Fandango, "Mastering TensorFlow 1.x" (Packt, 2018), chapter "RNN with
        TensorFlow and Keras", section "RNN in Keras for MNIST data".

    Examples:
        >>> import keras_imgseq
        >>> model = keras_imgseq.build_image_rnn((28, 28), 10)
        >>> model.count_params()
        890
        >>> [layer.name for layer in model.layers]
        ['images', 'as_sequence', 'rnn_1', 'logits', 'probabilities']
        >>> model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    """
    network = Architecture.of(locals())
    images = keras.Input(network.input_shape, name=network.named("images"))
    several = len(network.reading) > 1
    read = images if network.stem is None else network.stem(images)
    branches = [
        _branch(read, layer, network, f"reading_{number}_" if several else "")
        for number, layer in enumerate(network.reading, start=1)
    ]
    outputs = branches[0]
    if several:
        outputs = MERGES[network.merge](name=network.named("merged"))(branches)
    if network.classes is not None:
        outputs = keras.layers.Dense(network.classes, name=network.named("logits"))(outputs)
        if classifier_activation is not None:
            # Half precision rounds small probabilities to zero.
            dtype = keras.config.dtype_policy().variable_dtype
            outputs = keras.layers.Activation(
                classifier_activation, dtype=dtype, name=network.named("probabilities")
            )(outputs)
    model: keras.Model = ImageRNN(images, outputs, name=network.name)
    # Keras exports only what was called before.
    model(images)
    return model


def _branch(images: Any, reading: ImageAsSequence, network: Architecture, prefix: str) -> Any:
    """One reading of the images and its own stack of recurrent layers."""
    layer = reading
    has_mask, data_format = reading.mask_value is not None, reading.data_format
    if any(reading is given for given in network.given) or network.stem is not None:
        # A copy, because the layer that was given may be built for other images.
        config = reading.get_config()
        if network.stem is not None:
            # The stem finds the padding, and hands its mask over.
            config["mask_value"] = None
        layer = type(reading).from_config(config)
        doubt = doubt_of_padding(reading.reading, reading.mask_value, images.shape, data_format)
        doubts.warn(doubt)
    layer.data_format_was_given = network.data_format_was_given or network.stem is not None
    layer.name = network.named(prefix + "as_sequence")
    outputs = layer(images)
    if network.scale is not None and network.stem is None:
        name = network.named(prefix + "scaled")
        outputs = keras.layers.Rescaling(network.scale, name=name)(outputs)
    for number, num_units in enumerate(network.units, start=1):
        return_sequences = network.return_sequences or number < len(network.units)
        options = {
            "return_sequences": return_sequences,
            "unroll": network.unroll is True,
            "name": network.named(f"{prefix}rnn_{number}"),
        }
        outputs = _recurrent_layer(network, num_units, options, has_mask)(outputs)
    return outputs


def _recurrent_layer(
    network: Architecture, num_units: int, options: dict[str, Any], has_mask: bool
) -> Any:
    if callable(network.cell):
        cell = _made_cell(network.cell, num_units)
        if any(cell is made for made in network.cells_made):
            raise ValueError(
                "A callable cell makes a new cell at each call, one for each layer. Received: "
                f"the same cell twice from cell={shown(network.cell)}. Write "
                "cell=keras.layers.GRUCell, or make the cell inside of the callable."
            )
        network.cells_made.append(cell)
        layer = _around(cell, options)
    else:
        row = CELLS[network.cell]
        is_faster = network.unroll == "auto"
        activation: Any = row.activation if network.activation is None else network.activation
        is_layer = isinstance(activation, keras.layers.Layer)
        if is_layer and (network.num_layers > 1 or activation.built):
            # Its weights, if it has any, are as many as the units of one layer.
            activation = type(activation).from_config(activation.get_config())
        of_cell = {
            "activation": activation,
            "dropout": network.dropout,
            "recurrent_dropout": network.recurrent_dropout,
        }
        if is_faster and row.faster_layer is SimpleRNN:
            options["most_unrolled_steps"] = MOST_UNROLLED_STEPS // network.num_layers
        layer = (row.faster_layer if is_faster else row.layer)(num_units, **of_cell, **options)
        if has_mask and network.unroll is False and hasattr(layer, "use_cudnn"):
            # Keras' own layer would give cuDNN a mask that begins late or is all false.
            layer = _around(layer.cell, options)
    if not network.bidirectional:
        return layer
    try:
        return keras.layers.Bidirectional(layer, name=options["name"])
    except TypeError as error:
        raise ValueError(
            "A bidirectional network makes its second direction from the cell's configuration, "
            f"as saving does. Received: cell={shown(network.cell)}, whose configuration cannot be "
            "read back. Write @keras.saving.register_keras_serializable() above the class of "
            "the cell, and a `get_config` with all its arguments."
        ) from error


def _around(cell: Any, options: dict[str, Any]) -> Any:
    # Keras loads a cell outside of its layer, and PyTorch tells weights apart by their names.
    cell.name = f"{options['name']}_cell"
    return keras.layers.RNN(cell, **options)


def _made_cell(make_cell: Callable[[int], Any], num_units: int) -> Any:
    error = None
    try:
        cell = make_cell(num_units)
    except Exception as raised:
        cell, error = raised, raised
    is_layer = isinstance(cell, keras.layers.RNN)
    if error or is_layer or not hasattr(cell, "call") or not hasattr(cell, "state_size"):
        raise ValueError(
            "A callable cell takes a number of units and returns a Keras RNN cell, with a `call` "
            f"and a `state_size`. Received: cell({num_units})={shown(cell)}. Write a cell, as in "
            "cell=keras.layers.GRUCell, not a layer."
        ) from error
    return cell

"""The number of parameters of an image RNN, by formula."""

from collections.abc import Sequence
from typing import Any, Literal

from keras_imgseq._network.architecture import Architecture, Cell, Merge
from keras_imgseq._network.image_rnn import Readings
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.axes import DataFormat
from keras_imgseq._reading.rearrangement import Shape
from keras_imgseq._recurrent.cells import CELLS


def count_image_rnn_params(
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
) -> int:
    """Counts the parameters of `build_image_rnn` with the same arguments, without building it.

    With `f` features and `u` units, a recurrent layer has `u * (f + u + 1)` parameters as
    `"simple_rnn"`, `4 * u * (f + u + 1)` as `"lstm"` and `3 * u * (f + u + 2)` as `"gru"`.
    Twice as many if it is bidirectional, and the next layer then has `2 * u` features. Each
    reading has its own layers. The head has `classes * (f + 1)`. A convolution of `n` filters
    over `c` channels has `9 * c * n`, and its normalization `4 * n`. Weights of an activation that
    is a layer are not counted.

    Args:
        input_shape: The shape of one image without the batch: `(height, width)`,
            `(height, width, channels)`, or `(channels, height, width)` with
            `data_format="channels_first"`. Height or width may be `None` where the reading
            allows it.
        classes: Number of outputs. `None` omits the head, so that the features come out.
        units: Number of units, or a sequence of them: one recurrent layer for each, stacked.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`. A callable has no formula.
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
        The number of parameters, an int.

    Raises:
        ValueError: As `build_image_rnn`, and if `cell` is a callable.

    Examples:
        >>> import keras_imgseq
        >>> keras_imgseq.count_image_rnn_params((28, 28), 10)
        890
        >>> keras_imgseq.count_image_rnn_params((28, 28), 10, units=64, cell="lstm")
        24458
    """
    network = Architecture.of(locals())
    if not isinstance(network.cell, str):
        raise ValueError(
            f"A callable cell has no formula. Received: cell={shown(cell)}. Build the model and "
            "ask it: build_image_rnn(...).count_params()."
        )
    directions = 2 if bidirectional else 1
    num_params = network.num_stem_params()
    for _, _, num_features in network.sequence_shapes():
        num_inputs = [num_features, *(directions * num_units for num_units in network.units)]
        for inputs, num_units in zip(num_inputs, network.units, strict=False):
            num_params += directions * CELLS[network.cell].num_params(inputs, num_units)
    if network.classes is None:
        return num_params
    num_branches = len(network.reading) if network.merge == "concat" else 1
    num_features = num_branches * directions * network.units[-1]
    return int(num_params + network.classes * (num_features + 1))

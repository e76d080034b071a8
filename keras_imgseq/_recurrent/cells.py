"""The table of cells: all that the package knows of each."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import keras

from keras_imgseq._recurrent import layers

CellName = Literal["simple_rnn", "gru", "lstm"]


class Cell(NamedTuple):
    """One row of the table."""

    layer: Any
    faster_layer: Any
    activation: str
    # By the numbers of features and units.
    num_params: Callable[[int, int], int]


CELLS: dict[str, Cell] = {
    "simple_rnn": Cell(
        keras.layers.SimpleRNN,
        layers.SimpleRNN,
        "relu",
        lambda features, units: units * (features + units + 1),
    ),
    "gru": Cell(
        keras.layers.GRU,
        layers.GRU,
        "tanh",
        lambda features, units: 3 * units * (features + units + 2),
    ),
    "lstm": Cell(
        keras.layers.LSTM,
        layers.LSTM,
        "tanh",
        lambda features, units: 4 * units * (features + units + 1),
    ),
}

"""Training steps of the book's network and of larger ones, against Keras and the frameworks."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from benchmarks import frameworks
from benchmarks.pairs import Pair, timed_in_turn
from keras_imgseq import build_image_rnn

BATCH_SIZE = 100
BOOK = "simple_rnn, 16 units, 28 rows"
TYPED = "as typed in Keras"
# Cell, units, rows, and steps of an epoch: the whole of the book's 55,000 images, or fewer.
NETWORKS = {
    BOOK: ("simple_rnn", 16, 28, 550),
    "gru, 64 units, 28 rows": ("gru", 64, 28, 100),
    "lstm, 64 units, 28 rows": ("lstm", 64, 28, 100),
    "simple_rnn, 16 units, 112 rows": ("simple_rnn", 16, 112, 100),
}
KERAS_LAYERS = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
}
# What the documentation recommends for the network of the book.
RECOMMENDED: dict[str, dict[str, Any]] = {
    "tensorflow": {"steps_per_execution": 10},
    "jax": {"steps_per_execution": 10},
    "torch": {},
}


def pairs(num_rounds: int, tiny: bool) -> Iterator[Pair]:
    """Ours beside its peers, in seconds a training step."""
    for name, (cell, units, height, all_steps) in NETWORKS.items():
        num_steps = 2 if tiny else all_steps
        images = np.random.default_rng(0).random((num_steps * BATCH_SIZE, height, 28), "float32")
        labels = np.arange(len(images)) % 10

        def beside(ours: Any, peer: Any, group: str = f"train {name}") -> Pair:
            return timed_in_turn(group, ours, peer, num_rounds=num_rounds, clock=lambda f: f())

        ours = (
            "ours",
            fit(build_image_rnn((height, 28), 10, units=units, cell=cell), images, labels),
        )
        typed = TYPED, fit(as_typed(cell, units, height), images, labels)
        yield beside(ours, typed)
        if name == BOOK:
            yield beside(ours, ("no recurrent layer", fit(without_recurrence(), images, labels)))
        direct = frameworks.epoch(cell, units, images, labels, BATCH_SIZE)
        if direct and height == 28:
            yield beside(ours, direct)
        arguments = RECOMMENDED[keras.backend.backend()]
        if name != BOOK or not arguments:
            continue
        said = ", ".join(f"{key}={value}" for key, value in arguments.items())
        compiled = f"ours, {said}", fit(build_image_rnn((28, 28), 10), images, labels, **arguments)
        yield beside(compiled, typed)
        same = f"as typed, {said}", fit(as_typed(cell, units, height), images, labels, **arguments)
        yield beside(compiled, same)
        if direct:
            yield beside(compiled, direct)


def speedups(measured: list[Pair]) -> dict[str, float]:
    """How many times as fast a network trains as with Keras' own layer, for the picture."""
    return {
        pair.group.removeprefix("train "): round(statistics.median(pair.ratios), 2)
        for pair in measured
        if (pair.ours, pair.peer) == ("ours", TYPED)
    }


def as_typed(cell: str, units: int, height: int, *, masked: bool = False) -> keras.Model:
    """The network as the book types it, in Keras 3, with a mask or without."""
    activation = {"activation": "relu"} if cell == "simple_rnn" else {}
    return keras.Sequential(
        [
            keras.Input((height, 28)),
            *([keras.layers.Masking()] if masked else []),
            KERAS_LAYERS[cell](units, **activation),
            keras.layers.Dense(10),
            keras.layers.Activation("softmax"),
        ]
    )


def without_recurrence() -> keras.Model:
    """What is left of the network of the book without its SimpleRNN: Keras' own fixed cost."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
            keras.layers.Activation("softmax"),
        ]
    )


def fit(
    model: keras.Model,
    images: Any,
    labels: Any,
    *,
    batch_size: int = BATCH_SIZE,
    **arguments: Any,
) -> Callable[[], float]:
    """Compiles a model. Returns an epoch of its training, which returns its seconds a step."""
    model.compile(
        keras.optimizers.RMSprop(0.001),
        "categorical_crossentropy",
        metrics=["accuracy"],
        **arguments,
    )
    one_hot = keras.utils.to_categorical(labels, 10)
    clock = EpochClock()

    def epoch() -> float:
        model.fit(images, one_hot, batch_size=batch_size, verbose=0, callbacks=[clock])
        return clock.seconds * batch_size / len(images)

    return epoch


class EpochClock(keras.callbacks.Callback):  # type: ignore[misc]
    """Times an epoch without what comes once for each `fit`, as its progress bar does."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops."""
        self.seconds = time.perf_counter() - self.start

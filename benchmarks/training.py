"""Training steps of the book's network and of larger ones, against Keras and the frameworks."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from benchmarks import frameworks
from benchmarks.pairs import Pair, timed_in_turn
from keras_imgseq import build_image_rnn

BATCH_SIZE = 100
NETWORKS = {
    "simple_rnn, 16 units, 28 rows": ("simple_rnn", 16, 28),
    "gru, 64 units, 28 rows": ("gru", 64, 28),
    "lstm, 64 units, 28 rows": ("lstm", 64, 28),
    "simple_rnn, 16 units, 112 rows": ("simple_rnn", 16, 112),
}
KERAS_LAYERS = {
    "simple_rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
}
# What the documentation recommends for the network of the book.
RECOMMENDED: dict[str, dict[str, Any]] = {
    "tensorflow": {"jit_compile": True, "steps_per_execution": 50},
    "jax": {"steps_per_execution": 50},
    "torch": {},
}


def pairs(num_rounds: int, num_steps: int) -> Iterator[Pair]:
    """Ours beside its peers, in milliseconds a training step."""
    for name, (cell, units, height) in NETWORKS.items():
        images = np.random.default_rng(0).random((num_steps * BATCH_SIZE, height, 28), "float32")
        labels = np.arange(len(images)) % 10
        ours = fit(build_image_rnn((height, 28), 10, units=units, cell=cell), images, labels)
        typed = fit(as_typed(cell, units, height), images, labels)
        yield _per_step(f"train {name}", "ours", ours, "as typed in Keras", typed, num_rounds)
        if height != 28:
            continue
        direct = frameworks.epoch(cell, units, images, labels, BATCH_SIZE)
        if direct:
            yield _per_step(f"train {name}", "ours", ours, *direct, num_rounds)
        arguments = RECOMMENDED[keras.backend.backend()]
        if cell == "simple_rnn" and arguments:
            model = build_image_rnn((height, 28), 10)
            compiled = fit(model, images, labels, **arguments)
            said = ", ".join(f"{key}={value}" for key, value in arguments.items())
            group = f"train {name}"
            yield _per_step(
                group, f"ours, {said}", compiled, "as typed in Keras", typed, num_rounds
            )
            same = fit(as_typed(cell, units, height), images, labels, **arguments)
            yield _per_step(group, f"ours, {said}", compiled, f"as typed, {said}", same, num_rounds)
            if direct:
                yield _per_step(group, f"ours, {said}", compiled, *direct, num_rounds)


def _per_step(
    group: str, our_name: str, ours: Any, peer_name: str, peer: Any, num_rounds: int
) -> Pair:
    num_steps = ours.num_steps
    pair = timed_in_turn(group, (our_name, ours), (peer_name, peer), num_rounds=num_rounds)
    return Pair(
        group,
        our_name,
        peer_name,
        [seconds / num_steps for seconds in pair.our_seconds],
        [seconds / num_steps for seconds in pair.peer_seconds],
    )


def as_typed(cell: str, units: int, height: int) -> keras.Model:
    """The network as the book types it, in Keras 3."""
    activation = {"activation": "relu"} if cell == "simple_rnn" else {}
    return keras.Sequential(
        [
            keras.Input((height, 28)),
            KERAS_LAYERS[cell](units, **activation),
            keras.layers.Dense(10),
            keras.layers.Activation("softmax"),
        ]
    )


def fit(model: keras.Model, images: Any, labels: Any, **arguments: Any) -> Any:
    """Compiles a model; returns one epoch of its training, to be called."""
    model.compile(
        keras.optimizers.RMSprop(0.001),
        "categorical_crossentropy",
        metrics=["accuracy"],
        **arguments,
    )
    one_hot = keras.utils.to_categorical(labels, 10)

    def epoch() -> None:
        model.fit(images, one_hot, batch_size=BATCH_SIZE, verbose=0)

    epoch.num_steps = len(images) // BATCH_SIZE
    return epoch

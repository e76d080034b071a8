"""The two recipes for the book's network, and one training with either."""

import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
from mnist_data import Digits

from keras_imgseq import build_image_rnn


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model, how its training went, and what it reached."""

    seed: int
    model: keras.Model
    epochs: list[int]
    history: dict[str, list[float]]
    validation_accuracy: float
    test_loss: float
    test_accuracy: float


# --8<-- [start:book]
def book(digits: Digits, epochs: int, batch_size: int) -> keras.Model:
    """The recipe of the book: RMSprop with a learning rate of 0.01."""
    model = build_image_rnn(digits.x_train.shape[1:], digits.num_classes)
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=0.01),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


# --8<-- [end:book]


# --8<-- [start:steady]
def steady(digits: Digits, epochs: int, batch_size: int) -> keras.Model:
    """A recipe that trains the same network well, every time."""
    model = build_image_rnn(digits.x_train.shape[1:], digits.num_classes)
    # With the identity, a relu network starts by adding up what it has seen.
    recurrent_layer = model.get_layer("rnn_1")
    kernel, recurrent_kernel, bias = recurrent_layer.get_weights()
    recurrent_layer.set_weights([kernel, np.eye(len(recurrent_kernel)), bias])

    num_batches = -(-len(digits.x_train) // batch_size)
    learning_rate = keras.optimizers.schedules.CosineDecay(0.004, epochs * num_batches)
    model.compile(
        optimizer=keras.optimizers.Nadam(learning_rate, clipnorm=1.0),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


# --8<-- [end:steady]


RECIPES = {"book": book, "steady": steady}
BATCH_SIZES = {"book": 100, "steady": 50}


def train(
    digits: Digits,
    recipe: str,
    *,
    seed: int,
    epochs: int = 20,
    batch_size: int | None = None,
    backup: Path | None = None,
    verbose: bool = True,
) -> Run:
    """Trains one model and tests it; `backup` is a folder that a killed run goes on from."""
    batch_size = batch_size or BATCH_SIZES[recipe]
    keras.utils.set_random_seed(seed)
    model = RECIPES[recipe](digits, epochs, batch_size)
    if verbose:
        model.summary()
    callbacks = []
    if backup:
        repair(backup)
        callbacks.append(
            keras.callbacks.BackupAndRestore(
                str(backup), double_checkpoint=True, delete_checkpoint=False
            )
        )

    # --8<-- [start:train]
    def one_hot(labels: np.ndarray) -> np.ndarray:
        return keras.utils.to_categorical(labels, digits.num_classes)

    validation_data = (digits.x_validation, one_hot(digits.y_validation))
    history = model.fit(
        digits.x_train,
        one_hot(digits.y_train),
        batch_size=batch_size,
        epochs=epochs,
        validation_data=validation_data,
        callbacks=callbacks,
        verbose=int(verbose),
    )
    _, validation_accuracy = model.evaluate(*validation_data, verbose=0)
    loss, accuracy = model.evaluate(digits.x_test, one_hot(digits.y_test), verbose=0)
    # --8<-- [end:train]
    return Run(seed, model, history.epoch, history.history, validation_accuracy, loss, accuracy)


def repair(backup: Path) -> None:
    """Takes a step back where a run was killed while it wrote down its epoch, which Keras reads."""
    epoch = backup / "training_metadata.json"
    try:
        json.loads(epoch.read_text())
    except FileNotFoundError:
        return
    except json.JSONDecodeError:
        copies = list(backup.glob("*.bkp"))
        for copy in copies:
            shutil.copy(copy, copy.with_suffix(""))
        if not copies:
            shutil.rmtree(backup)

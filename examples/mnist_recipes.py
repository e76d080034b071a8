"""The two recipes for the book's network, and one training with either."""

import dataclasses

import keras
import numpy as np
import training_run
from mnist_data import Digits
from resume_folder import States
from training_run import Shuffled, Trained

from keras_imgseq import build_image_rnn


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model, how its training went, and what it reached."""

    seed: int
    trained: Trained
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
        optimizer=keras.optimizers.Adam(learning_rate, clipnorm=1.0),
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
    states: States | None = None,
    verbose: bool = True,
) -> Run:
    """Trains one model and tests it; `states` are those that a killed run goes on from."""
    batch_size = batch_size or BATCH_SIZES[recipe]
    keras.utils.set_random_seed(seed)
    model = RECIPES[recipe](digits, epochs, batch_size)
    if verbose:
        model.summary()

    # --8<-- [start:train]
    def one_hot(labels: np.ndarray) -> np.ndarray:
        return keras.utils.to_categorical(labels, digits.num_classes)

    validation_data = (digits.x_validation, one_hot(digits.y_validation))
    trained = training_run.train(
        model,
        Shuffled(digits.x_train, one_hot(digits.y_train), batch_size, seed),
        epochs=epochs,
        validation_data=validation_data,
        states=states,
        verbose=verbose,
    )
    model = trained.model
    _, validation_accuracy = model.evaluate(*validation_data, verbose=0)
    loss, accuracy = model.evaluate(digits.x_test, one_hot(digits.y_test), verbose=0)
    # --8<-- [end:train]
    return Run(seed, trained, validation_accuracy, loss, accuracy)

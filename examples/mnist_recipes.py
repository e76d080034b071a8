"""The recipes for the book's network, and one training with any of them."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import training_run
from mnist_data import Digits
from resume_folder import States
from training_run import Shuffled, Trained

from keras_imgseq import build_image_rnn


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model, how its training went, and what it reached.

    `accuracy_by_row` is the test accuracy of the answers after each row.
    """

    seed: int
    trained: Trained
    validation_accuracy: float
    test_loss: float
    test_accuracy: float
    accuracy_by_row: list[float]


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
def steady(digits: Digits, epochs: int, batch_size: int, **arguments: Any) -> keras.Model:
    """A recipe that trains the same network well, every time."""
    model = build_image_rnn(digits.x_train.shape[1:], digits.num_classes, **arguments)
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


# --8<-- [start:every-row]
def every_row(digits: Digits, epochs: int, batch_size: int) -> keras.Model:
    """The recipe `steady`, for a network that answers after every row."""
    return steady(digits, epochs, batch_size, return_sequences=True)


# --8<-- [end:every-row]


class Recipe(NamedTuple):
    """A function that builds and compiles the network, and the batch size that goes with it."""

    build: Callable[[Digits, int, int], keras.Model]
    batch_size: int
    answers_after_every_row: bool = False


IMAGES_AT_ONCE = 5000
RECIPES = {
    "book": Recipe(book, 100),
    "steady": Recipe(steady, 50),
    "every-row": Recipe(every_row, 50, answers_after_every_row=True),
}


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
    """Trains one model and tests it. `states` are those that a killed run goes on from."""
    build, default_batch_size, answers_after_every_row = RECIPES[recipe]
    batch_size = batch_size or default_batch_size
    keras.utils.set_random_seed(seed)
    model = build(digits, epochs, batch_size)
    if verbose:
        model.summary()

    # --8<-- [start:train]
    def one_hot(labels: np.ndarray) -> np.ndarray:
        classes = keras.utils.to_categorical(labels, digits.num_classes)
        if not answers_after_every_row:
            return classes
        # The same label for each row.
        shape = (len(labels), digits.x_train.shape[1], digits.num_classes)
        return np.broadcast_to(classes[:, None], shape)

    trained = training_run.train(
        model,
        Shuffled(digits.x_train, one_hot(digits.y_train), batch_size, seed),
        epochs=epochs,
        validation_data=(digits.x_validation, one_hot(digits.y_validation)),
        states=states,
        verbose=verbose,
    )
    # --8<-- [end:train]
    _, validation_accuracy = tested(trained.model, digits.x_validation, digits.y_validation)
    losses, accuracies = tested(trained.model, digits.x_test, digits.y_test)
    return Run(seed, trained, validation_accuracy[-1], losses[-1], accuracies[-1], accuracies)


def tested(
    model: keras.Model, images: np.ndarray, labels: np.ndarray
) -> tuple[list[float], list[float]]:
    """The loss and the accuracy of the answers after each row, the last of which counts."""
    answering = build_image_rnn(images.shape[1:], model.output_shape[-1], return_sequences=True)
    answering.set_weights(model.get_weights())
    losses, rights = np.zeros((2, images.shape[1]))
    # In parts, for other data may have many more images and classes.
    for start in range(0, len(images), IMAGES_AT_ONCE):
        part = labels[start : start + IMAGES_AT_ONCE, None]
        beliefs = answering.predict(images[start : start + IMAGES_AT_ONCE], verbose=0)
        of_label = np.take_along_axis(beliefs, part[:, :, None], axis=2)[:, :, 0]
        losses -= np.log(np.maximum(of_label, 1e-7)).sum(axis=0)
        rights += (beliefs.argmax(axis=2) == part).sum(axis=0)
    return (losses / len(images)).tolist(), (rights / len(images)).tolist()

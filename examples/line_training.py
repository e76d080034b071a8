"""Trains a reader of text lines, keeps the best one, and says how well it reads."""

import dataclasses
import math
import time
import zipfile
from typing import Any

import keras
import numpy as np
import training_run
from command_line import in_epochs
from line_changes import changed
from line_folder import Lines, LinesError
from resume_folder import ResumeError, States

from keras_imgseq import CharacterErrorRate, LineBatches, LineReader

BATCH_SIZE = 16
# The fewest batches of a training: with less, a reader of few lines still reads nothing.
LEAST_BATCHES = 2000
# Epochs and batches without a better result before the training ends.
PATIENCE, PATIENT_BATCHES = 6, 600


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train a reader."""

    epochs: int
    learning_rate: float
    seed: int
    augment: bool
    devices: int


def batches_of(
    lines: Lines, reader: LineReader, recipe: Recipe, what: str, **options: Any
) -> LineBatches:
    """The lines as batches. Lines that are too long for their image are left out, with a word."""
    try:
        return LineBatches(
            lines.images,
            lines.texts,
            reader,
            BATCH_SIZE,
            too_long="skip",
            devices=recipe.devices,
            **options,
        )
    except ValueError as error:
        raise LinesError(f"The lines for the {what} cannot be used. {error}") from error


def epochs_for(num_lines: int, least: int) -> int:
    """Epochs to train on so many lines: the fewer the lines, the more."""
    return max(least, math.ceil(LEAST_BATCHES / math.ceil(num_lines / BATCH_SIZE)))


def train(
    reader: LineReader,
    training: Lines,
    validation: Lines,
    recipe: Recipe,
    states: States | None = None,
) -> training_run.Trained:
    """Trains a reader. The weights at the end are those of the best epoch."""
    augment = changed if recipe.augment else None
    batches = batches_of(training, reader, recipe, "training", augment=augment, seed=recipe.seed)
    watched = batches_of(validation, reader, recipe, "validation", shuffle=False)
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, recipe.epochs * batches.num_batches
    )
    reader.compile(keras.optimizers.Adam(schedule, clipnorm=5.0))
    best = Best(states, math.ceil(PATIENT_BATCHES / batches.num_batches))
    trained = training_run.train(
        reader,
        batches,
        # A finished run that is started again trains no further.
        epochs=best.num_epochs if best.is_over else recipe.epochs,
        validation_data=watched,
        states=states,
        after_epoch=best.compare,
    )
    best.restore(trained.model)
    return trained


class Best:
    """Keeps the weights of the epoch with the fewest wrong characters, and ends the training.

    Args:
        states: Where a run that goes on finds the best weights of the epochs before.
        patience: Epochs without a better result before the training ends.
    """

    name = "val_character_error_rate"

    def __init__(self, states: States | None, patience: int = PATIENCE) -> None:
        self._patience = max(PATIENCE, patience)
        self._states = states
        self._file = states and states.file("best.npz")
        self._weights: list[np.ndarray] | None = None
        self._rates: list[float] = []
        if self._file and self._file.exists():
            try:
                with np.load(self._file) as arrays:
                    *self._weights, rates = (arrays[name] for name in arrays.files)
            except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
                raise ResumeError(
                    f"{self._file} is damaged. Remove the folder {self._file.parent}."
                ) from error
            self._rates = rates.tolist()

    @property
    def num_epochs(self) -> int:
        """The epochs that were compared."""
        return len(self._rates)

    @property
    def is_over(self) -> bool:
        """Whether no epoch was better for a while."""
        if not self._rates:
            return False
        return self.num_epochs - 1 - int(np.argmin(self._rates)) >= self._patience

    def compare(self, epoch: int, figures: dict[str, float], model: keras.Model) -> bool:
        """Compares this epoch with those before, and says whether the training ends."""
        # An epoch that is run again after a kill counts once.
        del self._rates[epoch:]
        self._rates.append(figures[self.name])
        # The first of the best: an epoch that is run again comes to the same weights.
        if int(np.argmin(self._rates)) == epoch:
            self._weights = model.get_weights()
        if self.is_over:
            print(f"No better result for {in_epochs(self._patience)}: the training ends.")
        if self._states and self._file and self._weights:
            arrays = [*self._weights, np.array(self._rates)]
            self._states.put(self._file.name, lambda path: np.savez(path, *arrays))
        return self.is_over

    def restore(self, model: keras.Model) -> None:
        """Gives a model the best weights."""
        if self._weights:
            model.set_weights(self._weights)


def error_rate(reader: LineReader, lines: Lines) -> tuple[float, list[str], float]:
    """The character error rate on lines, what was read, and lines read a second."""
    start = time.perf_counter()
    read = reader.read(lines.images)
    seconds = time.perf_counter() - start
    return rate_of(read, lines.texts), read, len(lines) / seconds


def rate_of(read: list[str], texts: list[str]) -> float:
    """The character error rate of texts that were read."""
    alphabet = "".join(sorted(set("".join([*read, *texts]))))
    metric = CharacterErrorRate()
    for one, text in zip(read, texts, strict=True):
        labels = [[alphabet.index(character) + 1 for character in text] or [0]]
        # A blank after each character, so that doubled ones stay two.
        steps = [step for character in one for step in (alphabet.index(character) + 1, 0)] or [0]
        metric.update_state(np.array(labels), np.eye(len(alphabet) + 1)[[steps]])
    return float(metric.result())

"""Trains a model so that the run can be watched, stopped, killed and resumed."""

import contextlib
import dataclasses
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import keras
import numpy as np
from command_line import STOPPED
from resume_folder import State, States


class Shuffled(keras.utils.PyDataset):
    """Batches of arrays in an order that only the seed and the epoch decide.

    So a run that goes on in the middle meets the same batches as one that was never stopped.

    Args:
        x: The images.
        y: A label for each.
        batch_size: Number of images of a batch. The last batch may hold fewer.
        seed: Any whole number from 0.
        places: The images to take. By default, all.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        seed: int,
        *,
        places: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self._x, self._y = x, y
        self._all = np.arange(len(x)) if places is None else places
        self._batch_size = batch_size
        self._seed = seed
        self.begin_at(0)

    def begin_at(self, epoch: int) -> None:
        """Takes the order of an epoch."""
        self._places = np.random.default_rng((self._seed, epoch)).permutation(self._all)

    @property
    def num_batches(self) -> int:
        """Number of batches of an epoch."""
        return -(-len(self._all) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        places = self._places[index * self._batch_size : (index + 1) * self._batch_size]
        return self._x[places], self._y[places]


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model after its training, and how that went."""

    model: keras.Model
    history: dict[str, list[float]]
    num_epochs: int
    was_stopped: bool
    error: OSError | None = None

    def goes_on(self, is_kept: object) -> str:
        """What to say of a run that was stopped, whose states were to be kept or not."""
        if not is_kept or self.error:
            return ""
        if not self.num_epochs:
            return " No epoch was whole: the same command begins again."
        return " The same command goes on from the last whole epoch."

    def end(self) -> NoReturn:
        """Ends the program, as Ctrl-C does or with what stopped the training."""
        if self.error:
            raise self.error
        sys.exit(STOPPED)


def train(
    model: keras.Model,
    batches: Any,
    *,
    epochs: int,
    validation_data: Any = None,
    states: States | None = None,
    after_epoch: Callable[[int, dict[str, float], keras.Model], bool] | None = None,
    verbose: bool = True,
) -> Trained:
    """Trains a compiled model. Ctrl-C ends it after the batch that it is at.

    Args:
        model: A compiled model.
        batches: A `keras.utils.PyDataset` with a method `begin_at(epoch)`, such as `Shuffled`.
        epochs: Number of epochs, together with those of the state that is gone on from.
        validation_data: As for `fit`.
        states: Where the state is kept after each epoch, and taken from at the beginning.
        after_epoch: Is called with the number, the figures and the model of each whole epoch,
            before its state is kept, and says whether the training ends.
        verbose: Whether to print a progress bar, or a line an epoch where there is no terminal.
    """
    begun = states.newest() if states else None
    begun = begun or State(model, {}, 0)
    if begun.num_epochs >= epochs:
        return Trained(begun.model, begun.history, begun.num_epochs, was_stopped=False)
    with _stop_signal() as stop:
        watch = _Watch(
            batches,
            begun=begun,
            epochs=epochs,
            states=states,
            stop=stop,
            verbose=verbose,
            after_epoch=after_epoch,
        )
        begun.model.fit(
            batches,
            initial_epoch=begun.num_epochs,
            epochs=epochs,
            validation_data=validation_data,
            # The dataset shuffles. Keras would mix its batches once more.
            shuffle=False,
            callbacks=[watch],
            verbose=int(verbose and sys.stdout.isatty()),
        )
    return Trained(begun.model, watch.history, watch.num_epochs, watch.was_stopped, watch.error)


@dataclasses.dataclass
class _Stop:
    is_wanted: bool = False


@contextlib.contextmanager
def _stop_signal() -> Iterator[_Stop]:
    """Lets the first Ctrl-C be a wish, for a model must not be left within a batch."""
    stop = _Stop()

    def on_signal(number: int, frame: object) -> None:
        if stop.is_wanted:
            raise KeyboardInterrupt
        stop.is_wanted = True
        print("\nStopping after this batch. Ctrl-C again stops at once.", flush=True)

    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:
        signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class _Watch(keras.callbacks.Callback):
    """Keeps the figures and the state of each epoch, prints them, and stops when that is wanted."""

    def __init__(
        self,
        batches: Any,
        *,
        begun: State,
        epochs: int,
        states: States | None,
        stop: _Stop,
        verbose: bool,
        after_epoch: Callable[[int, dict[str, float], keras.Model], bool] | None,
    ) -> None:
        super().__init__()
        self._after_epoch = after_epoch
        self._batches = batches
        self.history = {name: list(values) for name, values in begun.history.items()}
        self.num_epochs = self._first = begun.num_epochs
        self.was_stopped = False
        self.error: OSError | None = None
        self._epochs, self._states, self._stop, self._verbose = epochs, states, stop, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Keras tells a dataset of an epoch's end more than once.
        self._batches.begin_at(epoch)
        self._start = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._num_batches = batch + 1
        if self._stop.is_wanted:
            self.was_stopped = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._stop.is_wanted:
            self.was_stopped = self.model.stop_training = True
        if self._num_batches < self.params["steps"]:
            # The epoch is not complete, and is begun anew when the run goes on.
            return
        figures = {name: float(value) for name, value in (logs or {}).items()}
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        self.num_epochs = epoch + 1
        try:
            if self._after_epoch and self._after_epoch(epoch, figures, self.model):
                self.model.stop_training = True
            if self._states:
                self._states.keep(State(self.model, self.history, self.num_epochs))
        except OSError as error:
            # What was learned is worth more than the epochs that are left: it can still be saved.
            self.error = error
            self.was_stopped = self.model.stop_training = True
        if self._verbose:
            self._print(figures)

    def _print(self, figures: dict[str, float]) -> None:
        seconds = time.monotonic() - self._start
        if not sys.stdout.isatty():
            names = {name: name.replace("val_", "validation ") for name in figures}
            text = ", ".join(f"{names[name]} {value:.4f}" for name, value in figures.items())
            print(f"Epoch {self.num_epochs}/{self._epochs}: {text}, {seconds:.1f} s", flush=True)
        left = self._epochs - self.num_epochs
        # The first epoch begins with the set-up.
        if self.num_epochs == self._first + 2 and left:
            print(f"Epochs left: {left}, at this speed {_in_words(left * seconds)}.", flush=True)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"

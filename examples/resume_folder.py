"""Keeps the state of a run after every epoch, so that a killed run can go on."""

import argparse
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from command_line import InputError

import keras_imgseq  # noqa: F401  (its layers are found when a model is loaded)


class ResumeError(InputError):
    """The folder cannot be used. The message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class State:
    """A model after some epochs, and the figures of each of them."""

    model: keras.Model
    history: dict[str, list[float]]
    num_epochs: int


def resumed(
    options: argparse.Namespace, names: Sequence[str], data: Iterable[np.ndarray]
) -> "ResumeFolder | None":
    """The folder of `--resume`: it belongs to runs with the same options and the same data.

    Args:
        options: The command line.
        names: The options that decide the result.
        data: The arrays that are trained on.
    """
    if not options.resume:
        return None
    digest = hashlib.sha256()
    for array in data:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array))
    settings = {name: getattr(options, name) for name in names}
    settings |= {"backend": keras.backend.backend(), "images": digest.hexdigest()}
    return ResumeFolder(options.resume, settings)


class ResumeFolder:
    """A folder that belongs to one run at a time.

    Args:
        path: The folder. It is made if it is missing.
        settings: What decides the result, by name. A run with other settings is refused.

    Raises:
        ResumeError: If another run uses the folder, or one with other settings has filled it.
        OSError: If the folder cannot be made or written to.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = _locked(path)
        file = path / "settings.json"
        # As they come back from the file: tuples are lists there.
        settings = json.loads(json.dumps(settings, default=str))
        if file.exists():
            _refuse_other(path, _loaded(file), settings)
        _write(file, json.dumps(settings))

    def part(self, name: str) -> "States":
        """The states of one of several trainings of the run."""
        return States(self.path / name)


class States:
    """The newest state of one training.

    Args:
        path: The folder of the states. It is made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path

    @property
    def _last(self) -> int:
        """The number of epochs of the newest state."""
        # The history is written last: where it stands, the model is complete.
        numbers = [int(file.stem) for file in self._path.glob("*.json") if file.stem.isdigit()]
        return max(numbers, default=0)

    def file(self, name: str) -> Path:
        """A file beside the states, that belongs to the same training."""
        return self._path / name

    def is_after(self, epochs: int) -> bool:
        """Whether so many epochs are completed."""
        return self._last >= epochs

    def newest(self) -> State | None:
        """The state after the last epoch that was completed. `None` before the first.

        Raises:
            ResumeError: If the state is damaged.
        """
        if not self._last:
            return None
        file = self._path / f"{self._last}.json"
        try:
            model = keras.saving.load_model(file.with_suffix(".keras"))
            return State(model, _loaded(file), self._last)
        except (OSError, ValueError, KeyError) as error:
            raise ResumeError(
                f"{file.with_suffix('.keras')} is damaged. Remove the folder {self._path} to begin "
                "anew."
            ) from error

    def keep(self, state: State) -> None:
        """Writes a state, and removes those before it."""
        name, history = str(state.num_epochs), json.dumps(state.history)
        self.put(f"{name}.keras", state.model.save)
        self.put(f"{name}.json", lambda path: path.write_text(history, encoding="utf-8"))
        for old in self._path.glob("[0-9]*"):
            if old.stem != name:
                old.unlink()

    def put(self, name: str, save: Callable[[Path], object]) -> None:
        """Writes a file whole or not at all: a kill leaves the old one or the new one.

        Raises:
            OSError: If it cannot be written. It names the folder.
        """
        partial = self._path / f"partial{Path(name).suffix}"
        try:
            save(partial)
            os.replace(partial, self._path / name)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror or str(error), str(self._path)) from error


def _locked(path: Path) -> Any:
    """Opens a file that no other process can lock. The system frees it when this one ends."""
    lock = open(path / "lock", "a")  # noqa: SIM115
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ResumeError(
            f"{path} is used by another run. Wait until it ends, or give another folder."
        ) from error
    return lock


def _refuse_other(path: Path, before: Any, now: dict[str, Any]) -> None:
    if before == now:
        return
    before = before if isinstance(before, dict) else {}
    names = [name for name in before | now if before.get(name) != now.get(name)]
    changed = "; ".join(
        f"{name.replace('_', '-')} was {str(before.get(name, 'not recorded'))[:40]} and is now "
        f"{str(now.get(name, 'not recorded'))[:40]}"
        for name in names
    )
    raise ResumeError(
        f"{path} holds a run with other options or other images: {changed}. Give the same again, "
        "or another folder."
    )


def _loaded(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResumeError(
            f"{file} is damaged. Remove the folder {file.parent}, or give another one."
        ) from error


def _write(file: Path, text: str) -> None:
    """Writes a file in one go: a kill leaves the old one or the new one."""
    partial = file.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, file)

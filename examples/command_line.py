"""What the command lines of the examples share: checked options, and no traceback."""

import argparse
import contextlib
import errno
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

BACKENDS = ("tensorflow", "jax", "torch")
STOPPED = 130  # what a shell expects of a program that Ctrl-C has ended
# The names by which pip knows what the examples import.
PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def share_cpu(devices: int) -> None:
    """Lets parts of one CPU act as devices on JAX, which must not be imported yet."""
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count={devices}"


class InputError(Exception):
    """What a user gave cannot be used. The message says why and what to do."""


class Parser(argparse.ArgumentParser):
    """A parser that shows the examples of the help as they are, and knows what it must refuse."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self._endings: dict[str, tuple[str, ...]] = {}

    def parse_args(self, arguments: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """The options, with files that can be written. A value of `--` is refused."""
        # argparse takes `--name=--` for an empty list.
        for argument in sys.argv[1:] if arguments is None else arguments:
            if argument.startswith("--") and argument.endswith("=--"):
                self.error(f"argument {argument[:-3]}: expected a value, not --")
        options = super().parse_args(arguments, namespace)
        for name, endings in self._endings.items():
            path = getattr(options, name)
            if path and path.suffix not in endings:
                self.error(f"--{name} takes a file ending in {' or '.join(endings)}, not {path}")
            if path and not path.parent.is_dir():
                self.error(f"--{name}: there is no folder {path.parent}. Make it first")
        return options

    def add_numbers(self, *numbers: tuple[str, int, int, int | None, str]) -> None:
        """Adds options of whole numbers: name, smallest, largest, default, and meaning.

        A meaning that names the default itself stays as it is.
        """
        for name, low, high, default, meaning in numbers:
            shown = "" if default is None else f" (default: {default})"
            self.add_argument(
                name,
                type=number(low, high),
                default=default,
                metavar="N",
                help=f"{meaning}{shown}",
            )

    def add_save(self, meaning: str) -> None:
        """Adds the option `--save`."""
        self.add_file("save", (".keras",), meaning)

    def add_plot(self, meaning: str) -> None:
        """Adds the option `--plot`."""
        self.add_file("plot", (".png", ".pdf", ".svg"), meaning)

    def add_file(self, name: str, endings: tuple[str, ...], meaning: str) -> None:
        """Adds an option of a file that is written."""
        self._endings[name] = endings
        self.add_argument(
            f"--{name}",
            type=Path,
            metavar=f"FILE{endings[0]}",
            help=f"{meaning} (default: none)",
        )

    def add_resume(self) -> None:
        """Adds the option `--resume`."""
        self.add_argument(
            "--resume",
            type=Path,
            metavar="FOLDER",
            help="a folder for the state after each epoch. The same command goes on from it "
            "(default: none)",
        )

    def add_backend(self) -> None:
        """Adds the option `--backend`."""
        self.add_argument(
            "--backend",
            choices=BACKENDS,
            help="what Keras computes with (default: the one of the Keras configuration)",
        )

    def start_keras(self, backend: str | None, devices: int = 1) -> None:
        """Imports Keras with a backend, and hides what that backend prints of its own set-up.

        More than one device share each batch, on JAX. On a CPU they are parts of it.
        """
        if backend and not importlib.util.find_spec(backend):
            self.error(f"--backend {backend} is not installed: run `pip install {backend}`")
        if backend:
            os.environ["KERAS_BACKEND"] = backend
        if devices > 1:
            share_cpu(devices)
        with _hidden_errors():
            import keras

            # The first operation looks for devices, `set_random_seed` imports TensorFlow.
            keras.ops.zeros(())
            if importlib.util.find_spec("tensorflow"):
                importlib.import_module("tensorflow")
        if devices == 1:
            return
        if keras.backend.backend() != "jax":
            self.error("--devices is for JAX: give --backend jax")
        found = keras.distribution.list_devices()
        if len(found) < devices:
            self.error(f"--devices {devices}: this machine has {len(found)}")
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=found[:devices])
        )

    def need(self, *modules: str, extra: str = "examples") -> None:
        """Refuses to go on without the modules of an extra."""
        missing = [
            PACKAGES.get(name, name) for name in modules if not importlib.util.find_spec(name)
        ]
        if missing:
            self.error(
                f"{' and '.join(missing)} must be installed for this: run "
                f'`pip install "keras-imgseq[{extra}]"`, or `pip install -e ".[{extra}]"` in a '
                "checkout"
            )


def number(low: int, high: int) -> Callable[[str], int]:
    """A whole number between two others, for argparse."""

    def parsed(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            shown = text if len(text) < 40 else text[:37] + "..."
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low} to {high}, not {shown!r}"
            )
        return value

    return parsed


def in_epochs(number: int) -> str:
    """A number of epochs, in words."""
    return f"{number} epoch{'' if number == 1 else 's'}"


def run(main: Callable[[], None]) -> None:
    """Runs a command line: whatever stops it ends in one line, and never in a traceback."""
    _prepare_streams()
    try:
        main()
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(STOPPED)
    except InputError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error: {in_words(error)}")
    except MemoryError:
        sys.exit(
            "Error: there is not enough memory. Give fewer or smaller images, or a network "
            "of fewer units."
        )
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        reason = " ".join(str(error).split())[:300]
        sys.exit(
            f"Error: {type(error).__name__}: {reason}. If the memory ran out, give fewer or "
            "smaller images, or a network of fewer units. To see where it happened, run the same "
            "command with python -X dev."
        )


def in_words(error: OSError) -> str:
    """What went wrong with a file, and what to do."""
    full, closed = "Free some space, or name a place on another disk.", "Name another place."
    cures = {
        errno.ENOSPC: full,
        errno.EFBIG: full,
        errno.EDQUOT: full,
        errno.EACCES: closed,
        errno.EPERM: closed,
        errno.EROFS: closed,
        errno.EEXIST: closed,
        errno.ENOENT: closed,
        errno.ENOTDIR: closed,
        errno.EISDIR: closed,
        errno.ENAMETOOLONG: closed,
    }
    place = f"{str(error.filename)[:200]}: " if error.filename else ""
    return f"{place}{error.strerror or error}. {cures.get(error.errno or 0, '')}".strip()


def _prepare_streams() -> None:
    """Shows what a terminal cannot print in another way, and each line at once."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    sys.stdout = _Lasting(sys.stdout)


class _Lasting:
    """A stream that goes nowhere once its reader has gone, as with `| head`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes a text, if anybody reads it."""
        try:
            return int(self._stream.write(text))
        except BrokenPipeError:
            self._stream = open(os.devnull, "w")  # noqa: SIM115
            return len(text)

    def flush(self) -> None:
        """Hands over what was written."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._stream = open(os.devnull, "w")  # noqa: SIM115


@contextlib.contextmanager
def _hidden_errors() -> Iterator[None]:
    """Hides what a library in another language prints, which no level of Python's logs stops."""
    sys.stderr.flush()
    shown = os.dup(2)
    with open(os.devnull, "w") as hidden:
        os.dup2(hidden.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)


def with_progress(paths: Iterable[Path], what: str) -> Iterator[Path]:
    """Goes through files with a progress bar on a terminal, and with one line elsewhere."""
    import keras

    paths = list(paths)
    print(f"{what} {len(paths)} images", flush=True)
    bar = keras.utils.Progbar(len(paths), interval=0.2) if sys.stdout.isatty() else None
    for done, path in enumerate(paths, 1):
        yield path
        if bar:
            bar.update(done)

"""Trains the book's small network: it reads an MNIST digit one row at a time.

Run it without arguments for the recipe of the book; --help lists the rest.
"""

import argparse
import importlib.util
import json
import os
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_data import DataError, load_digits

if TYPE_CHECKING:
    from mnist_recipes import Run

BOOK_LOSS, BOOK_ACCURACY = 0.5209, 0.8379
BACKENDS = ("tensorflow", "jax", "torch")


def main(arguments: list[str] | None = None) -> None:
    """Trains, tests and reports, as the command line says."""
    options = parsed(arguments)
    if options.backend:
        os.environ["KERAS_BACKEND"] = options.backend
    try:
        digits = load_digits(options.data, options.limit)
        if options.resume:
            prepare_to_resume(options)
    except DataError as error:
        sys.exit(f"Error: {error}")

    # Keras takes its backend when it is imported: not before the options are known.
    from mnist_recipes import train

    runs = []
    try:
        for seed in range(options.seed, options.seed + options.seeds):
            run = train(
                digits,
                options.recipe,
                seed=seed,
                epochs=options.epochs,
                batch_size=options.batch_size,
                backup=options.resume and options.resume / f"seed-{seed}",
                verbose=options.seeds == 1,
            )
            runs.append(run)
            if not run.epochs:
                print(f"{options.resume} holds the finished run: nothing is left to train.")
            if options.seeds > 1:
                print(
                    f"Seed {seed}: test loss {run.test_loss:.4f}, "
                    f"test accuracy {run.test_accuracy:.4f}",
                    flush=True,
                )
    except KeyboardInterrupt:
        sys.exit("\nStopped." + " The same command goes on from here." * bool(options.resume))
    report(runs)

    best = max(runs, key=lambda run: run.validation_accuracy)
    if options.save:
        best.model.save(options.save)
        print(f"Saved the model of seed {best.seed} in {options.save}")
    if options.plot:
        from mnist_plot import plot_run

        plot_run(best, digits, options.plot)
        print(f"Drew the run of seed {best.seed} in {options.plot}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options, with whatever can be wrong in them found before anything is trained."""
    parser = argparse.ArgumentParser(
        description="Trains the book's small network on digits, read one row at a time.",
        epilog="With --seeds, --save and --plot take the best run on the validation images.",
    )
    add = parser.add_argument
    add("--recipe", choices=("book", "steady"), default="book", help="default: book")
    add("--epochs", type=positive, default=20, metavar="N", help="default: 20")
    add("--batch-size", type=positive, metavar="N", help="default: 100 for book, 50 for steady")
    add("--seed", type=int, default=0, metavar="N", help="the first seed; default: 0")
    add(
        "--seeds", type=positive, default=1, metavar="N", help="train with N seeds, show the spread"
    )
    add("--backend", choices=BACKENDS, help="default: the one of the Keras configuration")
    add("--data", metavar="PATH", help='an .npz file, a folder with IDX files, or "keras"')
    add("--limit", type=positive, metavar="N", help="take only N images for training and testing")
    add("--resume", type=Path, metavar="FOLDER", help="keep the state there, and go on from it")
    add("--save", type=Path, metavar="FILE.keras", help="save the trained model")
    add("--plot", type=Path, metavar="FILE.png", help="draw the training and one digit's reading")
    options = parser.parse_args(arguments)
    for name, endings in (("save", (".keras",)), ("plot", (".png", ".pdf", ".svg"))):
        path = getattr(options, name)
        if path and path.suffix not in endings:
            parser.error(f"--{name} takes a file ending in {' or '.join(endings)}, not {path}")
        if path and not path.parent.is_dir():
            parser.error(f"--{name}: there is no folder {path.parent}; make it first")
    if not 0 <= options.seed <= 2**32 - options.seeds:
        parser.error("--seed takes a number from 0 to 4294967295, the last of all seeds")
    if options.plot and not importlib.util.find_spec("matplotlib"):
        parser.error('--plot needs matplotlib: run `pip install "keras-imgseq[plot]"` first')
    if options.backend and not importlib.util.find_spec(options.backend):
        parser.error(
            f"--backend {options.backend} is not installed: run `pip install {options.backend}`"
        )
    return options


def positive(text: str) -> int:
    """A positive int, for argparse."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


positive.__name__ = "positive number"


def prepare_to_resume(options: argparse.Namespace) -> None:
    """Makes the folder, or makes sure that it is of a run with the same options."""
    names = ("recipe", "epochs", "batch_size", "data", "limit")
    settings = {name: getattr(options, name) for name in names}
    options.resume.mkdir(parents=True, exist_ok=True)
    file = options.resume / "settings.json"
    if file.exists() and json.loads(file.read_text()) != settings:
        raise DataError(
            f"{options.resume} holds a run with other options, {file.read_text()}. Give the same "
            "options, or another folder."
        )
    # In one go, so that a kill leaves either no settings or all of them.
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(settings))
    partial.replace(file)


def report(runs: list["Run"]) -> None:
    """Prints the result beside the book's: the spread, where there is more than one run."""
    if len(runs) == 1:
        print(f"Test loss:     {runs[0].test_loss:.4f} (the book: {BOOK_LOSS})")
        print(f"Test accuracy: {runs[0].test_accuracy:.4f} (the book: {BOOK_ACCURACY})")
        return
    for name, book in (("loss", BOOK_LOSS), ("accuracy", BOOK_ACCURACY)):
        values = [getattr(run, f"test_{name}") for run in runs]
        print(
            f"Test {name} of {len(runs)} seeds: median {statistics.median(values):.4f}, "
            f"from {min(values):.4f} to {max(values):.4f} (the book: {book})"
        )


if __name__ == "__main__":
    main()

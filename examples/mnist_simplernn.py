"""Trains the book's small network: it reads an MNIST digit one row at a time.

Run it without arguments for the recipe of the book. --help lists the rest.
"""

import argparse
import statistics
from typing import TYPE_CHECKING

from command_line import Parser, in_epochs, run
from kept_file import KeptFile
from mnist_data import Digits, load_digits

if TYPE_CHECKING:
    from mnist_recipes import Run
    from resume_folder import ResumeFolder

# The options that decide the result of a run.
DECISIVE = ("recipe", "epochs", "batch_size", "data", "limit")
BOOK_LOSS, BOOK_ACCURACY = 0.5209, 0.8379
EXAMPLES = """examples:
  python examples/mnist_simplernn.py --save digits.keras
  python examples/mnist_simplernn.py --recipe steady --seeds 5

One run takes one to two minutes on two CPU cores with TensorFlow, its start included.
With --seeds, --save and --plot take the best run on the validation images."""


def main(arguments: list[str] | None = None) -> None:
    """Trains, tests and reports, as the command line says."""
    options = parsed(arguments)
    saved = options.save and KeptFile(options.save)
    drawn = options.plot and KeptFile(options.plot)
    print("Reading the digits.", flush=True)
    digits = load_digits(options.data, options.limit)
    # Keras takes its backend when it is imported: not before the options are known.
    from resume_folder import resumed

    folder = resumed(options, DECISIVE, (digits.x_train, digits.y_train))
    runs = trained(options, digits, folder)

    best = max(runs, key=lambda run: run.validation_accuracy)
    stays = saved and saved.stays(best.trained.num_epochs)
    if saved and not stays:
        saved.write(best.trained.model.save)
    if best.trained.was_stopped or runs[-1].trained.was_stopped:
        more = f" Its model is saved as {saved.path}." if saved else ""
        if stays:
            more = f" {saved.path} stays as it was."
        more += runs[-1].trained.goes_on(folder)
        print(f"Stopped in epoch {runs[-1].trained.num_epochs + 1}.{more}")
        runs[-1].trained.end()
    report(runs, beside_the_book(options))
    if saved:
        print(f"Saved the model of seed {best.seed} in {saved.path}")
    if drawn:
        from mnist_plot import plot_run

        drawn.write(lambda path: plot_run(best, digits, path))
        print(f"Drew the run of seed {best.seed} in {drawn.path}")


def trained(
    options: argparse.Namespace, digits: Digits, folder: "ResumeFolder | None"
) -> list["Run"]:
    """The runs of all seeds, or of those before Ctrl-C."""
    import keras
    from mnist_recipes import train

    one = options.seeds == 1
    print(
        f"Training on {len(digits.x_train)} images for {in_epochs(options.epochs)}, with "
        f"{keras.backend.backend()}. The first epoch begins with some seconds of set-up.",
        flush=True,
    )
    if options.recipe == "every-row":
        print("Until the test, losses and accuracies are means over all rows.", flush=True)
    runs: list[Run] = []
    for seed in range(options.seed, options.seed + options.seeds):
        states = folder and folder.part(f"seed-{seed}")
        begun = bool(states and states.is_after(options.epochs))
        run = train(
            digits,
            options.recipe,
            seed=seed,
            epochs=options.epochs,
            batch_size=options.batch_size,
            states=states,
            verbose=one,
        )
        runs.append(run)
        if run.trained.was_stopped:
            break
        if begun:
            print(f"{options.resume} holds the finished run: nothing is left to train.")
        if not one:
            print(
                f"Seed {seed}: test loss {run.test_loss:.4f}, "
                f"test accuracy {run.test_accuracy:.4f}",
                flush=True,
            )
    return runs


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options, with whatever can be wrong in them found before anything is trained."""
    parser = Parser(
        description="Trains the book's small network on digits, read one row at a time.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add(
        "--recipe",
        choices=("book", "steady", "every-row"),
        default="book",
        help="the book's recipe, a steadier one, or one that trains an answer after every "
        "row (default: book)",
    )
    parser.add_numbers(
        ("--epochs", 1, 10**6, 20, "how often all images are trained on"),
        (
            "--batch-size",
            1,
            10**6,
            None,
            "number of images in a batch (default: 100 for book, else 50)",
        ),
        ("--seed", 0, 2**32 - 1, 0, "the seed of the first weights and of the shuffling"),
        ("--seeds", 1, 1000, 1, "train with N seeds one after the other, and show the spread"),
        (
            "--limit",
            1,
            10**9,
            None,
            "take only the first N images for training and for the test (default: all)",
        ),
    )
    parser.add_backend()
    add(
        "--data",
        metavar="PATH",
        help='an .npz file, a folder with IDX files, or "keras" (default: MNIST, in examples/data)',
    )
    parser.add_resume()
    parser.add_save("save the trained model")
    parser.add_plot("draw the training and one digit's reading")
    options = parser.parse_args(arguments)
    if options.seed + options.seeds > 2**32:
        parser.error("--seed takes a number from 0 to 4294967295, the last of all seeds")
    if options.plot:
        parser.need("matplotlib", extra="plot")
    parser.start_keras(options.backend)
    return options


def beside_the_book(options: argparse.Namespace) -> dict[str, str]:
    """The figures of the book, in words. On other digits they say nothing."""
    if options.data not in (None, "keras"):
        return {"loss": "", "accuracy": ""}
    recipe = "" if options.recipe == "book" else ", with its own recipe"
    figures = {"loss": BOOK_LOSS, "accuracy": BOOK_ACCURACY}
    return {name: f" (the book{recipe}: {figure})" for name, figure in figures.items()}


def report(runs: list["Run"], beside: dict[str, str]) -> None:
    """Prints the result beside the book's: the spread, where there is more than one run."""
    if len(runs) == 1:
        print(f"Test loss:     {runs[0].test_loss:.4f}{beside['loss']}")
        print(f"Test accuracy: {runs[0].test_accuracy:.4f}{beside['accuracy']}")
        print(f"Correct answers after {rows_in_words(runs)}.")
        return
    for name, book in beside.items():
        values = [getattr(run, f"test_{name}") for run in runs]
        print(
            f"Test {name} of {len(runs)} seeds: median {statistics.median(values):.4f}, "
            f"from {min(values):.4f} to {max(values):.4f}{book}"
        )
    print(f"Correct answers after {rows_in_words(runs)}, medians.")


def rows_in_words(runs: list["Run"]) -> str:
    """How many test images the answer is right for after some of the rows."""
    of_runs = (run.accuracy_by_row for run in runs)
    by_row = [statistics.median(values) for values in zip(*of_runs, strict=True)]
    rows = sorted({*range(4, len(by_row) + 1, 4), len(by_row)})
    return ", ".join(f"row {row}: {100 * by_row[row - 1]:.0f} %" for row in rows)


if __name__ == "__main__":
    run(main)

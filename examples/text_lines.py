"""Trains a reader of text lines, and reads the text of images.

Without arguments it reads numbers that are written with MNIST's digits. --help lists the options.
"""

import argparse
import dataclasses
import re
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from command_line import InputError, Parser, in_epochs, number, run
from kept_file import KeptFile

if TYPE_CHECKING:
    from line_folder import Lines

    from keras_imgseq import LineReader

# Ten digits are told apart with a smaller network than the letters of a book, and learned faster.
NUMBERS = {
    "height": 32,
    "filters": (8, 16, 32, 64),
    "units": [64],
    "epochs": 3,
    "learning_rate": 4e-3,
}
LINES = {
    "height": 40,
    "filters": (16, 32, 48, 64),
    "units": [112, 112],
    "epochs": 13,
    "learning_rate": 2e-3,
}
SHOWN = 10
# Of the lines, for the validation and for the test.
SHARE = 0.1
# The options that decide the result of a training.
DECISIVE = (*LINES, "seed", "augment", "devices")
EXAMPLES = """examples:
  python examples/text_lines.py --save numbers.keras
  python examples/text_lines.py --data lines --augment --save reader.keras
  python examples/text_lines.py --read reader.keras line.png

Without --data it trains on 24,000 numbers. After the second epoch it says how long the others will
take."""


def main(arguments: list[str] | None = None) -> None:
    """Trains and tests, or reads images, as the command line says."""
    options = parsed(arguments)
    if options.read:
        from line_reading import read

        sys.exit(
            read(Path(options.read[0]), [Path(name) for name in options.read[1:]], options.where)
        )

    saved = options.save and KeptFile(options.save)
    drawn = options.plot and KeptFile(options.plot)
    train(options, saved, drawn)


def train(options: argparse.Namespace, saved: KeptFile | None, drawn: KeptFile | None) -> None:
    """Trains a reader and says how well it reads the lines of the test."""
    import keras
    import numpy as np
    from line_parts import loaded
    from line_training import Recipe, epochs_for, error_rate
    from line_training import train as train_reader
    from resume_folder import resumed

    from keras_imgseq import LineReader

    training, validation, test = loaded(options)
    options.epochs = options.epochs or epochs_for(len(training), LINES["epochs"])
    known = set("".join([*training.texts, *validation.texts]))
    # Combining marks stand first, or they would join the letter before them.
    alphabet = "".join(sorted(known, key=lambda c: (not unicodedata.combining(c), c)))
    if not alphabet:
        raise InputError("All texts are empty. Write what each image shows into its text file.")
    print(
        f"{len(training)} lines for the training, {len(validation)} for the validation and "
        f"{len(test)} for the test, with {len(alphabet)} different characters."
    )
    only_tested = sorted(set("".join(test.texts)) - set(alphabet))
    if only_tested:
        print(
            f"Characters only in the test ({len(only_tested)}), which the reader cannot learn: "
            f"{' '.join(only_tested)}"
        )
    keras.utils.set_random_seed(options.seed)
    reader = LineReader(alphabet, options.height, filters=options.filters, units=options.units)
    if saved:
        saved.try_out(reader.save)
    texts = [np.array(lines.texts) for lines in (training, validation)]
    folder = resumed(options, DECISIVE, [*texts, *training.images, *validation.images])
    states = folder and folder.part("training")
    print(
        f"Training {reader.count_params():,} weights for at most {in_epochs(options.epochs)}, with "
        f"{keras.backend.backend()}. The first epoch begins with some seconds of set-up for each "
        "width of lines.",
        flush=True,
    )
    names = [field.name for field in dataclasses.fields(Recipe)]
    recipe = Recipe(**{name: getattr(options, name) for name in names})
    if not saved:
        print("No --save given: the reader is not kept.", flush=True)
    trained = train_reader(reader, training, validation, recipe, states)
    if saved and not saved.stays(trained.num_epochs):
        saved.write(trained.model.save)
        which = "the best reader" if trained.num_epochs else "a reader that has learned little"
        print(f"Saved {which} as {saved.path}")
    if trained.was_stopped:
        print(f"Stopped.{trained.goes_on(states)}")
        trained.end()
    report(trained.model, test, error_rate)
    if drawn:
        from matplotlib.figure import Figure

        from keras_imgseq import plot

        figure = Figure(figsize=(12, 2.5), layout="constrained")
        plot.plot_line(trained.model, test.images[0], ax=figure.subplots())
        drawn.write(lambda path: figure.savefig(path, dpi=120))
        print(f"Drew a line of the test in {drawn.path}")


def report(reader: "LineReader", test: "Lines", error_rate: Any) -> None:
    """Prints some lines as they are read, the error rate, and the lines read a second."""
    rate, read, _ = error_rate(reader, test)
    for one, text in zip(read[:SHOWN], test.texts, strict=False):
        print(f"  {one}    (truth: {text})")
    # A second time, when each width is compiled.
    _, _, speed = error_rate(reader, test)
    print(f"Character error rate: {100 * rate:.2f} %, on {len(test)} lines of the test")
    print(f"{speed:.3g} lines read a second")


def folder_or_share(text: str) -> Path | float:
    """A folder, or a share of the lines such as 0.2."""
    is_share = re.fullmatch(r"0?\.\d*[1-9]\d*", text) and not Path(text).exists()
    return float(text) if is_share else Path(text)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options, with what can be wrong in them found at once."""
    parser = Parser(
        description="Trains a reader of text lines, and reads the text of images.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    folders = {
        "data": "one or more folders with pairs x.png and x.gt.txt (default: numbers of MNIST "
        "digits)",
        "valid": "folders to choose the best epoch by, or a share of the lines in whole works "
        "(default: 0.1)",
        "test": "folders to report on, or a share of the lines in other works (default: 0.1)",
    }
    for name, meaning in folders.items():
        kind = Path if name == "data" else folder_or_share
        add(f"--{name}", type=kind, nargs="+", metavar="FOLDER", help=meaning)
    add(
        "--split-by",
        default=r"(.*?)[_.]",
        metavar="REGEX",
        help="regular expression for file names. Its first group is the work, such as a book, and "
        "all lines of a work go into one part. '(.*)' makes each file a work, '(.*)/' each folder "
        "(default: what stands before the first _ or .)",
    )
    add(
        "--read",
        nargs="+",
        metavar=("MODEL", "IMAGE"),
        help="print the text of each image, with a saved model, and do not train",
    )
    add(
        "--where",
        action="store_true",
        help="with --read, behind the images: print one JSON object for each image, with the place "
        "of each character in pixels (default: only the text)",
    )
    parser.add_numbers(
        (
            "--height",
            8,
            512,
            None,
            "what all lines are scaled to, in pixels" + default_of("height"),
        ),
        (
            "--epochs",
            1,
            10**6,
            None,
            "how often all lines are trained on, at most" + default_of("epochs", ", more for few"),
        ),
        ("--devices", 1, 16, 1, "how many devices share each batch, on JAX"),
        ("--seed", 0, 2**31, 0, "the seed of the split, the first weights and the mixing"),
        (
            "--limit",
            1,
            10**9,
            None,
            "take only the first N numbers, for a quick try without --data (default: all)",
        ),
    )
    add(
        "--units",
        type=number(1, 4096),
        nargs="+",
        metavar="N",
        help="the units of each recurrent layer" + default_of("units"),
    )
    parser.add_backend()
    parser.add_resume()
    add(
        "--augment",
        action="store_true",
        help="stretch, slant and turn the lines anew in each epoch, and change ink and noise "
        "(default: as they are)",
    )
    parser.add_save("save the reader of the best epoch")
    parser.add_plot("draw a line of the test with its characters")
    options = parser.parse_args(arguments)
    if options.read and len(options.read) < 2:
        parser.error("--read takes a saved model and at least one image")
    if options.where and not options.read:
        parser.error("--where goes with --read")
    if options.read and (options.data or options.save or options.resume or options.plot):
        parser.error("--read does not train: it goes without --data, --save, --resume and --plot")
    if options.limit and options.data:
        parser.error("--limit goes without --data")
    if (options.valid or options.test) and not options.data:
        parser.error("--valid and --test go with --data")
    given = [options.valid or [SHARE], options.test or [SHARE]]
    shares = [value for values in given for value in values if isinstance(value, float)]
    if any(isinstance(value, float) for values in given for value in values[1:] + values[:-1]):
        parser.error("--valid and --test take folders, or one share of the lines")
    options.valid, options.test = given
    if options.data and sum(shares) >= 1:
        parser.error("--valid and --test leave no line for the training")
    for name, value in (LINES if options.data else NUMBERS).items():
        # How often few lines are trained on depends on their number.
        if getattr(options, name, None) is None and not (options.data and name == "epochs"):
            setattr(options, name, value)
    parser.need("PIL", *(["matplotlib"] if options.plot else []))
    if 16 % options.devices:
        parser.error("--devices takes 1, 2, 4, 8 or 16: each takes equally many lines of a batch")
    parser.start_keras(options.backend, options.devices)
    return options


def default_of(name: str, more: str = "") -> str:
    """The two defaults of an option, for its help."""
    numbers, lines = (str(table[name]).strip("[]").replace(",", "") for table in (NUMBERS, LINES))
    return f" (default: {numbers} for numbers, {lines} for --data{more})"


if __name__ == "__main__":
    run(main)

"""Trains a recurrent network on a folder of class folders with image files.

Without a folder it makes one of scikit-learn's digits. --help lists the options.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from command_line import Parser, number, run, with_progress

if TYPE_CHECKING:
    from folder_data import Pictures

MODEL, PREPARATION = "model.keras", "preparation.json"
ORDERS = ("raster", "snake", "zigzag", "spiral", "hilbert", "morton", "random")
EXAMPLES = """examples:
  python examples/folder_of_images.py photos --size 64 64 --epochs 10
  python examples/folder_of_images.py --predict new/1.jpg new/2.jpg

Without a folder it takes 20 seconds with TensorFlow on two CPU cores, its start included. After the
second epoch of your own images it says how long the others will take."""


def main(arguments: list[str] | None = None) -> None:
    """Reads the folder, trains, and leaves a model, a picture and the class names."""
    options = parsed(arguments)
    if options.predict:
        from folder_prediction import predict

        sys.exit(predict(options.predict, options.output / MODEL, options.output / PREPARATION))

    from folder_training import Outputs, train

    outputs = Outputs(options.output)
    pictures = loaded(options)
    train(pictures, options, outputs)


def loaded(options: argparse.Namespace) -> "Pictures":
    """The images of the folder, with a printed line for whatever was changed or omitted."""
    from folder_data import load_pictures, write_digits

    if options.folder:
        pictures = load_pictures(
            options.folder, options.size, options.skip_unreadable, with_progress
        )
    else:
        with tempfile.TemporaryDirectory() as digits:
            write_digits(Path(digits))
            print("No folder given: reading scikit-learn's digits.")
            pictures = load_pictures(Path(digits), options.size)
    for path, reason in pictures.unreadable.items():
        print(f"Skipped, unreadable: {path} ({reason})")
    for path in pictures.outside:
        print(f"Skipped, in no class folder: {path}")
    for path in pictures.no_images:
        print(f"Skipped, no image file: {path}")
    for line in pictures.changes:
        print(line)
    shape = pictures.images.shape[1:]
    print(
        f"{len(pictures.images)} images of {len(pictures.class_names)} classes, read as "
        f"{shape[0]} x {shape[1]} pixels, {'grey' if len(shape) == 2 else 'in colour'}."
    )
    return pictures


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line, with what can be wrong in them found at once."""
    parser = Parser(
        description="Trains a recurrent network on a folder of class folders with image files, and "
        "names the class of other images.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add(
        "folder",
        nargs="?",
        type=Path,
        help="holds a folder of image files for each class, or `train` and `test` with those "
        "(default: digits of scikit-learn)",
    )
    add(
        "--output",
        type=Path,
        default=Path("trained"),
        metavar="FOLDER",
        help="where the model and the picture are written (default: trained)",
    )
    add(
        "--predict",
        type=Path,
        nargs="+",
        metavar="IMAGE",
        help="name the class of these images, with the model in --output, and do not train",
    )
    add(
        "--size",
        type=number(1, 4096),
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="what all images are scaled to, in pixels (default: the median size, at most 224)",
    )
    add(
        "--step",
        type=step,
        default="row",
        help="what one time step sees: row, column, pixel, or a patch as 4 or 4x7 (default: row)",
    )
    add(
        "--order",
        choices=ORDERS,
        default="raster",
        help="the path on which the steps are read (default: raster)",
    )
    add(
        "--cell",
        choices=("simple_rnn", "gru", "lstm"),
        default="gru",
        help="the recurrent cell (default: gru)",
    )
    parser.add_numbers(
        ("--units", 1, 4096, 64, "the size of the network's state"),
        ("--batch-size", 1, 65536, 32, "the images of one step of training"),
        ("--epochs", 1, 10**6, 20, "how often all images are trained on"),
        (
            "--seed",
            0,
            2**32 - 1,
            0,
            "the seed of the split, the first weights and the shuffling",
        ),
    )
    parser.add_backend()
    parser.add_resume()
    add(
        "--skip-unreadable",
        action="store_true",
        help="omit files that cannot be read, and name them (default: stop)",
    )
    options = parser.parse_args(arguments)
    if options.predict and options.folder:
        parser.error("--predict takes images. Give it without a folder to train on")
    if options.step in ("row", "column") and options.order not in ("raster", "random"):
        parser.error(
            f"--order {options.order} changes nothing where a step is a whole {options.step}: "
            "give --step a patch, such as 4, or pixel"
        )
    parser.need("PIL", "sklearn", "matplotlib")
    parser.start_keras(options.backend)
    return options


def step(text: str) -> str | tuple[int, int]:
    """A step by its name, or a patch by its sides, for argparse."""
    if text in ("row", "column", "pixel"):
        return text
    sides = re.fullmatch(r"([1-9][0-9]{0,3})(?:x([1-9][0-9]{0,3}))?", text)
    if not sides:
        raise argparse.ArgumentTypeError(
            f"expected row, column, pixel, or a patch such as 4 or 4x7, not {text[:40]!r}"
        )
    return int(sides[1]), int(sides[2] or sides[1])


if __name__ == "__main__":
    run(main)

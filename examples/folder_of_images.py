"""Trains a recurrent network on a folder of class folders with image files.

Without a folder it makes one of scikit-learn's digits; --help lists the options.
"""

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

NEEDED = {"PIL": "pillow", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def main(arguments: list[str] | None = None) -> None:
    """Reads the folder, trains, and leaves a model, a picture and the class names."""
    options = parsed(arguments)
    missing = [NEEDED[name] for name in NEEDED if not importlib.util.find_spec(name)]
    if missing:
        sys.exit(f"Error: this example needs more. Run `pip install {' '.join(missing)}`.")

    from folder_data import FolderError, load_pictures, write_digits

    try:
        if options.folder:
            pictures = load_pictures(options.folder, options.size, options.skip_unreadable)
        else:
            with tempfile.TemporaryDirectory() as digits:
                write_digits(Path(digits))
                print("No folder given: reading scikit-learn's digits.")
                pictures = load_pictures(Path(digits), options.size)
    except FolderError as error:
        sys.exit(f"Error: {error}")
    for path in pictures.unreadable:
        print(f"Skipped, unreadable: {path}")
    for path in pictures.no_images:
        print(f"Skipped, not the ending of an image file: {path}")
    shape = pictures.images.shape[1:]
    print(
        f"{len(pictures.images)} images of {len(pictures.class_names)} classes, read as "
        f"{shape[0]} x {shape[1]} pixels, {'grey' if len(shape) == 2 else 'in colour'}."
    )
    train(pictures, options)


def train(pictures, options) -> None:
    """Trains on four fifths of the images, tests on the rest, and writes the results."""
    import keras
    import numpy as np
    from matplotlib.figure import Figure

    from keras_imgseq import ImageAsSequence, build_image_rnn, plot

    keras.utils.set_random_seed(options.seed)
    mixed = np.random.default_rng(options.seed).permutation(len(pictures.images))
    images, labels = pictures.images[mixed], pictures.labels[mixed]
    num_test = max(1, len(images) // 5)
    reading = ImageAsSequence(options.step, data_format="channels_last")
    try:
        model = build_image_rnn(
            images.shape[1:],
            len(pictures.class_names),
            units=options.units,
            cell="gru",
            reading=reading,
            scale=1 / 255,
        )
    except ValueError as error:
        sys.exit(f"Error: {error}")
    model.summary()
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    test = images[:num_test], labels[:num_test]
    model.fit(
        images[num_test:],
        labels[num_test:],
        batch_size=32,
        epochs=options.epochs,
        validation_data=test,
    )
    _, accuracy = model.evaluate(*test, verbose=0)
    print(f"Test accuracy: {accuracy:.4f} on {num_test} images that were not trained on")

    options.output.mkdir(parents=True, exist_ok=True)
    model.save(options.output / "model.keras")
    (options.output / "classes.txt").write_text("\n".join(pictures.class_names) + "\n")
    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    plot.plot_reading(reading, images[0], ax=axes[0])
    axes[0].set_title("What one step sees, and in which order")
    plot.plot_belief(model, images[0], ax=axes[1:])
    axes[1].set_title(f"A test image: {pictures.class_names[labels[0]]}")
    axes[2].set_title("Belief after every step")
    axes[2].set_xticks(range(len(pictures.class_names)), pictures.class_names)
    figure.savefig(options.output / "what_it_sees.png", dpi=120)
    print(f"Wrote model.keras, classes.txt and what_it_sees.png to {options.output}")


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description="Trains a recurrent network on a folder of class folders with image files."
    )
    add = parser.add_argument
    add("folder", nargs="?", type=Path, help="holds a folder of image files for each class")
    add("--output", type=Path, default=Path("trained"), metavar="FOLDER", help="default: trained")
    add("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="default: the median size")
    add("--step", choices=("row", "column", "pixel"), default="row", help="default: row")
    add("--units", type=int, default=64, metavar="N", help="default: 64")
    add("--epochs", type=int, default=20, metavar="N", help="default: 20")
    add("--seed", type=int, default=0, metavar="N", help="default: 0")
    add("--skip-unreadable", action="store_true", help="leave unreadable files out, and name them")
    options = parser.parse_args(arguments)
    if (options.size and min(options.size) < 1) or options.epochs < 1:
        parser.error("--size and --epochs take positive numbers")
    if not 0 <= options.seed < 2**32:
        parser.error("--seed takes a number from 0 to 4294967295")
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output: {options.output} is a file; name a folder")
    return options


if __name__ == "__main__":
    main()

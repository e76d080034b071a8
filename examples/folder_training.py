"""Trains on the images of a folder, and writes the model and what belongs to it."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import keras
import numpy as np
from command_line import in_epochs
from folder_data import Pictures
from kept_file import KeptFile
from matplotlib.figure import Figure
from resume_folder import resumed
from training_run import Shuffled
from training_run import train as train_model

from keras_imgseq import ImageAsSequence, build_image_rnn, plot

# With fewer test images than this, one image more or less changes the accuracy too much.
HANDFUL = 5
MANY_STEPS = 2000
# The options that decide the result of a training.
DECISIVE = ("size", "step", "order", "cell", "units", "batch_size", "epochs", "seed")


class Outputs:
    """The files that a training leaves in a folder, opened before it begins.

    Args:
        folder: It is made if it is missing.

    Raises:
        OSError: If nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.model, self.preparation, self.classes, self.picture = (
            KeptFile(folder / name)
            for name in ("model.keras", "preparation.json", "classes.txt", "what_it_sees.png")
        )


def train(pictures: Pictures, options: argparse.Namespace, outputs: Outputs) -> None:
    """Trains, tests on images that were not trained on, and writes the results."""
    print_counts(pictures)
    training, validation, test = split(pictures, options.seed)
    if not len(training):
        sys.exit("Error: no image is left to train on. Give more images.")
    keras.utils.set_random_seed(options.seed)
    model, reading = network(pictures, options)
    outputs.model.try_out(model.save)
    outputs.preparation.try_out(lambda path: write_preparation(path, pictures))
    outputs.classes.try_out(lambda path: write_classes(path, pictures))
    folder = resumed(options, DECISIVE, (pictures.images, pictures.labels, pictures.parts))
    states = folder and folder.part("training")
    model.summary()
    print(
        f"Training on {len(training)} images for {in_epochs(options.epochs)}, with "
        f"{keras.backend.backend()}. The first epoch begins with some seconds of set-up.",
        flush=True,
    )
    # JAX has 32 bits, and says so where it is given more.
    images, labels = pictures.images, pictures.labels.astype("int32")
    watched = validation if len(validation) else test
    if not len(validation) and len(test):
        print("The validation after each epoch is of the test images. Nothing is chosen by it.")
    trained = train_model(
        model,
        # By their places, because a copy of the images would double the memory.
        Shuffled(images, labels, options.batch_size, options.seed, places=training),
        epochs=options.epochs,
        validation_data=(images[watched], labels[watched]) if len(watched) else None,
        states=states,
    )
    stays = outputs.model.stays(trained.num_epochs)
    if not stays:
        # Together: the names belong to the model.
        outputs.model.write(trained.model.save)
        outputs.preparation.write(lambda path: write_preparation(path, pictures))
        outputs.classes.write(lambda path: write_classes(path, pictures))
    if trained.was_stopped:
        path = outputs.model.path
        what = f"{path} stays as it was." if stays else f"What was learned is saved as {path}."
        print(f"Stopped. {what}{trained.goes_on(states)}")
        trained.end()
    report(trained.model, pictures, test)
    shown = test[0] if len(test) else training[0]
    outputs.picture.write(lambda path: draw(trained.model, reading, pictures, shown, path))
    names = (outputs.model, outputs.preparation, outputs.classes, outputs.picture)
    listed = ", ".join(file.path.name for file in names)
    print(f"Wrote {listed} to {outputs.folder}")


def print_counts(pictures: Pictures) -> None:
    """Prints the number of images of each class, and of each part where there are parts."""
    for label, name in enumerate(pictures.class_names):
        parts, counts = np.unique(pictures.parts[pictures.labels == label], return_counts=True)
        shares = [f"{count} {part}".strip() for part, count in zip(parts, counts, strict=True)]
        print(f"  {name}: {', '.join(shares)}")


def split(pictures: Pictures, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The places of the images for training, validation and test.

    Where the folder has no such parts, a fifth of each class is kept for the test.
    """
    parts = {part: np.flatnonzero(pictures.parts == part) for part in ("validation", "test")}
    if (pictures.parts == "").all():
        mixed = np.random.default_rng(seed)
        fifths = []
        for label in range(len(pictures.class_names)):
            places = mixed.permutation(np.flatnonzero(pictures.labels == label))
            fifths.append(places[: round(len(places) / 5)])
        parts["test"] = mixed.permutation(np.concatenate(fifths))
    elif not len(parts["test"]):
        print("There is no folder for the test: the one for the validation is used.")
        parts = {"validation": parts["test"], "test": parts["validation"]}
    kept = np.concatenate([parts["validation"], parts["test"]])
    training = np.setdiff1d(np.arange(len(pictures.images)), kept)
    return training, parts["validation"], parts["test"]


def network(pictures: Pictures, options: argparse.Namespace) -> tuple[keras.Model, ImageAsSequence]:
    """The compiled network, and its reading."""
    is_patch = isinstance(options.step, tuple)
    reading = ImageAsSequence(
        options.step,
        options.order,
        seed=options.seed if options.order == "random" else None,
        padding="same" if is_patch else None,
        data_format="channels_last",
    )
    shape = pictures.images.shape[1:]
    steps = reading.compute_output_shape((None, *shape))[1]
    if is_patch and steps * options.step[0] * options.step[1] != shape[0] * shape[1]:
        print("The patches do not fit into the images: zeros are added below and on the right.")
    if steps > MANY_STEPS:
        print(f"An image is read in {steps:,} steps, which takes long. A smaller --size helps.")
    model = build_image_rnn(
        shape,
        len(pictures.class_names),
        units=options.units,
        cell=options.cell,
        reading=reading,
        scale=1 / 255,
    )
    model.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model, reading


def write_preparation(path: Path, pictures: Pictures) -> None:
    """Writes what --predict must know: size, colour, scaling and the names of the classes."""
    content = dataclasses.asdict(pictures.preparation) | {"class_names": pictures.class_names}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_classes(path: Path, pictures: Pictures) -> None:
    """Writes the names of the classes, one in each line."""
    path.write_text("\n".join(pictures.class_names) + "\n", encoding="utf-8")


def report(model: keras.Model, pictures: Pictures, test: np.ndarray) -> None:
    """Prints the accuracy, and the one of naming the largest class every time."""
    if len(test) < HANDFUL:
        print(f"{len(test)} test images are too few for an accuracy. Give more images.")
        return
    labels = pictures.labels[test]
    named = model.predict(pictures.images[test], verbose=0).argmax(-1)
    right = int((named == labels).sum())
    print(
        f"Test accuracy: {right / len(test):.4f} ({right} of {len(test)} images that were not "
        "trained on)"
    )
    largest = np.bincount(pictures.labels).argmax()
    print(
        f"Naming the largest class, {pictures.class_names[largest]}, every time would reach "
        f"{np.mean(labels == largest):.4f}."
    )


def draw(
    model: keras.Model, reading: ImageAsSequence, pictures: Pictures, place: int, path: Path
) -> None:
    """Draws the reading, one image, and the belief in each class after each step."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    image = pictures.images[place]
    plot.plot_reading(reading, image, ax=axes[0])
    axes[0].set_title("What one step sees, and in which order")
    plot.plot_belief(model, image, ax=axes[1:])
    # A "$" would begin a formula.
    names = [name.replace("$", r"\$") for name in pictures.class_names]
    axes[1].set_title(f"A test image: {names[pictures.labels[place]]}")
    axes[2].set_title("Belief after every step")
    axes[2].set_xticks(range(len(names)), names)
    figure.savefig(path, dpi=120)

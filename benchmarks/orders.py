"""Compares reading orders: the same network, the same number of weights, another order.

Run `KERAS_BACKEND=jax python -m benchmarks.orders`. It takes about an hour on one core. `--data`
takes another data set in the layout of MNIST, for example Fashion-MNIST.
"""

import argparse
import dataclasses
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.versions import measured_with
from keras_imgseq import build_image_rnn, image_as_sequence

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import training_run
from mnist_data import Digits, load_digits
from training_run import Shuffled

PATCH = (4, 7)
SEED_OF_RANDOM = 92916
READINGS: dict[str, dict[str, Any]] = {
    "rows": {"step": "row"},
    **{
        f"patches, {order}": {"step": PATCH, "order": order}
        for order in ("raster", "snake", "spiral", "hilbert", "morton", "zigzag")
    },
    "patches, raster, transposed": {"step": PATCH, "transpose": True},
    "patches, random": {"step": PATCH, "order": "random", "seed": SEED_OF_RANDOM},
}
CELLS = ("simple_rnn", "gru", "lstm")
UNITS, EPOCHS, BATCH_SIZE, LEARNING_RATE = 16, 10, 100, 0.004


def main() -> None:
    """Trains every network, prints a table for each data set, and writes all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders", description=__doc__)
    parser.add_argument("--data", help=".npz file or folder with IDX files (default: MNIST)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each network (default: 3)")
    parser.add_argument(
        "--output",
        type=Path,
        help="the file to write (default: benchmark-results/orders.json, and with --tiny none)",
    )
    parser.add_argument(
        "--tiny",
        action="store_true",
        help="only see that it runs: 200 images, a SimpleRNN, one seed and one epoch",
    )
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"argument --seeds: a whole number from 1. Received: {options.seeds}.")
    if not options.output and not options.tiny:
        options.output = Path("benchmark-results/orders.json")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
    options.seeds, options.epochs = (1, 1) if options.tiny else (options.seeds, EPOCHS)
    digits = load_digits(options.data, 200 if options.tiny else None)
    for name, reading in READINGS.items():
        try:
            image_as_sequence(digits.x_test[:1], **reading)
        except ValueError as error:
            parser.error(f"{name!r} of READINGS in benchmarks/orders.py: {error}")
    found: dict[str, Any] = {
        "versions": measured_with("keras_imgseq", "keras", keras.backend.backend()),
        "data": options.data or "MNIST",
        "seeds": options.seeds,
        "epochs": options.epochs,
        "images": len(digits.x_train),
    }
    print(found["versions"])
    for name, images in (("as they are", digits), ("with permuted pixels", permuted(digits))):
        found[name] = {}
        for reading, arguments in READINGS.items():
            found[name][reading] = accuracies(images, arguments, options)
            # What a stopped run has measured is kept.
            if options.output:
                options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"\n{table(name, found[name])}", flush=True)
    if options.output:
        print(f"\nWrote {options.output}")


def permuted(digits: Digits) -> Digits:
    """The same images with their pixels exchanged, in all of them alike."""
    path = np.random.RandomState(SEED_OF_RANDOM).permutation(digits.x_train[0].size)

    def exchanged(images: Any) -> Any:
        return images.reshape(len(images), -1)[:, path].reshape(images.shape)

    parts = ("x_train", "x_validation", "x_test")
    return dataclasses.replace(digits, **{part: exchanged(getattr(digits, part)) for part in parts})


def accuracies(
    digits: Digits, reading: dict[str, Any], options: argparse.Namespace
) -> dict[str, list[float]]:
    """For each cell the accuracy on the test images, a seed at a time."""
    print(reading, file=sys.stderr, flush=True)
    # Read once, so that every order costs the same.
    parts = {
        part: np.ascontiguousarray(image_as_sequence(getattr(digits, part), **reading))
        for part in ("x_train", "x_test")
    }
    sequences = dataclasses.replace(digits, **parts)
    return {
        cell: [accuracy_of(sequences, cell, seed, options.epochs) for seed in range(options.seeds)]
        for cell in (CELLS[:1] if options.tiny else CELLS)
    }


def accuracy_of(sequences: Digits, cell: str, seed: int, epochs: int) -> float:
    """The accuracy on the test images of one training."""
    keras.utils.set_random_seed(seed)
    shape = sequences.x_train.shape[1:]
    model = build_image_rnn(shape, sequences.num_classes, cell=cell, units=UNITS)
    if cell == "simple_rnn":
        layer = model.get_layer("rnn_1")
        kernel, recurrent_kernel, bias = layer.get_weights()
        layer.set_weights([kernel, np.eye(len(recurrent_kernel)), bias])
    batches = Shuffled(sequences.x_train, sequences.y_train, BATCH_SIZE, seed)
    learning_rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE, epochs * batches.num_batches
    )
    model.compile(
        keras.optimizers.Adam(learning_rate, clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    training_run.train(model, batches, epochs=epochs, verbose=False)
    test = sequences.x_test, sequences.y_test
    _, accuracy = model.evaluate(*test, batch_size=1000, verbose=0)
    print(f"{cell}, seed {seed}: {accuracy:.4f}", file=sys.stderr, flush=True)
    return round(float(accuracy), 4)


def table(name: str, found: dict[str, dict[str, list[float]]]) -> str:
    """A line for each reading: the median and the range of the seeds, in percent."""
    cells = list(next(iter(found.values())))
    lines = [f"| {name} | {' | '.join(cells)} |", "| --- " * (len(cells) + 1) + "|"]
    for reading, of_cells in found.items():
        shown = [
            f"{100 * statistics.median(values):.1f} ({100 * min(values):.1f} to "
            f"{100 * max(values):.1f})"
            for values in of_cells.values()
        ]
        lines.append(f"| {reading} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

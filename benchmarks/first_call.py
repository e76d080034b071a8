"""What the first answer and the first training step cost, and what several steps in a call save.

Run `KERAS_BACKEND=tensorflow python -m benchmarks.first_call`. It takes some minutes.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from benchmarks.versions import measured_with
from keras_imgseq import ImageAsSequence, build_image_rnn
from keras_imgseq._recurrent.layers import MOST_UNROLLED_STEPS

BATCH_SIZE = 100
LENGTHS = (28, 112, 224, 512, 784)
# Rows, and how many images of them.
SIZES = {28: 20_000, 112: 5_000}
STEPS = (1, 10, 50)
# With the number of layers in all directions, which share the steps that are unrolled.
AT_THE_LIMIT: dict[str, dict[str, Any]] = {
    "128 units": {"layers": 1, "units": 128},
    "16 units, both directions": {"layers": 2, "bidirectional": True},
    "two layers of 128 units": {"layers": 2, "units": (128, 128)},
    "16 units, with a mask": {"layers": 1, "reading": ImageAsSequence("row", mask_value=0.0)},
}


def first_steps() -> None:
    """Prints a row for each length: this package, and the same network with Keras' loop."""
    print(
        "| steps | first answer, s | Keras | first training step, s | Keras | later, ms | Keras |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for unroll in ("auto", False):
        # What a backend does once in its life is not counted.
        _first_and_later(7, unroll)
    for num_steps in LENGTHS:
        ours, keras_loop = (_first_and_later(num_steps, unroll) for unroll in ("auto", False))
        cells = [f"{a:.3g} | {b:.3g}" for a, b in zip(ours, keras_loop, strict=True)]
        print(f"| {num_steps} | {' | '.join(cells)} |", flush=True)


def _first_and_later(
    num_steps: int, unroll: bool | str, **arguments: Any
) -> tuple[float, float, float]:
    """The seconds of the first answer and training step, and milliseconds of a later step."""
    images = np.random.default_rng(0).random((BATCH_SIZE, num_steps, 28), dtype="float32")
    labels = np.arange(BATCH_SIZE) % 10
    model = build_image_rnn((num_steps, 28), 10, unroll=unroll, **arguments)
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    answer, _ = _timed(lambda: model.predict(images, batch_size=BATCH_SIZE, verbose=0))
    step, later = _timed(lambda: model.train_on_batch(images, labels))
    return answer, step, 1e3 * later


def longest_waits() -> None:
    """Prints a row for each network that is unrolled up to its limit, or more."""
    print("| network | steps | first training step, s | Keras |")
    print("| --- | --- | --- | --- |")
    for name, arguments in AT_THE_LIMIT.items():
        for num_steps in sorted({MOST_UNROLLED_STEPS // arguments["layers"], MOST_UNROLLED_STEPS}):
            seconds = []
            for unroll in ("auto", False):
                options = {key: value for key, value in arguments.items() if key != "layers"}
                _, step, _ = _first_and_later(num_steps, unroll, **options)
                seconds.append(f"{step:.3g}")
            print(f"| {name} | {num_steps} | {' | '.join(seconds)} |", flush=True)


def very_long() -> None:
    """Prints the first and a later training step of 224 x 224 pixels, read one by one."""
    images = np.random.default_rng(0).random((4, 224, 224), dtype="float32")
    model = build_image_rnn((224, 224), 10, units=64, reading="pixel")
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    first, later = _timed(lambda: model.train_on_batch(images, np.arange(4)))
    print("| steps | first training step, s | later, s |\n| --- | --- | --- |")
    print(f"| {224 * 224:,} | {first:.1f} | {later:.1f} |", flush=True)


def several_in_a_call() -> None:
    """Prints a row for each size and number of steps."""
    print("| rows | steps_per_execution | first predict, s | then, ms | first fit, s | then, ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for height, num_images in SIZES.items():
        images = np.random.default_rng(0).random((num_images, height, 28), dtype="float32")
        labels = np.arange(num_images) % 10
        for steps in STEPS:
            model = build_image_rnn((height, 28), 10)
            model.compile("rmsprop", "sparse_categorical_crossentropy", steps_per_execution=steps)
            options = {"batch_size": BATCH_SIZE, "verbose": 0}
            predicted = _timed(lambda m=model, o=options, x=images: m.predict(x, **o))
            fitted = _timed(lambda m=model, o=options, x=images, y=labels: m.fit(x, y, **o))
            cells = [
                f"{first:.1f} | {1e3 * later * BATCH_SIZE / num_images:.2g}"
                for first, later in (predicted, fitted)
            ]
            print(f"| {height} | {steps} | {' | '.join(cells)} |", flush=True)


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """The seconds of the first call, and of the quickest of three after it."""
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds[0], min(seconds[1:])


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m benchmarks.first_call", description=__doc__
    ).parse_args()
    print(measured_with("keras", keras.backend.backend()) + "\n")
    for table in (first_steps, longest_waits, very_long, several_in_a_call):
        table()
        print()

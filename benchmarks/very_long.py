"""Training steps over 50,176 pixels, on each backend that is installed, in turn.

Run `python -m benchmarks.very_long`. It takes some minutes. The machine may change its speed from
one second to the next, so each backend has its process, and they take their steps one after the
other.
"""

import importlib.util
import os
import statistics
import subprocess
import sys
import time

SIZE, UNITS, BATCH_SIZE, ROUNDS = 224, 64, 4, 20
BACKENDS = ("tensorflow", "jax", "torch")
REFERENCE = "jax"


def main() -> None:
    """Prints a row for each backend."""
    from benchmarks.versions import measured_with

    names = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    processes = {name: started(name) for name in names}
    first = {name: seconds_of_a_step(process) for name, process in processes.items()}
    later: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name, process in processes.items():
            later[name].append(seconds_of_a_step(process))
    for process in processes.values():
        process.kill()
    print(measured_with("keras", *names))
    print(f"{SIZE * SIZE} steps, {UNITS} units, {BATCH_SIZE} images\n")
    print(f"| backend | first step, s | a later one, s | times that of {REFERENCE} |")
    print("| --- | --- | --- | --- |")
    for name, times in later.items():
        low, median, high = (f"{value:.2g}" for value in statistics.quantiles(times, n=4))
        beside = zip(times, later.get(REFERENCE, []), strict=False)
        ratios = [one / other for one, other in beside]
        ratio = f"{statistics.median(ratios):.2f}" if ratios else "not installed"
        print(f"| {name} | {first[name]:.2g} | {median} ({low} to {high}) | {ratio} |")


def started(backend: str) -> subprocess.Popen[str]:
    """A process that takes a training step for each line that it is given."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.very_long", "--steps"],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def seconds_of_a_step(process: subprocess.Popen[str]) -> float:
    """Lets a process take a step, and waits for its time."""
    assert process.stdin and process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def take_steps() -> None:
    """Takes a training step for each line that comes in, and prints its seconds."""
    import keras
    import numpy as np

    from keras_imgseq import build_image_rnn

    keras.utils.set_random_seed(0)
    model = build_image_rnn((SIZE, SIZE), 10, reading="pixel", units=UNITS)
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((BATCH_SIZE, SIZE, SIZE), dtype="float32")
    for _ in sys.stdin:
        begin = time.perf_counter()
        model.train_on_batch(images, np.arange(BATCH_SIZE))
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    take_steps() if sys.argv[1:] == ["--steps"] else main()

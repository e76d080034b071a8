"""What else it costs: the import, the memory, and how a step grows with the network."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.pairs import Pair
from benchmarks.training import fit
from keras_imgseq import ImageAsSequence, build_image_rnn

IMPORT = """
import time
start = time.perf_counter()
import keras
between = time.perf_counter()
import keras_imgseq
print(between - start, time.perf_counter() - between)
"""
PEAK = """
import keras
import numpy as np
from benchmarks.training import as_typed, fit
from keras_imgseq import build_image_rnn
images = np.zeros(({num_images}, 28, 28), "float32")
model = {model}
fit(model, images, np.arange(len(images)) % 10)()
# Not ru_maxrss: that of a child begins with what its parent has held.
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1])
"""
MODELS = {
    "ours": "build_image_rnn((28, 28), 10)",
    "as typed in Keras": 'as_typed("simple_rnn", 16, 28)',
}
GROWTH = {
    "height": [28, 56, 112, 224, 448],
    "width": [28, 56, 112, 224, 448],
    "channels": [1, 2, 4, 8, 16],
    "units": [16, 32, 64, 128, 256],
    "batch": [32, 64, 128, 256, 512],
}
ORDERS = ["raster", "snake", "spiral", "hilbert", "morton"]


def imports(num_rounds: int) -> Iterator[Pair]:
    """What `import keras_imgseq` adds to `import keras`, in a fresh process."""
    keras_seconds, seconds = zip(*(_run(IMPORT) for _ in range(num_rounds)), strict=True)
    yield Pair("import", "keras_imgseq, after keras", "keras", [*seconds], [*keras_seconds])


def memory(num_steps: int) -> dict[str, list[float]]:
    """Peaks of the whole process, in bytes, over an epoch of training."""
    code = {
        name: PEAK.format(num_images=100 * num_steps, model=model) for name, model in MODELS.items()
    }
    peaks: dict[str, list[float]] = {name: [] for name in MODELS}
    for _ in range(3):
        for name in MODELS:
            peaks[name].append(1024 * _run(code[name])[0])
    return peaks


def memory_table(peaks: dict[str, list[float]]) -> str:
    """Side by side, in MiB."""
    lines = [
        "| one epoch of the book's network | peak of the process, MiB | all runs |",
        "| --- | --- | --- |",
    ]
    for name, values in peaks.items():
        mebibytes = [f"{value / 2**20:.0f}" for value in sorted(values)]
        lines.append(f"| {name} | {mebibytes[len(values) // 2]} | {', '.join(mebibytes)} |")
    return "\n".join(lines)


def growth(tiny: bool) -> dict[str, tuple[list[Any], list[float]]]:
    """Seconds of a training step against one size at a time, and against the order."""
    results: dict[str, tuple[list[Any], list[float]]] = {}
    for name, values in {**GROWTH, "order": ORDERS}.items():
        chosen: list[Any] = values[:2] if tiny else values
        results[name] = chosen, [_step_seconds(2 if tiny else 7, **{name: v}) for v in chosen]
    return results


def growth_table(results: dict[str, tuple[list[Any], list[float]]]) -> str:
    """The exponents that fit the growth, and the orders as they are."""
    lines = ["| a step grows with | from, to | ms | exponent |", "| --- | --- | --- | --- |"]
    for name, (values, seconds) in results.items():
        milliseconds = ", ".join(f"{s * 1e3:.3g}" for s in seconds)
        exponent = "" if name == "order" else f"{exponent_of(values, seconds):.2f}"
        lines.append(f"| {name} | {', '.join(map(str, values))} | {milliseconds} | {exponent} |")
    return "\n".join(lines)


def exponent_of(values: list[Any], seconds: list[float]) -> float:
    """The slope of seconds against size, both as logarithms."""
    return float(np.polyfit(np.log(values), np.log(seconds), 1)[0])


def _step_seconds(
    num_rounds: int,
    height: int = 28,
    width: int = 28,
    channels: int = 1,
    units: int = 16,
    batch: int = 100,
    order: str | None = None,
) -> float:
    reading = ImageAsSequence((4, 4), order) if order else None
    model = build_image_rnn((height, width, channels), 10, units=units, reading=reading)
    num_images = 20 * batch
    images = np.random.default_rng(0).random((num_images, height, width, channels), "float32")
    epoch = fit(model, images, np.arange(num_images) % 10, batch_size=batch)
    epoch()
    return float(np.median([epoch() for _ in range(num_rounds)]))


def _run(code: str) -> list[float]:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(number) for number in ended.stdout.split()]

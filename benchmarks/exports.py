"""Writes every network for every target from every backend, and prints which of them answer right.

Run `python -m benchmarks.exports` in an environment with the extras `jax`, `torch` and `export`. It
starts one process for each backend.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
PACKAGES = (
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "jax2onnx",
    "onnxscript",
    "openvino",
    "ai-edge-litert",
)
NETWORKS = (
    "the book's",
    "a GRU with a mask",
    "LSTMs over patches",
    "columns, every step",
    "a line reader",
    "the book's step",
    "the step of LSTMs",
)
# More is another answer.
MOST_DIFFERENCE = 1e-5
WIDTH_OF_LINES = 256
HEADER = (
    "| network | target | from | difference | sizes | file, kB | one answer, ms |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> None:
    """Prints a table of what works, one of all figures, and one of 8-bit weights."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="only see that it runs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        for found in measured(options.tiny):
            print(json.dumps(found), flush=True)
        return
    versions = [f"{name} {version_of(name)}" for name in ("keras", *BACKENDS, *PACKAGES)]
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, Python {platform.python_version()}, "
        f"{', '.join(versions)}\n"
    )
    found = [row for backend in BACKENDS for row in of_backend(backend, options.tiny)]
    print(summary(found) + "\n")
    print(HEADER)
    for row in found:
        if "reason" not in row and "int8" not in row:
            print(
                f"| {row['network']} | {row['target']} | {NAMES[row['backend']]} | "
                f"{row['difference']:.0e} | {row['sizes']} | {row['kilobytes']:.0f} | "
                f"{row['milliseconds']:.3f} |"
            )
    print("\n| does not work | target | from | reason |\n| --- | --- | --- | --- |")
    for row in found:
        if "reason" in row:
            backend = NAMES[row["backend"]]
            print(f"| {row['network']} | {row['target']} | {backend} | {row['reason']} |")
    print("\n| 8-bit weights, ONNX | difference | file, kB | one answer, ms |")
    print("| --- | --- | --- | --- |")
    for row in found:
        if "int8" in row:
            print(
                f"| {row['network']}, from {NAMES[row['backend']]} | {row['difference']:.0e} | "
                f"{row['kilobytes']:.0f} | {row['milliseconds']:.3f} |"
            )


def summary(found: list[dict[str, Any]]) -> str:
    """For each network and target the backends that it can be written from."""
    targets = list(dict.fromkeys(row["target"] for row in found))
    lines = [f"| network | {' | '.join(targets)} |", "| --- " * (len(targets) + 1) + "|"]
    for network in dict.fromkeys(row["network"] for row in found):
        cells = []
        for target in targets:
            names = [
                NAMES[row["backend"]]
                for row in found
                if (row["network"], row["target"]) == (network, target)
                and not {"reason", "int8"} & set(row)
            ]
            cells.append(", ".join(names) or "none")
        lines.append(f"| {network} | {' | '.join(cells)} |")
    return "\n".join(lines)


def of_backend(backend: str, tiny: bool) -> Iterator[dict[str, Any]]:
    """What a process with this backend finds."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.exports", "--worker"]
    ended = subprocess.run(
        command + ["--tiny"] * tiny,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    for line in ended.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def version_of(package: str) -> str:
    """The version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "is not installed"


def measured(tiny: bool) -> Iterator[dict[str, Any]]:
    """A row for each network and target of the backend of this process."""
    import keras

    from keras_imgseq._export.targets import TARGETS, missing_packages

    backend = keras.backend.backend()
    for network in NETWORKS[5:6] if tiny else NETWORKS:
        for name, target in TARGETS.items():
            if backend not in target.writers or missing_packages(target, backend):
                continue
            row = {"network": network, "target": name, "backend": backend}
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"model{target.ending}"
                try:
                    yield row | figures(network, target, path)
                    if name == "onnx" and not tiny:
                        yield row | {"int8": True} | figures_of_int8(network, target, path)
                except Exception as error:
                    yield row | {"reason": f"{type(error).__name__}: {last_words(error)}"}


def last_words(error: Exception) -> str:
    """The end of a message, for a table."""
    words = " ".join(str(error).replace("|", "/").split())
    return words if len(words) < 120 else "... " + words[-110:].split(" ", 1)[-1]


def network_of(name: str) -> Any:
    """One of the networks of the table."""
    import keras

    import keras_imgseq
    from keras_imgseq import ImageAsSequence, build_image_rnn

    keras.utils.set_random_seed(0)
    if name == "a line reader":
        return keras_imgseq.LineReader("0123456789", height=32, units=64)
    if name == "the step of LSTMs":
        return keras_imgseq.build_step_model(
            build_image_rnn((28, 28), 10, cell="lstm", units=(64, 64))
        )
    arguments: dict[str, Any] = {
        "a GRU with a mask": {"cell": "gru", "reading": ImageAsSequence("row", mask_value=-1.0)},
        "LSTMs over patches": {
            "cell": "lstm",
            "units": (32, 32),
            "reading": ImageAsSequence((4, 7), "hilbert"),
        },
        "columns, every step": {"reading": "column", "return_sequences": True},
    }.get(name, {})
    network = build_image_rnn((28, 28), 10, **arguments)
    return keras_imgseq.build_step_model(network) if name == "the book's step" else network


def figures(network: str, target: Any, path: Path) -> dict[str, Any]:
    """Writes a file of any number of images, or else of one, and measures it."""
    is_fixed = target.has_fixed_batch
    try:
        return written(network, target, path, None if not is_fixed else 1)
    except Exception:
        if is_fixed:
            raise
        return written(network, target, path, 1)


def written(network: str, target: Any, path: Path, batch: int | None) -> dict[str, Any]:
    """Writes a file, and measures its difference from Keras, its size and its time."""
    import keras

    model = network_of(network)
    from keras_imgseq._export.agreement import largest_difference, random_inputs

    shapes = [
        (batch, *(side or WIDTH_OF_LINES for side in tensor.shape[1:])) for tensor in model.inputs
    ]
    signature = [
        keras.InputSpec(shape=shape, dtype=tensor.dtype, name=tensor.name)
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    ]
    target.write(model, path, signature)
    inputs = random_inputs(model, signature)
    difference = largest_difference(model, target.run(path, inputs), inputs)
    if not difference <= MOST_DIFFERENCE:
        raise ValueError(f"it answers otherwise than Keras, by {difference:.0e}")
    sizes = "any number of images" if batch is None else "one image"
    return {
        "difference": difference,
        "sizes": sizes,
        "kilobytes": sum(file.stat().st_size for file in files_of(path)) / 1000,
        "milliseconds": milliseconds_of(target, path, random_inputs(model, signature, batch=1)),
    }


def files_of(path: Path) -> list[Path]:
    """All files that belong to an export."""
    return [file for file in path.parent.rglob("*") if file.is_file()]


def milliseconds_of(target: Any, path: Path, inputs: dict[str, Any]) -> float:
    """The median time of one answer, without the loading of the file."""
    run = target.load(path)
    run(inputs)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        run(inputs)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def figures_of_int8(network: str, target: Any, path: Path) -> dict[str, Any]:
    """The same of the ONNX file with weights of 8 bits."""
    from onnxruntime.quantization import quantize_dynamic

    from keras_imgseq._export.agreement import largest_difference, random_inputs

    smaller = path.with_name("int8.onnx")
    quantize_dynamic(path, smaller)
    model = network_of(network)
    inputs = random_inputs(model, model.inputs, batch=1, side=WIDTH_OF_LINES)
    return {
        "difference": largest_difference(model, target.run(smaller, inputs), inputs),
        "kilobytes": smaller.stat().st_size / 1000,
        "milliseconds": milliseconds_of(target, smaller, inputs),
    }


if __name__ == "__main__":
    main()

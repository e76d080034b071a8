"""Writes every network for every target from every backend, and prints which of them answer right.

Run `python -m benchmarks.exports` in an environment with the extras `jax`, `torch` and `export`. It
starts a process for each backend and network.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.export_tables import (
    beside_plain_keras,
    figures,
    figures_of_int8,
    reasons,
    summary,
)
from benchmarks.exported_networks import NETWORKS, PLAIN_NETWORKS, built
from benchmarks.versions import measured_with

BACKENDS = ("tensorflow", "jax", "torch")
PACKAGES = (
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "jax2onnx",
    "onnxscript",
    "openvino",
    "ai-edge-litert",
)
# More is another answer.
MOST_DIFFERENCE = 1e-5
WIDTH_OF_LINES = 256
# OpenVINO converts nothing from JAX, and after a failed conversion JAX was seen to wait for ever.
NEVER_ENDS = "openvino", "jax"
Build = Callable[[], Any]


def main() -> None:
    """Prints what works, what plain Keras does instead, all figures, and 8-bit weights."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="only see that it runs")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("benchmark-results/exports.json"),
        help="the file to write (default: benchmark-results/exports.json)",
    )
    parser.add_argument("--worker", metavar="NETWORK", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        for row in measured(options.worker, options.tiny):
            print(json.dumps(row), flush=True)
        return
    versions = measured_with("keras", *BACKENDS, *PACKAGES)
    print(versions + "\n")
    networks = ["the book's"] if options.tiny else list(NETWORKS)
    found = [
        row
        for backend in BACKENDS
        for network in networks
        for row in in_a_process(backend, network, options.tiny)
    ]
    for table in (summary, beside_plain_keras, figures, reasons, figures_of_int8):
        print(table(found) + "\n", flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"versions": versions, "found": found}, indent=1)
    options.output.write_text(content + "\n", "utf-8")
    failed = [row for row in found if "reason" in row and "plain" not in row]
    if options.tiny and (failed or not found):
        sys.exit(f"Failed: {failed or 'nothing was written'}")


def in_a_process(backend: str, network: str, tiny: bool) -> Iterator[dict[str, Any]]:
    """What a process with this backend finds. An export that fails leaves things behind in it."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.exports", "--worker", network]
    ended = subprocess.run(
        command + ["--tiny"] * tiny,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=tiny,
    )
    if ended.returncode:
        # What the other processes find is not lost.
        print(f"{network} from {backend} ended with {ended.returncode}.", file=sys.stderr)
    for line in ended.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def measured(network: str, tiny: bool) -> Iterator[dict[str, Any]]:
    """A row for each target of the backend of this process."""
    import keras

    from keras_imgseq._export.targets import TARGETS, missing_packages

    backend = keras.backend.backend()
    for name, target in TARGETS.items():
        is_written = backend in target.writers and not missing_packages(target, backend)
        if not is_written or (name, backend) == NEVER_ENDS:
            continue
        row = {"network": network, "target": name, "backend": backend}
        has_int8 = name == "onnx" and not tiny
        for found in attempted(partial(built, NETWORKS[network]), target, has_int8):
            yield row | found
        if network in PLAIN_NETWORKS:
            for found in attempted(partial(built, PLAIN_NETWORKS[network]), target, False):
                yield row | found | {"plain": True}


def attempted(build: Build, target: Any, has_int8: bool) -> Iterator[dict[str, Any]]:
    """The figures of a file and those with weights of 8 bits, or the reason why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, found = measured_file(build, target, Path(folder))
            yield found
        except Exception as error:
            yield {"reason": f"{type(error).__name__}: {said(error)}"}
            return
        if has_int8:
            yield {"int8": True} | measured_int8(build, target, path)


def said(error: Exception) -> str:
    """A message for a table: the whole, or its end, or the lines that list what is missing."""
    listed = [line[3:] for line in str(error).splitlines() if line.startswith("-- ")]
    words = " ".join(" ".join(listed or [str(error)]).replace("|", "/").split())
    return words if len(words) < 400 else "... " + words[-390:].split(" ", 1)[-1]


def measured_file(build: Build, target: Any, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Writes a file with as few fixed sizes as its target takes. Returns it and its figures."""
    sizes = [(None, None), (None, WIDTH_OF_LINES), (1, WIDTH_OF_LINES)]
    for number, (batch, side) in enumerate(sizes[-1:] if target.has_fixed_batch else sizes):
        path = folder / str(number) / f"model{target.ending}"
        path.parent.mkdir()
        try:
            return path, written(build, target, path, batch, side)
        except Exception:
            if batch == 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def written(
    build: Build, target: Any, path: Path, batch: int | None, side: int | None
) -> dict[str, Any]:
    """Writes a file, and measures its difference from Keras, its size and its time."""
    import keras

    from keras_imgseq._export.agreement import largest_difference, random_inputs

    model = build()
    shapes = [(batch, *(known or side for known in tensor.shape[1:])) for tensor in model.inputs]
    signature = [
        keras.InputSpec(shape=shape, dtype=tensor.dtype, name=tensor.name)
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    ]
    target.write(model, path, signature)
    inputs = random_inputs(model, signature, side=WIDTH_OF_LINES)
    difference = largest_difference(model, target.run(path, inputs), inputs)
    if not difference <= MOST_DIFFERENCE:
        raise ValueError(f"it answers otherwise than Keras, by {difference:.0e}")
    sizes = "any number of images" if batch is None else "one image"
    is_open = any(None in shape[1:] for shape in shapes)
    one = random_inputs(model, signature, batch=1, side=WIDTH_OF_LINES)
    return {
        "difference": difference,
        "sizes": f"{sizes} of any width" if is_open else sizes,
        "kilobytes": sum(file.stat().st_size for file in files_of(path)) / 1000,
        "milliseconds": milliseconds_of(target, path, one),
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


def measured_int8(build: Build, target: Any, path: Path) -> dict[str, Any]:
    """The same of the ONNX file with weights of 8 bits."""
    from onnxruntime.quantization import quantize_dynamic

    from keras_imgseq._export.agreement import largest_difference, random_inputs

    smaller = path.with_name("int8.onnx")
    quantize_dynamic(path, smaller)
    model = build()
    inputs = random_inputs(model, model.inputs, batch=1, side=WIDTH_OF_LINES)
    return {
        "difference": largest_difference(model, target.run(smaller, inputs), inputs),
        "kilobytes": smaller.stat().st_size / 1000,
        "milliseconds": milliseconds_of(target, smaller, inputs),
    }


if __name__ == "__main__":
    main()

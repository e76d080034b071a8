"""Writes a saved network for elsewhere: `python -m keras_imgseq.export MODEL.keras --to onnx`."""

import argparse
import contextlib
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_imgseq import LineReader, build_step_model
from keras_imgseq._export.agreement import inputs_to_compare, largest_difference
from keras_imgseq._export.description import describe
from keras_imgseq._export.pixels import data_format_of
from keras_imgseq._export.saved_network import load_network, reason_of
from keras_imgseq._export.targets import TARGETS, Target, missing_packages

# The largest difference allowed: of an answer above 1 as its share, else as it is.
MOST_DIFFERENCE = 1e-3
OF_SAVED_MODELS = r"fingerprint\.pb|saved_model\.pb|variables/variables\..*"
EXAMPLES = """examples:
  python -m keras_imgseq.export digits.keras --to onnx
  python -m keras_imgseq.export digits.keras --to litert --step
  python -m keras_imgseq.export reader.keras --to onnx --size 40 1024

The file is written beside the model, or to --output. A .json file beside it, such as
digits.onnx.json, lists its sizes, its scaling, and its alphabet or class names. KERAS_BACKEND
chooses the backend."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the file that the command line asks for, and prints how well it agrees."""
    options = _parsed(arguments)
    try:
        export(options)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")


def export(options: argparse.Namespace) -> None:
    """Writes a file beside its place, checks it, and moves it there in one go.

    Raises:
        ValueError: If the model cannot be written. The message says why and what to do.
    """
    target = TARGETS[options.to]
    _check_backend(options.to, target)
    whole = load_network(options.model, _as_typed(options))
    if options.step and isinstance(whole, LineReader):
        raise ValueError(
            "A line reader has no step: it reads each line in both directions. Received: --step. "
            "Omit it."
        )
    model = build_step_model(whole) if options.step else whole
    signature = _signature(model, target, options.size)
    path = _checked_path(options, target)
    content = describe(whole, model, signature, options.model, options.to)
    with tempfile.TemporaryDirectory(prefix=".keras-imgseq-", dir=path.parent) as folder:
        # Under its final name: ONNX files name the file of their weights.
        written = Path(folder) / "new" / path.name
        written.parent.mkdir()
        try:
            target.write(model, written, signature)
            run = target.load(written)
            differences = [
                largest_difference(model, run(inputs), inputs)
                for inputs in inputs_to_compare(model, signature, whole)
            ]
        except Exception as error:
            raise ValueError(
                f"{options.to} cannot hold this network as {keras.backend.backend()} writes it: "
                f"{reason_of(error)[:300]}. To change that, {_other_ways(model, options)}."
            ) from error
        difference = max(differences)
        if not difference <= MOST_DIFFERENCE:
            raise ValueError(
                f"The file's answers differ from Keras' by {difference:.1e}. It was not kept. "
                f"Instead, {_other_writers(options)}."
            )
        description = json.dumps(content, indent=2, ensure_ascii=False)
        _beside(written).write_text(description + "\n", "utf-8")
        _put(written.parent, path, Path(folder) / "before")
    print(f"Wrote {path} and {_beside(path).name}.")
    print(f"Largest difference from Keras: {difference:.1e}")


def _other_ways(model: keras.Model, options: argparse.Namespace) -> str:
    """The options that may make a target take a network, as far as it has them."""
    ways = []
    if not options.size and _reads_images(model) and None in model.inputs[0].shape[1:]:
        ways.append("fix its sizes with --size, ")
    if not options.step:
        with contextlib.suppress(ValueError):
            build_step_model(model)
            ways.append("export the step with --step, ")
    return "".join(ways) + _other_writers(options)


def _other_writers(options: argparse.Namespace) -> str:
    """Who else may write the network."""
    if len(TARGETS[options.to].writers) == 1:
        return "take another target"
    return "take another KERAS_BACKEND, or another target"


def _as_typed(options: argparse.Namespace) -> str:
    """The options of the command line once more."""
    words = [options.model, "--to", options.to]
    words += ["--step"] if options.step else []
    words += ["--size", *options.size] if options.size else []
    words += ["--output", options.output] if options.output else []
    return shlex.join(map(str, words))


def _reads_images(model: keras.Model) -> bool:
    """Whether its sizes are those of one kind of images."""
    return len(model.inputs) == 1 and len(model.inputs[0].shape) in (3, 4)


def _put(new: Path, path: Path, before: Path) -> None:
    """Moves what was written to its place. What stood there comes back if that fails."""
    if path.is_dir():
        path.rename(before)
    try:
        for file in new.iterdir():
            os.replace(file, path.with_name(file.name))
    except OSError:
        if before.is_dir() and not path.exists():
            before.rename(path)
        raise


def _beside(path: Path) -> Path:
    """The file that describes another."""
    return path.with_name(f"{path.name}.json")


def _is_ours(path: Path) -> bool:
    """Whether this command wrote a file, as what is beside it says."""
    try:
        content = json.loads(_beside(path).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"made_by", "target"} <= set(content)


def _checked_path(options: argparse.Namespace, target: Target) -> Path:
    """Where the file will stand. Nothing else that stands there is overwritten."""
    step, folder = "_step" if options.step else "", "" if target.ending else "_saved_model"
    path: Path = options.output or options.model.with_name(
        f"{options.model.stem}{step}{folder}{target.ending}"
    )
    if not path.name or (target.ending and path.suffix != target.ending):
        what = f"a file ending in {target.ending}" if target.ending else "the folder to write"
        raise ValueError(f"--output is {what}. Received: {path}.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent}. Make it first.")
    if path.is_dir():
        files = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
        others = sorted(file for file in files if not re.fullmatch(OF_SAVED_MODELS, file))
        if others or target.ending or not _is_ours(path):
            what = f"holds {others[0]}, which" if others else "is a folder that"
            raise ValueError(f"{path} {what} this command did not write. Give another --output.")
    if path.is_file() and not target.ending:
        raise ValueError(f"{path} is a file, and a folder is written. Give another --output.")
    weights = [path.with_suffix(".bin")] if target.ending == ".xml" else []
    for file in (path, _beside(path), *weights):
        if file.exists() and not _is_ours(path):
            raise ValueError(
                f"{file} is a file that this command did not write. Give another --output."
            )
    return path


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m keras_imgseq.export",
        description="Writes a saved network as a file that runs without Keras.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a .keras file")
    parser.add_argument("--to", choices=list(TARGETS), required=True, help="the format of the file")
    parser.add_argument(
        "--step",
        action="store_true",
        help="write the model of one step, which reads a part, as a row (default: the network)",
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="the size of all images, in pixels (default: as the network was built)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write (default: beside the model)"
    )
    return parser.parse_args(arguments)


def _check_backend(name: str, target: Target) -> None:
    backend = keras.backend.backend()
    if backend not in target.writers:
        names = " or ".join(f"KERAS_BACKEND={writer}" for writer in target.writers)
        raise ValueError(f"{name} is not written from {backend}. Set {names}.")
    missing = missing_packages(target, backend)
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} must be installed for this: run "
            f'`pip install "keras-imgseq[export]"`.'
        )


def _signature(model: keras.Model, target: Target, size: Any) -> list[keras.InputSpec]:
    """The shapes and the names of the inputs in the file."""
    specs: list[keras.InputSpec] = []
    if size and not _reads_images(model):
        raise ValueError("--size is for a whole network that reads images. Omit it.")
    for tensor in model.inputs:
        shape = list(tensor.shape)
        if size:
            axis = 2 if len(shape) == 4 and data_format_of(model) == "channels_first" else 1
            wrong = [
                built
                for built, given in zip(shape[axis : axis + 2], size, strict=True)
                if built not in (None, given)
            ]
            if wrong or min(size) < 1:
                raise ValueError(
                    f"--size {size[0]} {size[1]} does not fit this network, which reads "
                    f"{tuple(shape)}. None is a size that you choose."
                )
            shape[axis : axis + 2] = size
        if target.has_fixed_batch:
            shape[0] = 1
        # PyTorch writes one step after the other, as many as it is shown.
        if None in shape[1:] and (target.has_fixed_batch or keras.backend.backend() == "torch"):
            cure = (
                "Give their size with --size HEIGHT WIDTH."
                if _reads_images(model)
                else "Build the network with all sizes known."
            )
            raise ValueError(
                f"This file holds inputs of one size, and the network reads {tuple(shape)}. {cure}"
            )
        # A name that TensorFlow takes, too, and no other input has.
        name = re.sub(r"\W", "_", tensor.name, flags=re.ASCII)
        name = name if name[0].isalpha() else f"input_{name}"
        while name in {spec.name for spec in specs}:
            name += "_"
        specs.append(keras.InputSpec(shape=tuple(shape), dtype=tensor.dtype, name=name))
    return specs


if __name__ == "__main__":
    main()

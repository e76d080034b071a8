"""The lines for training, validation and test: numbers, or folders and shares of them."""

import argparse
from pathlib import Path

import numpy as np
from command_line import with_progress
from line_folder import Lines, LinesError, load_lines, split_by_work, works_of
from line_numbers import write_numbers
from mnist_data import SHIPPED

NUM_TRAINING, NUM_VALIDATION, NUM_TEST = 24_000, 500, 2_000


def loaded(options: argparse.Namespace) -> tuple[Lines, Lines, Lines]:
    """The lines for training, validation and test."""
    return of_folders(options) if options.data else of_numbers(options)


def of_numbers(options: argparse.Namespace) -> tuple[Lines, Lines, Lines]:
    """Numbers that are written with the digits of MNIST, each part with digits of its own."""
    print("No --data given: writing numbers with the digits of MNIST.")
    with np.load(SHIPPED) as arrays:
        digits = {name: arrays[name] for name in arrays}
    most_lines = options.limit or NUM_TRAINING
    counts = [min(count, most_lines) for count in (NUM_TRAINING, NUM_VALIDATION, NUM_TEST)]
    sources = (("train", 55000), ("train", -5000), ("test", 10000))
    parts = []
    for seed, (count, (part, most)) in enumerate(zip(counts, sources, strict=True)):
        chosen = slice(None, most) if most > 0 else slice(most, None)
        x, y = digits[f"x_{part}"][chosen], digits[f"y_{part}"][chosen]
        images, texts = write_numbers(x, y, count, seed=10 * options.seed + seed)
        parts.append(Lines(images, texts, [Path(f"{place}.png") for place in range(count)]))
    return parts[0], parts[1], parts[2]


def without_those_of(lines: Lines, others: list[Lines]) -> Lines:
    """The lines for the training, without those of a folder for the validation or the test."""
    taken = {path.resolve() for other in others for path in other.paths}
    kept = [place for place, path in enumerate(lines.paths) if path.resolve() not in taken]
    if len(kept) < len(lines):
        print(f"{len(lines) - len(kept)} lines are in --valid or --test too, and not trained on.")
    if not kept:
        raise LinesError(
            "No line is left for the training: all are in --valid or --test too. Give other "
            "folders."
        )
    return lines.some(kept)


def of_folders(options: argparse.Namespace) -> tuple[Lines, Lines, Lines]:
    """The lines of folders. A part without a folder is split off, in whole works."""
    parts = {}
    given = {name: getattr(options, name) for name in ("data", "valid", "test")}
    shares = {name: one for name, (one, *_) in given.items() if isinstance(one, float)}
    for name, folders in given.items():
        loads = []
        for folder in [] if name in shares else folders:
            lines, said = load_lines(folder, with_progress)
            for sentence in said:
                print(f"{folder}: {sentence}.")
            loads.append(lines)
        if loads:
            parts[name] = Lines.joined(loads)
    parts["data"] = without_those_of(
        parts["data"], [parts[name] for name in parts if name != "data"]
    )
    split_off = [name for name in ("test", "valid") if name in shares]
    # A share is of all lines, and so a larger one of those that the first part left.
    left = 1.0
    for place, name in enumerate(split_off):
        works = works_of(parts["data"], options.split_by)
        parts["data"], parts[name] = split_by_work(
            parts["data"],
            works,
            share=shares[name] / left,
            seed=options.seed,
            num_kept=len(split_off) - place,
        )
        left -= shares[name]
        if not len(parts[name]):
            raise LinesError(
                f"{len(set(works))} works, among them {works[0]!r}, are too few: none is left for "
                f"--{name}. Name the works with --split-by, where '(.*)' makes each file a work, "
                "or give folders with --valid and --test."
            )
    return parts["data"], parts["valid"], parts["test"]

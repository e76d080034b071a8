"""Runs the benchmarks of one backend: `KERAS_BACKEND=jax python -m benchmarks`."""

import argparse
import itertools
import json
from pathlib import Path

import keras
import pyperf

from benchmarks import cost, lines, masks, reading, streaming, training
from benchmarks.pairs import HEADER, benchmark
from benchmarks.versions import measured_with


def main() -> None:
    """Measures, prints the tables, and writes the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("benchmark-results"),
        help="the folder to write into (default: benchmark-results)",
    )
    parser.add_argument("--tiny", action="store_true", help="only see that it runs")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    backend = keras.backend.backend()
    num_rounds = 2 if options.tiny else 7
    shape = (2, 28, 28, 3) if options.tiny else reading.SHAPE

    print(measured_with("keras", backend) + "\n")
    print(HEADER)
    benchmarks, pairs = [], []
    for pair in itertools.chain(
        training.pairs(num_rounds, options.tiny),
        masks.pairs(num_rounds, options.tiny),
        lines.pairs(num_rounds, options.tiny),
        streaming.pairs(num_rounds, options.tiny),
        reading.pairs(num_rounds, shape),
        reading.cached(num_rounds),
        reading.pipelines(num_rounds, shape),
        cost.imports(2 if options.tiny else 5),
    ):
        print(pair.row(), flush=True)
        benchmarks.extend(pair.benchmarks())
        pairs.append(pair)
    print("\n" + streaming.rates(pairs))
    speedups = options.output / f"speed-{backend}.json"
    speedups.write_text(json.dumps(training.speedups(pairs), indent=1) + "\n", "utf-8")
    memory = cost.memory(num_steps=2 if options.tiny else 200)
    print("\n" + cost.memory_table(memory))
    benchmarks += [benchmark(f"peak of memory: {n}", peaks, "byte") for n, peaks in memory.items()]
    growth = cost.growth(tiny=options.tiny)
    print("\n" + cost.growth_table(growth))
    benchmarks += [
        benchmark(f"a step, {name} {value}", [seconds])
        for name, of_all in growth.items()
        for value, seconds in zip(*of_all, strict=True)
    ]
    file = options.output / f"{backend}.json"
    file.unlink(missing_ok=True)
    pyperf.BenchmarkSuite(benchmarks).dump(str(file))
    print(f"\nWrote {file} and {speedups.name}")


if __name__ == "__main__":
    main()

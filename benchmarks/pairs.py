"""Two ways to do the same thing, timed in turn, so that the machine's moods hit both."""

import argparse
import dataclasses
import gc
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import keras
import pyperf

from benchmarks.versions import measured_with

HEADER = (
    "| what | ours | peer | peer / ours | middle half | ours, ms | peer, ms |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def benchmark(name: str, values: list[float], unit: str = "second") -> pyperf.Benchmark:
    """Figures as pyperf computes with them and stores them."""
    metadata = {"name": name, "unit": unit}
    return pyperf.Benchmark(
        [pyperf.Run([value], metadata=metadata, collect_metadata=False) for value in values]
    )


@dataclasses.dataclass(frozen=True)
class Pair:
    """The seconds of ours and of a peer, one of each in every round."""

    group: str
    ours: str
    peer: str
    our_seconds: list[float]
    peer_seconds: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times as long the peer takes, round by round."""
        return [p / o for o, p in zip(self.our_seconds, self.peer_seconds, strict=True)]

    def benchmarks(self) -> list[pyperf.Benchmark]:
        """Both, ours first."""
        return [
            benchmark(f"{self.group}: {self.ours}, beside {self.peer}", self.our_seconds),
            benchmark(f"{self.group}: {self.peer}, beside {self.ours}", self.peer_seconds),
        ]

    def row(self) -> str:
        """A line of the table: the ratio and its quartiles, milliseconds of both."""
        ours, peer = self.benchmarks()
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return (
            f"| {self.group} | {self.ours} | {self.peer} | {statistics.median(self.ratios):.2f} | "
            f"{low:.2f} to {high:.2f} | {ours.median() * 1e3:.3g} | {peer.median() * 1e3:.3g} |"
        )


def seconds_of(call: Callable[[], object], num_calls: int = 1) -> float:
    """The seconds of a call, by the wall clock."""
    start = time.perf_counter()
    for _ in range(num_calls):
        call()
    return (time.perf_counter() - start) / num_calls


def timed_in_turn(
    group: str,
    ours: tuple[str, Callable[[], object]],
    peer: tuple[str, Callable[[], object]],
    *,
    num_rounds: int,
    clock: Callable[[Any], float] = seconds_of,
) -> Pair:
    """Times both in turn, after one round that is not counted."""
    # Not in every round: it lets the backend's threads fall asleep, and gathers wake slowest.
    gc.collect()
    seconds: tuple[list[float], list[float]] = ([], [])
    for round_number in range(num_rounds + 1):
        for values, (_, call) in zip(seconds, (ours, peer), strict=True):
            value = clock(call)
            if round_number:
                values.append(value)
    return Pair(group, ours[0], peer[0], *seconds)


def print_alone(name: str, description: str | None, pairs: Callable[[], Iterable[Pair]]) -> None:
    """Prints one of the tables of `python -m benchmarks`, as a command of its own."""
    argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=description
    ).parse_args()
    print(measured_with("keras", keras.backend.backend()))
    print(HEADER)
    for pair in pairs():
        print(pair.row(), flush=True)

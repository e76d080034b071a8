"""A network that answers row by row, beside all rows so far read again and the exported step."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.pairs import Pair, seconds_of, timed_in_turn
from keras_imgseq import Stream, build_image_rnn, build_step_model
from keras_imgseq._export.targets import TARGETS, missing_packages

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from scan_report import OnnxStream

WIDTH = 28
# Cell, units, and how many rows have been read.
NETWORKS = {
    "simple_rnn, 16 units, row 28": ("simple_rnn", 16, 28),
    "gru, 64 units, row 28": ("gru", 64, 28),
    "gru, 64 units, row 300": ("gru", 64, 300),
}
HEADER = "| stream | answers by | a row, ms | rows a second |\n| --- | --- | --- | --- |"


def pairs(num_rounds: int, tiny: bool) -> Iterator[Pair]:
    """`Stream.feed` beside `predict` on all rows so far, and beside the step in ONNX Runtime."""
    for name, (cell, units, num_rows) in NETWORKS.items():
        model = build_image_rnn((num_rows, WIDTH), 10, cell=cell, units=units)
        stream = Stream(model)
        image = np.random.default_rng(0).random((num_rows, WIDTH), dtype="float32")

        def beside(
            peer: tuple[str, Callable[[], Any]],
            group: str = f"stream {name}",
            feed: Callable[[], Any] = lambda s=stream, row=image[-1]: s.feed(row),
        ) -> Pair:
            return timed_in_turn(
                group,
                ("Stream.feed", feed),
                peer,
                num_rounds=num_rounds,
                clock=lambda call: seconds_of(call, num_calls=2 if tiny else 50),
            )

        predict = model.predict_on_batch
        yield beside(("all rows read again", lambda p=predict, x=image[None]: p(x)))
        backend = keras.backend.backend()
        if not missing_packages(TARGETS["onnx"], backend):
            yield beside(("the step in ONNX Runtime", exported(model, image[-1])))


def exported(model: keras.Model, row: Any) -> Callable[[], Any]:
    """The step of a network as an ONNX file, fed as `examples/line_scan.py --onnx` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.onnx"
        build_step_model(model).export(path, format="onnx", verbose=False)
        stream = OnnxStream(path, len(row))
    return lambda: stream.feed(row)


def rates(measured: list[Pair]) -> str:
    """A table of the rows a second."""
    seconds: dict[tuple[str, str], float] = {}
    for pair in measured:
        if pair.group.startswith("stream "):
            for name, benchmark in zip((pair.ours, pair.peer), pair.benchmarks(), strict=True):
                seconds.setdefault((pair.group.removeprefix("stream "), name), benchmark.median())
    lines = [
        f"| {network} | {name} | {1e3 * value:.3g} | {1 / value:,.0f} |"
        for (network, name), value in seconds.items()
    ]
    return "\n".join([HEADER, *lines])

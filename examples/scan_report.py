"""Shows a web row by row as it is read, and says when each defect was reported. Needs no Keras."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from command_line import InputError
from scanned_web import Defect, Web

THRESHOLD = 0.5
# An alarm may come this many rows after the end of a short defect.
LATE = 3
SHADES = " .:-=+*#%@"
BAR = 20


class OnnxStream:
    """Feeds a step that was exported to ONNX, as `keras_imgseq.Stream` feeds a network.

    Args:
        path: The ONNX file of a step model.
        width: The pixels of a row.
    """

    def __init__(self, path: Path, width: int) -> None:
        import onnxruntime

        try:
            self._session = onnxruntime.InferenceSession(str(path))
            self._part, *states = self._session.get_inputs()
            shapes = [part.shape[1:] for part in (self._part, *states)]
        except Exception:
            shapes = []
        if len(shapes) < 2 or shapes[0] != [width] or any(len(shape) != 1 for shape in shapes):
            raise InputError(f"{path} is no step of this example. Write one with --save.")
        self._names = [state.name for state in states]
        self._states = [np.zeros((1, state.shape[1]), "float32") for state in states]

    def feed(self, row: np.ndarray) -> np.ndarray:
        """Takes the next row, and returns the answer."""
        given = {self._part.name: row[None], **dict(zip(self._names, self._states, strict=True))}
        answer, *self._states = self._session.run(None, given)
        return np.asarray(answer[0])


def scan(web: Web, feed: Callable[[np.ndarray], Any]) -> None:
    """Reads a web row by row, and prints what was found and how fast."""
    beliefs, seconds = [], 0.0
    names = {defect.first: defect.kind for defect in web.defects}
    for number, row in enumerate(web.rows):
        start = time.perf_counter()
        belief = float(feed(row)[0])
        seconds += time.perf_counter() - start
        beliefs.append(belief)
        if sys.stdout.isatty():
            print(view(row, belief) + names.get(number, ""))
    alarms = np.array(beliefs) > THRESHOLD
    begins = alarms & ~np.concatenate([[False], alarms[:-1]])
    delays = [delay_of(defect, begins) for defect in web.defects]
    for defect, delay in zip(web.defects, delays, strict=True):
        said = "not reported" if delay is None else f"reported after {rows_of(delay)}"
        print(f"  {defect.kind} in rows {defect.first} to {defect.last}: {said}")
    reported = [delay for delay in delays if delay is not None]
    middle = f", half of them within {rows_of(int(np.median(reported)))}" if reported else ""
    print(f"Reported {len(reported)} of {len(delays)} defects{middle}.")
    is_right = np.zeros(len(alarms), bool)
    for defect in web.defects:
        is_right[defect.first : defect.last + 1 + LATE] = True
    print(
        f"False alarms: {int((begins & ~is_right).sum())}. They cover "
        f"{int((alarms & ~is_right).sum())} of the {int((~is_right).sum()):,} rows without a "
        "defect."
    )
    print(f"{len(web.rows) / seconds:,.0f} rows read a second.")


def rows_of(count: int) -> str:
    """A number of rows in words."""
    return "1 row" if count == 1 else f"{count} rows"


def view(row: np.ndarray, belief: float) -> str:
    """A row as characters, and a bar of the belief that a defect is in it."""
    light = np.clip(0.5 + row.reshape(-1, 2).mean(axis=1) / 4, 0, 1)
    shades = (light * (len(SHADES) - 1)).round().astype(int)
    bar = "#" * round(belief * BAR)
    return f"{''.join(SHADES[shade] for shade in shades)} |{bar:<{BAR}}| "


def delay_of(defect: Defect, begins: np.ndarray) -> int | None:
    """After how many rows of a defect the first alarm began, or `None` for never."""
    places = np.flatnonzero(begins[defect.first : defect.last + 1 + LATE])
    return int(places[0]) + 1 if len(places) else None

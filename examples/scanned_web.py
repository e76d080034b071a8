"""Makes a web of woven material with defects, as a line camera sees it: one row after the other."""

import dataclasses
from collections.abc import Sequence

import numpy as np

WIDTH = 64
USUAL_LIGHT, CONTRAST = 0.6, 0.2
# Rows without a defect between two of them.
SHORTEST_GAP, LONGEST_GAP = 60, 160


@dataclasses.dataclass(frozen=True)
class Defect:
    """A fault of the material: its kind, its first row and its last."""

    kind: str
    first: int
    last: int


@dataclasses.dataclass(frozen=True)
class Web:
    """Rows of a web, and the defects in them.

    Args:
        rows: `(rows, 64)`, float32. The usual light is 0, and the difference of a defect about 1.
        defects: In the order of their rows.
    """

    rows: np.ndarray
    defects: list[Defect]

    def labels(self) -> np.ndarray:
        """For each row whether a defect is in it, float32, 0 or 1."""
        labels = np.zeros(len(self.rows), "float32")
        for defect in self.defects:
            labels[defect.first : defect.last + 1] = 1
        return labels


def make_web(num_rows: int, seed: int | Sequence[int]) -> Web:
    """A web with defects at random places. The same seed makes the same one."""
    generator = np.random.default_rng(seed)
    rows = _texture(num_rows, generator)
    defects = []
    first = int(generator.integers(SHORTEST_GAP, LONGEST_GAP))
    while first + LONGEST_GAP < num_rows:
        kind = ("spot", "scratch", "missing thread")[generator.integers(3)]
        draw = {"spot": _draw_spot, "scratch": _draw_scratch, "missing thread": _draw_thread}[kind]
        last = draw(rows, first, generator)
        defects.append(Defect(kind, first, last))
        first = last + int(generator.integers(SHORTEST_GAP, LONGEST_GAP))
    return Web(((rows - USUAL_LIGHT) / CONTRAST).astype("float32"), defects)


def _texture(num_rows: int, generator: np.random.Generator) -> np.ndarray:
    """Threads along and across, light that changes slowly, and noise."""
    down, across = np.arange(num_rows)[:, None], np.arange(WIDTH)
    along = 0.08 * np.sin(2 * np.pi * across / 4 + generator.uniform(0, 6))
    threads = 0.05 * np.sin(2 * np.pi * down / 3.3 + 0.4 * np.sin(across / 5))
    light = 0.06 * np.sin(down / generator.uniform(150, 300)) + 0.04 * np.sin(across / 12)
    return USUAL_LIGHT + along + threads + light + generator.normal(0, 0.05, (num_rows, WIDTH))


def _draw_spot(rows: np.ndarray, first: int, generator: np.random.Generator) -> int:
    """A dark spot of oil."""
    height, width = generator.integers(5, 14), generator.uniform(4, 10)
    middle = generator.uniform(width, WIDTH - width)
    strength = generator.uniform(0.15, 0.3)
    for row in range(height):
        reach = width / 2 * np.sin(np.pi * (row + 0.5) / height) + 0.5
        rows[first + row, np.abs(np.arange(WIDTH) - middle) <= reach] -= strength
    return first + int(height) - 1


def _draw_scratch(rows: np.ndarray, first: int, generator: np.random.Generator) -> int:
    """A bright line that wanders along the web."""
    height, place = int(generator.integers(15, 50)), generator.uniform(8, WIDTH - 8)
    strength = generator.uniform(0.15, 0.28)
    for row in range(height):
        place = float(np.clip(place + generator.normal(0, 0.4), 1, WIDTH - 3))
        rows[first + row, int(place) : int(place) + 2] += strength
    return first + height - 1


def _draw_thread(rows: np.ndarray, first: int, generator: np.random.Generator) -> int:
    """A thread that is missing over a part of the width."""
    height, width = int(generator.integers(2, 5)), int(generator.integers(20, WIDTH))
    left = int(generator.integers(0, WIDTH - width + 1))
    rows[first : first + height, left : left + width] -= generator.uniform(0.07, 0.15)
    return first + height - 1

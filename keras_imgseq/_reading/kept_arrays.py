"""Paths that were computed once, kept for the next call."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

Kept = TypeVar("Kept")

MOST_BYTES = 32 * 2**20


class KeptArrays(Generic[Kept]):
    """A cache of things that hold arrays of NumPy, bounded by the bytes of these arrays.

    The arrays are made read-only, since every caller gets the same ones.
    """

    def __init__(self, arrays_of: Callable[[Kept], Iterable[Any]]) -> None:
        self._arrays_of = arrays_of
        self._kept: OrderedDict[Hashable, tuple[Kept, int]] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Kept]) -> Kept:
        """What was kept under a key, or else what `compute` returns."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = compute()
        arrays = [array for array in self._arrays_of(value) if array is not None]
        for array in arrays:
            array.flags.writeable = False
        # An entry without arrays takes some room too.
        num_bytes = 1024 + sum(array.nbytes for array in arrays)
        with self._lock:
            if key not in self._kept and num_bytes <= MOST_BYTES:
                self._kept[key] = value, num_bytes
                self._num_bytes += num_bytes
            while self._num_bytes > MOST_BYTES:
                _, (_, freed) = self._kept.popitem(last=False)
                self._num_bytes -= freed
        return value

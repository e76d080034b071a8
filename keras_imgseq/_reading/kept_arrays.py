"""Paths that were computed once, kept for the next call."""

import functools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

Computed = TypeVar("Computed", bound=Callable[..., Any])

MOST_BYTES = 32 * 2**20
# An entry without arrays takes some room too.
BYTES_OF_AN_ENTRY = 1024
# A cell of an explicit order, which is a part of the key: a pointer and an int of Python.
BYTES_OF_A_CELL = 40

_CONSTANT: list[Callable[..., Any]] = []


def keep_out_of_graphs(torch: Any) -> None:
    """Lets torch.compile take what the constant functions return as it is."""
    for function in _CONSTANT:
        torch.compiler.assume_constant_result(function)


def constant(function: Computed) -> Computed:
    """Marks a function whose result depends on nothing but its arguments."""
    _CONSTANT.append(function)
    if "torch" in sys.modules:
        keep_out_of_graphs(sys.modules["torch"])
    return function


def kept(arrays_of: Callable[[Any], Iterable[Any]]) -> Callable[[Computed], Computed]:
    """Keeps what a function returns, up to a number of bytes in its arrays and its arguments.

    Every caller gets the same arrays, so they are made read-only.
    """

    def decorate(function: Computed) -> Computed:
        entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        lock = threading.Lock()
        num_bytes = 0

        @functools.wraps(function)
        def looked_up(*key: Any) -> Any:
            nonlocal num_bytes
            with lock:
                if key in entries:
                    entries.move_to_end(key)
                    return entries[key][0]
            value = function(*key)
            size = BYTES_OF_AN_ENTRY
            size += sum(BYTES_OF_A_CELL * len(part) for part in key if isinstance(part, tuple))
            for array in arrays_of(value):
                array.flags.writeable = False
                size += array.nbytes
            with lock:
                if key not in entries and size <= MOST_BYTES:
                    entries[key] = value, size
                    num_bytes += size
                while num_bytes > MOST_BYTES:
                    num_bytes -= entries.popitem(last=False)[1][1]
            return value

        looked_up.entries = entries  # type: ignore[attr-defined]
        return constant(looked_up)  # type: ignore[return-value]

    return decorate

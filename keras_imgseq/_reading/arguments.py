"""One checker for each kind of argument. Each returns the argument as a plain value of Python."""

import math
import numbers
import re
import reprlib
from collections.abc import Collection, Iterable, Mapping, Set
from typing import Any

import numpy as np

# More units, classes or pixels on one side than this do not fit into memory.
LARGEST = 2**24

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlist = _SHORT.maxtuple = 8


def shown(value: Any) -> str:
    """A value for an error message, whatever its length."""
    try:
        text = _SHORT.repr(value)
    except Exception:
        text = f"<a {type(value).__name__}>"
    return text if len(text) <= 200 else f"{text[:200]}..."


def listed(names: Iterable[Any]) -> str:
    """Names for an error message."""
    return ", ".join(repr(name) for name in names)


def is_whole_number(value: Any) -> bool:
    """Whether a value is an int of Python or NumPy, and no bool or span of time."""
    is_other = isinstance(value, (bool, np.timedelta64))
    return isinstance(value, numbers.Integral) and not is_other


def items_of(value: Any) -> list[Any] | None:
    """The items of a list, a tuple or an array, or `None` for what has no items in an order."""
    if isinstance(value, (str, bytes, bytearray, memoryview, Mapping, Set)):
        return None
    if not (hasattr(type(value), "__len__") and hasattr(type(value), "__getitem__")):
        return None
    try:
        return list(value)
    except (TypeError, ValueError, NotImplementedError):
        return None


def flag(name: str, value: Any) -> bool:
    """`True` or `False`."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(
            f"`{name}` is True or False. Received: {name}={shown(value)}. "
            f"Write {name}=True or {name}=False."
        )
    return bool(value)


def choice(name: str, value: Any, choices: Collection[str], otherwise: str = "") -> str:
    """One of several names."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"Unknown {name}. Write one of {listed(choices)}{otherwise}. "
            f"Received: {name}={shown(value)}"
        )
    # Not `str(value)`: an enum of strings would become another one.
    return next(name for name in choices if name == value)


def count(name: str, value: Any, meaning: str) -> int:
    """A positive whole number."""
    if not is_positive(value):
        raise ValueError(refusal(name, meaning, value, f", an int from 1 to {LARGEST}"))
    return int(value)


def counts(name: str, value: Any, meaning: str, examples: str) -> tuple[int, ...]:
    """A positive whole number or a sequence of them, such as one for each layer."""
    items = items_of(value)
    meaning = f"{meaning}, or a sequence of them, as in {examples}"
    if items == []:
        raise ValueError(f"`{name}` is {meaning}. Received: {name}={shown(value)}.")
    given = [value] if items is None else items
    return tuple(count(name, item, meaning) for item in given)


def fraction(name: str, value: Any) -> float:
    """The fraction of values that a layer drops."""
    meaning = f"the fraction of values to drop, at least 0 and less than 1. Write {name}=0.2"
    rate = number(name, value, meaning)
    if not 0 <= rate < 1:
        raise ValueError(refusal(name, meaning, value))
    return rate


def scale(value: Any) -> float | None:
    """What the pixels are multiplied with."""
    if value is None:
        return None
    meaning = (
        "the number that multiplies the pixels, finite and not 0 in single precision, or None. "
        "Write scale=1/255 for uint8 images"
    )
    factor = number("scale", value, meaning)
    if not 1e-37 <= abs(factor) <= 3e38:
        raise ValueError(refusal("scale", meaning, value))
    return factor


def mask_value(value: Any) -> float | None:
    """What images of several sizes are padded with."""
    if value is None:
        return None
    meaning = "the number that the images are padded with, or None. Write mask_value=0.0"
    return number("mask_value", value, meaning)


def number(name: str, value: Any, meaning: str) -> float:
    """A finite real number."""
    is_real = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.timedelta64))
    try:
        result = float(value) if is_real else math.nan
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ValueError(refusal(name, meaning, value))
    return result


def refusal(name: str, meaning: str, value: Any, limits: str = "") -> str:
    """What was received, what is expected, and after ". Write " in the meaning an example."""
    meaning, _, example = meaning.partition(". Write ")
    cure = f" For example, write {example}." if example else ""
    return f"`{name}` is {meaning}{limits}. Received: {name}={shown(value)}.{cure}"


def text(name: str, value: Any) -> str | None:
    """A name that every backend takes, or `None`."""
    if value is None:
        return None
    # TensorFlow takes no other names for its scopes.
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise ValueError(
            f"`{name}` is a string of letters from a to z, digits, _ and -, or None. Received: "
            f'{name}={shown(value)}. For example, write {name}="reader".'
        )
    return "".join(value)


def size(name: str, value: Any, meaning: str, lengths: Collection[int]) -> tuple[Any, ...]:
    """Sides in pixels, in their order. Each is a positive int, or `None` where it is unknown."""
    items = items_of(value)
    if items is None or len(items) not in lengths or not all(_is_side(item) for item in items):
        raise ValueError(refusal(name, meaning, value))
    return tuple(None if item is None else int(item) for item in items)


def is_positive(value: Any) -> bool:
    """Whether a value is a whole number that counts something."""
    return is_whole_number(value) and bool(1 <= value <= LARGEST)


def _is_side(value: Any) -> bool:
    return value is None or is_positive(value)

"""Warnings of what is probably not meant. What was saved once loads without one."""

import contextlib
import contextvars
import sys
import warnings
from collections.abc import Iterator

OURS = ("keras_imgseq", "keras")

_is_loading = contextvars.ContextVar("_is_loading", default=False)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Makes layers from a configuration without a warning."""
    token = _is_loading.set(True)
    try:
        yield
    finally:
        _is_loading.reset(token)


def is_loading() -> bool:
    """Whether layers are being made from a configuration."""
    return _is_loading.get()


def warn(message: str | None) -> None:
    """Warns where the caller's own code stands, if there is something to say."""
    if message is None:
        return
    depth, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, stacklevel=depth)

"""Errors as a user reads them: each one whole, as it stands in `data/messages.txt`."""

import contextlib
import re
from pathlib import Path

import pytest

import keras_imgseq

PACKAGE = Path(keras_imgseq.__file__).parent
MESSAGES = Path(__file__).parent / "data" / "messages.txt"
KNOWN = frozenset(MESSAGES.read_text("utf-8").splitlines())


@contextlib.contextmanager
def raises(expected, match=None):
    """Like `pytest.raises`. A message of the package is one that was read aloud."""
    with pytest.raises(expected, match=match) as error:
        yield error
    if PACKAGE in Path(error.traceback[-1].path).parents:
        message = on_one_line(str(error.value))
        assert message in KNOWN, f"Read it aloud, and write it into {MESSAGES}:\n{message}"


def on_one_line(message):
    """A message without what is another in each run."""
    # Keras writes before an error of a layer where it was, and behind it what the layer was given.
    by_keras = re.search(r"\x1b\[1m(.*)\x1b\[0m", message, re.DOTALL)
    message = by_keras[1] if by_keras else message
    message = re.sub(r" at 0x[0-9a-f]+", "", message)
    message = re.sub(r"<KerasTensor [^>]*>", "<KerasTensor>", message)
    message = re.sub(r"array\([^)]*\)+", "an array", message)
    message = re.sub(r"_[0-9]+\b", "", message)
    message = re.sub(r"\S*/pytest-of-\S+/", "", message)
    return " ".join(message.split())

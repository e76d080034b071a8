"""The characters that a reader knows, and their labels."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._reading.arguments import shown

# Combining marks stand first, or they would join the letter before them.
RECIPE = """"".join(sorted(set("".join(texts)), key=lambda c: (not unicodedata.combining(c), c)))"""


def checked_alphabet(alphabet: Any) -> str:
    """The characters in Unicode's NFC. A repeated one is an error."""
    if not isinstance(alphabet, str) or not alphabet:
        raise ValueError(
            "`alphabet` is a string of all characters that a line can hold. Received: "
            f'alphabet={shown(alphabet)}. For example, write "0123456789", or {RECIPE}.'
        )
    composed = normalized(alphabet)
    repeated = sorted({character for character in composed if composed.count(character) > 1})
    if repeated:
        raise ValueError(
            "Each character stands once in the alphabet. Received: an alphabet with "
            f"{', '.join(map(repr, repeated))} more than once in Unicode's form NFC. Write "
            f"{RECIPE}, with texts in NFC."
        )
    return composed


def normalized(text: str) -> str:
    """A text in Unicode's NFC: a letter and its accent are one character where there is one."""
    return unicodedata.normalize("NFC", text)


def listed(texts: Any) -> list[Any]:
    """The texts of several lines as a list."""
    try:
        is_other = isinstance(texts, (str, bytes, set, frozenset, dict, keras.Variable))
        series = None if is_other else iter(texts)
    except (TypeError, NotImplementedError):
        series = None
    if series is None:
        raise ValueError(
            "`texts` is a list of strings, one for each line. Received: "
            f"texts={shown(texts)}. For one line, write [text]."
        )
    return list(series)


def encoded(texts: Any, alphabet: str) -> list[list[int]]:
    """The labels of each text: the place of each character in the alphabet, from 1."""
    labels = {character: place for place, character in enumerate(alphabet, start=1)}
    result = []
    for number, text in enumerate(listed(texts)):
        if not isinstance(text, str):
            raise ValueError(
                f"`texts` is a list of strings. Received: texts[{number}]={shown(text)}. Write the "
                "texts themselves, which become labels here."
            )
        composed = normalized(text)
        unknown = sorted(set(composed) - set(labels))
        if unknown:
            raise ValueError(
                f"The alphabet does not hold every character. Received: {unknown[0]!r} (U+"
                f"{ord(unknown[0]):04X}) in texts[{number}]={shown(text)}. Add it to the alphabet "
                "of the reader, or remove it from the text."
            )
        result.append([labels[character] for character in composed])
    return result


def padded(labels: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    """Labels as one array, padded with 0, at least one wide, which Keras' CTC needs."""
    longest = max((len(line) for line in labels), default=0)
    array = np.zeros((len(labels), max(1, longest)), "int32")
    for row, line in zip(array, labels, strict=True):
        row[: len(line)] = line
    return array

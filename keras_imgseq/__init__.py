"""Reads any image as a sequence, for recurrent networks in Keras 3."""

import importlib
import typing

from keras_imgseq._lines.blank_padding import BlankPadding
from keras_imgseq._lines.character_error_rate import CharacterErrorRate
from keras_imgseq._lines.line_batches import LineBatches
from keras_imgseq._lines.line_reader import LineReader
from keras_imgseq._network.conv_stem import ConvStem
from keras_imgseq._network.image_rnn import build_image_rnn
from keras_imgseq._network.num_params import count_image_rnn_params
from keras_imgseq._network.step_model import build_step_model
from keras_imgseq._network.stream import Stream
from keras_imgseq._reading.functions import image_as_sequence, sequence_as_image
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._reading.sequence_as_image import SequenceAsImage

if typing.TYPE_CHECKING:
    from keras_imgseq import plot

__all__ = [
    "BlankPadding",
    "CharacterErrorRate",
    "ConvStem",
    "ImageAsSequence",
    "LineBatches",
    "LineReader",
    "SequenceAsImage",
    "Stream",
    "build_image_rnn",
    "build_step_model",
    "count_image_rnn_params",
    "image_as_sequence",
    "plot",
    "sequence_as_image",
]
__version__ = "0.7.0"


def __getattr__(name: str) -> typing.Any:
    # Few need the pictures, and every millisecond of an import is paid each time.
    if name == "plot":
        return importlib.import_module("keras_imgseq.plot")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

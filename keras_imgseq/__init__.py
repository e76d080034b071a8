"""Reads any image as a sequence, for recurrent networks in Keras 3."""

from keras_imgseq import plot
from keras_imgseq._functions import image_as_sequence, sequence_as_image
from keras_imgseq._image_as_sequence import ImageAsSequence
from keras_imgseq._image_rnn import build_image_rnn, count_image_rnn_params
from keras_imgseq._sequence_as_image import SequenceAsImage

__all__ = [
    "ImageAsSequence",
    "SequenceAsImage",
    "build_image_rnn",
    "count_image_rnn_params",
    "image_as_sequence",
    "plot",
    "sequence_as_image",
]
__version__ = "0.3.0"

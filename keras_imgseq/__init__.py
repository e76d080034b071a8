"""Reads any image as a sequence, for recurrent networks in Keras 3."""

from keras_imgseq._image_as_sequence import ImageAsSequence
from keras_imgseq._image_rnn import build_image_rnn, count_image_rnn_params

__all__ = ["ImageAsSequence", "build_image_rnn", "count_image_rnn_params"]
__version__ = "0.1.0"

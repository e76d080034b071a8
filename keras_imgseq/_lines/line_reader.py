"""The model that reads images of text lines."""

from collections.abc import Sequence
from typing import Any, Literal, overload

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._lines.alphabet import checked_alphabet, encoded, padded
from keras_imgseq._lines.blank_padding import BlankPadding
from keras_imgseq._lines.character_error_rate import CharacterErrorRate
from keras_imgseq._lines.decoding import Place, beliefs, places_of, text_of
from keras_imgseq._lines.line_image import Line, all_prepared, prepared
from keras_imgseq._lines.line_model import LineModel
from keras_imgseq._network.conv_stem import ConvStem
from keras_imgseq._network.frozen_layers import freeze, frozen_names
from keras_imgseq._network.model import check_steps_of_export, compile_as_saved
from keras_imgseq._reading import arguments, doubts
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._recurrent.cells import CELLS, CellName


@keras.saving.register_keras_serializable(package="keras_imgseq")
class LineReader(LineModel):
    """Reads images of text lines of any width.

    It is a convolutional recurrent network (CRNN) that is trained with CTC, and so needs no
    places of characters: an image and its text are enough. It runs on every backend of Keras.

    Args:
        alphabet: A string of all characters that a line can hold, kept in Unicode's NFC.
        height: Height of a line, in pixels. `prepare` scales every image to it.
        filters: Number of filters of each convolution, as in `ConvStem`.
        pool_sizes: A pair of ints for each convolution, as in `ConvStem`. The product of the
            widths is the number of pixels that one step sees.
        units: Number of units of the recurrent layer in each direction, or a sequence of them,
            one for each layer.
        cell: `"lstm"`, `"gru"` or `"simple_rnn"`.
        dropout: Fraction of the features to drop in front of each recurrent layer but the first,
            and in front of the last layer.
        name: Name of the model.
        dtype: The dtype or dtype policy of the layers, `None` for that of the Keras configuration.

    Input shape:
        `(batch, height, width)`, floats, ink 1, paper 0, padded with 0 on the right. The width is
        in pixels and may differ from batch to batch.

    Output shape:
        Logits, `(batch, ceil(width / 4), len(alphabet) + 1)`, where 4 is the product of the widths
        in `pool_sizes`. Class 0 is the blank, the first character of the alphabet is class 1. The
        dtype is float32, under mixed precision too.

    Raises:
        ValueError: If an argument is none of the above.

    References:
        - Baoguang Shi, Xiang Bai and Cong Yao, "An End-to-End Trainable Neural Network for
          Image-based Sequence Recognition", [arXiv:1507.05717](https://arxiv.org/abs/1507.05717)
        - Alex Graves et al., "Connectionist Temporal Classification" (ICML 2006)

    Examples:
        >>> import numpy as np
        >>> import keras_imgseq
        >>> reader = keras_imgseq.LineReader("0123456789", height=32, units=8)
        >>> reader.compile("adam")
        >>> noise = np.random.default_rng(0)
        >>> images = [noise.integers(0, 256, size, "uint8") for size in ((28, 90), (20, 61))]
        >>> batches = keras_imgseq.LineBatches(images, ["47", "1"], reader)
        >>> history = reader.fit(batches, verbose=0)
        >>> len(reader.read(images))
        2
    """

    def __init__(
        self,
        alphabet: str,
        height: int = 40,
        *,
        filters: int | Sequence[int] = (16, 32, 48, 64),
        pool_sizes: Sequence[Sequence[int]] | None = ((2, 2), (2, 2), (2, 1), (1, 1)),
        units: int | Sequence[int] = 128,
        cell: CellName = "lstm",
        dropout: float = 0.2,
        name: str = "line_reader",
        dtype: Any = None,
    ) -> None:
        alphabet = checked_alphabet(alphabet)
        meaning = "the height of a line in pixels. Write height=40"
        height = arguments.count("height", height, meaning)
        meaning = "the number of units of each recurrent layer"
        units = arguments.counts("units", units, meaning, "units=128 or units=(112, 112)")
        cell = arguments.choice("cell", cell, CELLS)  # type: ignore[assignment]
        rate = arguments.fraction("dropout", dropout)
        name = arguments.text("name", name) or "line_reader"
        policy = keras.config.dtype_policy() if dtype is None else keras.dtype_policies.get(dtype)
        if policy.variable_dtype not in ("float32", "float64") and not doubts.is_loading():
            raise ValueError(
                "A LineReader keeps its weights in float32 or float64. Received: "
                f'dtype={shown(dtype)}. For half precision, write dtype="mixed_float16" or '
                '"mixed_bfloat16".'
            )
        stem = ConvStem(filters, pool_sizes, 0.0, "channels_last", dtype=policy, name="stem")
        images = keras.Input((height, None), dtype=policy.variable_dtype, name="images")
        reading = ImageAsSequence(
            "column", data_format="channels_last", dtype=policy, name="as_sequence"
        )
        features = reading(stem(images))
        for number, num_units in enumerate(units, start=1):
            if number > 1 and rate:
                features = keras.layers.Dropout(rate, dtype=policy, name=f"dropout_{number - 1}")(
                    features
                )
            layer = CELLS[cell].faster_layer(num_units, return_sequences=True, dtype=policy)
            features = keras.layers.Bidirectional(layer, dtype=policy, name=f"rnn_{number}")(
                features
            )
        if rate:
            features = keras.layers.Dropout(rate, dtype=policy, name=f"dropout_{len(units)}")(
                features
            )
        # Half precision is too coarse for the logarithms of CTC.
        single = "float64" if policy.variable_dtype == "float64" else "float32"
        logits = keras.layers.Dense(len(alphabet) + 1, dtype=single, name="logits")(features)
        logits = BlankPadding(dtype=single, name="blank_padding")(logits)
        super().__init__(images, logits, name=name)
        # Keras scales the loss by it in half precision.
        self.dtype_policy = policy
        self.height = height
        self._arguments: dict[str, Any] = {
            "alphabet": alphabet,
            "height": height,
            "filters": stem.filters,
            "pool_sizes": stem.pool_sizes,
            "units": units,
            "cell": cell,
            "dropout": rate,
            "name": name,
        }
        # Keras exports only what was called before.
        self(images)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = "ctc",
        loss_weights: Any = None,
        metrics: Any = "default",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Compiles as `keras.Model`, by default with CTC and the character error rate."""
        if keras.backend.backend() == "torch" and kwargs.get("jit_compile") is True:
            raise ValueError(
                "PyTorch's compiler fails on the convolutions of a LineReader, whose sizes it "
                "takes for unknown. Received: jit_compile=True. Omit it, or run the reader with "
                "KERAS_BACKEND=jax or tensorflow."
            )
        if isinstance(metrics, str) and metrics == "default":
            metrics = [CharacterErrorRate()]
        super().compile(optimizer, loss, loss_weights, metrics, *args, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded reader, which Keras does only where `compile` is its own."""
        compile_as_saved(self, config)

    def quantize(self, mode: Any = None, *args: Any, **kwargs: Any) -> None:
        """Refused: a file of the reader would not hold what it makes."""
        raise ValueError(
            f"A LineReader cannot be quantized, because its file could not be loaded. Received: "
            f"mode={shown(mode)}. Export the reader, and quantize that file."
        )

    def export(
        self, filepath: Any, format: str = "tf_saved_model", *args: Any, **kwargs: Any
    ) -> None:
        """Exports as `keras.Model`, where its backend can."""
        if keras.backend.backend() == "jax" and format == "onnx":
            raise ValueError(
                "Keras cannot export a layer that reads backwards from JAX to ONNX. Received: "
                'format="onnx". Save the reader, load it with KERAS_BACKEND=tensorflow, and export '
                "it there. From PyTorch, it needs a fixed width."
            )
        check_steps_of_export(self, format, *args, **kwargs)
        super().export(filepath, format, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = {**self._arguments, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}
        frozen = frozen_names(self._all_layers)
        return {**config, "frozen": frozen} if frozen else config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "LineReader":
        config = dict(config)
        frozen = config.pop("frozen", ())
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        # What could be saved once is loaded.
        with doubts.loading():
            reader = cls(**config)
        freeze(reader._all_layers, frozen)
        return reader

    @property
    def _all_layers(self) -> list[keras.layers.Layer]:
        return [*self.layers, *self.get_layer("stem").trained_layers]

    def with_alphabet(self, alphabet: str) -> "LineReader":
        """Makes a reader of other characters with the same weights, for further training.

        The weights of new characters are random, those of known characters are copied. Layers that
        are not trained stay untrained.

        Args:
            alphabet: A string of all characters of the new reader.

        Returns:
            A `LineReader`, not compiled.

        Examples:
            >>> from keras_imgseq import LineReader
            >>> LineReader("0123", units=4).with_alphabet("0123456789").output_shape
            (None, None, 11)
        """
        reader = type(self).from_config({**self.get_config(), "alphabet": alphabet})
        for layer in self.layers:
            if layer.name != "logits":
                reader.get_layer(layer.name).set_weights(layer.get_weights())
        before, after = self.get_layer("logits"), reader.get_layer("logits")
        known = {character: place for place, character in enumerate(self.alphabet, start=1)}
        weights = []
        for old, new in zip(before.get_weights(), after.get_weights(), strict=True):
            new[..., 0] = old[..., 0]
            for place, character in enumerate(reader.alphabet, start=1):
                if character in known:
                    new[..., place] = old[..., known[character]]
            weights.append(new)
        after.set_weights(weights)
        return reader

    def prepare(self, image: Any) -> Line:
        """Makes the image of one line as the reader wants it.

        The border decides what is ink: a border whose median is light means dark ink. The paper
        becomes 0 and the darkest hundredth of the ink 1. A blank image becomes 0 everywhere. So
        does one whose ink differs from the paper by less than 1/16 of the range from black to
        white.

        Args:
            image: An array of one line, `(height, width)`, or with 1 to 4 channels at the end:
                grey, grey with alpha, colour, colour with alpha. Unsigned integers, or floats
                from 0 to 1. Alpha is laid on white.

        Returns:
            `(height, width)` at the reader's height, with the ratio kept, float32. What is
            prepared already comes back as it is.

        Raises:
            ValueError: If the array is none of the above, holds floats that were divided by 255
                twice, is narrower than two pixels at the reader's height, or more than 20 times as
                high as wide.
        """
        return prepared(image, self.height)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Makes the labels of texts, as the loss and the metric want them.

        Args:
            texts: A list of strings, one for each line. They are converted to Unicode's form NFC.

        Returns:
            `(lines, longest text)`, int32, padded with 0.

        Raises:
            ValueError: If a character is not in the alphabet. It is named with its line.
        """
        return padded(encoded(texts, self.alphabet))

    @overload
    def read(self, images: Any, return_certainty: Literal[False] = False) -> list[str]: ...

    @overload
    def read(
        self, images: Any, return_certainty: Literal[True]
    ) -> tuple[list[str], list[float]]: ...

    def read(self, images: Any, return_certainty: bool = False) -> Any:
        """Reads the text of images.

        Args:
            images: A list of arrays of one line each, as `prepare` takes them, of different
                sizes, or one array with the lines along its first axis.
            return_certainty: Whether to return how sure the reader is, too.

        Returns:
            A list of strings, one for each image. With `return_certainty=True` also a list of
            numbers from 0 to 1: the least certain character of each line, or for an empty line
            the least certain blank.

        Raises:
            ValueError: If an image is none that `prepare` takes. Its place is named.
        """
        return_certainty = arguments.flag("return_certainty", return_certainty)
        lines = all_prepared(images, self.height)
        read = [text_of(belief, self.alphabet) for belief in beliefs(self, lines)]
        texts = [text for text, _ in read]
        return (texts, [certainty for _, certainty in read]) if return_certainty else texts

    def locate(self, image: Any) -> list[Place]:
        """Finds where each character of a line stands.

        Args:
            image: An array of one line, as `prepare` takes it.

        Returns:
            For each character: itself, its left and its right edge in pixels of the image given,
            and how sure the reader is, from 0 to 1. A border between two characters lies midway
            between the last step of the one and the first step of the next.

        Raises:
            ValueError: If the image is none that `prepare` takes.
        """
        line = self.prepare(image)
        (belief,) = beliefs(self, [line])
        width = np.asarray(image).shape[1]
        pixels = self.step_width * width / line.shape[1]
        return [
            (character, min(left * pixels, width), min(right * pixels, width), certainty)
            for character, left, right, certainty in places_of(belief, self.alphabet)
        ]

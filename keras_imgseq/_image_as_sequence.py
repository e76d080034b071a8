"""The layer that reads images as sequences."""

import dataclasses
import math
import numbers
from collections.abc import Sequence
from typing import Any

import keras

from keras_imgseq import _data_format, _libraries
from keras_imgseq._reading import Order, Reading, Step
from keras_imgseq._rearrangement import SequenceShape, Shape, sequence_shape, to_sequences
from keras_imgseq._sequence_as_image import SequenceAsImage


@keras.saving.register_keras_serializable(package="keras_imgseq")
class ImageAsSequence(keras.layers.Layer):  # type: ignore[misc]
    """Reads images as sequences of rows, columns, pixels or patches.

    A recurrent layer wants `(batch, steps, features)`, an image is
    `(batch, height, width, channels)`. This layer decides what one time step sees, `step`,
    and in which order the steps are read: `order`, `transpose` and `reverse`. It has no
    weights; it moves values and never changes one.

    Every step is a patch of the image, flattened in the order (row, column, channel)
    whatever the data format. In einops' notation the layer is
    `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`, followed by one permutation of time.

    Args:
        step: What one time step sees: `"row"`, `"column"`, `"pixel"`, an int `p` for a patch
            of `p` by `p` pixels, or a pair of ints `(patch_height, patch_width)`.
        order: The path along which the grid of patches is visited: `"raster"` (left to right,
            then the next row), `"snake"` (the same, every second row right to left),
            `"zigzag"` (the anti-diagonals, as in JPEG), `"spiral"` (clockwise, inwards),
            `"hilbert"` (neighbours in time are neighbours in space), `"morton"` (by the
            interleaved bits of row and column), `"random"`, or a sequence of ints: the
            grid's cells, numbered in raster order, in the order of reading.
        transpose: Whether the path is made for the transposed grid and mapped back: raster
            then goes down the columns first.
        reverse: Whether the finished path is read backwards.
        seed: Seed for `"random"`, and required there. The path is
            `numpy.random.RandomState(seed).permutation(cells)`, the same for ever.
        padding: `None`, where a size that the patch does not divide is an error, or `"same"`,
            where zeros are added at the bottom and the right.
        mask_value: When set, the steps after the last one that holds any other value are
            masked, so that images padded to a common size are read as long as they really
            are. With `reverse=True` these steps come first, and are masked there.
        data_format: `"channels_last"` or `"channels_first"`, or `None` for the
            `image_data_format` of the Keras configuration.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, height, width)`, `(batch, height, width, channels)`, or
        `(batch, channels, height, width)` with `data_format="channels_first"`, of any dtype.
        Height and width are in pixels. Either may be unknown, `None`, where the patch is one
        pixel along it or `padding="same"`, and where the order is `"raster"` or `"snake"` or
        the grid a single row or column.

    Output shape:
        `(batch, grid_height * grid_width, patch_height * patch_width * channels)`, where the
        grid is the image cut into patches; the dtype is that of the input.

    Raises:
        ValueError: If an argument or the shape of the images is none of the above, if a
            patch does not divide the images, if the number of features is not the one that
            the layer was built for, or if the order is of another grid.

    References:
        - Hilbert: Jakub Červený, "gilbert", https://github.com/jakubcerveny/gilbert
        - Zigzag: ITU-T Recommendation T.81 (JPEG), figure A.6
        - Random: the permuted MNIST of Le, Jaitly and Hinton,
          [arXiv:1504.00941](https://arxiv.org/abs/1504.00941)

    Examples:
        >>> import keras
        >>> from keras_imgseq import ImageAsSequence
        >>> images = keras.Input((28, 28, 3))
        >>> ImageAsSequence("row")(images).shape
        (None, 28, 84)
        >>> ImageAsSequence(step=(4, 7), order="hilbert")(images).shape
        (None, 28, 84)
        >>> ImageAsSequence("row")(keras.Input((None, 28))).shape
        (None, None, 28)
    """

    def __init__(
        self,
        step: Step = "row",
        order: Order | Sequence[int] = "raster",
        *,
        transpose: bool = False,
        reverse: bool = False,
        seed: int | None = None,
        padding: str | None = None,
        mask_value: float | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would change values: a float64 image would come out as float32.
        super().__init__(autocast=False, **kwargs)
        self.reading = Reading(step, order, transpose, reverse, seed, padding)  # type: ignore[arg-type]
        self.mask_value = _checked_mask_value(mask_value)
        self.data_format = _data_format.resolved(data_format)
        self.supports_masking = True

    def __call__(self, images: Any, *args: Any, **kwargs: Any) -> Any:
        # Data pipelines hand over arrays of other libraries, which Keras would convert.
        if _libraries.is_foreign(images):
            return self._read_in_pipeline(images)
        return super().__call__(images, *args, **kwargs)

    def build(self, input_shape: Shape) -> None:
        self.num_features = self.compute_output_shape(input_shape)[-1]

    def compute_output_shape(self, input_shape: Shape) -> SequenceShape:
        return sequence_shape(input_shape, self.reading, self.data_format)

    def compute_output_spec(self, images: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(self._output_shape_as_built(images), images.dtype)

    def call(self, images: Any) -> Any:
        self._output_shape_as_built(images)
        sequences = self._read(images)
        # On JAX the rows of grey images are the images, on which Keras would set the mask too.
        return keras.ops.copy(sequences) if sequences is images else sequences

    def compute_mask(self, images: Any, previous_mask: Any = None) -> Any:
        # A symbolic mask would put its operations into the model; a computed tensor brings
        # its own mask along.
        if self.mask_value is None or isinstance(images, keras.KerasTensor):
            return None
        sequences = self._read(images)
        is_read = keras.ops.any(sequences != self.mask_value, axis=-1)
        num_steps = keras.ops.shape(sequences)[1]
        from_start = keras.ops.arange(1, num_steps + 1)
        if self.reading.reverse:
            from_start = keras.ops.flip(from_start)
        length = keras.ops.max(keras.ops.where(is_read, from_start, 0), axis=1, keepdims=True)
        return from_start <= length

    def inverse(self, image_size: Sequence[int], **kwargs: Any) -> SequenceAsImage:
        """Makes the layer that puts the sequences of this one back into images.

        Args:
            image_size: `(height, width)` of the images, in pixels, or the shape of one image
                with its channels, as in `SequenceAsImage`.
            **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

        Returns:
            A `SequenceAsImage` of the same reading and data format.

        Examples:
            >>> import keras
            >>> from keras_imgseq import ImageAsSequence
            >>> layer = ImageAsSequence("pixel", order="spiral")
            >>> sequences = layer(keras.Input((28, 20, 3)))
            >>> layer.inverse((28, 20))(sequences).shape
            (None, 28, 20, 3)
        """
        _data_format.size_of(image_size, self.data_format)
        if len(image_size) == 2 and self.built:
            _, *image_shape = self.get_build_config()["input_shape"]
            if len(image_shape) == 3:
                axis = _data_format.channel_axis(self.data_format)
                whole = list(image_size)
                whole.insert(axis, image_shape[axis])
                image_size = whole
        arguments = {**dataclasses.asdict(self.reading), "data_format": self.data_format}
        return SequenceAsImage(image_size, **arguments, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = {
            **dataclasses.asdict(self.reading),
            "mask_value": self.mask_value,
            "data_format": self.data_format,
        }
        return {**super().get_config(), **config}

    def _output_shape_as_built(self, images: Any) -> SequenceShape:
        shape = tuple(images.shape)
        output_shape = self.compute_output_shape(shape)
        if output_shape[-1] != self.num_features:
            raise ValueError(
                f"Layer {self.name!r} was built for time steps of {self.num_features} features. "
                f"Received: shape={shape}, which gives {output_shape[-1]}. Write images of the "
                "size and channels that it was built for, or make another ImageAsSequence."
            )
        dtype = keras.backend.standardize_dtype(images.dtype)
        if self.mask_value is not None and not keras.backend.is_float_dtype(dtype):
            raise ValueError(
                "A mask needs images of floats, as the recurrent layer that takes it does. "
                f"Received: mask_value={self.mask_value}, images of {dtype}. Write "
                'images.astype("float32").'
            )
        return output_shape

    def _read_in_pipeline(self, images: Any) -> Any:
        if self.mask_value is not None:
            raise ValueError(
                "A data pipeline passes no mask on. Received: "
                f"mask_value={self.mask_value}, images of {_libraries.library_name(images)}. "
                "Write the layer with `mask_value` into the model instead."
            )
        self.compute_output_shape(_libraries.static_shape(images))
        return self._read(images)

    def _read(self, images: Any) -> Any:
        library = _libraries.library_of(images)
        return to_sequences(library, images, self.reading, self.data_format)


def _checked_mask_value(mask_value: Any) -> float | None:
    if mask_value is None:
        return None
    is_number = isinstance(mask_value, numbers.Real) and not isinstance(mask_value, bool)
    if not is_number or not math.isfinite(mask_value):
        raise ValueError(
            "`mask_value` is the number that the images are padded with, or None. "
            f"Received: mask_value={mask_value!r}. Write mask_value=0.0."
        )
    return float(mask_value)

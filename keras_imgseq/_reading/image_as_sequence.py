"""The layer that reads images as sequences."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_imgseq._reading import arguments, axes, doubts
from keras_imgseq._reading.array_libraries import is_foreign, library_of, static_shape
from keras_imgseq._reading.axes import DataFormat
from keras_imgseq._reading.doubtful_readings import doubt_of_axes, doubt_of_order, doubt_of_padding
from keras_imgseq._reading.given_arrays import layer_input
from keras_imgseq._reading.masks import (
    check_mask,
    check_mask_value,
    filled,
    given_mask,
    is_of_pixels,
    mask_of_steps,
)
from keras_imgseq._reading.padding_in_front import check_padding_arrives
from keras_imgseq._reading.reading import Reading
from keras_imgseq._reading.reading_arguments import Order, Padding, Step
from keras_imgseq._reading.rearrangement import (
    SequenceShape,
    Shape,
    sequence_shape,
    to_sequences,
)
from keras_imgseq._reading.sequence_as_image import SequenceAsImage


@keras.saving.register_keras_serializable(package="keras_imgseq")
class ImageAsSequence(keras.layers.Layer):  # type: ignore[misc]
    """Reads images as sequences of rows, columns, pixels or patches.

    A recurrent layer wants `(batch, steps, features)`, an image is
    `(batch, height, width, channels)`. This layer decides what one time step sees, `step`,
    and in which order the steps are read: `order`, `transpose` and `reverse`. It has no
    weights. It moves values, and changes none of a real pixel.

    Every step is a patch of the image, flattened in the order (row, column, channel)
    whatever the data format. In einops' notation the layer is
    `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`, followed by one permutation of time.

    Args:
        step: What one time step sees: `"row"`, `"column"`, `"pixel"`, an int `p` for a patch
            of `p` by `p` pixels, or a pair of ints `(patch_height, patch_width)`.
        order: The path along which the grid of patches is visited. `"raster"` goes left to
            right, then to the next row. `"snake"` does the same, but every second row goes right
            to left. `"zigzag"` follows the anti-diagonals, as in JPEG. `"spiral"` goes
            clockwise, inwards. `"hilbert"` always goes on to a neighbouring patch, in some grids
            once across a corner.
            `"morton"` goes by the interleaved bits of row and column. `"random"` is a
            permutation made from `seed`. A sequence of ints lists the grid's cells, numbered in
            raster order, in the order of reading.
        transpose: Whether the path is made for the transposed grid and mapped back. A raster
            then goes down the columns first. A Hilbert curve only changes on square grids.
        reverse: Whether the finished path is read backwards.
        seed: The seed of `"random"`, an int that this order requires. The path is
            `numpy.random.RandomState(seed).permutation(cells)`, the same for ever.
        padding: `None` or `"same"`. With `None`, a size that the patch does not divide is an
            error. With `"same"`, zeros fill up the last patches at the bottom and the right.
        mask_value: The value that images of several sizes are padded with, below and on the
            right. Padding above or on the left is not found: put `keras.layers.Masking` in front
            for that. The real part of an image is the rectangle from the top left that holds
            every other value. Steps without a real pixel are masked, and a blank image keeps its
            first step. `padding="same"` then adds this value instead of zeros.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for the
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
        grid is the image cut into patches. The dtype is that of the input. On JAX, Keras makes 32
        bits of 64 before the layer sees them, unless `jax_enable_x64` is set.

    Masks:
        A mask that arrives with the images is read as these are. It tells which pixels are real,
        `(batch, height, width)`, or which rows are, `(batch, height)`, as `keras.layers.Masking`
        makes it. With `mask_value` too, a pixel is real where both say so. With `padding="same"`
        all pixels below and to the right of the real ones become what is added to the last
        patches.

    Raises:
        ValueError: If an argument or the shape of the images is none of the above, if a
            patch does not divide the images, if the number of features is not the one that
            the layer was built for, if the order is of another grid, if a mask has another
            shape, or if `mask_value` is given behind a convolution.

    Warns:
        UserWarning: If the step is a whole row or column, so that the order changes nothing. If
            `data_format` is not given and the channels seem to stand on the other side. If
            `mask_value` is given with an order that runs another path on padded images.

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
        order: Order = "raster",
        *,
        transpose: bool = False,
        reverse: bool = False,
        seed: int | None = None,
        padding: Padding | None = None,
        mask_value: float | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would change values: a float64 image would come out as float32.
        super().__init__(autocast=False, **kwargs)
        self.reading = Reading(step, order, transpose, reverse, seed, padding)
        self.mask_value = arguments.mask_value(mask_value)
        self.data_format = axes.resolved(data_format)
        self.data_format_was_given = data_format is not None
        self.num_features: int | None = None
        self.supports_masking = True
        self._warns = not doubts.is_loading()
        if self._warns:
            doubts.warn(doubt_of_order(self.reading))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ImageAsSequence":
        with doubts.loading():
            return super().from_config(config)  # type: ignore[no-any-return]

    def __call__(self, images: Any, mask: Any = None, **kwargs: Any) -> Any:
        if isinstance(images, (list, tuple)):
            raise ValueError(
                f"The layer reads one array. Received: a {type(images).__name__} of {len(images)} "
                "items. Write np.stack(images) for images of one size. Pad images of several "
                "sizes to one size first, and name the value in `mask_value`."
            )
        images = layer_input(images, "images")
        # Data pipelines hand over arrays of other libraries, which Keras would convert.
        if is_foreign(images):
            return self._read_in_pipeline(images, mask)
        mask = given_mask(mask, images, self.data_format)
        if mask is None and self._warns:
            check_padding_arrives(images, self.mask_value)
        if not self.built and not isinstance(images, keras.KerasTensor):
            self._warn_of_one_image(static_shape(images))
        # By its name: Keras forgets a mask that is given by its place. A subclass may take none.
        if mask is not None:
            kwargs["mask"] = mask
        return super().__call__(images, **kwargs)

    def build(self, input_shape: Shape) -> None:
        self._warn_of_the_axes(input_shape)
        self.num_features = self.compute_output_shape(input_shape)[-1]
        if self._warns:
            doubt = doubt_of_padding(self.reading, self.mask_value, input_shape, self.data_format)
            doubts.warn(doubt)

    def compute_output_shape(self, input_shape: Shape) -> SequenceShape:
        return sequence_shape(input_shape, self.reading, self.data_format)

    def compute_output_spec(self, images: keras.KerasTensor, mask: Any = None) -> keras.KerasTensor:
        return keras.KerasTensor(self._output_shape_as_built(images), images.dtype)

    def call(self, images: Any, mask: Any = None) -> Any:
        self._output_shape_as_built(images)
        if is_of_pixels(mask) and self.reading.padding == "same":
            # An image alone ends with what is added here, one in a batch with masked pixels.
            check_mask(static_shape(mask), static_shape(images), self.data_format)
            images = filled(images, mask, self._padding_value, self.data_format)
        sequences = self._read(images)
        # On JAX the rows of grey images are the images, on which Keras would set the mask too.
        return keras.ops.copy(sequences) if sequences is images else sequences

    def compute_mask(self, images: Any, previous_mask: Any = None) -> Any:
        if previous_mask is not None:
            check_mask(static_shape(previous_mask), static_shape(images), self.data_format)
        elif self.mask_value is None:
            return None
        # A symbolic mask would put its operations into the model.
        if isinstance(images, keras.KerasTensor):
            return None
        return mask_of_steps(images, previous_mask, self.reading, self.mask_value, self.data_format)

    def inverse(self, image_size: Sequence[int], **kwargs: Any) -> SequenceAsImage:
        """Makes the layer that puts the sequences of this one back into images.

        Args:
            image_size: `(height, width)` of the images, in pixels, or the shape of one image
                with its channels, as in `SequenceAsImage`. With `(height, width)`, a layer that
                has read images with a channel axis gives that axis back, with as many channels
                as the sequences hold.
            **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

        Returns:
            A `SequenceAsImage` of the same reading and data format.

        Raises:
            ValueError: If `image_size` is no image size, or one that this layer cannot read.

        Examples:
            >>> import keras
            >>> from keras_imgseq import ImageAsSequence
            >>> layer = ImageAsSequence("pixel", order="spiral")
            >>> sequences = layer(keras.Input((28, 20, 3)))
            >>> layer.inverse((28, 20))(sequences).shape
            (None, 28, 20, 3)
        """
        axes.size_of(image_size, self.data_format)
        whole: list[int | None] = list(image_size)
        if len(whole) == 2 and self.built and len(self.get_build_config()["input_shape"]) == 4:
            whole.insert(axes.channel_axis(self.data_format), None)
        if not self.data_format_was_given:
            doubts.warn(doubt_of_axes(image_size, [self.reading], self.data_format))
        # This layer has said already what is in doubt.
        with doubts.loading():
            return SequenceAsImage(
                whole, **self.reading.arguments, data_format=self.data_format, **kwargs
            )

    def get_config(self) -> dict[str, Any]:
        config = {
            **self.reading.arguments,
            "mask_value": self.mask_value,
            "data_format": self.data_format,
        }
        return {**super().get_config(), **config}

    def _output_shape_as_built(self, images: Any) -> SequenceShape:
        shape = static_shape(images)
        output_shape = self.compute_output_shape(shape)
        if self.num_features not in (None, output_shape[-1]):
            raise ValueError(
                f"Layer {self.name!r} was built for time steps of {self.num_features} features. "
                f"Received: shape={shape}, which gives {output_shape[-1]}. Write images of the "
                "size and channels that it was built for, or make another ImageAsSequence."
            )
        check_mask_value(self.mask_value, images.dtype)
        return output_shape

    def _read_in_pipeline(self, images: Any, mask: Any) -> Any:
        if self.mask_value is not None or mask is not None:
            given = "a mask" if self.mask_value is None else f"mask_value={self.mask_value}"
            raise ValueError(
                f"A data pipeline passes no mask on. Received: {given}, images of "
                f"{library_of(images).name}. Write the layer with `mask_value` into the model "
                "instead."
            )
        shape = static_shape(images)
        self._warn_of_the_axes(shape)
        self._warn_of_one_image(shape)
        self.compute_output_shape(shape)
        return self._read(images)

    def _read(self, images: Any) -> Any:
        return to_sequences(
            library_of(images), images, self.reading, self.data_format, self._padding_value
        )

    @property
    def _padding_value(self) -> float:
        return 0 if self.mask_value is None else self.mask_value

    def _warn_of_the_axes(self, input_shape: Shape) -> None:
        if self._warns and not self.data_format_was_given:
            doubts.warn(doubt_of_axes(input_shape[1:], [self.reading], self.data_format))

    def _warn_of_one_image(self, shape: Shape) -> None:
        if self._warns and not self.data_format_was_given:
            doubts.warn(axes.doubt_of_one_image(shape, "image[None]", self.data_format))

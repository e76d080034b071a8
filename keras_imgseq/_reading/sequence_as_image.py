"""The layer that puts sequences back into images."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_imgseq._reading import axes, doubts
from keras_imgseq._reading.array_libraries import is_foreign, library_of, static_shape
from keras_imgseq._reading.axes import DataFormat
from keras_imgseq._reading.doubtful_readings import doubt_of_axes, doubt_of_order
from keras_imgseq._reading.given_arrays import layer_input
from keras_imgseq._reading.reading import Reading
from keras_imgseq._reading.reading_arguments import Order, Padding, Step
from keras_imgseq._reading.rearrangement import (
    Shape,
    images_shape,
    to_images,
)


@keras.saving.register_keras_serializable(package="keras_imgseq")
class SequenceAsImage(keras.layers.Layer):  # type: ignore[misc]
    """Puts sequences back into images: the exact inverse of `ImageAsSequence`.

    `SequenceAsImage(image_size, ...)(ImageAsSequence(...)(images))` is `images`, with the same
    arguments in both places. `ImageAsSequence.inverse` makes the one from the other. What
    `padding="same"` added is cut off again. Behind a recurrent layer with
    `return_sequences=True` it makes an image of what was found at each pixel or patch. A mask
    of time steps ends here, because it does not fit an image.

    Args:
        image_size: `(height, width)` of the images, in pixels. One channel then comes back
            without a channel axis. To keep that axis, write the shape of one image with its
            channels, for example `(28, 28, 1)`, or `(28, 28, None)` for any number of channels.
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
        data_format: `"channels_last"`, `"channels_first"`, or `None` for the
            `image_data_format` of the Keras configuration.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, grid_height * grid_width, patch_height * patch_width * channels)`, of any
        dtype. The number of steps may be unknown.

    Output shape:
        `(batch, height, width)` for one channel, else `(batch, height, width, channels)`, or
        `(batch, channels, height, width)` with `data_format="channels_first"`. The dtype is
        that of the input.

    Raises:
        ValueError: If an argument is none of the above, or if the sequences are not those of
            the reading and image size.

    Examples:
        >>> import keras
        >>> from keras_imgseq import SequenceAsImage
        >>> sequences = keras.Input((28, 84))
        >>> SequenceAsImage((28, 28), "row")(sequences).shape
        (None, 28, 28, 3)
    """

    def __init__(
        self,
        image_size: Sequence[int | None],
        step: Step = "row",
        order: Order = "raster",
        *,
        transpose: bool = False,
        reverse: bool = False,
        seed: int | None = None,
        padding: Padding | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would change values: a float64 image would come out as float32.
        super().__init__(autocast=False, **kwargs)
        self.reading = Reading(step, order, transpose, reverse, seed, padding)
        self.data_format = axes.resolved(data_format)
        self.reading.num_steps(axes.size_of(image_size, self.data_format))
        self.image_size = tuple(None if side is None else int(side) for side in image_size)
        self.supports_masking = True
        if not doubts.is_loading():
            doubts.warn(doubt_of_order(self.reading))
            if data_format is None:
                doubts.warn(doubt_of_axes(self.image_size, [self.reading], self.data_format))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SequenceAsImage":
        with doubts.loading():
            return super().from_config(config)  # type: ignore[no-any-return]

    def __call__(self, sequences: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(sequences, (list, tuple)):
            raise ValueError(
                f"The layer takes one array. Received: a {type(sequences).__name__} of "
                f"{len(sequences)} items. Write np.stack(sequences) for sequences of one length."
            )
        sequences = layer_input(sequences, "sequences")
        # Data pipelines hand over arrays of other libraries, which Keras would convert.
        if is_foreign(sequences):
            return self.call(sequences)
        return super().__call__(sequences, *args, **kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return images_shape(input_shape, self.image_size, self.reading, self.data_format)

    def compute_output_spec(self, sequences: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(sequences.shape), sequences.dtype)

    def call(self, sequences: Any) -> Any:
        _, *image_shape = self.compute_output_shape(static_shape(sequences))
        library = library_of(sequences)
        images = to_images(library, sequences, self.reading, tuple(image_shape), self.data_format)
        # On JAX the images of rows are the sequences, whose mask would stay.
        is_same = images is sequences and not is_foreign(sequences)
        return keras.ops.copy(images) if is_same else images

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        # A mask of time steps does not fit an image.
        return None

    def get_config(self) -> dict[str, Any]:
        config = {
            "image_size": self.image_size,
            **self.reading.arguments,
            "data_format": self.data_format,
        }
        return {**super().get_config(), **config}

"""The layer that puts sequences back into images."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_imgseq import _data_format, _libraries
from keras_imgseq._reading import Order, Reading, Step
from keras_imgseq._rearrangement import Shape, images_shape, to_images


@keras.saving.register_keras_serializable(package="keras_imgseq")
class SequenceAsImage(keras.layers.Layer):  # type: ignore[misc]
    """Puts sequences back into images: the exact inverse of `ImageAsSequence`.

    `SequenceAsImage(image_size, ...)(ImageAsSequence(...)(images))` is `images`, with the same
    arguments in both places; `ImageAsSequence.inverse` makes the one from the other. What
    `padding="same"` added is cut off again. Behind a recurrent layer with
    `return_sequences=True` it makes an image of what was found at each pixel or patch.

    Args:
        image_size: `(height, width)` of the images, in pixels; one channel then comes back
            without a channel axis. Or the shape of one image with its channels, such as
            `(28, 28, 1)`, to keep that axis.
        step: As in `ImageAsSequence`, like the arguments that follow.
        order: See there.
        transpose: See there.
        reverse: See there.
        seed: See there.
        padding: See there.
        data_format: Where the channels of the images are put. See there.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, grid_height * grid_width, patch_height * patch_width * channels)`, of any
        dtype. The number of steps may be unknown.

    Output shape:
        `(batch, height, width)` for one channel, else `(batch, height, width, channels)`, or
        `(batch, channels, height, width)` with `data_format="channels_first"`; the dtype is
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
        image_size: Sequence[int],
        step: Step = "row",
        order: Order | Sequence[int] = "raster",
        *,
        transpose: bool = False,
        reverse: bool = False,
        seed: int | None = None,
        padding: str | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would change values: a float64 image would come out as float32.
        super().__init__(autocast=False, **kwargs)
        self.reading = Reading(step, order, transpose, reverse, seed, padding)  # type: ignore[arg-type]
        self.data_format = _data_format.resolved(data_format)
        self.reading.num_steps(_data_format.size_of(image_size, self.data_format))
        self.image_size = tuple(int(side) for side in image_size)
        self.supports_masking = True

    def __call__(self, sequences: Any, *args: Any, **kwargs: Any) -> Any:
        # Data pipelines hand over arrays of other libraries, which Keras would convert.
        if _libraries.is_foreign(sequences):
            return self.call(sequences)
        return super().__call__(sequences, *args, **kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return images_shape(input_shape, self.image_size, self.reading, self.data_format)

    def compute_output_spec(self, sequences: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(sequences.shape), sequences.dtype)

    def call(self, sequences: Any) -> Any:
        _, *image_shape = self.compute_output_shape(_libraries.static_shape(sequences))
        library = _libraries.library_of(sequences)
        return to_images(library, sequences, self.reading, tuple(image_shape), self.data_format)

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        # A mask of time steps says nothing that fits an image.
        return None

    def get_config(self) -> dict[str, Any]:
        config = {
            "image_size": self.image_size,
            **dataclasses.asdict(self.reading),
            "data_format": self.data_format,
        }
        return {**super().get_config(), **config}

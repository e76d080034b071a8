"""The layer that reads images as sequences."""

import dataclasses
from typing import Any

import keras

from keras_imgseq import _data_format
from keras_imgseq._reading import Reading, Step

Shape = tuple[int | None, ...]


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
        order: The path along which the grid of patches is visited. `"raster"` goes left to
            right, then to the next row of the grid.
        transpose: Whether the path is made for the transposed grid and mapped back: raster
            then goes down the columns first.
        reverse: Whether the finished path is read backwards.
        data_format: `"channels_last"` or `"channels_first"`, or `None` for the
            `image_data_format` of the Keras configuration.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, height, width)`, `(batch, height, width, channels)`, or
        `(batch, channels, height, width)` with `data_format="channels_first"`, of any dtype.
        Height and width are in pixels. An unknown one, `None`, is fine where the patch is one
        pixel along it.

    Output shape:
        `(batch, grid_height * grid_width, patch_height * patch_width * channels)`, where the
        grid is the image cut into patches; the dtype is that of the input.

    Raises:
        ValueError: If an argument or the shape of the images is none of the above, if a
            patch does not divide the images, or if the number of features is not the one
            that the layer was built for.

    Examples:
        >>> import keras
        >>> from keras_imgseq import ImageAsSequence
        >>> images = keras.Input((28, 28, 3))
        >>> ImageAsSequence("row")(images).shape
        (None, 28, 84)
        >>> ImageAsSequence(step=(4, 7))(images).shape
        (None, 28, 84)
        >>> ImageAsSequence("row")(keras.Input((None, 28))).shape
        (None, None, 28)
    """

    def __init__(
        self,
        step: Step = "row",
        order: str = "raster",
        *,
        transpose: bool = False,
        reverse: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would change values: a float64 image would come out as float32.
        super().__init__(autocast=False, **kwargs)
        self.reading = Reading(step, order, transpose, reverse)
        self.data_format = _data_format.resolved(data_format)

    def build(self, input_shape: Shape) -> None:
        self.num_features = self.compute_output_shape(input_shape)[-1]

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, int | None, int]:
        batch, image_size, num_channels = _data_format.sizes_of(input_shape, self.data_format)
        num_features = self.reading.num_features(image_size, num_channels)
        return batch, self.reading.num_steps(image_size), num_features

    def compute_output_spec(self, images: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(self._output_shape_as_built(images), images.dtype)

    def call(self, images: Any) -> Any:
        num_features = self._output_shape_as_built(images)[-1]
        shape = keras.ops.shape(images)
        batch, (height, width), num_channels = _data_format.sizes_of(shape, self.data_format)
        patch: tuple[Any, Any] = self.reading.patch_size((height, width))
        grid = height // patch[0], width // patch[1]
        split = [batch, grid[0], patch[0], grid[1], patch[1], num_channels]
        axes = [0, 3, 1, 2, 4, 5] if self.reading.transpose else [0, 1, 3, 2, 4, 5]
        if self.data_format == "channels_first":
            split.insert(1, split.pop())
            axes = [0, *(axis + 1 for axis in axes[1:5]), 1]
        patches = keras.ops.transpose(keras.ops.reshape(images, split), axes)
        sequences = keras.ops.reshape(patches, (batch, grid[0] * grid[1], num_features))
        return keras.ops.flip(sequences, axis=1) if self.reading.reverse else sequences

    def get_config(self) -> dict[str, Any]:
        config = {
            **dataclasses.asdict(self.reading),
            "data_format": self.data_format,
        }
        return {**super().get_config(), **config}

    def _output_shape_as_built(self, images: Any) -> tuple[int | None, int | None, int]:
        shape = tuple(images.shape)
        output_shape = self.compute_output_shape(shape)
        if output_shape[-1] != self.num_features:
            raise ValueError(
                f"Layer {self.name!r} was built for time steps of {self.num_features} features. "
                f"Received: shape={shape}, which gives {output_shape[-1]}. Write images of the "
                "size and channels that it was built for, or make another ImageAsSequence."
            )
        return output_shape

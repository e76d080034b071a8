"""The convolutions in front of a reading."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_imgseq._network.frozen_layers import freeze, frozen_names
from keras_imgseq._network.stem_arguments import checked_stem
from keras_imgseq._reading import arguments, axes, doubts
from keras_imgseq._reading.axes import DataFormat
from keras_imgseq._reading.given_arrays import layer_input
from keras_imgseq._reading.masks import (
    check_mask,
    check_mask_value,
    given_mask,
    is_of_pixels,
    real_pixels,
    with_the_first,
)
from keras_imgseq._reading.padding_in_front import check_padding_arrives
from keras_imgseq._reading.rearrangement import Shape


@keras.saving.register_keras_serializable(package="keras_imgseq")
class ConvStem(keras.layers.Layer):  # type: ignore[misc]
    """Finds features in images of any size, and knows which pixels are padding.

    It is the stem of a convolutional recurrent network (CRNN). Each convolution of 3 x 3 pixels
    is followed by a batch normalization, a relu and a maximum over `pool_sizes`. Padding below
    and on the right never changes a result. Padded pixels are zero in front of every convolution,
    and the batch statistics leave them out.

    Args:
        filters: Number of filters, or a sequence of them: one convolution for each.
        pool_sizes: A pair of ints `(height, width)` for each convolution: the pixels of which
            the largest is kept. `(1, 1)` keeps all. `None` means `(2, 2)` for each.
        mask_value: The value that images of several sizes are padded with, below and on the
            right, as in `ImageAsSequence`.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for the
            `image_data_format` of the Keras configuration.
        scale: Number that multiplies the pixels, after `mask_value` was compared with them.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, height, width)`, `(batch, height, width, channels)`, or
        `(batch, channels, height, width)` with `data_format="channels_first"`, of any dtype.
        Height and width are in pixels, and may be unknown, `None`.

    Output shape:
        `(batch, height, width, filters)`, or `(batch, filters, height, width)` with
        `data_format="channels_first"`. Height and width are divided by the pool sizes, one after
        the other, and rounded up. The dtype is the layer's compute dtype.

    Masks:
        A mask that arrives with the images is read as they are, as in `ImageAsSequence`. The mask
        of the output has its height and width. A pooled pixel is real where any of its pixels
        is. A blank image keeps its first pixel. With the channels first it has an axis of size 1
        for them, which `ImageAsSequence` and `ConvStem` take.

    Raises:
        ValueError: If an argument is none of the above, if the numbers of filters and pool
            sizes differ, if the number of channels is unknown, if a mask has another shape, or if
            `mask_value` is given behind another convolution.

    References:
        Baoguang Shi, Xiang Bai and Cong Yao, "An End-to-End Trainable Neural Network for
        Image-based Sequence Recognition", [arXiv:1507.05717](https://arxiv.org/abs/1507.05717)

    Examples:
        >>> import keras
        >>> from keras_imgseq import ConvStem, ImageAsSequence
        >>> lines = keras.Input((40, None))
        >>> features = ConvStem((16, 32), pool_sizes=((2, 2), (2, 1)), mask_value=0.0)(lines)
        >>> features.shape
        (None, 10, None, 32)
        >>> ImageAsSequence("column")(features).shape
        (None, None, 320)
    """

    def __init__(
        self,
        filters: int | Sequence[int],
        pool_sizes: Sequence[Sequence[int]] | None = None,
        mask_value: float | None = None,
        data_format: DataFormat | None = None,
        *,
        scale: float | None = None,
        **kwargs: Any,
    ) -> None:
        # Autocasting would change what `mask_value` is compared with.
        super().__init__(autocast=False, **kwargs)
        self.filters, self.pool_sizes = checked_stem(filters, pool_sizes)
        self.mask_value = arguments.mask_value(mask_value)
        self.scale = arguments.scale(scale)
        self.data_format = axes.resolved(data_format)
        self._is_loaded = doubts.is_loading()
        self._warns = data_format is None and not self._is_loaded
        self.supports_masking = True
        # Channels last inside: a batch normalization takes masks of that form alone.
        self.convolutions = [
            keras.layers.Conv2D(
                number,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=f"convolution_{place}",
            )
            for place, number in enumerate(self.filters, start=1)
        ]
        self.normalizations = [
            keras.layers.BatchNormalization(dtype=self.dtype_policy, name=f"normalization_{place}")
            for place in range(1, len(self.filters) + 1)
        ]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ConvStem":
        config = dict(config)
        frozen = config.pop("frozen", ())
        with doubts.loading():
            stem: ConvStem = super().from_config(config)
        freeze(stem.trained_layers, frozen)
        return stem

    @property
    def trained_layers(self) -> list[keras.layers.Layer]:
        """The layers that hold the weights."""
        return [*self.convolutions, *self.normalizations]

    def __call__(self, images: Any, mask: Any = None, **kwargs: Any) -> Any:
        images = layer_input(images, "images")
        mask = given_mask(mask, images, self.data_format)
        if mask is None and not self._is_loaded:
            check_padding_arrives(images, self.mask_value)
        # By its name: Keras forgets a mask that is given by its place.
        # A subclass may take no mask.
        if mask is not None:
            kwargs["mask"] = mask
        return super().__call__(images, **kwargs)

    def build(self, input_shape: Shape) -> None:
        num_features = axes.sizes_of(input_shape, self.data_format)[2]
        # Maps of features have a power of two of them.
        is_of_features = num_features >= 8 and num_features & (num_features - 1) == 0
        if self._warns and len(input_shape) == 4 and not is_of_features:
            doubts.warn(axes.doubt(input_shape[1:], self.data_format, is_meant=False))
        batch, (height, width), channels = axes.sizes_of(input_shape, self.data_format)
        for convolution, normalization in zip(self.convolutions, self.normalizations, strict=True):
            convolution.build((batch, height, width, channels))
            channels = convolution.filters
            normalization.build((batch, height, width, channels))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        batch, size, _ = axes.sizes_of(input_shape, self.data_format)
        height, width = self.pooled_size(size)
        if self.data_format == "channels_first":
            return batch, self.filters[-1], height, width
        return batch, height, width, self.filters[-1]

    def compute_output_spec(self, images: Any, mask: Any = None, training: Any = None) -> Any:
        check_mask_value(self.mask_value, images.dtype, may_be_int=True)
        return keras.KerasTensor(self.compute_output_shape(images.shape), self.compute_dtype)

    def pooled_size(self, size: Sequence[int | None]) -> tuple[int | None, int | None]:
        """`(height, width)` of the output for images of this size."""
        height, width = size
        for pool_height, pool_width in self.pool_sizes:
            height = None if height is None else -(-height // pool_height)
            width = None if width is None else -(-width // pool_width)
        return height, width

    def call(self, images: Any, mask: Any = None, training: bool | None = None) -> Any:
        check_mask_value(self.mask_value, images.dtype, may_be_int=True)
        real = self._real_pixels(images, mask if is_of_pixels(mask) else None)
        features = ops.cast(images, self.compute_dtype)
        if len(images.shape) == 3:
            features = ops.expand_dims(features, -1)
        elif self.data_format == "channels_first":
            features = ops.transpose(features, (0, 2, 3, 1))
        if self.scale is not None:
            features = features * self.scale
        features = _only(real, features)
        for convolution, normalization, pool_size in zip(
            self.convolutions, self.normalizations, self.pool_sizes, strict=True
        ):
            features = normalization(convolution(features), training=training, mask=real)
            # A relu after the pool gives the same values and runs on fewer pixels.
            features = ops.relu(_pooled(_only(real, features), pool_size))
            real = None if real is None else _pooled_mask(real, pool_size)
        if self.data_format == "channels_first":
            features = ops.transpose(features, (0, 3, 1, 2))
        return features

    def compute_mask(self, images: Any, previous_mask: Any = None) -> Any:
        # A symbolic mask would put its operations into the model.
        if isinstance(images, keras.KerasTensor):
            return None
        real = self._real_pixels(images, previous_mask)
        if real is None:
            return None
        for pool_size in self.pool_sizes:
            real = _pooled_mask(real, pool_size)
        # With an axis of channels, or it could be taken for a mask of channels.
        return ops.expand_dims(real, 1) if self.data_format == "channels_first" else real

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "filters": self.filters,
            "pool_sizes": self.pool_sizes,
            "mask_value": self.mask_value,
            "data_format": self.data_format,
            "scale": self.scale,
        }
        frozen = frozen_names(self.trained_layers)
        if frozen:
            config["frozen"] = frozen
        return {**super().get_config(), **config}

    def _real_pixels(self, images: Any, mask: Any) -> Any:
        if mask is not None:
            check_mask(mask.shape, images.shape, self.data_format)
        elif self.mask_value is None:
            return None
        real = real_pixels(images, mask, self.mask_value, self.data_format)
        if self.mask_value is None:
            return real
        batch, height, width = shape = ops.shape(real)
        return ops.reshape(with_the_first(ops.reshape(real, (batch, height * width))), shape)


def _only(real: Any, features: Any) -> Any:
    """The features with zeros where pixels are not real."""
    if real is None:
        return features
    return ops.where(real[..., None], features, ops.zeros_like(features))


def _pooled(features: Any, pool_size: tuple[int, int]) -> Any:
    """The largest of each pool, from the top left. What a pool lacks at the end counts as zero."""
    height, width = pool_size
    if (height, width) == (1, 1):
        return features
    # Keras' "same" shifts the pools by half of what they lack, which depends on the width.
    # A trace hands over sizes that are no ints.
    below, right = (
        0 if isinstance(size, int) and size % pool == 0 else pool - 1
        for size, pool in zip(features.shape[1:3], pool_size, strict=True)
    )
    if below or right:
        features = ops.pad(features, ((0, 0), (0, below), (0, right), (0, 0)))
    return ops.max_pool(
        features, pool_size, strides=pool_size, padding="valid", data_format="channels_last"
    )


def _pooled_mask(real: Any, pool_size: tuple[int, int]) -> Any:
    return _pooled(ops.cast(real, "float32")[..., None], pool_size)[..., 0] > 0

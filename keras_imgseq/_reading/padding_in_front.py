"""Refuses `mask_value` behind a convolution, which changes the padding."""

from typing import Any

import keras
from keras import layers

# Layers that bring no mask of their own, so that none comes through them from a convolution.
BRING_NO_MASK = (
    layers.Activation,
    layers.Add,
    layers.AveragePooling2D,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.Dropout,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.LeakyReLU,
    layers.MaxPooling2D,
    layers.ReLU,
    layers.Rescaling,
    layers.SpatialDropout2D,
    layers.UpSampling2D,
    layers.ZeroPadding2D,
)


def check_padding_arrives(images: Any, mask_value: float | None) -> None:
    """Raises an error if images of a model, which bring no mask, come from a convolution."""
    if mask_value is None or not isinstance(images, keras.KerasTensor):
        return
    layer = _convolution_in_front(images)
    if layer is not None:
        raise ValueError(
            "A convolution in front changes the padding, so `mask_value` does not find it. "
            f"Received: mask_value={mask_value} behind the layer {layer.name!r}. For images of one "
            "size, omit `mask_value`. For images of several sizes, write ConvStem(filters, "
            f"mask_value={mask_value}) instead of that layer, or hand over a mask of the size of "
            "the features: layer(features, mask=mask)."
        )


def _convolution_in_front(images: Any) -> Any:
    """The convolution, or the model with one, that images of a model certainly come from."""
    waiting, seen = [images], set()
    while waiting:
        images = waiting.pop()
        layer = _made_by(images)
        if id(images) in seen or layer is None:
            continue
        seen.add(id(images))
        is_of_keras = type(layer).__module__.startswith("keras.")
        if isinstance(layer, keras.Model):
            outputs = getattr(layer, "outputs", None) or []
            if is_of_keras and len(outputs) == 1 and _convolution_in_front(outputs[0]):
                return layer
        elif is_of_keras and _changes_padding(layer):
            return layer
        # Of a layer that was called before, only the first input is known.
        elif layer.output is images:
            if _is_stem_without_mask(layer):
                return layer
            if is_of_keras and isinstance(layer, BRING_NO_MASK):
                waiting += keras.tree.flatten(layer.input)
    return None


def _made_by(images: Any) -> Any:
    # Keras has no public name for it.
    return getattr(getattr(images, "_keras_history", None), "operation", None)


def _changes_padding(layer: Any) -> bool:
    """Whether a layer of Keras is a convolution that makes other values of padding."""
    if not hasattr(layer, "kernel_size") or not layer.weights:
        return False
    return layer.use_bias or any(size > 1 for size in layer.kernel_size)


def _is_stem_without_mask(layer: Any) -> bool:
    """Whether a layer is a ConvStem that is told of no padding, and is given no mask."""
    is_stem = hasattr(layer, "pool_sizes") and getattr(layer, "mask_value", 0) is None
    return is_stem and isinstance(_made_by(layer.input), layers.InputLayer)

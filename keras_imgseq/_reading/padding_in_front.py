"""Refuses `mask_value` where a layer in front has changed the padding."""

from typing import Any

import keras

# What these hand on has the padding that each of their inputs has.
JOINS = (keras.layers.Add, keras.layers.Concatenate)
# Their weights are known before training, or keep zeros.
KEEPS = (keras.layers.Normalization, keras.layers.PReLU)


def check_padding_arrives(images: Any, mask_value: float | None, cure: str) -> None:
    """Raises an error if images of a model, which bring no mask, come from a convolution."""
    if mask_value is None or not isinstance(images, keras.KerasTensor):
        return
    layer = _what_changes_padding(images)
    if layer is not None:
        raise ValueError(
            "A layer in front changes the padding, so `mask_value` does not find it. Received: "
            f"mask_value={mask_value} behind {layer.name!r}, of the class "
            f"{type(layer).__name__}. {cure} Or omit `mask_value` and hand a mask over: "
            "layer(images, mask=mask)."
        )


def _what_changes_padding(images: Any) -> Any:
    """The layer nearest to the reading that changes padding, unless a mask may come through it."""
    waiting: list[tuple[Any, Any]] = [(images, None)]
    seen: set[int] = set()
    given: dict[int, Any] = {}
    while waiting:
        images, found = waiting.pop()
        layer = _made_by(images)
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, keras.layers.InputLayer):
            if id(layer) in given:
                waiting.append((given[id(layer)], found))
            elif found is not None:
                return found
        elif isinstance(layer, keras.Model) and getattr(layer, "outputs", None):
            outer = keras.tree.flatten(layer.input)
            given |= {id(_made_by(i)): o for i, o in zip(layer.inputs, outer, strict=True)}
            waiting.append((layer.outputs[0], found))
        elif _is_known(layer):
            if found is None and _changes_padding(layer):
                found = layer
            if found is not None and not layer.supports_masking:
                return found
            inputs = keras.tree.flatten(layer.input)
            if len(inputs) == 1 or isinstance(layer, JOINS):
                waiting += [(one, found) for one in inputs]
    return None


def _is_known(layer: Any) -> bool:
    """Whether a layer is one of Keras, which brings no mask of its own."""
    is_of_keras = type(layer).__module__.startswith("keras.")
    is_layer = isinstance(layer, keras.layers.Layer)
    return is_of_keras and is_layer and not isinstance(layer, keras.layers.Masking)


def _made_by(images: Any) -> Any:
    """The layer or operation that images of a model come from."""
    # Keras has no public name for it.
    history = getattr(images, "_keras_history", None)
    return None if history is None else history.operation


def _changes_padding(layer: Any) -> bool:
    """Whether a layer makes other values of padding, which only the trained weights tell."""
    if not layer.weights or isinstance(layer, KEEPS):
        return False
    is_of_single_pixels = all(size == 1 for size in getattr(layer, "kernel_size", ()))
    return not is_of_single_pixels or getattr(layer, "use_bias", True)

"""The layers that a training leaves as they are, which a layer made from arguments forgets."""

from collections.abc import Iterable

import keras


def frozen_names(layers: Iterable[keras.layers.Layer]) -> list[str]:
    """The names of the layers that are not trained."""
    return [layer.name for layer in layers if not layer.trainable]


def freeze(layers: Iterable[keras.layers.Layer], names: Iterable[str]) -> None:
    """Leaves the layers of these names untrained."""
    for layer in layers:
        if layer.name in names:
            layer.trainable = False

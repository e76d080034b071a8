"""The layers that a training leaves as they are, which a layer made from arguments forgets."""

from collections.abc import Iterable, Iterator

import keras


def frozen_names(layers: Iterable[keras.layers.Layer]) -> list[str]:
    """The names of the layers that are not trained."""
    return [name for name, layer in _by_name(layers) if not layer.trainable]


def freeze(layers: Iterable[keras.layers.Layer], names: Iterable[str]) -> None:
    """Leaves the layers of these names untrained."""
    for name, layer in _by_name(layers):
        if name in names:
            layer.trainable = False


def _by_name(layers: Iterable[keras.layers.Layer]) -> Iterator[tuple[str, keras.layers.Layer]]:
    """The layers, and both directions of those that read in two."""
    for layer in layers:
        yield layer.name, layer
        if isinstance(layer, keras.layers.Bidirectional):
            # Keras numbers their own names anew in each process.
            yield f"{layer.name}/forward", layer.forward_layer
            yield f"{layer.name}/backward", layer.backward_layer

"""What a network takes for pixels: their scaling, the value of padding, and the data format."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers as keras_layers

from keras_imgseq import ConvStem, ImageAsSequence
from keras_imgseq._network.model import all_layers

# Layers that pass pixels on, perhaps to other places.
PASSING = (
    ImageAsSequence,
    keras_layers.CenterCrop,
    keras_layers.Cropping2D,
    keras_layers.Dropout,
    keras_layers.Flatten,
    keras_layers.GaussianNoise,
    keras_layers.InputLayer,
    keras_layers.Masking,
    keras_layers.MaxPooling2D,
    keras_layers.Permute,
    keras_layers.RandomFlip,
    keras_layers.RandomRotation,
    keras_layers.RandomTranslation,
    keras_layers.RandomZoom,
    keras_layers.Reshape,
    keras_layers.Resizing,
    keras_layers.SpatialDropout2D,
    keras_layers.ZeroPadding2D,
)
UNKNOWN = float("nan"), 0.0
# Scale and offset: what pixels were multiplied with, and what was then added.
Scaling = tuple[Any, Any]


def scaling_of(model: keras.Model) -> Scaling:
    """Scale and offset, lists where channels differ, or `None` where there is not one of each."""
    walk = _Walk()
    answers = walk.through(model, (1.0, 0.0))
    used = [*walk.used, *([answers] if answers else [])]
    found = [[np.asarray(part).tolist() for part in scaling] for scaling in used]
    if not found or any(scaling != found[0] for scaling in found):
        return None, None
    scale, offset = found[0]
    return (None, None) if np.isnan(np.sum(scale)) else (scale, offset)


def padding_of(model: keras.Model) -> float | None:
    """The value of pixels that the network takes for padding."""
    walk = _Walk()
    walk.through(model, (1.0, 0.0))
    return walk.padding[0] if walk.padding else None


def data_format_of(model: keras.Model) -> str:
    """Where the channels of the images stand."""
    layers = sorted(
        all_layers(model), key=lambda layer: not isinstance(layer, (ConvStem, ImageAsSequence))
    )
    formats = [getattr(layer, "data_format", None) for layer in layers]
    return next((known for known in formats if known), "channels_last")


@dataclasses.dataclass
class _Walk:
    """The way of the pixels through a network, up to the layers that compute with them."""

    used: list[Scaling] = dataclasses.field(default_factory=list)
    padding: list[float] = dataclasses.field(default_factory=list)

    def through(self, model: keras.Model, scaling: Scaling) -> Scaling | None:
        """The scaling of what a model gives, where that still is pixels."""
        known: dict[int, Scaling] = {id(tensor): scaling for tensor in model.inputs}
        last: Scaling | None = scaling
        newest = scaling
        is_chain = isinstance(model, keras.Sequential)
        # Operations outside of layers too.
        for layer in model.layers if is_chain else model.operations:
            given = last
            if not is_chain and isinstance(layer, keras.Model):
                # Its inputs are its own, and do not tell what it is called with.
                given = newest
            elif not is_chain:
                tensors = keras.tree.flatten(layer.input)
                given = next((known[id(t)] for t in tensors if id(t) in known), None)
            if given is None:
                continue
            last = self._behind(layer, given)
            newest = last or newest
            if last is not None and not is_chain:
                known |= {id(tensor): last for tensor in keras.tree.flatten(layer.output)}
        return last if is_chain else known.get(id(model.outputs[0]))

    def _behind(self, layer: Any, given: Scaling) -> Scaling | None:
        scale, offset = given
        if getattr(layer, "mask_value", None) is not None:
            self.padding += np.ravel((layer.mask_value - offset) / scale).tolist()[:1]
        if isinstance(layer, keras.Model):
            return self.through(layer, given)
        if isinstance(layer, PASSING):
            return given
        if isinstance(layer, keras_layers.Rescaling):
            factor = np.asarray(layer.scale, "float64")
            # One number stays one where only the factors of the channels differ.
            before = offset * factor if np.any(offset) else 0.0
            return scale * factor, before + np.asarray(layer.offset, "float64")
        if isinstance(layer, ConvStem) and layer.scale is not None:
            scale = scale * layer.scale
        # The mean and variance of a normalization are those of its own data.
        is_known = isinstance(layer, keras_layers.Layer)
        is_known = is_known and not isinstance(layer, keras_layers.Normalization)
        self.used.append((scale, offset) if is_known else UNKNOWN)
        return None

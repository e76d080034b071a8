"""What a network takes for pixels: their scaling, the value of padding, and the data format."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers as keras_layers

from keras_imgseq import ConvStem, ImageAsSequence
from keras_imgseq._export.graph import Call, Place, graph_of
from keras_imgseq._network.model import all_layers

# Layers that pass pixels on, perhaps to other places, or their averages. By their names: not every
# version of Keras has all of them.
PASSING_NAMES = (
    "ActivityRegularization",
    "AlphaDropout",
    "AugMix",
    "AveragePooling1D",
    "AveragePooling2D",
    "CenterCrop",
    "Cropping1D",
    "Cropping2D",
    "CutMix",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "Identity",
    "InputLayer",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MixUp",
    "Permute",
    "RandAugment",
    "RepeatVector",
    "Reshape",
    "Resizing",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "UpSampling1D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
)
PASSING: tuple[type, ...] = (
    ImageAsSequence,
    *(getattr(keras_layers, name) for name in PASSING_NAMES if hasattr(keras_layers, name)),
    # What changes images at random leaves them as they are once the network is trained.
    *(kind for name, kind in vars(keras_layers).items() if name.startswith("Random")),
)
UNKNOWN = float("nan"), 0.0
# Scale and offset: what pixels were multiplied with, and what was then added.
Scaling = tuple[Any, Any]
Scalings = list[Scaling | None]


def scaling_of(model: keras.Model) -> Scaling:
    """Scale and offset, lists where channels differ, or `None` where there is not one of each."""
    found = [
        [np.asarray(part).tolist() for part in scaling] for scaling in _walk_through(model).used
    ]
    if not found or any(scaling != found[0] for scaling in found):
        return None, None
    scale, offset = found[0]
    return (None, None) if np.isnan(np.sum(scale)) else (scale, offset)


def padding_of(model: keras.Model) -> float | None:
    """The value of pixels that the network takes for padding, or `None` where there is not one."""
    found = set(_walk_through(model).padding)
    return found.pop() if len(found) == 1 else None


def data_format_of(model: keras.Model) -> str:
    """Where the channels of the images stand."""
    layers = sorted(
        layers_of(model), key=lambda layer: not isinstance(layer, (ConvStem, ImageAsSequence))
    )
    formats = [getattr(layer, "data_format", None) for layer in layers]
    return next((known for known in formats if known), "channels_last")


def layers_of(model: keras.Model) -> Iterator[Any]:
    """All layers, those too that read each image of a video."""
    for layer in map(_of_one_image, all_layers(model)):
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer


def _of_one_image(layer: Any) -> Any:
    """The layer that `TimeDistributed` calls for each image of a video, or the layer itself."""
    while isinstance(layer, keras_layers.TimeDistributed):
        layer = layer.layer
    return layer


def _walk_through(model: keras.Model) -> "_Walk":
    walk = _Walk()
    answers = walk.through(model, [(1.0, 0.0)] * len(model.inputs))
    walk.used += [answer for answer in answers if answer is not None]
    return walk


@dataclasses.dataclass
class _Walk:
    """The way of the pixels through a network, up to the layers that compute with them."""

    used: list[Scaling] = dataclasses.field(default_factory=list)
    padding: list[float] = dataclasses.field(default_factory=list)

    def through(self, model: keras.Model, given: Scalings) -> Scalings:
        """The scaling of each output that still is pixels, or `None`."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                given = self._behind(layer, given)
            return given
        graph = graph_of(model)
        known = {place[:2]: [one] for place, one in zip(graph.inputs, given, strict=True)}
        for call, layer, places in graph.calls:
            known[call] = self._behind(layer, [_at(place, known) for place in places])
        return [_at(place, known) for place in graph.outputs]

    def _behind(self, layer: Any, given: Scalings) -> Scalings:
        """The scaling of each output of a layer, from that of each input."""
        layer = _of_one_image(layer)
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            return self.through(layer, given)
        pixels = [scaling for scaling in given if scaling is not None]
        if not pixels:
            return [None]
        if any(str(scaling) != str(pixels[0]) for scaling in pixels):
            self.used += pixels
            return [None]
        scale, offset = pixels[0]
        if getattr(layer, "mask_value", None) is not None:
            self.padding += np.ravel((layer.mask_value - offset) / scale).tolist()[:1]
        is_joined = isinstance(layer, keras_layers.Concatenate) and len(pixels) == len(given)
        if is_joined or isinstance(layer, PASSING) or _is_linear(layer):
            return [pixels[0]]
        if isinstance(layer, keras_layers.Rescaling):
            factor = np.asarray(layer.scale, "float64")
            # One number stays one where only the factors of the channels differ.
            before = offset * factor if np.any(offset) else 0.0
            return [(scale * factor, before + np.asarray(layer.offset, "float64"))]
        if isinstance(layer, ConvStem) and layer.scale is not None:
            scale = scale * layer.scale
        self.used.append((scale, offset) if _begins_to_compute(layer) else UNKNOWN)
        return [None]


def _at(place: Place, known: dict[Call, Scalings]) -> Scaling | None:
    scalings = known[place[:2]]
    return scalings[place[2]] if place[2] < len(scalings) else scalings[0]


def _is_linear(layer: Any) -> bool:
    is_activation = isinstance(layer, keras_layers.Activation)
    return is_activation and layer.activation is keras.activations.linear


def _begins_to_compute(layer: Any) -> bool:
    """Whether a layer is where the network begins, and no scaling of another form."""
    # Without weights it may be a scaling. So may a layer of another package. The mean and variance
    # of a normalization are those of its own data.
    is_known = type(layer).__module__.split(".")[0] in ("keras", "keras_imgseq")
    is_normalization = isinstance(layer, keras_layers.Normalization)
    return is_known and bool(getattr(layer, "weights", None)) and not is_normalization
